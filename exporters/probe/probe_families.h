// What a probe gives, under blackbox_exporter's names.
#pragma once

#include "exporters/collector.h"

namespace tocsin {

// Sorted by name.
inline constexpr FamilySpec kProbeFamilies[] = {
    {.name = "probe_dns_lookup_time_seconds",
     .type = MetricType::kGauge,
     .help = "Returns the time taken for probe dns lookup in seconds",
     .source = "probe"},
    {.name = "probe_duration_seconds",
     .type = MetricType::kGauge,
     .help = "Returns how long the probe took to complete in seconds",
     .source = "probe"},
    {.name = "probe_failed_due_to_regex",
     .type = MetricType::kGauge,
     .help = "Indicates if probe failed due to regex",
     .source = "http"},
    {.name = "probe_http_content_length",
     .type = MetricType::kGauge,
     .help = "Length of http content response",
     .source = "http"},
    {.name = "probe_http_duration_seconds",
     .type = MetricType::kGauge,
     .help = "Duration of http request by phase, summed over all redirects",
     .labels = "phase",
     .source = "http"},
    {.name = "probe_http_redirects",
     .type = MetricType::kGauge,
     .help = "The number of redirects",
     .source = "http"},
    {.name = "probe_http_ssl",
     .type = MetricType::kGauge,
     .help = "Indicates if SSL was used for the final redirect",
     .source = "http"},
    {.name = "probe_http_status_code",
     .type = MetricType::kGauge,
     .help = "Response HTTP status code",
     .source = "http"},
    {.name = "probe_http_uncompressed_body_length",
     .type = MetricType::kGauge,
     .help = "Length of uncompressed response body",
     .source = "http"},
    {.name = "probe_http_version",
     .type = MetricType::kGauge,
     .help = "Returns the version of HTTP of the probe response",
     .source = "http"},
    {.name = "probe_ip_protocol",
     .type = MetricType::kGauge,
     .help = "Specifies whether probe ip protocol is IP4 or IP6",
     .source = "probe"},
    {.name = "probe_ssl_certificate_valid",
     .type = MetricType::kGauge,
     .help = "Whether the certificate is trusted, names the host and has not expired.",
     .source = "tls"},
    {.name = "probe_ssl_earliest_cert_expiry",
     .type = MetricType::kGauge,
     .help = "Returns earliest SSL cert expiry in unixtime",
     .source = "tls"},
    {.name = "probe_success",
     .type = MetricType::kGauge,
     .help = "Displays whether or not the probe was a success",
     .source = "probe"},
};

// A row of kProbeFamilies.
consteval const FamilySpec& ProbeFamily(std::string_view name) {
  return kProbeFamilies[RowOf(kProbeFamilies, name)];
}

}  // namespace tocsin
