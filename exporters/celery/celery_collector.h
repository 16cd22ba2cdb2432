// Celery: what waits in its queues, read from the broker alone; and what its workers do, by the
// events that they publish.
#pragma once

#include "exporters/collectors.h"

namespace tocsin {

// The row of kCollectors.
CollectorSpec CeleryCollectorSpec();

}  // namespace tocsin
