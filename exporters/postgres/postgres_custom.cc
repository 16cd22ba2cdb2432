#include "exporters/postgres/postgres_custom.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "exporters/text_scan.h"

namespace tocsin {
namespace {

using Labels = std::vector<MetricSink::LabelView>;
using Usage = PostgresQueryColumn::Usage;

// What a query may give in one round.
constexpr size_t kMaxRows = 10'000;

// Go's duration texts, as postgres_exporter reads them: "1h2m3.5s", "20ms".
std::optional<double> DurationMilliseconds(std::string_view text) {
  struct Unit {
    std::string_view name;
    double milliseconds;
  };
  constexpr Unit kUnits[] = {{"ns", 1e-6}, {"us", 1e-3},    {"µs", 1e-3},      {"ms", 1},
                             {"s", 1000},  {"m", 60'000.0}, {"h", 3'600'000.0}};
  double total = 0;
  while (!text.empty()) {
    const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const std::optional<double> number = ReadNumber(text.substr(0, digits));
    text.remove_prefix(digits);
    const size_t letters = std::min(text.find_first_of("0123456789."), text.size());
    const auto* unit = std::ranges::find(kUnits, text.substr(0, letters), &Unit::name);
    if (!number || unit == std::end(kUnits)) return std::nullopt;
    total += *number * unit->milliseconds;
    text.remove_prefix(letters);
  }
  return total;
}

// "t" and "f" are what Postgres says for booleans.
std::optional<double> Number(std::string_view text) {
  if (text == "t" || text == "true") return 1;
  if (text == "f" || text == "false") return 0;
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  return ReadNumber(text);
}

// "{1,2,3}"
std::vector<double> Numbers(std::string_view array) {
  std::vector<double> numbers;
  if (array.size() < 2 || array.front() != '{' || array.back() != '}') return numbers;
  array = array.substr(1, array.size() - 2);
  while (!array.empty()) {
    const size_t comma = std::min(array.find(','), array.size());
    numbers.push_back(NumberOrZero(array.substr(0, comma)));
    array.remove_prefix(std::min(comma + 1, array.size()));
  }
  return numbers;
}

class QueryWriter {
 public:
  QueryWriter(const PostgresQuery& query, int version, const PostgresRows& rows, MetricSink& sink)
      : query_(query), rows_(rows), sink_(sink) {
    for (const std::string& name : rows.columns()) {
      const auto known = std::ranges::find(query.columns, name, &PostgresQueryColumn::name);
      const bool counts = known != query.columns.end() && known->versions.Contains(version);
      columns_.push_back(counts ? &*known : nullptr);
    }
  }

  void Write() {
    const std::vector<size_t> rows = DistinctRows();
    for (size_t column = 0; column < columns_.size(); ++column) {
      for (const size_t row : rows) WriteCell(row, column);
    }
  }

 private:
  Labels LabelsOf(size_t row) const {
    Labels labels;
    for (size_t column = 0; column < columns_.size(); ++column) {
      if (columns_[column] == nullptr || columns_[column]->usage != Usage::kLabel) continue;
      const PostgresRows::Cell cell = rows_.At(row, column);
      if (cell && !cell->empty()) labels.emplace_back(rows_.columns()[column], *cell);
    }
    return labels;
  }

  std::vector<size_t> DistinctRows() const {
    std::vector<size_t> rows;
    std::set<std::string> seen;
    for (size_t row = 0; row < std::min(rows_.rows(), kMaxRows); ++row) {
      std::string key;
      for (const auto& [name, label] : LabelsOf(row))
        key.append(name).append(label).append(1, '\0');
      if (seen.insert(std::move(key)).second) rows.push_back(row);
    }
    return rows;
  }

  void WriteCell(size_t row, size_t column) {
    const PostgresRows::Cell cell = rows_.At(row, column);
    if (!cell) return;
    const std::string name = query_.name + "_" + rows_.columns()[column];
    const PostgresQueryColumn* known = columns_[column];
    if (known == nullptr) {
      if (IsHistogramPart(rows_.columns()[column])) return;
      return Sample(name, MetricType::kUntyped, "Unknown metric from " + query_.name, row,
                    Number(*cell));
    }
    switch (known->usage) {
      case Usage::kDiscard:
      case Usage::kLabel:
        return;
      case Usage::kCounter:
        return Sample(name, MetricType::kCounter, known->description, row, Number(*cell));
      case Usage::kGauge:
        return Sample(name, MetricType::kGauge, known->description, row, Number(*cell));
      case Usage::kMapped: {
        const auto found = known->mapping.find(std::string(*cell));
        return Sample(
            name, MetricType::kGauge, known->description, row,
            found == known->mapping.end() ? std::nullopt : std::optional<double>(found->second));
      }
      case Usage::kDuration:
        return Sample(name + "_milliseconds", MetricType::kGauge, known->description, row,
                      DurationMilliseconds(*cell));
      case Usage::kHistogram:
        return Histogram(name, *known, row, *cell);
    }
  }

  void Sample(const std::string& name, MetricType type, std::string_view help, size_t row,
              std::optional<double> value) {
    if (value) sink_.Write({.name = name, .type = type, .help = help}, LabelsOf(row), *value);
  }

  // <name>: the bounds; <name>_bucket: how many up to each; <name>_sum, <name>_count.
  void Histogram(const std::string& name, const PostgresQueryColumn& column, size_t row,
                 std::string_view bounds) {
    const FamilySpec family{
        .name = name, .type = MetricType::kHistogram, .help = column.description};
    Labels labels = LabelsOf(row);
    const double count = NumberOrZero(Part(row, column.name + "_count").value_or(""));
    sink_.WriteSuffixed(family, "_sum", labels,
                        NumberOrZero(Part(row, column.name + "_sum").value_or("")));
    sink_.WriteSuffixed(family, "_count", labels, count);
    const std::vector<double> uppers = Numbers(bounds);
    const std::vector<double> buckets = Numbers(Part(row, column.name + "_bucket").value_or(""));
    labels.emplace_back("le", "+Inf");
    sink_.WriteSuffixed(family, "_bucket", labels, count);
    for (size_t i = 0; i < std::min(uppers.size(), buckets.size()); ++i) {
      std::string bound = std::to_string(uppers[i]);
      bound.erase(bound.find_last_not_of('0') + 1);
      if (bound.back() == '.') bound.pop_back();
      labels.back().second = bound;
      sink_.WriteSuffixed(family, "_bucket", labels, buckets[i]);
    }
  }

  PostgresRows::Cell Part(size_t row, const std::string& name) const {
    const auto found = std::ranges::find(rows_.columns(), name);
    if (found == rows_.columns().end()) return std::nullopt;
    return rows_.At(row, static_cast<size_t>(found - rows_.columns().begin()));
  }

  bool IsHistogramPart(std::string_view name) const {
    return std::ranges::any_of(query_.columns, [name](const PostgresQueryColumn& column) {
      return column.usage == Usage::kHistogram && name.starts_with(column.name + "_");
    });
  }

  const PostgresQuery& query_;
  const PostgresRows& rows_;
  MetricSink& sink_;
  std::vector<const PostgresQueryColumn*> columns_;  // null: not explained
};

}  // namespace

void WritePostgresQuery(const PostgresQuery& query, int server_version, const PostgresRows& rows,
                        MetricSink& sink) {
  QueryWriter(query, server_version, rows, sink).Write();
}

}  // namespace tocsin
