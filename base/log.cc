#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.h"
#include "base/json.h"

namespace tocsin {
namespace {

constexpr std::string_view kNames[] = {"DEBUG", "INFO", "WARN", "ERROR"};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

bool NeedsQuotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) {
      return true;
    }
  }
  return false;
}

void AppendLogfmt(std::string& out, std::string_view text) {
  if (!NeedsQuotes(text)) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
          out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

class StderrLogger final : public Logger {
 public:
  StderrLogger(LogLevel level, LogFormat format)
      : format_(format), sink_("tocsin", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    sink_.set_pattern("%v");
    sink_.set_level(ToSpdlog(level));
    sink_.flush_on(spdlog::level::debug);
  }

  void Log(LogLevel level, std::string_view message,
           std::initializer_list<LogField> fields) override {
    if (!sink_.should_log(ToSpdlog(level))) return;
    sink_.log(ToSpdlog(level),
              FormatLogEntry(format_, FormatRfc3339(SystemClock().Now()), level, message, fields));
  }

 private:
  LogFormat format_;
  spdlog::logger sink_;
};

}  // namespace

Result<LogLevel> ParseLogLevel(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warn") return LogLevel::kWarn;
  if (text == "error") return LogLevel::kError;
  return InvalidArgument(
      fmt::format("unknown log level \"{}\"; one of debug, info, warn, error", text));
}

Result<LogFormat> ParseLogFormat(std::string_view text) {
  if (text == "logfmt") return LogFormat::kLogfmt;
  if (text == "json") return LogFormat::kJson;
  return InvalidArgument(fmt::format("unknown log format \"{}\"; one of logfmt, json", text));
}

std::string FormatLogEntry(LogFormat format, std::string_view time, LogLevel level,
                           std::string_view message, std::initializer_list<LogField> fields) {
  const std::string_view name = kNames[static_cast<int>(level)];
  if (format == LogFormat::kJson) {
    JsonWriter json;
    json.BeginObject();
    json.Field("time", time).Field("level", name).Field("msg", message);
    for (const LogField& field : fields) json.Field(field.key, field.value);
    json.EndObject();
    return json.Take();
  }
  std::string line = fmt::format("time={} level={} msg=", time, name);
  AppendLogfmt(line, message);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    AppendLogfmt(line, field.value);
  }
  return line;
}

std::unique_ptr<Logger> MakeStderrLogger(LogLevel level, LogFormat format) {
  return std::make_unique<StderrLogger>(level, format);
}

}  // namespace tocsin
