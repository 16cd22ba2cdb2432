"""Journeys and load against the example app of the stack."""
import json
import subprocess

from support import PROGRAM, SOURCE, StackCase


class Delivery(StackCase):
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
        self.assertEqual(failures[:1], ["status 500, expected 200"])

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

        self.stack.break_it("errors")
        done = self.run_program("load", self.journeys(), "--rate=100", "--duration=5s", "--format=json")
        self.assertEqual(done.returncode, 1)
        report = json.loads(done.stdout)
        self.assertTrue(report["aborted"])
        self.assertLess(report["started"], 500)
        self.assertIn("status 500", {kind for step in report["steps"] for kind in step["problems"]})
