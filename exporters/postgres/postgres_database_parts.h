// What the Postgres collector asks about databases and what is in them; see
// postgres_server_parts.h.
#pragma once

#include "exporters/postgres/postgres_server_parts.h"

namespace tocsin {

inline constexpr PostgresFigure kStatDatabaseFigures[] = {
    {"pg_stat_database_numbackends", kPgGauge, "Sessions in the database."},
    {"pg_stat_database_xact_commit", kPgCounter, "Transactions committed."},
    {"pg_stat_database_xact_rollback", kPgCounter, "Transactions rolled back."},
    {"pg_stat_database_blks_read", kPgCounter, "Disk blocks read."},
    {"pg_stat_database_blks_hit", kPgCounter, "Blocks found in the buffer cache."},
    {"pg_stat_database_tup_returned", kPgCounter, "Rows read by scans."},
    {"pg_stat_database_tup_fetched", kPgCounter, "Rows fetched by index scans."},
    {"pg_stat_database_tup_inserted", kPgCounter, "Rows inserted."},
    {"pg_stat_database_tup_updated", kPgCounter, "Rows updated."},
    {"pg_stat_database_tup_deleted", kPgCounter, "Rows deleted."},
    {"pg_stat_database_conflicts", kPgCounter, "Queries cancelled by recovery."},
    {"pg_stat_database_temp_files", kPgCounter, "Temporary files made by queries."},
    {"pg_stat_database_temp_bytes", kPgCounter, "Bytes written to temporary files."},
    {"pg_stat_database_deadlocks", kPgCounter, "Deadlocks found."},
    {"pg_stat_database_blk_read_time", kPgCounter, "Time spent reading blocks, in milliseconds."},
    {"pg_stat_database_blk_write_time", kPgCounter, "Time spent writing blocks, in milliseconds."},
    {"pg_stat_database_stats_reset", kPgCounter,
     "When these figures were reset, in seconds since the epoch; 0 is never.",
     "COALESCE(extract(epoch FROM stats_reset), 0)", "stats_reset"},
    {"pg_stat_database_active_time_seconds_total", kPgCounter, "Time spent executing statements.",
     "active_time / 1000", "active_time"},
    {"pg_stat_database_session_time_seconds_total", kPgCounter, "Time spent in sessions.",
     "session_time / 1000", "session_time"},
    {"pg_stat_database_idle_in_transaction_time_seconds_total", kPgCounter,
     "Time spent idle in a transaction.", "idle_in_transaction_time / 1000",
     "idle_in_transaction_time"},
    {"pg_stat_database_sessions_total", kPgCounter, "Sessions established.", "sessions",
     "sessions"},
    {"pg_stat_database_sessions_abandoned_total", kPgCounter,
     "Sessions that ended because the client was lost.", "sessions_abandoned",
     "sessions_abandoned"},
    {"pg_stat_database_sessions_fatal_total", kPgCounter, "Sessions ended by fatal errors.",
     "sessions_fatal", "sessions_fatal"},
    {"pg_stat_database_sessions_killed_total", kPgCounter, "Sessions ended by an operator.",
     "sessions_killed", "sessions_killed"},
    {"pg_stat_database_checksum_failures_total", kPgCounter, "Blocks whose checksum was wrong.",
     "checksum_failures", "checksum_failures"},
};
inline constexpr PostgresFigure kConflictsFigures[] = {
    {"pg_stat_database_conflicts_confl_tablespace", kPgCounter,
     "Queries cancelled by recovery: dropped tablespaces."},
    {"pg_stat_database_conflicts_confl_lock", kPgCounter,
     "Queries cancelled by recovery: lock timeouts."},
    {"pg_stat_database_conflicts_confl_snapshot", kPgCounter,
     "Queries cancelled by recovery: old snapshots."},
    {"pg_stat_database_conflicts_confl_bufferpin", kPgCounter,
     "Queries cancelled by recovery: pinned buffers."},
    {"pg_stat_database_conflicts_confl_deadlock", kPgCounter,
     "Queries cancelled by recovery: deadlocks."},
    {"pg_stat_database_conflicts_confl_active_logicalslot", kPgCounter,
     "Uses of logical slots cancelled by recovery."},
};
inline constexpr PostgresFigure kDatabaseFigures[] = {
    {"pg_database_connection_limit", kPgGauge, "Connection limit of the database; -1 is none.",
     "datconnlimit"},
};
inline constexpr PostgresFigure kDatabaseSizeFigures[] = {
    {"pg_database_size_bytes", kPgGauge, "Disk space of the database. Asked every slow_interval.",
     "CASE WHEN has_database_privilege(oid, 'CONNECT') OR pg_has_role('pg_read_all_stats', "
     "'USAGE') THEN pg_database_size(oid) END"},
};
inline constexpr PostgresFigure kWraparoundFigures[] = {
    {"pg_database_wraparound_age_datfrozenxid_seconds", kPgGauge,
     "Transactions since the oldest one that is not frozen (no seconds, in spite of the name).",
     "age(datfrozenxid)"},
    {"pg_database_wraparound_age_datminmxid_seconds", kPgGauge,
     "Multixacts since the oldest one that is not frozen (no seconds, in spite of the name).",
     "mxid_age(datminmxid)"},
};

inline constexpr PostgresFigure kUserTablesFigures[] = {
    {"pg_stat_user_tables_seq_scan", kPgCounter, "Sequential scans of the table."},
    {"pg_stat_user_tables_seq_tup_read", kPgCounter, "Rows read by sequential scans."},
    {"pg_stat_user_tables_idx_scan", kPgCounter, "Index scans of the table.",
     "COALESCE(idx_scan, 0)"},
    {"pg_stat_user_tables_idx_tup_fetch", kPgCounter, "Rows fetched by index scans.",
     "COALESCE(idx_tup_fetch, 0)"},
    {"pg_stat_user_tables_n_tup_ins", kPgCounter, "Rows inserted."},
    {"pg_stat_user_tables_n_tup_upd", kPgCounter, "Rows updated."},
    {"pg_stat_user_tables_n_tup_del", kPgCounter, "Rows deleted."},
    {"pg_stat_user_tables_n_tup_hot_upd", kPgCounter,
     "Rows updated without a new entry in an index."},
    {"pg_stat_user_tables_n_live_tup", kPgGauge, "Live rows, estimated."},
    {"pg_stat_user_tables_n_dead_tup", kPgGauge, "Dead rows, estimated."},
    {"pg_stat_user_tables_n_mod_since_analyze", kPgGauge,
     "Rows changed since the table was analyzed."},
    {"pg_stat_user_tables_n_ins_since_vacuum", kPgGauge,
     "Rows inserted since the table was vacuumed."},
    {"pg_stat_user_tables_last_vacuum", kPgGauge,
     "When it was vacuumed by hand, in seconds since the epoch; 0 is never.",
     "COALESCE(extract(epoch FROM last_vacuum), 0)", "", "", "max"},
    {"pg_stat_user_tables_last_autovacuum", kPgGauge,
     "When autovacuum vacuumed it, in seconds since the epoch; 0 is never.",
     "COALESCE(extract(epoch FROM last_autovacuum), 0)", "", "", "max"},
    {"pg_stat_user_tables_last_analyze", kPgGauge,
     "When it was analyzed by hand, in seconds since the epoch; 0 is never.",
     "COALESCE(extract(epoch FROM last_analyze), 0)", "", "", "max"},
    {"pg_stat_user_tables_last_autoanalyze", kPgGauge,
     "When autovacuum analyzed it, in seconds since the epoch; 0 is never.",
     "COALESCE(extract(epoch FROM last_autoanalyze), 0)", "", "", "max"},
    {"pg_stat_user_tables_last_seq_scan", kPgGauge,
     "When it was scanned sequentially, in seconds since the epoch; 0 is never.",
     "COALESCE(extract(epoch FROM last_seq_scan), 0)", "last_seq_scan", "", "max"},
    {"pg_stat_user_tables_last_idx_scan", kPgGauge,
     "When an index of it was scanned, in seconds since the epoch; 0 is never.",
     "COALESCE(extract(epoch FROM last_idx_scan), 0)", "last_idx_scan", "", "max"},
    {"pg_stat_user_tables_vacuum_count", kPgCounter, "Vacuums by hand."},
    {"pg_stat_user_tables_autovacuum_count", kPgCounter, "Vacuums by autovacuum."},
    {"pg_stat_user_tables_analyze_count", kPgCounter, "Analyzes by hand."},
    {"pg_stat_user_tables_autoanalyze_count", kPgCounter, "Analyzes by autovacuum."},
    {"pg_stat_user_tables_total_vacuum_seconds_total", kPgCounter, "Time spent in vacuums by hand.",
     "total_vacuum_time / 1000", "total_vacuum_time"},
    {"pg_stat_user_tables_total_autovacuum_seconds_total", kPgCounter,
     "Time spent in vacuums by autovacuum.", "total_autovacuum_time / 1000",
     "total_autovacuum_time"},
};
inline constexpr PostgresFigure kTableSizeFigures[] = {
    {"pg_stat_user_tables_table_size_bytes", kPgGauge,
     "Disk space of the table without its indexes; of a table that is locked exclusively, an "
     "estimate. Asked every slow_interval.",
     "CASE WHEN shown AND NOT locked THEN pg_table_size(oid) ELSE pages_bytes END"},
    {"pg_stat_user_tables_index_size_bytes", kPgGauge,
     "Disk space of the table's indexes; not for a table that is locked exclusively. Asked every "
     "slow_interval.",
     "CASE WHEN shown AND NOT locked THEN pg_indexes_size(oid) END"},
};
inline constexpr PostgresFigure kStatioTablesFigures[] = {
    {"pg_statio_user_tables_heap_blocks_read", kPgCounter, "Blocks of the table read.",
     "COALESCE(heap_blks_read, 0)"},
    {"pg_statio_user_tables_heap_blocks_hit", kPgCounter,
     "Blocks of the table found in the buffer cache.", "COALESCE(heap_blks_hit, 0)"},
    {"pg_statio_user_tables_idx_blocks_read", kPgCounter, "Blocks of the table's indexes read.",
     "COALESCE(idx_blks_read, 0)"},
    {"pg_statio_user_tables_idx_blocks_hit", kPgCounter,
     "Blocks of the table's indexes found in the buffer cache.", "COALESCE(idx_blks_hit, 0)"},
    {"pg_statio_user_tables_toast_blocks_read", kPgCounter, "Blocks of the TOAST table read.",
     "COALESCE(toast_blks_read, 0)"},
    {"pg_statio_user_tables_toast_blocks_hit", kPgCounter,
     "Blocks of the TOAST table found in the buffer cache.", "COALESCE(toast_blks_hit, 0)"},
    {"pg_statio_user_tables_tidx_blocks_read", kPgCounter, "Blocks of the TOAST index read.",
     "COALESCE(tidx_blks_read, 0)"},
    {"pg_statio_user_tables_tidx_blocks_hit", kPgCounter,
     "Blocks of the TOAST index found in the buffer cache.", "COALESCE(tidx_blks_hit, 0)"},
};
inline constexpr PostgresFigure kStatioIndexesFigures[] = {
    {"pg_statio_user_indexes_idx_blks_read_total", kPgCounter, "Blocks of the index read.",
     "idx_blks_read"},
    {"pg_statio_user_indexes_idx_blks_hit_total", kPgCounter,
     "Blocks of the index found in the buffer cache.", "idx_blks_hit"},
};
inline constexpr PostgresFigure kUserIndexesFigures[] = {
    {"pg_stat_user_indexes_idx_scan_total", kPgCounter, "Scans of the index.", "idx_scan"},
    {"pg_stat_user_indexes_idx_tup_read_total", kPgCounter, "Entries that scans gave.",
     "idx_tup_read"},
    {"pg_stat_user_indexes_idx_tup_fetch_total", kPgCounter, "Live rows fetched by simple scans.",
     "idx_tup_fetch"},
};
inline constexpr PostgresFigure kIndexInfoFigures[] = {
    {"pg_general_index_info_pg_relation_size", kPgGauge,
     "Size of the index, by its page count of the last VACUUM or ANALYZE. Asked every "
     "slow_interval.",
     "relpages_bytes"},
};

// Estimates from the planner's statistics, without touching the tables: what the live rows need
// against what there is. Only for tables whose statistics the role may read.
inline constexpr PostgresFigure kTableBloatFigures[] = {
    {"pg_bloat_table_real_size", kPgGauge, "Size of the table. Asked every slow_interval.",
     "real_bytes"},
    {"pg_bloat_table_bloat_pct", kPgGauge,
     "Share of the table that its live rows do not need, in percent, estimated. Asked every "
     "slow_interval.",
     "CASE WHEN real_bytes > 0 THEN GREATEST(0, 100 * (real_bytes - need_bytes) / real_bytes) "
     "ELSE 0 END"},
};
inline constexpr PostgresFigure kIndexBloatFigures[] = {
    {"pg_bloat_btree_real_size", kPgGauge, "Size of the index. Asked every slow_interval.",
     "real_bytes"},
    {"pg_bloat_btree_bloat_pct", kPgGauge,
     "Share of the index that its entries do not need, in percent, estimated. Asked every "
     "slow_interval.",
     "CASE WHEN real_bytes > 0 THEN GREATEST(0, 100 * (real_bytes - need_bytes) / real_bytes) "
     "ELSE 0 END"},
};

}  // namespace tocsin
