// A Postgres server: its views, under postgres_exporter's names.
#pragma once

#include "exporters/collectors.h"

namespace tocsin {

// The row of kCollectors.
CollectorSpec PostgresCollectorSpec();

}  // namespace tocsin
