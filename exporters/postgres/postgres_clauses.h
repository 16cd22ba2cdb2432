// Longer pieces of the parts' statements: WITH queries, and what stands for a table behind FROM.
#pragma once

#include <string_view>

namespace tocsin {

// Where the WAL is now: written here, or received.
inline constexpr std::string_view kWal =
    "wal AS (SELECT CASE WHEN pg_is_in_recovery() THEN COALESCE(pg_last_wal_receive_lsn(), "
    "pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END AS lsn)";

// Sessions that wait for a lock, with every session that they wait for. pg_blocking_pids() is asked
// only for those that wait: it holds up the lock manager. Before 14 the start of the statement has
// to stand for the start of the waiting.
inline constexpr std::string_view kBlockingPairs =
    "waiting AS (SELECT a.pid, a.datname, a.application_name, COALESCE((SELECT "
    "min((to_jsonb(l)->>'waitstart')::timestamptz) FROM pg_locks l WHERE l.pid = a.pid AND NOT "
    "l.granted), a.query_start) AS since FROM pg_stat_activity a WHERE a.wait_event_type = "
    "'Lock'), "
    "pair AS (SELECT w.pid AS blocked, w.since, unnest(pg_blocking_pids(w.pid)) AS blocker "
    "FROM waiting w)";
// From each waiting session up to those that wait for nobody. A circle is a deadlock, which the
// server ends by itself within a second; the depth bounds it here.
inline constexpr std::string_view kBlockingTree =
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
inline constexpr std::string_view kLockedTables =
    "busy AS (SELECT DISTINCT relation FROM pg_locks WHERE locktype = 'relation' "
    "AND mode = 'AccessExclusiveLock' AND database = "
    "(SELECT oid FROM pg_database WHERE datname = current_database())), "
    "skip AS (SELECT relation AS oid FROM busy UNION SELECT i.indrelid FROM pg_index i "
    "JOIN busy b ON b.relation = i.indexrelid UNION SELECT c.oid FROM pg_class c "
    "JOIN busy b ON b.relation = c.reltoastrelid)";
inline constexpr std::string_view kSizedTables =
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
inline constexpr std::string_view kTableBloat =
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
inline constexpr std::string_view kIndexBloat =
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

}  // namespace tocsin
