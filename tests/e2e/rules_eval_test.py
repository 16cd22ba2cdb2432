"""`tocsin rules eval`: the same rules over a Prometheus and by Prometheus, over what is collected on the spot, and where
each alert would go."""
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from servers import Server, find_prometheus  # noqa: E402
from support import PROGRAM, ScrapeTarget, eventually  # noqa: E402

PAGE = b"""# TYPE queue_length gauge
queue_length{queue="mail"} 12
queue_length{queue="video"} 3
queue_length{queue="images"} 40
"""
RULES = """
groups:
- name: queues
  interval: 1s
  rules:
  - alert: QueueLong
    expr: queue_length > 10
    labels: {severity: page, team: '{{ $labels.queue }}'}
    annotations: {summary: '{{ $labels.queue }} has {{ $value }} waiting'}
  - alert: QueueStuck
    expr: queue_length > 2
    for: 1h
    labels: {severity: ticket}
  - alert: QueueNegative
    expr: queue_length < 0
"""
ALERTMANAGER = """
route:
  receiver: nobody
  group_by: [alertname]
  routes:
  - matchers: [severity="page", team="mail"]
    receiver: post
  - matchers: [severity="page"]
    receiver: pager
    group_by: [alertname, queue]
receivers: [{name: nobody}, {name: post}, {name: pager}]
inhibit_rules:
- source_matchers: [team="images"]
  target_matchers: [team="mail"]
  equal: [severity]
"""


def key(labels):
    return tuple(sorted(labels.items()))


class RulesEval(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tocsin-eval-")))
        self.target = ScrapeTarget(PAGE)
        self.addCleanup(self.target.close)
        self.write("rules.yml", RULES)
        self.write("alertmanager.yml", ALERTMANAGER)
        self.write("tocsin.yml", "global: {scrape_interval: 200ms, scrape_timeout: 200ms, external_labels: {site: here}}\n"
                   "alerting: {alert_relabel_configs: [{regex: job, action: labeldrop}]}\n"
                   f"scrape_configs: [{{job_name: app, static_configs: [{{targets: ['{self.target.address}']}}]}}]\n")

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def eval(self, *flags, code=0):
        done = subprocess.run([str(PROGRAM), "rules", "eval", *flags, "rules.yml"], cwd=self.folder, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done.stdout

    def test_collecting_on_the_spot(self):
        text = self.eval("--collect=2s", "--config.file=tocsin.yml")
        self.assertIn("2 firing, 3 pending", text)
        self.assertIn("mail has 12 waiting", text)
        self.assertRegex(text, r'firing  \{instance="[^"]+", job="app", queue="mail", severity="page", team="mail"\} value 12')
        self.assertRegex(text, r"ok +QueueNegative")
        self.assertGreater(self.target.scrapes, 1)

    def test_each_alert_has_its_receiver(self):
        flags = ("--collect=2s", "--config.file=tocsin.yml", "--alertmanager.config=alertmanager.yml")
        answer = json.loads(self.eval(*flags, "--format=json"))
        self.assertEqual([to["receivers"][0]["receiver"] for to in answer["routes"] if to["state"] == "pending"],
                         ["nobody"] * 3)
        routes = {route["labels"]["queue"]: route for route in answer["routes"] if route["state"] == "firing"}
        self.assertEqual(sorted(routes), ["images", "mail"])
        self.assertEqual([to["receiver"] for to in routes["mail"]["receivers"]], ["post"])
        self.assertEqual([to["receiver"] for to in routes["images"]["receivers"]], ["pager"])
        self.assertIn('queue="images"', routes["images"]["receivers"][0]["group"])
        self.assertEqual(routes["images"]["silencedBy"], [])
        self.assertEqual(len(routes["mail"]["silencedBy"]), 1)
        self.assertIn('team="images"', routes["mail"]["silencedBy"][0])
        self.assertEqual({alert["labels"]["site"] for alert in answer["payload"]}, {"here"})
        self.assertEqual([alert["labels"] for alert in answer["payload"] if "job" in alert["labels"]], [])
        text = self.eval(*flags)
        self.assertIn("to post, in the group", text)
        self.assertIn("silenced by {", text)

    @unittest.skipIf(find_prometheus() is None, "Debian's package prometheus is not installed")
    def test_over_a_prometheus_as_by_it(self):
        self.write("prometheus.yml", "global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s}\n"
                   "rule_files: [rules.yml]\n"
                   f"scrape_configs: [{{job_name: app, static_configs: [{{targets: ['{self.target.address}']}}]}}]\n")
        server = Server("prometheus", [find_prometheus(), f"--config.file={self.folder}/prometheus.yml"], self.folder)
        self.addCleanup(server.stop)
        server.start()

        def theirs():
            found = json.loads(server.ask("/api/v1/alerts")[1])["data"]["alerts"]
            return found if len(found) == 5 else None

        alerts = eventually(theirs, timeout=30, pause=0.2)
        self.assertTrue(alerts, server.ask("/api/v1/rules"))
        ours = json.loads(self.eval(f"--server={server.url}", "--format=json"))["alerts"]
        self.assertEqual({key(alert["labels"]): (alert["state"], float(alert["value"]), key(alert["annotations"]))
                          for alert in ours},
                         {key(alert["labels"]): (alert["state"], float(alert["value"]), key(alert["annotations"]))
                          for alert in alerts})
        self.backtest_tells_what_prometheus_did(server)
        # Before there were data, nothing was wrong.
        before = self.eval(f"--server={server.url}", f"--at={int(time.time()) - 7200}")
        self.assertIn("0 firing, 0 pending", before)

    def backtest_tells_what_prometheus_did(self, server):
        """Over its history, the alerts fire that fired in it, from about the same second on."""
        done = subprocess.run([str(PROGRAM), "rules", "backtest", f"--server={server.url}", "--from=-2m", "--format=json",
                               "rules.yml"], cwd=self.folder, timeout=60, capture_output=True, text=True, check=True)
        ours = {key(alert["labels"]): alert for rule in json.loads(done.stdout)["rules"] for alert in rule["alerts"]}
        series = json.loads(server.ask("/api/v1/query", {"query": 'ALERTS{alertstate="firing"}[3m]'})[1])["data"]["result"]
        theirs = {key({name: text for name, text in one["metric"].items() if name not in ("__name__", "alertstate")}):
                  one["values"][0][0] for one in series}
        self.assertEqual(len(theirs), 2)
        self.assertEqual({labels for labels, alert in ours.items() if alert["pages"] == 1}, set(theirs))
        for labels, began in theirs.items():
            fired = [step["at"] for step in ours[labels]["transitions"] if step["state"] == "firing"]
            self.assertAlmostEqual(datetime.datetime.fromisoformat(fired[0].replace("Z", "+00:00")).timestamp(), began, delta=2)

    def test_what_cannot_be_asked_is_said(self):
        done = subprocess.run([str(PROGRAM), "rules", "eval", "--server=http://127.0.0.1:9", "rules.yml"],
                              cwd=self.folder, timeout=60, capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("127.0.0.1:9", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
