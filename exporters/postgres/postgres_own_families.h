// What the Postgres collector gives that is no figure of a part.
#pragma once

#include "exporters/collector.h"

namespace tocsin {

// What the collector tells of itself and what has no fixed place in a table.
inline constexpr FamilySpec kPostgresOwnFamilies[] = {
    {.name = "pg_database_visit_age_seconds",
     .type = MetricType::kGauge,
     .help = "How long ago the database's own tables were asked for last.",
     .labels = "datname"},
    {.name = "pg_exporter_last_scrape_duration_seconds",
     .type = MetricType::kGauge,
     .help = "How long the last collection took."},
    {.name = "pg_exporter_last_scrape_error",
     .type = MetricType::kGauge,
     .help = "Whether any part of the last collection failed."},
    {.name = "pg_exporter_scrapes_total",
     .type = MetricType::kCounter,
     .help = "Collections of this server."},
    {.name = "pg_process_idle_seconds",
     .type = MetricType::kHistogram,
     .help = "How long idle sessions have been idle.",
     .labels = "state,application_name",
     .source = "pg_stat_activity"},
    {.name = "pg_scrape_collector_duration_seconds",
     .type = MetricType::kGauge,
     .help = "How long the part took when it was asked last.",
     .labels = "collector"},
    {.name = "pg_scrape_collector_success",
     .type = MetricType::kGauge,
     .help = "Whether the part succeeded when it was asked last.",
     .labels = "collector"},
    {.name = "pg_settings_*",
     .type = MetricType::kGauge,
     .help = "Server settings that are numbers or switches, in base units.",
     .source = "pg_settings"},
    {.name = "pg_up",
     .type = MetricType::kGauge,
     .help = "Whether the last collection reached the server.",
     .source = "connect"},
};

}  // namespace tocsin
