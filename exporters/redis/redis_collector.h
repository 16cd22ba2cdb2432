// A Redis server: what INFO, CONFIG and SLOWLOG say, under redis_exporter's names.
#pragma once

#include "exporters/collectors.h"

namespace tocsin {

// The row of kCollectors.
CollectorSpec RedisCollectorSpec();

}  // namespace tocsin
