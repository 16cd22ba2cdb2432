#include "exporters/postgres/postgres_settings.h"

#include <algorithm>
#include <optional>
#include <string>

#include "exporters/text_scan.h"

namespace tocsin {
namespace {

struct Unit {
  std::string_view name;
  std::string_view suffix;
  double factor;
};
constexpr Unit kUnits[] = {
    {"B", "_bytes", 1},
    {"kB", "_bytes", 1024},
    {"MB", "_bytes", 1024.0 * 1024},
    {"GB", "_bytes", 1024.0 * 1024 * 1024},
    {"TB", "_bytes", 1024.0 * 1024 * 1024 * 1024},
    {"us", "_seconds", 1e-6},
    {"ms", "_seconds", 1e-3},
    {"s", "_seconds", 1},
    {"min", "_seconds", 60},
    {"h", "_seconds", 3600},
    {"d", "_seconds", 86'400},
};

// "8kB": eight times a kilobyte.
std::optional<Unit> FindUnit(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const double count = digits == 0 ? 1 : NumberOrZero(text.substr(0, digits));
  const auto* unit = std::ranges::find(kUnits, text.substr(digits), &Unit::name);
  if (unit == std::end(kUnits)) return std::nullopt;
  return Unit{unit->name, unit->suffix, unit->factor * count};
}

std::optional<double> SettingValue(std::string_view setting, std::string_view type) {
  if (type == "bool") return setting == "on" ? 1 : 0;
  return ReadNumber(setting);
}

}  // namespace

// transaction_read_only has no value of its own to be reset to: it follows its default, and on a
// replica it is always on.
const std::string_view kPostgresSettingsSql =
    "SELECT name, CASE WHEN name = 'transaction_read_only' THEN (SELECT CASE WHEN "
    "pg_is_in_recovery() OR d.reset_val = 'on' THEN 'on' ELSE 'off' END FROM pg_settings d "
    "WHERE d.name = 'default_transaction_read_only') "
    "WHEN source = 'session' THEN reset_val ELSE setting END, unit, vartype "
    "FROM pg_settings WHERE vartype IN ('bool', 'integer', 'real')";

void WritePostgresSettings(const PostgresRows& rows, MetricSink& sink) {
  if (rows.columns().size() != 4) return;
  for (size_t row = 0; row < rows.rows(); ++row) {
    const PostgresRows::Cell setting_name = rows.At(row, 0);
    const PostgresRows::Cell setting = rows.At(row, 1);
    if (!setting_name || !setting) continue;
    std::optional<double> value = SettingValue(*setting, rows.At(row, 3).value_or(""));
    if (!value) continue;
    std::string name = "pg_settings_" + std::string(*setting_name);
    std::ranges::replace_if(
        name, [](char c) { return c != '_' && !isalnum(static_cast<unsigned char>(c)); }, '_');
    if (const std::optional<Unit> unit = FindUnit(rows.At(row, 2).value_or(""))) {
      name += unit->suffix;
      // -1 and 0 switch things off; they are no sizes.
      if (*value > 0) *value *= unit->factor;
    }
    sink.Write({.name = name, .type = MetricType::kGauge, .help = "Server setting, in base units."},
               *value);
  }
}

}  // namespace tocsin
