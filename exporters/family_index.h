// Tables of families: several as one, and rows by name.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "exporters/collector.h"

namespace tocsin {

// Several tables as one.
template <typename Row, size_t... kSizes>
consteval auto Joined(const Row (&... tables)[kSizes]) {
  std::array<Row, (kSizes + ...)> all{};
  auto end = all.begin();
  ((end = std::ranges::copy(tables, end).out), ...);
  return all;
}

template <size_t N>
consteval std::array<FamilySpec, N> SortedByName(std::array<FamilySpec, N> families) {
  std::ranges::sort(families, {}, &FamilySpec::name);
  if (std::ranges::adjacent_find(families, {}, &FamilySpec::name) != families.end()) {
    throw "two families have one name";  // a compile-time error
  }
  return families;
}

// In a table sorted by name; null when it has no such row.
constexpr const FamilySpec* FamilyNamed(std::span<const FamilySpec> families,
                                        std::string_view name) {
  const auto row = std::ranges::lower_bound(families, name, {}, &FamilySpec::name);
  return row != families.end() && row->name == name ? &*row : nullptr;
}

}  // namespace tocsin
