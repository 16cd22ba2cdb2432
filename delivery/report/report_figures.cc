#include "delivery/report/report_figures.h"

namespace tocsin::delivery {
namespace {

using enum ReportUnit;

// The metrics of the app (label job), of the collectors, and of blackbox probes.
#define REQUESTS "http_requests_total{job=~\"${job}\"}"
#define BUCKETS "http_server_request_duration_seconds_bucket{job=~\"${job}\"}"
#define COUNTED(selector) "sum(increase(" selector "[${window}]))"
// A class of answers as a share of all; no such series is none of them, and no answer is no share.
#define SHARE(status)                                                   \
  "(sum(increase(http_requests_total{job=~\"${job}\",status=~\"" status \
  "\"}[${window}])) "                                                   \
  "or 0 * " COUNTED(REQUESTS) ") / (" COUNTED(REQUESTS) " > 0)"
#define QUANTILE(q) "histogram_quantile(" q ", sum by (le) (increase(" BUCKETS "[${window}])))"
#define VIDEOS(result, window) \
  "sum(max by (result) (increase(videos_processed_total{result=~\"" result "\"}[" window "])))"
#define POOL                                         \
  "(sum by (job, instance) (pg_stat_activity_count)" \
  " / on (job, instance) max by (job, instance) (pg_settings_max_connections))"
#define PART(numerator, other) \
  COUNTED(numerator) " / (" COUNTED(numerator) " + " COUNTED(other) " > 0)"

constexpr FigureSpec kFigures[] = {
    // What cannot be asked for is down too: counters of requests alone are blind to an app that is
    // away, so the probe counts where it saw more.
    {.id = "availability",
     .title = "Availability",
     .group = "service",
     .unit = kRatio,
     .better = Better::kHigher,
     .expr = "1 - max(label_replace(" SHARE(
         "5..") ", \"seen\", \"requests\", \"\", \"\")"
                " or label_replace(1 - avg(avg_over_time(probe_success[${window}])), \"seen\", "
                "\"probe\", \"\", \"\"))",
     .present = REQUESTS,
     .count = COUNTED(REQUESTS)},
    {.id = "requests",
     .title = "Requests",
     .group = "service",
     .unit = kCount,
     .expr = COUNTED(REQUESTS),
     .present = REQUESTS},
    {.id = "error_ratio",
     .title = "Failed requests (5xx)",
     .group = "service",
     .unit = kRatio,
     .better = Better::kLower,
     .expr = SHARE("5.."),
     .present = REQUESTS,
     .count = COUNTED(REQUESTS)},
    {.id = "client_error_ratio",
     .title = "Refused requests (4xx)",
     .group = "service",
     .unit = kRatio,
     .better = Better::kLower,
     .expr = SHARE("4.."),
     .present = REQUESTS,
     .count = COUNTED(REQUESTS)},
    {.id = "latency_p50",
     .title = "Response time, median",
     .group = "service",
     .unit = kSeconds,
     .better = Better::kLower,
     .expr = QUANTILE("0.5"),
     .present = BUCKETS},
    {.id = "latency_p95",
     .title = "Response time, 95th percentile",
     .group = "service",
     .unit = kSeconds,
     .better = Better::kLower,
     .expr = QUANTILE("0.95"),
     .present = BUCKETS},
    {.id = "latency_p99",
     .title = "Response time, 99th percentile",
     .group = "service",
     .unit = kSeconds,
     .better = Better::kLower,
     .expr = QUANTILE("0.99"),
     .present = BUCKETS},
    // Satisfied within 0.25 s, tolerating within four times that: buckets with exactly these
    // bounds.
    {.id = "apdex",
     .title = "User experience (Apdex, 0.25s)",
     .group = "service",
     .unit = kScore,
     .better = Better::kHigher,
     .expr =
         "(sum(increase(http_server_request_duration_seconds_bucket{job=~\"${job}\",le=\"0.25\"}"
         "[${window}])) + sum(increase(http_server_request_duration_seconds_bucket{job=~"
         "\"${job}\",le=~\"1|1\\\\.0\"}[${window}]))) / 2 / (sum(increase("
         "http_server_request_duration_seconds_count{job=~\"${job}\"}[${window}])) > 0)",
     .present = BUCKETS},
    {.id = "videos",
     .title = "Videos processed",
     .group = "business",
     .unit = kCount,
     .better = Better::kHigher,
     .expr = VIDEOS("ok", "${window}"),
     .present = "videos_processed_total"},
    {.id = "videos_per_hour",
     .title = "Throughput",
     .group = "business",
     .unit = kPerHour,
     .better = Better::kHigher,
     .expr = VIDEOS("ok", "${window}") " / ${hours}",
     .present = "videos_processed_total"},
    {.id = "capacity",
     .title = "Most videos in one hour",
     .group = "business",
     .unit = kPerHour,
     .better = Better::kHigher,
     .expr = "max_over_time(" VIDEOS("ok", "1h") "[${window}:1h])",
     .present = "videos_processed_total"},
    {.id = "video_failure_ratio",
     .title = "Videos that failed",
     .group = "business",
     .unit = kRatio,
     .better = Better::kLower,
     .expr = VIDEOS("failed", "${window}") " / (" VIDEOS(".+", "${window}") " > 0)",
     .present = "videos_processed_total",
     .count = VIDEOS(".+", "${window}")},
    {.id = "cost_per_video",
     .title = "Cost per video",
     .group = "business",
     .unit = kMoney,
     .better = Better::kLower,
     .expr = "max(avg_over_time(tocsin_constant{name=\"infra_cost_per_hour\"}[${window}])) * "
             "${hours} / (" VIDEOS("ok", "${window}") " > 0)",
     .present = "tocsin_constant{name=\"infra_cost_per_hour\"}"},
    {.id = "memory_peak",
     .title = "Memory of the app, peak",
     .group = "resources",
     .unit = kBytes,
     .better = Better::kLower,
     .expr = "max(max_over_time(process_resident_memory_bytes{job=~\"${job}\"}[${window}]))",
     .present = "process_resident_memory_bytes{job=~\"${job}\"}"},
    {.id = "cpu_cores",
     .title = "Processors used by the app, mean",
     .group = "resources",
     .unit = kScore,
     .expr =
         "sum(increase(process_cpu_seconds_total{job=~\"${job}\"}[${window}])) / (${hours} * 3600)",
     .present = "process_cpu_seconds_total{job=~\"${job}\"}"},
    {.id = "pool_peak",
     .title = "Database connections in use, peak",
     .group = "resources",
     .unit = kRatio,
     .better = Better::kLower,
     .expr = "max(max_over_time(" POOL "[${window}:5m]))",
     .present = "pg_stat_activity_count"},
    {.id = "database_cache_ratio",
     .title = "Database reads from memory",
     .group = "resources",
     .unit = kRatio,
     .better = Better::kHigher,
     .expr = PART("pg_stat_database_blks_hit", "pg_stat_database_blks_read"),
     .present = "pg_stat_database_blks_hit"},
    {.id = "deadlocks",
     .title = "Deadlocks",
     .group = "resources",
     .unit = kCount,
     .better = Better::kLower,
     .expr = COUNTED("pg_stat_database_deadlocks"),
     .present = "pg_stat_database_deadlocks"},
    {.id = "cache_hit_ratio",
     .title = "Cache hits",
     .group = "resources",
     .unit = kRatio,
     .better = Better::kHigher,
     .expr = PART("redis_keyspace_hits_total", "redis_keyspace_misses_total"),
     .present = "redis_keyspace_hits_total"},
    {.id = "evictions",
     .title = "Keys evicted from the cache",
     .group = "resources",
     .unit = kCount,
     .better = Better::kLower,
     .expr = COUNTED("redis_evicted_keys_total"),
     .present = "redis_evicted_keys_total"},
    {.id = "queue_peak",
     .title = "Tasks waiting, peak",
     .group = "resources",
     .unit = kCount,
     .better = Better::kLower,
     .expr = "max(max_over_time(celery_queue_length[${window}]))",
     .present = "celery_queue_length"},
};

#define HOURLY_SHARE(status)                                        \
  "(sum(rate(http_requests_total{job=~\"${job}\",status=~\"" status \
  "\"}[${step}])) "                                                 \
  "or 0 * sum(rate(" REQUESTS "[${step}]))) / (sum(rate(" REQUESTS "[${step}])) > 0)"
#define HOURLY_QUANTILE(q) "histogram_quantile(" q ", sum by (le) (rate(" BUCKETS "[${step}])))"

constexpr SeriesSpec kSeries[] = {
    {"traffic", "Requests per second", "service", kPerSecond, "requests", "",
     "sum(rate(" REQUESTS "[${step}]))"},
    {"errors", "Failed and refused requests", "service", kRatio, "5xx", "", HOURLY_SHARE("5..")},
    {"errors", "", "service", kRatio, "4xx", "", HOURLY_SHARE("4..")},
    {"latency", "Response time", "service", kSeconds, "median", "", HOURLY_QUANTILE("0.5")},
    {"latency", "", "service", kSeconds, "95th percentile", "", HOURLY_QUANTILE("0.95")},
    {"latency", "", "service", kSeconds, "99th percentile", "", HOURLY_QUANTILE("0.99")},
    {"videos", "Videos processed per hour", "business", kPerHour, "videos", "",
     VIDEOS("ok", "${step}") " * 3600 / ${step_seconds}"},
    {"memory", "Memory of the app", "resources", kBytes, "", "instance",
     "max by (instance) (max_over_time(process_resident_memory_bytes{job=~\"${job}\"}[${step}]))"},
    {"queue", "Tasks waiting, most in each hour", "resources", kCount, "", "queue_name",
     "max by (queue_name) (max_over_time(celery_queue_length[${step}]))"},
    {"pool", "Database connections in use", "resources", kRatio, "", "instance",
     "max by (instance) (" POOL ")"},
};

}  // namespace

std::span<const FigureSpec> ReportFigures() { return kFigures; }
std::span<const SeriesSpec> ReportSeries() { return kSeries; }

std::string FillIn(std::string_view text, const std::map<std::string, std::string>& variables) {
  std::string filled;
  while (!text.empty()) {
    const size_t begin = text.find("${");
    const size_t end = begin == std::string_view::npos ? begin : text.find('}', begin);
    if (end == std::string_view::npos) break;
    filled += text.substr(0, begin);
    const auto found = variables.find(std::string(text.substr(begin + 2, end - begin - 2)));
    filled +=
        found == variables.end() ? std::string(text.substr(begin, end + 1 - begin)) : found->second;
    text.remove_prefix(end + 1);
  }
  return filled + std::string(text);
}

}  // namespace tocsin::delivery
