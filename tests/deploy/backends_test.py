"""deploy.sh over Docker Compose and podman, with programs of those names that write down what they are told."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from support import SOURCE

DEPLOY = SOURCE / "deploy"

# Keeps its arguments and versions, knows which containers run, and answers as the real ones do.
FAKE = """#!/bin/bash
printf '%s\\n' "BLUE=${BLUE_VERSION:-} GREEN=${GREEN_VERSION:-} WORKER=${WORKER_VERSION:-} MIGRATE=${MIGRATE_VERSION:-} ${0##*/} $*" >> "$CALLS"
case " $* " in
  *" config --format json "*) printf '{"secrets": {"a": {"file": "%s"}}}' "${SECRET:-/etc/hostname}" ;;
  *" migrate "*) exit "${MIGRATION_FAILS:-0}" ;;
  *" up -d "*" app-blue "* | *" --name tocsin-app-blue "*) touch "$RUNNING/app-blue" ;;
  *" up -d "*" app-green "* | *" --name tocsin-app-green "*) touch "$RUNNING/app-green" ;;
  *" up -d "*" nginx "* | *" --name tocsin-nginx "*) touch "$RUNNING/nginx" ;;
  *" stop "*) rm -f "$RUNNING/$(sed 's/.*tocsin-//' <<<"${*: -1}")" ;;
  *" ps -q --status running "*) [ ! -e "$RUNNING/${*: -1}" ] || echo 0123abcd ;;
  *" inspect "*) [ -e "$RUNNING/$(sed 's/.*tocsin-//' <<<"${*: -1}")" ] && echo true || echo false ;;
  *" top "*) printf 'nginx: master process nginx\\nnginx: worker process\\nnginx: worker process\\n' ;;
esac
exit 0
"""
# The gate passes; health and the generation are as they should be.
TOCSIN = "#!/bin/bash\nexit \"${GATE_CODE:-0}\"\n"
CURL = """#!/bin/bash
case "$*" in
  */-/generation*) jq -r .generation "$STATE_DIR/state.json" ;;
  *) exit 0 ;;
esac
"""


class Backend(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tocsin-backends-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        for name in ("bin", "running"):
            (self.folder / name).mkdir()
        shutil.copytree(DEPLOY / "nginx", self.folder / "nginx")
        for name, text in (("docker", FAKE), ("podman", FAKE), ("tocsin", TOCSIN), ("curl", CURL)):
            (self.folder / "bin" / name).write_text(text)
            (self.folder / "bin" / name).chmod(0o755)
        (self.folder / "calls").touch()

    def run_script(self, script, *arguments, code=0, **more):
        environment = {"PATH": f"{self.folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin", "CALLS": f"{self.folder}/calls",
                       "RUNNING": f"{self.folder}/running", "STATE_DIR": f"{self.folder}/state",
                       "NGINX_DIR": f"{self.folder}/nginx", "TARGETS_FILE": f"{self.folder}/app.json",
                       "APP_ENV_FILE": "/dev/null", "STEP_SECONDS": "0", "SOAK_SECONDS": "0", "DISK_KIB": "1024",
                       "TMPDIR": str(self.folder)} | more
        done = subprocess.run([DEPLOY / script, *arguments], env=environment, cwd=self.folder, capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr

    def calls(self, *words):
        return [line for line in (self.folder / "calls").read_text().splitlines() if all(word in line for word in words)]

    def index(self, *words):
        for number, line in enumerate((self.folder / "calls").read_text().splitlines()):
            if all(word in line for word in words):
                return number
        self.fail(f"nobody called {words}:\n" + (self.folder / "calls").read_text())

    def state(self):
        return json.loads((self.folder / "state/state.json").read_text())


class Compose(Backend):
    def deploy(self, *arguments, **more):
        return self.run_script("deploy.sh", "--backend", "compose", *arguments, **more)

    def test_the_first_deployment_starts_everything_in_order(self):
        self.deploy("1.0")
        order = [self.index("up -d --wait", " postgres ", " grafana"), self.index("run --rm -T migrate"),
                 self.index("up -d --no-deps", "app-blue"), self.index("run --rm -T --no-deps nginx nginx -t"),
                 self.index("up -d --no-deps", " nginx"), self.index("up -d --no-deps", "celery-worker")]
        self.assertEqual(order, sorted(order))
        self.assertEqual(self.calls("stop -t"), [])
        # Rehearsed in a copy of the database, then done.
        rehearsal = [self.index("exec -T -e PGUSER=postgres postgres createdb"),
                     self.index("run --rm -T -e DATABASE_URL_FILE=/run/secrets/rehearsal_url migrate"),
                     self.index("postgres dropdb --force ai_validation_rehearsal"), self.index("run --rm -T migrate")]
        self.assertEqual(rehearsal, sorted(rehearsal))
        self.assertEqual(len(self.calls("MIGRATE=1.0")), 2)

    def test_colors_alternate_and_each_keeps_its_version(self):
        for version, color in (("1.0", "blue"), ("1.1", "green"), ("1.2", "blue")):
            self.deploy(version)
            self.assertEqual(self.state()["active"], color)
            targets = json.loads((self.folder / "app.json").read_text())
            self.assertEqual(targets, [{"targets": [f"app-{color}:8000"], "labels": {"color": color}}])
        self.assertTrue(self.calls("BLUE=1.0 GREEN=1.1", "up -d", "app-green"))
        self.assertTrue(self.calls("BLUE=1.2 GREEN=1.1", "up -d", "app-blue"))
        # The old color ends with more patience than nginx' old workers have, after it has left nginx.
        last = (self.folder / "calls").read_text().splitlines()
        stop = max(number for number, line in enumerate(last) if "stop -t 45 app-green" in line)
        reload = max(number for number, line in enumerate(last) if "exec -T nginx nginx -s reload" in line)
        self.assertGreater(stop, reload)

    def test_every_call_is_of_this_project_without_a_terminal_and_builds_nothing(self):
        self.deploy("1.0")
        self.deploy("1.1")
        for line in self.calls("docker"):
            self.assertIn(f"docker compose --ansi never -p tocsin -f {DEPLOY}/docker-compose.prod.yml ", line)
            if " exec " in line or " run " in line:
                self.assertIn(" -T ", line)
            if " up " in line:
                self.assertIn("--no-build", line)

    def test_a_failed_gate_or_migration_keeps_the_old_color(self):
        self.deploy("1.0")
        for more, phase in (({"MIGRATION_FAILS": "1"}, "preflight"), ({"GATE_CODE": "1", "SHIFT_STEPS": "100"}, "preflight")):
            self.deploy("1.1", code=1, **more)
            record = json.loads((self.folder / "state/deployments.jsonl").read_text().splitlines()[-1])
            self.assertEqual((record["result"], record["phase"]), ("rolled_back", phase))
            self.assertEqual(self.state()["active"], "blue")
            self.assertNotIn("app-blue", "".join(self.calls("stop -t")))

    def test_nothing_is_started_while_a_secret_is_missing(self):
        told = self.deploy("1.0", code=1, SECRET=f"{self.folder}/secrets/app_password")
        self.assertIn(f"the secret {self.folder}/secrets/app_password is missing or empty", told)
        self.assertEqual(self.calls(" up "), [])

    def test_a_contracting_migration_is_asked_for(self):
        self.deploy("1.0")
        self.assertEqual(self.calls("expand_only"), [])
        self.deploy("1.1", "--contract")
        self.assertEqual(len(self.calls("run --rm -T -e PGOPTIONS= -c expand_only.contract=on")), 2)

    def test_rollback_starts_the_version_before(self):
        self.deploy("1.0")
        self.deploy("1.1")
        self.run_script("rollback.sh", "--backend", "compose", "--stop")
        self.assertEqual(self.state()["active"], "blue")
        self.assertEqual(len(self.calls("BLUE=1.0", "up -d", "app-blue")), 2)
        self.assertTrue(self.calls("stop -t", "app-green"))


class Podman(Backend):
    def test_colors_are_hardened_containers_on_one_network(self):
        for version in ("1.0", "1.1"):
            self.run_script("deploy.sh", "--backend", "podman", version)
        started = self.calls("run -d --replace --name tocsin-app-green")
        self.assertEqual(len(started), 1)
        for words in ("--network tocsin", "--network-alias app-green", "--read-only", "--cap-drop ALL",
                      "no-new-privileges", "-p 127.0.0.1:8002:8000", " ai-validation:1.1"):
            self.assertIn(words, started[0])
        self.assertEqual(self.state()["active"], "green")
        self.assertTrue(self.calls("exec tocsin-nginx nginx -t"))
        self.assertTrue(self.calls("stop --ignore -t 45 tocsin-app-blue"))
