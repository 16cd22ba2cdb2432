// GET /debug/collect?collector=postgres[&instance=db:5432][&format=json]: what the last collection
// asked, how long each question took, how many rows came, and the samples made of them. Questions
// are shown without their values, so that no secret is in them.
#include <fmt/format.h>

#include "base/json.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

double Milliseconds(std::chrono::microseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

std::string SamplesOf(const ProcessView& view, const TargetSnapshot& target) {
  std::string page;
  view.exposition.Render(
      {.pools = {target.scrape_pool}, .instance = std::string(target.labels.Get("instance"))},
      [&](std::string_view piece) { page += piece; });
  return page;
}

std::string AsText(const ProcessView& view, const TargetSnapshot& target) {
  std::string text =
      fmt::format("# {} {}\nstate: {}\nlast collection: {}, {} samples in {} ms\n",
                  target.scrape_pool, target.labels.Get("instance"), HealthText(target.health),
                  target.last_scrape ? FormatRfc3339(*target.last_scrape) : "none yet",
                  target.last_samples, target.last_duration.count());
  if (!target.last_error.empty()) text += fmt::format("error: {}\n", target.last_error);
  text += "\n";
  if (target.steps != nullptr) {
    text += fmt::format("{:>10} {:>7}  question\n", "ms", "rows");
    for (const CollectContext::CollectStep& step : *target.steps) {
      text += fmt::format("{:>10.3f} {:>7}  {}{}{}\n", Milliseconds(step.took), step.rows,
                          step.what, step.error.empty() ? "" : "  -> ", step.error);
    }
    text += "\n";
  }
  return text + SamplesOf(view, target) + "\n";
}

void AsJson(const ProcessView& view, const TargetSnapshot& target, JsonWriter& json) {
  json.BeginObject().Field("collector", target.scrape_pool);
  json.Field("instance", target.labels.Get("instance"));
  json.Field("health", HealthText(target.health)).Field("error", target.last_error);
  if (target.last_scrape) json.Field("last_collection", FormatRfc3339(*target.last_scrape));
  json.Field("samples", static_cast<uint64_t>(target.last_samples));
  json.Field("duration_seconds", ToSeconds(target.last_duration)).Key("steps").BeginArray();
  if (target.steps != nullptr) {
    for (const CollectContext::CollectStep& step : *target.steps) {
      json.BeginObject().Field("what", step.what);
      json.Field("duration_seconds", Milliseconds(step.took) / 1000);
      json.Field("rows", static_cast<uint64_t>(step.rows));
      if (!step.error.empty()) json.Field("error", step.error);
      json.EndObject();
    }
  }
  json.EndArray().Field("page", SamplesOf(view, target)).EndObject();
}

}  // namespace

HttpServerResponse HandleDebugCollect(const ProcessView& view, const HttpServerRequest& request) {
  const std::string_view collector = request.parameters.Get("collector");
  const std::string_view instance = request.parameters.Get("instance");
  const bool json = request.parameters.Get("format") == "json";
  std::string known;
  std::string text;
  JsonWriter list;
  list.BeginArray();
  size_t found = 0;
  for (const TargetSnapshot& target : view.targets().active) {
    known += fmt::format("  {} {}\n", target.scrape_pool, target.labels.Get("instance"));
    if (target.scrape_pool != collector) continue;
    if (!instance.empty() && target.labels.Get("instance") != instance) continue;
    ++found;
    if (json) {
      AsJson(view, target, list);
    } else {
      text += AsText(view, target);
    }
  }
  if (found == 0) {
    const std::string asked = collector.empty()
                                  ? "name a collector: /debug/collect?collector=node"
                                  : fmt::format("nothing is called \"{}\" here", collector);
    return PlainText(collector.empty() ? 400 : 404, asked + "; there are:\n" + known);
  }
  if (!json) return PlainText(200, std::move(text));
  HttpServerResponse response;
  response.content_type = "application/json";
  response.body = list.EndArray().Take();
  return response;
}

}  // namespace tocsin::server
