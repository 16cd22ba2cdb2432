"""A server that hangs (SIGSTOP) makes its own `up` figure 0 soon, and delays nothing else."""
import contextlib
import time

from support import StackCase, eventually

# Collectors run every 15 s / 20.
INTERVAL = 15 / 20
# One for the figure, one for the machine that runs the tests beside other things.
SLACK = 1.0
FROZEN_SECONDS = 8


class Outages(StackCase):
    def check(self, process, up, other_metrics):
        expression = f"max({up})"
        self.assertEqual(eventually(lambda: self.server.value(expression)), 1)
        process.freeze()
        frozen = time.monotonic()
        try:
            self.assertTrue(eventually(lambda: self.server.value(expression) == 0, timeout=20, pause=0.02),
                            f"{up} did not become 0")
            took = time.monotonic() - frozen
            print(f"{up} is 0 after {took:.2f} s; an interval is {INTERVAL:g} s")
            self.assertLessEqual(took, 2 * INTERVAL + SLACK)
            self.watch_the_rest(other_metrics, until=frozen + FROZEN_SECONDS)
        finally:
            process.thaw()
        thawed = time.monotonic()
        self.assertTrue(eventually(lambda: self.server.value(expression) == 1, timeout=20),
                        f"{up} did not become 1 again")
        print(f"{up} is 1 again after {time.monotonic() - thawed:.2f} s")

    def watch_the_rest(self, metrics, until):
        slowest_page = oldest = 0.0
        while time.monotonic() < until:
            started = time.monotonic()
            self.assertEqual(self.server.fetch("/metrics")[0], 200)
            slowest_page = max(slowest_page, time.monotonic() - started)
            for metric in metrics:
                age = self.server.value(f"max(time() - timestamp({metric}))")
                self.assertIsNotNone(age, f"{metric} is gone")
                oldest = max(oldest, age)
            time.sleep(0.1)
        print(f"meanwhile: slowest /metrics {slowest_page * 1000:.0f} ms, oldest other sample {oldest:.2f} s")
        self.assertLess(slowest_page, 0.5)
        self.assertLess(oldest, 2 * INTERVAL + SLACK)
        groups = self.server.get("/api/v1/rules")["data"]["groups"]
        self.assertEqual([rule["lastError"] for group in groups for rule in group["rules"]
                          if rule.get("lastError")], [])

    def test_postgres_hangs(self):
        self.check(self.stack.postgres, "pg_up",
                   ["redis_up", "node_load1", "celery_tasks_total", 'up{job="ai-validation-app"}'])

    def test_redis_hangs(self):
        self.check(self.stack.redis, "redis_up",
                   ["pg_up", "node_load1", 'up{job="ai-validation-app"}'])

    def test_redis_is_killed_and_comes_back(self):
        self.assertEqual(eventually(lambda: self.server.value("max(redis_up)")), 1)
        self.stack.redis.kill()
        self.assertTrue(eventually(lambda: self.server.value("max(redis_up)") == 0))
        self.stack.redis.start().wait_ready()
        self.assertTrue(eventually(lambda: self.server.value("max(redis_up)") == 1))

    def test_alertmanager_is_away_when_the_alert_rings(self):
        self.stack.alertmanager.kill()
        began = time.time()
        self.stack.break_it("connections")
        self.assertTrue(eventually(lambda: self.server.value(
            'count(ALERTS{alertname="DatabaseConnectionPoolHigh",alertstate="firing"})') == 1, timeout=40))
        time.sleep(3)
        self.stack.alertmanager.start().wait_ready()
        arrived = self.stack.wait_for_alert("DatabaseConnectionPoolHigh", "firing", 60, since=began)
        self.assertIsNotNone(arrived, "the alert did not arrive once Alertmanager was back")

    def test_a_reload_under_fire_keeps_the_alert(self):
        began = time.time()
        self.stack.break_it("connections")
        firing = self.stack.wait_for_alert("DatabaseConnectionPoolHigh", "firing", 60, since=began)
        self.assertIsNotNone(firing)
        with contextlib.suppress(OSError):
            self.stack.tocsin.send(1)  # SIGHUP
        time.sleep(5)
        self.assertIsNone(self.stack.wait_for_alert("DatabaseConnectionPoolHigh", "resolved", 0, since=began))
        self.assertEqual(self.server.value(
            'count(ALERTS{alertname="DatabaseConnectionPoolHigh",alertstate="firing"})'), 1)
