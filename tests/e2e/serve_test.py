"""`tocsin serve` alone: with no configuration, with the user's own, reloading, stopping."""
import os
import signal
import time

from support import SHARED, ScrapeTarget, TocsinCase, eventually, require_shared, scrape_config, write_yaml

PAGE = b"# TYPE good_total counter\ngood_total 1\n"


class WithoutConfiguration(TocsinCase):
    def test_the_host_and_itself(self):
        self.serve()
        self.assertTrue(eventually(lambda: self.server.query("node_load1"), timeout=40))
        self.assertTrue(eventually(
            lambda: self.server.query('process_resident_memory_bytes{job="tocsin"}'), timeout=40))
        self.assertIn(self.server.address, self.log)
        status, headers, text = self.server.fetch("/")
        self.assertEqual(status, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/html"))
        self.assertIn("tocsin", text)

    def test_what_the_environment_names(self):
        closed = self.ports.free()
        self.serve(environment={
            "DATABASE_URL": f"postgresql+asyncpg://u:p%40ss@127.0.0.1:{closed}/d",
            "REDIS_URL": f"redis://:s3cret@127.0.0.1:{closed}/0",
            "CELERY_BROKER_URL": f"redis://:s3cret@127.0.0.1:{closed}/1"})
        self.assertTrue(eventually(lambda: self.server.query("pg_up == 0"), timeout=40))
        self.assertTrue(eventually(lambda: self.server.query("redis_up == 0"), timeout=40))
        for word in ("postgres", "redis", "celery", f"127.0.0.1:{closed}"):
            self.assertIn(word, self.log)
        for secret in ("p%40ss", "p@ss", "s3cret"):
            self.assertNotIn(secret, self.log)
        self.assertLessEqual(len(self.log.splitlines()), 60, "the start takes more than one screen")


class SeedConfiguration(TocsinCase):
    def test_is_loaded_as_it_is(self):
        require_shared()
        self.serve(SHARED / "seed/prometheus.yml")
        targets = self.server.get("/api/v1/targets")["data"]["activeTargets"]
        urls = {target["scrapeUrl"] for target in targets}
        for address in ("app-blue:8000", "app-green:8000", "nginx:9113", "postgres:9187", "redis-master:9121",
                        "celery-worker:8080", "node-exporter:9100"):
            self.assertIn(f"http://{address}/metrics", urls)
        groups = self.server.get("/api/v1/rules")["data"]["groups"]
        self.assertEqual([len(group["rules"]) for group in groups], [6])
        managers = self.server.get("/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
        self.assertEqual([manager["url"] for manager in managers], ["http://alertmanager:9093/api/v2/alerts"])


class Reload(TocsinCase):
    def setUp(self):
        super().setUp()
        self.target = ScrapeTarget(PAGE)
        self.addCleanup(self.target.close)
        self.serve(self.config("before"), flags=["--web.enable-lifecycle"])
        self.assertTrue(eventually(lambda: self.server.query("before")))

    def config(self, record):
        write_yaml(self.folder / "rules.yml",
                   {"groups": [{"name": "g", "rules": [{"record": record, "expr": "good_total"}]}]})
        return scrape_config(self.target, rule_files=["rules.yml"])

    def rules(self):
        return [rule["name"] for group in self.server.get("/api/v1/rules")["data"]["groups"]
                for rule in group["rules"]]

    def test_a_good_one_takes_effect(self):
        self.config("after")
        os.kill(self.process.pid, signal.SIGHUP)
        self.assertTrue(eventually(lambda: self.rules() == ["after"]))
        self.assertTrue(eventually(lambda: self.server.query("after")))

    def test_a_broken_one_changes_nothing_and_says_why(self):
        self.write("tocsin.yml", "global:\n  scrape_intervall: 1s\n")
        os.kill(self.process.pid, signal.SIGHUP)
        self.assertTrue(eventually(lambda: "tocsin.yml:2:3" in self.log), self.log)
        self.assertEqual(self.rules(), ["before"])
        scrapes = self.target.scrapes
        self.assertTrue(eventually(lambda: self.target.scrapes > scrapes + 2))

    def test_a_broken_rule_file_changes_nothing_and_says_why(self):
        self.write("rules.yml", "groups:\n- name: g\n  rules:\n  - record: after\n    expr: sum(\n")
        status, _, text = self.server.fetch("/-/reload", method="POST")
        self.assertEqual(status, 500)
        self.assertRegex(text, r"rules\.yml:5:\d+")
        self.assertEqual(self.rules(), ["before"])
        self.config("after")
        self.assertEqual(self.server.fetch("/-/reload", method="POST")[0], 200)
        self.assertEqual(self.rules(), ["after"])

    def test_twenty_reloads_in_a_row(self):
        for number in range(20):
            self.config(f"number_{number}")
            self.assertEqual(self.server.fetch("/-/reload", method="POST")[0], 200)
        self.assertEqual(self.rules(), ["number_19"])
        self.assertTrue(eventually(lambda: self.server.query("number_19")))


class Stopping(TocsinCase):
    def test_a_signal_ends_it_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                self.serve({})
                os.kill(self.process.pid, number)
                started = time.monotonic()
                self.assertEqual(self.process.wait(timeout=20), 0, self.log)
                self.assertLess(time.monotonic() - started, 5)

    def test_a_second_signal_does_no_harm(self):
        self.serve({})
        for _ in range(20):
            self.process.terminate()
        self.assertEqual(self.process.wait(timeout=20), 0, self.log)

    def test_a_hanging_target_does_not_hold_it_up(self):
        target = ScrapeTarget(lambda handler: time.sleep(30))
        self.addCleanup(target.close)
        self.serve(scrape_config(target, interval="10s"))
        self.assertTrue(eventually(lambda: target.scrapes, timeout=20))
        os.kill(self.process.pid, signal.SIGTERM)
        started = time.monotonic()
        self.assertEqual(self.process.wait(timeout=30), 0, self.log)
        self.assertLess(time.monotonic() - started, 15)
