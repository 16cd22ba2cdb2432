#include "engine/promql/engine.h"

#include <condition_variable>

#include "base/thread_annotations.h"
#include "engine/promql/evaluator.h"
#include "engine/promql/plan.h"
#include "engine/promql/plan_memory.h"
#include "engine/promql/query_result.h"

namespace tocsin::promql {

// Lets so many queries in at a time; the others wait in line until their time is up.
class Engine::Admission {
 public:
  explicit Admission(size_t slots) : free_(slots) {}

  bool Enter(Duration patience) {
    std::unique_lock lock(mutex_);
    if (!freed_.wait_for(lock, patience, [this] { return free_ > 0; })) return false;
    --free_;
    return true;
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
  size_t free_;
};

namespace {

struct QueryTimes {
  Steps steps;
  bool range_query;
};

Result<QueryResult> Run(const Engine& engine, const ParsedQuery& query, const Querier& querier,
                        const QueryTimes& times, const QueryLimits& limits) {
  const EngineOptions& options = engine.options();
  const SteadyTime started = engine.clock().Steady();
  const Duration timeout = limits.timeout > Duration::zero() ? limits.timeout : options.timeout;
  const Steps& steps = times.steps;
  Plan plan;
  ASSIGN_OR_RETURN(const PlanEdge root,
                   plan.Add(query, {.step_ms = steps.step_ms,
                                    .range_ms = steps.end_ms() - steps.start_ms,
                                    .default_step_ms = options.default_step_ms}));
  SymbolTable symbols(querier.symbols());
  PlanMemory memory;
  Evaluator evaluator(
      {.options = options,
       .querier = querier,
       .symbols = symbols,
       .memory = memory,
       .query_steps = steps,
       .range_query = times.range_query,
       .lookback_ms = limits.lookback_ms > 0 ? limits.lookback_ms : options.lookback_ms,
       .workers = engine.workers()});
  QueryBudget budget(engine.clock(), started + timeout, options.max_samples, limits.canceled);
  Annotations annotations;
  ASSIGN_OR_RETURN(QueryValue value,
                   ResultOfQuery(evaluator, root, query.root(), budget, annotations));
  QueryStats stats = budget.stats();
  stats.wall = std::chrono::duration_cast<Duration>(engine.clock().Steady() - started);
  return QueryResult{.value = std::move(value),
                     .warnings = annotations.Warnings(query.text()),
                     .infos = annotations.Infos(query.text()),
                     .stats = stats};
}

}  // namespace

Engine::Engine(EngineOptions options, const Clock& clock, Executor* workers)
    : options_(options),
      clock_(clock),
      workers_(workers),
      admission_(std::make_unique<Admission>(options.max_concurrent)) {}

Engine::~Engine() = default;

Result<std::shared_ptr<const ParsedQuery>> Engine::Parse(std::string_view text) const {
  return ParseQuery(text, options_.parser);
}

Result<QueryResult> Engine::Instant(const ParsedQuery& query, const Querier& querier, int64_t t_ms,
                                    const QueryLimits& limits) const {
  return Admitted(limits, [&] {
    return Run(*this, query, querier, {Steps{.start_ms = t_ms}, false}, limits);
  });
}

Result<QueryResult> Engine::Range(const ParsedQuery& query, const Querier& querier,
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
  return Admitted(limits, [&] {
    return Run(*this, query, querier, {Steps{start_ms, step_ms, count}, true}, limits);
  });
}

Result<QueryResult> Engine::Admitted(const QueryLimits& limits,
                                     const std::function<Result<QueryResult>()>& run) const {
  const Duration patience = limits.timeout > Duration::zero() ? limits.timeout : options_.timeout;
  if (!admission_->Enter(patience)) return TimedOut("query timed out in query queue");
  Result<QueryResult> result = run();
  admission_->Leave();
  return result;
}

}  // namespace tocsin::promql
