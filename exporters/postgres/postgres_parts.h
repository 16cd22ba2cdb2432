// The table of the Postgres collector: which parts there are, and all families that they give.
#pragma once

#include <span>
#include <string_view>

#include "exporters/collector.h"
#include "exporters/postgres/postgres_part.h"

namespace tocsin {

// In the order in which they are asked: what is cheap and urgent first.
std::span<const PostgresPart> PostgresParts();
// Null when there is none of that name.
const PostgresPart* FindPostgresPart(std::string_view name);

// Sorted by name: the figures of all parts, and what the collector tells of itself.
std::span<const FamilySpec> PostgresFamilies();

// The columns of pg_stat_activity that may label pg_stat_activity_count.
bool IsActivityLabel(std::string_view label);

}  // namespace tocsin
