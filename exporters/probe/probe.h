// One look at an endpoint from outside: does it answer, how fast, and how long is its certificate
// valid.
#pragma once

#include <functional>

#include "base/http_client.h"
#include "config/config.h"
#include "exporters/collector.h"
#include "exporters/probe/probe_families.h"

namespace tocsin {

// Writes blackbox_exporter's families to `sink`. An endpoint that does not answer as it should is
// no error but probe_success 0; why is in context.problems. `canceled` may be empty.
void Probe(const ProbeConfig& config, HttpClient& http, CollectContext& context,
           const std::function<bool()>& canceled, MetricSink& sink);

// Whether a target may be asked by /probe: one of the shell patterns fits all of it.
bool MayProbe(const std::string& target, const std::vector<std::string>& allowed);

}  // namespace tocsin
