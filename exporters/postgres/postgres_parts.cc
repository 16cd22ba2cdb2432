#include "exporters/postgres/postgres_parts.h"

#include <algorithm>
#include <map>

#include "exporters/family_index.h"
#include "exporters/postgres/postgres_families.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

constexpr std::string_view kActivityLabels[] = {
    "application_name", "backend_type", "datname",        "state",
    "usename",          "wait_event",   "wait_event_type"};

// Databases by states, all zero, so that a state that goes is a 0 and not a gap.
constexpr std::string_view kZeroActivity =
    "SELECT d.datname::text, s.state, 0::bigint AS count, 0::float8 AS seconds "
    "FROM pg_database d CROSS JOIN (VALUES ('active'), ('idle'), ('idle in transaction'), "
    "('idle in transaction (aborted)'), ('fastpath function call'), ('disabled')) s(state) "
    "WHERE d.datallowconn";
constexpr std::string_view kRealActivity =
    "SELECT datname::text, COALESCE(state, '') AS state, count(*) AS count, "
    "COALESCE(max(extract(epoch FROM now() - xact_start)), 0)::float8 AS seconds "
    "FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> pg_backend_pid() GROUP BY 1, 2";

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string ActivityCountSql(const std::vector<std::string>& labels) {
  if (labels.empty()) {
    return "SELECT count(*) AS count FROM pg_stat_activity "
           "WHERE datname IS NOT NULL AND pid <> pg_backend_pid()";
  }
  const bool zeros = std::ranges::all_of(
      labels, [](const std::string& label) { return label == "datname" || label == "state"; });
  const std::string columns = Joined(labels);
  if (zeros) {
    return "SELECT " + columns + ", sum(count) AS count FROM (" + std::string(kZeroActivity) +
           " UNION ALL " + std::string(kRealActivity) + ") a GROUP BY " + columns;
  }
  return "SELECT " + columns +
         ", count(*) AS count FROM pg_stat_activity "
         "WHERE datname IS NOT NULL AND pid <> pg_backend_pid() GROUP BY " +
         columns;
}

// Sizes of tables that are locked exclusively would wait for the lock: those tables have their size
// from the planner's page count, and no index size.
constexpr std::string_view kTableSizes =
    "WITH busy AS (SELECT DISTINCT relation FROM pg_locks WHERE locktype = 'relation' "
    "AND mode = 'AccessExclusiveLock' AND database = "
    "(SELECT oid FROM pg_database WHERE datname = current_database())), "
    "skip AS (SELECT relation AS oid FROM busy UNION SELECT i.indrelid FROM pg_index i "
    "JOIN busy b ON b.relation = i.indexrelid UNION SELECT c.oid FROM pg_class c "
    "JOIN busy b ON b.relation = c.reltoastrelid) "
    "SELECT current_database() AS datname, n.nspname AS schemaname, c.relname, "
    "CASE WHEN k.oid IS NULL THEN pg_table_size(c.oid) "
    "ELSE c.relpages::bigint * current_setting('block_size')::int END AS table_size_bytes, "
    "CASE WHEN k.oid IS NULL THEN pg_indexes_size(c.oid) END AS index_size_bytes "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN skip k ON k.oid = c.oid WHERE c.relkind IN ('r','p','m') "
    "AND n.nspname NOT IN ('pg_catalog','information_schema','pg_toast')";

constexpr PostgresShape kNames = PostgresShape::kNames;

std::vector<PostgresPart> FixedParts() {
  return {
      {"static", "pg_", "version,short_version",
       "SELECT version() AS version, current_setting('server_version') AS short_version, "
       "1 AS static"},
      {"postmaster", "pg_", "",
       "SELECT extract(epoch FROM pg_postmaster_start_time()) AS postmaster_start_time_seconds"},
      {"stat_database", "pg_stat_database_", "datid,datname",
       "SELECT d.*, extract(epoch FROM d.stats_reset) AS stats_reset, "
       "(to_jsonb(d)->>'active_time')::float8 / 1000 AS active_time_seconds_total "
       "FROM pg_stat_database d WHERE d.datname IS NOT NULL"},
      {"stat_database_conflicts", "pg_stat_database_conflicts_", "datid,datname",
       "SELECT * FROM pg_stat_database_conflicts"},
      {"database", "pg_database_", "datname",
       "SELECT datname, CASE WHEN has_database_privilege(oid, 'CONNECT') "
       "THEN pg_database_size(oid) END AS size_bytes, datconnlimit AS connection_limit, "
       "age(datfrozenxid) AS wraparound_age_datfrozenxid_seconds, "
       "mxid_age(datminmxid) AS wraparound_age_datminmxid_seconds "
       "FROM pg_database WHERE datallowconn"},
      {"locks", "pg_locks_", "datname,mode",
       "SELECT d.datname, m.mode, COALESCE(l.count, 0) AS count FROM pg_database d CROSS JOIN "
       "(VALUES ('accesssharelock'), ('rowsharelock'), ('rowexclusivelock'), "
       "('shareupdateexclusivelock'), ('sharelock'), ('sharerowexclusivelock'), "
       "('exclusivelock'), ('accessexclusivelock'), ('sireadlock')) m(mode) LEFT JOIN "
       "(SELECT database, lower(mode) AS mode, count(*) AS count FROM pg_locks "
       "WHERE database IS NOT NULL GROUP BY 1, 2) l ON l.database = d.oid AND l.mode = m.mode "
       "WHERE d.datallowconn"},
      {"stat_bgwriter", "pg_stat_bgwriter_", "",
       "SELECT j.key || '_total' AS name, j.value FROM pg_stat_bgwriter b, "
       "jsonb_each_text(to_jsonb(b)) j WHERE j.key <> 'stats_reset' UNION ALL "
       "SELECT 'stats_reset_total', extract(epoch FROM stats_reset)::text FROM pg_stat_bgwriter",
       kNames},
      {"stat_user_tables", "pg_stat_user_tables_", "datname,schemaname,relname",
       "SELECT current_database() AS datname, t.*, COALESCE(t.idx_scan, 0) AS idx_scan, "
       "COALESCE(t.idx_tup_fetch, 0) AS idx_tup_fetch, "
       "COALESCE(extract(epoch FROM t.last_vacuum), 0) AS last_vacuum, "
       "COALESCE(extract(epoch FROM t.last_autovacuum), 0) AS last_autovacuum, "
       "COALESCE(extract(epoch FROM t.last_analyze), 0) AS last_analyze, "
       "COALESCE(extract(epoch FROM t.last_autoanalyze), 0) AS last_autoanalyze "
       "FROM pg_stat_user_tables t"},
      {"stat_user_tables_size", "pg_stat_user_tables_", "datname,schemaname,relname",
       std::string(kTableSizes)},
      {"replication", "pg_replication_", "",
       "SELECT CASE WHEN NOT pg_is_in_recovery() THEN 0 "
       "WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 "
       "ELSE GREATEST(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())) END "
       "AS lag_seconds, pg_is_in_recovery()::int AS is_replica, "
       "GREATEST(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())) "
       "AS last_replay_seconds"},
      {"stat_replication", "pg_stat_replication_", "application_name,client_addr,state,slot_name",
       "SELECT r.application_name, r.client_addr::text, r.state, s.slot_name, "
       "CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() - '0/0' END "
       "AS pg_current_wal_lsn_bytes, CASE WHEN NOT pg_is_in_recovery() "
       "THEN pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn) END AS pg_wal_lsn_diff "
       "FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid"},
      {"replication_slots", "pg_replication_slots_", "slot_name,database",
       "SELECT slot_name, database, active::int AS active, CASE WHEN NOT pg_is_in_recovery() "
       "THEN pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) END AS pg_wal_lsn_diff "
       "FROM pg_replication_slots"},
      {"stat_archiver", "pg_stat_archiver_", "",
       "SELECT archived_count, failed_count, "
       "extract(epoch FROM now() - last_archived_time) AS last_archive_age "
       "FROM pg_stat_archiver"},
      {"long_running_transactions", "pg_", "",
       "SELECT count(*) AS long_running_transactions, "
       "COALESCE(extract(epoch FROM min(xact_start)), 0) "
       "AS long_running_transactions_oldest_timestamp_seconds FROM pg_stat_activity "
       "WHERE state IS DISTINCT FROM 'idle' AND backend_type = 'client backend' "
       "AND pid <> pg_backend_pid() AND now() - xact_start > interval '1 minute'"},
      {"wal", "pg_wal_", "",
       "SELECT count(*) AS segments, COALESCE(sum(size), 0) AS size_bytes FROM pg_ls_waldir() "
       "WHERE name ~ '^[0-9A-F]{24}$'"},
  };
}

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

std::optional<double> SettingValue(const std::string& setting, const std::string& type) {
  if (type == "bool") return setting == "on" ? 1 : 0;
  return ReadNumber(setting);
}

}  // namespace

const std::string_view kPostgresSettingsSql =
    "SELECT name, setting, COALESCE(unit, '') AS unit, vartype FROM pg_settings "
    "WHERE vartype IN ('bool', 'integer', 'real')";

bool IsActivityLabel(std::string_view label) {
  return std::ranges::find(kActivityLabels, label) != std::end(kActivityLabels);
}

std::vector<PostgresPart> PostgresParts(const std::vector<std::string>& activity_labels) {
  // Labels become part of a statement: only those that are known.
  std::vector<std::string> labels;
  std::ranges::copy_if(activity_labels, std::back_inserter(labels), IsActivityLabel);
  std::vector<PostgresPart> parts = FixedParts();
  parts.push_back({"stat_activity", "pg_stat_activity_",
                   "application_name,backend_type,datname,state,usename,wait_event,wait_event_type",
                   ActivityCountSql(labels)});
  parts.push_back({"stat_activity_tx", "pg_stat_activity_", "datname,state",
                   "SELECT datname, state, max(seconds) AS max_tx_duration FROM (" +
                       std::string(kZeroActivity) + " UNION ALL " + std::string(kRealActivity) +
                       ") a GROUP BY 1, 2"});
  return parts;
}

void WritePostgresRows(const PostgresPart& part, const PostgresRows& rows,
                       std::span<const FamilySpec> table, MetricSink& sink) {
  const std::vector<std::string_view> label_names = SplitLabelNames(part.labels);
  // The last column of a name counts: statements put better figures behind "SELECT *".
  std::map<std::string_view, size_t> column_of;
  for (size_t i = 0; i < rows.columns.size(); ++i) column_of[rows.columns[i]] = i;
  const auto labels_of = [&](size_t row) {
    std::vector<MetricSink::LabelView> labels;
    for (const std::string_view name : label_names) {
      const auto column = column_of.find(name);
      if (column == column_of.end()) continue;
      const std::optional<std::string>& value = rows.rows[row][column->second];
      if (value) labels.emplace_back(name, *value);
    }
    return labels;
  };
  const auto write = [&](const FamilySpec& family, size_t row, size_t column) {
    const std::optional<std::string>& text = rows.rows[row][column];
    const std::optional<double> value = text ? ReadNumber(*text) : std::nullopt;
    if (value) sink.Write(family, labels_of(row), *value);
  };
  if (part.shape == PostgresShape::kNames) {
    for (size_t row = 0; row < rows.rows.size(); ++row) {
      const std::string name = std::string(part.prefix) + rows.rows[row][0].value_or("");
      if (const FamilySpec* family = FamilyNamed(table, name)) write(*family, row, 1);
    }
    return;
  }
  for (const auto& [column_name, column] : column_of) {
    const FamilySpec* family =
        FamilyNamed(table, std::string(part.prefix) + std::string(column_name));
    if (family == nullptr) continue;
    for (size_t row = 0; row < rows.rows.size(); ++row) write(*family, row, column);
  }
}

void WritePostgresSettings(const PostgresRows& rows, MetricSink& sink) {
  for (const auto& row : rows.rows) {
    if (row.size() != 4 || !row[0] || !row[1] || !row[3]) continue;
    std::optional<double> value = SettingValue(*row[1], *row[3]);
    if (!value) continue;
    std::string name = "pg_settings_" + *row[0];
    std::ranges::replace(name, '.', '_');
    if (const std::optional<Unit> unit = FindUnit(row[2].value_or(""))) {
      name += unit->suffix;
      // -1 and 0 switch things off; they are no sizes.
      if (*value > 0) *value *= unit->factor;
    }
    sink.Write({.name = name, .type = MetricType::kGauge, .help = "Server setting, in base units."},
               *value);
  }
}

}  // namespace tocsin
