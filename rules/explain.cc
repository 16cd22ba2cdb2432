#include "rules/explain.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <variant>

#include "base/go_float.h"
#include "base/json.h"
#include "engine/model/histogram.h"
#include "engine/promql/function_table.h"
#include "engine/promql/parser.h"
#include "engine/promql/plan.h"
#include "engine/promql/result_json.h"
#include "rules/lint/expr_walk.h"
#include "rules/state_texts.h"

namespace tocsin {
namespace {

using promql::BinaryOp;
using promql::Expr;

std::string Count(size_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 || what == "series" ? "" : "s");
}

std::string Join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

bool Fits(const LabelSet& labels, const LabelSet& wanted) {
  return std::ranges::all_of(wanted, [&](const LabelSet::Pair& pair) {
    return pair.first == "alertname" || !labels.Has(pair.first) ||
           labels.Get(pair.first) == pair.second;
  });
}

LabelSet WithoutName(LabelSet labels) {
  labels.Remove(kMetricName);
  return labels;
}

// Evaluates parts and says what happens between them.
class Explainer {
 public:
  Explainer(const promql::Engine& engine, const Querier& querier, const ExplainOptions& options)
      : engine_(engine), querier_(querier), options_(options) {}

  ExplainNode Explain(const Expr& expr) {
    const Expr& bare = promql::Unwrapped(expr);
    ExplainNode node{.text = promql::Print(bare), .kind = KindOf(bare)};
    const Result<Series> result = Evaluate(node.text);
    if (!result.ok()) node.error = result.error().message;
    const Series out = result.ok() ? *result : Series();
    node.out = out.size();
    for (const ExplainedSeries& series : out) {
      if (node.series.size() < options_.max_series) node.series.push_back(series);
    }
    for (const Expr* operand : lint::Children(bare)) {
      if (operand->type == promql::ValueType::kString) continue;
      // Constants say nothing that the text does not.
      if (lint::ConstantOf(*operand)) continue;
      node.operands.push_back(Explain(*operand));
      node.in += node.operands.back().out;
    }
    Note(bare, out, node);
    return node;
  }

 private:
  using Series = std::vector<ExplainedSeries>;

  static std::string KindOf(const Expr& expr) {
    if (lint::SelectorOf(expr) != nullptr) return "selector";
    if (expr.As<promql::Subquery>() != nullptr) return "subquery";
    if (expr.As<promql::Aggregate>() != nullptr) return "aggregation";
    if (expr.As<promql::Call>() != nullptr) return "function";
    if (expr.As<promql::Unary>() != nullptr) return "sign";
    const auto* binary = expr.As<promql::Binary>();
    if (binary == nullptr) return "constant";
    if (promql::IsComparison(binary->op) && !binary->return_bool && !binary->matching) {
      return "comparison";
    }
    return binary->matching ? "vector matching" : "arithmetic";
  }

  // Of a range selector the series with samples in the range, with the newest value.
  Result<Series> Evaluate(const std::string& text) const {
    ASSIGN_OR_RETURN(const auto query, engine_.Parse(text));
    ASSIGN_OR_RETURN(const promql::QueryResult result,
                     engine_.Instant(*query, querier_, ToMs(options_.at)));
    Series series;
    if (const auto* scalar = std::get_if<promql::ScalarValue>(&result.value)) {
      series.push_back({.value = scalar->value});
    } else if (const auto* vector = std::get_if<promql::VectorValue>(&result.value)) {
      for (const promql::VectorElement& element : *vector) {
        if (Fits(element.labels, options_.labels)) {
          series.push_back({element.labels, element.point.value});
        }
      }
    } else if (const auto* matrix = std::get_if<promql::MatrixValue>(&result.value)) {
      for (const promql::MatrixElement& element : *matrix) {
        if (element.points.empty() || !Fits(element.labels, options_.labels)) continue;
        series.push_back({element.labels, element.points.values().back()});
      }
    }
    std::ranges::sort(series, {}, &ExplainedSeries::labels);
    return series;
  }

  void Note(const Expr& expr, const Series& out, ExplainNode& node) {
    if (const promql::VectorSelector* selector = lint::SelectorOf(expr)) {
      NoteMatchers(expr, *selector, node);
    } else if (const auto* binary = expr.As<promql::Binary>()) {
      NoteBinary(*binary, out, node);
    } else if (expr.As<promql::Call>() != nullptr) {
      NoteCall(out, node);
    }
  }

  // What each matcher dropped, in the order in which they are written.
  void NoteMatchers(const Expr& expr, const promql::VectorSelector& selector, ExplainNode& node) {
    const std::string_view name = lint::MetricOf(selector);
    if (name.empty()) {
      node.in = node.out;
      return;
    }
    const auto* matrix = expr.As<promql::MatrixSelector>();
    std::string all = fmt::format("{{__name__={}}}", QuoteLabelValue(name));
    if (matrix != nullptr) {
      all += fmt::format("[{}ms]", std::max<int64_t>(matrix->range_ms, 1));
    }
    if (selector.time.offset_ms != 0) {
      all += fmt::format(" offset {}ms", selector.time.offset_ms);
    }
    const Result<Series> candidates = Evaluate(all);
    if (!candidates.ok()) return;
    Series left = *candidates;
    node.in = left.size();
    if (left.empty()) {
      node.notes.push_back(fmt::format("there are no series of {} at this time", name));
      return;
    }
    for (const Matcher& matcher : selector.matchers) {
      if (matcher.name() == kMetricName) continue;
      std::set<std::string> values;
      const size_t before = left.size();
      std::erase_if(left, [&](const ExplainedSeries& series) {
        const std::string_view value = series.labels.Get(matcher.name());
        if (matcher.Matches(value)) return false;
        values.emplace(value);
        return true;
      });
      if (left.size() == before) continue;
      node.notes.push_back(fmt::format("{} dropped {} of {}; their {}", matcher.ToString(),
                                       before - left.size(), Count(before, "series"),
                                       ValuesText(matcher.name(), values)));
    }
  }

  static std::string ValuesText(const std::string& label, const std::set<std::string>& values) {
    if (values.size() == 1 && values.begin()->empty())
      return fmt::format("have no label {}", label);
    std::string text;
    size_t shown = 0;
    constexpr size_t kShown = 5;
    for (const std::string& value : values) {
      if (shown++ == kShown) break;
      text += (text.empty() ? "" : ", ") + QuoteLabelValue(value);
    }
    if (values.size() > kShown) text += fmt::format(" and {} more", values.size() - kShown);
    return fmt::format("{} is {}", label, text);
  }

  void NoteBinary(const promql::Binary& binary, const Series& out, ExplainNode& node) {
    const bool filters = promql::IsComparison(binary.op) && !binary.return_bool;
    if (binary.matching) NoteMatching(binary, node);
    if (!filters) return;
    const std::optional<double> right = lint::ConstantOf(*binary.rhs);
    const std::optional<double> left = lint::ConstantOf(*binary.lhs);
    if (right || left) NoteThreshold(binary, right ? *right : *left, right.has_value(), out, node);
  }

  // How near the values came.
  void NoteThreshold(const promql::Binary& binary, double limit, bool value_is_left,
                     const Series& out, ExplainNode& node) {
    const Expr& side = promql::Unwrapped(value_is_left ? *binary.lhs : *binary.rhs);
    const Result<Series> values = Evaluate(promql::Print(side));
    if (!values.ok() || values->empty()) return;
    size_t nan = 0;
    const ExplainedSeries* nearest = nullptr;
    for (const ExplainedSeries& series : *values) {
      if (std::isnan(series.value)) {
        ++nan;
        continue;
      }
      const bool kept = std::ranges::any_of(out, [&](const ExplainedSeries& other) {
        return WithoutName(other.labels) == WithoutName(series.labels);
      });
      const bool better =
          nearest == nullptr || std::abs(series.value - limit) < std::abs(nearest->value - limit);
      if (!kept && better) nearest = &series;
    }
    const size_t dropped = values->size() - std::min(values->size(), out.size());
    if (dropped > 0) {
      node.notes.push_back(
          fmt::format("dropped {} of {}", dropped, Count(values->size(), "series")));
    }
    if (nan > 0) node.notes.push_back(Count(nan, "value") + " NaN, which no comparison keeps");
    if (nearest != nullptr) {
      node.notes.push_back(fmt::format("nearest of those: {}, {} from {}{}",
                                       FormatGoV(nearest->value),
                                       FormatGoV(std::abs(nearest->value - limit)),
                                       FormatGoV(limit), LabelsSuffix(nearest->labels)));
    }
  }

  static std::string LabelsSuffix(const LabelSet& labels) {
    const std::string text = WithoutName(labels).ToString();
    return text == "{}" ? "" : ", " + text;
  }

  // The labels that pair the sides of an operator.
  static LabelSet Signature(const LabelSet& labels, const promql::VectorMatching& matching) {
    LabelSet signature;
    for (const auto& [name, value] : labels) {
      if (name == kMetricName) continue;
      const bool listed = std::ranges::find(matching.labels, name) != matching.labels.end();
      if (listed == matching.on) signature.Set(name, value);
    }
    return signature;
  }

  void NoteMatching(const promql::Binary& binary, ExplainNode& node) {
    const Result<Series> left = Evaluate(promql::Print(promql::Unwrapped(*binary.lhs)));
    const Result<Series> right = Evaluate(promql::Print(promql::Unwrapped(*binary.rhs)));
    if (!left.ok() || !right.ok()) return;
    std::set<LabelSet> left_keys;
    std::set<LabelSet> right_keys;
    for (const ExplainedSeries& series : *left) {
      left_keys.insert(Signature(series.labels, *binary.matching));
    }
    for (const ExplainedSeries& series : *right) {
      right_keys.insert(Signature(series.labels, *binary.matching));
    }
    const auto alone = [&](const Series& side, const std::set<LabelSet>& others) {
      return static_cast<size_t>(std::ranges::count_if(side, [&](const ExplainedSeries& series) {
        return !others.contains(Signature(series.labels, *binary.matching));
      }));
    };
    const size_t left_alone = alone(*left, right_keys);
    const size_t right_alone = alone(*right, left_keys);
    node.notes.push_back(
        fmt::format("{} on the left, {} on the right; without a partner: {} and {}",
                    Count(left->size(), "series"), right->size(), left_alone, right_alone));
    if (left->empty() || right->empty() || left_alone == 0) return;
    NoteDifference(left_keys, right_keys, node);
  }

  // Which labels keep them apart.
  static void NoteDifference(const std::set<LabelSet>& left, const std::set<LabelSet>& right,
                             ExplainNode& node) {
    std::set<std::string> left_names;
    std::set<std::string> right_names;
    for (const LabelSet& labels : left) {
      for (const auto& [name, value] : labels) left_names.insert(name);
    }
    for (const LabelSet& labels : right) {
      for (const auto& [name, value] : labels) right_names.insert(name);
    }
    std::vector<std::string> only_left;
    std::vector<std::string> only_right;
    std::ranges::set_difference(left_names, right_names, std::back_inserter(only_left));
    std::ranges::set_difference(right_names, left_names, std::back_inserter(only_right));
    if (!only_left.empty()) {
      node.notes.push_back("only the left side has the label " + Join(only_left));
    }
    if (!only_right.empty()) {
      node.notes.push_back("only the right side has the label " + Join(only_right));
    }
    if (!only_left.empty() || !only_right.empty()) return;
    for (const std::string& name : left_names) {
      std::set<std::string> a;
      std::set<std::string> b;
      for (const LabelSet& labels : left) a.emplace(labels.Get(name));
      for (const LabelSet& labels : right) b.emplace(labels.Get(name));
      if (a == b) continue;
      node.notes.push_back(
          fmt::format("on the left {}, on the right {}", ValuesText(name, a), ValuesText(name, b)));
    }
  }

  static void NoteCall(const Series& out, ExplainNode& node) {
    const size_t operands = node.in;
    if (operands > out.size() && !out.empty()) {
      node.notes.push_back(fmt::format("gives nothing for {} of {}", operands - out.size(),
                                       Count(operands, "series")));
    } else if (operands > 0 && out.empty()) {
      node.notes.push_back(
          "gives nothing: a rate needs two samples in its range, a quantile "
          "buckets with le");
    }
  }

  const promql::Engine& engine_;
  const Querier& querier_;
  const ExplainOptions& options_;
};

// --- JSON ------------------------------------------------------------------------------------

void WriteNode(JsonWriter& json, const ExplainNode& node) {
  json.BeginObject().Field("expr", node.text).Field("kind", node.kind);
  json.Field("in", static_cast<uint64_t>(node.in)).Field("out", static_cast<uint64_t>(node.out));
  json.Key("notes").BeginArray();
  for (const std::string& note : node.notes) json.String(note);
  json.EndArray();
  if (!node.error.empty()) json.Field("error", node.error);
  json.Key("series").BeginArray();
  for (const ExplainedSeries& series : node.series) {
    json.BeginObject().Key("labels");
    promql::WriteLabels(json, series.labels);
    json.Field("value", FormatGoV(series.value)).EndObject();
  }
  json.EndArray().Key("operands").BeginArray();
  for (const ExplainNode& operand : node.operands) WriteNode(json, operand);
  json.EndArray().EndObject();
}

void WriteAlert(JsonWriter& json, const AlertSnapshot& alert, Duration hold, Timestamp at) {
  json.BeginObject().Key("labels");
  promql::WriteLabels(json, alert.labels);
  json.Field("state", PhaseText(alert.phase)).Field("value", FormatGoV(alert.value));
  json.Field("activeAt", FormatRfc3339(alert.active_at));
  if (alert.phase == AlertPhase::kPending) {
    const Duration left = std::max(alert.active_at + hold - at, Duration::zero());
    json.Field("firesInSeconds", ToSeconds(left));
  }
  if (alert.fired_at) json.Field("firedAt", FormatRfc3339(*alert.fired_at));
  if (alert.keep_firing_since) {
    json.Field("keepFiringSince", FormatRfc3339(*alert.keep_firing_since));
  }
  if (alert.resolved_at) json.Field("resolvedAt", FormatRfc3339(*alert.resolved_at));
  if (alert.last_sent_at) json.Field("lastSent", FormatRfc3339(*alert.last_sent_at));
  json.EndObject();
}

}  // namespace

ExplainNode ExplainQuery(const promql::Engine& engine, const Querier& querier,
                         const promql::ParsedQuery& query, const ExplainOptions& options) {
  return Explainer(engine, querier, options).Explain(query.root());
}

std::string ExplainJson(const ExplainNode& tree, const ExplainedRule& rule,
                        const ExplainOptions& options) {
  JsonWriter json;
  json.BeginObject().Field("at", FormatRfc3339(options.at));
  json.Field("name", rule.name).Field("query", rule.query);
  json.Field("file", rule.file);
  if (rule.line > 0) json.Field("line", rule.line).Field("column", rule.column);
  json.Field("forSeconds", ToSeconds(rule.hold));
  if (const RuleSnapshot* const running = rule.running) {
    json.Field("state", PhaseText(running->phase));
    if (!running->last_error.empty()) json.Field("lastError", running->last_error);
    if (running->last_evaluation) {
      json.Field("lastEvaluation", FormatRfc3339(*running->last_evaluation));
    }
    json.Key("alerts").BeginArray();
    for (const AlertSnapshot& alert : running->alerts) {
      if (Fits(alert.labels, options.labels)) WriteAlert(json, alert, rule.hold, options.at);
    }
    json.EndArray();
  }
  if (!rule.delivery.empty()) json.Key("alertmanagers").Raw(rule.delivery);
  json.Key("tree");
  WriteNode(json, tree);
  json.EndObject();
  return json.Take();
}

}  // namespace tocsin
