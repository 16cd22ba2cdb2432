"""Some rows of the fault matrix (fault_matrix.py has all, and Prometheus beside): nothing false, nothing lost."""
import concurrent.futures
import unittest

import fault_matrix
from faults import run, servers
from faults.scenarios import SCENARIOS

ROWS = [
    "evaluation error while firing",
    "limit exceeded while firing",
    "kill -9 and restart while firing, `for` 2 min",
    "kill -9 and restart while keep-firing",
    "reload: the rule is removed",
    "Alertmanager down for 10 min",
    "Alertmanager answers 400 to one alert",
]
DIVISOR = 20


class FaultMatrix(unittest.TestCase):
    def test_alerts_tell_the_truth(self):
        if not servers.installed():
            self.skipTest("prometheus-alertmanager is not installed")
        rows = [scenario for scenario in SCENARIOS if scenario.name in ROWS]
        self.assertEqual(len(rows), len(ROWS))
        with concurrent.futures.ThreadPoolExecutor(len(rows)) as pool:
            verdicts = list(pool.map(lambda row: fault_matrix.play(row, "tocsin", DIVISOR), rows))
        for row, verdict in zip(rows, verdicts):
            print(f"{row.name}: {verdict}")
            with self.subTest(row.name):
                self.assertTrue(verdict.clean, f"{verdict}\n{verdict.note}")

    def test_the_judge_sees_lies(self):
        episode = [run.Episode("A", 100, 200)]
        cases = [
            ([(101, "A", "firing"), (201, "A", "resolved")], (0, 0, 0)),
            ([(101, "A", "firing"), (150, "A", "resolved"), (160, "A", "firing"), (201, "A", "resolved")], (1, 0, 1)),
            ([(101, "A", "firing")], (0, 1, 0)),
            ([], (0, 1, 0)),
            ([(101, "A", "firing"), (102, "B", "firing"), (201, "A", "resolved")], (0, 0, 1)),
        ]
        for events, expected in cases:
            with self.subTest(events=events):
                verdict = run.judge(episode, events, 1, 1)
                self.assertEqual((verdict.false_resolves, verdict.missed, verdict.double), expected)
        self.assertEqual(run.judge(episode, cases[0][0], 20, 1).delay, 20)


if __name__ == "__main__":
    unittest.main()
