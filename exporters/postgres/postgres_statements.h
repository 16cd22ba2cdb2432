// From the table of parts to statements, and from their rows to samples. No database needed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporters/collector.h"
#include "exporters/postgres/postgres_catalogue.h"
#include "exporters/postgres/postgres_part.h"
#include "exporters/postgres/postgres_rows.h"

namespace tocsin {

struct PostgresStatement {
  const PostgresPart* part = nullptr;
  std::string sql;
  // The first columns label the samples, the others are their values, in this order.
  std::vector<std::string> labels;
  std::vector<const FamilySpec*> families;
};

struct PostgresStatementOptions {
  std::vector<std::string> activity_labels;
  bool aliases = true;
  int max_tables = 300;
  int statements_limit = 100;
};

// Nothing when this server does not have what the part shows.
std::optional<PostgresStatement> MakePostgresStatement(const PostgresPart& part,
                                                       const PostgresCatalogue& catalogue,
                                                       const PostgresStatementOptions& options);

// Rows of another form than the statement's are passed over.
void WritePostgresRows(const PostgresStatement& statement, const PostgresRows& rows,
                       MetricSink& sink);

}  // namespace tocsin
