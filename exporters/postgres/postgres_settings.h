// The server's settings as families of their own, in base units.
#pragma once

#include <string_view>

#include "exporters/collector.h"
#include "exporters/postgres/postgres_rows.h"

namespace tocsin {

// name, setting, unit, vartype. Of the settings that collecting sessions change for themselves, the
// value is the one that other sessions have.
extern const std::string_view kPostgresSettingsSql;
// Sizes in bytes, times in seconds.
void WritePostgresSettings(const PostgresRows& rows, MetricSink& sink);

}  // namespace tocsin
