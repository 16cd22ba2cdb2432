// Evaluates queries over a Querier.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "engine/model/label_set.h"
#include "engine/model/sample.h"
#include "engine/promql/ast.h"
#include "engine/promql/parser.h"
#include "engine/promql/points.h"
#include "engine/storage/querier.h"

namespace tocsin::promql {

struct EngineOptions {
  ParserOptions parser;
  int64_t lookback_ms = 5 * 60 * 1000;
  int64_t default_step_ms = 60 * 1000;  // of subqueries without a step
  size_t max_samples = 50'000'000;
  size_t max_memory_bytes = 2ULL << 30;  // of the values that a query holds at a time
  Duration timeout = std::chrono::minutes(2);
  size_t max_concurrent = 20;  // as many others may wait for their turn
  bool delayed_name_removal = false;
  bool use_start_timestamps = false;
  bool type_and_unit_labels = false;
  bool per_step_stats = false;  // lets queries ask how many samples each step looked at
};

// The elements of a result have their labels as text, fit to outlive the query.
struct VectorElement {
  LabelSet labels;
  Point point;
};
struct MatrixElement {
  LabelSet labels;
  Points points;
};
struct ScalarValue {
  int64_t t_ms = 0;
  double value = 0;
};
struct StringValue {
  int64_t t_ms = 0;
  std::string text;
};
using VectorValue = std::vector<VectorElement>;
using MatrixValue = std::vector<MatrixElement>;
using QueryValue = std::variant<ScalarValue, StringValue, VectorValue, MatrixValue>;

struct QueryStats {
  // What all steps looked at: each sample counts at every step whose window holds it. Those inside
  // subqueries are not counted.
  size_t total_samples = 0;
  std::vector<size_t> samples_at_step;  // the same by step, when the query asked for it
  size_t samples_read = 0;              // from storage
  size_t peak_samples = 0;
  size_t series_fetched = 0;
  Duration wall{};
};

struct QueryResult {
  QueryValue value;
  std::vector<std::string> warnings;  // with positions
  std::vector<std::string> infos;
  QueryStats stats;
};

// What a query gave before labels are text: engine/promql/query_table.h.
struct QueryAnswer;

// Per query.
struct QueryLimits {
  Duration timeout{};              // 0: the engine's
  int64_t lookback_ms = 0;         // 0: the engine's
  std::function<bool()> canceled;  // asked from any thread
  bool per_step_stats = false;
};

// Told of every query that runs. Thread safety: all methods may be called from any thread.
class QueryWatcher {
 public:
  virtual ~QueryWatcher() = default;
  // A token for Ended; of at most EngineOptions::max_concurrent queries at a time.
  virtual size_t Began(std::string_view query) = 0;
  virtual void Ended(size_t token) = 0;
};

// The queries of a rule group are not evaluated here but through a GroupPlan
// (engine/promql/group_plan.h), which computes equal parts once.
//
// Thread safety: all methods may be called from any thread.
class Engine {
 public:
  // `workers` runs parts of large range queries; `watcher` is told of the queries of this class.
  // Both may be null; all outlive the engine.
  Engine(EngineOptions options, const Clock& clock, Executor* workers,
         QueryWatcher* watcher = nullptr);
  ~Engine();

  const EngineOptions& options() const { return options_; }
  const Clock& clock() const { return clock_; }
  Executor* workers() const { return workers_; }

  Result<std::shared_ptr<const ParsedQuery>> Parse(std::string_view text) const;
  // Errors: kInvalidArgument (a duration that is no duration at these times), kExecution, kTimeout,
  // kCanceled, kResourceExhausted ("query processing would load too many samples into memory in
  // query execution").
  Result<QueryResult> Instant(const ParsedQuery& query, const Querier& querier, int64_t t_ms,
                              const QueryLimits& limits = {}) const;
  Result<QueryResult> Range(const ParsedQuery& query, const Querier& querier, int64_t start_ms,
                            int64_t end_ms, int64_t step_ms, const QueryLimits& limits = {}) const;
  // The same for who writes the answer down at once, which needs no copy of its values.
  Result<QueryAnswer> AnswerInstant(const ParsedQuery& query, const Querier& querier, int64_t t_ms,
                                    const QueryLimits& limits) const;
  Result<QueryAnswer> AnswerRange(const ParsedQuery& query, const Querier& querier,
                                  int64_t start_ms, int64_t end_ms, int64_t step_ms,
                                  const QueryLimits& limits) const;

 private:
  class Admission;
  // Runs the query once there is room for it; its time begins with the wait.
  Result<QueryAnswer> Admitted(const ParsedQuery& query, const QueryLimits& limits,
                               const std::function<Result<QueryAnswer>(SteadyTime)>& run) const;

  const EngineOptions options_;
  const Clock& clock_;
  Executor* const workers_;
  QueryWatcher* const watcher_;
  const std::unique_ptr<Admission> admission_;
};

}  // namespace tocsin::promql
