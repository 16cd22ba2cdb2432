"""The completion scripts in the shells that they are for."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["TOCSIN_BINARY"]
# What is typed, and what is offered for it among other things.
CASES = (
    ("tocsin heal", "healthcheck"),
    ("tocsin rules ", "backtest"),
    ("tocsin rules ex", "explain"),
    ("tocsin check ", "service-discovery"),
    ("tocsin rules backtest --swe", "--sweep"),
    ("tocsin rules lint --min-", "--min-severity"),
    ("tocsin check rules --format=", "sarif"),
)
# Prints what _tocsin gives to zsh's completion system instead of completing.
ZSH = """
compdef() { :; }
compadd() { print -rl -- "$@"; }
_arguments() { print -rl -- "$@"; }
words=("${(@s: :)LINE}")
CURRENT=$#words
source $SCRIPT
"""


def lines_of(command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True,
                          env={**os.environ, **environment})
    if done.stderr:
        raise AssertionError(done.stderr)
    return done.stdout.splitlines()


class Completion(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def script(self, shell):
        path = f"{self.folder}/completion.{shell}"
        with open(path, "w", encoding="utf-8") as script:
            subprocess.run([PROGRAM, "completion", shell], stdout=script, check=True, timeout=60)
        return path

    @unittest.skipIf(shutil.which("fish") is None, "fish is not installed")
    def test_fish(self):
        script = self.script("fish")
        for typed, offered in CASES:
            lines = lines_of(["fish", "--no-config", "-c", f'source {script}; complete -C "{typed}"'],
                             HOME=self.folder)
            words = [re.split(r"[=\t]", line, maxsplit=1)[0] for line in lines]
            values = [line.split("\t")[0].rpartition("=")[2] for line in lines]
            self.assertIn(offered, words + values, typed)

    @unittest.skipIf(shutil.which("zsh") is None, "zsh is not installed")
    def test_zsh(self):
        script = self.script("zsh")
        for typed, offered in CASES:
            lines = lines_of(["zsh", "-f", "-c", ZSH], SCRIPT=script, LINE=typed)
            flags = [line.lstrip("*").partition("=[")[0].partition("[")[0] for line in lines]
            values = {word for line in lines for word in re.findall(r"\w+", line.rpartition(":(")[2])}
            self.assertTrue(offered in flags or offered in values, f"{typed}: {lines}")


if __name__ == "__main__":
    unittest.main()
