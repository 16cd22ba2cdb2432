#include <fmt/core.h>

#include <algorithm>

#include "engine/promql/parser.h"
#include "engine/promql/result_json.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

constexpr int64_t kMaxPointsPerSeries = 11'000;

// What both kinds of query take beside their times.
struct QueryCall {
  std::shared_ptr<const promql::ParsedQuery> query;
  promql::QueryLimits limits;
  size_t limit = 0;
  bool stats = false;
};

// A parameter error with the name of the parameter.
Error BadParameter(std::string_view name, const Error& error) {
  return InvalidArgument(fmt::format("invalid parameter \"{}\": {}", name, error.message));
}

Result<Duration> OptionalDuration(const HttpServerRequest& request, std::string_view name) {
  const std::string_view text = request.parameters.Get(name);
  if (text.empty()) return Duration::zero();
  Result<Duration> duration = ParseApiDuration(text);
  if (!duration.ok()) return BadParameter(name, duration.error());
  return *duration;
}

Result<Timestamp> TimeParameter(const HttpServerRequest& request, std::string_view name) {
  Result<Timestamp> time = ParseApiTime(request.parameters.Get(name));
  if (!time.ok()) return BadParameter(name, time.error());
  return *time;
}

Result<QueryCall> ReadCall(const ProcessView& view, const HttpServerRequest& request) {
  QueryCall call;
  const Result<size_t> limit = ParseApiLimit(request.parameters.Get("limit"));
  if (!limit.ok()) return BadParameter("limit", limit.error());
  call.limit = *limit;
  ASSIGN_OR_RETURN(call.limits.timeout, OptionalDuration(request, "timeout"));
  if (call.limits.timeout > view.engine.options().timeout) call.limits.timeout = {};
  ASSIGN_OR_RETURN(const Duration lookback, OptionalDuration(request, "lookback_delta"));
  call.limits.lookback_ms = lookback.count();
  call.limits.canceled = request.canceled;
  call.stats = !request.parameters.Get("stats").empty();
  Result<std::shared_ptr<const promql::ParsedQuery>> query =
      view.engine.Parse(request.parameters.Get("query"));
  if (!query.ok()) return BadParameter("query", query.error());
  call.query = *std::move(query);
  return call;
}

void TruncateSeries(promql::QueryValue& value, size_t limit, Remarks& remarks) {
  if (auto* vector = std::get_if<promql::VectorValue>(&value)) Truncate(*vector, limit, remarks);
  if (auto* matrix = std::get_if<promql::MatrixValue>(&value)) Truncate(*matrix, limit, remarks);
}

void WriteStats(JsonWriter& json, const promql::QueryStats& stats) {
  const double seconds = ToSeconds(stats.wall);
  json.Key("stats").BeginObject();
  json.Key("timings").BeginObject();
  json.Field("evalTotalTime", seconds).Field("resultSortTime", 0.0);
  json.Field("queryPreparationTime", 0.0).Field("innerEvalTime", seconds);
  json.Field("execQueueTime", 0.0).Field("execTotalTime", seconds).EndObject();
  json.Key("samples").BeginObject();
  json.Field("totalQueryableSamples", static_cast<uint64_t>(stats.total_samples));
  json.Field("peakSamples", static_cast<uint64_t>(stats.peak_samples)).EndObject();
  json.EndObject();
}

HttpServerResponse Answer(const QueryCall& call, Result<promql::QueryResult> result) {
  if (!result.ok()) {
    // The query itself is sound: what fails now is its execution.
    const bool plain = result.error().code == ErrorCode::kInvalidArgument;
    return plain ? Failure(ApiError::kExecution, result.error().message) : Failure(result.error());
  }
  Remarks remarks{.warnings = std::move(result->warnings), .infos = std::move(result->infos)};
  TruncateSeries(result->value, call.limit, remarks);
  JsonWriter json;
  json.BeginObject();
  promql::WriteQueryValueMembers(json, result->value);
  if (call.stats) WriteStats(json, result->stats);
  json.EndObject();
  return Success(json.text(), remarks);
}

struct RangeTimes {
  Timestamp start;
  Timestamp end;
  Duration step;
};

Result<RangeTimes> ReadRangeTimes(const HttpServerRequest& request) {
  RangeTimes times{};
  ASSIGN_OR_RETURN(times.start, TimeParameter(request, "start"));
  ASSIGN_OR_RETURN(times.end, TimeParameter(request, "end"));
  if (times.end < times.start) {
    return InvalidArgument(
        "invalid parameter \"end\": end timestamp must not be before start time");
  }
  Result<Duration> step = ParseApiDuration(request.parameters.Get("step"));
  if (!step.ok()) return BadParameter("step", step.error());
  times.step = *step;
  if (times.step <= Duration::zero()) {
    return InvalidArgument(
        "invalid parameter \"step\": zero or negative query resolution step widths are not "
        "accepted. Try a positive integer");
  }
  if ((times.end - times.start) / times.step > kMaxPointsPerSeries) {
    return InvalidArgument(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  return times;
}

Status CheckRangeType(const promql::ParsedQuery& query) {
  const promql::ValueType type = query.root().type;
  if (type == promql::ValueType::kVector || type == promql::ValueType::kScalar) return Ok();
  return InvalidArgument(
      fmt::format("invalid parameter \"query\": invalid expression type \"{}\" for range query, "
                  "must be Scalar or instant Vector",
                  promql::ValueTypeName(type)));
}

}  // namespace

HttpServerResponse HandleQuery(const ProcessView& view, const HttpServerRequest& request) {
  Timestamp at = view.clock.Now();
  if (!request.parameters.Get("time").empty()) {
    const Result<Timestamp> time = TimeParameter(request, "time");
    if (!time.ok()) return Failure(time.error());
    at = *time;
  }
  const Result<QueryCall> call = ReadCall(view, request);
  if (!call.ok()) return Failure(call.error());
  return Answer(*call, view.engine.Instant(*call->query, view.querier, ToMs(at), call->limits));
}

HttpServerResponse HandleQueryRange(const ProcessView& view, const HttpServerRequest& request) {
  const Result<RangeTimes> times = ReadRangeTimes(request);
  if (!times.ok()) return Failure(times.error());
  const Result<QueryCall> call = ReadCall(view, request);
  if (!call.ok()) return Failure(call.error());
  if (const Status status = CheckRangeType(*call->query); !status.ok()) {
    return Failure(status.error());
  }
  return Answer(*call, view.engine.Range(*call->query, view.querier, ToMs(times->start),
                                         ToMs(times->end), times->step.count(), call->limits));
}

HttpServerResponse HandleFormatQuery(const ProcessView& view, const HttpServerRequest& request) {
  const auto query = view.engine.Parse(request.parameters.Get("query"));
  if (!query.ok()) return InvalidParameter("query", query.error().message);
  JsonWriter json;
  json.String(promql::PrettyPrint((*query)->root()));
  return Success(json.text());
}

HttpServerResponse HandleParseQuery(const ProcessView& view, const HttpServerRequest& request) {
  const auto query = view.engine.Parse(request.parameters.Get("query"));
  if (!query.ok()) return InvalidParameter("query", query.error().message);
  return Success(promql::ToJson((*query)->root()));
}

HttpServerResponse HandleQueryExemplars(const ProcessView& view, const HttpServerRequest& request) {
  const auto query = view.engine.Parse(request.parameters.Get("query"));
  if (!query.ok()) return InvalidParameter("query", query.error().message);
  return Success("[]");
}

}  // namespace tocsin::server
