-- The role with which tocsin watches a Postgres server (10 and later). Run it once per server, as a
-- superuser:
--
--   psql -v ON_ERROR_STOP=1 -v password="'…'" -f deploy/postgres/monitoring-role.sql
--
-- It may run again: the role is made when it is missing, and its rights are granted anew.
\if :{?password}
\else
  \echo 'say which password the role shall have: psql -v password="''…''" -f monitoring-role.sql'
  \quit
\endif

SELECT 'CREATE ROLE tocsin_monitor LOGIN'
WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'tocsin_monitor') \gexec
ALTER ROLE tocsin_monitor PASSWORD :password;

-- One session for the server and one that goes from database to database; a third is for a restart
-- of tocsin, when the old sessions may not have ended yet.
ALTER ROLE tocsin_monitor CONNECTION LIMIT 3;

-- tocsin's sessions set for themselves that they only read, wait for nobody and end. Set for the role,
-- these would show as the server's own settings (pg_settings_default_transaction_read_only).

-- pg_read_all_stats: other roles' sessions and statements, sizes of all databases.
-- pg_read_all_settings: settings that only superusers see. pg_ls_waldir(): the size of the WAL.
GRANT pg_monitor TO tocsin_monitor;

-- The parts table_bloat and index_bloat, which are off by default, read what ANALYZE knows of the
-- columns' contents. From 14 on, this grants it, and with it every table:
--   GRANT pg_read_all_data TO tocsin_monitor;

-- Every database that PUBLIC may not connect to has to be opened:
--   GRANT CONNECT ON DATABASE … TO tocsin_monitor;

-- The part stat_statements, off by default, wants the extension in one database, and its library in
-- shared_preload_libraries:
--   CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
