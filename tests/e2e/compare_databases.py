"""compare_with_exporters.py for Postgres and Redis: live servers with a standby, sessions, locks, load, a replica,
streams and queues.

usage: PYTHONPATH=deploy:tests/e2e TOCSIN_BINARY=build/release/tocsin python3 tests/e2e/compare_databases.py [NAME…]
"""
import contextlib
import sys
import threading
import time

import databases
from compare_with_exporters import Section, main, wait_for


class DatabaseSection(Section):
    """Keeps some load on the servers until it is stopped."""

    def __init__(self, folder, ports):
        super().__init__(folder, ports)
        self.servers = []
        self.held = contextlib.ExitStack()
        self.done = threading.Event()

    def load(self, once):
        def run():
            while not self.done.wait(0.05):
                with contextlib.suppress(Exception):
                    once()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.held.callback(thread.join, 5)

    def stop(self):
        self.done.set()
        self.held.close()
        super().stop()
        for server in reversed(self.servers):
            server.stop()


class PostgresSection(DatabaseSection):
    name = "prometheus-postgres-exporter"
    collector = "postgres"
    interval, pause, least = "1s", 2.5, 320
    dropped_labels = ("server",)  # of 0.11 to 0.19
    ignored = {"datid": "0"}      # what all databases share; the later ones leave it out
    different = {
        r"pg_stat_database_(active_time|checksum_.*|idle_in_transaction_time|session_time|sessions.*)":
            "columns that this exporter passes on without knowing them; tocsin's have units in their names",
        r"pg_exporter_.*": "the exporter itself",
        r"pg_stat_archiver_last_archive_age": "NaN where nothing was ever archived",
    }
    otherwise = {
        r"pg_stat_database_sessions.*": "columns that this exporter passes on without knowing them",
        r"pg_stat_replication_.*": "it calls the process' number slot_name",
        r"pg_settings_extra_float_digits": "its driver sets this for itself",
    }
    # They move while the two look; settings, versions and the like are to be equal.
    moving = (r"pg_stat_(database|user_tables|bgwriter|activity|replication|archiver).*",
              r"pg_(database_size|locks|replication|wal).*")

    def start_servers(self):
        port = self.ports.free()
        primary = databases.Postgres(self.folder / "pg", self.ports.free()).create()
        self.servers.append(primary)
        primary.start(wal_level="logical", shared_preload_libraries="pg_stat_statements")
        primary.sql("CREATE DATABASE app")
        primary.sql("CREATE TABLE videos (id int PRIMARY KEY, title text); INSERT INTO videos SELECT g, 'v' FROM "
                    "generate_series(1, 5000) g; ANALYZE", "app")
        primary.sql("SELECT pg_create_logical_replication_slot('cdc', 'test_decoding')", "app")
        standby = databases.Postgres(self.folder / "standby", self.ports.free()).copy_of(primary)
        self.servers.append(standby)
        standby.start()
        self.hold_sessions(primary)
        worker = primary.connect("app", application_name="worker")
        self.held.callback(worker.close)
        self.load(lambda: self.work(worker))
        self.start("/usr/bin/prometheus-postgres-exporter", f"--web.listen-address=127.0.0.1:{port}",
                   env={"DATA_SOURCE_NAME": primary.url("app") + "?sslmode=disable"})
        return f"127.0.0.1:{port}", {"postgres": {"url": primary.url("app"), "normal_interval": "200ms",
                                                  "slow_interval": "200ms", "discover_databases": False}}

    def hold_sessions(self, primary):
        """Idle sessions, an open transaction, and two that wait for its lock."""
        for _ in range(4):
            self.held.callback(primary.connect("app", application_name="web").close)
        holder = primary.connect("app", application_name="migration")
        self.held.callback(holder.close)
        holder.cursor().execute("BEGIN; UPDATE videos SET title = 'x' WHERE id = 1")
        for _ in range(2):
            waiter = primary.connect("app", application_name="api")
            thread = threading.Thread(target=lambda cursor=waiter.cursor(): wait(cursor), daemon=True)
            thread.start()
            self.held.callback(waiter.cancel)
        time.sleep(0.5)

    @staticmethod
    def work(connection):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM videos WHERE id < 100; INSERT INTO videos SELECT max(id) + 1, 'n' "
                           "FROM videos; DELETE FROM videos WHERE id = (SELECT max(id) FROM videos)")


def wait(cursor):
    with contextlib.suppress(Exception):
        cursor.execute("UPDATE videos SET title = 'y' WHERE id = 1")


class RedisSection(DatabaseSection):
    name = "prometheus-redis-exporter"
    collector = "redis"
    different = {
        r"redis_(exporter|target_scrape)_.*": "the exporter itself",
    }
    otherwise = {
        r"redis_expired_time_cap_reached_total": "a gauge in this exporter, a counter in the later ones",
        r"redis_instance_info": "the later ones have master_replid, too",
    }
    moving = (r"redis_.*",)

    def start_servers(self):
        port = self.ports.free()
        primary = databases.Redis(self.folder / "redis", self.ports.free())
        self.servers.append(primary)
        primary.start(latency_monitor_threshold=1, slowlog_log_slower_than=100, maxmemory="200mb")
        replica = databases.Redis(self.folder / "replica", self.ports.free())
        self.servers.append(replica)
        replica.start(replicaof=f"127.0.0.1 {primary.port}")
        self.fill(primary)
        client = primary.client()
        wait_for(lambda: client.info("replication")["connected_slaves"] == 1, "the replica")
        self.load(lambda: self.work(client))
        self.start("/usr/bin/prometheus-redis-exporter", f"-web.listen-address=127.0.0.1:{port}",
                   f"-redis.addr=redis://127.0.0.1:{primary.port}", "-check-single-keys=db0=queue:mail,db2=answer",
                   "-check-streams=db0=events", "-count-keys=db0=session:*", "-include-system-metrics")
        return f"127.0.0.1:{port}", {"redis": {
            "url": f"redis://127.0.0.1:{primary.port}", "check_single_keys": ["db0=queue:mail", "db2=answer"],
            "check_streams": ["events"], "count_keys": ["session:*"], "key_values": True}}

    @staticmethod
    def fill(server):
        pipe = server.client().pipeline(transaction=False)
        for number in range(3000):
            pipe.set(f"session:{number}", "x", ex=9999)
        pipe.rpush("queue:mail", *range(7))
        for number in range(50):
            pipe.xadd("events", {"n": number})
        pipe.xgroup_create("events", "workers", 0)
        pipe.execute()
        server.client().xreadgroup("workers", "w1", {"events": ">"}, count=20)
        server.client(2).set("answer", 42)

    @staticmethod
    def work(client):
        client.get("session:1")
        client.get("nothing")
        client.lpush("queue:load", "x")
        client.lpop("queue:load")


DATABASE_SECTIONS = (PostgresSection, RedisSection)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], DATABASE_SECTIONS))
