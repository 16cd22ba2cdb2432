// Rows of custom queries (config/postgres_queries.h) as samples.
#pragma once

#include "config/postgres_queries.h"
#include "exporters/collector.h"
#include "exporters/postgres/postgres_rows.h"

namespace tocsin {

// Columns that the query does not explain are untyped samples when they are numbers. Of rows with
// equal labels the first one counts.
void WritePostgresQuery(const PostgresQuery& query, int server_version, const PostgresRows& rows,
                        MetricSink& sink);

}  // namespace tocsin
