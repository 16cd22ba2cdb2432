"""The six alerts of the user's rule file, on real servers: each is broken, rings at a real
Alertmanager with its labels and its text, is repaired, and is resolved there. docs/explain.md
says why, before and while it rings."""
import time

import explained
from support import StackCase, matches

ARRIVES_SECONDS = 60
RESOLVES_SECONDS = 90


class SeedAlerts(StackCase):
    def check(self, fault, alert, severity, labels, description):
        self.holds_the_page(alert, "quiet")
        began = time.time()
        self.stack.break_it(fault)
        firing = self.stack.wait_for_alert(alert, "firing", ARRIVES_SECONDS, since=began)
        self.assertIsNotNone(firing, f"{alert} did not arrive")
        print(f"{alert} rang after {firing['at'] - began:.1f} s")
        self.assertEqual(firing["labels"]["severity"], severity)
        self.assertEqual(set(firing["labels"]), {"alertname", "severity", *labels})
        for name, pattern in labels.items():
            self.assertRegex(firing["labels"][name], f"^(?:{pattern})$")
        self.assertTrue(matches(firing["annotations"]["description"], description),
                        firing["annotations"]["description"])
        self.assertTrue(firing["annotations"]["summary"])
        self.assertIn("/graph?g0.expr=", firing["generatorURL"])
        self.holds_the_page(alert, "firing")

        repaired = time.time()
        self.stack.repair(fault)
        resolved = self.wait_for_end_of(firing, RESOLVES_SECONDS)
        self.assertIsNotNone(resolved, f"{alert} was not resolved")
        print(f"{alert} was resolved {resolved['at'] - repaired:.1f} s after the repair")
        self.assertEqual(resolved["labels"], firing["labels"])
        self.assertEqual(resolved["startsAt"], firing["startsAt"])

    def holds_the_page(self, alert, state):
        """docs/explain.md shows what is said of the alert now."""
        said = explained.explain(self.settings.tocsin_address, alert)
        self.assertIn(f"{alert} is {'firing' if state == 'firing' else 'inactive'} at", said)
        shown = explained.shown(alert, state, said)
        self.assertEqual(explained.shape(shown), explained.shape(said), said)

    def wait_for_end_of(self, firing, timeout):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for message in self.stack.received():
                if (message["status"] == "resolved" and message["at"] > firing["at"]
                        and message["labels"] == firing["labels"]):
                    return message
            time.sleep(0.1)
        return None

    def app_labels(self):
        return {"job": "ai-validation-app", "instance": self.settings.app_address.replace(".", r"\.")}

    def test_slow_requests(self):
        self.check("slow", "HighResponseTime", "warning",
                   self.app_labels() | {"quantile": r"0\.95", "method": "GET|POST", "endpoint": "/api/.*"},
                   r"95th percentile response time is [12]\.\d+s for /api/.*")

    def test_failing_requests(self):
        self.check("errors", "HighErrorRate", "critical",
                   self.app_labels() | {"status": "500", "method": "GET|POST", "endpoint": "/api/.*"},
                   r"Error rate is 100%")

    def test_memory(self):
        self.check("memory", "HighMemoryUsage", "warning", self.app_labels(),
                   r"Memory usage is 2\.\d+GB")

    def test_database_connections(self):
        self.check("connections", "DatabaseConnectionPoolHigh", "warning",
                   {"job": "postgres", "instance": f"127.0.0.1:{self.settings.postgres_port}"},
                   r"Connection pool is (8\d|9\d|100)(\.\d+)?% utilized")

    def test_queue(self):
        self.check("queue", "VideoProcessingQueueBacklog", "warning",
                   {"job": "celery", "instance": f"127.0.0.1:{self.settings.redis_port}",
                    "state": "PENDING"},
                   r"\d+ videos pending processing")

    def test_regression(self):
        self.check("regression", "PerformanceRegression", "critical",
                   self.app_labels() | {"quantile": r"0\.95", "method": "GET|POST", "endpoint": "/api/.*"},
                   r"Response time increased by \d+(\.\d+)?s in the last 10 minutes")


class Health(StackCase):
    def test_a_healthy_stack_rings_nothing(self):
        time.sleep(30)
        self.assertEqual(self.stack.received(), [])
        groups = self.server.get("/api/v1/rules")["data"]["groups"]
        self.assertEqual([rule["name"] for group in groups for rule in group["rules"]
                          if rule["health"] != "ok" or rule.get("lastError")], [])
        self.assertEqual(sum(len(group["rules"]) for group in groups), 6)
