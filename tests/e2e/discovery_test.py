"""Targets and Alertmanagers that are found: by files that change, over HTTP, behind TLS and passwords."""
import base64
import json
import time
import unittest

from faults import servers
from support import ScrapeTarget, TocsinCase, eventually

RULES = "groups: [{name: g, rules: [{alert: Always, expr: vector(1)}]}]\n"


class Groups(servers.Served):
    """Answers http_sd."""

    def __init__(self, groups):
        self.groups = groups
        outer = self

        class Handler(servers.Quiet):
            def do_GET(self):
                self.answer(200, json.dumps(outer.groups).encode(), "application/json")

        super().__init__(Handler)


class Takes(servers.Served):
    """Takes alerts: (path, headers) of each request."""

    def __init__(self, tls=None, code=200):
        self.requests = []
        self.code = code
        outer = self

        class Handler(servers.Quiet):
            def setup(self):
                if tls is not None:
                    self.request = tls.wrap_socket(self.request, server_side=True)
                super().setup()

            def do_POST(self):
                self.body()
                outer.requests.append((self.path, dict(self.headers)))
                self.answer(outer.code)

        super().__init__(Handler)


class Discovery(TocsinCase):
    def serve_with(self, **sections):
        self.write("rules.yml", RULES)
        return self.serve({"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms",
                                      "evaluation_interval": "500ms"}, "rule_files": ["rules.yml"]} | sections,
                          flags=["--rules.alert.resend-delay=1s"])

    def alertmanagers(self):
        return self.server.get("/api/v1/alertmanagers")["data"]

    def test_files_and_http_find_scrape_targets(self):
        one, two = ScrapeTarget(b"one 1\n"), ScrapeTarget(b"two 2\n")
        found = Groups([{"targets": [two.address], "labels": {"zone": "b"}}])
        for each in (one, two, found):
            self.addCleanup(each.close)
        self.write("targets.json", json.dumps([{"targets": [one.address], "labels": {"zone": "a"}}]))
        self.serve_with(scrape_configs=[{
            "job_name": "found", "file_sd_configs": [{"files": ["targets*.json"]}],
            "http_sd_configs": [{"url": f"http://{found.address}/", "refresh_interval": "1s"}],
            "relabel_configs": [{"source_labels": ["__meta_filepath"], "regex": ".*/(.*)", "target_label": "file"}]}])
        self.assertTrue(eventually(lambda: self.server.value('one{zone="a",file="targets.json"}') == 1))
        self.assertTrue(eventually(lambda: self.server.value('two{zone="b"}') == 2))
        # Files change, and one appears; the other target is not disturbed.
        before = self.server.value('count_over_time(two[1h])')
        self.write("targets.json", "[]")
        self.write("targets2.json", json.dumps([{"targets": [one.address], "labels": {"zone": "c"}}]))
        self.assertTrue(eventually(lambda: self.server.value('one{zone="c"}') == 1))
        self.assertTrue(eventually(lambda: self.server.value('one{zone="a"}') is None))
        self.assertGreater(self.server.value('count_over_time(two[1h])'), before)
        found.groups = []
        self.assertTrue(eventually(lambda: self.server.value("two") is None))
        self.assertTrue(eventually(
            lambda: self.server.value('prometheus_sd_discovered_targets{config="found"}') == 1))

    def test_an_alertmanager_that_is_found_late_is_told_everything(self):
        manager = Takes()
        self.addCleanup(manager.close)
        self.write("am.yml", "[]")
        self.serve_with(alerting={"alertmanagers": [{"path_prefix": "/am", "file_sd_configs": [{"files": ["am.yml"]}]}]})
        self.assertTrue(eventually(lambda: self.server.value("ALERTS") == 1))
        self.assertEqual(self.alertmanagers()["activeAlertmanagers"], [])
        self.write("am.yml", f"- targets: ['{manager.address}']\n")
        self.assertTrue(eventually(lambda: manager.requests))
        self.assertEqual(manager.requests[0][0], "/am/api/v2/alerts")
        (shown,) = self.alertmanagers()["activeAlertmanagers"]
        self.assertEqual(shown["url"], f"http://{manager.address}/am/api/v2/alerts")
        self.assertEqual((shown["lastError"], shown["queued"]), ("", 0))
        self.assertIn("lastSuccess", shown)
        self.assertTrue(eventually(
            lambda: self.server.value("prometheus_notifications_alertmanagers_discovered") == 1))

    def test_tls_with_another_name_passwords_and_headers(self):
        context, authority = servers.certificate(self.folder, "DNS:am.example")
        manager = Takes(context)
        self.addCleanup(manager.close)
        self.write("secret", "pass:word\n")
        self.serve_with(alerting={"alertmanagers": [{
            "scheme": "https", "static_configs": [{"targets": [manager.address]}],
            "tls_config": {"ca_file": str(authority), "server_name": "am.example"},
            "basic_auth": {"username": "u", "password_file": "secret"},
            "http_headers": {"X-Scope-OrgID": {"values": ["team"]}}}]})
        self.assertTrue(eventually(lambda: manager.requests), self.alertmanagers())
        _, headers = manager.requests[0]
        self.assertEqual(headers["Authorization"], "Basic " + base64.b64encode(b"u:pass:word").decode())
        self.assertEqual(headers["X-Scope-OrgID"], "team")
        self.assertEqual(headers["Host"], manager.address)
        self.assertNotIn("pass:word", self.log)

    def test_a_proxy_is_asked_to_reach_an_alertmanager(self):
        proxy = Takes()
        self.addCleanup(proxy.close)
        self.serve_with(alerting={"alertmanagers": [{
            "static_configs": [{"targets": ["alertmanager.invalid:9093"]}], "proxy_url": f"http://{proxy.address}"}]})
        self.assertTrue(eventually(lambda: proxy.requests), self.log)
        self.assertEqual(proxy.requests[0][0], "http://alertmanager.invalid:9093/api/v2/alerts")

    def test_what_cannot_be_told_at_the_end_is_reported(self):
        manager = Takes(code=503)
        self.addCleanup(manager.close)
        self.serve_with(alerting={"alertmanagers": [{"static_configs": [{"targets": [manager.address]}]}]})
        self.assertTrue(eventually(lambda: manager.requests))
        began = time.monotonic()
        self.assertEqual(self.end(), 0)
        took = time.monotonic() - began
        self.assertTrue(14 < took < 19, took)
        lost = next(line for line in self.log.splitlines() if "not delivered before the end" in line)
        self.assertIn(f"alertmanager=http://{manager.address}/api/v2/alerts", lost)
        self.assertIn("alerts=1", lost)
        self.assertIn("Always", lost)

    def test_what_waits_is_told_at_the_end(self):
        manager = Takes(code=503)
        self.addCleanup(manager.close)
        self.serve_with(alerting={"alertmanagers": [{"static_configs": [{"targets": [manager.address]}]}]})
        self.assertTrue(eventually(lambda: len(manager.requests) >= 3))
        manager.code = 200
        manager.requests.clear()
        self.assertEqual(self.end(), 0)
        self.assertNotEqual(manager.requests, [])
        self.assertNotIn("not delivered", self.log)

    def test_an_unknown_certificate_is_refused_and_told(self):
        context, _ = servers.certificate(self.folder)
        manager = Takes(context)
        self.addCleanup(manager.close)
        self.serve_with(alerting={"alertmanagers": [{"scheme": "https",
                                                     "static_configs": [{"targets": [manager.address]}]}]})
        self.assertTrue(eventually(
            lambda: "certificate" in self.alertmanagers()["activeAlertmanagers"][0]["lastError"]))
        self.assertEqual(manager.requests, [])

    def test_notify_print_writes_json_and_tells_nobody(self):
        manager = Takes()
        self.addCleanup(manager.close)
        self.write("rules.yml", RULES)
        self.serve({"global": {"evaluation_interval": "500ms", "external_labels": {"cluster": "c1"}},
                    "rule_files": ["rules.yml"],
                    "alerting": {"alertmanagers": [{"static_configs": [{"targets": [manager.address]}]}]}},
                   flags=["--notify=print"])
        line = eventually(lambda: next((t for t in self.log.splitlines() if t.startswith("[{")), None))
        (alert,) = json.loads(line)
        self.assertEqual(alert["labels"], {"alertname": "Always", "cluster": "c1"})
        self.assertEqual(manager.requests, [])
        self.assertEqual(self.alertmanagers()["activeAlertmanagers"], [])


if __name__ == "__main__":
    unittest.main()
