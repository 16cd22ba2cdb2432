#include "engine/promql/group_plan.h"

#include <optional>

#include "engine/promql/evaluator.h"
#include "engine/promql/plan.h"
#include "engine/promql/plan_memory.h"
#include "engine/promql/query_result.h"
#include "engine/promql/query_table.h"

namespace tocsin::promql {

struct GroupPlan::Compiled {
  explicit Compiled(const Engine& used_engine) : engine(used_engine) {}

  const Engine& engine;
  std::vector<GroupQuery> queries;
  Plan plan;
  std::vector<Result<PlanEdge>> roots;
  // Label sets that are remembered have ids of this table, which lives as long as they do.
  const Querier* querier = nullptr;
  size_t base_symbols = 0;  // in the querier's table when `symbols` was made
  std::unique_ptr<SymbolTable> symbols;
  PlanMemory memory;

  // What an earlier query has read for this one counts too.
  size_t SeriesReadBy(const PlanEdge& edge) {
    const SeriesListPtr& own = memory.Of(edge.node->id).series;
    size_t series = edge.node->selector != nullptr && own != nullptr ? own->size() : 0;
    for (const PlanEdge& input : edge.node->inputs) series += SeriesReadBy(input);
    return series;
  }

  // A text that the table holds of its own may have come into the querier's since then, under
  // another id.
  bool SymbolsHold() const {
    return symbols->size() == 0 || querier->symbols().size() == base_symbols;
  }
};

struct GroupPlan::Evaluation::State {
  Compiled& compiled;
  QueryLimits limits;
  Evaluator evaluator;
};

GroupPlan::GroupPlan(const Engine& engine, std::vector<GroupQuery> queries)
    : compiled_(std::make_unique<Compiled>(engine)) {
  compiled_->queries = std::move(queries);
  for (const GroupQuery& query : compiled_->queries) {
    compiled_->roots.push_back(
        compiled_->plan.Add(*query.query, {.default_step_ms = engine.options().default_step_ms}));
    for (const std::string& metric : query.writes) compiled_->plan.Invalidate(metric);
  }
}

GroupPlan::~GroupPlan() = default;
GroupPlan::GroupPlan(GroupPlan&&) noexcept = default;
GroupPlan& GroupPlan::operator=(GroupPlan&&) noexcept = default;

size_t GroupPlan::size() const { return compiled_->queries.size(); }

GroupPlan::Evaluation GroupPlan::Begin(const Querier& querier, int64_t t_ms,
                                       const QueryLimits& limits) {
  Compiled& compiled = *compiled_;
  if (compiled.querier != &querier || !compiled.SymbolsHold()) {
    compiled.memory.Clear();
    compiled.base_symbols = querier.symbols().size();
    compiled.symbols = std::make_unique<SymbolTable>(querier.symbols());
    compiled.querier = &querier;
  }
  const EngineOptions& options = compiled.engine.options();
  const EvaluatorContext context{
      .options = options,
      .querier = querier,
      .symbols = *compiled.symbols,
      .memory = compiled.memory,
      .query_steps = Steps{.start_ms = t_ms},
      .query_end_ms = t_ms,
      .range_query = false,
      .lookback_ms = limits.lookback_ms > 0 ? limits.lookback_ms : options.lookback_ms};
  return Evaluation(
      std::make_unique<Evaluation::State>(Evaluation::State{compiled, limits, Evaluator(context)}));
}

GroupPlan::Evaluation::Evaluation(std::unique_ptr<State> state) : state_(std::move(state)) {}
GroupPlan::Evaluation::~Evaluation() = default;
GroupPlan::Evaluation::Evaluation(Evaluation&&) noexcept = default;

Result<QueryResult> GroupPlan::Evaluation::Run(size_t index) {
  Compiled& compiled = state_->compiled;
  const Result<PlanEdge>& root = compiled.roots[index];
  if (!root.ok()) return root.error();
  const ParsedQuery& query = *compiled.queries[index].query;
  const EngineOptions& options = compiled.engine.options();
  const Clock& clock = compiled.engine.clock();
  const SteadyTime started = clock.Steady();
  const Duration timeout =
      state_->limits.timeout > Duration::zero() ? state_->limits.timeout : options.timeout;
  QueryBudget budget(clock, started + timeout, options, state_->limits.canceled);
  Annotations annotations;
  const Result<QueryTable> table =
      ResultOfQuery(state_->evaluator, *root, query.root(), budget, annotations);
  state_->evaluator.ForgetAfter(index);
  if (!table.ok()) return table.error();
  QueryStats stats = budget.stats();
  stats.series_fetched = compiled.SeriesReadBy(*root);
  stats.wall = std::chrono::duration_cast<Duration>(clock.Steady() - started);
  return QueryResult{.value = ToValue(*table, *compiled.symbols),
                     .warnings = annotations.Warnings(query.text()),
                     .infos = annotations.Infos(query.text()),
                     .stats = stats};
}

}  // namespace tocsin::promql
