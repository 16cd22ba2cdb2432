#include "rules/built_in_rules.h"

#include <fmt/format.h>

namespace tocsin {
namespace {

// {endpoint: handler} copies what `handler` has into `endpoint`.
std::string QuantileExpression(const QuantilesConfig& config, const std::string& quantile) {
  std::string expression = fmt::format("histogram_quantile({}, rate({}_bucket[{}]))", quantile,
                                       config.histogram, FormatPrometheusDuration(config.window));
  for (const auto& [to, from] : config.copy_labels) {
    expression =
        fmt::format(R"x(label_replace({}, "{}", "$1", "{}", "(.+)"))x", expression, to, from);
  }
  return expression;
}

}  // namespace

std::string BuiltInRules(const Config& config) {
  if (config.collectors.quantiles.empty()) return "";
  std::string text = "groups:\n  - name: quantiles\n    rules:\n";
  for (const QuantilesConfig& quantiles : config.collectors.quantiles) {
    for (const std::string& quantile : quantiles.quantiles) {
      // The text of the quantile is kept: a rule that asks for "0.50" does not find "0.5".
      text += fmt::format(
          "      - record: {}\n        expr: '{}'\n        labels: {{quantile: \"{}\"}}\n",
          quantiles.histogram, QuantileExpression(quantiles, quantile), quantile);
    }
  }
  return text;
}

}  // namespace tocsin
