"""Ten thousand firing alerts: told within one interval, in bounded memory, also after an outage."""
import json
import time
import unittest
from datetime import datetime

from support import LocalServer, ScrapeTarget, TocsinCase, eventually

ALERTS = 10_000
INTERVAL = 5
RULES = """
groups:
- name: many
  rules:
  - alert: Many
    expr: problem > 0
    labels: {severity: page}
    annotations: {summary: 'Instance {{$labels.n}} has a problem: {{$value}}'}
"""


class Receiver(LocalServer):
    """Counts what an Alertmanager would: by label n, whether the newest state fires. `up` or not."""

    def __init__(self):
        self.up = True
        self.states = {}
        self.sizes = []
        self.last = self.slot = 0.0
        super().__init__()

    def take(self, _, body):
        if not self.up:
            return 503
        alerts = json.loads(body)
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        self.slot = datetime.fromisoformat(alerts[0]["startsAt"].replace("Z", "+00:00")).timestamp()
        for alert in alerts:
            self.states[alert["labels"]["n"]] = alert["endsAt"] > now
        self.sizes.append(len(alerts))
        self.last = time.time()
        return 200

    def firing(self):
        return sum(self.states.values())


class ManyAlerts(TocsinCase):
    def page(self, value):
        return "".join(f'problem{{n="{n}"}} {value}\n' for n in range(ALERTS)).encode()

    def resident_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def queue(self):
        return self.server.get("/api/v1/alertmanagers")["data"]["activeAlertmanagers"][0]["queued"]

    def test_ten_thousand_alerts_arrive_within_an_interval_and_survive_an_outage(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        target = ScrapeTarget(self.page(0))
        self.addCleanup(target.close)
        self.write("rules.yml", RULES)
        self.serve({"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": f"{INTERVAL}s"},
                    "rule_files": ["rules.yml"],
                    "alerting": {"alertmanagers": [{"static_configs": [{"targets": [receiver.address]}]}]},
                    "scrape_configs": [{"job_name": "t", "static_configs": [{"targets": [target.address]}]}]},
                   flags=["--rules.alert.resend-delay=4s", "--alertmanager.max-backoff=2s"])
        self.assertTrue(eventually(lambda: self.server.value("count(problem)") == ALERTS))
        before = self.resident_mib()
        target.page = self.page(1)
        self.assertTrue(eventually(lambda: receiver.firing() == ALERTS, timeout=40), receiver.firing())
        took = receiver.last - receiver.slot
        self.assertLess(took, INTERVAL)
        print(f"{ALERTS} alerts told {took:.2f} s after their evaluation's slot, "
              f"in {len(receiver.sizes)} requests; {before:.0f} MiB before, {self.resident_mib():.0f} MiB after")
        self.assertEqual(max(receiver.sizes), 256)

        # An outage, in which all of them are told again and again, and end.
        receiver.up = False
        highest = queued = 0
        target.page = self.page(1)
        until = time.time() + 4 * INTERVAL
        while time.time() < until:
            highest = max(highest, self.resident_mib())
            queued = max(queued, self.queue())
            time.sleep(0.2)
        target.page = self.page(0)
        self.assertTrue(eventually(lambda: not self.server.get("/api/v1/alerts")["data"]["alerts"], timeout=40))
        time.sleep(1)
        self.assertLessEqual(queued, ALERTS)
        receiver.up = True
        back = time.time()
        self.assertTrue(eventually(lambda: receiver.firing() == 0 and len(receiver.states) == ALERTS, timeout=40),
                        receiver.firing())
        print(f"after the outage all ends are told {receiver.last - back:.2f} s after the Alertmanager is back; "
              f"at most {queued} alerts and {highest:.0f} MiB meanwhile")
        self.assertLess(receiver.last - back, INTERVAL + 2)
        self.assertLess(highest, before + 150)
        dropped = self.server.value("sum(prometheus_notifications_dropped_total)")
        self.assertEqual(dropped, 0)


if __name__ == "__main__":
    unittest.main()
