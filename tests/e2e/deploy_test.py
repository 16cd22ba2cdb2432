"""deploy.sh and rollback.sh over real servers: nginx, Postgres, Redis, Celery, tocsin and the example app."""
import collections
import json
import re
import subprocess
import time
import unittest

from blue_green import BlueGreen, rows
from stack.settings import DEPLOY
from support import PROGRAM, eventually

PHASES = ("preflight", "announce", "migrate", "start", "pre", "baseline", "shift", "soak", "worker", "retire")


class DeployCase(unittest.TestCase):
    def setUp(self):
        self.stack = BlueGreen().__enter__()
        self.addCleanup(self.stack.__exit__)

    def deploy(self, *arguments, code=0, **more):
        ended, output, seconds = self.stack.run("deploy.sh", *arguments, **more)
        self.assertEqual(ended, code, output)
        return output, seconds

    def quickly(self, script, *arguments, code=0, **more):
        ended, output, seconds = self.stack.quick(script, *arguments, **more)
        self.assertEqual(ended, code, output)
        return output, seconds

    def assert_sound(self, active):
        """Nothing is under way; nginx and the monitoring know the active color, which serves."""
        state = self.stack.state()
        self.assertIsNone(state["deployment"])
        self.assertEqual(state["active"], active)
        self.assertEqual({color: share for color, share in state["shares"].items() if share}, {active: 100})
        self.assertTrue(self.stack.color_answers(active))
        targets = json.loads((self.stack.folder / "targets/app.json").read_text())
        self.assertIn(active, [group["labels"]["color"] for group in targets])
        for group in targets:
            self.assertTrue(self.stack.color_answers(group["labels"]["color"]), targets)
        generation = subprocess.run(["curl", "-fsS", f"http://{self.stack.internal}/-/generation"],
                                    capture_output=True, text=True, check=True)
        self.assertEqual(int(generation.stdout), state["generation"])

    def assert_no_failures(self, report):
        problems = {step["name"]: step["problems"] for step in report["steps"] if step["failed"]}
        self.assertEqual((report["failed"], problems), (0, {}))
        self.assertGreater(report["succeeded"], 50)


class ThreeDeployments(DeployCase):
    def test_under_constant_load_no_request_fails(self):
        self.deploy("good")
        rate = self.stack.affordable_rate(300)
        before = rows(self.stack)
        took = []
        with self.stack.load(rate) as load:
            time.sleep(1)
            for version, color in (("good", "green"), ("expands", "blue"), ("good", "green")):
                took.append(self.deploy(version)[1])
                self.assert_sound(color)
        self.assert_no_failures(load.report)
        records = self.stack.records()
        self.assertEqual([record["to"] for record in records], ["blue", "green", "blue", "green"])
        self.assertEqual({record["result"] for record in records}, {"succeeded"})
        # Every accepted POST is a row: none was done twice, none was lost.
        uploads = next(step for step in load.report["steps"] if step["name"].startswith("upload"))
        self.assertEqual(rows(self.stack) - before, uploads["requests"])
        self.assert_shares()
        print(f"{rate} requests/s, three deployments in {sum(took):.0f} s: {load.report['succeeded']} succeeded, "
              f"{load.report['failed']} failed, {load.report['reconnects']} reconnects, {uploads['requests']} of them POST, p95 "
              f"{load.report['latency_seconds']['p95'] * 1000:.0f} ms, p99 {load.report['latency_seconds']['p99'] * 1000:.0f} ms")

    def assert_shares(self):
        """Both colors had traffic, and each answered what it was sent: the other was nobody's stopgap."""
        colors = collections.Counter()
        for entry in self.stack.access_log():
            colors[entry["color"]] += 1
            self.assertEqual(entry["status"] < 500, True, entry)
        self.assertGreater(min(colors["blue"], colors["green"]), sum(colors.values()) * 0.2)


class BadReleases(DeployCase):
    # How the deployment ends, and the phase in which it does.
    BAD = {"slow": (1, "pre"), "errors": (1, "pre"), "leak": (1, "pre"), "unhealthy": (1, "pre"), "crash": (1, "pre"),
           "bad-migration": (None, "preflight"), "contracts": (None, "preflight"), "no-such-version": (None, "preflight")}

    def test_each_bad_release_rolls_itself_back_and_the_old_color_is_untouched(self):
        self.deploy("good")
        pid, generation = self.stack.pid("blue"), self.stack.state()["generation"]
        with self.stack.load(20) as load:
            for version, (code, phase) in self.BAD.items():
                with self.subTest(version):
                    ended, output, _ = self.stack.run("deploy.sh", version)
                    self.assertNotEqual(ended, 0, output)
                    if code:
                        self.assertEqual(ended, code, output)
                    record = self.stack.records()[-1]
                    self.assertEqual((record["result"], record["phase"], record["version"]),
                                     ("rolled_back", phase, version), output)
                    self.assert_sound("blue")
                    self.assertEqual(self.stack.pid("blue"), pid)
                    self.assertIsNone(self.stack.pid("green"))
        # nginx was not even reloaded.
        self.assertEqual(self.stack.state()["generation"], generation)
        self.assert_no_failures(load.report)
        # A migration is refused before anything is done; without a rehearsal by the triggers alone.
        self.assertEqual(self.stack.ask_database("SELECT count(*) FROM pg_database WHERE datname ~ 'rehearsal'"), 0)
        ended, output, _ = self.stack.quick("deploy.sh", "contracts", "--skip-load", DATABASE_ADMIN="")
        self.assertNotEqual(ended, 0)
        self.assertIn("not rehearsed", output)
        self.assertEqual(self.stack.records()[-1]["phase"], "migrate")
        # A statement that cannot be in a transaction is rehearsed, and done.
        self.quickly("deploy.sh", "concurrently", "--skip-load")
        self.assert_sound("green")
        self.quickly("deploy.sh", "good", "--skip-load")
        self.assertEqual(self.stack.ask_database("SELECT indisvalid FROM pg_index WHERE indexrelid = 'videos_by_size'::regclass"), True)
        # What takes something away is taken when it is said that nobody uses it.
        self.quickly("deploy.sh", "contracts", "--contract", "--skip-load")
        self.assert_sound("green")

    def test_a_release_that_fails_in_traffic_loses_it_again(self):
        self.deploy("good")
        pid = self.stack.pid("blue")
        rate = self.stack.affordable_rate(100)
        with self.stack.load(rate) as load:
            output, _ = self.deploy("fails-in-traffic", code=1, RULES=" ".join(map(str, (DEPLOY / "rules").glob("[a-z]*.yml"))))
        self.assertIn("error_rate_max", output)
        record = self.stack.records()[-1]
        self.assertEqual((record["result"], record["phase"], record["gates"]["step-5"]), ("rolled_back", "shift", "fail"))
        self.assertIn("error_rate", record["deciding"]["step-5"]["check"])
        self.assertIn(" is above ", record["deciding"]["step-5"]["why"])
        self.assert_sound("blue")
        self.assertEqual(self.stack.pid("blue"), pid)
        # Bounded: only the first twentieth of the traffic was there to fail.
        self.assertGreater(load.report["failed"], 0)
        self.assertLess(load.report["failed"], load.report["started"] * 0.15)
        # The verdicts and the log of what was wrong are kept.
        kept = self.stack.folder / "state/deployments" / record["id"]
        self.assertTrue((kept / "step-5.json").exists() and (kept / "green.log").exists())


class Killed(DeployCase):
    """deploy.sh is killed, then resumed or rolled back in turn, so that each starts from each kind of place."""

    def test_killed_before_the_traffic_moves(self):
        self.kill_at_each([f"before-{phase}" for phase in PHASES[:6]])

    def test_killed_while_or_after_the_traffic_moves(self):
        self.kill_at_each([f"before-{phase}" for phase in PHASES[6:]] + ["step-5", "step-100", "after-retire"])

    def kill_at_each(self, points):
        self.quickly("deploy.sh", "good", "--skip-load")
        with self.stack.load(20) as load:
            for number, point in enumerate(points):
                way = ("resume", "rollback")[number % 2]
                with self.subTest(point=point, way=way):
                    self.kill_at(point, way)
        self.assert_no_failures(load.report)

    def kill_at(self, point, way):
        before = self.stack.state()["active"]
        hook = self.stack.hook(point)
        self.quickly("deploy.sh", "good", "--skip-load", code=-9)
        hook.unlink()
        self.assertIsNotNone(self.stack.state()["deployment"])
        # Another deployment is refused as long as this one is open.
        self.quickly("deploy.sh", "good", code=64)
        if way == "resume":
            self.quickly("deploy.sh", "--resume", "--skip-load")
        else:
            self.quickly("rollback.sh", "--emergency", "--stop")
        self.assert_sound(before if way == "rollback" else {"blue": "green", "green": "blue"}[before])


class Operator(DeployCase):
    def setUp(self):
        super().setUp()
        self.quickly("deploy.sh", "good", "--skip-load")

    def test_traffic_is_held_resumed_and_given_back(self):
        self.quickly("deploy.sh", "good", "--skip-load", "--to-step", "25")
        self.assertEqual(self.stack.state()["shares"], {"blue": 75, "green": 25})
        self.assertEqual(self.stack.state()["deployment"]["phase"], "shift")
        self.quickly("deploy.sh", "--resume", "--skip-load")
        self.assert_sound("green")

        # The deployment is complete: the version before starts again.
        self.assertIsNone(self.stack.pid("blue"))
        self.quickly("rollback.sh", "--reason", "users complain")
        self.assert_sound("blue")
        self.assertEqual(self.stack.records()[-1]["result"], "rolled_back")

        # One is under way: a file and a reload.
        took = []
        for _ in range(2):
            self.quickly("deploy.sh", "good", "--skip-load", "--to-step", "50")
            output, _ = self.quickly("rollback.sh", "--emergency", "--reason", "Performance degradation")
            took.append(int(re.search(r"the traffic is back after (\d+) ms", output)[1]))
            self.assert_sound("blue")
            self.assertTrue(self.stack.color_answers("green"))  # kept, to be looked at
            record = self.stack.records()[-1]
            self.assertEqual((record["result"], record["reason"]), ("rolled_back", "Performance degradation"))
        print(f"the traffic was back {min(took)} ms after the start of rollback.sh")
        self.assertLess(min(took), 1000)
        # There is nothing else to go back to.
        self.quickly("rollback.sh", "--emergency", code=1)

    def test_clients_are_limited_and_trusted_ones_choose_a_color(self):
        self.quickly("deploy.sh", "good", "--skip-load", "--to-step", "5")
        trusted, stranger = "127.0.0.1", "127.0.0.2"
        # Ten in a minute and five at once, for uploads; the limit is no server error.
        refused = [self.ask(stranger, "/api/videos/upload", "-X", "POST") for _ in range(8)]
        self.assertEqual(set(refused), {"400", "429"})
        self.assertNotIn("429", [self.ask(trusted, "/api/videos/upload", "-X", "POST") for _ in range(8)])
        self.assertEqual(self.ask(stranger, "/green/health"), "403")
        self.assertEqual(self.ask(trusted, "/green/health"), "200")
        self.assertEqual([self.ask(stranger, f"/health/{color}") for color in ("blue", "green")], ["200", "200"])
        self.assertEqual(self.ask(stranger, "/metrics"), "404")
        for _ in range(5):
            self.ask(trusted, "/api/dashboard/stats", "-H", "X-Deployment-Color: green")
        entries = [entry for entry in self.stack.access_log() if entry["uri"] == "/api/dashboard/stats"]
        self.assertEqual({entry["upstream"] for entry in entries}, {self.stack.green})
        headers = subprocess.run(["curl", "-sI", f"http://{self.stack.front}/static/x"], capture_output=True, text=True, check=True)
        for name in ("X-Content-Type-Options: nosniff", "X-Frame-Options: DENY", "Strict-Transport-Security", "X-Request-Id"):
            self.assertIn(name, headers.stdout)

    def ask(self, source, path, *flags):
        """The status that a client at that address gets."""
        done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--interface", source, *flags,
                               f"http://{self.stack.front}{path}"], capture_output=True, text=True, check=True)
        return done.stdout

    def test_a_gate_that_does_not_know_holds_or_goes_back_as_asked(self):
        nowhere = {"SERVER_URL": f"http://127.0.0.1:{self.stack.settings.spare_ports.free()}"}
        self.quickly("deploy.sh", "good", "--skip-load", "--hold", code=4, **nowhere)
        self.assertEqual(self.stack.state()["deployment"]["phase"], "shift")
        self.assertEqual(self.stack.state()["shares"], {"blue": 95, "green": 5})
        self.quickly("deploy.sh", "--resume", "--skip-load", code=4, **nowhere)
        self.assert_sound("blue")

    def test_one_at_a_time_and_rollback_ends_it(self):
        running = self.stack.command("deploy.sh", "good", "--skip-load", STEP_SECONDS="60", GATES=self.stack.quick_gates)
        self.addCleanup(running.stdout.close)
        self.assertTrue(eventually(lambda: self.stack.state()["shares"].get("green") == 5, timeout=40))
        output, _ = self.quickly("deploy.sh", "good", code=75)
        self.assertIn(f"process {running.pid} is deploying", output)
        self.quickly("rollback.sh", "--emergency")
        self.assertEqual(running.wait(10), 143)
        self.assert_sound("blue")

    def test_a_dry_run_changes_nothing_and_records_say_what_happened(self):
        before = self.stack.state(), sorted(path.name for path in (self.stack.folder / "nginx").rglob("*"))
        output, _ = self.quickly("deploy.sh", "good", "--dry-run")
        for words in ("5% green;", "'--phase=step'", "'kill' '-HUP'", "write", "app.json", "'gate'", "/good/migrate'"):
            self.assertIn(words, output)
        after = self.stack.state(), sorted(path.name for path in (self.stack.folder / "nginx").rglob("*"))
        self.assertEqual(after, before)
        self.assertIsNone(self.stack.pid("green"))

        self.quickly("deploy.sh", "crash", "--skip-load", code=1)
        self.quickly("deploy.sh", "good", "--skip-load", "--committed", "2026-01-01T00:00:00+01:00")
        page = self.stack.folder / "state/metrics/tocsin_deploy.prom"
        checked = subprocess.run([PROGRAM, "check", "metrics", page], capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        text = page.read_text()
        for line in ('tocsin_deployments_total{result="succeeded"} 2', 'tocsin_deployments_total{result="rolled_back"} 1',
                     'tocsin_gate_result{gate="step-50",phase="step"} 0',
                     'tocsin_deployment_share{color="green",version="good"} 100', "tocsin_deployment_lead_time_seconds "):
            self.assertIn(line, text)
        self.assertEqual(self.stack.records()[-1]["committed"], "2025-12-31T23:00:00Z")
        for path in (self.stack.folder / "state").rglob("*"):
            if path.is_file():
                for secret in self.stack.settings.passwords():
                    self.assertNotIn(secret, path.read_text(errors="replace"), path)
