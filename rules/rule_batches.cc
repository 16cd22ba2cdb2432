#include "rules/rule_batches.h"

#include <algorithm>
#include <string_view>

#include "engine/promql/plan.h"
#include "rules/query_inputs.h"

namespace tocsin {
namespace {

constexpr std::string_view kAlertSeries[] = {"ALERTS", "ALERTS_FOR_STATE"};

const Matcher* FindMatcher(const promql::VectorSelector& selector, std::string_view name) {
  const auto found = std::ranges::find(selector.matchers, name, &Matcher::name);
  return found == selector.matchers.end() ? nullptr : &*found;
}

bool HasName(const promql::VectorSelector& selector) {
  return FindMatcher(selector, kMetricName) != nullptr;
}

// Templates may ask for anything.
bool AsksInTemplates(const RuleSpec& rule) {
  const auto asks = [](const TemplatedLabel& label) {
    return label.value.text().find("query") != std::string::npos;
  };
  return std::ranges::any_of(rule.label_templates, asks) ||
         std::ranges::any_of(rule.annotation_templates, asks);
}

// What a rule reads, taken out of its expressions once.
struct Reader {
  explicit Reader(const RuleSpec& spec) : rule(spec), reads_anything(AsksInTemplates(spec)) {
    for (const auto& query : {spec.query, spec.extensions.resolve_query}) {
      if (query == nullptr) continue;
      for (const QueryInput& input : InputsOf(query->root())) {
        if (HasName(*input.selector)) {
          selectors.push_back(input.selector);
        } else {
          reads_anything = true;
        }
      }
    }
  }

  bool Reads(const RuleSpec& writer) const {
    return std::ranges::any_of(selectors, [&](const promql::VectorSelector* selector) {
      return MayReadSeriesOf(*selector, writer);
    });
  }

  const RuleSpec& rule;
  bool reads_anything = false;
  std::vector<const promql::VectorSelector*> selectors;
};

bool MustKeepOrder(const Reader& a, const Reader& b) {
  if (a.reads_anything || b.reads_anything) return true;
  const bool namesakes = a.rule.alerting == b.rule.alerting && a.rule.name == b.rule.name;
  return namesakes || a.Reads(b.rule) || b.Reads(a.rule);
}

std::vector<Reader> ReadersOf(const std::vector<RuleSpec>& rules) {
  return {rules.begin(), rules.end()};
}

}  // namespace

bool MayReadSeriesOf(const promql::VectorSelector& selector, const RuleSpec& writer) {
  if (!writer.alerting) return promql::MayRead(selector, writer.name);
  if (std::ranges::none_of(kAlertSeries, [&](std::string_view series) {
        return promql::MayRead(selector, series);
      })) {
    return false;
  }
  const Matcher* const alert = FindMatcher(selector, "alertname");
  return alert == nullptr || alert->Matches(writer.name);
}

std::vector<std::vector<size_t>> BatchesOf(const std::vector<RuleSpec>& rules) {
  const std::vector<Reader> readers = ReadersOf(rules);
  std::vector<std::vector<size_t>> batches;
  std::vector<size_t> batch_of(rules.size(), 0);
  for (size_t i = 0; i < rules.size(); ++i) {
    for (size_t before = 0; before < i; ++before) {
      if (batch_of[before] < batch_of[i]) continue;
      if (MustKeepOrder(readers[before], readers[i])) batch_of[i] = batch_of[before] + 1;
    }
    if (batches.size() <= batch_of[i]) batches.resize(batch_of[i] + 1);
    batches[batch_of[i]].push_back(i);
  }
  return batches;
}

bool ReadsFrom(const RuleGroupSpec& reader, const RuleGroupSpec& writer) {
  return std::ranges::any_of(ReadersOf(reader.rules), [&](const Reader& rule) {
    return std::ranges::any_of(writer.rules,
                               [&](const RuleSpec& other) { return rule.Reads(other); });
  });
}

}  // namespace tocsin
