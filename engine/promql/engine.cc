#include "engine/promql/engine.h"

#include <algorithm>
#include <condition_variable>

#include "base/thread_annotations.h"
#include "engine/promql/evaluator.h"
#include "engine/promql/plan.h"
#include "engine/promql/plan_memory.h"
#include "engine/promql/query_result.h"
#include "engine/promql/query_table.h"

namespace tocsin::promql {

// Lets so many queries in at a time; as many others wait in line until their time is up or nobody
// wants their answer any more. Each holds a thread of the server, of which there are some more.
class Engine::Admission {
 public:
  explicit Admission(size_t slots) : slots_(slots), free_(slots) {}

  Status Enter(Duration patience, const std::function<bool()>& canceled) {
    constexpr auto kLook = std::chrono::milliseconds(100);
    std::unique_lock lock(mutex_);
    if (free_ == 0 && waiting_ >= slots_) {
      return Unavailable("too many queries wait for their turn in query queue");
    }
    ++waiting_;
    Status status = Ok();
    for (; free_ == 0 && status.ok(); patience -= kLook) {
      freed_.wait_for(lock, std::clamp<Duration>(patience, Duration::zero(), kLook),
                      [this] { return free_ > 0; });
      if (free_ > 0) break;
      if (canceled && canceled()) status = Canceled("query was canceled in query queue");
      if (patience <= kLook) status = TimedOut("query timed out in query queue");
    }
    --waiting_;
    if (status.ok()) --free_;
    return status;
  }
  void Leave() {
    {
      const std::scoped_lock lock(mutex_);
      ++free_;
    }
    freed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  const size_t slots_;
  size_t free_;
  size_t waiting_ = 0;
};

namespace {

struct QueryTimes {
  Steps steps;
  int64_t end_ms;
  bool range_query;
};

Result<QueryAnswer> Run(const Engine& engine, const ParsedQuery& query, const Querier& querier,
                        const QueryTimes& times, const QueryLimits& limits, SteadyTime started) {
  const EngineOptions& options = engine.options();
  const Duration timeout = limits.timeout > Duration::zero() ? limits.timeout : options.timeout;
  const Steps& steps = times.steps;
  Plan plan;
  ASSIGN_OR_RETURN(const PlanEdge root,
                   plan.Add(query, {.step_ms = steps.step_ms,
                                    .range_ms = times.end_ms - steps.start_ms,
                                    .default_step_ms = options.default_step_ms}));
  const auto symbols = std::make_shared<SymbolTable>(querier.symbols());
  PlanMemory memory;
  Evaluator evaluator(
      {.options = options,
       .querier = querier,
       .symbols = *symbols,
       .memory = memory,
       .query_steps = steps,
       .query_end_ms = times.end_ms,
       .range_query = times.range_query,
       .lookback_ms = limits.lookback_ms > 0 ? limits.lookback_ms : options.lookback_ms,
       .workers = engine.workers()});
  QueryBudget budget(engine.clock(), started + timeout, options, limits.canceled);
  if (limits.per_step_stats && options.per_step_stats) budget.CountByStep(steps.count);
  Annotations annotations;
  ASSIGN_OR_RETURN(QueryTable table,
                   ResultOfQuery(evaluator, root, query.root(), budget, annotations));
  QueryStats stats = budget.stats();
  stats.wall = std::chrono::duration_cast<Duration>(engine.clock().Steady() - started);
  return QueryAnswer{.symbols = symbols,
                     .table = std::move(table),
                     .warnings = annotations.Warnings(query.text()),
                     .infos = annotations.Infos(query.text()),
                     .stats = stats};
}

Result<QueryResult> WithTexts(Result<QueryAnswer> answer) {
  if (!answer.ok()) return std::move(answer).error();
  return QueryResult{.value = ToValue(answer->table, *answer->symbols),
                     .warnings = std::move(answer->warnings),
                     .infos = std::move(answer->infos),
                     .stats = std::move(answer->stats)};
}

}  // namespace

Engine::Engine(EngineOptions options, const Clock& clock, Executor* workers, QueryWatcher* watcher)
    : options_(options),
      clock_(clock),
      workers_(workers),
      watcher_(watcher),
      admission_(std::make_unique<Admission>(options.max_concurrent)) {}

Engine::~Engine() = default;

Result<std::shared_ptr<const ParsedQuery>> Engine::Parse(std::string_view text) const {
  return ParseQuery(text, options_.parser);
}

Result<QueryResult> Engine::Instant(const ParsedQuery& query, const Querier& querier, int64_t t_ms,
                                    const QueryLimits& limits) const {
  return WithTexts(AnswerInstant(query, querier, t_ms, limits));
}

Result<QueryResult> Engine::Range(const ParsedQuery& query, const Querier& querier,
                                  int64_t start_ms, int64_t end_ms, int64_t step_ms,
                                  const QueryLimits& limits) const {
  return WithTexts(AnswerRange(query, querier, start_ms, end_ms, step_ms, limits));
}

Result<QueryAnswer> Engine::AnswerInstant(const ParsedQuery& query, const Querier& querier,
                                          int64_t t_ms, const QueryLimits& limits) const {
  return Admitted(query, limits, [&](SteadyTime started) {
    return Run(*this, query, querier, {Steps{.start_ms = t_ms}, t_ms, false}, limits, started);
  });
}

Result<QueryAnswer> Engine::AnswerRange(const ParsedQuery& query, const Querier& querier,
                                        int64_t start_ms, int64_t end_ms, int64_t step_ms,
                                        const QueryLimits& limits) const {
  const ValueType type = query.root().type;
  if (type != ValueType::kScalar && type != ValueType::kVector) {
    return InvalidArgument("invalid expression type \"" + std::string(ValueTypeName(type)) +
                           "\" for range query, must be Scalar or instant Vector");
  }
  if (step_ms <= 0 || end_ms < start_ms) {
    return InvalidArgument("a range query needs a positive step and an end after its start");
  }
  const auto count = static_cast<size_t>((end_ms - start_ms) / step_ms) + 1;
  return Admitted(query, limits, [&](SteadyTime started) {
    return Run(*this, query, querier, {Steps{start_ms, step_ms, count}, end_ms, true}, limits,
               started);
  });
}

Result<QueryAnswer> Engine::Admitted(
    const ParsedQuery& query, const QueryLimits& limits,
    const std::function<Result<QueryAnswer>(SteadyTime)>& run) const {
  const SteadyTime started = clock_.Steady();
  const Duration patience = limits.timeout > Duration::zero() ? limits.timeout : options_.timeout;
  RETURN_IF_ERROR(admission_->Enter(patience, limits.canceled));
  const size_t token = watcher_ == nullptr ? 0 : watcher_->Began(query.text());
  Result<QueryAnswer> answer = run(started);
  if (watcher_ != nullptr) watcher_->Ended(token);
  admission_->Leave();
  return answer;
}

}  // namespace tocsin::promql
