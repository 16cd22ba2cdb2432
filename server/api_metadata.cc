#include <limits>
#include <map>
#include <set>

#include "engine/model/metric_type.h"
#include "engine/promql/parser.h"
#include "engine/promql/result_json.h"
#include "exporters/series_writer.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

constexpr size_t kUnbounded = std::numeric_limits<size_t>::max();

// A count that may be absent; a negative one counts as absent.
Result<size_t> Bound(const HttpServerRequest& request, std::string_view name) {
  const std::string_view text = request.parameters.Get(name);
  if (text.empty()) return kUnbounded;
  const Result<int64_t> number = ParseApiInt(text);
  if (!number.ok()) return InvalidArgument(std::string(name) + " must be a number");
  return *number < 0 ? kUnbounded : static_cast<size_t>(*number);
}

std::string_view TypeText(MetricType type) {
  return type == MetricType::kUntyped ? "unknown" : MetricTypeText(type);
}

void WriteFamily(JsonWriter& json, const FamilyText& family) {
  json.Field("type", TypeText(family.type)).Field("help", family.help).Field("unit", "");
}

}  // namespace

HttpServerResponse HandleMetadata(const ProcessView& view, const HttpServerRequest& request) {
  const Result<size_t> limit = Bound(request, "limit");
  if (!limit.ok()) return Failure(limit.error());
  const Result<size_t> per_metric = Bound(request, "limit_per_metric");
  if (!per_metric.ok()) return Failure(per_metric.error());
  const std::string_view wanted = request.parameters.Get("metric");
  const TargetsSnapshot targets = view.targets();
  std::map<std::string_view, std::set<FamilyText>> families;
  for (const TargetSnapshot& target : targets.active) {
    for (const auto& family : target.families) {
      if (wanted.empty() || family->name == wanted) families[family->name].insert(*family);
    }
  }
  JsonWriter json;
  json.BeginObject();
  size_t left = *limit;
  for (const auto& [name, texts] : families) {
    if (left-- == 0) break;
    json.Key(name).BeginArray();
    // Zero is no bound here, unlike in `limit`.
    size_t room = *per_metric == 0 ? kUnbounded : *per_metric;
    for (const FamilyText& family : texts) {
      if (room-- == 0) break;
      json.BeginObject();
      WriteFamily(json, family);
      json.EndObject();
    }
    json.EndArray();
  }
  json.EndObject();
  return Success(json.text());
}

HttpServerResponse HandleTargetMetadata(const ProcessView& view, const HttpServerRequest& request) {
  const Result<size_t> limit = Bound(request, "limit");
  if (!limit.ok()) return Failure(limit.error());
  std::vector<Matcher> matchers;
  if (const std::string_view text = request.parameters.Get("match_target"); !text.empty()) {
    Result<std::vector<Matcher>> parsed = promql::ParseSelector(text, view.engine.options().parser);
    if (!parsed.ok()) return Failure(BadParameter("match_target", parsed.error().message));
    matchers = *std::move(parsed);
  }
  const std::string_view wanted = request.parameters.Get("metric");
  JsonWriter json;
  json.BeginArray();
  size_t left = *limit;
  for (const TargetSnapshot& target : view.targets().active) {
    if (!MatchesAll(matchers, target.labels)) continue;
    for (const auto& family : target.families) {
      if (!wanted.empty() && family->name != wanted) continue;
      if (left == 0) break;
      --left;
      json.BeginObject().Key("target");
      promql::WriteLabels(json, target.labels);
      if (wanted.empty()) json.Field("metric", family->name);
      WriteFamily(json, *family);
      json.EndObject();
    }
  }
  json.EndArray();
  return Success(json.text());
}

}  // namespace tocsin::server
