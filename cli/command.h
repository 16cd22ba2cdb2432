// Subcommands as rows of one table. The parser (CLI11, in command_line.cc), --help, the shell
// completions and the documentation read the rows.
//
// To add a command: write its CommandSpec in a .cc of its own, declare it in commands.h and add
// it to the table in commands.cc.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/http_client.h"
#include "base/result.h"
#include "base/smtp_client.h"
#include "config/config.h"

namespace tocsin::cli {

struct FlagSpec {
  std::string_view name;           // "--config.file"
  std::string_view value = {};     // stands for the value in the help: "FILE"; "" for a switch
  std::string_view fallback = {};  // the value when the flag is not given
  std::string_view help;
  bool repeated = false;
  std::string_view short_name = {};  // "-o"
};

// What the command line said. Asking for a flag that the command does not have aborts.
class Arguments {
 public:
  // The last value, or the fallback.
  const std::string& Text(std::string_view flag) const;
  const std::vector<std::string>& All(std::string_view flag) const;
  bool Switch(std::string_view flag) const;  // given (a switch has no value)
  bool Given(std::string_view flag) const;
  Result<Duration> DurationOf(std::string_view flag) const;  // Prometheus' notation
  Result<int64_t> IntegerOf(std::string_view flag) const;    // 0 or more
  const std::vector<std::string>& positional() const { return positional_; }

  void SetFallback(std::string flag, std::string value);
  void SetValues(std::string flag, std::vector<std::string> values);
  void SetPositional(std::vector<std::string> values) { positional_ = std::move(values); }

 private:
  struct Entry {
    std::vector<std::string> values;
    std::string fallback;
  };
  const Entry& Find(std::string_view flag) const;

  std::map<std::string, Entry, std::less<>> flags_;
  std::vector<std::string> positional_;
};

// The exit codes of every command.
constexpr int kExitOk = 0;
constexpr int kExitNo = 1;     // the answer is no: a broken file, an alert that fires
constexpr int kExitUsage = 2;  // wrong usage
constexpr int kExitLint = 3;   // only with --lint-fatal: it works, but not well

// The outside world of a command.
struct CommandContext {
  const Clock& clock;
  FileSystem& files;
  HttpClient& http;
  Environment environment;
  // Standard output and standard error. Flushed after each call.
  std::function<void(std::string_view)> out;
  std::function<void(std::string_view)> err;
  // Waits; false when the command is to end instead of going on.
  std::function<bool(Duration)> pause;
  // Waits until that time of the clock's Steady(), finer than a millisecond; false as with `pause`.
  std::function<bool(SteadyTime)> sleep_until;
  bool colors = false;    // standard output is a terminal and NO_COLOR is not set
  bool progress = false;  // standard error is a terminal: long work shows how far it is
  std::function<Status(const MailDelivery&)> send_mail = &SendMail;
};

struct CommandSpec {
  std::string_view name;  // "serve", "check rules": words become nested subcommands
  std::string_view summary;
  // Words: "FILE..." one or more, "[FILE]..." any, "SERVER EXPR" exactly these; "" none.
  std::string_view positional = {};
  std::span<const FlagSpec> flags = {};
  std::string_view examples = {};  // whole lines, shown by --help
  // One of the exit codes above.
  int (*run)(const Arguments& arguments, CommandContext& context) = nullptr;
};

// Parses the arguments (without the program's name) and runs the command.
int RunCommandLine(const std::vector<std::string>& arguments, CommandContext& context);

}  // namespace tocsin::cli
