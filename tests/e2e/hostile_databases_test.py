"""A Postgres, a Redis and an nginx that hang at any step or answer with anything: no crash, no growth, a clear error, and
the other collectors go on."""
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




def nginx_page(*pieces, header=b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"):
    """An answer whose last piece comes again and again."""
    def behave(connection):
        connection.recv(4096)
        connection.sendall(header + b"".join(pieces[:-1]))
        while True:
            connection.sendall(pieces[-1])
    return behave


NGINX = {
    "silence": (databases.silence, "no answer within"),
    "random bytes": (databases.garbage, ""),
    "hang up": (databases.hang_up, ""),
    "endless page": (nginx_page(b"Active connections: 1 \n", b"server accepts handled requests\n" * 1000), ""),
    "endless header": (nginx_page(b"X: y\r\n" * 1000, header=b"HTTP/1.1 200 OK\r\n"), ""),
    "huge numbers": (databases.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 56\r\n\r\nActive connections: "
                                      b"99999999999999999999999999999999999\n"), ""),
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
        until = time.monotonic() + 2.5
        peak = slowest = 0.0
        while time.monotonic() < until:
            started = time.monotonic()
            self.assertEqual(self.server.fetch("/metrics")[0], 200)
            slowest = max(slowest, time.monotonic() - started)
            peak = max(peak, self.memory())
            time.sleep(0.1)
        up = {"postgres": "pg_up", "redis": "redis_up", "nginx": "nginx_up"}[collector]
        self.assertEqual(self.server.value(up), 0)
        self.assertEqual(self.server.value('up{job="tocsin"}'), 1)
        print(f"{error[:100]} | {peak:.0f} MiB at most, slowest page {slowest * 1000:.0f} ms")
        self.assertLess(peak, 250)
        self.assertLess(slowest, 1.0)
        started = time.monotonic()
        self.assertEqual(self.end(), 0)
        self.assertLess(time.monotonic() - started, 5)

    def hostile(self, collector, table, name, section):
        behave, expected = table[name]
        port = self.fake(behave).port
        self.watch(collector, {collector: section(port)}, expected)
        self.assertNotIn("geheim", self.log)

    def nginx(self, name):
        self.hostile("nginx", NGINX, name, lambda port: {"stub_status_url": f"http://u:geheim@127.0.0.1:{port}/status"})

    def redis(self, name):
        self.hostile("redis", REDIS, name, lambda port: {"url": f"redis://:geheim@127.0.0.1:{port}/0"})

    def postgres(self, name):
        self.hostile("postgres", POSTGRES, name, lambda port: {"url": f"postgresql://u:geheim@127.0.0.1:{port}/app"})

    def test_nginx_silence(self):
        self.nginx("silence")

    def test_nginx_random_bytes(self):
        self.nginx("random bytes")

    def test_nginx_hang_up(self):
        self.nginx("hang up")

    def test_nginx_endless_page(self):
        self.nginx("endless page")

    def test_nginx_endless_header(self):
        self.nginx("endless header")

    def test_nginx_huge_numbers(self):
        self.nginx("huge numbers")

    def test_redis_silence(self):
        self.redis("silence")

    def test_redis_random_bytes(self):
        self.redis("random bytes")

    def test_redis_hang_up(self):
        self.redis("hang up")

    def test_redis_http(self):
        self.redis("HTTP")

    def test_redis_endless_array(self):
        self.redis("endless array")

    def test_redis_huge_string(self):
        self.redis("huge string")

    def test_redis_deep_nesting(self):
        self.redis("deep nesting")

    def test_redis_announced_elements(self):
        self.redis("announced elements")

    def test_redis_many_elements(self):
        self.redis("many elements")

    def test_postgres_silence(self):
        self.postgres("silence")

    def test_postgres_random_bytes(self):
        self.postgres("random bytes")

    def test_postgres_hang_up(self):
        self.postgres("hang up")

    def test_postgres_endless_rows(self):
        self.postgres("endless rows")

    def test_postgres_huge_row(self):
        self.postgres("huge row")

    def test_postgres_broken_messages(self):
        self.postgres("broken messages")

    def test_postgres_hanging_statement(self):
        self.postgres("hanging statement")

    def test_every_row_is_run(self):
        for prefix, table in (("nginx", NGINX), ("redis", REDIS), ("postgres", POSTGRES)):
            for name in table:
                self.assertTrue(hasattr(self, f"test_{prefix}_{name.lower().replace(' ', '_')}"), name)
