#include "exporters/postgres/postgres_statements.h"

#include <algorithm>

#include "exporters/family_index.h"
#include "exporters/postgres/postgres_parts.h"
#include "exporters/postgres/postgres_server_parts.h"
#include "exporters/postgres/postgres_settings.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

using Labels = std::vector<MetricSink::LabelView>;

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string Replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string out(text);
  const size_t at = out.find(what);
  return at == std::string::npos ? out : out.replace(at, what.size(), with);
}

void AppendColumn(std::string& list, const std::string& sql) {
  list.append(list.empty() ? "" : ", ").append(sql);
}

// The figures that this server has, their expressions as columns.
std::string FigureColumns(const PostgresPart& part, const PostgresCatalogue& catalogue,
                          bool aliases, std::vector<const FamilySpec*>& families) {
  std::string columns;
  for (const PostgresFigure& figure : part.figures) {
    if (!aliases && !figure.alias_of.empty()) continue;
    std::string sql(figure.sql);
    std::string_view needed = figure.column;
    if (sql.empty()) {
      needed = figure.name.substr(part.prefix.size());
      sql = needed;
    }
    if (!needed.empty() && !part.view.empty() && !catalogue.Has(part.view, needed)) continue;
    if (!part.rank.empty()) sql = std::string(figure.merge) + "(" + sql + ")";
    AppendColumn(columns, sql);
    families.push_back(FamilyNamed(PostgresFamilies(), figure.name));
  }
  return columns;
}

int Limit(PostgresLimit limit, const PostgresStatementOptions& options) {
  switch (limit) {
    case PostgresLimit::kNone:
      return 0;
    case PostgresLimit::kTables:
      return options.max_tables;
    case PostgresLimit::kStatements:
      return options.statements_limit;
  }
  return 0;
}

void MakeFigures(const PostgresCatalogue& catalogue, const PostgresStatementOptions& options,
                 PostgresStatement& statement) {
  const PostgresPart& part = *statement.part;
  statement.labels = Split(part.labels, ',');
  const std::vector<std::string> label_sql =
      part.label_sql.empty() ? statement.labels : Split(part.label_sql, '|');
  const std::string figures = FigureColumns(part, catalogue, options.aliases, statement.families);
  const auto view = catalogue.views.find(part.view);
  std::string from = Replaced(part.from, "{view}",
                              view == catalogue.views.end() ? part.view : view->second.qualified);
  std::string with(part.with);
  std::string columns;
  std::string groups;
  for (size_t i = 0; i < label_sql.size(); ++i) {
    const bool merged = !part.rank.empty() && statement.labels[i] != "datname";
    AppendColumn(columns, merged
                              ? "CASE WHEN shown THEN " + label_sql[i] + "::text ELSE '_other' END"
                              : label_sql[i]);
    AppendColumn(groups, std::to_string(i + 1));
  }
  if (!part.rank.empty()) {
    with.append(with.empty() ? "" : ", ")
        .append("ranked AS (SELECT *, row_number() OVER (ORDER BY ")
        .append(part.rank)
        .append(" DESC) <= " + std::to_string(options.max_tables) + " AS shown FROM ")
        .append(from)
        .append(")");
    from = "ranked GROUP BY " + groups;
  }
  AppendColumn(columns, figures);
  statement.sql =
      (with.empty() ? "" : "WITH " + with + " ") + "SELECT " + columns + " FROM " + from;
  if (const int limit = Limit(part.limit, options); limit > 0) {
    statement.sql += " LIMIT " + std::to_string(limit);
  }
}

// Sessions, and every database in every state with none, so that a state that goes is a 0 and no
// gap.
constexpr std::string_view kSessions =
    "sessions AS (SELECT datname::text, state, usename::text, application_name, backend_type, "
    "wait_event, wait_event_type, 1 AS count, "
    "COALESCE(extract(epoch FROM now() - xact_start), 0)::float8 AS seconds "
    "FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> pg_backend_pid()), "
    "possible AS (SELECT d.datname::text, s.state, NULL::text AS usename, "
    "NULL::text AS application_name, NULL::text AS backend_type, NULL::text AS wait_event, "
    "NULL::text AS wait_event_type, 0 AS count, 0::float8 AS seconds FROM pg_database d "
    "CROSS JOIN (VALUES ('active'), ('idle'), ('idle in transaction'), "
    "('idle in transaction (aborted)'), ('fastpath function call'), ('disabled')) s(state))";

void MakeActivity(const PostgresStatementOptions& options, PostgresStatement& statement) {
  // Labels become part of a statement: only those that are known.
  std::ranges::copy_if(options.activity_labels, std::back_inserter(statement.labels),
                       IsActivityLabel);
  if (statement.labels.empty()) statement.labels = Split(statement.part->label_sql, '|');
  std::string groups;
  for (const std::string& label : statement.labels) AppendColumn(groups, label);
  std::string columns = groups;
  for (const PostgresFigure& figure : statement.part->figures) {
    statement.families.push_back(FamilyNamed(PostgresFamilies(), figure.name));
    AppendColumn(columns, std::string(figure.sql));
  }
  statement.sql = "WITH " + std::string(kSessions) + " SELECT " + columns +
                  " FROM (SELECT * FROM sessions UNION ALL SELECT * FROM possible) a";
  if (!groups.empty()) statement.sql += " GROUP BY " + groups;
}

void MakeIdleHistogram(PostgresStatement& statement) {
  statement.labels = Split(statement.part->labels, ',');
  statement.families = {FamilyNamed(PostgresFamilies(), "pg_process_idle_seconds")};
  statement.sql = "SELECT state, application_name, sum(idle), count(*)";
  for (const int bound : kIdleBounds) {
    statement.sql += ", count(*) FILTER (WHERE idle <= " + std::to_string(bound) + ")";
  }
  statement.sql +=
      " FROM (SELECT state, application_name, extract(epoch FROM now() - state_change) AS idle "
      "FROM pg_stat_activity WHERE state LIKE 'idle%') a GROUP BY 1, 2";
}

Labels LabelsOf(const PostgresStatement& statement, const PostgresRows& rows, size_t row) {
  Labels labels;
  for (size_t i = 0; i < statement.labels.size(); ++i) {
    const PostgresRows::Cell cell = rows.At(row, i);
    if (cell && !cell->empty()) labels.emplace_back(statement.labels[i], *cell);
  }
  return labels;
}

void WriteFigures(const PostgresStatement& statement, const PostgresRows& rows, MetricSink& sink) {
  if (rows.columns().size() != statement.labels.size() + statement.families.size()) return;
  for (size_t i = 0; i < statement.families.size(); ++i) {
    for (size_t row = 0; row < rows.rows(); ++row) {
      const PostgresRows::Cell cell = rows.At(row, statement.labels.size() + i);
      const std::optional<double> value = cell ? ReadNumber(*cell) : std::nullopt;
      if (value) sink.Write(*statement.families[i], LabelsOf(statement, rows, row), *value);
    }
  }
}

void WriteIdleHistogram(const PostgresStatement& statement, const PostgresRows& rows,
                        MetricSink& sink) {
  constexpr size_t kSum = 2;
  constexpr size_t kCount = 3;
  constexpr size_t kBuckets = 4;
  if (rows.columns().size() != kBuckets + std::size(kIdleBounds)) return;
  const FamilySpec& family = *statement.families[0];
  const auto number = [&](size_t row, size_t column) {
    return NumberOrZero(rows.At(row, column).value_or(""));
  };
  for (size_t row = 0; row < rows.rows(); ++row) {
    Labels labels = LabelsOf(statement, rows, row);
    sink.WriteSuffixed(family, "_sum", labels, number(row, kSum));
    sink.WriteSuffixed(family, "_count", labels, number(row, kCount));
    labels.emplace_back("le", "+Inf");
    sink.WriteSuffixed(family, "_bucket", labels, number(row, kCount));
    for (size_t i = 0; i < std::size(kIdleBounds); ++i) {
      const std::string bound = std::to_string(kIdleBounds[i]);
      labels.back().second = bound;
      sink.WriteSuffixed(family, "_bucket", labels, number(row, kBuckets + i));
    }
  }
}

}  // namespace

std::optional<PostgresStatement> MakePostgresStatement(const PostgresPart& part,
                                                       const PostgresCatalogue& catalogue,
                                                       const PostgresStatementOptions& options) {
  if (!part.view.empty() && !catalogue.Has(part.view)) return std::nullopt;
  if (!part.needs.empty() && !catalogue.Has(part.needs)) return std::nullopt;
  PostgresStatement statement{.part = &part};
  switch (part.shape) {
    case PostgresShape::kFigures:
      MakeFigures(catalogue, options, statement);
      if (statement.families.empty()) return std::nullopt;
      break;
    case PostgresShape::kActivity:
      MakeActivity(options, statement);
      break;
    case PostgresShape::kSettings:
      statement.sql = kPostgresSettingsSql;
      break;
    case PostgresShape::kIdleHistogram:
      MakeIdleHistogram(statement);
      break;
  }
  return statement;
}

void WritePostgresRows(const PostgresStatement& statement, const PostgresRows& rows,
                       MetricSink& sink) {
  switch (statement.part->shape) {
    case PostgresShape::kFigures:
    case PostgresShape::kActivity:
      return WriteFigures(statement, rows, sink);
    case PostgresShape::kSettings:
      return WritePostgresSettings(rows, sink);
    case PostgresShape::kIdleHistogram:
      return WriteIdleHistogram(statement, rows, sink);
  }
}

}  // namespace tocsin
