"""Remote write to a real Prometheus, and the state of alerts back from it after the own disk was lost."""
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from servers import Server, find_prometheus  # noqa: E402
from support import PROGRAM  # noqa: E402

RULES = """
groups:
- name: g
  interval: 1s
  rules:
  - record: one
    expr: vector(1)
  - alert: Waits
    expr: one == 1
    for: 10h
  - alert: Fires
    expr: one == 1
    for: 0s
"""


def value(server, query):
    answer = json.loads(server.ask("/api/v1/query", {"query": query})[1])
    result = answer["data"]["result"]
    return float(result[0]["value"][1]) if result else None


def eventually(check, timeout=30):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            found = check()
            if found:
                return found
        except OSError:
            pass
        time.sleep(0.2)
    return None


class RemoteWrite(unittest.TestCase):
    def setUp(self):
        if find_prometheus() is None:
            self.skipTest("Debian's package prometheus is not installed")
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tocsin-remote-")))
        (self.folder / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
        self.prometheus = Server("prometheus", [find_prometheus(), f"--config.file={self.folder}/prometheus.yml"],
                                 self.folder)
        self.addCleanup(self.prometheus.stop)
        self.prometheus.start()
        (self.folder / "rules.yml").write_text(RULES)
        (self.folder / "tocsin.yml").write_text(
            "global: {scrape_interval: 1s, external_labels: {cluster: eu}}\n"
            f"rule_files: ['{self.folder}/rules.yml']\n"
            "remote_write:\n"
            f"- url: {self.prometheus.url}/api/v1/write\n"
            "  name: far\n"
            "  queue_config: {batch_send_deadline: 200ms}\n"
            "  write_relabel_configs:\n"
            "  - {source_labels: [__name__], regex: 'one|ALERTS.*', action: keep}\n"
            "  - {regex: cluster, action: labeldrop}\n")

    def tocsin(self, name, *flags):
        server = Server(name, [str(PROGRAM), "serve", f"--config.file={self.folder}/tocsin.yml", *flags], self.folder)
        self.addCleanup(server.stop)
        server.start()
        return server

    def test_samples_arrive_and_states_come_back(self):
        first = self.tocsin("first")
        self.assertTrue(eventually(lambda: value(self.prometheus, "one") == 1))
        self.assertTrue(eventually(
            lambda: value(self.prometheus, 'ALERTS{alertname="Waits",alertstate="pending"}') == 1))
        self.assertTrue(eventually(
            lambda: value(self.prometheus, 'ALERTS{alertname="Fires",alertstate="firing"}') == 1))
        since = eventually(lambda: value(self.prometheus, 'ALERTS_FOR_STATE{alertname="Waits"}'))
        self.assertEqual(since, value(first, 'ALERTS_FOR_STATE{alertname="Waits"}'))
        self.assertGreater(value(first, 'prometheus_remote_storage_samples_total{remote_name="far"}') or 1, 0)
        first._process.kill()
        first._process.wait()
        shutil.rmtree(first.folder / "data")

        # Without its disk and without help, the alert would begin to wait anew.
        second = self.tocsin("second", f"--rules.alert.restore-url={self.prometheus.url}")
        active = eventually(lambda: self.active_at(second, since))
        self.assertTrue(active, second.ask("/api/v1/alerts")[1])

    @staticmethod
    def active_at(server, since):
        """Whether the alert counts as active since before: the time without tocsin does not count."""
        now = value(server, 'ALERTS_FOR_STATE{alertname="Waits"}')
        return now is not None and now < time.time() - 1.5 and since <= now < since + 60


if __name__ == "__main__":
    unittest.main()
