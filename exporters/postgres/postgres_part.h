// How the table of the Postgres collector is written: parts (a view each, under the name of
// postgres_exporter's collector) with their figures.
#pragma once

#include <span>
#include <string_view>

#include "engine/model/metric_type.h"

namespace tocsin {

// How often a part is asked.
enum class PostgresTier {
  kFast,    // in every collection
  kNormal,  // every normal_interval
  kSlow,    // every slow_interval: what walks through files or whole catalogues
};

enum class PostgresScope {
  kServer,    // shows all of the server from any database
  kDatabase,  // shows the database that the session is in
};

// How many rows are wanted at most.
enum class PostgresLimit { kNone, kTables, kStatements };

// How the statement of a part is made and its rows become samples.
enum class PostgresShape {
  kFigures,        // labels, then a column for each figure
  kActivity,       // the same, with labels that the configuration names
  kSettings,       // each row makes a family of its own
  kIdleHistogram,  // labels, sum, count, and a column per bucket
};

// A family and where its value comes from.
struct PostgresFigure {
  std::string_view name;
  MetricType type;
  std::string_view help;
  // "": the column that the name ends in, behind the part's prefix.
  std::string_view sql = {};
  // The column of the part's view that there must be, "" for none; when `sql` is empty, that
  // column.
  std::string_view column = {};
  std::string_view alias_of = {};
  // How figures of rows beyond the cap become one: "sum" or "max".
  std::string_view merge = "sum";
};

struct PostgresPart {
  std::string_view name;
  std::string_view prefix;  // of the figures' names
  PostgresTier tier = PostgresTier::kNormal;
  PostgresScope scope = PostgresScope::kServer;
  // The view (or function) of pg_catalog or an extension that must exist, in which the figures'
  // columns are looked for; "": none. {view} in `from` stands for it with its schema.
  std::string_view view;
  // Another one that must exist; "": none.
  std::string_view needs = {};
  std::string_view labels;  // "datid,datname"
  // Their expressions, separated by '|'; "": columns of these names. Of kActivity: the labels when
  // the configuration names none.
  std::string_view label_sql = {};
  std::string_view with = {};  // "x AS (…)"
  std::string_view from;       // with WHERE and GROUP BY
  std::span<const PostgresFigure> figures;
  // Rows are ranked by this, and those beyond max_tables merged into one whose labels are "_other";
  // "": not so. `from` has then neither WHERE nor GROUP BY of its own; figures may ask for `shown`.
  std::string_view rank = {};
  // What rights it takes to be told everything: "pg_read_all_stats".
  std::string_view role = {};
  bool by_default = true;
  PostgresLimit limit = PostgresLimit::kNone;
  PostgresShape shape = PostgresShape::kFigures;
};

}  // namespace tocsin
