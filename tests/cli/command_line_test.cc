#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <set>

#include "cli/commands.h"
#include "cli/help.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_http.h"
#include "tests/support/memory_files.h"

namespace tocsin::cli {
namespace {

using testing::HasSubstr;

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

Outcome Tocsin(const std::vector<std::string>& arguments) {
  const testing_support::FakeClock clock;
  testing_support::MemoryFiles files;
  testing_support::FakeHttp http;
  Outcome outcome;
  CommandContext context{.clock = clock,
                         .files = files,
                         .http = http,
                         .environment = [](const std::string&) { return std::nullopt; },
                         .out = [&](std::string_view text) { outcome.out += text; },
                         .err = [&](std::string_view text) { outcome.err += text; },
                         .pause = [](Duration) { return false; }};
  outcome.code = RunCommandLine(arguments, context);
  return outcome;
}

std::vector<std::string> WordsOf(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

TEST(CommandLine, EveryCommandHasAHelpThatFitsTheScreen) {
  for (const CommandSpec* command : Commands()) {
    std::vector<std::string> words = WordsOf(command->name);
    words.emplace_back("--help");
    const Outcome outcome = Tocsin(words);
    EXPECT_EQ(outcome.code, kExitOk) << command->name;
    EXPECT_EQ(outcome.out, CommandHelp(*command));
    EXPECT_THAT(outcome.out, HasSubstr("examples:\n  ")) << command->name;
    EXPECT_FALSE(command->summary.empty());
    for (size_t begin = 0; begin < outcome.out.size();) {
      const size_t end = outcome.out.find('\n', begin);
      EXPECT_LE(end - begin, 100) << outcome.out.substr(begin, end - begin);
      begin = end + 1;
    }
  }
}

TEST(CommandLine, EveryFlagIsNamedOnceAndExplained) {
  for (const CommandSpec* command : Commands()) {
    std::set<std::string_view> names;
    for (const FlagSpec& flag : command->flags) {
      EXPECT_TRUE(names.insert(flag.name).second) << command->name << " " << flag.name;
      EXPECT_TRUE(flag.name.starts_with("--"));
      EXPECT_FALSE(flag.help.empty()) << flag.name;
    }
  }
}

TEST(CommandLine, HelpListsEveryCommand) {
  const Outcome outcome = Tocsin({"--help"});
  for (const CommandSpec* command : Commands()) {
    EXPECT_THAT(outcome.out, HasSubstr("  " + std::string(command->name) + " "));
    EXPECT_THAT(outcome.out, HasSubstr(command->summary));
  }
}

TEST(CommandLine, NoCommandIsWrongUsage) {
  const Outcome outcome = Tocsin({});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_THAT(outcome.err, HasSubstr("commands:"));
  EXPECT_EQ(Tocsin({"check"}).code, kExitUsage);
}

TEST(CommandLine, VersionIsAFlagToo) {
  EXPECT_EQ(Tocsin({"--version"}).out, Tocsin({"version"}).out);
  EXPECT_THAT(Tocsin({"version"}).out, testing::MatchesRegex("tocsin [0-9.]+ \\(revision .+\\)\n"));
}

TEST(Completion, KnowsEveryCommandAndFlagInEveryShell) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const std::string script = Tocsin({"completion", shell}).out;
    for (const CommandSpec* command : Commands()) {
      EXPECT_THAT(script, HasSubstr(WordsOf(command->name).back())) << shell;
      for (const FlagSpec& flag : command->flags) {
        EXPECT_THAT(script, HasSubstr(flag.name.substr(2))) << shell;
      }
    }
  }
}

// What bash would complete at the end of `line`.
std::string CompletedByBash(const std::string& line) {
  std::string words;
  for (const std::string& word : WordsOf(line)) words += " \"" + word + "\"";
  const std::string script = Tocsin({"completion", "bash"}).out + "\nCOMP_WORDS=(" + words +
                             ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                             "compopt() { :; }\n_tocsin\necho \"${COMPREPLY[*]}\"\n";
  const std::string path = testing::TempDir() + "/completion.sh";
  std::FILE* const file = std::fopen(path.c_str(), "w");
  std::fwrite(script.data(), 1, script.size(), file);
  std::fclose(file);
  std::FILE* const pipe = ::popen(("bash " + path + " 2>&1").c_str(), "r");
  std::string completed;
  for (int c = std::fgetc(pipe); c != EOF && c != '\n'; c = std::fgetc(pipe)) {
    completed += static_cast<char>(c);
  }
  ::pclose(pipe);
  return completed;
}

TEST(Completion, BashCompletesCommandsAndFlags) {
  EXPECT_EQ(CompletedByBash("tocsin heal"), "healthcheck");
  EXPECT_EQ(CompletedByBash("tocsin check ru"), "rules");
  EXPECT_EQ(CompletedByBash("tocsin check rules --lint-"), "--lint-fatal");
  EXPECT_EQ(CompletedByBash("tocsin alerts --wa"), "--watch");
  EXPECT_EQ(CompletedByBash("tocsin alerts --watch --ser"), "--server=");
  EXPECT_EQ(CompletedByBash("tocsin check alert"), "alertmanager");
  EXPECT_EQ(CompletedByBash("tocsin check rules --format = sa"), "sarif");
  EXPECT_EQ(CompletedByBash("tocsin check rules --format ="), "text json sarif github");
}

}  // namespace
}  // namespace tocsin::cli
