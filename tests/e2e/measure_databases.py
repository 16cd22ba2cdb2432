"""Measures the Postgres and Redis collectors beside Debian's exporters, and what /metrics does when a target fails.

usage: PYTHONPATH=deploy:tests/e2e TOCSIN_BINARY=build/release/tocsin python3 tests/e2e/measure_databases.py

Prints two tables. The first: memory, processor time for one round, time of one page. The second: the time of a page
while a target is stopped, locked, restarted, answers garbage or is large, and what is missing then.
"""
import contextlib
import os
import pathlib
import statistics
import sys
import tempfile
import threading
import time
import urllib.request

import databases
from stack.settings import Ports, write_yaml
from stack.stack import default_program

ROUNDS = 20
TICKS = os.sysconf("SC_CLK_TCK")


def fetch(address, path="/metrics"):
    with urllib.request.urlopen(f"http://{address}{path}", timeout=60) as answer:
        return answer.read().decode()


def processor_ms(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / TICKS


def memory_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def times_of(address, count=ROUNDS, pause=0.25):
    took = []
    for _ in range(count):
        started = time.monotonic()
        fetch(address)
        took.append((time.monotonic() - started) * 1000)
        time.sleep(pause)
    return took


def p95(values):
    return sorted(values)[int(len(values) * 0.95) - 1]


class Lab:
    """The servers, and whatever watches them."""

    def __init__(self, folder):
        self.folder, self.ports = pathlib.Path(folder), Ports()
        self.postgres = databases.Postgres(self.folder / "pg", self.ports.free()).create().start()
        for name in ("app", "analytics", "bench"):
            self.postgres.sql(f"CREATE DATABASE {name}")
            for number in range(10):
                self.postgres.sql(f"CREATE TABLE t{number} AS SELECT g AS id FROM generate_series(1, 100) g", name)
        self.redis = databases.Redis(self.folder / "redis", self.ports.free()).start()
        pipe = self.redis.client().pipeline(transaction=False)
        for number in range(6000):
            pipe.set(f"cache:{number}", number, ex=9999)
        pipe.execute()
        self.watchers = []

    def spawn(self, name, *command, **more):
        watcher = databases.Server(self.folder / name, 0)
        watcher.spawn(*command, **more)
        self.watchers.append(watcher)
        return watcher

    def tocsin(self, name, collectors, interval="1s"):
        address = f"127.0.0.1:{self.ports.free()}"
        config = self.folder / f"{name}.yml"
        write_yaml(config, {"global": {"scrape_interval": interval}, "collectors": collectors})
        watcher = self.spawn(name, default_program(), "serve", f"--config.file={config}",
                             f"--web.listen-address={address}", f"--storage.tsdb.path={self.folder}/{name}-data",
                             env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder)})
        databases.eventually(lambda: fetch(address, "/-/ready"))
        return watcher, address

    def close(self):
        for watcher in reversed(self.watchers):
            watcher.stop()
        self.postgres.stop()
        self.redis.stop()

    def collectors(self, **more):
        return {"postgres": {"url": self.postgres.url("app"), "normal_interval": "1s", "slow_interval": "10s"},
                "redis": {"url": f"redis://127.0.0.1:{self.redis.port}"} | more}


def exporter_row(lab, name, environment, *command):
    address = f"127.0.0.1:{lab.ports.free()}"
    watcher = lab.spawn(name, *[word.replace("ADDRESS", address) for word in command],
                        env={"PATH": "/usr/bin"} | environment)
    databases.eventually(lambda: fetch(address))
    before = processor_ms(watcher.process.pid)
    took = times_of(address)
    spent = (processor_ms(watcher.process.pid) - before) / ROUNDS
    samples = sum(not line.startswith("#") for line in fetch(address).splitlines())
    row = (name, memory_mib(watcher.process.pid), spent, statistics.median(took), p95(took), samples)
    watcher.stop()
    return row


def tocsin_row(lab, name, collectors, idle_ms):
    watcher, address = lab.tocsin(name.replace(" ", "-"), collectors)
    time.sleep(4)
    before, began = processor_ms(watcher.process.pid), time.monotonic()
    time.sleep(ROUNDS)
    spent = (processor_ms(watcher.process.pid) - before) / (time.monotonic() - began) - idle_ms
    took = times_of(address)
    samples = sum(not line.startswith("#") for line in fetch(address).splitlines())
    row = (name, memory_mib(watcher.process.pid), spent, statistics.median(took), p95(took), samples)
    watcher.stop()
    return row


def ups(address):
    page = fetch(address)
    return {name: line.split()[-1] for line in page.splitlines()
            for name in ("pg_up", "redis_up") if line.startswith(name + "{")}, page


def families(page):
    return {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE")}


@contextlib.contextmanager
def frozen(server):
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@contextlib.contextmanager
def locked(postgres):
    with contextlib.closing(postgres.connect("app")) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE t1 IN ACCESS EXCLUSIVE MODE")
        yield


@contextlib.contextmanager
def restarted(server):
    server.stop()
    timer = threading.Timer(2, server.start)
    timer.start()
    yield
    timer.join()


def outage_row(lab, name, address, outage, whole):
    with outage:
        time.sleep(2.5)
        state, page = ups(address)
        took = times_of(address, count=40, pause=0.05)
    missing = sorted(families(whole) - families(page))
    down = ", ".join(f"{key} 0" for key, value in state.items() if value == "0") or "none"
    other = [family for family in missing if not family.startswith(("pg_", "redis_"))]
    databases.eventually(lambda: all(value == "1" for value in ups(address)[0].values()))
    print(f"| {name} | {statistics.median(took):.1f} | {p95(took):.1f} | {max(took):.1f} | {down} | "
          f"{len(missing)} | {len(other)} |", flush=True)


def many_tables(lab, count=10_000):
    for begin in range(0, count, 1000):
        lab.postgres.sql("DO $$ BEGIN FOR i IN %d..%d LOOP EXECUTE 'CREATE TABLE many' || i || ' (a int)'; "
                         "END LOOP; END $$" % (begin, begin + 999), "bench")


def many_keys(lab, count=100_000):
    pipe = lab.redis.client().pipeline(transaction=False)
    for number in range(count):
        pipe.set(f"many:{number}", number)
    pipe.execute()


def main():
    with tempfile.TemporaryDirectory(prefix="tocsin-measure-") as folder:
        lab = Lab(folder)
        try:
            idle, _ = lab.tocsin("idle", {})
            time.sleep(3)
            before = processor_ms(idle.process.pid)
            time.sleep(10)
            idle_ms = (processor_ms(idle.process.pid) - before) / 10
            idle.stop()
            rows = [
                exporter_row(lab, "prometheus-postgres-exporter",
                             {"DATA_SOURCE_NAME": lab.postgres.url() + "?sslmode=disable"},
                             "/usr/bin/prometheus-postgres-exporter", "--web.listen-address=ADDRESS",
                             "--auto-discover-databases"),
                exporter_row(lab, "prometheus-redis-exporter", {}, "/usr/bin/prometheus-redis-exporter",
                             "-web.listen-address=ADDRESS", f"-redis.addr=redis://127.0.0.1:{lab.redis.port}"),
                tocsin_row(lab, "tocsin both", lab.collectors(), idle_ms),
                tocsin_row(lab, "tocsin both without histograms", lab.collectors(latency_histograms=False), idle_ms)]
            print("| process | RSS MiB | CPU ms a round | page ms median | p95 | samples |\n| --- | --- | --- | --- | --- | --- |")
            for name, memory, spent, median, worst, samples in rows:
                print(f"| {name} | {memory:.1f} | {spent:.1f} | {median:.1f} | {worst:.1f} | {samples} |")
            outages(lab)
        finally:
            lab.close()


def outages(lab):
    watcher, address = lab.tocsin("tocsin", lab.collectors(count_keys=["many:*"]))
    time.sleep(3)
    whole = fetch(address)
    print("\n| target | page ms median | p95 | worst | down | families missing | of others |\n"
          "| --- | --- | --- | --- | --- | --- | --- |")
    outage_row(lab, "well", address, contextlib.nullcontext(), whole)
    outage_row(lab, "Postgres stopped", address, frozen(lab.postgres), whole)
    outage_row(lab, "Redis stopped", address, frozen(lab.redis), whole)
    outage_row(lab, "a table locked", address, locked(lab.postgres), whole)
    outage_row(lab, "Postgres restarted", address, restarted(lab.postgres), whole)
    outage_row(lab, "Redis restarted", address, restarted(lab.redis), whole)
    for name, behave, section in (
            ("Postgres answers garbage", databases.garbage, "postgres"), ("Redis answers garbage", databases.garbage, "redis"),
            ("Redis a byte in 200 ms", databases.one_byte_at_a_time(b"$100000\r\n" + b"x" * 1000), "redis")):
        fake = databases.FakeServer(behave)
        scheme = {"postgres": "postgresql", "redis": "redis"}[section]
        collectors = lab.collectors(count_keys=["many:*"]) | {section: {"url": f"{scheme}://127.0.0.1:{fake.port}"}}
        other, other_address = lab.tocsin(name.replace(" ", "-"), collectors)
        time.sleep(3)
        took = times_of(other_address, count=40, pause=0.05)
        state, page = ups(other_address)
        down = ", ".join(f"{key} 0" for key, value in state.items() if value == "0")
        missing = [family for family in families(whole) - families(page) if not family.startswith(
            {"postgres": "pg_", "redis": "redis_"}[section])]
        print(f"| {name} | {statistics.median(took):.1f} | {p95(took):.1f} | {max(took):.1f} | {down} | | "
              f"{len(missing)} |", flush=True)
        other.stop()
        fake.close()
    many_keys(lab)
    time.sleep(5)
    outage_row(lab, "100 000 keys, counted", address, contextlib.nullcontext(), whole)
    many_tables(lab)
    time.sleep(5)
    outage_row(lab, "10 000 tables", address, contextlib.nullcontext(), whole)
    print(f"\nmemory at the end: {memory_mib(watcher.process.pid):.1f} MiB")


if __name__ == "__main__":
    sys.exit(main())
