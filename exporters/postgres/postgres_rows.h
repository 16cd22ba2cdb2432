// What a statement gives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

// Rows of text as Postgres sends it; nothing for NULL. All text lies in one string: thousands of
// tables with dozens of columns are no thousands of allocations.
class PostgresRows {
 public:
  using Cell = std::optional<std::string_view>;

  PostgresRows() = default;
  explicit PostgresRows(std::vector<std::string> columns) : columns_(std::move(columns)) {}

  // Cells come row by row, from left to right.
  void Add(Cell cell) {
    if (!cell) return cells_.push_back({0, kNull});
    cells_.push_back({text_.size(), cell->size()});
    text_.append(*cell);
  }

  const std::vector<std::string>& columns() const { return columns_; }
  size_t rows() const { return columns_.empty() ? 0 : cells_.size() / columns_.size(); }
  Cell At(size_t row, size_t column) const {
    const Place& place = cells_[row * columns_.size() + column];
    if (place.size == kNull) return std::nullopt;
    return std::string_view(text_).substr(place.begin, place.size);
  }

 private:
  static constexpr size_t kNull = ~size_t{0};
  struct Place {
    size_t begin;
    size_t size;
  };
  std::vector<std::string> columns_;
  std::string text_;
  std::vector<Place> cells_;
};

}  // namespace tocsin
