// tocsin itself: what its parts keep about themselves, and what the kernel knows of the process.
#pragma once

#include "exporters/collectors.h"

namespace tocsin {

// The row of kCollectors.
CollectorSpec SelfCollectorSpec();

}  // namespace tocsin
