"""The dashboards' panels and the commands of runbooks and playbook, on the running stack."""
import json
import os
import pathlib
import re
import subprocess
import time
import unittest

import psycopg2
import redis
import yaml

from stack import Stack, Times, servers
from stack.process import Process
from stack.settings import DEPLOY, write_yaml
from support import PROGRAM, SOURCE, Server, eventually

# Panels that show a fault have nothing to show without one: the fault in which they do.
FAULT_ONLY = {"deploy: Alerts of the app": "app-down"}
RECORDS = (
    {"id": "1", "version": "1.0", "to": "blue", "started": "2026-11-20T10:00:00Z", "finished": "2026-11-20T10:20:00Z",
     "committed": "2026-11-20T09:00:00Z", "result": "succeeded", "seconds": 1200, "gates": {"pre": "pass", "post": "pass"}},
    {"id": "2", "version": "1.1", "to": "green", "started": "2026-11-21T10:00:00Z", "finished": "2026-11-21T10:05:00Z",
     "committed": "", "result": "rolled_back", "seconds": 300, "gates": {"pre": "pass", "step-5": "fail"}},
    {"id": "3", "version": "1.2", "to": "green", "started": "2026-11-22T10:00:00Z", "finished": "2026-11-22T10:20:00Z",
     "committed": "2026-11-22T08:00:00Z", "result": "succeeded", "seconds": 1200, "gates": {"pre": "pass", "post": "pass"}},
)


class WatchedStack:
    """The quick start's stack, watched as the production stack is: rules of deploy/rules, records of deployments,
    constants, a probe. Times are a twentieth. Use it in a with statement."""

    def __init__(self):
        self.stack = Stack(times=Times(20))

    def __enter__(self):
        self.stack.__enter__()
        try:
            self._start()
        except BaseException:
            self.stack.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stack.__exit__()

    def _start(self):
        stack, settings = self.stack, self.stack.settings
        self.state = stack.folder / "state"
        (self.state / "metrics").mkdir(parents=True)
        (self.state / "state.json").write_text(json.dumps(
            {"active": "green", "versions": {"blue": "1.0", "green": "1.2"}, "shares": {"blue": 0, "green": 100}}))
        self.record(RECORDS[:1])
        (self.state / "metrics/constants.prom").write_text((DEPLOY / "constants.prom.example").read_text())
        with self.database("postgres", settings.superuser_password) as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

        home = stack.folder / "watch"
        home.mkdir()
        config = settings.tocsin_config()
        config["rule_files"] = ["rules/*.yml"]
        config["scrape_configs"][0]["static_configs"][0]["labels"] = {"color": "green"}
        config["collectors"]["postgres"][0]["enable"] = ["stat_statements"]
        config["collectors"]["probe"] = [{"target": f"http://{settings.app_address}/health", "interval": "500ms"}]
        config["collectors"]["node"] = {"textfile_directory": str(self.state / "metrics")}
        write_yaml(home / "tocsin.yml", config)
        (home / "rules").mkdir()
        for path in (DEPLOY / "rules").glob("[a-z]*.yml"):
            write_yaml(home / "rules" / path.name, settings.times.shorten(yaml.safe_load(path.read_text())))
        address = settings.tocsin_address
        watcher = Process("watch", [PROGRAM, "serve", f"--config.file={home}/tocsin.yml", f"--storage.tsdb.path={home}/data",
                                    f"--web.listen-address={address}"],
                          cwd=home, log=stack.folder / "watch.log", env=settings.tocsin_environment(),
                          ready=lambda: servers.http_ok(f"http://{address}/-/ready"), grace=20)
        stack._await(stack._launch(watcher))
        self.server = Server(address)
        # What has happened since is seen as an increase.
        eventually(lambda: self.server.query("tocsin_deployments_total"), timeout=30)
        self.record(RECORDS)

    def record(self, records):
        """As deploy.sh does it."""
        (self.state / "deployments.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
        subprocess.run(["bash", "-c", "set -eu; for part in common state record; do source deploy/lib/$part.sh; done; write_metrics"],
                       cwd=SOURCE, check=True, env=os.environ | {"STATE_DIR": str(self.state), "DEPLOY_DIR": str(DEPLOY)})

    def database(self, user, password):
        connection = psycopg2.connect(self.stack.settings.database_url(user, password))
        connection.autocommit = True
        return connection.cursor()


def panels():
    """(name, expression) of every target, with the variables filled in."""
    for path in sorted((DEPLOY / "grafana/dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                expr = target["expr"].replace("$__rate_interval", "15s").replace("$job", "ai-validation-app").replace("$color", ".*")
                yield f"{path.stem}: {panel['title']}", expr


def blocks(language):
    """{command: page} of every block of that language in runbooks and playbook."""
    found = {}
    for path in [*sorted((DEPLOY / "runbooks").glob("*.md")), DEPLOY / "playbook.md"]:
        for indent, text in re.findall(rf"^( *)```{language}\n(.*?)^ *```$", path.read_text(), re.S | re.M):
            found.setdefault(re.sub(r"^ {3}", "", text, flags=re.M) if indent else text, path.name)
    return found


class Panels(unittest.TestCase):
    def test_every_panel_shows_something(self):
        with WatchedStack() as watched:
            def empty(among):
                return [(name, expr) for name, expr in among
                        if not any(sample["value"][1] != "NaN" for sample in watched.server.query(expr))]

            missing = [one for one in panels() if one[0] not in FAULT_ONLY]
            self.assertGreater(len(missing), 60)
            deadline = time.monotonic() + 75
            while missing and time.monotonic() < deadline:
                missing = empty(missing)
                time.sleep(1)
            self.assertEqual(missing, [])
            for name, fault in FAULT_ONLY.items():
                showing = [one for one in panels() if one[0] == name]
                watched.stack.break_it(fault)
                self.assertTrue(eventually(lambda: not empty(showing), timeout=40), name)
                watched.stack.repair(fault)


class Commands(unittest.TestCase):
    def test_every_command_of_runbooks_and_playbook_runs(self):
        with WatchedStack() as watched:
            settings = watched.stack.settings
            programs = watched.stack.folder / "bin"
            programs.mkdir()
            (programs / "tocsin").symlink_to(pathlib.Path(PROGRAM).resolve())
            environment = settings.environment(SERVER=f"http://{settings.tocsin_address}", APP=f"http://{settings.app_address}",
                                               STATE_DIR=str(watched.state))
            environment["PATH"] = f"{programs}:{environment['PATH']}"
            ran = 0
            for expr, page in blocks("promql").items():
                with self.subTest(page, promql=expr):
                    watched.server.query(expr)
                    ran += 1
            with watched.database("postgres", settings.superuser_password) as cursor:
                for statement, page in blocks("sql").items():
                    with self.subTest(page, sql=statement):
                        cursor.execute(statement)
                        cursor.fetchall()
                        ran += 1
            broker = redis.Redis(port=settings.redis_port, password=settings.redis_password, db=1)
            for command, page in blocks("redis").items():
                with self.subTest(page, redis=command):
                    self.assertIsNotNone(broker.execute_command(*command.split()))
                    ran += 1
            for command, page in blocks("sh").items():
                # Its effect is what the tests of deployments are about; here, that it is called as it wants to be.
                command = re.sub(r"^(deploy/rollback\.sh .*)$", r"\1 --help", command.strip())
                with self.subTest(page, sh=command):
                    done = subprocess.run(["bash", "-euc", command], cwd=SOURCE, env=environment, capture_output=True, text=True,
                                          timeout=60, check=False)
                    # `tocsin alerts` says 1 while an alert fires, which the heartbeat always does.
                    wanted = (0, 1) if command.startswith("tocsin alerts") else (0,)
                    self.assertIn(done.returncode, wanted, done.stdout + done.stderr)
                    ran += 1
            self.assertGreater(ran, 300)


if __name__ == "__main__":
    unittest.main()
