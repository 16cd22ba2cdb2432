#include <algorithm>
#include <cmath>
#include <set>

#include "base/go_float.h"
#include "engine/exposition/negotiation.h"
#include "engine/exposition/writer.h"
#include "engine/promql/parser.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

struct FederatedSample {
  LabelSet labels;
  SeriesSet::Newest newest;
};

Result<std::vector<FederatedSample>> NewestSamples(const ProcessView& view,
                                                   const std::vector<Matcher>& matchers) {
  const int64_t now_ms = ToMs(view.clock.Now());
  const TimeRange range{.min_ms = now_ms - view.engine.options().lookback_ms + 1, .max_ms = now_ms};
  SymbolTable overlay(view.querier.symbols());
  ASSIGN_OR_RETURN(const std::unique_ptr<SeriesSet> set,
                   view.querier.Select(matchers, range, {}, overlay));
  std::vector<FederatedSample> samples;
  for (size_t i = 0; i < set->size(); ++i) {
    const std::optional<SeriesSet::Newest> newest = set->ReadNewest(i, range);
    if (!newest || IsStaleNan(newest->value) || newest->histogram != nullptr) continue;
    samples.push_back({.labels = set->labels(i).ToLabelSet(overlay), .newest = *newest});
  }
  return samples;
}

// name{labels} value time, under one # TYPE per name.
std::string FederationPage(std::vector<FederatedSample> samples, const LabelSet& external) {
  for (FederatedSample& sample : samples) {
    for (const auto& [name, value] : external) {
      if (!sample.labels.Has(name)) sample.labels.Set(name, value);
    }
  }
  std::ranges::sort(samples, [](const FederatedSample& a, const FederatedSample& b) {
    const auto order = a.labels.Get(kMetricName) <=> b.labels.Get(kMetricName);
    return order == 0 ? a.labels < b.labels : order < 0;
  });
  // Several selectors may have found the same series.
  const auto [repeated, end] = std::ranges::unique(samples, {}, &FederatedSample::labels);
  samples.erase(repeated, end);
  std::string page;
  ExpositionWriter writer(ExpositionFormat::kPrometheusText, page);
  std::string_view last_name;
  for (const FederatedSample& sample : samples) {
    const std::string_view name = sample.labels.Get(kMetricName);
    if (name != last_name) writer.Family(name, MetricType::kUntyped, "");
    last_name = name;
    writer.Sample(ExpositionWriter::SeriesText(sample.labels), sample.newest.value,
                  sample.newest.t_ms);
  }
  writer.Finish();
  return page;
}

// Why one of the names in collect[] cannot be meant; "" when all can.
std::string UnknownPool(const ProcessView& view, const std::vector<std::string>& pools) {
  if (pools.empty()) return "";
  std::set<std::string> known;
  for (const TargetSnapshot& target : view.targets().active) known.insert(target.scrape_pool);
  for (const std::string& pool : pools) {
    if (known.contains(pool)) continue;
    std::string text = "collect[]: nothing is called \"" + pool + "\" here; there are:";
    for (const std::string& name : known) text += " " + name;
    return text + "\n";
  }
  return "";
}

// How long the reader waits for the page, less what it takes to send it.
Duration PatienceOf(const HttpServerRequest& request) {
  constexpr double kMargin = 0.5;
  constexpr double kUsual = 10;
  const double seconds =
      ParseGoFloat(request.Header("x-prometheus-scrape-timeout-seconds")).value_or(kUsual);
  return FromSeconds(std::fmin(std::fmax(seconds - kMargin, 0), kUsual));  // NaN is 0
}

}  // namespace

// collect[]=postgres: only these collectors and scrape jobs, as node_exporter has it for its parts.
// fresh=1: collected now and not at the last slot.
HttpServerResponse HandleMetrics(const ProcessView& view, const HttpServerRequest& request) {
  const NegotiatedFormat format = NegotiateFormat(request.Header("accept"));
  ExpositionRequest wanted = {.format = format.format,
                              .escaping = format.escaping,
                              .pools = request.parameters.All("collect[]")};
  if (const std::string unknown = UnknownPool(view, wanted.pools); !unknown.empty()) {
    return PlainText(400, unknown);
  }
  if (request.parameters.Get("fresh") == "1") {
    view.exposition.Refresh(wanted, PatienceOf(request));
  }
  HttpServerResponse response;
  response.content_type = format.ContentType();
  response.headers.emplace_back("Vary", "Accept");
  response.stream = [&view, wanted = std::move(wanted)](const BodyWriter& out) {
    view.exposition.Render(wanted, [&out](std::string_view piece) { out(piece); });
  };
  return response;
}

HttpServerResponse HandleFederate(const ProcessView& view, const HttpServerRequest& request) {
  std::vector<FederatedSample> samples;
  for (const std::string& text : request.parameters.All("match[]")) {
    const Result<std::vector<Matcher>> matchers =
        promql::ParseSelector(text, view.engine.options().parser);
    if (!matchers.ok()) return PlainText(400, matchers.error().message + "\n");
    Result<std::vector<FederatedSample>> found = NewestSamples(view, *matchers);
    if (!found.ok()) return PlainText(500, found.error().message + "\n");
    samples.insert(samples.end(), std::make_move_iterator(found->begin()),
                   std::make_move_iterator(found->end()));
  }
  HttpServerResponse response;
  response.content_type = ContentTypeOf(ExpositionFormat::kPrometheusText);
  response.body = FederationPage(std::move(samples), view.config()->global.external_labels);
  return response;
}

}  // namespace tocsin::server
