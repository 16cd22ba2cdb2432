// What the journeys of users give.
#pragma once

#include "exporters/collector.h"

namespace tocsin {

// Sorted by name. The label `journey` is the target's: up has it too.
inline constexpr FamilySpec kJourneyFamilies[] = {
    {.name = "journey_duration_seconds",
     .help = "How long the answers to all steps took, without pauses and clean-up.",
     .labels = "journey",
     .source = "journeys.yml"},
    {.name = "journey_step_duration_seconds",
     .help = "How long the last answer to the step took, connecting included.",
     .labels = "journey,step",
     .source = "journeys.yml"},
    {.name = "journey_step_requests",
     .help = "Requests of the step: more than one when it asks until something has happened.",
     .labels = "journey,step",
     .source = "journeys.yml"},
    {.name = "journey_step_status_code",
     .help = "HTTP status of the last answer to the step; 0 when there was none.",
     .labels = "journey,step",
     .source = "journeys.yml"},
    {.name = "journey_step_success",
     .help = "Whether the step got what it expects. Steps after one that failed are not done.",
     .labels = "journey,step",
     .source = "journeys.yml"},
    {.name = "journey_success",
     .help = "Whether every step of the journey, and its clean-up, got what it expects.",
     .labels = "journey",
     .source = "journeys.yml"},
};

// A row of kJourneyFamilies.
consteval const FamilySpec& JourneyFamily(std::string_view name) {
  return kJourneyFamilies[RowOf(kJourneyFamilies, name)];
}

}  // namespace tocsin
