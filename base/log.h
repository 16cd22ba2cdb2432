// Structured logging to an injected sink.
//
//   log.Warn("scrape failed", {{"target", target}, {"err", error.message}});
//
// Messages are constant texts; everything that varies is a field. Secrets never
// become fields: config/secret.h's Secret has no conversion to text.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace tocsin {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

struct LogField {
  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(text) {}
  LogField(std::string_view name, const std::string& text) : key(name), value(text) {}
  LogField(std::string_view name, bool flag) : key(name), value(flag ? "true" : "false") {}
  template <typename T>
  requires std::is_arithmetic_v<T> LogField(std::string_view name, T number)
      : key(name), value(std::to_string(number)) {}

  std::string key;
  std::string value;
};

// Thread safety: all methods may be called from any thread.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual void Log(LogLevel level, std::string_view message,
                   std::initializer_list<LogField> fields) = 0;

  void Debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kDebug, message, fields);
  }
  void Info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kInfo, message, fields);
  }
  void Warn(std::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kWarn, message, fields);
  }
  void Error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    Log(LogLevel::kError, message, fields);
  }
};

enum class LogFormat { kLogfmt, kJson };

// "debug", "info", "warn", "error"; the values of --log.level.
Result<LogLevel> ParseLogLevel(std::string_view text);
// "logfmt", "json"; the values of --log.format.
Result<LogFormat> ParseLogFormat(std::string_view text);

// One line per entry on standard error, at `level` and above:
//   time=2026-11-23T13:47:29.730Z level=WARN msg="scrape failed" target=app-blue:8000
std::unique_ptr<Logger> MakeStderrLogger(LogLevel level, LogFormat format);

// One entry as a line without a newline; what the sinks print.
std::string FormatLogEntry(LogFormat format, std::string_view time, LogLevel level,
                           std::string_view message, std::initializer_list<LogField> fields);

}  // namespace tocsin
