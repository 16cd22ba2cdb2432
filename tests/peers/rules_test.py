"""Rule files and templates beside promtool: the same files are taken, the same texts come out."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["TOCSIN_SOURCE_DIR"])
PROGRAM = os.environ["TOCSIN_BINARY"]
PROMTOOL = shutil.which("promtool")

RULE = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n"

# (what, file). Each is a whole rule file; both programs must take it or both refuse it.
FILES = [
    ("an empty file", ""),
    ("only a comment", "# nothing\n"),
    ("null", "null\n"),
    ("no groups", "groups: []\n"),
    ("groups null", "groups:\n"),
    ("a group without rules", "groups:\n- name: g\n"),
    ("a minimal rule", RULE),
    ("all fields", RULE + "    for: 5m\n    keep_firing_for: 1m\n    labels: {a: b}\n    annotations: {c: d}\n"),
    ("group fields", "groups:\n- name: g\n  interval: 30s\n  limit: 5\n  rules: []\n"),
    ("a record", "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: up\n    labels: {x: y}\n"),
    ("unknown top field", "group: []\n"),
    ("unknown group field", "groups:\n- name: g\n  intervall: 30s\n"),
    ("unknown rule field", RULE + "    fro: 5m\n"),
    ("no name", "groups:\n- rules: []\n"),
    ("an empty name", "groups:\n- name: ''\n"),
    ("the same name twice", "groups:\n- name: g\n- name: g\n"),
    ("neither record nor alert", "groups:\n- name: g\n  rules:\n  - expr: up\n"),
    ("both record and alert", RULE + "    record: b\n"),
    ("no expr", "groups:\n- name: g\n  rules:\n  - alert: A\n"),
    ("an empty expr", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: ''\n"),
    ("a null expr", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr:\n"),
    ("a broken expr", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: sum(\n"),
    ("an expr that is a number", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: 1\n"),
    ("an expr that is a list", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: [up]\n"),
    ("an expr that is a map", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: {a: b}\n"),
    ("a type error in the expr", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: rate(up)\n"),
    ("a record with for", "groups:\n- name: g\n  rules:\n  - record: b\n    expr: up\n    for: 5m\n"),
    ("a record with for: 0", "groups:\n- name: g\n  rules:\n  - record: b\n    expr: up\n    for: 0s\n"),
    ("a record with annotations", "groups:\n- name: g\n  rules:\n  - record: b\n    expr: up\n    annotations: {a: b}\n"),
    ("a record with empty annotations", "groups:\n- name: g\n  rules:\n  - record: b\n    expr: up\n    annotations: {}\n"),
    ("a record with keep_firing_for", "groups:\n- name: g\n  rules:\n  - record: b\n    expr: up\n    keep_firing_for: 5m\n"),
    ("a record with braces", "groups:\n- name: g\n  rules:\n  - record: 'b{a=\"b\"}'\n    expr: up\n"),
    ("an empty record", "groups:\n- name: g\n  rules:\n  - record: ''\n    alert: A\n    expr: up\n"),
    ("a bad duration", RULE + "    for: 5x\n"),
    ("a duration without unit", RULE + "    for: 5\n"),
    ("a duration of 0", RULE + "    for: 0\n"),
    ("a negative duration", RULE + "    for: -5m\n"),
    ("an empty duration", RULE + "    for: ''\n"),
    ("a null duration", RULE + "    for:\n"),
    ("a composed duration", RULE + "    for: 1h30m\n"),
    ("a duration in the wrong order", RULE + "    for: 30m1h\n"),
    ("a fractional duration", RULE + "    for: 1.5h\n"),
    ("a huge duration", RULE + "    for: 300000y\n"),
    ("a bad interval", "groups:\n- name: g\n  interval: x\n"),
    ("interval 0", "groups:\n- name: g\n  interval: 0s\n  rules: []\n"),
    ("a limit that is a text", "groups:\n- name: g\n  limit: many\n"),
    ("a limit that is a fraction", "groups:\n- name: g\n  limit: 1.5\n"),
    ("a negative limit", "groups:\n- name: g\n  limit: -1\n  rules: []\n"),
    ("a label __name__", RULE + "    labels: {__name__: x}\n"),
    ("a label with an empty value", RULE + "    labels: {a: ''}\n"),
    ("a label that is a number", RULE + "    labels: {a: 5}\n"),
    ("a label that is true", RULE + "    labels: {a: true}\n"),
    ("a label that is null", RULE + "    labels: {a: }\n"),
    ("a label that is a list", RULE + "    labels: {a: [b]}\n"),
    ("labels that are a list", RULE + "    labels: [a]\n"),
    ("an empty label name", RULE + "    labels: {'': b}\n"),
    ("an annotation with an empty name", RULE + "    annotations: {'': b}\n"),
    ("a broken template in a label", RULE + "    labels: {a: '{{ $x }}'}\n"),
    ("a broken template in an annotation", RULE + "    annotations: {a: '{{ nope }}'}\n"),
    ("an unclosed template", RULE + "    annotations: {a: '{{ $value'}\n"),
    ("a template that fails when it runs", RULE + "    annotations: {a: '{{ humanize \"x\" }}'}\n"),
    ("a template that fails in the dry run", RULE + "    annotations: {a: '{{ .Nope }}'}\n"),
    ("a template in a record's label", "groups:\n- name: g\n  rules:\n  - record: b\n    expr: up\n    labels: {a: '{{ nope }}'}\n"),
    ("an anchor", "groups:\n- name: g\n  rules:\n  - &r\n    alert: A\n    expr: up\n  - *r\n"),
    ("a merge key", "groups:\n- name: g\n  rules:\n  - &r\n    alert: A\n    expr: up\n  - <<: *r\n    alert: B\n"),
    ("an alias that nothing defines", "groups:\n- name: g\n  rules: [*x]\n"),
    ("a second document", RULE + "---\nnonsense: 1\n"),
    ("a second document that is no YAML", RULE + "---\n: [\n"),
    ("a document marker first", "---\n" + RULE),
    ("tabs as indentation", "groups:\n\t- name: g\n"),
    ("a broken list", "groups: [\n"),
    ("a key twice", "groups:\n- name: g\n  name: h\n"),
    ("rules that are a map", "groups:\n- name: g\n  rules: {a: b}\n"),
    ("rules that are a text", "groups:\n- name: g\n  rules: 5\n"),
    ("groups that are a map", "groups: {a: b}\n"),
    ("a file that is a list", "- name: g\n"),
    ("a file that is a text", "hello\n"),
    ("a rule that is a text", "groups:\n- name: g\n  rules: [up]\n"),
    ("a rule that is null", "groups:\n- name: g\n  rules: [null]\n"),
    ("a group that is null", "groups: [null]\n"),
    ("an alert named by a number", "groups:\n- name: g\n  rules:\n  - alert: 5\n    expr: up\n"),
    ("a group named by a number", "groups:\n- name: 5\n"),
    ("an alert name with spaces", "groups:\n- name: g\n  rules:\n  - alert: A b c\n    expr: up\n"),
    ("a byte order mark", "\ufeff" + RULE),
    ("windows lines", RULE.replace("\n", "\r\n")),
    ("JSON", json.dumps({"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "up"}]}]})),
]

# What Prometheus 3.14 takes and 2.42 does not, or the other way round: (what, file, taken).
NEWER = [
    ("labels of a group", "groups:\n- name: g\n  labels: {a: b}\n  rules: []\n", True),
    ("query_offset", "groups:\n- name: g\n  query_offset: 1m\n  rules: []\n", True),
    ("a record named with a dash", "groups:\n- name: g\n  rules:\n  - record: a-b\n    expr: up\n", True),
    ("a label named with a dash", RULE + "    labels: {a-b: c}\n", True),
    ("a label named by a number", RULE + "    labels: {1: b}\n", True),
    ("an annotation named with a dash", RULE + "    annotations: {a-b: c}\n", True),
    ("urlQueryEscape", RULE + "    annotations: {a: '{{ urlQueryEscape \"a b\" }}'}\n", True),
    ("now", RULE + "    annotations: {a: '{{ now | toTime }}'}\n", True),
    ("a function of Prometheus 3", "groups:\n- name: g\n  rules:\n  - record: b\n    expr: histogram_avg(up)\n", True),
]

EXTENDED = """groups:
# tocsin: eval_offset=5s
- name: app
  interval: 15s
  # tocsin: startup_guard=true
  rules:
  - alert: DiskFull
    expr: disk_free_bytes < 1e9
    # tocsin: on_missing=keep
    # tocsin: resolve_expr=disk_free_bytes > 2e9
"""


def judge(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode == 0, done.stdout + done.stderr


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "rules.yml"

    def tocsin(self, text, *flags):
        self.path.write_bytes(text.encode())
        return judge(PROGRAM, "check", "rules", *flags, str(self.path))

    def promtool(self, text):
        if PROMTOOL is None:
            self.skipTest("promtool is not installed")
        self.path.write_bytes(text.encode())
        return judge(PROMTOOL, "check", "rules", str(self.path))

    def test_verdicts_are_promtools(self):
        for what, text in FILES:
            with self.subTest(what):
                theirs, why = self.promtool(text)
                ours, our_why = self.tocsin(text, "--strict-prometheus")
                self.assertEqual(ours, theirs, f"promtool: {why}\ntocsin: {our_why}")

    def test_refusals_name_the_place(self):
        for what, text in FILES:
            taken, why = self.tocsin(text)
            if not taken:
                with self.subTest(what):
                    self.assertRegex(why, r"rules\.yml:\d+:\d+: ")

    def test_what_newer_prometheus_takes_is_taken(self):
        for what, text, expected in NEWER:
            with self.subTest(what):
                taken, why = self.tocsin(text, "--strict-prometheus")
                self.assertEqual(taken, expected, why)
                theirs, _ = self.promtool(text)
                self.assertNotEqual(theirs, expected, "promtool has learnt it: move the row to FILES")

    def test_settings_in_comments_leave_the_file_prometheus(self):
        theirs, why = self.promtool(EXTENDED)
        self.assertTrue(theirs, why)
        ours, why = self.tocsin(EXTENDED, "--strict-prometheus")
        self.assertTrue(ours, why)
        as_fields = EXTENDED.replace("# tocsin: resolve_expr=", "resolve_expr: ")
        self.assertFalse(self.promtool(as_fields)[0])
        self.assertTrue(self.tocsin(as_fields)[0])
        self.assertFalse(self.tocsin(as_fields, "--strict-prometheus")[0])


UNIT_TEST = """rule_files: [rules.yml]
evaluation_interval: 1m
tests:
- interval: 1m
  external_labels: {cluster: c1}
  input_series:
  - {series: 'm{foo="x", i="2"}', values: '1.5x5'}
  - {series: 'up{job="a"}', values: '7x5'}
  - {series: 'up{job="b"}', values: '7x5'}
  - {series: 'n{k="1"}', values: '3x5'}
  - {series: 'n{k="2"}', values: '4x5'}
  alert_rule_test:
  - {eval_time: 1m, alertname: A, exp_alerts: []}
"""


ORDER = '{{ range query "up" }}{{ .Labels.job }}{{ end }}{{ range query "n" }}{{ .Labels.k }}{{ end }}'


def template_cases():
    """(template, what it gives) of the file that the unit tests of templates read."""
    cases = []
    for line in (SOURCE / "tests/data/templates/prometheus.txt").read_text().splitlines():
        if line.startswith("#") or not line:
            continue
        if line.startswith("=>"):
            unescaped = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], line[3:])
            cases[-1] = (cases[-1][0], unescaped)
        else:
            cases.append((line, None))
    return cases


class Templates(unittest.TestCase):
    def test_the_expected_texts_are_what_promtool_gives(self):
        if PROMTOOL is None:
            self.skipTest("promtool is not installed")
        cases = template_cases()
        with tempfile.TemporaryDirectory() as folder:
            rules = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: m\n    annotations:\n"
            for i, (text, _) in enumerate(cases):
                rules += f"      a{i:03d}: {json.dumps(text)}\n"
            rules += f"      order: {json.dumps(ORDER)}\n"
            (pathlib.Path(folder) / "rules.yml").write_text(rules)
            (pathlib.Path(folder) / "test.yml").write_text(UNIT_TEST)
            # promtool stores the series in an order that it rolls anew each time.
            for _ in range(100):
                _, output = judge(PROMTOOL, "test", "rules", str(pathlib.Path(folder) / "test.yml"))
                if 'order="ab12"' in output:
                    break
        annotations = re.search(r"Annotations:\{(.*)\}\n", output)
        self.assertIsNotNone(annotations, output[:2000])
        given = {}
        for index, quoted in re.findall(r'a(\d{3})=("(?:[^"\\]|\\.)*")', annotations[1]):
            given[int(index)] = json.loads(quoted.replace("\\x", "\\u00"))
        for i, (text, expected) in enumerate(cases):
            with self.subTest(text):
                self.assertEqual(given.get(i, ""), expected)


if __name__ == "__main__":
    unittest.main()
