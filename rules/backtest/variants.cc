// Rules with one thing changed, for what-if runs.
#include <fmt/core.h>

#include <algorithm>

#include "base/go_float.h"
#include "engine/promql/parser.h"
#include "rules/backtest/backtest.h"
#include "rules/group_order.h"
#include "rules/lint/kernels.h"

namespace tocsin {
namespace {

constexpr std::string_view kFields = "for, keep_firing_for, threshold";

// The number that the alert's first comparison compares with, replaced.
Status SetThreshold(RuleSpec& rule, const std::string& value) {
  if (!ParseGoFloat(value)) return InvalidArgument("\"" + value + "\" is not a number");
  const std::vector<lint::Threshold> thresholds = lint::ThresholdsOf(rule.query->root());
  if (thresholds.empty()) {
    return InvalidArgument(rule.name + " compares nothing with a number");
  }
  const auto& binary = *thresholds[0].comparison->As<promql::Binary>();
  const promql::Expr& number = thresholds[0].value == binary.lhs ? *binary.rhs : *binary.lhs;
  const std::string text = lint::Edited(rule.query->text(), {{number.position, value}});
  ASSIGN_OR_RETURN(rule.query, promql::ParseQuery(text, {.experimental_functions = true}));
  return Ok();
}

Status Apply(RuleSpec& rule, const RuleChange& change) {
  if (change.field == "threshold") return SetThreshold(rule, change.value);
  ASSIGN_OR_RETURN(const Duration duration, ParsePrometheusDuration(change.value));
  (change.field == "for" ? rule.hold : rule.keep_firing_for) = duration;
  return Ok();
}

// a..b/step
Result<std::vector<std::string>> RangeOf(std::string_view text) {
  const size_t dots = text.find("..");
  const size_t slash = text.find('/', dots);
  const auto bad = [&] {
    return InvalidArgument(fmt::format("\"{}\" is not FROM..TO/STEP", text));
  };
  if (slash == std::string_view::npos) return bad();
  const std::optional<double> from = ParseGoFloat(text.substr(0, dots));
  const std::optional<double> to = ParseGoFloat(text.substr(dots + 2, slash - dots - 2));
  const std::optional<double> step = ParseGoFloat(text.substr(slash + 1));
  constexpr int kMaxValues = 100;
  if (!from || !to || !step || *step <= 0 || (*to - *from) / *step > kMaxValues) return bad();
  std::vector<std::string> values;
  for (int i = 0; *from + i * *step <= *to + *step * 1e-9; ++i) {
    values.push_back(fmt::format("{:.12g}", *from + i * *step));
  }
  return values;
}

}  // namespace

Result<RuleChange> ParseRuleChange(std::string_view text) {
  const size_t equals = text.find('=');
  const size_t dot = text.substr(0, equals).rfind('.');
  if (equals == std::string_view::npos || dot == std::string_view::npos) {
    return InvalidArgument(fmt::format("\"{}\" is not NAME.FIELD=VALUE", text));
  }
  RuleChange change{.rule = std::string(text.substr(0, dot)),
                    .field = std::string(text.substr(dot + 1, equals - dot - 1)),
                    .value = std::string(text.substr(equals + 1))};
  const bool known =
      change.field == "for" || change.field == "keep_firing_for" || change.field == "threshold";
  if (!known) {
    return InvalidArgument(
        fmt::format("\"{}\" cannot be changed; what can: {}", change.field, kFields));
  }
  return change;
}

Result<std::vector<RuleChange>> ParseRuleSweep(std::string_view text) {
  ASSIGN_OR_RETURN(const RuleChange all, ParseRuleChange(text));
  std::vector<std::string> values;
  if (all.value.find("..") != std::string::npos) {
    ASSIGN_OR_RETURN(values, RangeOf(all.value));
  } else {
    std::string_view rest = all.value;
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      values.emplace_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  std::vector<RuleChange> changes;
  for (std::string& value : values) {
    changes.push_back({.rule = all.rule, .field = all.field, .value = std::move(value)});
  }
  return changes;
}

Result<std::vector<RuleGroupSpec>> WithChange(std::vector<RuleGroupSpec> groups,
                                              const RuleChange& change) {
  bool found = false;
  for (RuleGroupSpec& group : groups) {
    for (RuleSpec& rule : group.rules) {
      if (!rule.alerting || rule.name != change.rule) continue;
      found = true;
      const Status applied = Apply(rule, change);
      if (!applied.ok()) return Prefixed(change.ToString() + ": ", applied.error());
    }
  }
  if (!found) return NotFound(change.ToString() + ": no alert is called " + change.rule);
  return groups;
}

std::vector<RuleGroupSpec> AtSlotsOf(const std::vector<RuleGroupSpec>& groups,
                                     std::vector<RuleGroupSpec> old) {
  for (RuleGroupSpec& group : old) {
    const auto found = std::ranges::find(groups, group.name, &RuleGroupSpec::name);
    if (found == groups.end() || found->interval != group.interval) continue;
    group.extensions.eval_offset = SlotOffset(*found);
  }
  return old;
}

}  // namespace tocsin
