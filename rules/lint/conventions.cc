// What is exposed by convention: by Prometheus itself for every target, by its client libraries
// for every process, by the usual instrumentation of web frameworks, and by the blackbox exporter.
//
// Sources: prometheus.io/docs/concepts/jobs_instances, client_python's process and platform
// collectors, client_golang's collectors, prometheus-fastapi-instrumentator's default metrics,
// blackbox_exporter's HTTP prober.
#include <sstream>

#include "rules/lint/metric_schema.h"

namespace tocsin::lint {
namespace {

using enum MetricType;

struct Row {
  std::string_view name;
  MetricType type;
  std::string_view labels;  // beside job and instance
  std::string_view source;
  bool certain = false;
};

constexpr std::string_view kPrometheus = "every scrape";
constexpr std::string_view kClient = "the Prometheus client libraries";
constexpr std::string_view kFastapi = "prometheus-fastapi-instrumentator";
constexpr std::string_view kBlackbox = "blackbox_exporter";

constexpr Row kRows[] = {
    {"up", kGauge, "", kPrometheus, true},
    {"scrape_duration_seconds", kGauge, "", kPrometheus, true},
    {"scrape_samples_scraped", kGauge, "", kPrometheus, true},
    {"scrape_samples_post_metric_relabeling", kGauge, "", kPrometheus, true},
    {"scrape_series_added", kGauge, "", kPrometheus, true},
    {"process_cpu_seconds_total", kCounter, "", kClient},
    {"process_resident_memory_bytes", kGauge, "", kClient},
    {"process_virtual_memory_bytes", kGauge, "", kClient},
    {"process_open_fds", kGauge, "", kClient},
    {"process_max_fds", kGauge, "", kClient},
    {"process_start_time_seconds", kGauge, "", kClient},
    {"python_info", kGauge, "implementation,major,minor,patchlevel,version", kClient},
    {"python_gc_objects_collected_total", kCounter, "generation", kClient},
    {"python_gc_objects_uncollectable_total", kCounter, "generation", kClient},
    {"python_gc_collections_total", kCounter, "generation", kClient},
    {"go_goroutines", kGauge, "", kClient},
    {"go_threads", kGauge, "", kClient},
    {"go_memstats_alloc_bytes", kGauge, "", kClient},
    {"go_memstats_heap_inuse_bytes", kGauge, "", kClient},
    {"http_requests_total", kCounter, "handler,method,status", kFastapi},
    {"http_request_duration_seconds", kHistogram, "handler,method", kFastapi},
    {"probe_success", kGauge, "", kBlackbox},
    {"probe_duration_seconds", kGauge, "", kBlackbox},
    {"probe_http_status_code", kGauge, "", kBlackbox},
    {"probe_http_duration_seconds", kGauge, "phase", kBlackbox},
    {"probe_dns_lookup_time_seconds", kGauge, "", kBlackbox},
    {"probe_ssl_earliest_cert_expiry", kGauge, "", kBlackbox},
};

std::vector<std::string> Split(std::string_view list) {
  std::vector<std::string> names = {"job", "instance"};
  std::stringstream in{std::string(list)};
  for (std::string name; std::getline(in, name, ',');) names.push_back(name);
  return names;
}

}  // namespace

void AddConventions(MetricSchema& schema) {
  for (const Row& row : kRows) {
    AddFamily(schema, {.name = row.name,
                       .type = row.type,
                       .labels = Split(row.labels),
                       .origin = row.certain ? Origin::kCollector : Origin::kConvention,
                       .source = std::string(row.source),
                       // The figures of a scrape bear whatever labels the target has.
                       .open = row.certain});
  }
  for (const char* name : {"ALERTS", "ALERTS_FOR_STATE"}) {
    MetricShape shape{.name = name,
                      .type = kGauge,
                      .labels = {"alertname"},
                      .open = true,
                      .source = "alerting rules"};
    if (shape.name == "ALERTS") {
      shape.labels.insert("alertstate");
      shape.values["alertstate"] = {"pending", "firing"};
    }
    schema.Add(std::move(shape));
  }
}

}  // namespace tocsin::lint
