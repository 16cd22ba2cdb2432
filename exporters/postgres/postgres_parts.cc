#include "exporters/postgres/postgres_parts.h"

#include <algorithm>
#include <array>

#include "exporters/postgres/postgres_database_parts.h"
#include "exporters/postgres/postgres_server_parts.h"

namespace tocsin {
namespace {

using enum PostgresTier;
using enum PostgresScope;
using enum PostgresLimit;
using enum PostgresShape;

constexpr std::string_view kReadAllStats = "pg_read_all_stats";
constexpr std::string_view kActivityLabels[] = {
    "application_name", "backend_type", "datname",        "state",
    "usename",          "wait_event",   "wait_event_type"};

// Where the WAL is now: written here, or received.
constexpr std::string_view kWal =
    "wal AS (SELECT CASE WHEN pg_is_in_recovery() THEN COALESCE(pg_last_wal_receive_lsn(), "
    "pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END AS lsn)";

// Sessions that wait for a lock, with every session that they wait for. pg_blocking_pids() is asked
// only for those that wait: it holds up the lock manager. Before 14 the start of the statement has
// to stand for the start of the waiting.
constexpr std::string_view kBlockingPairs =
    "waiting AS (SELECT a.pid, a.datname, a.application_name, COALESCE((SELECT "
    "min((to_jsonb(l)->>'waitstart')::timestamptz) FROM pg_locks l WHERE l.pid = a.pid AND NOT "
    "l.granted), a.query_start) AS since FROM pg_stat_activity a WHERE a.wait_event_type = "
    "'Lock'), "
    "pair AS (SELECT w.pid AS blocked, w.since, unnest(pg_blocking_pids(w.pid)) AS blocker "
    "FROM waiting w)";
// From each waiting session up to those that wait for nobody. A circle is a deadlock, which the
// server ends by itself within a second; the depth bounds it here.
constexpr std::string_view kBlockingTree =
    "RECURSIVE waiting AS (SELECT a.pid, a.datname, a.application_name, COALESCE((SELECT "
    "min((to_jsonb(l)->>'waitstart')::timestamptz) FROM pg_locks l WHERE l.pid = a.pid AND NOT "
    "l.granted), a.query_start) AS since FROM pg_stat_activity a WHERE a.wait_event_type = "
    "'Lock'), "
    "pair AS (SELECT w.pid AS blocked, w.since, unnest(pg_blocking_pids(w.pid)) AS blocker "
    "FROM waiting w), "
    "tree AS (SELECT blocked, since, blocker, 1 AS depth FROM pair UNION "
    "SELECT t.blocked, t.since, p.blocker, t.depth + 1 FROM tree t JOIN pair p "
    "ON p.blocked = t.blocker WHERE t.depth < 20)";

// A size function waits for whoever holds or wants the table exclusively: such tables are told by
// the planner's page count.
constexpr std::string_view kLockedTables =
    "busy AS (SELECT DISTINCT relation FROM pg_locks WHERE locktype = 'relation' "
    "AND mode = 'AccessExclusiveLock' AND database = "
    "(SELECT oid FROM pg_database WHERE datname = current_database())), "
    "skip AS (SELECT relation AS oid FROM busy UNION SELECT i.indrelid FROM pg_index i "
    "JOIN busy b ON b.relation = i.indexrelid UNION SELECT c.oid FROM pg_class c "
    "JOIN busy b ON b.relation = c.reltoastrelid)";
constexpr std::string_view kSizedTables =
    "(SELECT n.nspname AS schemaname, c.relname, c.oid, k.oid IS NOT NULL AS locked, "
    "GREATEST(c.relpages, 0)::bigint * current_setting('block_size')::int AS pages_bytes "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "LEFT JOIN skip k ON k.oid = c.oid WHERE c.relkind IN ('r', 'p', 'm') "
    "AND c.relpersistence <> 't' "
    "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')) t";

// A row needs its header, a bit per column that may be NULL, its columns and a line pointer; a page
// holds what its fill factor leaves. Sources: "Database Page Layout" in PostgreSQL's documentation.
// pg_stats asks for the privilege on every column that it shows: it is read table by table, so that
// the catalogue's three thousand columns cost nothing.
constexpr std::string_view kTableBloat =
    "page AS (SELECT current_setting('block_size')::numeric AS size), "
    "sized AS (SELECT n.nspname AS schemaname, c.relname, c.relpages * page.size AS real_bytes, "
    "ceil(c.reltuples * (4 + 24 + 8 * ceil(((CASE WHEN w.nulls THEN w.columns / 8.0 ELSE 0 END) + "
    "w.bytes) / 8)) / (page.size - 24)) * page.size AS need_bytes "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN page "
    "CROSS JOIN LATERAL (SELECT sum((1 - s.null_frac) * s.avg_width) AS bytes, "
    "count(*) AS columns, max(s.null_frac) > 0 AS nulls FROM pg_stats s "
    "WHERE s.schemaname = n.nspname AND s.tablename = c.relname) w "
    "WHERE w.columns > 0 AND c.relkind IN ('r', 'm') AND c.relpages > 0 AND c.reltuples >= 0 "
    "AND n.nspname NOT IN ('pg_catalog', 'information_schema'))";
constexpr std::string_view kIndexBloat =
    "page AS (SELECT current_setting('block_size')::numeric AS size), "
    "sized AS (SELECT n.nspname, t.relname AS tblname, c.relname AS idxname, "
    "c.relpages * page.size AS real_bytes, "
    "(1 + ceil(c.reltuples * (4 + 8 + 8 * ceil(sum(COALESCE((1 - s.null_frac) * s.avg_width, 8)) / "
    "8)) / ((page.size - 40) * 0.9))) * page.size AS need_bytes "
    "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid "
    "JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_am am ON am.oid = c.relam "
    "JOIN pg_attribute a ON a.attrelid = i.indexrelid LEFT JOIN pg_stats s "
    "ON s.schemaname = n.nspname AND s.tablename = t.relname AND s.attname = a.attname "
    "CROSS JOIN page WHERE am.amname = 'btree' AND c.relpages > 0 AND c.reltuples >= 0 "
    "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') "
    "GROUP BY n.nspname, t.relname, c.relname, c.relpages, c.reltuples, page.size)";

constexpr std::string_view kUserTableLabels = "datname,schemaname,relname";
constexpr std::string_view kUserTableSql = "current_database()|schemaname|relname";

constexpr PostgresPart kParts[] = {
    {.name = "stat_activity",
     .prefix = "pg_stat_activity_",
     .tier = kFast,
     .view = "pg_stat_activity",
     .labels = "application_name,backend_type,datname,state,usename,wait_event,wait_event_type",
     .figures = kActivityFigures,
     .role = kReadAllStats,
     .shape = kActivity},
    {.name = "stat_activity_duration",
     .prefix = "pg_stat_activity_",
     .tier = kFast,
     .view = "pg_stat_activity",
     .labels = "application_name,backend_type,datname,state,usename,wait_event,wait_event_type",
     .label_sql = "datname|state",
     .figures = kActivityDurationFigures,
     .role = kReadAllStats,
     .shape = kActivity},
    {.name = "locks",
     .prefix = "pg_locks_",
     .tier = kFast,
     .view = "pg_locks",
     .labels = "datname,mode",
     .label_sql = "d.datname|m.mode",
     .from = "pg_database d CROSS JOIN (VALUES ('accesssharelock'), ('rowsharelock'), "
             "('rowexclusivelock'), ('shareupdateexclusivelock'), ('sharelock'), "
             "('sharerowexclusivelock'), ('exclusivelock'), ('accessexclusivelock'), "
             "('sireadlock')) m(mode) LEFT JOIN (SELECT database, lower(mode) AS mode, "
             "count(*) AS count FROM pg_locks WHERE database IS NOT NULL GROUP BY 1, 2) l "
             "ON l.database = d.oid AND l.mode = m.mode",
     .figures = kLocksFigures},
    {.name = "blocking",
     .prefix = "pg_blocking_",
     .tier = kFast,
     .view = "pg_locks",
     .labels = "datname,application_name,state",
     .label_sql = "r.datname|CASE WHEN t.blocker = 0 THEN 'prepared transaction' "
                  "ELSE COALESCE(r.application_name, '') END|r.state",
     .with = kBlockingTree,
     .from = "tree t LEFT JOIN pg_stat_activity r ON r.pid = t.blocker "
             "WHERE t.blocker NOT IN (SELECT blocked FROM pair) GROUP BY 1, 2, 3",
     .figures = kBlockingFigures,
     .role = kReadAllStats},
    {.name = "blocked",
     .prefix = "pg_blocked_",
     .tier = kFast,
     .view = "pg_locks",
     .labels = "datname,application_name",
     .with = kBlockingPairs,
     .from = "waiting WHERE pid IN (SELECT blocked FROM pair) GROUP BY 1, 2",
     .figures = kBlockedFigures,
     .role = kReadAllStats},
    {.name = "long_running_transactions",
     .prefix = "pg_long_running_",
     .tier = kFast,
     .labels = "",
     .from = "pg_stat_activity WHERE state IS DISTINCT FROM 'idle' AND query NOT LIKE "
             "'autovacuum:%' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()",
     .figures = kLongRunningFigures,
     .role = kReadAllStats},
    {.name = "replication",
     .prefix = "pg_replication_",
     .tier = kFast,
     .labels = "",
     .from = "(SELECT 1) one",
     .figures = kReplicationFigures},
    {.name = "stat_replication",
     .prefix = "pg_stat_replication_",
     .tier = kFast,
     .view = "pg_stat_replication",
     .labels = "application_name,client_addr,state,slot_name",
     .label_sql = "r.application_name|host(r.client_addr)|r.state|s.slot_name",
     .with = kWal,
     .from = "wal CROSS JOIN pg_stat_replication r LEFT JOIN pg_replication_slots s "
             "ON s.active_pid = r.pid GROUP BY 1, 2, 3, 4",
     .figures = kStatReplicationFigures,
     .role = kReadAllStats},
    {.name = "stat_wal_receiver",
     .prefix = "pg_stat_wal_receiver_",
     .tier = kFast,
     .view = "pg_stat_wal_receiver",
     .labels = "slot_name,status,upstream_host",
     .label_sql = "slot_name|status|(to_jsonb(r)->>'sender_host')",
     .from = "pg_stat_wal_receiver r WHERE pid IS NOT NULL",
     .figures = kWalReceiverFigures,
     .role = kReadAllStats},
    {.name = "replication_slots",
     .prefix = "pg_replication_slots_",
     .tier = kFast,
     .labels = "slot_name,database",
     .with = kWal,
     .from = "wal CROSS JOIN pg_replication_slots",
     .figures = kSlotFigures},
    {.name = "replication_slot",
     .prefix = "pg_replication_slot_",
     .tier = kFast,
     .view = "pg_replication_slots",
     .labels = "slot_name,slot_type",
     .with = kWal,
     .from = "wal CROSS JOIN pg_replication_slots",
     .figures = kSlotDetailFigures},
    {.name = "replication_slot_status",
     .prefix = "pg_replication_slot_",
     .tier = kFast,
     .view = "pg_replication_slots",
     .labels = "slot_name,slot_type,wal_status",
     .from = "pg_replication_slots WHERE wal_status IS NOT NULL",
     .figures = kSlotStatusFigures},
    {.name = "replication_slot_loss",
     .prefix = "pg_replication_slot_",
     .tier = kFast,
     .view = "pg_replication_slots",
     .labels = "slot_name,slot_type,invalidation_reason",
     .from = "pg_replication_slots WHERE invalidation_reason IS NOT NULL",
     .figures = kSlotLossFigures},
    {.name = "settings",
     .prefix = "pg_settings_",
     .labels = "",
     .role = "pg_read_all_settings",
     .shape = kSettings},
    {.name = "static",
     .prefix = "pg_",
     .labels = "version,short_version",
     .label_sql = "version()|concat_ws('.', current_setting('server_version_num')::int / 10000, "
                  "current_setting('server_version_num')::int % 10000, 0)",
     .from = "(SELECT 1) one",
     .figures = kStaticFigures},
    {.name = "postmaster",
     .prefix = "pg_postmaster_",
     .labels = "",
     .from = "(SELECT 1) one",
     .figures = kPostmasterFigures},
    {.name = "txid",
     .prefix = "pg_txid_",
     .labels = "",
     .from = "(SELECT 1) one",
     .figures = kTxidFigures},
    {.name = "stat_database",
     .prefix = "pg_stat_database_",
     .view = "pg_stat_database",
     .labels = "datid,datname",
     .from = "pg_stat_database WHERE datname IS NOT NULL",
     .figures = kStatDatabaseFigures},
    {.name = "stat_database_conflicts",
     .prefix = "pg_stat_database_conflicts_",
     .view = "pg_stat_database_conflicts",
     .labels = "datid,datname",
     .from = "pg_stat_database_conflicts",
     .figures = kConflictsFigures},
    {.name = "database",
     .prefix = "pg_database_",
     .labels = "datname",
     .from = "pg_database",
     .figures = kDatabaseFigures},
    {.name = "database_wraparound",
     .prefix = "pg_database_wraparound_",
     .labels = "datname",
     .from = "pg_database WHERE datallowconn",
     .figures = kWraparoundFigures},
    {.name = "stat_bgwriter",
     .prefix = "pg_stat_bgwriter_",
     .view = "pg_stat_bgwriter",
     .labels = "",
     .from = "pg_stat_bgwriter",
     .figures = kBgwriterFigures},
    {.name = "stat_checkpointer",
     .prefix = "pg_stat_checkpointer_",
     .view = "pg_stat_checkpointer",
     .labels = "",
     .from = "pg_stat_checkpointer",
     .figures = kCheckpointerFigures},
    {.name = "stat_checkpointer_old_names",
     .prefix = "pg_stat_bgwriter_",
     .view = "pg_stat_checkpointer",
     .labels = "",
     .from = "pg_stat_checkpointer",
     .figures = kOldCheckpointFigures},
    {.name = "stat_io_old_names",
     .prefix = "pg_stat_bgwriter_",
     .view = "pg_stat_io",
     .needs = "pg_stat_checkpointer",
     .labels = "",
     .from = "pg_stat_io WHERE object = 'relation' AND context = 'normal' "
             "AND backend_type NOT IN ('checkpointer', 'background writer')",
     .figures = kOldBackendFigures},
    {.name = "stat_archiver",
     .prefix = "pg_stat_archiver_",
     .view = "pg_stat_archiver",
     .labels = "",
     .from = "pg_stat_archiver",
     .figures = kArchiverFigures},
    {.name = "stat_wal",
     .prefix = "pg_stat_wal_",
     .view = "pg_stat_wal",
     .labels = "",
     .from = "pg_stat_wal",
     .figures = kStatWalFigures},
    {.name = "stat_ssl",
     .prefix = "pg_stat_ssl_",
     .view = "pg_stat_ssl",
     .labels = "",
     .from = "pg_stat_ssl s",
     .figures = kSslFigures,
     .role = kReadAllStats},
    {.name = "stat_progress_vacuum",
     .prefix = "pg_stat_progress_vacuum_",
     .view = "pg_stat_progress_vacuum",
     .labels = "datname,relname",
     .label_sql = "datname|COALESCE((SELECT c.relname FROM pg_class c WHERE c.oid = v.relid AND "
                  "v.datname = current_database()), v.relid::text)",
     .from = "pg_stat_progress_vacuum v",
     .figures = kProgressVacuumFigures,
     .role = kReadAllStats},
    {.name = "stat_progress_vacuum_phase",
     .prefix = "pg_stat_progress_vacuum_",
     .view = "pg_stat_progress_vacuum",
     .labels = "datname,relname,phase",
     .label_sql = "v.datname|COALESCE((SELECT c.relname FROM pg_class c WHERE c.oid = v.relid AND "
                  "v.datname = current_database()), v.relid::text)|p.phase",
     .from = "pg_stat_progress_vacuum v CROSS JOIN (VALUES ('initializing'), ('scanning heap'), "
             "('vacuuming indexes'), ('vacuuming heap'), ('cleaning up indexes'), "
             "('truncating heap'), ('performing final cleanup')) p(phase)",
     .figures = kProgressPhaseFigures,
     .role = kReadAllStats},
    {.name = "roles",
     .prefix = "pg_roles_",
     .labels = "rolname",
     .from = "pg_roles",
     .figures = kRolesFigures},
    {.name = "stat_user_tables",
     .prefix = "pg_stat_user_tables_",
     .scope = kDatabase,
     .view = "pg_stat_user_tables",
     .labels = kUserTableLabels,
     .label_sql = kUserTableSql,
     .from = "pg_stat_user_tables",
     .figures = kUserTablesFigures,
     .rank = "n_tup_ins + n_tup_upd + n_tup_del + seq_scan + COALESCE(idx_scan, 0)"},
    {.name = "statio_user_tables",
     .prefix = "pg_statio_user_tables_",
     .scope = kDatabase,
     .view = "pg_statio_user_tables",
     .labels = kUserTableLabels,
     .label_sql = kUserTableSql,
     .from = "pg_statio_user_tables",
     .figures = kStatioTablesFigures,
     .rank = "heap_blks_read + heap_blks_hit"},
    {.name = "table_sizes",
     .prefix = "pg_stat_user_tables_",
     .tier = kSlow,
     .scope = kDatabase,
     .labels = kUserTableLabels,
     .label_sql = kUserTableSql,
     .with = kLockedTables,
     .from = kSizedTables,
     .figures = kTableSizeFigures,
     .rank = "pages_bytes"},
    {.name = "database_size",
     .prefix = "pg_database_",
     .tier = kSlow,
     .labels = "datname",
     .from = "pg_database",
     .figures = kDatabaseSizeFigures},
    {.name = "wal",
     .prefix = "pg_wal_",
     .tier = kSlow,
     .labels = "",
     .from = "pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'",
     .figures = kWalFigures,
     .role = "pg_monitor"},
    {.name = "index_info",
     .prefix = "pg_general_index_info_",
     .tier = kSlow,
     .scope = kDatabase,
     .labels = "datname,schemaname,relname,indexrelname",
     .label_sql = "current_database()|schemaname|relname|indexrelname",
     .from = "(SELECT n.nspname AS schemaname, t.relname, c.relname AS indexrelname, "
             "GREATEST(c.relpages, 0)::bigint * current_setting('block_size')::int AS "
             "relpages_bytes FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
             "JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
             "WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') "
             "AND c.relpersistence <> 't') x",
     .figures = kIndexInfoFigures,
     .rank = "relpages_bytes",
     .by_default = false},
    {.name = "table_bloat",
     .prefix = "pg_bloat_table_",
     .tier = kSlow,
     .scope = kDatabase,
     .labels = kUserTableLabels,
     .label_sql = kUserTableSql,
     .with = kTableBloat,
     .from = "sized ORDER BY real_bytes DESC",
     .figures = kTableBloatFigures,
     .role = "pg_read_all_data",
     .by_default = false,
     .limit = kTables},
    {.name = "index_bloat",
     .prefix = "pg_bloat_btree_",
     .tier = kSlow,
     .scope = kDatabase,
     .labels = "datname,nspname,tblname,idxname",
     .label_sql = "current_database()|nspname|tblname|idxname",
     .with = kIndexBloat,
     .from = "sized ORDER BY real_bytes DESC",
     .figures = kIndexBloatFigures,
     .role = "pg_read_all_data",
     .by_default = false,
     .limit = kTables},
    {.name = "stat_statements",
     .prefix = "pg_stat_statements_",
     .view = "pg_stat_statements",
     .labels = "user,datname,queryid",
     .label_sql = "pg_get_userbyid(s.userid)|d.datname|s.queryid",
     .from = "{view} s JOIN pg_database d ON d.oid = s.dbid WHERE s.queryid IS NOT NULL "
             "GROUP BY 1, 2, 3 ORDER BY 5 DESC",
     .figures = kStatementFigures,
     .role = kReadAllStats,
     .by_default = false,
     .limit = kStatements},
    {.name = "stat_statements_text",
     .prefix = "pg_stat_statements_",
     .tier = kSlow,
     .view = "pg_stat_statements",
     .labels = "queryid,query",
     .label_sql = "s.queryid|left(regexp_replace(min(s.query), '\\s+', ' ', 'g'), 120)",
     .from = "{view} s WHERE s.queryid IS NOT NULL GROUP BY s.queryid ORDER BY sum(s.calls) DESC",
     .figures = kStatementTextFigures,
     .role = kReadAllStats,
     .by_default = false,
     .limit = kStatements},
    {.name = "process_idle",
     .prefix = "pg_process_idle_",
     .view = "pg_stat_activity",
     .labels = "state,application_name",
     .role = kReadAllStats,
     .by_default = false,
     .shape = kIdleHistogram},
    {.name = "stat_activity_autovacuum",
     .prefix = "pg_stat_activity_autovacuum_",
     .labels = "relname",
     .label_sql = "split_part(query, '.', 2)",
     .from = "pg_stat_activity WHERE query LIKE 'autovacuum:%' AND xact_start IS NOT NULL "
             "GROUP BY 1",
     .figures = kAutovacuumFigures,
     .role = kReadAllStats,
     .by_default = false},
    {.name = "statio_user_indexes",
     .prefix = "pg_statio_user_indexes_",
     .scope = kDatabase,
     .view = "pg_statio_user_indexes",
     .labels = "datname,schemaname,relname,indexrelname",
     .label_sql = "current_database()|schemaname|relname|indexrelname",
     .from = "pg_statio_user_indexes",
     .figures = kStatioIndexesFigures,
     .rank = "idx_blks_read + idx_blks_hit",
     .by_default = false},
    {.name = "stat_user_indexes",
     .prefix = "pg_stat_user_indexes_",
     .scope = kDatabase,
     .view = "pg_stat_user_indexes",
     .labels = "datname,schemaname,relname,indexrelname",
     .label_sql = "current_database()|schemaname|relname|indexrelname",
     .from = "pg_stat_user_indexes",
     .figures = kUserIndexesFigures,
     .rank = "idx_scan",
     .by_default = false},
    {.name = "stat_io",
     .prefix = "pg_stat_io_",
     .view = "pg_stat_io",
     .labels = "backend_type,object,context",
     .from = "pg_stat_io",
     .figures = kStatIoFigures,
     .by_default = false},
    {.name = "buffercache_summary",
     .prefix = "pg_buffercache_summary_",
     .tier = kSlow,
     .view = "pg_buffercache_summary",
     .labels = "",
     .from = "{view}()",
     .figures = kBuffercacheFigures,
     .role = "pg_monitor",
     .by_default = false},
};

// What the collector tells of itself and what has no fixed place in a table.
constexpr FamilySpec kOwnFamilies[] = {
    {.name = "pg_database_visit_age_seconds",
     .type = kPgGauge,
     .help = "How long ago the database's own tables were asked for last.",
     .labels = "datname"},
    {.name = "pg_exporter_last_scrape_duration_seconds",
     .type = kPgGauge,
     .help = "How long the last collection took."},
    {.name = "pg_exporter_last_scrape_error",
     .type = kPgGauge,
     .help = "Whether any part of the last collection failed."},
    {.name = "pg_exporter_scrapes_total",
     .type = kPgCounter,
     .help = "Collections of this server."},
    {.name = "pg_process_idle_seconds",
     .type = MetricType::kHistogram,
     .help = "How long idle sessions have been idle.",
     .labels = "state,application_name",
     .source = "pg_stat_activity"},
    {.name = "pg_scrape_collector_duration_seconds",
     .type = kPgGauge,
     .help = "How long the part took when it was asked last.",
     .labels = "collector"},
    {.name = "pg_scrape_collector_success",
     .type = kPgGauge,
     .help = "Whether the part succeeded when it was asked last.",
     .labels = "collector"},
    {.name = "pg_settings_*",
     .type = kPgGauge,
     .help = "Server settings that are numbers or switches, in base units.",
     .source = "pg_settings"},
    {.name = "pg_up",
     .type = kPgGauge,
     .help = "Whether the last collection reached the server.",
     .source = "connect"},
};

constexpr size_t CountFigures() {
  size_t count = std::size(kOwnFamilies);
  for (const PostgresPart& part : kParts) count += part.figures.size();
  return count;
}

struct FamilyTable {
  std::array<FamilySpec, CountFigures()> rows;
  size_t size = 0;
};

// All rows by name; of figures that several versions have in different places, the first one that
// is no alias.
constexpr FamilyTable MakeFamilies() {
  FamilyTable table;
  for (const FamilySpec& family : kOwnFamilies) table.rows[table.size++] = family;
  for (const PostgresPart& part : kParts) {
    for (const PostgresFigure& figure : part.figures) {
      const auto end = table.rows.begin() + static_cast<ptrdiff_t>(table.size);
      const auto same = std::find_if(table.rows.begin(), end, [&](const FamilySpec& other) {
        return other.name == figure.name;
      });
      if (same != end) continue;
      const std::string_view source =
          !part.view.empty() ? part.view : part.from.substr(0, part.from.find_first_of(" ("));
      table.rows[table.size++] = {.name = figure.name,
                                  .type = figure.type,
                                  .help = figure.help,
                                  .labels = part.labels,
                                  .source = source.starts_with("pg_") ? source : "pg_catalog",
                                  .alias_of = figure.alias_of};
    }
  }
  std::sort(table.rows.begin(), table.rows.begin() + static_cast<ptrdiff_t>(table.size),
            [](const FamilySpec& a, const FamilySpec& b) { return a.name < b.name; });
  return table;
}

constexpr FamilyTable kFamilies = MakeFamilies();

}  // namespace

std::span<const PostgresPart> PostgresParts() { return kParts; }

const PostgresPart* FindPostgresPart(std::string_view name) {
  const auto* part = std::ranges::find(kParts, name, &PostgresPart::name);
  return part == std::end(kParts) ? nullptr : part;
}

std::span<const FamilySpec> PostgresFamilies() {
  return std::span(kFamilies.rows).first(kFamilies.size);
}

bool IsActivityLabel(std::string_view label) {
  return std::ranges::find(kActivityLabels, label) != std::end(kActivityLabels);
}

}  // namespace tocsin
