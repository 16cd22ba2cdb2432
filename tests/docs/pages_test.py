"""The documentation: its examples run, its links lead somewhere, its tables are the program's."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["TOCSIN_SOURCE_DIR"])
PROGRAM = os.environ["TOCSIN_BINARY"]
PAGES = sorted(SOURCE.glob("docs/*.md")) + sorted(SOURCE.glob("*.md"))


def blocks(language):
    """(page, text) of every fenced block of that language."""
    for page in PAGES:
        for text in re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.S | re.M):
            yield page, text


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)


class Examples(unittest.TestCase):
    def check(self, language, file_name, *command):
        seen = 0
        for page, text in blocks(language):
            if language == "yaml" and not text.startswith(f"# {file_name}\n"):
                continue
            seen += 1
            with self.subTest(page=page.name), tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / file_name
                path.write_text(text)
                (pathlib.Path(folder) / "rules.yml").touch()
                for beside, name in re.findall(r"^```yaml\n(# ((?:queries|journeys)\.yml)\n.*?)^```$", page.read_text(), re.S | re.M):
                    (pathlib.Path(folder) / name).write_text(beside)
                done = run(*command, str(path))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreater(seen, 0)

    def test_configurations_are_right(self):
        self.check("yaml", "tocsin.yml", "check", "config")

    def test_rule_files_are_right(self):
        self.check("yaml", "rules.yml", "check", "rules")

    def test_alertmanager_configurations_are_right(self):
        self.check("yaml", "alertmanager.yml", "check", "alertmanager", "--lint-fatal")

    def test_promql_scripts_pass(self):
        self.check("promqltest", "example.test", "test", "promql")

    def test_unit_tests_pass(self):
        """Each tests.yml, with the rules.yml that stands before it on the page."""
        seen = 0
        with tempfile.TemporaryDirectory() as folder:
            for page, text in blocks("yaml"):
                name = text[2:text.index("\n")]
                (pathlib.Path(folder) / name).write_text(text)
                if name != "tests.yml":
                    continue
                seen += 1
                done = run("test", "rules", f"{folder}/tests.yml")
                self.assertEqual(done.returncode, 0, page.name + done.stdout + done.stderr)
        self.assertGreater(seen, 1)

    def test_journeys_can_be_read(self):
        for page, text in blocks("yaml"):
            if not text.startswith("# journeys.yml\n"):
                continue
            with self.subTest(page=page.name), tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "journeys.yml"
                path.write_text(text)
                # Nobody listens there: the file is read, and the journeys fail.
                done = run("validate", f"--journeys={path}", "http://127.0.0.1:1")
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(" failed\n", done.stdout)

    def test_gates_can_be_read(self):
        for page, text in blocks("yaml"):
            if not text.startswith("# gates.yml\n"):
                continue
            with self.subTest(page=page.name), tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "gates.yml"
                path.write_text(text)
                done = run("gate", str(path), "--explain")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("health_check:  # pre, post", done.stdout)

    def test_every_yaml_block_is_one_of_them(self):
        for page, text in blocks("yaml"):
            self.assertRegex(text, r"^# ((tocsin|rules|tests|queries|alertmanager|journeys|gates)\.yml|tocsin-lint\.yaml)\n", page.name)

    def test_the_route_on_the_page_is_the_programs(self):
        page = (SOURCE / "docs/alertmanager_config.md").read_text()
        command, wanted = re.search(r"^    \$ tocsin (route .*)\n((?:    .*\n)+)", page, re.M).groups()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "alertmanager.yml"
            path.write_text(next(text for _, text in blocks("yaml") if text.startswith("# alertmanager.yml")))
            words = command.replace("alertmanager.yml", str(path)).split()
            self.assertEqual(run(*words).stdout, re.sub("^    ", "", wanted, flags=re.M))


class Pages(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
                if not target.startswith("http"):
                    self.assertTrue((page.parent / target).exists(), f"{page.name}: {target}")

    def test_every_command_is_described(self):
        page = (SOURCE / "docs/command_line.md").read_text()
        commands = re.findall(r"^  (\w[\w -]*?)  +\S", run("--help").stdout, re.M)
        self.assertIn("serve", commands)
        for command in commands:
            self.assertIn(f"`tocsin {command}`", page)

    @unittest.skipIf(shutil.which("groff") is None, "groff is not installed")
    def test_manual_pages_are_set_without_a_warning(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run("man", f"--install={folder}").returncode, 0)
            pages = sorted(pathlib.Path(folder).glob("man1/*.1"))
            commands = re.findall(r"^  (\w[\w -]*?)  +\S", run("--help").stdout, re.M)
            self.assertEqual(len(pages), len(commands) + 1)
            for page in pages:
                done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", page], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""), page.name)
                # Bold text may be printed as letters struck twice.
                self.assertIn("NAME", re.sub(".\b", "", done.stdout))

    def test_flags_that_are_named_exist(self):
        commands = re.findall(r"^  (\w[\w -]*?)  +\S", run("--help").stdout, re.M)
        known = "".join(run(*command.split(), "--help").stdout for command in commands)
        for script in ("deploy.sh", "rollback.sh", "pin-images.sh"):
            known += subprocess.run([SOURCE / "deploy" / script, "--help"], capture_output=True, text=True, check=True).stdout
        for page in SOURCE.glob("docs/*.md"):
            for flag in re.findall(r"`(--[a-z][\w.-]+)", page.read_text()):
                self.assertIn(flag, known, page.name)

    def test_the_tables_of_collectors_are_the_programs(self):
        listed = run("collectors", "list", "--metrics", "--format=markdown")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertTrue((SOURCE / "docs/collectors.md").read_text().endswith(listed.stdout),
                        "write the tables anew: tocsin collectors list --metrics --format=markdown")
