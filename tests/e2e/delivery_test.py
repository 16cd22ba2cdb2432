"""Journeys and load against the example app of the stack."""
import datetime
import json
import signal
import subprocess

import psycopg2

from stack import faults
from stack.settings import write_yaml
from support import PROGRAM, SOURCE, StackCase, TocsinCase, eventually


class Delivery(StackCase, TocsinCase):
    def setUp(self):
        StackCase.setUp(self)
        TocsinCase.setUp(self)

    def run_program(self, *arguments):
        done = subprocess.run([PROGRAM, *arguments, f"http://{self.settings.app_address}"],
                              capture_output=True, text=True, timeout=120)
        print(done.stdout, done.stderr)
        return done

    def journeys(self):
        return f"--journeys={SOURCE}/deploy/journeys.yml"

    def test_the_journeys_of_the_app_succeed(self):
        done = self.run_program("validate", self.journeys(), "--format=json")
        self.assertEqual(done.returncode, 0, done.stdout)
        journeys = {journey["name"]: journey for journey in json.loads(done.stdout)}
        self.assertEqual(set(journeys), {"video_upload", "video_list", "dashboard_stats"})
        # The worker needs a moment, so the list was asked for more than once.
        self.assertGreater(journeys["video_upload"]["steps"][1]["requests"], 1)
        self.assertEqual([step["name"] for step in journeys["video_list"]["steps"]], ["upload", "list", "remove"])
        self.assertEqual(self.videos_of_journeys(), 0)

    def videos_of_journeys(self):
        connection = psycopg2.connect(self.settings.database_url("app", self.settings.app_password))
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM videos WHERE project LIKE 'journey-%'")
                return cursor.fetchone()[0]
        finally:
            connection.close()

    def test_a_journey_that_fails_says_why(self):
        self.stack.break_it("errors")
        failures = []
        for _ in range(10):  # three of ten requests fail
            done = self.run_program("validate", self.journeys(), "--journey=video_list", "--format=json")
            failures += [step["problem"] for journey in json.loads(done.stdout)
                         for step in journey["steps"] if not step["ok"]]
            self.assertEqual(done.returncode, 1 if failures else 0)
            if failures:
                break
        self.assertRegex(failures[0], "^status 500, expected 20[024]$")

    def test_load_finds_the_rate_and_what_went_wrong(self):
        done = self.run_program("load", self.journeys(), "--journey=video_list", "--journey=dashboard_stats",
                                "--rate=100", "--users=20", "--duration=5s", "--success-rate=0%", "--format=json")
        self.assertEqual(done.returncode, 0, done.stdout)
        report = json.loads(done.stdout)
        self.assertEqual(report["started"], 500)
        # On a busy machine an answer may take longer than the journey allows; nothing else may be wrong.
        problems = {kind for step in report["steps"] for kind in step["problems"]}
        self.assertLessEqual(problems, {"too slow"})
        self.assertEqual(sum(second["started"] for second in report["per_second"]), 500)
        lists = next(step for step in report["steps"] if step["name"] == "video_list: list")
        self.assertAlmostEqual(lists["requests"] / 500, 6 / 9, delta=0.02)
        self.assertGreater(report["latency_seconds"]["p50"], 0)
        self.assertEqual({step["name"] for step in report["steps"]}, {"video_list: list", "dashboard_stats: stats"})
        self.assertEqual(self.videos_of_journeys(), 0)

        self.stack.break_it("errors")
        done = self.run_program("load", self.journeys(), "--journey=dashboard_stats", "--rate=100", "--duration=5s", "--format=json")
        self.assertEqual(done.returncode, 1)
        report = json.loads(done.stdout)
        self.assertTrue(report["aborted"])
        self.assertLess(report["started"], 500)
        self.assertIn("status 500", {kind for step in report["steps"] for kind in step["problems"]})

    def config(self):
        app = self.settings.app_address
        return {
            "global": {"scrape_interval": "500ms"},
            "scrape_configs": [{"job_name": "app", "static_configs": [{"targets": [app], "labels": {"color": "blue"}}]}],
            "collectors": {"journey": {"url": f"http://{app}", "file": f"{SOURCE}/deploy/journeys.yml", "interval": "2s"}}}

    def test_serve_does_the_journeys_and_a_gate_is_checked_against_it(self):
        server = self.serve(self.config())
        self.assertTrue(eventually(lambda: server.value("sum(journey_success)") == 3), self.log)
        self.assertEqual({sample["metric"]["journey"] for sample in server.query("journey_success == 1")},
                         {"video_upload", "video_list", "dashboard_stats"})
        self.assertEqual(server.value('journey_step_status_code{journey="video_upload",step="upload"}'), 202)
        self.assertGreater(server.value('journey_step_requests{step="processed"}'), 1)
        faults.send(self.stack, "POST", {"errors": 1})
        self.assertTrue(eventually(lambda: server.value('journey_success{journey="video_list"}') == 0), self.log)
        self.assertIn("video_list, upload: status 500, expected 202", server.fetch("/api/v1/targets")[2])
        self.stack.repair("errors")
        self.assertTrue(eventually(lambda: server.value("sum(journey_success)") == 3), self.log)

        # A reload takes the other file.
        only = self.folder / "only.yml"
        write_yaml(only, {"journeys": [{"name": "health", "steps": [{"path": "/health"}]}]})
        config = self.config()
        config["collectors"]["journey"]["file"] = str(only)
        write_yaml(self.folder / "tocsin.yml", config)
        self.process.send_signal(signal.SIGHUP)
        self.assertTrue(eventually(lambda: server.value("sum(journey_success)") == 1), self.log)

        def check(*more):
            done = subprocess.run([PROGRAM, "gate", f"{SOURCE}/deploy/gates/deployment-gates.yml", "--check",
                                   f"--rules={SOURCE}/deploy/alert_rules.recommended.yml", f"--server={server.address}", *more],
                                  capture_output=True, text=True, timeout=60, check=False)
            return done.returncode, done.stdout
        code, text = check("--color=green")
        self.assertEqual(code, 0, text)
        self.assertIn("nothing for green yet; ", text)
        code, text = check("--color=blue")
        self.assertEqual((code, "0 problems" in text), (0, True), text)
        self.assertRegex(text, r"ok +query error_rate +[\d.]+% for blue")

    def test_a_past_deployment_is_judged_again(self):
        config = self.config()
        del config["collectors"]
        server = self.serve(config)
        gates = self.folder / "gates.yml"
        write_yaml(gates, {"gates": {"performance_validation": {"error_rate_max": 0.01}},
                           "window": "4s", "min_requests": 20, "max_age": "5s"})

        def traffic():
            self.run_program("load", "--rate=50", "--duration=4s", "--path=/api/dashboard/stats", "--success-rate=0%")

        def gate(*flags):
            done = subprocess.run([PROGRAM, "gate", str(gates), "--phase=step", "--color=blue", *flags],
                                  capture_output=True, text=True, timeout=60, check=False)
            return done.returncode, done.stdout

        traffic()
        self.assertTrue(eventually(lambda: gate(f"--server={server.address}")[0] == 0), gate(f"--server={server.address}"))
        good = datetime.datetime.now(datetime.timezone.utc).isoformat()
        faults.send(self.stack, "POST", {"errors": 1})
        traffic()
        code, text = gate(f"--server={server.address}", f"--bundle={self.folder}/kept")
        self.assertEqual(code, 1, text)
        self.assertIn("FAIL          performance_validation.error_rate_max", text)
        self.assertEqual(gate(f"--server={server.address}", f"--at={good}")[0], 0)
        self.assertEqual(gate(f"--replay={self.folder}/kept"), (code, text))
