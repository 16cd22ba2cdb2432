"""The Postgres collector with a live server: databases, locks, rights, custom queries, exhausted slots, restarts."""
import contextlib
import subprocess
import threading
import time

import databases
from support import SOURCE, TocsinCase, eventually

PASSWORD = "S3cr:et@/%"


class PostgresCollector(TocsinCase):
    def setUp(self):
        super().setUp()
        self.postgres = databases.Postgres(self.folder / "pg", self.ports.free()).create()
        self.addCleanup(self.postgres.stop)
        self.postgres.start(shared_preload_libraries="pg_stat_statements", max_connections=15)
        subprocess.run(["psql", "-q", "-h", "127.0.0.1", "-p", str(self.postgres.port), "-U", "postgres", "-v",
                        "ON_ERROR_STOP=1", "-v", f"password='{PASSWORD}'", "-f",
                        SOURCE / "deploy/postgres/monitoring-role.sql", "postgres"], check=True, capture_output=True)
        for name in ("app", "other", "test_1"):
            self.postgres.sql(f"CREATE DATABASE {name}")
        self.postgres.sql("CREATE TABLE jobs (kind text, at int); INSERT INTO jobs SELECT 'mail', g FROM "
                          "generate_series(1, 7) g; GRANT SELECT ON jobs TO tocsin_monitor", "app")
        self.postgres.sql("CREATE TABLE things (id int PRIMARY KEY)", "other")

    def watch(self, interval="1s", user="tocsin_monitor", **more):
        entry = {"host": "127.0.0.1", "port": self.postgres.port, "user": user, "password": PASSWORD,
                 "database": "app", "normal_interval": interval, "slow_interval": interval} | more
        return self.serve({"global": {"scrape_interval": interval}, "collectors": {"postgres": entry}})

    def value(self, expression, expected=None, timeout=60):
        """The value, as soon as it is there (and as expected)."""
        result = eventually(lambda: [value for value in [self.server.value(expression)]
                                     if value is not None and expected in (None, value)], timeout=timeout)
        self.assertTrue(result, f"{expression} is {self.server.value(expression)}, expected {expected}\n{self.log}")
        return result[0]

    def test_all_databases_are_visited_with_two_sessions(self):
        self.watch(exclude_databases=["test_.*"])
        self.value('pg_stat_user_tables_n_live_tup{datname="app",relname="jobs"}', 7)
        self.value('pg_stat_user_tables_seq_scan{datname="other",relname="things"}')
        self.assertIsNone(self.server.value('count(pg_database_visit_age_seconds{datname="test_1"})'))
        sessions = set()
        for _ in range(30):
            sessions.add(self.postgres.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'tocsin_monitor'")[0][0])
            time.sleep(0.05)
        self.assertLessEqual(max(sessions), 2)
        settings = self.postgres.sql("SELECT application_name FROM pg_stat_activity WHERE usename = 'tocsin_monitor'")
        self.assertIn(("tocsin",), settings)
        # What the session sets for itself is not what the server is said to have.
        self.value("pg_settings_transaction_read_only", 0)
        self.value("pg_settings_statement_timeout_seconds", 0)
        self.assertNotIn(PASSWORD, self.log)
        self.assertNotIn(PASSWORD, self.server.fetch("/metrics")[2])
        self.assertNotIn(PASSWORD, self.server.fetch("/api/v1/targets")[2] + self.server.fetch("/api/v1/status/config")[2])

    def test_a_dropped_database_is_forgotten(self):
        self.watch()
        self.value('count(pg_stat_user_tables_seq_scan{datname="other"})', 1)
        self.assertTrue(eventually(lambda: self.drop("other"), timeout=10))
        self.assertTrue(eventually(lambda: self.server.value(
            'count(pg_stat_user_tables_seq_scan{datname="other"})') is None))
        self.value("pg_up", 1)

    def drop(self, name):
        with contextlib.suppress(Exception):
            return self.postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def test_an_exclusive_lock_hides_nothing_but_the_size_of_the_indexes(self):
        self.watch()
        self.postgres.sql("CREATE INDEX jobs_at ON jobs (at); ANALYZE jobs", "app")
        self.value('pg_stat_user_tables_index_size_bytes{relname="jobs"} > 0')
        with contextlib.closing(self.postgres.connect("app", application_name="migration")) as holder, \
                holder.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
            waiter = threading.Thread(target=self.wait_for_the_table, daemon=True)
            waiter.start()
            blocked = 'pg_blocking_blocked_sessions{application_name="migration",state="idle in transaction"}'
            self.value(blocked, 1)
            self.value('pg_blocking_longest_wait_seconds{application_name="migration"} > 0.5')
            self.value('pg_blocked_sessions{application_name="web",datname="app"}', 1)
            self.assertTrue(eventually(lambda: self.server.value(
                'count(pg_stat_user_tables_index_size_bytes{relname="jobs"})') is None))
            for family in ("pg_stat_user_tables_table_size_bytes", "pg_stat_user_tables_seq_scan"):
                self.assertIsNotNone(self.server.value(f'{family}{{relname="jobs"}}'), family)
            self.assertEqual(self.server.value("pg_exporter_last_scrape_error"), 0)
            self.assertEqual(self.server.value("min(pg_scrape_collector_success)"), 1)
            # Nobody waits for the lock: an exporter that does takes a minute.
            self.assertLess(self.server.value("pg_exporter_last_scrape_duration_seconds"), 2)
            cursor.execute("ROLLBACK")
        waiter.join(10)
        self.assertTrue(eventually(lambda: self.server.value(f"count({blocked})") is None))

    def wait_for_the_table(self):
        with contextlib.closing(self.postgres.connect("app", application_name="web")) as connection, \
                connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM jobs")

    def test_it_works_while_every_slot_is_taken(self):
        self.watch(discover_databases=False)
        self.value("pg_up", 1)
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(Exception):
                while True:
                    stack.enter_context(contextlib.closing(self.postgres.connect()))
            with self.assertRaises(Exception):
                self.postgres.connect(user="tocsin_monitor")
            self.value('sum(pg_stat_activity_count) > 10')
            self.assertEqual(self.server.value("pg_up"), 1)

    def test_missing_rights_are_named(self):
        self.postgres.sql("CREATE ROLE bare LOGIN")
        self.watch(user="bare")
        self.value("pg_up", 1)
        error = eventually(lambda: self.target_health("postgres")["lastError"])
        self.assertIn("GRANT pg_read_all_stats TO bare", error)
        self.assertRegex(error, r"wal: .*permission denied.*GRANT pg_monitor TO bare")
        self.value('pg_scrape_collector_success{collector="wal"}', 0)
        self.value('pg_scrape_collector_success{collector="stat_database"}', 1)
        self.postgres.sql("GRANT pg_monitor TO bare")
        self.value('pg_scrape_collector_success{collector="wal"}', 1)
        self.assertTrue(eventually(lambda: "GRANT" not in self.target_health("postgres")["lastError"]))

    def test_custom_queries(self):
        self.write("queries.yml", """
app_jobs:
  query: "SELECT current_database() AS datname, kind, count(*) AS waiting FROM jobs GROUP BY kind"
  master: true
  metrics:
    - datname: {usage: LABEL}
    - kind: {usage: LABEL}
    - waiting: {usage: GAUGE, description: "Jobs that wait."}
app_broken:
  query: "SELECT nothing FROM nowhere"
  master: true
app_everywhere:
  query: "SELECT current_database() AS datname, 1 AS here"
  metrics:
    - datname: {usage: LABEL}
    - here: {usage: GAUGE}
app_old:
  query: "SELECT 1 AS seen"
  runonserver: "<10.0.0"
""")
        self.watch(queries_file="queries.yml")
        self.value('app_jobs_waiting{datname="app",kind="mail"}', 7)
        self.value("count(app_everywhere_here) >= 3")
        self.assertIsNone(self.server.value("app_old_seen"))
        self.assertIn("app_broken: ", eventually(lambda: self.target_health("postgres")["lastError"]))
        self.assertIn('# HELP app_jobs_waiting Jobs that wait.\n# TYPE app_jobs_waiting gauge\n',
                      self.server.fetch("/metrics")[2])

    def test_statements_and_activity_labels(self):
        self.postgres.sql("CREATE EXTENSION pg_stat_statements", "app")
        for _ in range(5):
            self.postgres.sql("SELECT count(*) FROM jobs WHERE at > 3", "app")
        labels = ["application_name", "backend_type", "datname", "state", "usename", "wait_event", "wait_event_type"]
        self.watch(enable=["stat_statements", "stat_statements_text"], statements_limit=200, activity_labels=labels)
        self.value('pg_stat_statements_calls_total * on(queryid) group_left '
                   'pg_stat_statements_query_id{query="SELECT count(*) FROM jobs WHERE at > $1"}', 5)
        self.assertLessEqual(self.server.value("count(pg_stat_statements_calls_total)"), 200)
        with contextlib.closing(self.postgres.connect("app", application_name="web")):
            self.value('pg_stat_activity_count{application_name="web",backend_type="client backend",datname="app",'
                       'state="idle",usename="postgres",wait_event="ClientRead",wait_event_type="Client"}', 1)

    def test_an_extension_that_comes_later_is_noticed(self):
        self.watch(enable=["stat_statements"])
        self.value("pg_up", 1)
        self.assertIsNone(self.server.value("count(pg_stat_statements_calls_total)"))
        self.postgres.sql("CREATE EXTENSION pg_stat_statements", "app")
        self.value("count(pg_stat_statements_calls_total) > 3")

    def test_tables_beyond_the_cap_are_merged(self):
        for number in range(20):
            self.postgres.sql(f"CREATE TABLE t{number} AS SELECT g FROM generate_series(1, {number + 1}) g", "app")
        self.watch(max_tables=5, discover_databases=False)
        self.value('count(pg_stat_user_tables_n_tup_ins{datname="app"})', 6)
        self.value('sum(pg_stat_user_tables_n_tup_ins{datname="app"})', 7 + sum(range(1, 21)))
        self.value('pg_stat_user_tables_n_tup_ins{datname="app",schemaname="_other",relname="_other"} > 0')

    def test_a_restart_is_survived(self):
        self.watch()
        self.value("pg_up", 1)
        self.postgres.stop()
        self.value("pg_up", 0)
        self.postgres.start()
        self.value("pg_up", 1)
        self.value('pg_stat_user_tables_n_live_tup{relname="jobs"}')

    def test_a_standby_and_its_slots(self):
        standby = databases.Postgres(self.folder / "standby", self.ports.free()).copy_of(self.postgres)
        self.addCleanup(standby.stop)
        standby.start()
        self.serve({"global": {"scrape_interval": "1s"}, "collectors": {"postgres": [
            {"url": server.url(), "instance": name} for name, server in
            (("primary", self.postgres), ("standby", standby))]}})
        self.value('pg_replication_is_replica{instance="standby"}', 1)
        self.value('pg_replication_is_replica{instance="primary"}', 0)
        self.value('pg_replication_lag_seconds{instance="standby"} < 5')
        self.value('pg_stat_replication_pg_wal_lsn_diff{instance="primary",slot_name="standby1",state="streaming"}')
        self.value('pg_replication_slots_active{instance="primary",slot_name="standby1"}', 1)
        self.value('pg_replication_slots_wal_status{instance="primary",slot_type="physical",wal_status="reserved"}', 1)
        self.value('pg_replication_slot_slot_is_active{instance="primary"}', 1)
        self.value('pg_stat_wal_receiver_flushed_lsn{instance="standby",slot_name="standby1",status="streaming"} > 0')
        self.value('pg_settings_transaction_read_only{instance="standby"}', 1)
        self.value('pg_settings_transaction_read_only{instance="primary"}', 0)
        self.value('min(pg_scrape_collector_success)', 1)

    def test_unknown_names_in_the_configuration_are_refused(self):
        said = self.refuse({"collectors": {"postgres": {"url": "postgresql://db/app", "enable": ["stat_statement"]}}})
        self.assertIn('there is no part "stat_statement"', said)
        said = self.refuse({"collectors": {"postgres": {"url": "postgresql://db/app", "activity_labels": ["query"]}}})
        self.assertIn('"query" is no column of pg_stat_activity', said)
