// What the Postgres collector asks of the server as a whole. Names are postgres_exporter's where it
// has the figure; columns are looked up in the server's catalogue, so that rows for columns of
// other versions do no harm.
//
// Source: PostgreSQL's documentation, "The Cumulative Statistics System" and "System Views", of the
// versions 10 to 18.
#pragma once

#include "exporters/postgres/postgres_part.h"

namespace tocsin {

inline constexpr MetricType kPgCounter = MetricType::kCounter;
inline constexpr MetricType kPgGauge = MetricType::kGauge;

inline constexpr PostgresFigure kStaticFigures[] = {
    {"pg_static", MetricType::kUntyped, "The version of the server, as labels; always 1.", "1"},
};
inline constexpr PostgresFigure kPostmasterFigures[] = {
    {"pg_postmaster_start_time_seconds", kPgGauge,
     "When the server was started, in seconds since the epoch.",
     "extract(epoch FROM pg_postmaster_start_time())"},
};
inline constexpr PostgresFigure kActivityFigures[] = {
    {"pg_stat_activity_count", kPgGauge, "Sessions; by the labels that activity_labels names.",
     "sum(count)"},
};
inline constexpr PostgresFigure kActivityDurationFigures[] = {
    {"pg_stat_activity_max_tx_duration", kPgGauge,
     "Longest time that a transaction has been open, in seconds.", "max(seconds)"},
};
inline constexpr PostgresFigure kLocksFigures[] = {
    {"pg_locks_count", kPgGauge, "Locks held or awaited.", "COALESCE(l.count, 0)"},
};

inline constexpr PostgresFigure kBlockingFigures[] = {
    {"pg_blocking_blocked_sessions", kPgGauge,
     "Sessions that wait, directly or behind others, for a lock that a session of this application "
     "holds which waits for none itself.",
     "count(DISTINCT t.blocked)"},
    {"pg_blocking_longest_wait_seconds", kPgGauge, "How long the longest of them has been waiting.",
     "COALESCE(max(extract(epoch FROM clock_timestamp() - t.since)), 0)"},
    {"pg_blocking_depth", kPgGauge, "Sessions that wait one behind the other, at most.",
     "max(t.depth)"},
};
inline constexpr PostgresFigure kBlockedFigures[] = {
    {"pg_blocked_sessions", kPgGauge, "Sessions of this application that wait for a lock.",
     "count(*)"},
    {"pg_blocked_longest_wait_seconds", kPgGauge, "How long the longest of them has been waiting.",
     "COALESCE(max(extract(epoch FROM clock_timestamp() - since)), 0)"},
};

inline constexpr PostgresFigure kLongRunningFigures[] = {
    {"pg_long_running_transactions", kPgGauge,
     "Sessions with an open transaction that are not idle.", "count(*)"},
    {"pg_long_running_transactions_oldest_timestamp_seconds", kPgGauge,
     "How long the oldest of these transactions has been open.",
     "COALESCE(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)"},
};

inline constexpr PostgresFigure kReplicationFigures[] = {
    {"pg_replication_lag_seconds", kPgGauge, "How far this replica is behind its primary.",
     "CASE WHEN NOT pg_is_in_recovery() THEN 0 "
     "WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 "
     "ELSE GREATEST(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())) END"},
    {"pg_replication_lag", kPgGauge, "alias of pg_replication_lag_seconds",
     "CASE WHEN NOT pg_is_in_recovery() THEN 0 "
     "WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 "
     "ELSE GREATEST(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())) END",
     "", "pg_replication_lag_seconds"},
    {"pg_replication_is_replica", kPgGauge, "Whether this server is a replica.",
     "pg_is_in_recovery()::int"},
    {"pg_replication_last_replay_seconds", kPgGauge,
     "Age of the last transaction that was replayed; 0 on a server that never replayed any.",
     "COALESCE(GREATEST(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())), 0)"},
};
inline constexpr PostgresFigure kTxidFigures[] = {
    {"pg_txid_current", kPgGauge,
     "The next transaction number: how many transactions there have been.",
     "txid_snapshot_xmax(txid_current_snapshot())"},
};

// A replica cannot say where the WAL is written, only how far it has come.
inline constexpr PostgresFigure kStatReplicationFigures[] = {
    {"pg_stat_replication_pg_current_wal_lsn_bytes", kPgGauge, "This server's position in the WAL.",
     "max(wal.lsn - '0/0')"},
    {"pg_stat_replication_pg_wal_lsn_diff", kPgGauge,
     "Bytes of WAL that the replica has not replayed.", "max(wal.lsn - r.replay_lsn)"},
    {"pg_stat_replication_reply_time", MetricType::kUntyped,
     "When the replica replied last, in seconds since the epoch.",
     "max(extract(epoch FROM r.reply_time))", "reply_time"},
    {"pg_stat_replication_write_lag_seconds", kPgGauge,
     "Time until the replica has written what was flushed here.",
     "max(extract(epoch FROM r.write_lag))", "write_lag"},
    {"pg_stat_replication_flush_lag_seconds", kPgGauge,
     "Time until the replica has flushed what was flushed here.",
     "max(extract(epoch FROM r.flush_lag))", "flush_lag"},
    {"pg_stat_replication_replay_lag_seconds", kPgGauge,
     "Time until the replica has replayed what was flushed here.",
     "max(extract(epoch FROM r.replay_lag))", "replay_lag"},
};

inline constexpr PostgresFigure kSlotFigures[] = {
    {"pg_replication_slots_active", kPgGauge, "Whether the slot is in use.", "active::int"},
    {"pg_replication_slots_pg_wal_lsn_diff", kPgGauge, "Bytes of WAL that the slot holds back.",
     "wal.lsn - restart_lsn"},
};
inline constexpr PostgresFigure kSlotDetailFigures[] = {
    {"pg_replication_slots_slot_current_wal_lsn", kPgGauge, "This server's position in the WAL.",
     "wal.lsn - '0/0'"},
    {"pg_replication_slot_slot_current_wal_lsn", kPgGauge,
     "alias of pg_replication_slots_slot_current_wal_lsn", "wal.lsn - '0/0'", "",
     "pg_replication_slots_slot_current_wal_lsn"},
    {"pg_replication_slots_slot_confirmed_flush_lsn", kPgGauge,
     "Up to where the slot's consumer has confirmed; 0 for physical slots.",
     "COALESCE(confirmed_flush_lsn - '0/0', 0)"},
    {"pg_replication_slot_slot_confirmed_flush_lsn", kPgGauge,
     "alias of pg_replication_slots_slot_confirmed_flush_lsn",
     "COALESCE(confirmed_flush_lsn - '0/0', 0)", "",
     "pg_replication_slots_slot_confirmed_flush_lsn"},
    {"pg_replication_slots_slot_is_active", kPgGauge, "Whether the slot is in use.", "active::int"},
    {"pg_replication_slot_slot_is_active", kPgGauge, "alias of pg_replication_slots_slot_is_active",
     "active::int", "", "pg_replication_slots_slot_is_active"},
    {"pg_replication_slots_safe_wal_size_bytes", kPgGauge,
     "Bytes that may still be written before the slot is in danger of being lost.", "safe_wal_size",
     "safe_wal_size"},
    {"pg_replication_slot_safe_wal_size_bytes", kPgGauge,
     "alias of pg_replication_slots_safe_wal_size_bytes", "safe_wal_size", "safe_wal_size",
     "pg_replication_slots_safe_wal_size_bytes"},
};
inline constexpr PostgresFigure kSlotStatusFigures[] = {
    {"pg_replication_slots_wal_status", kPgGauge,
     "Whether the WAL that the slot needs is there, as a label; always 1.", "1", "wal_status"},
    {"pg_replication_slot_wal_status", kPgGauge, "alias of pg_replication_slots_wal_status", "1",
     "wal_status", "pg_replication_slots_wal_status"},
};
inline constexpr PostgresFigure kSlotLossFigures[] = {
    {"pg_replication_slots_invalidated", kPgGauge,
     "A slot that was given up, with the reason as a label; always 1.", "1", "invalidation_reason"},
};

inline constexpr PostgresFigure kWalReceiverFigures[] = {
    {"pg_stat_wal_receiver_receive_start_lsn", kPgCounter,
     "Where the WAL receiver began, in bytes.", "receive_start_lsn - '0/0'"},
    {"pg_stat_wal_receiver_receive_start_tli", kPgGauge, "Timeline where the WAL receiver began.",
     "receive_start_tli"},
    {"pg_stat_wal_receiver_flushed_lsn", kPgCounter, "What was received and flushed, in bytes.",
     "flushed_lsn - '0/0'", "flushed_lsn"},
    {"pg_stat_wal_receiver_flushed_lsn", kPgCounter, "What was received and flushed, in bytes.",
     "received_lsn - '0/0'", "received_lsn"},
    {"pg_stat_wal_receiver_received_tli", kPgGauge, "Timeline of what was received last.",
     "received_tli"},
    {"pg_stat_wal_receiver_last_msg_send_time", kPgCounter,
     "When the last message was sent, in seconds since the epoch.",
     "extract(epoch FROM last_msg_send_time)"},
    {"pg_stat_wal_receiver_last_msg_receipt_time", kPgCounter,
     "When the last message was received, in seconds since the epoch.",
     "extract(epoch FROM last_msg_receipt_time)"},
    {"pg_stat_wal_receiver_latest_end_lsn", kPgCounter,
     "The sender's last reported position, in bytes.", "latest_end_lsn - '0/0'"},
    {"pg_stat_wal_receiver_latest_end_time", kPgCounter,
     "When that was reported, in seconds since the epoch.", "extract(epoch FROM latest_end_time)"},
};

inline constexpr PostgresFigure kArchiverFigures[] = {
    {"pg_stat_archiver_archived_count", kPgCounter, "WAL files archived."},
    {"pg_stat_archiver_failed_count", kPgCounter, "Failures to archive a WAL file."},
    {"pg_stat_archiver_last_archive_age", kPgGauge, "Seconds since a WAL file was archived.",
     "extract(epoch FROM now() - last_archived_time)", "last_archived_time"},
    {"pg_stat_archiver_last_failed_age", kPgGauge,
     "Seconds since archiving a WAL file failed last.",
     "extract(epoch FROM now() - last_failed_time)", "last_failed_time"},
};

inline constexpr PostgresFigure kBgwriterFigures[] = {
    {"pg_stat_bgwriter_checkpoints_timed_total", kPgCounter, "Scheduled checkpoints.",
     "checkpoints_timed", "checkpoints_timed"},
    {"pg_stat_bgwriter_checkpoints_req_total", kPgCounter, "Requested checkpoints.",
     "checkpoints_req", "checkpoints_req"},
    {"pg_stat_bgwriter_checkpoint_write_time_total", kPgCounter,
     "Milliseconds that checkpoints spent writing.", "checkpoint_write_time",
     "checkpoint_write_time"},
    {"pg_stat_bgwriter_checkpoint_sync_time_total", kPgCounter,
     "Milliseconds that checkpoints spent in fsync.", "checkpoint_sync_time",
     "checkpoint_sync_time"},
    {"pg_stat_bgwriter_buffers_checkpoint_total", kPgCounter, "Buffers written by checkpoints.",
     "buffers_checkpoint", "buffers_checkpoint"},
    {"pg_stat_bgwriter_buffers_clean_total", kPgCounter,
     "Buffers written by the background writer.", "buffers_clean", "buffers_clean"},
    {"pg_stat_bgwriter_maxwritten_clean_total", kPgCounter,
     "Times the background writer stopped because it had written enough.", "maxwritten_clean",
     "maxwritten_clean"},
    {"pg_stat_bgwriter_buffers_backend_total", kPgCounter, "Buffers written by sessions.",
     "buffers_backend", "buffers_backend"},
    {"pg_stat_bgwriter_buffers_backend_fsync_total", kPgCounter,
     "Times a session had to call fsync itself.", "buffers_backend_fsync", "buffers_backend_fsync"},
    {"pg_stat_bgwriter_buffers_alloc_total", kPgCounter, "Buffers allocated.", "buffers_alloc",
     "buffers_alloc"},
    {"pg_stat_bgwriter_stats_reset_total", kPgCounter,
     "When these figures were reset, in seconds since the epoch.",
     "extract(epoch FROM stats_reset)", "stats_reset"},
};
// From 17 on.
inline constexpr PostgresFigure kCheckpointerFigures[] = {
    {"pg_stat_checkpointer_num_timed_total", kPgCounter, "Scheduled checkpoints.", "num_timed",
     "num_timed"},
    {"pg_stat_checkpointer_num_requested_total", kPgCounter, "Requested checkpoints.",
     "num_requested", "num_requested"},
    {"pg_stat_checkpointer_num_done_total", kPgCounter, "Checkpoints that were performed.",
     "num_done", "num_done"},
    {"pg_stat_checkpointer_restartpoints_timed_total", kPgCounter, "Scheduled restartpoints.",
     "restartpoints_timed", "restartpoints_timed"},
    {"pg_stat_checkpointer_restartpoints_req_total", kPgCounter, "Requested restartpoints.",
     "restartpoints_req", "restartpoints_req"},
    {"pg_stat_checkpointer_restartpoints_done_total", kPgCounter,
     "Restartpoints that were performed.", "restartpoints_done", "restartpoints_done"},
    {"pg_stat_checkpointer_write_time_total", kPgCounter,
     "Milliseconds that checkpoints spent writing.", "write_time", "write_time"},
    {"pg_stat_checkpointer_sync_time_total", kPgCounter,
     "Milliseconds that checkpoints spent in fsync.", "sync_time", "sync_time"},
    {"pg_stat_checkpointer_buffers_written_total", kPgCounter, "Buffers written by checkpoints.",
     "buffers_written", "buffers_written"},
    {"pg_stat_checkpointer_stats_reset_total", kPgCounter,
     "When these figures were reset, in seconds since the epoch.",
     "extract(epoch FROM stats_reset)", "stats_reset"},
};
// The same under the names that they had in pg_stat_bgwriter.
inline constexpr PostgresFigure kOldCheckpointFigures[] = {
    {"pg_stat_bgwriter_checkpoints_timed_total", kPgCounter, "Scheduled checkpoints.", "num_timed",
     "num_timed", "pg_stat_checkpointer_num_timed_total"},
    {"pg_stat_bgwriter_checkpoints_req_total", kPgCounter, "Requested checkpoints.",
     "num_requested", "num_requested", "pg_stat_checkpointer_num_requested_total"},
    {"pg_stat_bgwriter_checkpoint_write_time_total", kPgCounter,
     "Milliseconds that checkpoints spent writing.", "write_time", "write_time",
     "pg_stat_checkpointer_write_time_total"},
    {"pg_stat_bgwriter_checkpoint_sync_time_total", kPgCounter,
     "Milliseconds that checkpoints spent in fsync.", "sync_time", "sync_time",
     "pg_stat_checkpointer_sync_time_total"},
    {"pg_stat_bgwriter_buffers_checkpoint_total", kPgCounter, "Buffers written by checkpoints.",
     "buffers_written", "buffers_written", "pg_stat_checkpointer_buffers_written_total"},
};
// pg_stat_bgwriter's buffers_backend and buffers_backend_fsync live on in pg_stat_io.
inline constexpr PostgresFigure kOldBackendFigures[] = {
    {"pg_stat_bgwriter_buffers_backend_total", kPgCounter, "Buffers written by sessions.",
     "sum(writes)", "writes", "pg_stat_io_writes_total"},
    {"pg_stat_bgwriter_buffers_backend_fsync_total", kPgCounter,
     "Times a session had to call fsync itself.", "sum(fsyncs)", "fsyncs"},
};

inline constexpr PostgresFigure kStatWalFigures[] = {
    {"pg_stat_wal_records_total", kPgCounter, "WAL records generated.", "wal_records",
     "wal_records"},
    {"pg_stat_wal_fpi_total", kPgCounter, "Full page images in the WAL.", "wal_fpi", "wal_fpi"},
    {"pg_stat_wal_bytes_total", kPgCounter, "Bytes of WAL generated.", "wal_bytes", "wal_bytes"},
    {"pg_stat_wal_buffers_full_total", kPgCounter,
     "Times WAL was written because the buffers were full.", "wal_buffers_full",
     "wal_buffers_full"},
    {"pg_stat_wal_write_total", kPgCounter, "Times WAL buffers were written.", "wal_write",
     "wal_write"},
    {"pg_stat_wal_sync_total", kPgCounter, "Times WAL files were synced.", "wal_sync", "wal_sync"},
    {"pg_stat_wal_write_seconds_total", kPgCounter, "Time spent writing WAL.",
     "wal_write_time / 1000", "wal_write_time"},
    {"pg_stat_wal_sync_seconds_total", kPgCounter, "Time spent syncing WAL.",
     "wal_sync_time / 1000", "wal_sync_time"},
};

inline constexpr PostgresFigure kStatIoFigures[] = {
    {"pg_stat_io_reads_total", kPgCounter, "Read operations.", "reads", "reads"},
    {"pg_stat_io_read_bytes_total", kPgCounter, "Bytes read.", "reads * op_bytes", "op_bytes"},
    {"pg_stat_io_read_bytes_total", kPgCounter, "Bytes read.", "read_bytes", "read_bytes"},
    {"pg_stat_io_read_seconds_total", kPgCounter, "Time spent reading.", "read_time / 1000",
     "read_time"},
    {"pg_stat_io_writes_total", kPgCounter, "Write operations.", "writes", "writes"},
    {"pg_stat_io_write_bytes_total", kPgCounter, "Bytes written.", "writes * op_bytes", "op_bytes"},
    {"pg_stat_io_write_bytes_total", kPgCounter, "Bytes written.", "write_bytes", "write_bytes"},
    {"pg_stat_io_write_seconds_total", kPgCounter, "Time spent writing.", "write_time / 1000",
     "write_time"},
    {"pg_stat_io_extends_total", kPgCounter, "Relation extensions.", "extends", "extends"},
    {"pg_stat_io_hits_total", kPgCounter, "Blocks found in shared buffers.", "hits", "hits"},
    {"pg_stat_io_evictions_total", kPgCounter, "Blocks written out to make room.", "evictions",
     "evictions"},
    {"pg_stat_io_fsyncs_total", kPgCounter, "Calls of fsync.", "fsyncs", "fsyncs"},
};

inline constexpr PostgresFigure kWalFigures[] = {
    {"pg_wal_segments", kPgGauge, "WAL files. Asked every slow_interval.", "count(*)"},
    {"pg_wal_size_bytes", kPgGauge, "Size of the WAL files. Asked every slow_interval.",
     "COALESCE(sum(size), 0)"},
};
inline constexpr PostgresFigure kRolesFigures[] = {
    {"pg_roles_connection_limit", kPgGauge, "Connection limit of the role; -1 is none.",
     "rolconnlimit"},
};
// From 14 on, no server compresses, and the column is gone.
inline constexpr PostgresFigure kSslFigures[] = {
    {"pg_stat_ssl_compression", kPgGauge, "TLS sessions with compression.",
     "count(*) FILTER (WHERE COALESCE((to_jsonb(s)->>'compression')::boolean, false))"},
    {"pg_stat_ssl_sessions", kPgGauge, "Sessions over TLS.", "count(*) FILTER (WHERE s.ssl)"},
};
inline constexpr PostgresFigure kAutovacuumFigures[] = {
    {"pg_stat_activity_autovacuum_timestamp_seconds", kPgGauge,
     "When the running autovacuum of the table began, in seconds since the epoch.",
     "min(extract(epoch FROM xact_start))"},
};
// Upper bounds in seconds; the histogram's columns are the sum, the count, and one per bound.
inline constexpr int kIdleBounds[] = {1, 2, 5, 15, 30, 60, 90, 120, 300};

inline constexpr PostgresFigure kStatementFigures[] = {
    {"pg_stat_statements_calls_total", kPgCounter, "How often the statement ran.", "sum(s.calls)",
     "calls"},
    {"pg_stat_statements_seconds_total", kPgCounter, "Time spent running the statement.",
     "sum(s.total_exec_time) / 1000", "total_exec_time"},
    {"pg_stat_statements_seconds_total", kPgCounter, "Time spent running the statement.",
     "sum(s.total_time) / 1000", "total_time"},
    {"pg_stat_statements_rows_total", kPgCounter, "Rows that the statement gave or changed.",
     "sum(s.rows)", "rows"},
    {"pg_stat_statements_block_read_seconds_total", kPgCounter, "Time spent reading blocks.",
     "sum(s.blk_read_time) / 1000", "blk_read_time"},
    {"pg_stat_statements_block_read_seconds_total", kPgCounter, "Time spent reading blocks.",
     "sum(s.shared_blk_read_time) / 1000", "shared_blk_read_time"},
    {"pg_stat_statements_block_write_seconds_total", kPgCounter, "Time spent writing blocks.",
     "sum(s.blk_write_time) / 1000", "blk_write_time"},
    {"pg_stat_statements_block_write_seconds_total", kPgCounter, "Time spent writing blocks.",
     "sum(s.shared_blk_write_time) / 1000", "shared_blk_write_time"},
};
inline constexpr PostgresFigure kStatementTextFigures[] = {
    {"pg_stat_statements_query_id", kPgCounter,
     "The text of the statement, without its constants, as a label; always 1.", "1"},
};

inline constexpr PostgresFigure kBuffercacheFigures[] = {
    {"pg_buffercache_summary_buffers_used", kPgGauge, "Shared buffers in use.", "buffers_used"},
    {"pg_buffercache_summary_buffers_unused", kPgGauge, "Shared buffers not in use.",
     "buffers_unused"},
    {"pg_buffercache_summary_buffers_dirty", kPgGauge, "Shared buffers to be written.",
     "buffers_dirty"},
    {"pg_buffercache_summary_buffers_pinned", kPgGauge, "Shared buffers that are pinned.",
     "buffers_pinned"},
    {"pg_buffercache_summary_usage_count_avg", kPgGauge, "Mean usage count of shared buffers.",
     "usagecount_avg"},
};

inline constexpr PostgresFigure kProgressVacuumFigures[] = {
    {"pg_stat_progress_vacuum_heap_blks", kPgGauge, "Blocks of the table being vacuumed.",
     "heap_blks_total"},
    {"pg_stat_progress_vacuum_heap_blks_scanned", kPgGauge, "Blocks that were scanned.",
     "heap_blks_scanned"},
    {"pg_stat_progress_vacuum_heap_blks_vacuumed", kPgGauge, "Blocks that were vacuumed.",
     "heap_blks_vacuumed"},
    {"pg_stat_progress_vacuum_index_vacuums", kPgGauge, "Index vacuum cycles completed.",
     "index_vacuum_count"},
    {"pg_stat_progress_vacuum_max_dead_tuples", kPgGauge,
     "Dead rows that can be remembered before the indexes are vacuumed.", "max_dead_tuples",
     "max_dead_tuples"},
    {"pg_stat_progress_vacuum_max_dead_tuple_bytes", kPgGauge,
     "Memory for dead rows before the indexes are vacuumed.", "max_dead_tuple_bytes",
     "max_dead_tuple_bytes"},
    {"pg_stat_progress_vacuum_num_dead_tuples", kPgGauge, "Dead rows that are remembered.",
     "num_dead_tuples", "num_dead_tuples"},
    {"pg_stat_progress_vacuum_num_dead_tuples", kPgGauge, "Dead rows that are remembered.",
     "num_dead_item_ids", "num_dead_item_ids"},
};
inline constexpr PostgresFigure kProgressPhaseFigures[] = {
    {"pg_stat_progress_vacuum_phase", kPgGauge, "Whether the vacuum is in this phase.",
     "(v.phase = p.phase)::int"},
};

}  // namespace tocsin
