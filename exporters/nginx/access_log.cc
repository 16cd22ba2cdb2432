#include "exporters/nginx/access_log.h"

#include <algorithm>
#include <cctype>

#include "base/json.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

constexpr std::string_view kCombined =
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent "
    "\"$http_referer\" \"$http_user_agent\"";
constexpr int kMaxJsonDepth = 4;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// $name or ${name} at the front of `text`; "" when there is none.
std::string_view TakeVariable(std::string_view& text) {
  const bool braces = text.starts_with("${");
  const size_t begin = braces ? 2 : 1;
  size_t end = begin;
  while (end < text.size() && IsNameCharacter(text[end])) ++end;
  const std::string_view name = text.substr(begin, end - begin);
  text.remove_prefix(std::min(text.size(), end + (braces ? 1 : 0)));
  return name;
}

// "0.010", or "0.010, 0.020 : 0.001" when several servers were asked; "-" when none was.
std::optional<double> SumOfTimes(std::string_view text) {
  std::optional<double> sum;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(",:"), text.size());
    if (const auto seconds = ReadNumber(Trimmed(text.substr(0, end)))) {
      sum = sum.value_or(0) + *seconds;
    }
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return sum;
}

std::optional<int> ReadStatus(std::string_view text) {
  if (text.size() != 3 || text[0] < '0' || text[0] > '9') return std::nullopt;
  const std::optional<double> number = ReadNumber(text);
  if (!number || *number < 0 || *number > 999) return std::nullopt;
  return static_cast<int>(*number);
}

bool IsDuration(const std::optional<double>& seconds) {
  return seconds && *seconds >= 0 && *seconds < 1e9;
}

}  // namespace

AccessLogReader::Field AccessLogReader::FieldNamed(std::string_view variable) {
  struct Row {
    std::string_view variable;
    Field field;
  };
  static constexpr Row kRows[] = {
      {"status", Field::kStatus},
      {"request", Field::kRequest},
      {"request_method", Field::kMethod},
      {"method", Field::kMethod},
      {"host", Field::kHost},
      {"server_name", Field::kHost},
      {"http_host", Field::kHost},
      {"request_time", Field::kSeconds},
      {"upstream_response_time", Field::kUpstream},
      {"body_bytes_sent", Field::kBytes},
      {"bytes_sent", Field::kBytes},
  };
  for (const Row& row : kRows) {
    if (row.variable == variable) return row.field;
  }
  return Field::kOther;
}

Result<AccessLogReader> AccessLogReader::Make(std::string_view format) {
  AccessLogReader reader;
  if (format == "json") {
    reader.json_ = true;
    return reader;
  }
  if (format == "combined") format = kCombined;
  const size_t first = std::min(format.find('$'), format.size());
  reader.start_ = format.substr(0, first);
  format.remove_prefix(first);
  while (!format.empty()) {
    const std::string_view name = TakeVariable(format);
    const size_t next = std::min(format.find('$'), format.size());
    if (next == 0 && !format.empty()) {
      return InvalidArgument("log_format: nothing stands between $" + std::string(name) +
                             " and the next variable, so that their values cannot be told apart");
    }
    reader.parts_.push_back(
        {.field = FieldNamed(name), .until = std::string(format.substr(0, next))});
    format.remove_prefix(next);
  }
  const bool counts = std::ranges::any_of(
      reader.parts_, [](const Part& part) { return part.field == Field::kStatus; });
  if (!counts) {
    return InvalidArgument(
        "log_format: without $status requests cannot be counted; it is \"combined\", \"json\" or "
        "the text behind nginx's log_format");
  }
  return reader;
}

bool AccessLogReader::Store(Field field, std::string_view text, LoggedRequest& request) {
  switch (field) {
    case Field::kStatus: {
      const std::optional<int> status = ReadStatus(text);
      request.status = status.value_or(0);
      return status.has_value();
    }
    case Field::kRequest:
      if (request.method.empty()) request.method = text.substr(0, text.find(' '));
      return true;
    case Field::kMethod:
      request.method = text;
      return true;
    case Field::kHost:
      if (request.host.empty() && text != "-") request.host = text;
      return true;
    case Field::kSeconds:
      request.seconds = ReadNumber(text);
      if (!IsDuration(request.seconds)) request.seconds.reset();
      return true;
    case Field::kUpstream:
      request.upstream_s = SumOfTimes(text);
      if (!IsDuration(request.upstream_s)) request.upstream_s.reset();
      return true;
    case Field::kBytes:
      if (!request.bytes) request.bytes = ReadNumber(text);
      return true;
    case Field::kOther:
      return true;
  }
  return true;
}

std::optional<LoggedRequest> AccessLogReader::Read(std::string_view line) {
  if (json_) return ReadJson(line);
  if (!line.starts_with(start_)) return std::nullopt;
  line.remove_prefix(start_.size());
  LoggedRequest request;
  for (const Part& part : parts_) {
    const size_t end = part.until.empty() ? line.size() : line.find(part.until);
    if (end == std::string_view::npos) return std::nullopt;
    if (!Store(part.field, line.substr(0, end), request)) return std::nullopt;
    line.remove_prefix(end + part.until.size());
  }
  return request;
}

std::optional<LoggedRequest> AccessLogReader::ReadJson(std::string_view line) {
  const Result<JsonValue> parsed = JsonValue::Parse(line, kMaxJsonDepth);
  const JsonValue::Object* object = parsed.ok() ? parsed->AsObject() : nullptr;
  if (object == nullptr) return std::nullopt;
  LoggedRequest request;
  bool has_status = false;
  for (const auto& [name, value] : *object) {
    const Field field = FieldNamed(name);
    if (field == Field::kOther) continue;
    // Numbers may stand with or without quotes.
    std::string text(value.TextOrEmpty());
    if (const double* number = value.AsNumber()) {
      if (field == Field::kStatus && *number >= 100 && *number < 1000) {
        text = std::to_string(static_cast<int>(*number));
      } else if (field == Field::kSeconds && *number >= 0) {
        request.seconds = *number;
        continue;
      } else if (field == Field::kUpstream && *number >= 0) {
        request.upstream_s = *number;
        continue;
      } else if (field == Field::kBytes) {
        request.bytes = *number;
        continue;
      }
    }
    has_status = has_status || field == Field::kStatus;
    LoggedRequest one = request;
    if (!Store(field, text, one)) return std::nullopt;
    // What is a view of `text` is kept here.
    if (field == Field::kHost) {
      if (one.host != request.host) host_ = one.host;
      if (!one.host.empty()) one.host = host_;
    }
    if (field == Field::kMethod || field == Field::kRequest) {
      if (one.method != request.method) method_ = one.method;
      if (!one.method.empty()) one.method = method_;
    }
    request = one;
  }
  if (!has_status) return std::nullopt;
  return request;
}

}  // namespace tocsin
