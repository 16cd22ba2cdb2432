"""A Postgres and a Redis that hang at any step or answer with anything: no crash, no growth, a clear error, and the
other collectors go on."""
import time

import databases
from support import TocsinCase, eventually

INTERVAL = 1.0


def redis_endless(connection):
    while True:
        connection.sendall(b"*1000000\r\n" + b"$1000\r\n" + b"x" * 1000 + b"\r\n")


def redis_huge_string(connection):
    connection.recv(4096)
    connection.sendall(b"$536870911\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def redis_deep(connection):
    connection.recv(4096)
    while True:
        connection.sendall(b"*1\r\n" * 1000)


def redis_announces(connection):
    connection.recv(4096)
    connection.sendall(b"*2147483647\r\n" * 6)
    databases.silence(connection)


def redis_many_small(connection):
    connection.recv(4096)
    connection.sendall(b"*2147483647\r\n")
    while True:
        connection.sendall(b":1\r\n" * 10000)


REDIS = {
    "silence": (databases.silence, "timed out"),
    "random bytes": (databases.garbage, "not Redis' protocol"),
    "hang up": (databases.hang_up, "closed"),
    "HTTP": (databases.one_byte_at_a_time(b"HTTP/1.1 400 Bad Request\r\n"), ""),
    "endless array": (redis_endless, ""),
    "huge string": (redis_huge_string, ""),
    "deep nesting": (redis_deep, "not Redis' protocol"),
    "announced elements": (redis_announces, "timed out"),
    "many elements": (redis_many_small, "too many elements"),
}
POSTGRES = {
    "silence": (databases.silence, "timed out"),
    "random bytes": (databases.garbage, ""),
    "hang up": (databases.hang_up, ""),
    "endless rows": (databases.postgres(databases.endless_rows), ""),
    "huge row": (databases.postgres(databases.huge_row), ""),
    "broken messages": (databases.postgres(databases.broken_messages), ""),
    "hanging statement": (databases.postgres(databases.hanging_statement), "timed out"),
}


class HostileDatabases(TocsinCase):
    def setUp(self):
        super().setUp()
        self.fakes = []

    def fake(self, behave):
        server = databases.FakeServer(behave)
        self.fakes.append(server)
        self.addCleanup(server.close)
        return server

    def memory(self):
        for line in open(f"/proc/{self.process.pid}/status", encoding="ascii"):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return None

    def watch(self, collector, section, expected):
        """Serves beside the collector of the process itself, and watches that nothing else suffers."""
        self.serve({"global": {"scrape_interval": f"{int(INTERVAL * 1000)}ms"}, "collectors": section})
        target = eventually(lambda: (found := self.target_health(f"tocsin://{collector}/")) and found["lastError"] and
                            found, timeout=15)
        self.assertTrue(target, "no error was told")
        self.assertEqual(target["health"], "down")
        error = target["lastError"]
        self.assertTrue(eventually(lambda: expected in self.target_health(f"tocsin://{collector}/")["lastError"],
                                   timeout=10), f"expected {expected!r}, got {error!r}")
        self.assertLess(len(error), 700, error)
        self.assertTrue(error.isprintable(), repr(error))
        until = time.monotonic() + 6
        peak = slowest = 0.0
        while time.monotonic() < until:
            started = time.monotonic()
            self.assertEqual(self.server.fetch("/metrics")[0], 200)
            slowest = max(slowest, time.monotonic() - started)
            peak = max(peak, self.memory())
            time.sleep(0.1)
        up = {"postgres": "pg_up", "redis": "redis_up"}[collector]
        self.assertEqual(self.server.value(up), 0)
        self.assertEqual(self.server.value('up{job="tocsin"}'), 1)
        print(f"{error[:100]} | {peak:.0f} MiB at most, slowest page {slowest * 1000:.0f} ms")
        self.assertLess(peak, 250)
        self.assertLess(slowest, 1.0)
        started = time.monotonic()
        self.assertEqual(self.end(), 0)
        self.assertLess(time.monotonic() - started, 5)


def redis_case(behave, expected):
    def test(self):
        port = self.fake(behave).port
        self.watch("redis", {"redis": {"url": f"redis://:geheim@127.0.0.1:{port}/0"}}, expected)
        self.assertNotIn("geheim", self.log)
    return test


def postgres_case(behave, expected):
    def test(self):
        port = self.fake(behave).port
        self.watch("postgres", {"postgres": {"url": f"postgresql://watch:geheim@127.0.0.1:{port}/app"}}, expected)
        self.assertNotIn("geheim", self.log)
    return test


for name, (how, says) in REDIS.items():
    setattr(HostileDatabases, "test_redis_" + name.replace(" ", "_"), redis_case(how, says))
for name, (how, says) in POSTGRES.items():
    setattr(HostileDatabases, "test_postgres_" + name.replace(" ", "_"), postgres_case(how, says))
