// The handlers behind the table of routes, by family. All are pure: request and view in, answer
// out; they may run on several threads at once.
//
// Formats: Prometheus' HTTP API v1 (web/api/v1/api.go of Prometheus 3.14).
#pragma once

#include "server/http_message.h"
#include "server/process_view.h"

namespace tocsin::server {

// api_query.cc
HttpServerResponse HandleQuery(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleQueryRange(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleFormatQuery(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleParseQuery(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleQueryExemplars(const ProcessView& view, const HttpServerRequest& request);

// api_series.cc
HttpServerResponse HandleSeries(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleLabels(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleLabelValues(const ProcessView& view, const HttpServerRequest& request);

// api_metadata.cc
HttpServerResponse HandleMetadata(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleTargetMetadata(const ProcessView& view, const HttpServerRequest& request);

// api_rules.cc
HttpServerResponse HandleRules(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleAlerts(const ProcessView& view, const HttpServerRequest& request);
// api_explain.cc
HttpServerResponse HandleExplain(const ProcessView& view, const HttpServerRequest& request);
// api_backtest.cc
HttpServerResponse HandleBacktest(const ProcessView& view, const HttpServerRequest& request);
// api_rule_history.cc
HttpServerResponse HandleRuleHistory(const ProcessView& view, const HttpServerRequest& request);

// api_targets.cc
HttpServerResponse HandleTargets(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleScrapePools(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleAlertmanagers(const ProcessView& view, const HttpServerRequest& request);

// api_status.cc
HttpServerResponse HandleBuildInfo(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleConfig(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleFlags(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleRuntimeInfo(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleStoreStatus(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleNotifications(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleFeatures(const ProcessView& view, const HttpServerRequest& request);

// api_write.cc
HttpServerResponse HandleRemoteWrite(const ProcessView& view, const HttpServerRequest& request);

// probe_page.cc
HttpServerResponse HandleProbe(const ProcessView& view, const HttpServerRequest& request);

// debug_page.cc
HttpServerResponse HandleDebugCollect(const ProcessView& view, const HttpServerRequest& request);

// lifecycle.cc
HttpServerResponse HandleHealthy(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleReady(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleReload(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleQuit(const ProcessView& view, const HttpServerRequest& request);

// metrics_page.cc
HttpServerResponse HandleMetrics(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleFederate(const ProcessView& view, const HttpServerRequest& request);

// status_page.cc, graph_page.cc, style_sheet.cc: HTML without scripts.
HttpServerResponse HandleStyleSheet(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleStatusPage(const ProcessView& view, const HttpServerRequest& request);
HttpServerResponse HandleGraphPage(const ProcessView& view, const HttpServerRequest& request);

}  // namespace tocsin::server
