// Does what users do with an app, and tells whether it still works: journeys as probes.
#pragma once

#include <functional>

#include "delivery/journey/journey.h"
#include "exporters/collectors.h"

namespace tocsin {

// How a journey waits between two requests of a step that polls: false ends the journey.
using JourneyPause = std::function<bool(Duration)>;

// One run of `journey` at the app of `config`, over by context.deadline: the last fifth of the time
// until then, 5 s at the most, is kept for the clean-up. That a step does not get what it expects
// is no error but journey_success 0; why is in context.problems. `canceled` may be empty.
void RunJourneyProbe(const JourneyConfig& config, const delivery::Journey& journey,
                     HttpClient& http, CollectContext& context, const JourneyPause& pause,
                     const std::function<bool()>& canceled, MetricSink& sink);

// The row of kCollectors.
CollectorSpec JourneyCollectorSpec();

}  // namespace tocsin
