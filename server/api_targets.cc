#include <map>
#include <set>

#include "engine/promql/result_json.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

void WriteActive(JsonWriter& json, const TargetSnapshot& target) {
  json.BeginObject().Key("discoveredLabels");
  promql::WriteLabels(json, target.discovered_labels);
  json.Key("labels");
  promql::WriteLabels(json, target.labels);
  json.Field("scrapePool", target.scrape_pool).Field("scrapeUrl", target.scrape_url);
  json.Field("globalUrl", target.scrape_url).Field("lastError", target.last_error);
  json.Field("lastScrape", ApiTime(target.last_scrape));
  json.Field("lastScrapeDuration", ToSeconds(target.last_duration));
  json.Field("health", HealthText(target.health));
  json.Field("scrapeInterval", FormatPrometheusDuration(target.interval));
  json.Field("scrapeTimeout", FormatPrometheusDuration(target.timeout)).EndObject();
}

void WriteDropped(JsonWriter& json, const TargetSnapshot& target) {
  json.BeginObject().Key("discoveredLabels");
  promql::WriteLabels(json, target.discovered_labels);
  json.Field("scrapePool", target.scrape_pool).EndObject();
}

// By pool, those without any included.
void WriteDroppedCounts(JsonWriter& json, const TargetsSnapshot& targets) {
  std::map<std::string, uint64_t> counts;
  for (const TargetSnapshot& target : targets.active) counts.try_emplace(target.scrape_pool, 0);
  for (const TargetSnapshot& target : targets.dropped) ++counts[target.scrape_pool];
  json.BeginObject();
  for (const auto& [name, count] : counts) json.Field(name, count);
  json.EndObject();
}

}  // namespace

HttpServerResponse HandleTargets(const ProcessView& view, const HttpServerRequest& request) {
  const std::string state = AsciiLower(request.parameters.Get("state"));
  const bool any = state.empty() || state == "any";
  const bool show_active = any || state == "active";
  const bool show_dropped = any || state == "dropped";
  const std::string_view pool = request.parameters.Get("scrapePool");
  const auto wanted = [pool](const TargetSnapshot& target) {
    return pool.empty() || target.scrape_pool == pool;
  };
  const TargetsSnapshot targets = view.targets();
  JsonWriter json;
  json.BeginObject().Key("activeTargets").BeginArray();
  for (const TargetSnapshot& target : targets.active) {
    if (show_active && wanted(target)) WriteActive(json, target);
  }
  json.EndArray().Key("droppedTargets").BeginArray();
  for (const TargetSnapshot& target : targets.dropped) {
    if (show_dropped && wanted(target)) WriteDropped(json, target);
  }
  json.EndArray().Key("droppedTargetCounts");
  if (show_dropped) {
    WriteDroppedCounts(json, targets);
  } else {
    json.Null();
  }
  json.EndObject();
  return Success(json.text());
}

HttpServerResponse HandleScrapePools(const ProcessView& view,
                                     const HttpServerRequest& /*request*/) {
  const TargetsSnapshot targets = view.targets();
  std::set<std::string> pools;
  for (const TargetSnapshot& target : targets.active) pools.insert(target.scrape_pool);
  for (const TargetSnapshot& target : targets.dropped) pools.insert(target.scrape_pool);
  JsonWriter json;
  json.BeginObject().Key("scrapePools").BeginArray();
  for (const std::string& pool : pools) json.String(pool);
  json.EndArray().EndObject();
  return Success(json.text());
}

HttpServerResponse HandleAlertmanagers(const ProcessView& view,
                                       const HttpServerRequest& /*request*/) {
  const AlertmanagersSnapshot alertmanagers = view.alertmanagers();
  JsonWriter json;
  json.BeginObject().Key("activeAlertmanagers").BeginArray();
  for (const AlertmanagerSnapshot& one : alertmanagers.active) {
    json.BeginObject().Field("url", one.url);
    // Beyond Prometheus: how each of them is.
    json.Field("sent", one.sent).Field("failed", one.failed).Field("refused", one.refused);
    json.Field("queued", static_cast<uint64_t>(one.queued)).Field("lastError", one.last_error);
    if (one.last_success) json.Field("lastSuccess", FormatRfc3339(*one.last_success));
    if (one.last_failure) json.Field("lastFailure", FormatRfc3339(*one.last_failure));
    json.EndObject();
  }
  json.EndArray().Key("droppedAlertmanagers").BeginArray();
  for (const std::string& url : alertmanagers.dropped) {
    json.BeginObject().Field("url", url).EndObject();
  }
  json.EndArray().EndObject();
  return Success(json.text());
}

}  // namespace tocsin::server
