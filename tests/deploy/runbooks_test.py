"""Runbooks and playbook against the rules: one for each alert, linked both ways, with the limits that the rules have.

Their commands are run by tests/e2e/panels_test.py.
"""
import os
import re
import subprocess
import unittest

import yaml

from support import PROGRAM, SOURCE

DEPLOY = SOURCE / "deploy"
RUNBOOKS = DEPLOY / "runbooks"
SECTIONS = ["Meaning", "Impact", "Check now", "Decide", "Mitigate", "Roll back", "Verify", "Escalate"]
# What the playbook calls the criteria of the document, and the alert that watches each.
CRITERIA = [
    ("Response times above 3 times those of the day before", "AppSlowerThanBefore", r"> (\d+) \* histogram_quantile", "{} times"),
    ("Response times, 95th percentile", "HighResponseTime", r"> ([\d.]+)$", "{} s"),
    ("Error rate", "HighErrorRate", r"> (0\.\d+)", "{:.0%}"),
    ("Memory of one instance of the app, of its limit", "HighMemoryUsage", r"> (0\.\d+)", "{:.0%}"),
    ("Database connections taken", "DatabaseConnectionPoolHigh", r"> (0\.\d+)", "{:.0%}"),
    ("Videos that wait", "VideoProcessingQueueBacklog", r"> (\d+)", "{}"),
    ("Use of the error budget in an hour, times the even use", "AvailabilityBurnsFast", r"1h > ([\d.]+)", "{}"),
]
TABLE = re.compile(r"(?<=<!-- criteria -->\n).*?(?=<!-- /criteria -->)", re.S)


def alerts():
    """(file, rule) of every alert that has a runbook."""
    for path in sorted((DEPLOY / "rules").glob("[a-z]*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    yield path, rule


def sent_by_scripts():
    return set(re.findall(r'alertname: "(\w+)"', (DEPLOY / "lib/record.sh").read_text()))


def blocks(text, language):
    return [re.sub(r"^ {3}", "", block, flags=re.M) if indent else block
            for indent, block in re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.S | re.M)]


class Runbooks(unittest.TestCase):
    def test_every_alert_has_one_and_every_one_an_alert(self):
        names = {rule["alert"] for _, rule in alerts()} | sent_by_scripts()
        self.assertGreater(len(names), 120)
        self.assertEqual({path.stem for path in RUNBOOKS.glob("*.md")}, names)
        seed = yaml.safe_load((DEPLOY / "alert_rules.yml").read_text())
        self.assertLessEqual({rule["alert"] for rule in seed["groups"][0]["rules"]}, names)

    def test_every_alert_leads_to_its_runbook(self):
        base = next(alerts())[1]["annotations"]["runbook_url"].rpartition("/")[0]  # runbook-urls.sh changes all of them
        for path, rule in alerts():
            with self.subTest(rule["alert"]):
                self.assertEqual(rule["annotations"]["runbook_url"], f"{base}/{rule['alert']}.md")
                page = (RUNBOOKS / f"{rule['alert']}.md").read_text()
                self.assertIn(f"(../{path.relative_to(DEPLOY)})", page)
        for name in sent_by_scripts():
            told = subprocess.run(["bash", "-c", f'source "$0/lib/record.sh"; runbook {name}', DEPLOY], capture_output=True, text=True,
                                  check=True, env=os.environ | {"DEPLOY_DIR": str(DEPLOY)})
            self.assertEqual(told.stdout, f"{base}/{name}.md\n")

    def test_they_say_what_the_rules_say(self):
        for path, rule in alerts():
            with self.subTest(rule["alert"], file=path.name):
                page = (RUNBOOKS / f"{rule['alert']}.md").read_text()
                self.assertIn(f"```promql\n{rule['expr'].strip()}\n```", page)
                keep = f", keeps firing for {rule['keep_firing_for']}" if "keep_firing_for" in rule else ""
                self.assertIn(f"{rule['labels']['severity']}, after {rule.get('for', '0s')}{keep}; [{path.name}]", page)

    def test_they_have_all_sections_with_something_in_them(self):
        for path in RUNBOOKS.glob("*.md"):
            with self.subTest(path.stem):
                page = path.read_text()
                parts = re.split(r"^## (.*)$", page, flags=re.M)
                self.assertEqual(parts[1::2], SECTIONS)
                self.assertTrue(all(part.strip() for part in parts[2::2]))
                self.assertTrue(page.startswith(f"# {path.stem}\n"))
                self.assertNotIn("kubectl", page)

    def test_links_lead_somewhere(self):
        for path in [*RUNBOOKS.glob("*.md"), DEPLOY / "playbook.md"]:
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
                self.assertTrue((path.parent / target).exists(), f"{path.name}: {target}")

    def test_every_expression_is_promql(self):
        seen = {}
        for path in [*RUNBOOKS.glob("*.md"), DEPLOY / "playbook.md"]:
            for expr in blocks(path.read_text(), "promql"):
                seen.setdefault(expr, path.name)
        self.assertGreater(len(seen), 250)
        for expr, name in seen.items():
            with self.subTest(name):
                parsed = subprocess.run([PROGRAM, "promql", "parse", expr], capture_output=True, text=True, check=False)
                self.assertEqual(parsed.returncode, 0, parsed.stderr)


class Playbook(unittest.TestCase):
    def test_its_limits_are_those_of_the_rules(self):
        rules = {rule["alert"]: rule for _, rule in alerts()}
        lines = ["| criterion | alert | limit | after | severity |", "| --- | --- | --- | --- | --- |"]
        for criterion, name, pattern, form in CRITERIA:
            rule = rules[name]
            limit = re.search(pattern, rule["expr"], re.M)[1]
            lines.append(f"| {criterion} | [{name}](runbooks/{name}.md) | {form.format(float(limit) if '%' in form else limit)}"
                         f" | {rule['for']} | {rule['labels']['severity']} |")
        wanted = "\n".join(lines) + "\n"
        path = DEPLOY / "playbook.md"
        page = path.read_text()
        if os.environ.get("UPDATE_PLAYBOOK"):
            path.write_text(TABLE.sub(lambda _: wanted, page))
            return
        self.assertEqual(TABLE.search(page)[0], wanted)

    def test_it_has_the_steps_of_the_document(self):
        page = (DEPLOY / "playbook.md").read_text()
        for part in ("Immediate response (0-5 minutes)", "Acknowledge", "Check the dashboard", "Assess the scope", "Mitigate",
                     "Investigation (5-15 minutes)", "Logs", "Resources", "Database", "Traffic", "Escalation criteria",
                     "Rollback decision tree", "Quick rollback"):
            self.assertIn(part, page)
        self.assertNotIn("kubectl", page)
        self.assertNotIn("mean_time", page)


if __name__ == "__main__":
    unittest.main()
