"""The timelines of Prometheus' alert_generator compliance suite on real processes, 30 times as fast.

Samples come by remote write, states are read from /api/v1/rules and ALERTS, and an Alertmanager that
checks what it gets stands at the other end. A state may be seen one group interval late.
"""
import json
import math
import threading
import time
import unittest
from datetime import datetime

import remote_write
from support import LocalServer, TocsinCase

K = 30
STEP = 15 / K
INTERVAL = 30 / K
RESEND = 60 / K
RETENTION = 15 * 60 / K
LAST_STEP = 150
# A state is seen an interval late, and what two cores shared with other tests add.
LATE = INTERVAL + 10 / K + 0.4

BEGIN = [(0, 3), (1, 5), (4, 9)]
METRIC = "alert_generator_test_suite"

# (labels beside the metric's name): from which step on which value; None: no samples any more.
INPUT = [
    ({"alertname": "Simple"}, BEGIN + [(8, 11), (21, 15), (53, 19), (69, 9), (89, 15), (134, 8)]),
    ({"alertname": "A"}, BEGIN + [(8, 11), (19, 9), (20, None)]),
    ({"alertname": "B"}, BEGIN + [(8, 11), (19, 9), (20, None)]),
    ({"alertname": "Z"}, BEGIN + [(8, 15), (21, 9), (93, 11), (106, 9)]),
    ({"alertname": "S"}, BEGIN + [(8, 15), (21, 9), (93, 11), (106, 9)]),
    ({"alertname": "Order", "variant": "one"}, [(0, 1), (8, 11), (73, 9), (94, None)]),
    ({"alertname": "Order", "variant": "two"}, [(0, 1), (32, 11), (65, 9), (86, None)]),
] + [({"alertname": "Helper", "id": str(n)}, [(0, n), (28, 2 * n)]) for n in (101, 102, 103)]

# Alert (and variant): from which step on which state.
STATES = {
    ("Simple", ""): [(0, "inactive"), (8, "pending"), (32, "firing"), (69, "inactive"), (89, "pending"),
                     (113, "firing"), (134, "inactive")],
    ("A", ""): [(0, "inactive"), (8, "pending"), (19, "inactive")],
    ("B", ""): [(0, "inactive")],
    ("Z", ""): [(0, "inactive"), (8, "firing"), (21, "inactive"), (93, "firing"), (106, "inactive")],
    ("S", ""): [(0, "inactive"), (8, "pending"), (10, "firing"), (21, "inactive")],
    ("Order", "one"): [(0, "inactive"), (8, "pending"), (20, "firing"), (73, "inactive")],
    ("Order", "two"): [(0, "inactive"), (32, "pending"), (44, "firing"), (65, "inactive")],
    ("Both", ""): [(0, "inactive"), (44, "firing"), (65, "inactive")],
}

# A clock of its own against timestamps that the rule file was written for: all times are divided by K.
RULES = """
groups:
- name: simple
  rules:
  - alert: Simple
    expr: alert_generator_test_suite{alertname="Simple"} > 10
    for: 12s
    labels: {foo: bar, rulegroup: simple}
    annotations: {summary: 'The value is {{$value}} {{.Value}}'}
- name: pending
  rules:
  - {alert: A, expr: 'alert_generator_test_suite{alertname="A"} > 10', for: 6s, labels: {rulegroup: pending}}
  - {alert: B, expr: 'alert_generator_test_suite{alertname="B"} > 99', for: 6s, labels: {rulegroup: pending}}
- name: short
  rules:
  - alert: Z
    expr: alert_generator_test_suite{alertname="Z"} > 10
    labels: {rulegroup: short}
    annotations:
      template_test: '{{humanize 1048576.0}} {{humanize1024 1048576.0}} {{humanizeDuration 135.0}} {{humanizeDuration 15.0}} {{humanizePercentage 0.959}} {{humanizeTimestamp 1643114203.0}}'
      template_query_test: 'Args are: {{with (args "foo" "bar" 99)}}{{.arg0}} {{.arg1}} {{.arg2}}{{end}}. {{with query "alert_generator_test_suite{alertname=\\"Helper\\"}" | sortByLabel "id"}}first_id:{{. | first | label "id"}},{{range .}}{{label "id" .}}:{{value .}},{{end}}{{end}}'
  - alert: S
    expr: alert_generator_test_suite{alertname="S"} > 13
    for: 500ms
    labels: {rulegroup: short}
- name: order
  rules:
  - alert: Order
    expr: alert_generator_test_suite{alertname="Order"} > 10
    for: 6s
    labels: {rulegroup: order}
  - alert: Both
    expr: >-
      (ALERTS{alertstate="firing",alertname="Order",rulegroup="order",variant="one"}
      + ignoring (variant) ALERTS{alertstate="firing",alertname="Order",rulegroup="order",variant="two"}) == 2
    labels: {rulegroup: order, ba_dum: tss, foo: baz}
    annotations: {description: 'Based on ALERTS. Old alertname was {{$labels.alertname}}. foo was {{with $labels.foo}}{{.}}{{else}}bar{{end}}.'}
"""


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Receiver(LocalServer):
    """Takes alerts as an Alertmanager does: (received at, alert) in order."""

    def __init__(self):
        self.alerts = []
        self.kinds = set()
        super().__init__()

    def take(self, handler, body):
        now = time.time()
        self.alerts += [(now, alert) for alert in json.loads(body)]
        self.kinds.add((handler.path, handler.headers["Content-Type"]))
        return 200


def at_step(timeline, step):
    """The entry in force at a step, and the step it began at."""
    begun = [entry for entry in timeline if entry[0] <= step]
    return begun[-1] if begun else (0, None)


class Compliance(TocsinCase):
    def test_the_four_timelines_on_real_processes(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)
        self.write("rules.yml", RULES)
        interval = f"{int(INTERVAL * 1000)}ms"
        self.serve({"global": {"scrape_interval": interval, "scrape_timeout": interval,
                               "evaluation_interval": interval},
                    "rule_files": ["rules.yml"],
                    "alerting": {"alertmanagers": [{"static_configs": [{"targets": [self.receiver.address]}]}]}},
                   flags=["--web.enable-remote-write-receiver", f"--query.lookback-delta={int(300 / K)}s",
                          f"--rules.alert.resend-delay={int(RESEND)}s",
                          f"--rules.alert.resolved-retention={int(RETENTION)}s"])
        self.start = time.time() + 0.3
        self.checked = 0
        feeder = threading.Thread(target=self.feed, daemon=True)
        feeder.start()
        while time.time() < self.start + LAST_STEP * STEP:
            self.check_states()
            time.sleep(INTERVAL / 2)
        feeder.join()
        self.check_payloads()
        print(f"{self.checked} states and {len(self.receiver.alerts)} payloads checked")

    def feed(self):
        for step in range(LAST_STEP):
            at = self.start + step * STEP
            time.sleep(max(0, at - time.time()))
            samples = [({"__name__": METRIC, "rulegroup": "x", **labels}, at, value)
                       for labels, timeline in INPUT
                       if (value := at_step(timeline, step)[1]) is not None]
            remote_write.write(self.server.address, samples)

    # What the interface shows.

    def check_states(self):
        before = time.time()
        groups = self.server.get("/api/v1/rules")["data"]["groups"]
        shown = {(key[0], key[1]): "inactive" for key in STATES}
        for rule in (rule for group in groups for rule in group["rules"]):
            self.assertIn(rule["health"], ("ok", "unknown"), rule)
            for alert in rule["alerts"]:
                shown[rule["name"], alert["labels"].get("variant", "")] = alert["state"]
        after = time.time()
        for key, timeline in STATES.items():
            # What holds now, or what held as long ago as a state may be late.
            allowed = {at_step(timeline, math.floor((moment - self.start) / STEP))[1] or "inactive"
                       for moment in (after, before - LATE, before - LATE / 2)}
            self.assertIn(shown[key], allowed, f"{key} at step {(after - self.start) / STEP:.1f}")
            self.checked += 1

    # What the Alertmanager got.

    def check_payloads(self):
        self.assertEqual(self.receiver.kinds, {("/api/v2/alerts", "application/json")})
        told = {}
        for at, alert in self.receiver.alerts:
            labels = alert["labels"]
            self.assertIn("rulegroup", labels)
            self.assertIn("/graph?g0.expr=", alert["generatorURL"])
            told.setdefault((labels["alertname"], labels.get("variant", "")), []).append((at, alert))
        self.assertEqual(set(told), set(STATES) - {("A", ""), ("B", "")})
        for key, messages in told.items():
            for at, alert in messages:
                self.check_times(key, at, alert)
            self.check_rhythm(key, [at for at, _ in messages])
        self.check_texts(told)

    def check_times(self, key, at, alert):
        """startsAt where it began to fire; endsAt four minutes ahead, or where it ended."""
        starts, ends = seconds(alert["startsAt"]), seconds(alert["endsAt"])
        firing = [step for step, state in STATES[key] if state == "firing"]
        step = max((s for s in firing if self.start + s * STEP <= starts), default=None)
        self.assertIsNotNone(step, f"{key} started before any firing: {alert}")
        self.assertLessEqual(starts - (self.start + step * STEP), LATE, f"{key} {alert}")
        over = next(s for s, state in STATES[key] if s > step and state == "inactive")
        ended = self.start + over * STEP
        if ends > at:
            self.assertLess(at, ended + LATE, f"{key} fires too long: {alert}")
            self.assertAlmostEqual(ends - at, 4 * RESEND, delta=LATE, msg=f"{key} {alert}")
        else:
            self.assertTrue(0 <= ends - ended <= LATE, f"{key} ended {ends - ended} s off: {alert}")
            self.assertLess(at, ended + RETENTION + RESEND + LATE, f"{key} is told of for ever")

    def check_rhythm(self, key, times):
        """Again after the resend delay; news at once, which makes shorter gaps."""
        changes = [self.start + step * STEP for step, state in STATES[key] if state in ("firing", "inactive")]
        for earlier, later in zip(times, times[1:]):
            if any(earlier - LATE <= change <= later for change in changes):
                continue
            self.assertTrue(RESEND - 5 / K - 0.4 <= later - earlier <= RESEND + LATE, f"{key}: {later - earlier} s")

    def check_texts(self, told):
        summaries = {alert["annotations"]["summary"] for _, alert in told["Simple", ""]}
        self.assertEqual(summaries, {"The value is 15 15", "The value is 19 19"})
        for at, alert in told["Z", ""]:
            self.assertEqual(alert["annotations"]["template_test"],
                             "1.049M 1Mi 2m 15s 15s 95.9% 2022-01-25 12:36:43 +0000 UTC")
            factor = 1 if seconds(alert["startsAt"]) < self.start + 50 * STEP else 2
            ids = "".join(f"{n}:{factor * n}," for n in (101, 102, 103))
            self.assertEqual(alert["annotations"]["template_query_test"],
                             f"Args are: foo bar 99. first_id:101,{ids}")
        for _, alert in told["Both", ""]:
            self.assertEqual(alert["labels"], {"alertname": "Both", "alertstate": "firing", "ba_dum": "tss",
                                               "foo": "baz", "rulegroup": "order"})
            self.assertEqual(alert["annotations"]["description"],
                             "Based on ALERTS. Old alertname was Order. foo was bar.")
        # In the same evaluation as the second of those that it is made of.
        both = seconds(told["Both", ""][0][1]["startsAt"])
        two = seconds(told["Order", "two"][0][1]["startsAt"])
        self.assertEqual(both, two)


if __name__ == "__main__":
    unittest.main()
