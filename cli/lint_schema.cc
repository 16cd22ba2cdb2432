#include "cli/lint_schema.h"

#include <algorithm>
#include <set>

#include "cli/server_client.h"
#include "exporters/collectors.h"
#include "rules/lint/expr_walk.h"

namespace tocsin::cli {
namespace {

using lint::MetricSchema;
using lint::MetricShape;
using lint::Origin;

// All values of a label, where the target does not decide on them.
struct ValuesRow {
  std::string_view metric;
  std::string_view label;
  std::vector<std::string_view> values;
};
const std::vector<ValuesRow>& KnownValues() {
  static const std::vector<ValuesRow> kRows = {
      {"pg_stat_activity_count",
       "state",
       {"active", "disabled", "fastpath function call", "idle", "idle in transaction",
        "idle in transaction (aborted)"}},
      {"pg_locks_count",
       "mode",
       {"accessexclusivelock", "accesssharelock", "exclusivelock", "rowexclusivelock",
        "rowsharelock", "sharelock", "sharerowexclusivelock", "shareupdateexclusivelock",
        "sireadlock"}},
      {"node_cpu_seconds_total",
       "mode",
       {"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"}},
      {"celery_tasks_total",
       "state",
       {"FAILURE", "PENDING", "RECEIVED", "REJECTED", "RETRY", "REVOKED", "STARTED", "SUCCESS"}},
  };
  return kRows;
}

template <typename Configs>
void AddLabels(const Configs& configs, std::vector<std::string>& labels) {
  for (const auto& config : configs) {
    for (const auto& [name, value] : config.labels) labels.push_back(name);
  }
}

// What the configuration adds to all series of the collector.
std::vector<std::string> TargetLabels(std::string_view collector, const Config* config) {
  std::vector<std::string> labels = {"job", "instance"};
  if (config == nullptr) return labels;
  const CollectorsConfig& all = config->collectors;
  if (collector == "postgres") AddLabels(all.postgres, labels);
  if (collector == "redis") AddLabels(all.redis, labels);
  if (collector == "celery") AddLabels(all.celery, labels);
  if (collector == "nginx") AddLabels(all.nginx, labels);
  if (collector == "probe") AddLabels(all.probe, labels);
  if (collector == "journey") AddLabels(all.journey, labels);
  if (collector == "node" && all.node) AddLabels(std::vector{*all.node}, labels);
  return labels;
}

// pg_stat_activity_count has the labels that the configuration names.
void SetActivityLabels(const FamilySpec& family, const Config* config,
                       std::vector<std::string>& labels) {
  if (family.name != "pg_stat_activity_count" || config == nullptr) return;
  if (config->collectors.postgres.empty()) return;
  for (const std::string_view name : SplitLabelNames(family.labels)) std::erase(labels, name);
  const std::vector<std::string>& configured = config->collectors.postgres[0].activity_labels;
  labels.insert(labels.end(), configured.begin(), configured.end());
}

void AddCollector(const CollectorSpec& collector, const Config* config, MetricSchema& schema) {
  const std::string source = "the collector " + std::string(collector.name);
  std::set<std::string> prefixes;
  for (const FamilySpec& family : collector.families) {
    std::vector<std::string> labels = TargetLabels(collector.name, config);
    for (const std::string_view name : SplitLabelNames(family.labels)) labels.emplace_back(name);
    SetActivityLabels(family, config, labels);
    const bool wildcard = family.name.ends_with('*');
    // Of the process itself every other process has some too.
    const bool everywhere = family.name.starts_with("process_");
    lint::AddFamily(schema, {.name = family.name,
                             .type = wildcard ? std::nullopt : std::optional(family.type),
                             .labels = std::move(labels),
                             .origin = Origin::kCollector,
                             .source = everywhere ? "the Prometheus client libraries" : source,
                             // What the process counts of itself has labels of its own.
                             .open = wildcard && collector.name == "self"});
    if (!wildcard) prefixes.emplace(family.name.substr(0, family.name.find('_') + 1));
  }
  if (collector.name == "self") return;
  for (const std::string& prefix : prefixes) schema.AddOwner(prefix, source);
}

std::vector<std::string> Texts(const JsonValue& list) {
  std::vector<std::string> texts;
  if (const JsonValue::Array* array = list.AsArray()) {
    for (const JsonValue& value : *array) texts.emplace_back(value.TextOrEmpty());
  }
  return texts;
}

// Labels that some series lack, and all values while there are not too many.
void ReadSeries(const JsonValue& data, MetricShape& shape) {
  constexpr size_t kMaxValues = 1000;
  const JsonValue::Array* list = data.AsArray();
  if (list == nullptr || list->empty()) {
    shape.missing = true;
    return;
  }
  std::map<std::string, size_t> seen;
  for (const JsonValue& series : *list) {
    const JsonValue::Object* labels = series.AsObject();
    if (labels == nullptr) continue;
    for (const auto& [name, value] : *labels) {
      if (name == kMetricName) continue;
      ++seen[name];
      shape.labels.insert(name);
      shape.values[name].emplace(value.TextOrEmpty());
    }
  }
  for (const auto& [name, times] : seen) {
    if (times < list->size()) shape.optional_labels.insert(name);
    if (shape.values[name].size() > kMaxValues) shape.values.erase(name);
  }
}

std::optional<MetricType> TypeOnServer(HttpClient& http, const std::string& server,
                                       const std::string& metric) {
  for (const std::string_view suffix : {"", "_bucket", "_sum", "_count"}) {
    if (!metric.ends_with(suffix)) continue;
    const std::string family = metric.substr(0, metric.size() - suffix.size());
    const Result<JsonValue> metadata =
        AskApi(http, server, "/api/v1/metadata?metric=" + UrlEncode(family));
    if (!metadata.ok()) continue;
    const JsonValue* entries = metadata->Find(family);
    if (entries == nullptr || entries->AsArray() == nullptr || entries->AsArray()->empty())
      continue;
    const JsonValue* type = entries->AsArray()->front().Find("type");
    const std::optional<MetricType> parsed =
        type == nullptr ? std::nullopt : ParseMetricType(type->TextOrEmpty());
    const bool part = !suffix.empty() && parsed != MetricType::kGauge;
    return part && parsed ? MetricType::kCounter : parsed;
  }
  return std::nullopt;
}

}  // namespace

MetricSchema CollectorSchema(const Config* config) {
  MetricSchema schema;
  for (const CollectorSpec& collector : Collectors()) AddCollector(collector, config, schema);
  for (const ValuesRow& row : KnownValues()) {
    const MetricShape* known = schema.Find(row.metric);
    if (known == nullptr || !known->labels.contains(row.label)) continue;
    MetricShape shape = *known;
    shape.values[std::string(row.label)] = {row.values.begin(), row.values.end()};
    shape.origin = Origin::kConfigured;  // takes the place of the row without values
    schema.Add(std::move(shape));
  }
  return schema;
}

Status AddServerMetrics(HttpClient& http, const std::string& server,
                        const std::vector<lint::RuleDocument>& documents, MetricSchema& schema) {
  std::set<std::string> metrics;
  for (const lint::RuleDocument& document : documents) {
    for (const RuleGroupSpec& group : document.groups) {
      for (const RuleSpec& rule : group.rules) {
        lint::Walk(rule.query->root(), [&](const promql::Expr& expr, lint::Ancestors) {
          const promql::VectorSelector* selector = lint::SelectorOf(expr);
          if (selector != nullptr && !lint::MetricOf(*selector).empty()) {
            metrics.emplace(lint::MetricOf(*selector));
          }
        });
      }
    }
  }
  for (const std::string& metric : metrics) {
    if (metric.starts_with("ALERTS")) continue;
    ASSIGN_OR_RETURN(const JsonValue series,
                     AskApi(http, server, "/api/v1/series", {{"match[]", metric}}));
    MetricShape shape{.name = metric, .origin = Origin::kServer, .source = server};
    ReadSeries(series, shape);
    shape.type = TypeOnServer(http, server, metric);
    // The family of a histogram: its parts say what to write instead.
    if (shape.missing && shape.type == MetricType::kHistogram) {
      MetricShape buckets{.name = metric + "_bucket", .origin = Origin::kServer, .source = server};
      ASSIGN_OR_RETURN(const JsonValue parts,
                       AskApi(http, server, "/api/v1/series", {{"match[]", buckets.name}}));
      ReadSeries(parts, buckets);
      schema.Add(std::move(buckets));
    }
    schema.Add(std::move(shape));
  }
  // For "did you mean".
  const Result<JsonValue> names = AskApi(http, server, "/api/v1/label/__name__/values");
  if (!names.ok()) return Ok();
  for (const std::string& name : Texts(*names)) {
    if (schema.Find(name) == nullptr) {
      schema.Add({.name = name, .open = true, .origin = Origin::kServer, .source = server});
    }
  }
  return Ok();
}

}  // namespace tocsin::cli
