"""The parts of the example stack that need no server."""
import collections
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest
from unittest import mock

import psycopg2
import yaml

from app import database, metrics
from stack import janitor
from stack.faults import FAULTS
from stack.settings import DEPLOY, Ports, Settings
from stack.stack import ALL_RULES, interrupts_deferred
from stack.times import REAL, Times


class TimesTest(unittest.TestCase):
    def test_only_durations_change(self):
        document = {"global": {"scrape_interval": "15s"}, "groups": [{"interval": "1m", "rules": [
            {"alert": "A", "for": "2m", "labels": {"x": "5m"},
             "expr": "rate(a[5m]) / (b offset 1h) > 5 and c[10m:1m] @ end()"}]}]}
        shorter = Times(20).shorten(document)
        self.assertEqual(shorter["global"]["scrape_interval"], "750ms")
        group = shorter["groups"][0]
        self.assertEqual(group["interval"], "3000ms")
        self.assertEqual(group["rules"][0], {
            "alert": "A", "for": "6000ms", "labels": {"x": "5m"},
            "expr": "rate(a[15000ms]) / (b offset 180000ms) > 5 and c[30000ms:3000ms] @ end()"})

    def test_real_times_stay(self):
        document = {"for": "2m", "expr": "a[5m]"}
        self.assertEqual(REAL.shorten(document), document)

    def test_compound_durations(self):
        self.assertEqual(Times(10).duration("1h30m"), "540000ms")


class InterruptsTest(unittest.TestCase):
    def setUp(self):
        def interrupt(*_):
            raise KeyboardInterrupt
        self.addCleanup(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, interrupt))

    def test_one_inside_the_block_comes_at_its_end(self):
        steps = []
        with self.assertRaises(KeyboardInterrupt):
            with interrupts_deferred():
                os.kill(os.getpid(), signal.SIGTERM)
                steps.append("inside")
            steps.append("after")
        self.assertEqual(steps, ["inside"])

    def test_one_after_the_block_comes_at_once(self):
        with interrupts_deferred():
            pass
        with self.assertRaises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)

    def test_a_child_of_the_block_can_be_interrupted(self):
        with interrupts_deferred():
            child = subprocess.Popen(["/bin/sleep", "60"])
        child.terminate()
        self.assertEqual(child.wait(), -signal.SIGTERM)


class SettingsTest(unittest.TestCase):
    def test_ports_differ(self):
        ports = Ports()
        given = [ports.free() for _ in range(50)]
        self.assertEqual(len(set(given)), 50)

    def test_the_configuration_has_this_stacks_addresses(self):
        settings = Settings(pathlib.Path("/nowhere"), Times(20), ALL_RULES)
        config = settings.tocsin_config()
        self.assertEqual(config["scrape_configs"][0]["static_configs"], [{"targets": [settings.app_address]}])
        self.assertEqual(config["global"]["evaluation_interval"], "750ms")
        self.assertEqual(config["rule_files"], list(ALL_RULES))

    def test_passwords_are_escaped_in_urls(self):
        settings = Settings(pathlib.Path("/nowhere"), REAL, ALL_RULES)
        self.assertNotIn(settings.app_password, settings.database_url("app", settings.app_password))

    def test_every_fault_names_an_alert_of_the_rules(self):
        rules = "".join((DEPLOY / name).read_text() for name in ALL_RULES)
        for name, fault in FAULTS.items():
            with self.subTest(name):
                self.assertIn(f"alert: {fault.alert}\n", rules)


class JanitorTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tocsin-test-")

    def resident(self):
        return subprocess.Popen(["sleep", "600"], cwd=self.folder, start_new_session=True)

    def test_kills_and_removes(self):
        process = self.resident()
        stopped = self.resident()
        stopped.send_signal(signal.SIGSTOP)
        self.assertEqual(set(janitor.residents(self.folder)), {process.pid, stopped.pid})
        self.assertEqual(set(janitor.clean(self.folder)), {process.pid, stopped.pid})
        self.assertEqual((process.wait(), stopped.wait()), (-signal.SIGKILL, -signal.SIGKILL))
        self.assertFalse(os.path.exists(self.folder))

    def test_acts_when_its_starter_is_gone(self):
        process = self.resident()
        guard = janitor.start(self.folder)
        time.sleep(0.3)
        self.assertIsNone(process.poll())
        guard.stdin.close()
        self.assertEqual(guard.wait(timeout=20), 0)
        self.assertEqual(process.wait(timeout=5), -signal.SIGKILL)
        self.assertFalse(os.path.exists(self.folder))


class DatabaseTest(unittest.TestCase):
    def setUp(self):
        self.database = database.Database("postgresql://nowhere", size=2)
        self.opened = []
        connect = mock.patch("psycopg2.connect", side_effect=self.open)
        connect.start()
        self.addCleanup(connect.stop)

    def open(self, *_, **__):
        self.opened.append(mock.MagicMock(closed=0))
        return self.opened[-1]

    def test_connections_are_kept_as_many_as_were_needed_at_once(self):
        for _ in range(3):
            with self.database.session(), self.database.session():
                pass
        self.assertEqual(len(self.opened), 2)
        with self.database.session(), self.database.session(), mock.patch("app.settings.BACKEND_TIMEOUT_SECONDS", 0.01):
            with self.assertRaises(database.Unavailable), self.database.session():
                pass

    def test_a_server_that_went_away_took_all_of_them(self):
        with self.database.session(), self.database.session():
            pass
        with self.assertRaises(database.Unavailable), self.database.session():
            for connection in self.opened:
                connection.closed = 2  # what psycopg2 says of one that the server has closed
            raise psycopg2.OperationalError("server closed the connection unexpectedly")
        with self.database.session(), self.database.session():
            pass
        self.assertEqual(len(self.opened), 4)


class MetricsTest(unittest.TestCase):
    def test_the_linter_of_the_rules_knows_what_the_app_gives(self):
        metrics.observe_request("GET", "/a", "200", 0.1)
        given = collections.defaultdict(set)
        for family in metrics.prometheus_client.REGISTRY.collect():
            for sample in family.samples:
                given[sample.name] |= set(sample.labels)
        for family in metrics.DURATIONS.collect():
            given[family.name] |= {label for sample in family.samples for label in sample.labels}
        given |= {"app_memory_limit_bytes": set(), "videos_processed_total": {"result"}}  # with a limit, with Redis
        settings = yaml.safe_load((DEPLOY / "rules/.tocsin-lint.yaml").read_text())
        self.assertGreater(len(settings["metrics"]), 5)
        for metric in settings["metrics"]:
            with self.subTest(metric["name"]):
                self.assertEqual(set(metric["labels"]) - {"job", "instance", "color"}, given[metric["name"]])


class QuantileTest(unittest.TestCase):
    def test_nearest_rank(self):
        values = [0.1 * n for n in range(1, 101)]
        self.assertEqual(metrics.quantile(values, 0.5), 5.0)
        self.assertEqual(metrics.quantile(values, 0.95), 9.5)
        self.assertEqual(metrics.quantile([0.7], 0.99), 0.7)
        self.assertNotEqual(metrics.quantile([], 0.5), metrics.quantile([], 0.5), "NaN when idle")

    def test_old_requests_are_forgotten(self):
        now = 100.0
        window = metrics.SlidingQuantiles(10, clock=lambda: now)
        window.observe("GET", "/a", 3.0)
        now = 105.0
        window.observe("GET", "/a", 1.0)
        p95 = lambda: {s.labels.get("quantile"): s.value for f in window.collect() for s in f.samples}["0.95"]
        self.assertEqual(p95(), 3.0)
        now = 111.0
        self.assertEqual(p95(), 1.0)
