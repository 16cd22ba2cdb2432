-- The roles of the database ai_validation. psql -v secrets=FOLDER -f roles.sql, as a superuser, in that
-- database; FOLDER has the files app_password and monitor_password. It may run again.
\set app_file :secrets /app_password
\set monitor_file :secrets /monitor_password
\set app_secret `cat :app_file`
\set monitor_secret `cat :monitor_file`

SELECT 'CREATE ROLE app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE'
WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'app') \gexec
ALTER ROLE app PASSWORD :'app_secret';
-- It makes and changes tables, in its own schema alone.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE, USAGE ON SCHEMA public TO app;
-- A migration waits shortly for a table that is in use, instead of queueing all others behind itself.
ALTER ROLE app SET lock_timeout = '5s';

SELECT quote_literal(:'monitor_secret') AS password \gset
\ir monitoring-role.sql

\ir expand-only.sql

REVOKE CONNECT ON DATABASE ai_validation FROM PUBLIC;
GRANT CONNECT ON DATABASE ai_validation TO app, tocsin_monitor;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
