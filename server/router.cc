#include "server/router.h"

#include "engine/exposition/gzip.h"
#include "engine/exposition/negotiation.h"
#include "server/api_handlers.h"
#include "server/gzip_stream.h"
#include "server/zstd_stream.h"

namespace tocsin::server {
namespace {

constexpr size_t kWorthCompressing = 1024;

constexpr Route kRoutes[] = {
    {Methods::kGet, "/", &HandleStatusPage, "What is watched, what rings and why."},
    {Methods::kGet, "/style.css", &HandleStyleSheet, "How the pages look."},
    {Methods::kGet, "/alerts", &HandleStatusPage, "The status page."},
    {Methods::kGet, "/targets", &HandleStatusPage, "The status page."},
    {Methods::kGet, "/rules", &HandleStatusPage, "The status page."},
    {Methods::kGet, "/graph", &HandleGraphPage, "Where an alert's generator URL leads."},
    {Methods::kGet, "/metrics", &HandleMetrics, "Everything collected, and the process's figures."},
    {Methods::kGet, "/probe", &HandleProbe, "Looks at ?target= now, if it is allowed."},
    {Methods::kGet, "/debug/collect", &HandleDebugCollect,
     "What the last collection of ?collector= asked and found."},
    {Methods::kGet, "/federate", &HandleFederate, "The newest samples of selected series."},
    {Methods::kGet, "/-/healthy", &HandleHealthy, "200 while the process serves."},
    {Methods::kGet, "/-/ready", &HandleReady, "200 once it collects and evaluates, else 503."},
    {Methods::kPost, "/-/reload", &HandleReload, "Loads the configuration anew, all or nothing."},
    {Methods::kPost, "/-/quit", &HandleQuit, "Stops the process cleanly."},
    {Methods::kGetOrPost, "/api/v1/query", &HandleQuery, "An instant query."},
    {Methods::kGetOrPost, "/api/v1/query_range", &HandleQueryRange, "A range query."},
    {Methods::kGetOrPost, "/api/v1/query_exemplars", &HandleQueryExemplars, "Always empty."},
    {Methods::kGetOrPost, "/api/v1/format_query", &HandleFormatQuery, "A query, well laid out."},
    {Methods::kGetOrPost, "/api/v1/parse_query", &HandleParseQuery, "A query as a tree."},
    {Methods::kGetOrPost, "/api/v1/series", &HandleSeries, "The series that match."},
    {Methods::kGetOrPost, "/api/v1/labels", &HandleLabels, "The label names."},
    {Methods::kGet, "/api/v1/label/{name}/values", &HandleLabelValues, "The values of a label."},
    {Methods::kGet, "/api/v1/metadata", &HandleMetadata, "Type and help of metrics."},
    {Methods::kGet, "/api/v1/targets/metadata", &HandleTargetMetadata,
     "Type and help of metrics, by target."},
    {Methods::kGet, "/api/v1/rules", &HandleRules, "Rule groups, rules and their alerts."},
    {Methods::kGet, "/api/v1/rules/history", &HandleRuleHistory, "The last evaluations of rules."},
    {Methods::kGet, "/api/v1/rules/explain", &HandleExplain, "Why an alert fires, or does not."},
    {Methods::kPost, "/api/v1/rules/backtest", &HandleBacktest,
     "What rules would have done over what is stored."},
    {Methods::kGet, "/api/v1/alerts", &HandleAlerts, "The pending and firing alerts."},
    {Methods::kGet, "/api/v1/targets", &HandleTargets, "What is watched, and how it is."},
    {Methods::kGet, "/api/v1/scrape_pools", &HandleScrapePools, "The names of the jobs."},
    {Methods::kGet, "/api/v1/alertmanagers", &HandleAlertmanagers, "Who is told of alerts."},
    {Methods::kGet, "/api/v1/status/buildinfo", &HandleBuildInfo, "Versions."},
    {Methods::kGet, "/api/v1/status/config", &HandleConfig, "The configuration without secrets."},
    {Methods::kGet, "/api/v1/status/flags", &HandleFlags, "The flags in force."},
    {Methods::kGet, "/api/v1/status/runtimeinfo", &HandleRuntimeInfo, "The process now."},
    {Methods::kGet, "/api/v1/status/tsdb", &HandleStoreStatus, "What fills the store."},
    {Methods::kGet, "/api/v1/notifications", &HandleNotifications, "What needs attention."},
    {Methods::kGet, "/api/v1/features", &HandleFeatures, "What this build can do."},
    {Methods::kPost, "/api/v1/write", &HandleRemoteWrite, "Takes samples by remote write 1.0."},
};

// Matches a route's path and collects what {…} took.
bool PathMatches(std::string_view pattern, std::string_view path,
                 std::vector<std::string>& captures) {
  const size_t open = pattern.find('{');
  if (open == std::string_view::npos) return pattern == path;
  const size_t close = pattern.find('}', open);
  const std::string_view before = pattern.substr(0, open);
  const std::string_view after = pattern.substr(close + 1);
  if (path.size() <= before.size() + after.size()) return false;
  if (!path.starts_with(before) || !path.ends_with(after)) return false;
  const std::string_view part =
      path.substr(before.size(), path.size() - before.size() - after.size());
  if (part.find('/') != std::string_view::npos) return false;
  captures.emplace_back(part);
  return true;
}

bool Allows(Methods methods, std::string_view method) {
  switch (methods) {
    case Methods::kGet:
      return method == "GET" || method == "HEAD";
    case Methods::kGetOrPost:
      return method == "GET" || method == "HEAD" || method == "POST";
    case Methods::kPost:
      return method == "POST" || method == "PUT";
  }
  return false;
}

std::string_view AllowHeader(Methods methods) {
  switch (methods) {
    case Methods::kGet:
      return "GET, HEAD";
    case Methods::kGetOrPost:
      return "GET, HEAD, POST";
    case Methods::kPost:
      return "POST, PUT";
  }
  return "";
}

// What browsers need to let pages of other origins read the API, as Prometheus allows by default.
void AllowOtherOrigins(const HttpServerRequest& request, HttpServerResponse& response) {
  response.headers.emplace_back("Vary", "Origin");
  if (request.Header("origin").empty()) return;
  response.headers.insert(
      response.headers.end(),
      {{"Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin"},
       {"Access-Control-Allow-Methods", "GET, POST, OPTIONS"},
       {"Access-Control-Allow-Origin", "*"},
       {"Access-Control-Expose-Headers", "Date"}});
}

// Whether a page of another site makes a browser send this. Reading is harmless, changing is not.
bool IsCrossSite(const HttpServerRequest& request) {
  const std::string_view origin = request.Header("origin");
  const size_t scheme = origin.find("://");
  if (origin.empty()) return false;
  return scheme == std::string_view::npos || origin.substr(scheme + 3) != request.Header("host");
}

HttpServerResponse WrongMethod(Methods methods) {
  HttpServerResponse response = PlainText(405, "Method Not Allowed\n");
  response.headers.emplace_back("Allow", AllowHeader(methods));
  return response;
}

HttpServerResponse Call(const Route& route, const ProcessView& view,
                        const HttpServerRequest& request) {
  if (!Allows(route.methods, request.method)) return WrongMethod(route.methods);
  if (route.methods == Methods::kPost && IsCrossSite(request)) {
    return PlainText(403, "refused: a page of another site asks for this\n");
  }
  return route.handler(view, request);
}

HttpServerResponse FindAndCall(const ProcessView& view, HttpServerRequest& request) {
  for (const Route& route : kRoutes) {
    request.captures.clear();
    if (PathMatches(route.path, request.path, request.captures)) return Call(route, view, request);
  }
  return PlainText(404, "404 page not found\n");
}

// Packs a body, or a stream piece by piece.
template <typename Stream>
void PackStream(HttpServerResponse& response, std::string_view coding) {
  response.headers.emplace_back("Content-Encoding", coding);
  response.stream = [plain = std::move(response.stream),
                     body = std::move(response.body)](const BodyWriter& out) {
    Stream packed(out);
    if (plain) {
      plain([&packed](std::string_view piece) { return packed.Write(piece); });
    } else {
      packed.Write(body);
    }
    packed.Finish();
  };
  response.body.clear();
}

void Compress(const HttpServerRequest& request, HttpServerResponse& response) {
  if (!response.stream && response.body.size() < kWorthCompressing) return;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  switch (NegotiateCoding(request.Header("accept-encoding"))) {
    case ContentCoding::kIdentity:
      return;
    case ContentCoding::kZstd:
      return PackStream<ZstdStream>(response, "zstd");
    case ContentCoding::kGzip:
      if (response.stream) return PackStream<GzipStream>(response, "gzip");
      response.headers.emplace_back("Content-Encoding", "gzip");
      response.body = GzipCompress(response.body);
      return;
  }
}

}  // namespace

std::span<const Route> Routes() { return kRoutes; }

HttpServerResponse Dispatch(const ProcessView& view, HttpServerRequest request) {
  const bool api = request.path.starts_with("/api/v1/");
  HttpServerResponse response =
      api && request.method == "OPTIONS" ? PlainText(204, "") : FindAndCall(view, request);
  Compress(request, response);
  if (api) AllowOtherOrigins(request, response);
  return response;
}

}  // namespace tocsin::server
