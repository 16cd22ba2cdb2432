#include "delivery/gate/gate_explain.h"

#include <fmt/format.h>

#include "base/quantity.h"

namespace tocsin::delivery {
namespace {

std::string Span(Duration span) { return FormatSpan(ToSeconds(span)); }

// As YAML in single quotes.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

std::string Line(int depth, std::string_view key, std::string_view value) {
  return fmt::format("{:{}}{}: {}\n", "", depth * 2, key, value);
}

void AppendLimit(std::string_view key, const std::optional<double>& limit, GateUnit unit,
                 std::string& text) {
  if (limit) text += Line(2, key, FormatQuantity(*limit, unit));
}

void AppendHealth(const HealthGate& gate, std::string& text) {
  text += "  health_check:  # pre, post\n    endpoints:\n";
  for (const JourneyStep& endpoint : gate.endpoints) {
    text += fmt::format("      - {{method: {}, path: {}}}", endpoint.method, Quoted(endpoint.path));
    text += endpoint.expect.json.empty() && endpoint.expect.contains.empty()
                ? "\n"
                : "  # and its content\n";
  }
  text += Line(2, "timeout", Span(gate.timeout)) + Line(2, "try_timeout", Span(gate.try_timeout)) +
          Line(2, "wait_interval", Span(gate.wait_interval)) +
          Line(2, "retries", std::to_string(gate.retries)) +
          Line(2, "samples", std::to_string(gate.samples)) +
          Line(2, "success_rate", FormatRatio(gate.success_rate));
}

void AppendLoad(const LoadGate& gate, std::string& text) {
  text += "  load_testing:  # pre\n" + Line(2, "duration", Span(gate.duration)) +
          Line(2, "concurrent_users", std::to_string(gate.users)) +
          Line(2, "rate", gate.rate > 0 ? fmt::format("{}", gate.rate) : "0  # closed loop") +
          Line(2, "ramp", Span(gate.ramp)) +
          Line(2, "success_rate", FormatRatio(gate.success_rate));
}

void AppendPerformance(const PerformanceGate& gate, std::string& text) {
  text += "  performance_validation:  # all phases\n";
  AppendLimit("response_time_p95", gate.response_time_p95, GateUnit::kSeconds, text);
  AppendLimit("memory_usage_max", gate.memory_usage_max, GateUnit::kBytes, text);
  AppendLimit("error_rate_max", gate.error_rate_max, GateUnit::kRatio, text);
}

void AppendRollback(const RollbackGate& gate, std::string& text) {
  text += "  rollback_criteria:  # step, post\n";
  AppendLimit("response_time_degradation", gate.response_time_degradation, GateUnit::kRatio, text);
  AppendLimit("min_delta", gate.min_delta, GateUnit::kSeconds, text);
  AppendLimit("error_rate_spike", gate.error_rate_spike, GateUnit::kRatio, text);
  AppendLimit("error_rate_increase", gate.error_rate_increase, GateUnit::kRatio, text);
  AppendLimit("memory_usage_spike", gate.memory_usage_spike, GateUnit::kRatio, text);
}

void AppendCustom(const std::vector<CustomGate>& gates, std::string& text) {
  if (!gates.empty()) text += "  custom:  # all phases\n";
  for (const CustomGate& gate : gates) {
    text += "    - name: " + gate.name + "\n" + Line(3, "query", Quoted(gate.query));
    for (const auto& [key, limit] : {std::pair("max", gate.max), std::pair("min", gate.min)}) {
      if (limit) text += Line(3, key, FormatQuantity(*limit, GateUnit::kNumber));
    }
  }
}

void AppendExtras(const GateSpec& spec, std::string& text) {
  if (const auto& compare = spec.compare) {
    text += fmt::format(
        "compare: {{test: mann-whitney, alpha: {}, tolerance: {}, step: {}}}  # step, post\n",
        FormatRatio(compare->alpha), FormatRatio(compare->tolerance), Span(compare->step));
  }
  if (!spec.warn.empty()) text += "warn:\n";
  for (const auto& [check, limit] : spec.warn) {
    const bool time = check.ends_with("response_time_p95");
    text += Line(1, check, time ? FormatSpan(limit) : fmt::format("{}", limit));
  }
  const auto& score = spec.score;
  if (!score) return;
  text += "score:\n" + Line(1, "pass", FormatRatio(score->pass)) +
          Line(1, "warn", FormatRatio(score->warn));
  std::string keys;
  for (const std::string& key : score->key) keys += (keys.empty() ? "" : ", ") + key;
  text += Line(1, "key", "[" + keys + "]") + "  weights:  # 1 for the others\n";
  for (const auto& [check, weight] : score->weights) {
    text += Line(2, check, fmt::format("{}", weight));
  }
}

void AppendRules(const GateSpec& spec, std::string& text) {
  constexpr std::string_view kPolicies[] = {"hold", "fail", "pass"};
  const MeasurePlan& measure = spec.measure;
  text += Line(0, "window", Span(spec.window)) +
          Line(0, "min_requests", fmt::format("{}", spec.min_requests)) +
          Line(0, "max_age", Span(spec.max_age)) +
          Line(0, "on_inconclusive", kPolicies[static_cast<size_t>(spec.on_inconclusive)]) +
          "measure:\n" + Line(1, "initial_delay", Span(measure.initial_delay)) +
          Line(1, "interval", Span(measure.interval)) +
          Line(1, "count", std::to_string(measure.count)) +
          Line(1, "failure_limit", std::to_string(measure.failure_limit)) +
          Line(1, "consecutive_success", std::to_string(measure.consecutive_success));
}

}  // namespace

std::string ExplainGate(const GateInputs& inputs, const GateRun& run) {
  const GateSpec& spec = inputs.spec;
  std::string text = "gates:\n";
  if (spec.health) AppendHealth(*spec.health, text);
  if (spec.performance) AppendPerformance(*spec.performance, text);
  if (spec.load) AppendLoad(*spec.load, text);
  if (spec.rollback) AppendRollback(*spec.rollback, text);
  if (spec.no_alerts) {
    text += fmt::format("  alerts: none  # all phases; of {} rules none holds for {}\n",
                        inputs.alerts.size(), inputs.color);
  }
  AppendCustom(spec.custom, text);
  AppendExtras(spec, text);
  AppendRules(spec, text);
  text += "queries:\n";
  for (const GateQuery& query : DefaultGateQueries()) {
    text += fmt::format("  {}:  # {}\n", query.name, query.help);
    for (const std::string& expr : run.Expressions(query.name, inputs.color)) {
      text += "    - " + Quoted(expr) + "\n";
    }
  }
  return text;
}

}  // namespace tocsin::delivery
