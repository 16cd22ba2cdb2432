// All that the host collector gives.
#pragma once

#include "exporters/family_index.h"
#include "exporters/node/node_disk_families.h"
#include "exporters/node/node_network_families.h"
#include "exporters/node/node_system_families.h"

namespace tocsin {

// Sorted by name.
inline constexpr auto kNodeFamilies =
    SortedByName(Joined(kNodeDiskFamilies, kNodeNetworkFamilies, kNodeSystemFamilies));

}  // namespace tocsin
