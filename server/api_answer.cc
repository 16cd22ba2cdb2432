#include "server/api_answer.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/go_float.h"
#include "base/json.h"

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

HttpServerResponse InvalidParameter(std::string_view name, std::string_view message) {
  return Failure(ApiError::kBadData, fmt::format("invalid parameter \"{}\": {}", name, message));
}

HttpServerResponse Success(std::string_view data, const Remarks& remarks) {
  JsonWriter json;
  json.BeginObject().Field("status", "success").Key("data").Raw(data);
  WriteRemarks(json, "warnings", remarks.warnings);
  WriteRemarks(json, "infos", remarks.infos);
  json.EndObject();
  return JsonAnswer(200, json.Take());
}

HttpServerResponse Success(const std::vector<std::string>& names, const Remarks& remarks) {
  JsonWriter json;
  json.BeginArray();
  for (const std::string& name : names) json.String(name);
  json.EndArray();
  return Success(json.text(), remarks);
}

Result<Timestamp> ParseApiTime(std::string_view text) {
  // The range in which milliseconds still fit; Go's own is narrower.
  constexpr double kMaxSeconds = 9.2e15;
  if (const std::optional<double> seconds = ParseGoFloat(text)) {
    if (std::abs(*seconds) <= kMaxSeconds) return FromMs(std::llround(*seconds * 1000));
  } else if (const Result<Timestamp> time = ParseRfc3339(text); time.ok()) {
    return *time;
  }
  return InvalidArgument(fmt::format("cannot parse \"{}\" to a valid timestamp", text));
}

Result<Duration> ParseApiDuration(std::string_view text) {
  constexpr double kMaxSeconds = 9.2e15;
  if (const std::optional<double> seconds = ParseGoFloat(text)) {
    if (std::abs(*seconds) <= kMaxSeconds) return FromSeconds(*seconds);
    return InvalidArgument(
        fmt::format("cannot parse \"{}\" to a valid duration. It overflows int64", text));
  }
  if (const Result<Duration> duration = ParsePrometheusDuration(text); duration.ok()) {
    return *duration;
  }
  return InvalidArgument(fmt::format("cannot parse \"{}\" to a valid duration", text));
}

Result<size_t> ParseApiLimit(std::string_view text) {
  if (text.empty()) return size_t{0};
  int64_t limit = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, limit);
  if (code != std::errc() || stop != end) {
    return InvalidArgument(fmt::format("cannot parse \"{}\" to a whole number", text));
  }
  if (limit < 0) return InvalidArgument("limit must be non-negative");
  return static_cast<size_t>(limit);
}

Result<bool> ParseApiBool(std::string_view text) {
  constexpr std::string_view kYes[] = {"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::string_view kNo[] = {"", "0", "f", "F", "FALSE", "false", "False"};
  if (std::ranges::find(kYes, text) != std::end(kYes)) return true;
  if (std::ranges::find(kNo, text) != std::end(kNo)) return false;
  return InvalidArgument(fmt::format("error converting \"{}\" to true or false", text));
}

std::string ApiTime(std::optional<Timestamp> time) {
  return time ? FormatRfc3339(*time) : "0001-01-01T00:00:00Z";
}

}  // namespace tocsin::server
