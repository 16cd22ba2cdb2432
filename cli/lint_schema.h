// What the linter may know of metrics: the built-in collectors' tables, conventions, and what a
// server has.
#pragma once

#include <vector>

#include "base/http_client.h"
#include "base/result.h"
#include "config/config.h"
#include "rules/lint/metric_schema.h"
#include "rules/lint/rule_document.h"

namespace tocsin::cli {

// The families of all collectors, with the labels that the configuration gives them (null: none
// is known). Conventions of applications are not in it.
lint::MetricSchema CollectorSchema(const Config* config);

// Asks the server for every metric that the rules read: labels, their values and the type.
// A metric that it does not have is known as missing.
Status AddServerMetrics(HttpClient& http, const std::string& server,
                        const std::vector<lint::RuleDocument>& documents,
                        lint::MetricSchema& schema);

}  // namespace tocsin::cli
