#include "server/api_answer.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/go_float.h"
#include "base/json.h"
#include "engine/promql/parser.h"
#include "engine/promql/quote.h"

namespace tocsin::server {
namespace {

constexpr size_t kMaxRemarks = 10;

struct ErrorRow {
  ApiError type;
  std::string_view name;
  int status;
};
constexpr ErrorRow kErrors[] = {
    {ApiError::kBadData, "bad_data", 400},        {ApiError::kExecution, "execution", 422},
    {ApiError::kTimeout, "timeout", 503},         {ApiError::kCanceled, "canceled", 499},
    {ApiError::kUnavailable, "unavailable", 503}, {ApiError::kInternal, "internal", 500},
    {ApiError::kNotFound, "not_found", 404},      {ApiError::kNotAcceptable, "not_acceptable", 406},
};

ApiError TypeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return ApiError::kBadData;
    case ErrorCode::kNotFound:
      return ApiError::kNotFound;
    case ErrorCode::kTimeout:
      return ApiError::kTimeout;
    case ErrorCode::kCanceled:
      return ApiError::kCanceled;
    case ErrorCode::kUnavailable:
      return ApiError::kUnavailable;
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kExecution:
      return ApiError::kExecution;
    case ErrorCode::kInternal:
      return ApiError::kInternal;
  }
  return ApiError::kInternal;
}

HttpServerResponse JsonAnswer(int status, std::string body) {
  HttpServerResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

void WriteRemarks(JsonWriter& json, std::string_view kind, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  json.Key(kind).BeginArray();
  const size_t shown = std::min(texts.size(), kMaxRemarks);
  for (size_t i = 0; i < shown; ++i) json.String(texts[i]);
  if (shown < texts.size()) {
    const std::string_view word = kind == "warnings" ? "warning" : "info";
    json.String(fmt::format("{} more {} annotations omitted", texts.size() - shown, word));
  }
  json.EndArray();
}

void BeginSuccess(JsonWriter& json) { json.BeginObject().Field("status", "success").Key("data"); }

void EndSuccess(JsonWriter& json, const Remarks& remarks) {
  WriteRemarks(json, "warnings", remarks.warnings);
  WriteRemarks(json, "infos", remarks.infos);
  json.EndObject();
}

}  // namespace

HttpServerResponse Failure(ApiError type, std::string_view message) {
  const ErrorRow& row = *std::ranges::find(kErrors, type, &ErrorRow::type);
  JsonWriter json;
  json.BeginObject().Field("status", "error").Field("errorType", row.name);
  json.Field("error", message).EndObject();
  return JsonAnswer(row.status, json.Take());
}

HttpServerResponse Failure(const Error& error) {
  return Failure(TypeOf(error.code), error.message);
}

HttpServerResponse Success(std::string_view data, const Remarks& remarks) {
  return Success([data](JsonWriter& json) { json.Raw(data); }, remarks);
}

HttpServerResponse Success(const std::function<void(JsonWriter&)>& write_data,
                           const Remarks& remarks) {
  JsonWriter json;
  BeginSuccess(json);
  write_data(json);
  EndSuccess(json, remarks);
  return JsonAnswer(200, json.Take());
}

HttpServerResponse StreamedSuccess(StreamedData write_data, Remarks remarks) {
  HttpServerResponse response = JsonAnswer(200, {});
  response.stream = [write = std::move(write_data),
                     remarks = std::move(remarks)](const BodyWriter& out) {
    JsonWriter json;
    BeginSuccess(json);
    if (!write(json, out)) return;
    EndSuccess(json, remarks);
    out(json.Take());
  };
  return response;
}

HttpServerResponse Success(const std::vector<std::string>& names, const Remarks& remarks) {
  JsonWriter json;
  json.BeginArray();
  for (const std::string& name : names) json.String(name);
  json.EndArray();
  return Success(json.text(), remarks);
}

Result<Timestamp> ParseApiTime(std::string_view text) {
  // What a double of seconds and 64 bits of milliseconds both hold.
  constexpr double kMaxSeconds = 9.2e15;
  // The earliest and latest times of Go, which clients send for "everything".
  if (text == "-292273086-05-16T16:47:06Z") return Timestamp::min();
  if (text == "292277025-08-18T07:12:54.999999999Z") return Timestamp::max();
  if (const std::optional<double> seconds = ParseGoFloat(text)) {
    if (std::abs(*seconds) <= kMaxSeconds) return FromMs(std::llround(*seconds * 1000));
  } else if (const Result<Timestamp> time = ParseRfc3339(text); time.ok()) {
    return *time;
  }
  return InvalidArgument(fmt::format("cannot parse {} to a valid timestamp", promql::Quote(text)));
}

Result<Duration> ParseApiDuration(std::string_view text) {
  // 64 bits of nanoseconds.
  constexpr double kMaxSeconds = 9'223'372'036.854775807;
  if (const std::optional<double> seconds = ParseGoFloat(text)) {
    if (std::abs(*seconds) <= kMaxSeconds) return FromSeconds(*seconds);
    return InvalidArgument(fmt::format("cannot parse {} to a valid duration. It overflows int64",
                                       promql::Quote(text)));
  }
  if (const Result<Duration> duration = ParsePrometheusDuration(text); duration.ok()) {
    return *duration;
  }
  return InvalidArgument(fmt::format("cannot parse {} to a valid duration", promql::Quote(text)));
}

Result<int64_t> ParseApiInt(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, code] = std::from_chars(digits.data(), end, number);
  const bool two_signs = digits.size() != text.size() && digits.starts_with('-');
  if (code == std::errc() && stop == end && !two_signs) return number;
  const bool too_large = code == std::errc::result_out_of_range && stop == end && !two_signs;
  return InvalidArgument(fmt::format("strconv.Atoi: parsing {}: {}", promql::Quote(text),
                                     too_large ? "value out of range" : "invalid syntax"));
}

Result<bool> ParseApiBool(std::string_view text) {
  constexpr std::string_view kYes[] = {"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::string_view kNo[] = {"0", "f", "F", "FALSE", "false", "False"};
  if (std::ranges::find(kYes, text) != std::end(kYes)) return true;
  if (std::ranges::find(kNo, text) != std::end(kNo)) return false;
  return InvalidArgument(
      fmt::format("strconv.ParseBool: parsing {}: invalid syntax", promql::Quote(text)));
}

Error BadParameter(std::string_view name, std::string_view message) {
  return InvalidArgument(fmt::format("invalid parameter \"{}\": {}", name, message));
}

Result<Duration> DurationParameter(const HttpServerRequest& request, std::string_view name) {
  Result<Duration> duration = ParseApiDuration(request.parameters.Get(name));
  if (!duration.ok()) return BadParameter(name, duration.error().message);
  return *duration;
}

Result<std::optional<Timestamp>> TimeParameter(const HttpServerRequest& request,
                                               std::string_view name) {
  const std::string_view text = request.parameters.Get(name);
  if (text.empty()) return std::optional<Timestamp>();
  const Result<Timestamp> time = ParseApiTime(text);
  if (time.ok()) return std::optional(*time);
  return BadParameter(name,
                      fmt::format("Invalid time value for '{}': {}", name, time.error().message));
}

Result<size_t> LimitParameter(const HttpServerRequest& request) {
  const std::string_view text = request.parameters.Get("limit");
  if (text.empty()) return size_t{0};
  const Result<int64_t> limit = ParseApiInt(text);
  if (!limit.ok()) return BadParameter("limit", limit.error().message);
  if (*limit < 0) return BadParameter("limit", "limit must be non-negative");
  return static_cast<size_t>(*limit);
}

Result<std::vector<std::vector<Matcher>>> MatchParameter(const ProcessView& view,
                                                         const HttpServerRequest& request) {
  std::vector<std::vector<Matcher>> selectors;
  for (const std::string& text : request.parameters.All("match[]")) {
    Result<std::vector<Matcher>> matchers =
        promql::ParseSelector(text, view.engine.options().parser);
    if (!matchers.ok()) return BadParameter("match[]", matchers.error().message);
    selectors.push_back(*std::move(matchers));
  }
  for (const std::vector<Matcher>& matchers : selectors) {
    if (!std::ranges::all_of(matchers, &Matcher::MatchesEmpty)) continue;
    return BadParameter("match[]", "match[] must contain at least one non-empty matcher");
  }
  return selectors;
}

bool MatchesAll(std::span<const Matcher> matchers, const LabelSet& labels) {
  return std::ranges::all_of(matchers, [&labels](const Matcher& matcher) {
    return matcher.Matches(labels.Get(matcher.name()));
  });
}

std::string_view HealthText(TargetHealth health) {
  switch (health) {
    case TargetHealth::kUnknown:
      return "unknown";
    case TargetHealth::kUp:
      return "up";
    case TargetHealth::kDown:
      return "down";
  }
  return "unknown";
}

std::string ApiTime(std::optional<Timestamp> time) {
  return time ? FormatRfc3339(*time) : "0001-01-01T00:00:00Z";
}

}  // namespace tocsin::server
