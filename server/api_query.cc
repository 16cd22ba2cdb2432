#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "engine/promql/parser.h"
#include "engine/promql/query_table.h"
#include "engine/promql/result_json.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

constexpr uint64_t kMaxPointsPerSeries = 11'000;

struct StepTimes {
  int64_t start_ms;
  int64_t step_ms;
};

// What both kinds of query take beside their times.
struct QueryCall {
  std::shared_ptr<const promql::ParsedQuery> query;
  promql::QueryLimits limits;
  size_t limit = 0;
  std::string stats;  // "": none, "all": also by step
};

Result<std::shared_ptr<const promql::ParsedQuery>> QueryParameter(
    const ProcessView& view, const HttpServerRequest& request) {
  Result<std::shared_ptr<const promql::ParsedQuery>> query =
      view.engine.Parse(request.parameters.Get("query"));
  if (!query.ok()) return BadParameter("query", query.error().message);
  return query;
}

Result<QueryCall> ReadCall(const ProcessView& view, const HttpServerRequest& request) {
  QueryCall call;
  if (!request.parameters.Get("timeout").empty()) {
    ASSIGN_OR_RETURN(const Duration timeout, DurationParameter(request, "timeout"));
    if (timeout <= Duration::zero()) return TimedOut("query timed out in query queue");
    if (timeout < view.engine.options().timeout) call.limits.timeout = timeout;
  }
  if (const std::string_view text = request.parameters.Get("lookback_delta"); !text.empty()) {
    const Result<Duration> lookback = ParseApiDuration(text);
    if (!lookback.ok())
      return Prefixed("error parsing lookback delta duration: ", lookback.error());
    call.limits.lookback_ms = lookback->count();
  }
  call.limits.canceled = request.canceled;
  call.stats = request.parameters.Get("stats");
  call.limits.per_step_stats = call.stats == "all";
  ASSIGN_OR_RETURN(call.query, QueryParameter(view, request));
  return call;
}

void TruncateSeries(promql::QueryTable& table, size_t limit, Remarks& remarks) {
  if (auto* rows = std::get_if<promql::ResultRows>(&table)) Truncate(rows->rows, limit, remarks);
  if (auto* matrix = std::get_if<promql::MatrixValue>(&table)) Truncate(*matrix, limit, remarks);
}

// The times of the steps come with the counts.
void WriteSamplesAtSteps(JsonWriter& json, const promql::QueryStats& stats,
                         const StepTimes& times) {
  if (stats.samples_at_step.empty()) return;
  json.Key("totalQueryableSamplesPerStep").BeginArray();
  for (size_t step = 0; step < stats.samples_at_step.size(); ++step) {
    json.BeginArray();
    promql::WriteTimestamp(json, times.start_ms + static_cast<int64_t>(step) * times.step_ms);
    json.Uint(stats.samples_at_step[step]);
    json.EndArray();
  }
  json.EndArray();
}

void WriteStats(JsonWriter& json, const promql::QueryStats& stats, const StepTimes& times) {
  const double seconds = ToSeconds(stats.wall);
  json.Key("stats").BeginObject();
  json.Key("timings").BeginObject();
  json.Field("evalTotalTime", seconds).Field("resultSortTime", 0.0);
  json.Field("queryPreparationTime", 0.0).Field("innerEvalTime", seconds);
  json.Field("execQueueTime", 0.0).Field("execTotalTime", seconds).EndObject();
  json.Key("samples").BeginObject();
  WriteSamplesAtSteps(json, stats, times);
  json.Field("totalQueryableSamples", static_cast<uint64_t>(stats.total_samples));
  json.Field("peakSamples", static_cast<uint64_t>(stats.peak_samples));
  json.Field("samplesRead", static_cast<uint64_t>(stats.samples_read)).EndObject();
  json.EndObject();
}

HttpServerResponse Answer(const ProcessView& view, const QueryCall& call, const StepTimes& times,
                          Result<promql::QueryAnswer> answer) {
  if (!answer.ok()) {
    // A duration of the query that is none at these times.
    const bool bad_query = answer.error().code == ErrorCode::kInvalidArgument;
    return Failure(bad_query ? BadParameter("query", answer.error().message) : answer.error());
  }
  Remarks remarks{.warnings = std::move(answer->warnings), .infos = std::move(answer->infos)};
  TruncateSeries(answer->table, call.limit, remarks);
  const bool with_stats = !call.stats.empty();
  if (!promql::IsLong(answer->table)) {
    const auto write = [&](JsonWriter& json) {
      json.BeginObject();
      promql::WriteQueryTable(json, answer->table, *answer->symbols);
      if (with_stats) WriteStats(json, answer->stats, times);
      json.EndObject();
    };
    return Success(write, remarks);
  }
  const auto shown = std::make_shared<const promql::QueryAnswer>(*std::move(answer));
  const auto stream = [shown, times, with_stats, helpers = view.engine.workers()](
                          JsonWriter& json, const BodyWriter& out) {
    json.BeginObject();
    if (!promql::StreamQueryTable(json, shown->table, *shown->symbols, helpers, out)) return false;
    if (with_stats) WriteStats(json, shown->stats, times);
    json.EndObject();
    return true;
  };
  return StreamedSuccess(stream, std::move(remarks));
}

struct RangeTimes {
  Timestamp start;
  Timestamp end;
  Duration step;
};

// Unlike other times, those of a range query have no default.
Result<Timestamp> RequiredTime(const HttpServerRequest& request, std::string_view name) {
  const Result<Timestamp> time = ParseApiTime(request.parameters.Get(name));
  if (!time.ok()) return BadParameter(name, time.error().message);
  return *time;
}

Result<RangeTimes> ReadRangeTimes(const HttpServerRequest& request) {
  RangeTimes times{};
  ASSIGN_OR_RETURN(times.start, RequiredTime(request, "start"));
  ASSIGN_OR_RETURN(times.end, RequiredTime(request, "end"));
  if (times.end < times.start) {
    return BadParameter("end", "end timestamp must not be before start time");
  }
  ASSIGN_OR_RETURN(times.step, DurationParameter(request, "step"));
  if (times.step <= Duration::zero()) {
    return BadParameter("step",
                        "zero or negative query resolution step widths are not accepted. Try a "
                        "positive integer");
  }
  // Unsigned, because the longest of all ranges has one bit more.
  const uint64_t range_ms =
      static_cast<uint64_t>(ToMs(times.end)) - static_cast<uint64_t>(ToMs(times.start));
  if (range_ms / static_cast<uint64_t>(times.step.count()) > kMaxPointsPerSeries) {
    return InvalidArgument(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  return times;
}

Status CheckRangeType(const promql::ParsedQuery& query) {
  const promql::ValueType type = query.root().type;
  if (type == promql::ValueType::kVector || type == promql::ValueType::kScalar) return Ok();
  return BadParameter("query",
                      fmt::format("invalid expression type \"{}\" for range query, must be "
                                  "Scalar or instant Vector",
                                  promql::ValueTypeName(type)));
}

}  // namespace

HttpServerResponse HandleQuery(const ProcessView& view, const HttpServerRequest& request) {
  const Result<size_t> limit = LimitParameter(request);
  if (!limit.ok()) return Failure(limit.error());
  const Result<std::optional<Timestamp>> time = TimeParameter(request, "time");
  if (!time.ok()) return Failure(time.error());
  const int64_t t_ms = ToMs(time->value_or(view.clock.Now()));
  Result<QueryCall> call = ReadCall(view, request);
  if (!call.ok()) return Failure(call.error());
  call->limit = *limit;
  return Answer(view, *call, {t_ms, 0},
                view.engine.AnswerInstant(*call->query, view.querier, t_ms, call->limits));
}

HttpServerResponse HandleQueryRange(const ProcessView& view, const HttpServerRequest& request) {
  const Result<size_t> limit = LimitParameter(request);
  if (!limit.ok()) return Failure(limit.error());
  const Result<RangeTimes> times = ReadRangeTimes(request);
  if (!times.ok()) return Failure(times.error());
  Result<QueryCall> call = ReadCall(view, request);
  if (!call.ok()) return Failure(call.error());
  call->limit = *limit;
  if (const Status status = CheckRangeType(*call->query); !status.ok()) {
    return Failure(status.error());
  }
  return Answer(view, *call, {ToMs(times->start), times->step.count()},
                view.engine.AnswerRange(*call->query, view.querier, ToMs(times->start),
                                        ToMs(times->end), times->step.count(), call->limits));
}

HttpServerResponse HandleFormatQuery(const ProcessView& view, const HttpServerRequest& request) {
  const auto query = QueryParameter(view, request);
  if (!query.ok()) return Failure(query.error());
  JsonWriter json;
  json.String(promql::PrettyPrint((*query)->root()));
  return Success(json.text());
}

HttpServerResponse HandleParseQuery(const ProcessView& view, const HttpServerRequest& request) {
  const auto query = QueryParameter(view, request);
  if (!query.ok()) return Failure(query.error());
  return Success(promql::ToJson((*query)->root()));
}

HttpServerResponse HandleQueryExemplars(const ProcessView& view, const HttpServerRequest& request) {
  const Result<std::optional<Timestamp>> start = TimeParameter(request, "start");
  if (!start.ok()) return Failure(start.error());
  const Result<std::optional<Timestamp>> end = TimeParameter(request, "end");
  if (!end.ok()) return Failure(end.error());
  if (end->value_or(Timestamp::max()) < start->value_or(Timestamp::min())) {
    return Failure(ApiError::kBadData, "end timestamp must not be before start timestamp");
  }
  const auto query = view.engine.Parse(request.parameters.Get("query"));
  if (!query.ok()) return Failure(query.error());
  return Success("[]");
}

}  // namespace tocsin::server
