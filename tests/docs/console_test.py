"""The documentation's console sessions say what the program says.

A page's blocks are taken in their order: yaml, prom and the like whose first line is a comment with a
file's name (`# rules.yml`) are files; a `console` block has commands (`$ tocsin …`) and what they print,
standard output and error together. With UPDATE_DOCS=1 in the environment the pages are written anew.
"""
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["TOCSIN_SOURCE_DIR"])
PROGRAM = os.environ["TOCSIN_BINARY"]
UPDATE = os.environ.get("UPDATE_DOCS") == "1"
PAGES = sorted(SOURCE.glob("docs/*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)


def session(text, folder):
    """What the commands of a console block print now."""
    said = ""
    for command in re.findall(r"^\$ (tocsin .*)$", text, re.M):
        words = [PROGRAM] + shlex.split(command)[1:]
        done = subprocess.run(words, cwd=folder, text=True, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said += f"$ {command}\n{done.stdout}"
    return said


class Console(unittest.TestCase):
    maxDiff = None

    def test_sessions_say_the_same(self):
        seen = 0
        for page in PAGES:
            text = page.read_text()
            written = text
            with tempfile.TemporaryDirectory() as folder:
                for language, block in BLOCK.findall(text):
                    name = re.match(r"# ([\w.-]+\.[a-z]+)\n", block)
                    if name:
                        # Only YAML has room for a comment that is none of its own.
                        content = block if language == "yaml" else block.split("\n", 1)[1]
                        pathlib.Path(folder, name[1]).write_text(content)
                    if language != "console":
                        continue
                    seen += 1
                    now = session(block, folder)
                    if UPDATE:
                        written = written.replace(block, now)
                        continue
                    with self.subTest(page=page.name):
                        self.assertEqual(block, now)
            if UPDATE and written != text:
                page.write_text(written)
        self.assertGreater(seen, 0)

    def test_every_check_of_rules_lint_is_described(self):
        page = (SOURCE / "docs/lint.md").read_text()
        listed = subprocess.run([PROGRAM, "rules", "lint", "--list"], capture_output=True, text=True,
                                timeout=60).stdout.splitlines()
        self.assertGreater(len(listed), 40)
        for line in listed:
            name, summary = line.split(None, 1)
            self.assertIn(f"| `{name}` | {summary} |", page)

    def test_lint_configurations_are_right(self):
        page = (SOURCE / "docs/lint.md").read_text()
        blocks = [block for language, block in BLOCK.findall(page)
                  if block.startswith("# tocsin-lint.yaml\n")]
        self.assertTrue(blocks)
        for block in blocks:
            with tempfile.TemporaryDirectory() as folder:
                pathlib.Path(folder, ".tocsin-lint.yaml").write_text(block)
                pathlib.Path(folder, "rules.yml").write_text("groups: []\n")
                done = subprocess.run([PROGRAM, "rules", "lint", "rules.yml"], cwd=folder, text=True,
                                      capture_output=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
