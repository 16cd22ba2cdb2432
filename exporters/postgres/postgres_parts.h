// What the Postgres collector asks, statement by statement.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exporters/collector.h"
#include "exporters/postgres/postgres_connection.h"

namespace tocsin {

// How the rows of a statement become samples.
enum class PostgresShape {
  // Each column that is no label and makes, behind the prefix, the name of a family is a sample.
  kColumns,
  // The columns `name` and `value`: a sample of the family of that name behind the prefix.
  kNames,
};

struct PostgresPart {
  std::string_view name;    // the collector's name in postgres_exporter
  std::string_view prefix;  // "pg_stat_database_"
  std::string_view labels;  // "datid,datname"
  std::string sql;
  PostgresShape shape = PostgresShape::kColumns;
};

// Every statement but that of the settings. `activity_labels`: of pg_stat_activity_count.
std::vector<PostgresPart> PostgresParts(const std::vector<std::string>& activity_labels);

// Samples of the families of `table`; columns that are none are passed over.
void WritePostgresRows(const PostgresPart& part, const PostgresRows& rows,
                       std::span<const FamilySpec> table, MetricSink& sink);

// pg_settings: name, setting, unit, vartype. Sizes in bytes, times in seconds.
extern const std::string_view kPostgresSettingsSql;
void WritePostgresSettings(const PostgresRows& rows, MetricSink& sink);

// The columns that may label pg_stat_activity_count.
bool IsActivityLabel(std::string_view label);

}  // namespace tocsin
