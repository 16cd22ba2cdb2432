"""`tocsin tsdb`: what is loaded into a server comes out again, tocsin's and Debian's Prometheus' alike."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from servers import both_servers, find_prometheus  # noqa: E402
from support import PROGRAM  # noqa: E402

NOW = int(time.time()) // 15 * 15
SAMPLES = 100  # of each series, 15 s apart, the last at NOW
RULES = """
groups:
- name: g
  interval: 1m
  rules:
  - record: job:requests:sum
    expr: sum by (job) (requests_total)
    labels: {kind: total}
  - alert: NotAsked
    expr: up == 0
  - record: job:requests:double
    expr: job:requests:sum * 2
"""


def page():
    lines = []
    for name, job, slope in (("jobs_waiting", "a", 0.5), ("requests_total", "a", 3), ("requests_total", "b \"x\"", 5)):
        quoted = job.replace('"', '\\"')
        for i in range(SAMPLES):
            value = slope * i
            at = NOW - 15 * (SAMPLES - 1 - i)
            lines.append(f'{name}{{job="{quoted}"}} {value:g} {at}')
    return "\n".join([*lines, "# EOF"]) + "\n"


def samples(text):
    """(series, time) -> value."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        series, value, at = line.rsplit(" ", 2)
        found[series, float(at)] = float(value)
    return found


@unittest.skipIf(find_prometheus() is None, "Debian's package prometheus is not installed")
class Tsdb(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tocsin-tsdb-")))
        cls.servers = cls.enterClassContext(both_servers(PROGRAM, cls.folder))
        (cls.folder / "page.om").write_text(page())
        (cls.folder / "rules.yml").write_text(RULES)
        for server in cls.servers:
            answer = json.loads(cls.run_tocsin("load", f"--server={server.url}", "--format=json", "page.om"))
            assert answer["samples"] == 3 * SAMPLES, answer

    @classmethod
    def run_tocsin(cls, *words, code=0):
        done = subprocess.run([str(PROGRAM), "tsdb", *words], cwd=cls.folder, timeout=60, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode != code:
            raise AssertionError(f"{words}: code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def test_what_is_loaded_is_dumped(self):
        for server in self.servers:
            with self.subTest(server=server.name):
                dumped = self.run_tocsin("dump", f"--server={server.url}", f"--to={NOW}", "--match=requests_total",
                                         "--match={__name__=\"jobs_waiting\"}")
                self.assertTrue(dumped.endswith("# EOF\n"))
                self.assertEqual(samples(dumped), samples(page()))

    def test_a_part_is_dumped_into_a_file(self):
        self.run_tocsin("dump", f"--server={self.servers[1].url}", f"--from={NOW - 60}", f"--to={NOW}",
                        "--match=requests_total{job=\"a\"}", "--output=part.om")
        part = samples((self.folder / "part.om").read_text())
        self.assertEqual(sorted(at for _, at in part), [NOW - 60, NOW - 45, NOW - 30, NOW - 15, NOW])

    def test_analyze(self):
        for server in self.servers:
            with self.subTest(server=server.name):
                text = self.run_tocsin("analyze", f"--server={server.url}", "--limit=2")
                self.assertRegex(text, r"\nHighest cardinality metric names:\n(.*\n)*\d+ requests_total\n")
                self.assertRegex(text, r"^Series: \d+\n")
                answer = json.loads(self.run_tocsin("analyze", f"--server={server.url}", "--format=json"))
                self.assertGreaterEqual(answer["tsdb"]["headStats"]["numSeries"], 3)

    def test_recording_rules_are_backfilled(self):
        for server in self.servers:
            with self.subTest(server=server.name):
                begin, end = (NOW - 1200) // 60 * 60 + 60, NOW // 60 * 60
                self.run_tocsin("backfill", f"--server={server.url}", f"--from={begin}", f"--to={end}", "rules.yml")
                dumped = samples(self.run_tocsin("dump", f"--server={server.url}", f"--from={begin}", f"--to={end}",
                                                 "--match={__name__=~\"job:.*\"}"))
                times = list(range(begin, end + 1, 60))
                self.assertEqual(len(dumped), 4 * len(times))
                for at in times:
                    index = (at - NOW) // 15 + SAMPLES - 1
                    self.assertEqual(dumped['job:requests:sum{job="a",kind="total"}', at], 3 * index)
                    self.assertEqual(dumped['job:requests:double{job="a",kind="total"}', at], 6 * index)

    def test_what_is_refused_is_said(self):
        done = subprocess.run([str(PROGRAM), "tsdb", "load", "--server=http://127.0.0.1:9", "page.om"], cwd=self.folder,
                              timeout=60, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("127.0.0.1:9", done.stderr)
        self.assertIn("0 samples were sent before", done.stderr)


if __name__ == "__main__":
    unittest.main()
