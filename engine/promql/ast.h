// The abstract syntax tree of PromQL (Prometheus 3.14's grammar).
//
// Nodes live in the arena of the ParsedQuery that owns them and point at each other with plain
// pointers; an Expr is a closed variant, visited exhaustively with std::visit.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/model/matcher.h"

namespace tocsin::promql {

struct FunctionSpec;  // engine/promql/function_table.h
struct Expr;

enum class ValueType { kNone, kScalar, kVector, kMatrix, kString };
// "scalar", "instant vector", "range vector", "string": as error messages say it.
std::string_view ValueTypeName(ValueType type);

// Byte offsets in the query text, end exclusive.
struct PositionRange {
  int32_t begin = 0;
  int32_t end = 0;
};

// Where an @ modifier pins the evaluation time.
struct AtModifier {
  enum class Kind { kTime, kStart, kEnd };
  Kind kind = Kind::kTime;
  int64_t t_ms = 0;
};

// An arithmetic expression in the place of a duration: [5m * step()], offset -(1h / 2).
// Resolved to milliseconds before evaluation, when step and range are known.
struct DurationExpr {
  enum class Op : uint8_t {
    kNumber,  // a literal; `seconds`
    kStep,
    kRange,
    kMin,
    kMax,  // min_of(lhs, rhs), max_of(lhs, rhs)
    kAdd,
    kSub,
    kMul,
    kDiv,
    kMod,
    kPow,
    kNegate,
    kPlus,  // unary; rhs
  };
  Op op = Op::kNumber;
  double seconds = 0;
  bool written_as_duration = false;  // "5m" rather than "300": for printing
  bool parenthesized = false;
  const DurationExpr* lhs = nullptr;
  const DurationExpr* rhs = nullptr;
  PositionRange position;
};

struct NumberLiteral {
  double value = 0;
  bool is_duration = false;  // written as 5m: prints as a duration
};

struct StringLiteral {
  std::string value;
};

// What a vector selector and a subquery share.
struct TimeModifiers {
  int64_t offset_ms = 0;
  const DurationExpr* offset_expr = nullptr;  // instead of offset_ms when not null
  std::optional<AtModifier> at;
};

struct VectorSelector {
  std::string name;               // "" when none stands before the braces
  std::vector<Matcher> matchers;  // the name's matcher included
  TimeModifiers time;
  bool anchored = false;
  bool smoothed = false;
};

struct MatrixSelector {
  const VectorSelector* selector = nullptr;
  PositionRange selector_position;
  int64_t range_ms = 0;
  const DurationExpr* range_expr = nullptr;  // instead of range_ms when not null
};

struct Subquery {
  const Expr* expr = nullptr;
  int64_t range_ms = 0;
  const DurationExpr* range_expr = nullptr;
  int64_t step_ms = 0;  // 0: the default evaluation interval
  const DurationExpr* step_expr = nullptr;
  TimeModifiers time;
};

struct Call {
  const FunctionSpec* function = nullptr;
  std::vector<const Expr*> args;
};

enum class AggregateOp {
  kSum,
  kAvg,
  kCount,
  kMin,
  kMax,
  kGroup,
  kStddev,
  kStdvar,
  kTopk,
  kBottomk,
  kQuantile,
  kCountValues,
  kLimitk,
  kLimitRatio,
};

struct Aggregate {
  AggregateOp op = AggregateOp::kSum;
  const Expr* expr = nullptr;
  const Expr* param = nullptr;  // of topk, bottomk, quantile, count_values, limitk, limit_ratio
  std::vector<std::string> grouping;
  bool without = false;
};

enum class BinaryOp {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnd,
  kOr,
  kUnless,
  kTrimUpper,
  kTrimLower,  // </ and >/ on native histograms
};
std::string_view BinaryOpText(BinaryOp op);
bool IsComparison(BinaryOp op);
bool IsSetOperator(BinaryOp op);
// "sum", "topk", …
std::string_view AggregateOpText(AggregateOp op);
bool HasParameter(AggregateOp op);

struct VectorMatching {
  enum class Cardinality { kOneToOne, kManyToOne, kOneToMany, kManyToMany };
  Cardinality cardinality = Cardinality::kOneToOne;
  bool on = false;  // on(labels) rather than ignoring(labels)
  std::vector<std::string> labels;
  std::vector<std::string> include;  // of group_left(…), group_right(…)
  std::optional<double> fill_left;   // fill_left(x), fill(x)
  std::optional<double> fill_right;
};

struct Binary {
  BinaryOp op = BinaryOp::kAdd;
  const Expr* lhs = nullptr;
  const Expr* rhs = nullptr;
  bool return_bool = false;
  // Set iff both sides are vectors.
  std::optional<VectorMatching> matching;
  PositionRange op_position;  // operator and modifiers
};

struct Unary {
  bool negate = false;
  const Expr* expr = nullptr;
};

struct Paren {
  const Expr* expr = nullptr;
};

struct Expr {
  std::variant<NumberLiteral, StringLiteral, VectorSelector, MatrixSelector, Subquery, Call,
               Aggregate, Binary, Unary, Paren>
      node;
  PositionRange position;
  ValueType type = ValueType::kNone;
  int32_t depth = 1;  // levels of the tree from here down

  template <typename T>
  const T* As() const {
    return std::get_if<T>(&node);
  }
};

// A parsed, type-checked query. Immutable; may be shared between threads.
class ParsedQuery {
 public:
  const Expr& root() const { return *root_; }
  // As written.
  const std::string& text() const { return text_; }

 private:
  friend class Parser;
  std::string text_;
  std::deque<Expr> exprs_;
  std::deque<DurationExpr> durations_;
  const Expr* root_ = nullptr;
};

// The syntax that Prometheus hides behind feature flags. Prometheus 3.14's defaults.
struct ParserOptions {
  bool experimental_functions = false;    // promql-experimental-functions
  bool duration_expressions = true;       // promql-duration-expr
  bool extended_range_selectors = false;  // promql-extended-range-selectors
  bool binop_fill_modifiers = false;      // promql-binop-fill-modifiers
  size_t max_text_bytes = 1 << 20;
  // Of parentheses, calls and signs in each other: what the parser recurses over.
  int max_nesting = 250;
  // Of the tree, where a chain of operators (a + b + c + …) counts each one: what everything else
  // recurses over.
  int max_depth = 1000;
};

}  // namespace tocsin::promql
