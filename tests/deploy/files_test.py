"""The files of deploy/ and scripts/, judged by the programs that will read them."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

from support import SHARED, SOURCE, require_shared

DEPLOY = SOURCE / "deploy"
NO_SUCH_KEYS = ("collectors",)  # known to tocsin alone


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, cwd=SOURCE)


class Rules(unittest.TestCase):
    def test_promtool_takes_both_files(self):
        checked = run("promtool", "check", "rules", DEPLOY / "alert_rules.yml", DEPLOY / "alert_rules.recommended.yml")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertIn("6 rules found", checked.stdout)

    def test_the_recommended_rules_pass_their_unit_test(self):
        tested = run("promtool", "test", "rules", DEPLOY / "alert_rules.recommended.test.yml")
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)

    def test_every_recommended_rule_has_a_unit_test_that_sees_it_fire(self):
        rules = yaml.safe_load((DEPLOY / "alert_rules.recommended.yml").read_text())
        tests = yaml.safe_load((DEPLOY / "alert_rules.recommended.test.yml").read_text())
        names = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
        fired = {case["alertname"] for test in tests["tests"] for case in test["alert_rule_test"]
                 if case["exp_alerts"]}
        self.assertEqual(names - fired, set())

    def test_promtool_takes_the_rules_for_everybody(self):
        files = sorted((DEPLOY / "rules").glob("*.yml"))
        checked = run("promtool", "check", "rules", *files)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        found = re.findall(r"(\d+) rules found", checked.stdout)
        self.assertGreaterEqual(sum(map(int, found)), 100)

    def test_the_rules_for_everybody_pass_their_unit_test(self):
        tests = sorted((DEPLOY / "rules/tests").glob("*.test.yml"))
        self.assertEqual(len(tests), 4)
        for program in ("promtool", os.environ["TOCSIN_BINARY"]):
            tested = run(program, "test", "rules", *tests)
            self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)

    def test_the_seed_rules_are_what_the_user_wrote(self):
        require_shared()
        ours = yaml.safe_load((DEPLOY / "alert_rules.yml").read_text())
        self.assertEqual(ours, yaml.safe_load((SHARED / "seed/alert_rules.yml").read_text()))


class Configurations(unittest.TestCase):
    def test_amtool_takes_alertmanager_yml(self):
        checked = run("amtool", "check-config", DEPLOY / "alertmanager.yml")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_promtool_takes_tocsin_yml_without_its_own_section(self):
        config = yaml.safe_load((DEPLOY / "tocsin.yml").read_text())
        for key in NO_SUCH_KEYS:
            del config[key]
        with tempfile.TemporaryDirectory() as folder:
            for name in config["rule_files"]:
                shutil.copy(DEPLOY / name, folder)
            target = pathlib.Path(folder) / "prometheus.yml"
            target.write_text(yaml.safe_dump(config))
            checked = run("promtool", "check", "config", target)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)


class Scripts(unittest.TestCase):
    def test_the_shell_reads_them(self):
        scripts = [path for path in (SOURCE / "scripts").iterdir() if path.is_file()]
        self.assertGreaterEqual(len(scripts), 4)
        for path in [*scripts, SOURCE / ".ci/run"]:
            with self.subTest(path.name):
                if "bash" not in path.read_text().splitlines()[0]:
                    continue
                self.assertEqual(run("bash", "-n", path).stderr, "")
                self.assertTrue(path.stat().st_mode & 0o100, "not executable")

    def test_install_deps_is_quick_when_all_is_there(self):
        result = run(SOURCE / "scripts/install-deps")
        self.assertEqual((result.returncode, result.stdout), (0, ""), result.stderr)

    def test_every_library_of_the_build_is_installed_by_the_script(self):
        """A fresh machine has nothing else: each find_package and pkg-config module has its package."""
        packages = {"Threads": None, "PkgConfig": "pkg-config", "GTest": "libgtest-dev",
                    "benchmark": "libbenchmark-dev", "OpenSSL": "libssl-dev", "ZLIB": "zlib1g-dev",
                    "CURL": "libcurl4-openssl-dev", "fmt": "libfmt-dev", "spdlog": "libspdlog-dev",
                    "yaml-cpp": "libyaml-cpp-dev", "civetweb": "libcivetweb-dev",
                    "prometheus-cpp": "prometheus-cpp-dev", "Protobuf": "libprotobuf-dev",
                    "Snappy": "libsnappy-dev", "re2": "libre2-dev", "libpqxx": "libpqxx-dev",
                    "libpq": "libpqxx-dev", "hiredis": "libhiredis-dev", "libzstd": "libzstd-dev", "libxxhash": "libxxhash-dev"}
        cmake = (SOURCE / "cmake/Dependencies.cmake").read_text()
        wanted = re.findall(r"find_package\(([\w-]+)", cmake)
        wanted += re.findall(r"pkg_check_modules\(\w+ .*?([\w+-]+)\)", cmake)
        script = pathlib.Path(SOURCE / "scripts/install-deps").read_text().split()
        self.assertGreater(len(wanted), 15)
        for name in wanted:
            with self.subTest(name):
                self.assertIn(name, packages, "which package has it?")
                if packages[name]:
                    self.assertIn(packages[name], script)
