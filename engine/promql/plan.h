// The plan of one query or of all queries of a rule group: the syntax trees without parentheses,
// with equal parts merged into one node, and with every duration and @ modifier resolved.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/promql/ast.h"
#include "engine/promql/block.h"
#include "engine/promql/function_table.h"

namespace tocsin::promql {

struct PlanNode;

// Where a node stands in a tree. Nodes merge when their texts are equal, so everything inside
// lies at the same distance from the begin, wherever the node stands.
struct PlanEdge {
  PlanNode* node = nullptr;
  int32_t begin = 0;
};

// When a selector or a subquery looks: at the time of @, or else of the step, less the offset.
struct LookTime {
  std::optional<AtModifier> at;
  int64_t offset_ms = 0;
};

// What an extended selector adds to its windows.
enum class Extension { kNone, kAnchored, kSmoothed };

struct PlanNode {
  const Expr* expr = nullptr;  // neither Paren nor unary plus
  size_t id = 0;               // dense within a plan
  PositionRange position;      // where it stood first
  std::vector<PlanEdge> inputs;
  // The same value at all steps: everything below is fixed by @, and nothing asks for the time.
  bool invariant = false;
  // How often it stands in the plan: above one its value is kept until the last use.
  size_t uses = 0;
  size_t last_query = 0;

  // Of selectors and subqueries. Range selectors have no inputs.
  LookTime time;
  int64_t range_ms = 0;
  int64_t step_ms = 0;
  const VectorSelector* selector = nullptr;
  Extension extension = Extension::kNone;
  // Only counts and sums of histograms are asked of the selector: what it reads says then whether
  // it is a reset, also where the store does not. So Prometheus' reader of such histograms does.
  bool detects_resets = false;
  // The function or aggregation that reads the selector, for the querier.
  std::string_view hint;
};

// What durations depend on: step(), range(), and the step of subqueries that have none.
struct PlanTimes {
  int64_t step_ms = 0;  // 0 of an instant query
  int64_t range_ms = 0;
  int64_t default_step_ms = 60'000;
};

// Not thread-safe.
class Plan {
 public:
  // Adds a query, which must outlive the plan.
  Result<PlanEdge> Add(const ParsedQuery& query, const PlanTimes& times);
  // Ends the sharing of what reads the metric: the value before is not the value after.
  void Invalidate(std::string_view written_metric);

  size_t size() const { return nodes_.size(); }
  PlanNode& node(size_t id) const { return *nodes_[id]; }
  size_t queries() const { return queries_; }

 private:
  Result<PlanEdge> Build(const Expr& expr, std::string_view hint);
  Status BuildInputs(PlanNode& node);
  Status AddInput(PlanNode& node, const Expr& expr, std::string_view hint);
  Status ReadTimes(PlanNode& node) const;
  bool IsInvariant(const PlanNode& node) const;
  std::string KeyOf(const PlanNode& node) const;
  Result<LookTime> Look(const TimeModifiers& time) const;
  Result<int64_t> Resolve(const DurationExpr& expr, bool offset) const;
  Result<double> Seconds(const DurationExpr& expr) const;

  std::vector<std::unique_ptr<PlanNode>> nodes_;
  std::map<std::string, PlanNode*, std::less<>> shared_;
  size_t queries_ = 0;
  // Of the query that is being added.
  std::string_view text_;
  PlanTimes times_;
  bool in_histogram_figures_ = false;
};

// Whether the selector may select series of that metric name.
bool MayRead(const VectorSelector& selector, std::string_view metric);

// The expression inside parentheses and unary pluses.
const Expr& Unwrapped(const Expr& expr);

}  // namespace tocsin::promql
