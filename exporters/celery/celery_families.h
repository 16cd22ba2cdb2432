// What the Celery collector gives.
#pragma once

#include "exporters/collector.h"

namespace tocsin {

// Sorted by name.
inline constexpr FamilySpec kCeleryFamilies[] = {
    {.name = "celery_broker_may_evict",
     .type = MetricType::kGauge,
     .help = "Whether the broker's memory policy may throw whole queues away.",
     .labels = "maxmemory_policy",
     .source = "INFO memory"},
    {.name = "celery_queue_length",
     .type = MetricType::kGauge,
     .help = "Waiting messages of the queue, over all priorities.",
     .labels = "queue_name",
     .source = "LLEN"},
    {.name = "celery_queue_priority_length",
     .type = MetricType::kGauge,
     .help = "Waiting messages of the queue at one priority step.",
     .labels = "queue_name,priority",
     .source = "LLEN"},
    {.name = "celery_tasks_total",
     .type = MetricType::kUntyped,
     .help = "Tasks by state; PENDING are the messages that wait in all queues.",
     .labels = "state",
     .source = "LLEN"},
    {.name = "celery_unacked_messages",
     .type = MetricType::kGauge,
     .help = "Messages that workers took and have not acknowledged: running, prefetched, delayed.",
     .source = "HLEN unacked"},
    {.name = "celery_unacked_oldest_age_seconds",
     .type = MetricType::kGauge,
     .help = "How long ago the oldest message that is not acknowledged was delivered.",
     .source = "ZRANGE unacked_index"},
    {.name = "celery_up",
     .type = MetricType::kGauge,
     .help = "Whether the last collection reached the broker.",
     .source = "broker"},
};

}  // namespace tocsin
