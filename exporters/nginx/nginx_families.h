// What the nginx collector gives.
#pragma once

#include "exporters/collector.h"

namespace tocsin {

// Sorted by name.
inline constexpr FamilySpec kNginxFamilies[] = {
    {.name = "nginx_access_log_bytes_behind",
     .type = MetricType::kGauge,
     .help = "Bytes of the access log that the last collection had no time to read.",
     .source = "access log"},
    {.name = "nginx_access_log_lines_total",
     .type = MetricType::kCounter,
     .help = "Lines of the access log that were read.",
     .source = "access log"},
    {.name = "nginx_access_log_rotations_total",
     .type = MetricType::kCounter,
     .help = "How often another file took the access log's place, or it was emptied.",
     .source = "access log"},
    {.name = "nginx_access_log_unparsed_lines_total",
     .type = MetricType::kCounter,
     .help = "Lines of the access log that do not fit the log_format, or are too long.",
     .source = "access log"},
    {.name = "nginx_connections_accepted",
     .type = MetricType::kCounter,
     .help = "Accepted client connections.",
     .source = "stub_status"},
    {.name = "nginx_connections_active",
     .type = MetricType::kGauge,
     .help = "Active client connections.",
     .source = "stub_status"},
    {.name = "nginx_connections_handled",
     .type = MetricType::kCounter,
     .help = "Handled client connections.",
     .source = "stub_status"},
    {.name = "nginx_connections_reading",
     .type = MetricType::kGauge,
     .help = "Connections where nginx is reading the request header.",
     .source = "stub_status"},
    {.name = "nginx_connections_waiting",
     .type = MetricType::kGauge,
     .help = "Idle client connections.",
     .source = "stub_status"},
    {.name = "nginx_connections_writing",
     .type = MetricType::kGauge,
     .help = "Connections where nginx is writing the response back to the client.",
     .source = "stub_status"},
    {.name = "nginx_http_request_duration_seconds",
     .type = MetricType::kHistogram,
     .help = "How long requests took, from the first byte read to the last one sent.",
     .labels = "host",
     .source = "access log, $request_time"},
    {.name = "nginx_http_requests_total",
     .type = MetricType::kCounter,
     .help = "Total http requests. With an access log by host, method and status.",
     .labels = "host,method,status",
     .source = "stub_status, or access log"},
    {.name = "nginx_http_response_bytes_total",
     .type = MetricType::kCounter,
     .help = "Bytes sent to clients.",
     .labels = "host",
     .source = "access log, $body_bytes_sent"},
    {.name = "nginx_http_upstream_duration_seconds",
     .type = MetricType::kHistogram,
     .help = "How long upstream servers took to answer.",
     .labels = "host",
     .source = "access log, $upstream_response_time"},
    {.name = "nginx_stub_status_http_requests_total",
     .type = MetricType::kCounter,
     .help = "Total http requests as nginx itself counts them; only beside an access log, whose "
             "figures have the usual name then.",
     .source = "stub_status"},
    {.name = "nginx_up",
     .type = MetricType::kGauge,
     .help = "Whether the last collection reached the server.",
     .source = "stub_status, access log"},
};

// A row of kNginxFamilies.
consteval const FamilySpec& NginxFamily(std::string_view name) {
  return kNginxFamilies[RowOf(kNginxFamilies, name)];
}

}  // namespace tocsin
