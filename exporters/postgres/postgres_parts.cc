#include "exporters/postgres/postgres_parts.h"

#include <algorithm>
#include <array>

#include "exporters/postgres/postgres_clauses.h"
#include "exporters/postgres/postgres_database_parts.h"
#include "exporters/postgres/postgres_own_families.h"
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

constexpr size_t CountFigures() {
  size_t count = std::size(kPostgresOwnFamilies);
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
  for (const FamilySpec& family : kPostgresOwnFamilies) table.rows[table.size++] = family;
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
