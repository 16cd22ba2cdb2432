#include "delivery/gate/gate_file.h"

#include <algorithm>

#include "base/go_float.h"
#include "base/quantity.h"
#include "config/yaml_reader.h"

namespace tocsin::delivery {
namespace {

constexpr std::string_view kMannWhitney = "mann-whitney";

template <typename T>
Result<T> Quantity(YamlMap& map, std::string_view field, Result<T> (*parse)(std::string_view),
                   T otherwise) {
  const std::optional<YamlNode> node = map.Find(field);
  if (!node) return otherwise;
  Result<T> value = parse(node->text());
  if (!value.ok()) return node->ErrorHere(std::string(field) + ": " + value.error().message);
  return value;
}

Result<std::optional<double>> Limit(YamlMap& map, std::string_view field,
                                    Result<double> (*parse)(std::string_view)) {
  const std::optional<YamlNode> node = map.Find(field);
  if (!node) return std::optional<double>();
  const Result<double> value = parse(node->text());
  if (!value.ok()) return node->ErrorHere(std::string(field) + ": " + value.error().message);
  return std::optional<double>(*value);
}

Result<double> SecondsOf(std::string_view text) {
  ASSIGN_OR_RETURN(const Duration span, ParseSpan(text));
  return ToSeconds(span);
}

Result<int64_t> Count(YamlMap& map, std::string_view field, int64_t otherwise, int64_t least) {
  ASSIGN_OR_RETURN(const int64_t count, map.OptionalInt(field, otherwise));
  if (count < least) {
    return map.ErrorAt(field, std::string(field) + " is " + std::to_string(least) + " or more");
  }
  return count;
}

// The steps of a journey have the same fields; a path alone is enough.
Result<std::vector<JourneyStep>> ReadEndpoints(YamlMap& map) {
  ASSIGN_OR_RETURN(const std::vector<YamlNode> nodes, map.OptionalList("endpoints"));
  if (nodes.empty()) return map.ErrorAt("endpoints", "a health check needs endpoints");
  std::vector<JourneyStep> endpoints;
  for (const YamlNode& node : nodes) {
    if (node.kind() == YamlNode::Kind::kScalar) {
      if (!node.text().starts_with('/')) return node.ErrorHere("a path begins with \"/\"");
      endpoints.push_back(SingleRequest("GET", node.text()).steps[0]);
      continue;
    }
    ASSIGN_OR_RETURN(JourneyStep step, ReadJourneyStep(node));
    endpoints.push_back(std::move(step));
  }
  return endpoints;
}

Result<HealthGate> ReadHealth(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a health check"));
  HealthGate gate;
  ASSIGN_OR_RETURN(gate.endpoints, ReadEndpoints(map));
  ASSIGN_OR_RETURN(gate.timeout, Quantity<Duration>(map, "timeout", &ParseSpan, gate.timeout));
  ASSIGN_OR_RETURN(gate.try_timeout,
                   Quantity<Duration>(map, "try_timeout", &ParseSpan, gate.try_timeout));
  ASSIGN_OR_RETURN(gate.wait_interval,
                   Quantity<Duration>(map, "wait_interval", &ParseSpan, gate.wait_interval));
  ASSIGN_OR_RETURN(gate.retries, Count(map, "retries", gate.retries, 0));
  ASSIGN_OR_RETURN(gate.samples, Count(map, "samples", gate.samples, 1));
  ASSIGN_OR_RETURN(gate.success_rate,
                   Quantity<double>(map, "success_rate", &ParseRatio, gate.success_rate));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return gate;
}

Result<LoadGate> ReadLoad(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a load test"));
  LoadGate gate;
  ASSIGN_OR_RETURN(gate.duration, Quantity<Duration>(map, "duration", &ParseSpan, gate.duration));
  ASSIGN_OR_RETURN(gate.users, Count(map, "concurrent_users", gate.users, 1));
  ASSIGN_OR_RETURN(gate.rate, map.OptionalDouble("rate", 0));
  ASSIGN_OR_RETURN(gate.ramp, Quantity<Duration>(map, "ramp", &ParseSpan, gate.ramp));
  ASSIGN_OR_RETURN(gate.success_rate,
                   Quantity<double>(map, "success_rate", &ParseRatio, gate.success_rate));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return gate;
}

Result<PerformanceGate> ReadPerformance(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a performance validation"));
  PerformanceGate gate;
  ASSIGN_OR_RETURN(gate.response_time_p95, Limit(map, "response_time_p95", &SecondsOf));
  ASSIGN_OR_RETURN(gate.memory_usage_max, Limit(map, "memory_usage_max", &ParseSize));
  ASSIGN_OR_RETURN(gate.error_rate_max, Limit(map, "error_rate_max", &ParseRatio));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return gate;
}

Result<RollbackGate> ReadRollback(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "rollback criteria"));
  RollbackGate gate;
  ASSIGN_OR_RETURN(gate.response_time_degradation,
                   Limit(map, "response_time_degradation", &ParseRatio));
  ASSIGN_OR_RETURN(gate.min_delta, Quantity<double>(map, "min_delta", &SecondsOf, gate.min_delta));
  ASSIGN_OR_RETURN(gate.error_rate_spike, Limit(map, "error_rate_spike", &ParseRatio));
  ASSIGN_OR_RETURN(gate.error_rate_increase, Limit(map, "error_rate_increase", &ParseRatio));
  ASSIGN_OR_RETURN(gate.memory_usage_spike, Limit(map, "memory_usage_spike", &ParseRatio));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return gate;
}

Result<CustomGate> ReadCustom(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a custom gate"));
  CustomGate gate;
  ASSIGN_OR_RETURN(gate.name, map.RequiredString("name"));
  ASSIGN_OR_RETURN(gate.query, map.RequiredString("query"));
  for (const auto& [field, limit] : {std::pair("max", &gate.max), std::pair("min", &gate.min)}) {
    if (!map.Find(field)) continue;
    ASSIGN_OR_RETURN(*limit, map.OptionalDouble(field, 0));
  }
  if (!gate.max && !gate.min) {
    return node.ErrorHere("gate \"" + gate.name + "\" can never fail: give max or min");
  }
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return gate;
}

Status ReadAlerts(YamlMap& gates, GateSpec& spec) {
  const std::optional<YamlNode> node = gates.Find("alerts");
  if (!node) return Ok();
  if (node->text() != "none") return node->ErrorHere("alerts can be \"none\" only: none may hold");
  spec.no_alerts = true;
  return Ok();
}

// A section that is absent is not checked.
template <typename T>
Status ReadSection(YamlMap& gates, std::string_view name, Result<T> (*read)(const YamlNode&),
                   std::optional<T>& section) {
  const std::optional<YamlNode> node = gates.Find(name);
  if (!node) return Ok();
  ASSIGN_OR_RETURN(section, read(*node));
  return Ok();
}

Status ReadGates(YamlMap& root, GateSpec& spec) {
  ASSIGN_OR_RETURN(const YamlNode node, root.Required("gates"));
  ASSIGN_OR_RETURN(YamlMap gates, YamlMap::Open(node, "gates"));
  RETURN_IF_ERROR(ReadSection(gates, "health_check", &ReadHealth, spec.health));
  RETURN_IF_ERROR(ReadSection(gates, "load_testing", &ReadLoad, spec.load));
  RETURN_IF_ERROR(ReadSection(gates, "performance_validation", &ReadPerformance, spec.performance));
  RETURN_IF_ERROR(ReadSection(gates, "rollback_criteria", &ReadRollback, spec.rollback));
  RETURN_IF_ERROR(ReadAlerts(gates, spec));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> custom, gates.OptionalList("custom"));
  for (const YamlNode& one : custom) {
    ASSIGN_OR_RETURN(CustomGate gate, ReadCustom(one));
    spec.custom.push_back(std::move(gate));
  }
  return gates.RejectUnknownFields();
}

Status ReadMeasure(YamlMap& root, MeasurePlan& plan) {
  const std::optional<YamlNode> node = root.Find("measure");
  if (!node) return Ok();
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(*node, "a measure plan"));
  ASSIGN_OR_RETURN(plan.initial_delay,
                   Quantity<Duration>(map, "initial_delay", &ParseSpan, plan.initial_delay));
  ASSIGN_OR_RETURN(plan.interval, Quantity<Duration>(map, "interval", &ParseSpan, plan.interval));
  ASSIGN_OR_RETURN(plan.count, Count(map, "count", plan.count, 1));
  ASSIGN_OR_RETURN(plan.failure_limit, Count(map, "failure_limit", plan.failure_limit, 0));
  ASSIGN_OR_RETURN(plan.consecutive_success,
                   Count(map, "consecutive_success", plan.consecutive_success, 0));
  return map.RejectUnknownFields();
}

Status ReadCompare(YamlMap& root, GateSpec& spec) {
  const std::optional<YamlNode> node = root.Find("compare");
  if (!node) return Ok();
  CompareGate gate;
  if (node->kind() == YamlNode::Kind::kScalar) {
    if (node->text() != kMannWhitney) return node->ErrorHere("compare is mann-whitney");
    spec.compare = gate;
    return Ok();
  }
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(*node, "a comparison"));
  ASSIGN_OR_RETURN(const std::string test, map.OptionalString("test", std::string(kMannWhitney)));
  if (test != kMannWhitney) return map.ErrorAt("test", "the test is mann-whitney");
  ASSIGN_OR_RETURN(gate.alpha, Quantity<double>(map, "alpha", &ParseRatio, gate.alpha));
  if (!(gate.alpha > 0 && gate.alpha < 0.5)) return map.ErrorAt("alpha", "alpha is 0 to 50%");
  ASSIGN_OR_RETURN(gate.tolerance, Quantity<double>(map, "tolerance", &ParseRatio, gate.tolerance));
  ASSIGN_OR_RETURN(gate.step, Quantity<Duration>(map, "step", &ParseSpan, gate.step));
  if (gate.step < std::chrono::seconds(1)) return map.ErrorAt("step", "the step is 1s or more");
  RETURN_IF_ERROR(map.RejectUnknownFields());
  spec.compare = gate;
  return Ok();
}

// What a check's values are, for limits that are given by its id.
struct CheckRow {
  std::string_view id;
  Result<double> (*parse)(std::string_view);
};
constexpr CheckRow kCheckRows[] = {
    {"health_check", nullptr},
    {"load_testing.success_rate", &ParseRatio},
    {"performance_validation.response_time_p95", &SecondsOf},
    {"performance_validation.memory_usage_max", &ParseSize},
    {"performance_validation.error_rate_max", &ParseRatio},
    {"rollback_criteria.response_time_degradation", &ParseRatio},
    {"rollback_criteria.error_rate_spike", &ParseRatio},
    {"rollback_criteria.error_rate_increase", &ParseRatio},
    {"rollback_criteria.memory_usage_spike", &ParseRatio},
    {"compare.response_time_p95", nullptr},
    {"compare.error_rate", nullptr},
    {"alerts", nullptr},
};

Result<double> NumberOf(std::string_view text) {
  const std::optional<double> number = ParseGoFloat(text);
  if (!number) return InvalidArgument("\"" + std::string(text) + "\" is no number");
  return *number;
}

// The row of a check's id; those of the section `custom` have numbers.
Result<CheckRow> FindCheck(const GateSpec& spec, const YamlNode& id) {
  std::vector<std::string> known;
  for (const CheckRow& row : kCheckRows) {
    if (row.id == id.text()) return row;
    known.emplace_back(row.id);
  }
  for (const CustomGate& gate : spec.custom) {
    known.push_back("custom." + gate.name);
    if (known.back() == id.text()) return CheckRow{.id = "custom", .parse = &NumberOf};
  }
  const std::string_view near = NearestWord(id.text(), known);
  return id.ErrorHere("there is no check \"" + id.text() + "\"" +
                      (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
}

Status ReadWarn(YamlMap& root, GateSpec& spec) {
  const std::optional<YamlNode> node = root.Find("warn");
  if (!node) return Ok();
  ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, node->AsEntries());
  for (const auto& [key, value] : entries) {
    ASSIGN_OR_RETURN(const CheckRow row, FindCheck(spec, key));
    if (row.parse == nullptr) return key.ErrorHere(key.text() + " has no limit to warn before");
    const Result<double> limit = row.parse(value.text());
    if (!limit.ok()) return value.ErrorHere(limit.error().message);
    spec.warn[key.text()] = *limit;
  }
  return Ok();
}

Status ReadScore(YamlMap& root, GateSpec& spec) {
  const std::optional<YamlNode> node = root.Find("score");
  if (!node) return Ok();
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(*node, "a score"));
  ScoreGate score;
  if (const std::optional<YamlNode> weights = map.Find("weights")) {
    ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, weights->AsEntries());
    for (const auto& [key, value] : entries) {
      RETURN_IF_ERROR(FindCheck(spec, key));
      const std::optional<double> weight = ParseGoFloat(value.text());
      if (!weight || !(*weight >= 0)) return value.ErrorHere("a weight is 0 or more");
      score.weights[key.text()] = *weight;
    }
  }
  if (map.Find("key")) {
    ASSIGN_OR_RETURN(const std::vector<YamlNode> keys, map.OptionalList("key"));
    score.key.clear();
    for (const YamlNode& key : keys) {
      RETURN_IF_ERROR(FindCheck(spec, key));
      score.key.push_back(key.text());
    }
  }
  ASSIGN_OR_RETURN(score.pass, Quantity<double>(map, "pass", &ParseRatio, score.pass));
  ASSIGN_OR_RETURN(score.warn,
                   Quantity<double>(map, "warn", &ParseRatio, std::min(score.warn, score.pass)));
  if (score.pass > 1) return map.ErrorAt("pass", "a score is at most 100%");
  if (score.warn > score.pass) return map.ErrorAt("warn", "warn is below pass");
  RETURN_IF_ERROR(map.RejectUnknownFields());
  spec.score = std::move(score);
  return Ok();
}

Status ReadOnInconclusive(YamlMap& root, OnInconclusive& policy) {
  const std::optional<YamlNode> node = root.Find("on_inconclusive");
  if (!node || node->text() == "hold") return Ok();
  if (node->text() == "fail") {
    policy = OnInconclusive::kFail;
  } else if (node->text() == "pass") {
    policy = OnInconclusive::kPass;
  } else {
    return node->ErrorHere("on_inconclusive is hold, fail or pass");
  }
  return Ok();
}

Status ReadQueries(YamlMap& root, GateSpec& spec) {
  const std::optional<YamlNode> node = root.Find("queries");
  if (!node) return Ok();
  ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, node->AsEntries());
  std::vector<std::string> names;
  for (const GateQuery& query : DefaultGateQueries()) names.emplace_back(query.name);
  for (const auto& [key, value] : entries) {
    if (std::ranges::count(names, key.text()) == 0) {
      const std::string_view near = NearestWord(key.text(), names);
      return key.ErrorHere("unknown query \"" + key.text() + "\"" +
                           (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
    }
    if (value.kind() == YamlNode::Kind::kScalar) {
      spec.queries[key.text()] = {value.text()};
    } else {
      ASSIGN_OR_RETURN(spec.queries[key.text()], value.AsStringList());
    }
  }
  return Ok();
}

}  // namespace

const std::vector<GateQuery>& DefaultGateQueries() {
  static const std::vector<GateQuery> kQueries = {
      {"response_time_p95",
       {R"(max(http_request_duration_seconds{color="${color}",quantile="0.95",endpoint!="/health"}))",
        R"(histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket{color="${color}"}[${window}]))))",
        R"(histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{color="${color}"}[${window}]))))"},
       "seconds, as the app reports them: a summary's quantile, else out of a histogram"},
      {"memory_usage",
       {R"(max(max_over_time(process_resident_memory_bytes{color="${color}"}[${window}])))"},
       "bytes, the largest in the window"},
      // Without a 5xx series the first sum is empty, which is no error rate of 0; without any
      // request there is no rate at all.
      {"error_rate",
       {R"((sum(rate(http_requests_total{color="${color}",status=~"5.."}[${window}])) or 0 * sum(rate(http_requests_total{color="${color}"}[${window}]))) / (sum(rate(http_requests_total{color="${color}"}[${window}])) > 0))"},
       "ratio of answers 5xx"},
      {"requests",
       {R"(sum(increase(http_requests_total{color="${color}"}[${window}])))"},
       "requests in the window"},
      {"age",
       {R"(time() - max(timestamp(http_requests_total{color="${color}"})))",
        R"(time() - max(timestamp(process_resident_memory_bytes{color="${color}"})))"},
       "seconds since the newest sample"},
      {"started",
       {R"(min(process_start_time_seconds{color="${color}"}))"},
       "when the color began, so that memory is compared at the same age"},
      {"memory_at",
       {R"(max(process_resident_memory_bytes{color="${color}"}))"},
       "bytes at one time"},
  };
  return kQueries;
}

bool IsUnder(std::string_view id, std::string_view name) {
  if (!id.starts_with(name)) return false;
  return id.size() == name.size() || id[name.size()] == '.' || id[name.size()] == ' ';
}

Result<GateSpec> ParseGateFile(const std::string& file, std::string_view text) {
  ASSIGN_OR_RETURN(const YamlNode node, YamlNode::Parse(file, text));
  ASSIGN_OR_RETURN(YamlMap root, YamlMap::Open(node, "a gates file"));
  GateSpec spec;
  RETURN_IF_ERROR(ReadGates(root, spec));
  ASSIGN_OR_RETURN(spec.window, Quantity<Duration>(root, "window", &ParseSpan, spec.window));
  ASSIGN_OR_RETURN(spec.min_requests, root.OptionalDouble("min_requests", spec.min_requests));
  ASSIGN_OR_RETURN(spec.max_age, Quantity<Duration>(root, "max_age", &ParseSpan, spec.max_age));
  RETURN_IF_ERROR(ReadOnInconclusive(root, spec.on_inconclusive));
  RETURN_IF_ERROR(ReadMeasure(root, spec.measure));
  RETURN_IF_ERROR(ReadCompare(root, spec));
  RETURN_IF_ERROR(ReadWarn(root, spec));
  RETURN_IF_ERROR(ReadScore(root, spec));
  RETURN_IF_ERROR(ReadQueries(root, spec));
  RETURN_IF_ERROR(root.RejectUnknownFields());
  return spec;
}

}  // namespace tocsin::delivery
