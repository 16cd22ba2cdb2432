// POST /api/v1/rules/backtest: what rules would have done over what is stored.
//
// Runs on the request's thread, and its queries as those of the API do: each waits for its turn
// among them, and large ones are computed by the same workers. Collecting and evaluating have
// threads of their own.
#include <fmt/core.h>

#include <algorithm>

#include "engine/promql/engine.h"
#include "engine/storage/head.h"
#include "rules/backtest/backtest.h"
#include "rules/backtest/backtest_json.h"
#include "rules/backtest/layered_querier.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

// A month of 15 s with 50 rules.
constexpr uint64_t kMaxEvaluations = 10'000'000;
constexpr std::string_view kForm = "application/x-www-form-urlencoded";

struct BacktestCall {
  std::vector<RuleGroupSpec> groups;
  std::vector<RuleChange> changes;
  BacktestOptions options;
  Duration timeout{};
};

// The body, or the field of a form.
Result<std::string_view> RulesText(const HttpServerRequest& request) {
  if (request.parameters.Has("rules")) return request.parameters.Get("rules");
  const bool is_form = request.Header("content-type").starts_with(kForm);
  if (!is_form && !request.body.empty()) return std::string_view(request.body);
  return BadParameter("rules",
                      "there are none; send a rule file as the body, with the content type "
                      "application/yaml, or as the field \"rules\" of a form");
}

Status ReadRules(const ProcessView& view, const HttpServerRequest& request, BacktestCall& call) {
  ASSIGN_OR_RETURN(const std::string_view text, RulesText(request));
  const std::shared_ptr<const Config> config = view.config();
  const std::string_view file = request.parameters.Get("file");
  ASSIGN_OR_RETURN(call.groups, ParseRuleFile(std::string(file.empty() ? "rules.yml" : file), text,
                                              {.interval = config->global.evaluation_interval,
                                               .query_offset = config->global.rule_query_offset,
                                               .parser = view.engine.options().parser}));
  for (const std::string& change_text : request.parameters.All("set")) {
    Result<RuleChange> change = ParseRuleChange(change_text);
    if (!change.ok()) return BadParameter("set", change.error().message);
    Result<std::vector<RuleGroupSpec>> changed = WithChange(std::move(call.groups), *change);
    if (!changed.ok()) return BadParameter("set", changed.error().message);
    call.groups = *std::move(changed);
    call.changes.push_back(*std::move(change));
  }
  call.options.external_labels = config->global.external_labels;
  return Ok();
}

Status ReadTimes(const ProcessView& view, const HttpServerRequest& request, BacktestCall& call) {
  BacktestOptions& options = call.options;
  const Timestamp now = view.clock.Now();
  ASSIGN_OR_RETURN(const std::optional<Timestamp> end, TimeParameter(request, "end"));
  ASSIGN_OR_RETURN(const std::optional<Timestamp> start, TimeParameter(request, "start"));
  // Of what lies ahead nothing is stored.
  options.to = std::min(end.value_or(now), now);
  options.from = start.value_or(options.to - std::chrono::hours(1));
  if (options.from < Timestamp{}) return BadParameter("start", "it lies before 1970");
  if (options.to < options.from) return BadParameter("start", "it lies after the end, or ahead");
  if (!request.parameters.Get("step").empty()) {
    ASSIGN_OR_RETURN(options.step, DurationParameter(request, "step"));
    if (*options.step <= Duration::zero()) {
      return BadParameter("step", "it has to be longer than nothing");
    }
  }
  const uint64_t evaluations = EvaluationsOf(call.groups, options);
  if (evaluations <= kMaxEvaluations) return Ok();
  return InvalidArgument(fmt::format(
      "these would be {} evaluations of rules, and {} are allowed; take a shorter time, "
      "a longer step or fewer rules",
      evaluations, kMaxEvaluations));
}

// Also what a run may keep, and what ends it.
Status ReadLimits(const ProcessView& view, const HttpServerRequest& request, BacktestCall& call) {
  const promql::EngineOptions& engine = view.engine.options();
  call.timeout = engine.timeout;
  if (!request.parameters.Get("timeout").empty()) {
    ASSIGN_OR_RETURN(const Duration timeout, DurationParameter(request, "timeout"));
    call.timeout = std::min(timeout, engine.timeout);
  }
  call.options.max_kept = engine.max_samples;
  call.options.stop = [&clock = view.clock, canceled = request.canceled, timeout = call.timeout,
                       deadline = view.clock.Steady() + call.timeout]() -> Status {
    if (canceled && canceled()) return Canceled("backtest was canceled");
    if (clock.Steady() < deadline) return Ok();
    return TimedOut(fmt::format(
        "backtest took longer than {}; take a shorter time, a longer step or fewer rules",
        FormatPrometheusDuration(timeout)));
  };
  return Ok();
}

Result<BacktestCall> ReadCall(const ProcessView& view, const HttpServerRequest& request) {
  BacktestCall call;
  RETURN_IF_ERROR(ReadRules(view, request, call));
  RETURN_IF_ERROR(ReadTimes(view, request, call));
  RETURN_IF_ERROR(ReadLimits(view, request, call));
  call.options.external_url = view.external_url;
  return call;
}

}  // namespace

HttpServerResponse HandleBacktest(const ProcessView& view, const HttpServerRequest& request) {
  const Result<BacktestCall> call = ReadCall(view, request);
  if (!call.ok()) return Failure(call.error());
  const Turns::Turn turn = view.backtests.TryTake();
  if (turn == nullptr) {
    return Failure(ApiError::kUnavailable,
                   "other backtests are running; ask again when one is over");
  }
  Head written({.retention = Duration::zero(), .max_future = Duration::zero()}, view.clock);
  const Result<BacktestResult> result =
      Backtest(call->groups, view.querier, {written, written}, view.engine, call->options);
  if (!result.ok()) return Failure(result.error());
  const auto write = [&](JsonWriter& json) {
    json.BeginObject();
    WriteBacktestResult(json, *result);
    json.Key("changes").BeginArray();
    for (const RuleChange& change : call->changes) json.String(change.ToString());
    json.EndArray().EndObject();
  };
  return Success(write, {});
}

}  // namespace tocsin::server
