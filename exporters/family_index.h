// Rows of a collector's table by name, at run time.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "exporters/collector.h"

namespace tocsin {

// In a table sorted by name; null when it has no such row.
inline const FamilySpec* FamilyNamed(std::span<const FamilySpec> families, std::string_view name) {
  const auto row = std::ranges::lower_bound(families, name, {}, &FamilySpec::name);
  return row != families.end() && row->name == name ? &*row : nullptr;
}

}  // namespace tocsin
