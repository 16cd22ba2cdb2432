"""The dashboards: what Grafana's schemas and its linter ask for, and every expression is PromQL over recorded or exported
names."""
import json
import re
import subprocess
import unittest

import yaml

from support import PROGRAM, SHARED, SOURCE, require_shared

try:
    import jsonschema
except ImportError:
    jsonschema = None

GRAFANA = SOURCE / "deploy/grafana"
PATHS = sorted((GRAFANA / "dashboards").glob("*.json"))
KINDS = {"timeseries", "stat", "gauge", "bargauge", "table", "text", "state-timeline"}
COUNTER = re.compile(r"\b(\w+_total|\w+_bucket|pg_stat_database_(?:xact|blks|deadlocks)\w*|pg_stat_user_tables_(?:seq_tup|idx_tup)\w+)\b")


def dashboards():
    for path in PATHS:
        yield path.stem, json.loads(path.read_text())


def panels():
    for name, dashboard in dashboards():
        for panel in dashboard["panels"]:
            yield f"{name}: {panel['title']}", panel


def expressions():
    for name, panel in panels():
        for target in panel.get("targets", []):
            yield name, target["expr"]


def filled(expr, job="ai-validation-app", color=".*", interval="1m"):
    return expr.replace("$__rate_interval", interval).replace("$job", job).replace("$color", color)


class Dashboards(unittest.TestCase):
    def test_there_are_four_and_they_are_what_the_builder_writes(self):
        self.assertEqual([path.stem for path in PATHS], ["business", "deploy", "executive", "technical"])
        checked = subprocess.run(["/usr/bin/python3", "-B", GRAFANA / "build.py", "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout)

    @unittest.skipIf(jsonschema is None, "python3-jsonschema is not installed")
    def test_they_fit_the_schemas_of_grafana(self):
        require_shared()
        schemas = {path.name.split(".")[0]: json.loads(path.read_text())
                   for path in (SHARED / "schemas/grafana").glob("*.jsonschema.json")}

        def check(where, schema, definition, document):
            whole = dict(schemas[schema])
            whole.pop("$ref", None)
            validator = jsonschema.Draft7Validator(whole | {"$ref": f"#/definitions/{definition}"})
            for error in validator.iter_errors(document):
                with self.subTest(where):
                    self.fail(f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")

        units = set(re.findall(r'"(?:const|enum)": *"?([^",\]]+)', json.dumps(schemas["units"]))) | set(
            value for part in schemas["units"].get("definitions", {}).values() for value in part.get("enum", []))
        for name, dashboard in dashboards():
            check(name, "dashboard", "Dashboard", dashboard)
        for name, panel in panels():
            kind = panel["type"].replace("-", "")
            check(name, "dashboard", "Panel", panel)
            check(name, kind, "Options", panel["options"])
            custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom")
            if custom is not None:
                check(name, kind, "FieldConfig", custom)
            for target in panel.get("targets", []):
                check(name, "prometheus", "Dataquery", target)
            if units and "fieldConfig" in panel:
                self.assertIn(panel["fieldConfig"]["defaults"]["unit"], units, name)

    def test_they_keep_the_rules_of_the_dashboard_linter(self):
        uids = set()
        for name, dashboard in dashboards():
            with self.subTest(name):
                self.assertNotIn("dashboard", dashboard, "the envelope of the API")
                self.assertEqual(dashboard["uid"], f"ai-validation-{name}")
                uids.add(dashboard["uid"])
                self.assertEqual((dashboard["schemaVersion"], dashboard["editable"]), (42, False))
                variables = {one["name"]: one for one in dashboard["templating"]["list"]}
                self.assertEqual(set(variables), {"datasource", "job", "color"})
                self.assertTrue(all(isinstance(one["query"], str) for one in variables.values()))
                self.assertTrue(dashboard["annotations"]["list"])
                self.assertTrue(dashboard["links"])
                ids = [panel["id"] for panel in dashboard["panels"]]
                self.assertEqual(len(set(ids)), len(ids))
        self.assertEqual(len(uids), 4)
        for name, panel in panels():
            with self.subTest(name):
                self.assertIn(panel["type"], KINDS)
                self.assertTrue(panel["title"] and panel["description"])
                self.assertEqual(panel["datasource"]["uid"], "${datasource}")
                if panel["type"] != "text":
                    defaults = panel["fieldConfig"]["defaults"]
                    self.assertTrue(defaults["unit"] and defaults["thresholds"]["steps"])
                    self.assertTrue(panel["targets"])
                for target in panel.get("targets", []):
                    self.assertEqual(target["datasource"]["uid"], "${datasource}")
                    self.assertTrue(target["legendFormat"])

    def test_panels_do_not_lie_over_each_other(self):
        for name, dashboard in dashboards():
            taken = {}
            for panel in dashboard["panels"]:
                grid = panel["gridPos"]
                self.assertLessEqual(grid["x"] + grid["w"], 24)
                for x in range(grid["x"], grid["x"] + grid["w"]):
                    for y in range(grid["y"], grid["y"] + grid["h"]):
                        other = taken.setdefault((x, y), panel["title"])
                        self.assertEqual(other, panel["title"], name)

    def test_every_expression_is_promql(self):
        seen = 0
        for name, expr in expressions():
            seen += 1
            with self.subTest(name):
                parsed = subprocess.run([PROGRAM, "promql", "parse", filled(expr)], capture_output=True, text=True, check=False)
                self.assertEqual(parsed.returncode, 0, parsed.stderr)
        self.assertGreater(seen, 50)

    def test_counters_stand_under_rate_or_increase(self):
        for name, expr in expressions():
            for counter in COUNTER.finditer(expr):
                before = expr[:counter.start()]
                recorded = counter[0] == "tocsin_deployments_total"  # how many so far is the figure
                with self.subTest(name, counter=counter[0]):
                    self.assertTrue(recorded or re.search(r"(rate|increase)\($", before), expr)

    def test_recorded_names_are_recorded(self):
        recorded = set()
        for path in (SOURCE / "deploy/rules").glob("*.yml"):
            for group in yaml.safe_load(path.read_text()).get("groups", []):
                recorded |= {rule["record"] for rule in group["rules"] if "record" in rule}
        used = {found for _, expr in expressions() for found in re.findall(r"\b(?:kpi|slo):[\w:]+", expr)}
        self.assertGreater(len(used), 20)
        self.assertEqual(used - recorded, set())

    def test_grafana_is_told_where_they_are(self):
        source = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
        provider = yaml.safe_load((GRAFANA / "provisioning/dashboards/ai-validation.yml").read_text())["providers"][0]
        compose = yaml.safe_load((SOURCE / "deploy/docker-compose.prod.yml").read_text())
        mounts = {one["target"]: one["source"] for one in compose["services"]["grafana"]["volumes"]}
        self.assertEqual(source["url"], "http://prometheus:9090")
        self.assertIn("prometheus", compose["services"])
        self.assertEqual(mounts[provider["options"]["path"]], "./grafana/dashboards")
        self.assertEqual(mounts["/etc/grafana/provisioning"], "./grafana/provisioning")
        for _, dashboard in dashboards():
            default = next(one for one in dashboard["templating"]["list"] if one["name"] == "datasource")
            self.assertEqual(default["current"]["value"], source["uid"])


if __name__ == "__main__":
    unittest.main()
