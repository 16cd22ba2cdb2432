#include "base/json.h"
#include "engine/promql/function_table.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

// The Prometheus whose API this is. Grafana chooses its features by this number.
constexpr std::string_view kApiLevel = "3.14.0";

}  // namespace

HttpServerResponse HandleBuildInfo(const ProcessView& view, const HttpServerRequest& /*request*/) {
  JsonWriter json;
  json.BeginObject().Field("version", kApiLevel).Field("revision", view.build.revision);
  json.Field("branch", "").Field("buildUser", "").Field("buildDate", "").Field("goVersion", "");
  json.Field("tocsinVersion", view.build.version).EndObject();
  return Success(json.text());
}

HttpServerResponse HandleConfig(const ProcessView& view, const HttpServerRequest& /*request*/) {
  JsonWriter json;
  json.BeginObject().Field("yaml", view.config()->redacted_text).EndObject();
  return Success(json.text());
}

HttpServerResponse HandleFlags(const ProcessView& view, const HttpServerRequest& /*request*/) {
  JsonWriter json;
  json.BeginObject();
  for (const auto& [name, value] : view.flags) json.Field(name, value);
  json.EndObject();
  return Success(json.text());
}

HttpServerResponse HandleRuntimeInfo(const ProcessView& view,
                                     const HttpServerRequest& /*request*/) {
  const RuntimeInfo info = view.runtime();
  JsonWriter json;
  json.BeginObject().Field("startTime", FormatRfc3339(info.start_time));
  json.Field("CWD", info.working_directory);
  json.Field("serverTime", FormatRfc3339(view.clock.Now()));
  json.Field("reloadConfigSuccess", info.last_reload_ok);
  json.Field("lastConfigTime", ApiTime(info.last_reload));
  if (!info.last_reload_error.empty()) json.Field("reloadConfigError", info.last_reload_error);
  json.Field("corruptionCount", 0).Field("storageRetention", info.retention);
  json.Field("seriesCount", static_cast<uint64_t>(info.series)).EndObject();
  return Success(json.text());
}

HttpServerResponse HandleNotifications(const ProcessView& view,
                                       const HttpServerRequest& /*request*/) {
  const RuntimeInfo info = view.runtime();
  JsonWriter json;
  json.BeginArray();
  if (!info.last_reload_ok) {
    json.BeginObject().Field("text", "Configuration reload has failed.");
    json.Field("date", ApiTime(info.last_reload)).Field("active", true).EndObject();
  }
  json.EndArray();
  return Success(json.text());
}

HttpServerResponse HandleFeatures(const ProcessView& view, const HttpServerRequest& /*request*/) {
  JsonWriter json;
  json.BeginObject();
  json.Key("api").BeginObject();
  for (const std::string_view name : {"exclude_alerts", "label_values_match", "query_stats",
                                      "query_warnings", "time_range_labels", "time_range_series"}) {
    json.Field(name, true);
  }
  json.Field("lifecycle", view.lifecycle);
  json.Field("remote_write_receiver", view.remote_write != nullptr).EndObject();
  const promql::ParserOptions& parser = view.engine.options().parser;
  json.Key("promql_functions").BeginObject();
  for (const promql::FunctionSpec& function : promql::Functions()) {
    json.Field(function.name, !function.experimental || parser.experimental_functions);
  }
  json.EndObject().EndObject();
  return Success(json.text());
}

}  // namespace tocsin::server
