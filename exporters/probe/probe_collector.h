// Named endpoints, probed from outside: HTTP, TCP, TLS.
#pragma once

#include "exporters/collectors.h"

namespace tocsin {

// The row of kCollectors.
CollectorSpec ProbeCollectorSpec();

}  // namespace tocsin
