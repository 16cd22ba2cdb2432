"""promtool and tocsin check rules, configurations and metrics alike."""
import pathlib
import tempfile
import unittest

import verdicts

RULES = {
    "alert": "groups: [{name: g, rules: [{alert: A, expr: up == 0, for: 5m, labels: {s: x}, annotations: {a: '{{ $value }}'}}]}]",
    "record": "groups: [{name: g, interval: 30s, rules: [{record: a:b, expr: sum(up), labels: {x: y}}]}]",
    "limit": "groups: [{name: g, limit: 5, rules: [{record: a, expr: up}]}]",
    "empty": "",
    "no groups": "groups: []",
    "no rules": "groups: [{name: g}]",
    "no name": "groups: [{rules: []}]",
    "name twice": "groups: [{name: g}, {name: g}]",
    "two documents": "groups: []\n---\nnonsense: 1",
    "not yaml": "groups: [",
    "list": "- groups: []",
    "unknown top": "group: []",
    "unknown group field": "groups: [{name: g, rule: []}]",
    "unknown rule field": "groups: [{name: g, rules: [{alert: A, expr: up, fro: 5m}]}]",
    "both": "groups: [{name: g, rules: [{alert: A, record: a, expr: up}]}]",
    "neither": "groups: [{name: g, rules: [{expr: up}]}]",
    "no expr": "groups: [{name: g, rules: [{alert: A}]}]",
    "broken expr": "groups: [{name: g, rules: [{alert: A, expr: 'up =='}]}]",
    "bad function": "groups: [{name: g, rules: [{alert: A, expr: 'rte(up[5m])'}]}]",
    "type error": "groups: [{name: g, rules: [{alert: A, expr: 'rate(up)'}]}]",
    "record with for": "groups: [{name: g, rules: [{record: a, expr: up, for: 5m}]}]",
    "record with annotations": "groups: [{name: g, rules: [{record: a, expr: up, annotations: {a: b}}]}]",
    "record bad name": "groups: [{name: g, rules: [{record: 'a{b=\"c\"}', expr: up}]}]",
    "bad label": "groups: [{name: g, rules: [{alert: A, expr: up, labels: {__name__: x}}]}]",
    "bad template": "groups: [{name: g, rules: [{alert: A, expr: up, annotations: {a: '{{ $value'}}]}]",
    "bad template function": "groups: [{name: g, rules: [{alert: A, expr: up, annotations: {a: '{{ nope }}'}}]}]",
    "bad label template": "groups: [{name: g, rules: [{alert: A, expr: up, labels: {a: '{{ if }}'}}]}]",
    "bad duration": "groups: [{name: g, rules: [{alert: A, expr: up, for: 5 minutes}]}]",
    "bad interval": "groups: [{name: g, interval: x}]",
    "number as expr": "groups: [{name: g, rules: [{alert: A, expr: 1}]}]",
    "anchors": "groups: [{name: g, rules: [{alert: A, expr: up, labels: &l {a: b}}, {alert: B, expr: up, labels: *l}]}]",
    "duplicates": "groups: [{name: g, rules: [{record: a, expr: up}, {record: a, expr: up > 1}]}]",
    "same name, other labels": "groups: [{name: g, rules: [{record: a, expr: up}, {record: a, expr: up > 1, labels: {x: y}}]}]",
    "comments": "# c\ngroups: # d\n- name: g # e\n",
}

CONFIGS = {
    "empty": "",
    "global": "global: {scrape_interval: 15s, evaluation_interval: 30s, external_labels: {a: b}}",
    "typo": "global: {scrape_intervall: 15s}",
    "unknown top": "globals: {}",
    "timeout": "global: {scrape_interval: 10s, scrape_timeout: 20s}",
    "bad duration": "global: {scrape_interval: 15}",
    "bad external label": "global: {external_labels: {'a-b': c}}",
    "job": "scrape_configs: [{job_name: a, static_configs: [{targets: ['x:1'], labels: {l: m}}]}]",
    "job twice": "scrape_configs: [{job_name: a}, {job_name: a}]",
    "no job name": "scrape_configs: [{static_configs: [{targets: ['x:1']}]}]",
    "job timeout": "scrape_configs: [{job_name: a, scrape_interval: 5s, scrape_timeout: 6s}]",
    "job unknown": "scrape_configs: [{job_name: a, static_config: []}]",
    "target with path": "scrape_configs: [{job_name: a, static_configs: [{targets: ['http://x:1/m']}]}]",
    "scheme": "scrape_configs: [{job_name: a, scheme: https, metrics_path: /m, params: {a: [b]}}]",
    "relabel": "scrape_configs: [{job_name: a, relabel_configs: [{source_labels: [a], regex: '(.*)', target_label: b, replacement: '${1}x'}]}]",
    "relabel bad regex": "scrape_configs: [{job_name: a, relabel_configs: [{regex: '('}]}]",
    "relabel bad action": "scrape_configs: [{job_name: a, relabel_configs: [{action: keeep}]}]",
    "relabel no target": "scrape_configs: [{job_name: a, relabel_configs: [{action: replace, source_labels: [a]}]}]",
    "hashmod no modulus": "scrape_configs: [{job_name: a, relabel_configs: [{action: hashmod, source_labels: [a], target_label: b}]}]",
    "labeldrop with target": "scrape_configs: [{job_name: a, relabel_configs: [{action: labeldrop, regex: a, target_label: b}]}]",
    "basic auth": "scrape_configs: [{job_name: a, basic_auth: {username: u, password: p}}]",
    "two auths": "scrape_configs: [{job_name: a, basic_auth: {username: u, password: p}, bearer_token: t}]",
    "basic by authorization": "scrape_configs: [{job_name: a, authorization: {type: Basic, credentials: x}}]",
    "alertmanagers": "alerting: {alertmanagers: [{static_configs: [{targets: ['am:9093']}]}]}",
    "alertmanager v1": "alerting: {alertmanagers: [{api_version: v3, static_configs: [{targets: ['am:9093']}]}]}",
    "alerting unknown": "alerting: {alertmanager: []}",
    "rules there": "rule_files: [good.yml]",
    "rules missing": "rule_files: [missing.yml]",
    "rules pattern": "rule_files: ['missing*.yml']",
    "rules broken": "rule_files: [broken.yml]",
    "rules duplicate": "rule_files: [twice.yml]",
    "not yaml": "a: [",
}

METRICS = {
    "clean": "# HELP a_total x\n# TYPE a_total counter\na_total 1\n",
    "no help": "# TYPE a_total counter\na_total 1\n",
    "counter": "# HELP a x\n# TYPE a counter\na 1\n",
    "gauge total": "# HELP a_total x\n# TYPE a_total gauge\na_total 1\n",
    "untyped total": "# HELP a_total x\na_total 1\n",
    "reserved": "# HELP a_sum x\n# TYPE a_sum gauge\na_sum 1\n# HELP a_count x\n# TYPE a_count gauge\na_count 1\n# HELP a_bucket x\n# TYPE a_bucket gauge\na_bucket 1\n",
    "labels": "# HELP a x\n# TYPE a gauge\na{le=\"1\",quantile=\"2\"} 1\n",
    "histogram": "# HELP h_seconds x\n# TYPE h_seconds histogram\nh_seconds_bucket{le=\"1\"} 1\nh_seconds_bucket{le=\"+Inf\"} 1\nh_seconds_sum 1\nh_seconds_count 1\n",
    "summary": "# HELP s_seconds x\n# TYPE s_seconds summary\ns_seconds{quantile=\"0.5\"} 1\ns_seconds_sum 1\ns_seconds_count 1\n",
    "units": "".join(f"# HELP a_{u} x\n# TYPE a_{u} gauge\na_{u} 1\n" for u in
                     ("milliseconds", "minutes", "kilobytes", "bits", "celsius", "fahrenheit", "miles", "grams", "megajoules", "seconds")),
    "abbreviations": "".join(f"# HELP a_{u} x\n# TYPE a_{u} gauge\na_{u} 1\n" for u in ("ms", "s", "kb", "d", "us_x")),
    "type in name": "# HELP a_counter x\n# TYPE a_counter gauge\na_counter 1\n# HELP a_gauge_b x\n# TYPE a_gauge_b gauge\na_gauge_b 1\n",
    "camel": "# HELP fooBar x\n# TYPE fooBar gauge\nfooBar{bazQux=\"1\"} 1\n",
    "colon": "# HELP a:b x\n# TYPE a:b gauge\na:b 1\n",
    "type twice": "# TYPE a gauge\n# TYPE a gauge\na 1\n",
    "help twice": "# HELP a x\n# HELP a x\na 1\n",
    "late type": "a 1\n# TYPE a gauge\n",
    "no newline": "# HELP a x\n# TYPE a gauge\na 1",
    "garbage": "a b c d\n",
    "bad value": "a one\n",
    "empty": "",
    "comment": "# nothing\n",
}


@unittest.skipIf(verdicts.need("promtool"), verdicts.need("promtool"))
class Checks(unittest.TestCase):
    maxDiff = None

    def compare(self, cases, suffix, *command):
        wrong, seen = [], set()
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            (folder / "good.yml").write_text(RULES["alert"])
            (folder / "broken.yml").write_text(RULES["broken expr"])
            (folder / "twice.yml").write_text(RULES["duplicates"])
            for name, text in cases.items():
                path = folder / f"case{suffix}"
                path.write_text(text)
                theirs, said = verdicts.run("promtool", *command, path)
                ours, answer = verdicts.run(verdicts.TOCSIN, *command, path)
                seen.add(theirs)
                if theirs != ours:
                    wrong.append(f"{name}: promtool {theirs}, tocsin {ours}\n{said}\n{answer}")
        self.assertEqual("\n".join(wrong), "")
        return seen

    def test_rules(self):
        self.assertEqual(self.compare(RULES, ".yml", "check", "rules", "--lint-fatal"), {0, 1, 3})

    def test_rules_without_lint(self):
        self.assertEqual(self.compare(RULES, ".yml", "check", "rules", "--lint=none", "--lint-fatal"), {0, 1})

    def test_configurations(self):
        self.assertEqual(self.compare(CONFIGS, ".yml", "check", "config", "--lint-fatal"), {0, 1, 3})

    def test_configurations_by_their_syntax(self):
        self.assertEqual(self.compare(CONFIGS, ".yml", "check", "config", "--syntax-only"), {0, 1})

    def test_metrics_have_the_same_lint_word_for_word(self):
        wrong = []
        for name, page in METRICS.items():
            theirs, said = verdicts.run("promtool", "check", "metrics", text=page)
            ours, answer = verdicts.run(verdicts.TOCSIN, "check", "metrics", text=page)
            same = theirs == ours and (theirs == 1 or sorted(said.splitlines()) == sorted(answer.splitlines()))
            if not same:
                wrong.append(f"{name}: promtool {theirs}, tocsin {ours}\n{said}\n{answer}")
        self.assertEqual("\n".join(wrong), "")
