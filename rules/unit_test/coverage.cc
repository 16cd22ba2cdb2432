#include "rules/unit_test/coverage.h"

#include <algorithm>
#include <variant>

#include "engine/promql/parser.h"

namespace tocsin::unit_test {
namespace {

// Gathers the matchers of metric names.
class NamesOf {
 public:
  explicit NamesOf(std::vector<Matcher>& names) : names_(names) {}

  void operator()(const promql::NumberLiteral&) const {}
  void operator()(const promql::StringLiteral&) const {}
  void operator()(const promql::VectorSelector& selector) const {
    for (const Matcher& matcher : selector.matchers) {
      if (matcher.name() == kMetricName) names_.push_back(matcher);
    }
  }
  void operator()(const promql::MatrixSelector& matrix) const { (*this)(*matrix.selector); }
  void operator()(const promql::Subquery& subquery) const { In(subquery.expr); }
  void operator()(const promql::Call& call) const {
    for (const promql::Expr* arg : call.args) In(arg);
  }
  void operator()(const promql::Aggregate& aggregate) const {
    In(aggregate.expr);
    In(aggregate.param);
  }
  void operator()(const promql::Binary& binary) const {
    In(binary.lhs);
    In(binary.rhs);
  }
  void operator()(const promql::Unary& unary) const { In(unary.expr); }
  void operator()(const promql::Paren& paren) const { In(paren.expr); }

  // NOLINTNEXTLINE(misc-no-recursion): the parser bounds the depth
  void In(const promql::Expr* expr) const {
    if (expr != nullptr) std::visit(*this, expr->node);
  }

 private:
  std::vector<Matcher>& names_;
};

std::vector<Matcher> NamesIn(const promql::Expr& expr) {
  std::vector<Matcher> names;
  NamesOf(names).In(&expr);
  return names;
}

}  // namespace

void Coverage::Observe(const RuleGroup& group) {
  for (size_t i = 0; i < group.size(); ++i) {
    const RuleSpec& spec = group.spec().rules[i];
    RuleCoverage& rule = rules_[{group.spec().file, spec.line, spec.name}];
    if (rule.reads.empty()) rule.reads = NamesIn(spec.query->root());
    rule.alerting = spec.alerting;
    if (group.samples(i) > 0) ++rule.results;
    if (!spec.alerting || rule.fired) continue;
    rule.fired = group.alerting(i)->phase() == AlertPhase::kFiring;
  }
}

void Coverage::NoteAlertCheck(const std::string& alertname, Expectation expectation) {
  for (auto& [key, rule] : rules_) {
    if (!rule.alerting || key.name != alertname) continue;
    (expectation == Expectation::kFires ? rule.expected_to_fire : rule.expected_silent) = true;
  }
}

void Coverage::NoteQuery(const std::string& expression, const promql::ParserOptions& parser) {
  const auto query = promql::ParseQuery(expression, parser);
  if (query.ok()) MarkRead(NamesIn((*query)->root()));
}

bool Coverage::MarkRead(const std::vector<Matcher>& names) {
  bool changed = false;
  for (auto& [key, rule] : rules_) {
    const std::string& name = key.name;
    if (rule.alerting || rule.read) continue;
    rule.read = std::ranges::any_of(names, [&](const Matcher& each) { return each.Matches(name); });
    changed |= rule.read;
  }
  return changed;
}

void Coverage::FollowReads() {
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [key, rule] : rules_) {
      if (rule.covered()) changed |= MarkRead(rule.reads);
    }
  }
}

void Coverage::Merge(const Coverage& other) {
  for (const auto& [key, theirs] : other.rules_) {
    RuleCoverage& ours = rules_[key];
    ours.alerting = theirs.alerting;
    ours.reads = theirs.reads;
    ours.results += theirs.results;
    ours.fired |= theirs.fired;
    ours.expected_to_fire |= theirs.expected_to_fire;
    ours.expected_silent |= theirs.expected_silent;
    ours.read |= theirs.read;
  }
}

size_t Coverage::covered() const {
  return static_cast<size_t>(
      std::ranges::count_if(rules_, [](const auto& entry) { return entry.second.covered(); }));
}

}  // namespace tocsin::unit_test
