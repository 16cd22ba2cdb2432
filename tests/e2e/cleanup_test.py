"""However the quickstart ends, nothing of it is left: no process, no file, no shared memory."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from stack import janitor
from support import PROGRAM, SOURCE, eventually


def abandoned_memory():
    """The ids of the machine's System V segments that no process uses."""
    rows = [line.split() for line in pathlib.Path("/proc/sysvipc/shm").read_text().splitlines()]
    users = rows[0].index("nattch")
    return {row[1] for row in rows[1:] if row[users] == "0"}


class Cleanup(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tocsin-test-")
        self.addCleanup(holder.cleanup)
        self.holder = pathlib.Path(holder.name)
        self.holder.chmod(0o711)
        self.segments = abandoned_memory()

    def quickstart(self, *arguments):
        return subprocess.Popen(
            ["/usr/bin/python3", "-B", "deploy/quickstart.py", *arguments], cwd=SOURCE, start_new_session=True,
            env={"PATH": "/usr/bin:/bin", "TMPDIR": str(self.holder),
                 "TOCSIN_BINARY": PROGRAM},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def left(self):
        """What is still there: files and processes."""
        return list(self.holder.iterdir()) + janitor.residents(self.holder) + sorted(abandoned_memory() - self.segments)

    def assert_nothing_left(self, why):
        eventually(lambda: not self.left(), timeout=15)
        self.assertEqual(self.left(), [], why)

    def test_an_interrupt_at_any_time(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for after in (0.3, 0.8, 1.6, 2.5, 4.0, 6.0):
                with self.subTest(f"{number.name} after {after} s"):
                    process = self.quickstart()
                    time.sleep(after)
                    os.killpg(process.pid, number)
                    output, _ = process.communicate(timeout=60)
                    self.assertNotIn("Traceback", output)
                    self.assert_nothing_left(output)

    def test_two_interrupts(self):
        process = self.quickstart()
        time.sleep(5)
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        self.assert_nothing_left(output)

    def test_it_is_killed(self):
        for after in (1.0, 5.0):
            with self.subTest(after):
                process = self.quickstart()
                time.sleep(after)
                os.killpg(process.pid, signal.SIGKILL)
                output, _ = process.communicate(timeout=60)
                self.assert_nothing_left(output)

    def test_a_fault_ends_with_the_alert(self):
        process = self.quickstart("--fault", "errors", "--rules", "seed")
        output, _ = process.communicate(timeout=150)
        print(output, file=sys.stderr)
        self.assertEqual(process.returncode, 0)
        self.assertRegex(output, r"receiver FIRING +HighErrorRate \{.*\} Error rate is 100%")
        self.assert_nothing_left(output)

    def test_the_app_goes_down(self):
        process = self.quickstart("--fault", "app-down")
        output, _ = process.communicate(timeout=150)
        self.assertEqual(process.returncode, 0, output)
        self.assertRegex(output, r"receiver FIRING +TargetDown ")
        self.assert_nothing_left(output)
