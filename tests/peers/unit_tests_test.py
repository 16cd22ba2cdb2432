"""Unit tests of rules: promtool and tocsin judge every single check alike."""
import pathlib
import shutil
import tempfile
import unittest

import yaml

import verdicts

FILES = verdicts.DATA / "unit_tests"
CHECKS = ("alert_rule_test", "promql_expr_test")


def member(mapping, key):
    for name, value in mapping.value:
        if name.value == key:
            return value
    return None


def with_member(mapping, key, value):
    """The mapping with another value for that key; without the key when the value is None."""
    pairs = [(name, old if name.value != key else value) for name, old in mapping.value]
    return yaml.MappingNode(mapping.tag, [pair for pair in pairs if pair[1] is not None])


def one_check_each(text):
    """The file once for each of its checks, with only that one. Scalars stay as written."""
    root = yaml.compose(text)
    for test in member(root, "tests").value:
        for kind in CHECKS:
            checks = member(test, kind)
            for check in checks.value if checks else []:
                only = test
                for other in CHECKS:
                    alone = yaml.SequenceNode("tag:yaml.org,2002:seq", [check]) if other == kind else None
                    only = with_member(only, other, alone)
                tests = yaml.SequenceNode("tag:yaml.org,2002:seq", [only])
                yield check.start_mark.line + 1, yaml.serialize(with_member(root, "tests", tests))


class UnitTests(unittest.TestCase):
    @unittest.skipIf(verdicts.need("promtool"), verdicts.need("promtool"))
    def compare(self, folder, files):
        command = ("test", "rules", *files)
        _, theirs = verdicts.run("promtool", *command)
        _, ours = verdicts.run(verdicts.TOCSIN, *command)
        said = verdicts.by_file(ours, "Unit Testing:")
        wanted = verdicts.by_file(theirs, "Unit Testing:")
        self.assertEqual(len(wanted), len(files))
        wrong = [f"{pathlib.Path(name).relative_to(folder)}: promtool "
                 f"{'passes' if passed else 'fails'} it, tocsin does not"
                 for name, passed in wanted.items() if said.get(name) != passed]
        self.assertEqual(wrong, [])
        return sum(wanted.values()), len(files)

    def test_every_check_alone_has_the_same_verdict(self):
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            shutil.copytree(FILES / "rules", folder / "rules")
            cases = []
            for path in sorted(FILES.glob("*.yml")):
                for i, (line, text) in enumerate(one_check_each(path.read_text())):
                    cases.append(folder / f"{path.stem}_line{line}_{i}.yml")
                    cases[-1].write_text(text)
            passed, of = self.compare(folder, cases)
            # Both kinds are there, or the comparison would be worth little.
            self.assertGreater(passed, 50)
            self.assertGreater(of - passed, 35)

    def test_whole_files_have_the_same_verdict(self):
        self.compare(FILES, sorted(FILES.glob("*.yml")) + sorted((FILES / "broken").glob("*.yml")))

    def test_the_exit_code_is_promtools(self):
        for path in (FILES / "order.yml", FILES / "no_rules.yml", FILES / "broken/only_tests.yml"):
            theirs, _ = verdicts.run("promtool", "test", "rules", path)
            ours, _ = verdicts.run(verdicts.TOCSIN, "test", "rules", path)
            self.assertEqual(ours, theirs, path)
