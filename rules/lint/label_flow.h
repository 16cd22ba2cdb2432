// Which labels the parts of an expression can have, told from the text alone.
//
// Labels flow upwards: selectors bring those that the schema and the matchers give, aggregations
// and vector matching drop some. For each part it is known of a label whether every series has it,
// some may, or none can, and for the last what removed it. A part that can have no series at all
// carries the reason to the root: that is how a rule is found that can never fire.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/promql/ast.h"
#include "rules/lint/metric_schema.h"

namespace tocsin::lint {

enum class Presence { kNever, kMaybe, kAlways };

// Why a part has no series.
struct EmptyReason {
  const promql::Expr* where = nullptr;
  enum class Kind {
    kNoMetric,      // the metric does not exist
    kNoLabel,       // a matcher wants a label that the metric does not have
    kNoValue,       // a matcher wants a value that the label never has
    kNoPartner,     // vector matching finds no pair
    kNoBuckets,     // histogram_quantile of something without `le`
    kContradiction  // the comparisons exclude each other
  } kind = Kind::kNoMetric;
  std::string subject;  // the metric or the label
  // Rests on what is exposed by convention.
  bool assumed = false;
};

struct LabelShape {
  struct Fact {
    Presence presence = Presence::kAlways;
    std::string value;  // when every series has this one
  };
  std::map<std::string, Fact, std::less<>> labels;
  // May have labels that are neither listed nor in `gone`.
  bool open = false;
  // Labels that were there and are not any more: what removed them.
  std::map<std::string, std::string, std::less<>> gone;
  std::optional<EmptyReason> empty;
  bool assumed = false;

  Presence Of(std::string_view label) const;
  // What removed the label; "" when it never was there.
  std::string_view Remover(std::string_view label) const;
  // "{instance, job}", with "…" when open.
  std::string ToString() const;
};

// Of one query. Keeps pointers into the query and the schema.
//
// Thread safety: immutable.
class LabelFlow {
 public:
  LabelFlow(const promql::ParsedQuery& query, const MetricSchema& schema);

  // Of any part of the query.
  const LabelShape& Of(const promql::Expr& expr) const { return shapes_.at(&expr); }
  const LabelShape& root() const { return Of(query_.root()); }

 private:
  const LabelShape& Compute(const promql::Expr& expr);
  LabelShape Shape(const promql::Expr& expr, const promql::VectorSelector& selector) const;
  LabelShape OfNode(const promql::Expr& expr);
  LabelShape OfCall(const promql::Expr& expr, const promql::Call& call);
  LabelShape OfAggregate(const promql::Expr& expr, const promql::Aggregate& aggregate);
  LabelShape OfBinary(const promql::Expr& expr, const promql::Binary& binary);

  const promql::ParsedQuery& query_;
  const MetricSchema& schema_;
  std::map<const promql::Expr*, LabelShape> shapes_;
};

// A label that keeps two sides of an operator from ever matching.
struct Mismatch {
  std::string label;
  bool on_left = false;    // the side that always has it; the other never does
  std::string left_value;  // when both have it: two values that differ
  std::string right_value;
  bool assumed = false;
};
std::vector<Mismatch> Mismatches(const promql::VectorMatching& matching, const LabelShape& left,
                                 const LabelShape& right);

}  // namespace tocsin::lint
