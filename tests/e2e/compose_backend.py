"""The whole compose file under a real Docker and Compose v2, deployed by deploy.sh with its backend compose.

deploy/ is used as a user would: copied, .env and secrets made, deploy.sh called. Images come from container_images.py; Grafana is
left out, which no package of Debian has. An override file gives the services the host's /usr, and ports of this test.
"""
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import time
import unittest


import blue_green
import container_images
from container_images import GUNICORN, PATH
from docker_engine import Engine
from stack import janitor
from stack.settings import DEPLOY, Ports, write_yaml
from support import PROGRAM, eventually

PORTS = {"BLUE_PORT": 8000, "GREEN_PORT": 8000, "HTTP_PORT": 8080, "HTTPS_PORT": 8443, "INTERNAL_PORT": 8081, "TOCSIN_PORT": 9977,
         "PROMETHEUS_PORT": 9090, "ALERTMANAGER_PORT": 9093}
OF_THE_HOST = ("app-blue", "app-green", "migrate", "celery-worker", "nginx", "postgres", "redis-broker", "redis-cache", "prometheus",
               "alertmanager")
BASE = "postgres redis-broker redis-cache alertmanager tocsin prometheus"

# What the entry point of Postgres' image does with this compose file on an empty volume.
POSTGRES_ENTRY = """#!/bin/sh
set -e
if [ ! -e "$PGDATA/PG_VERSION" ]; then
  initdb -U postgres --pwfile="$POSTGRES_PASSWORD_FILE" --no-sync --locale=C -E UTF8 $POSTGRES_INITDB_ARGS >/dev/null
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  pg_ctl -s -w start -o "-c listen_addresses='' -c config_file=/etc/postgresql/postgresql.conf"
  createdb -U postgres "$POSTGRES_DB"
  for script in /docker-entrypoint-initdb.d/*; do "$script"; done
  pg_ctl -s -w -m fast stop
fi
exec "$@"
"""


class Compose(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-compose-"))
        self.addCleanup(janitor.clean, self.folder)
        self.engine = Engine(self.folder)
        if reason := self.engine.why_not():
            self.skipTest(reason)
        self.enterContext(self.engine)
        self.project = f"tocsin-test-{os.getpid()}"
        self.deploy_folder = self.folder / "deploy"
        shutil.copytree(DEPLOY, self.deploy_folder, symlinks=True,
                        ignore=shutil.ignore_patterns("__pycache__", "state.json", "shift.conf*", ".env"))
        self.images = {}
        self.addCleanup(self.clean)

    def clean(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.compose("--profile=tools", "down", "--volumes", "--timeout=1", check=False)
            self.engine("image", "rm", "--force", *self.images, check=False)

    def compose(self, *words, **more):
        files = [word for path in self.compose_files() for word in ("-f", path)]
        versions = {f"{name}_VERSION": "1" for name in ("BLUE", "GREEN", "WORKER")}
        return self.engine("compose", "--ansi=never", "-p", self.project, *files, *words, **(self.ports | versions), **more)

    def compose_files(self):
        return self.deploy_folder / "docker-compose.prod.yml", self.folder / "override.yml"

    # What a user prepares.

    def prepare(self):
        ports = Ports()
        self.ports = {name: str(ports.free()) for name in PORTS}
        subprocess.run([self.deploy_folder / "secrets/generate.sh"], check=True, stdout=subprocess.DEVNULL)
        # The images here are others than those of the registries, by the same tags.
        (self.deploy_folder / ".env").write_text(re.sub("@sha256:[0-9a-f]+", "", (DEPLOY / ".env.example").read_text()))
        usr = {"volumes": ["/usr:/usr:ro"]}
        write_yaml(self.folder / "override.yml", {"services": {name: usr for name in OF_THE_HOST} | {
            name: usr | {"environment": {"APP_PROCESSING_SECONDS": "0.001", "APP_QUANTILE_WINDOW": "4", "APP_BACKEND_TIMEOUT": "20"}}
            for name in ("app-blue", "app-green", "celery-worker")} | {
            # A machine may not allow as many as production wants.
            "nginx": usr | {"ulimits": {"nofile": min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])}}}})
        (self.deploy_folder / "nginx/site/trusted.conf").write_text("172.16.0.0/12 1;\n192.168.0.0/16 1;\n")
        config = self.deploy_folder / "tocsin/tocsin.yml"
        config.write_text(re.sub("(scrape_interval|evaluation_interval): (5|15)s", r"\1: 1s", config.read_text()))
        write_yaml(self.folder / "gates.yml", blue_green.GATES | {"window": "8s", "max_age": "8s", "gates": {
            "health_check": blue_green.GATES["gates"]["health_check"] | {"timeout": "20s"},
            "load_testing": blue_green.GATES["gates"]["load_testing"] | {"rate": 20},
            "performance_validation": {"memory_usage_max": "300MB", "error_rate_max": 0.02},
            "rollback_criteria": {"error_rate_spike": "5%", "memory_usage_spike": "100%"}}})
        write_yaml(self.folder / "mix.yml", blue_green.MIX)
        self.make_images()

    def make_images(self):
        lines = (self.deploy_folder / ".env").read_text().splitlines()
        tags = dict(line.split("=", 1) for line in lines if "_VERSION=" in line)
        base = container_images.make_base(self.folder / "base")
        (base / "entrypoint").mkdir()
        (base / "entrypoint/postgres").write_text(POSTGRES_ENTRY)
        (base / "entrypoint/postgres").chmod(0o755)
        path = f"ENV PATH={PATH}"
        self.import_image(base, f"nginx:{tags['NGINX_VERSION']}", path)
        self.import_image(base, f"redis:{tags['REDIS_VERSION']}", path)
        self.import_image(base, f"postgres:{tags['POSTGRES_VERSION']}", path, "ENV PGDATA=/var/lib/postgresql/data",
                          'ENTRYPOINT ["/entrypoint/postgres"]')
        for name in ("prometheus", "alertmanager"):
            program = json.dumps([shutil.which(name) or f"/usr/bin/prometheus-{name}"])
            self.import_image(base, f"prom/{name}:{tags[f'{name.upper()}_VERSION']}", path, f"ENTRYPOINT {program}")
        app = container_images.make_app(base, self.folder / "app-image")
        for version, module in (("1", "app.web"), ("2", "app.web"), ("3", "app.web"), ("bad", "release")):
            command = json.dumps([*GUNICORN.split(), f"{module}:app"])
            self.import_image(app, f"ai-validation:{version}", path, "WORKDIR /srv", "USER 65532:65532",
                              "ENV PYTHONDONTWRITEBYTECODE=1", f"CMD {command}")
        self.import_image(container_images.make_tocsin(self.folder / "tocsin-image"), f"tocsin:{tags['TOCSIN_VERSION']}",
                          "USER 65532:65532", 'ENTRYPOINT ["/usr/bin/tocsin"]')

    def import_image(self, root, name, *changes):
        self.images[name] = container_images.import_image(self.engine, root, name, *changes)

    def environment(self):
        return self.engine.environment | self.ports | {
            "COMPOSE_FILE": ":".join(map(str, self.compose_files())), "PROJECT": self.project, "BASE_SERVICES": BASE,
            "INTERNAL_URL": f"http://127.0.0.1:{self.ports['INTERNAL_PORT']}", "WORKER_CPUS": "1",
            "TOCSIN": PROGRAM, "SERVER_URL": f"http://127.0.0.1:{self.ports['TOCSIN_PORT']}",
            "ALERTMANAGER_URL": f"http://127.0.0.1:{self.ports['ALERTMANAGER_PORT']}", "RULES": "",
            "GATES": f"{self.folder}/gates.yml", "JOURNEYS": f"{self.folder}/mix.yml", "SHIFT_KEY": "$request_id",
            "STEP_SECONDS": "2", "SOAK_SECONDS": "1", "GATE_TRIES": "5", "STOP_GRACE": "10", "DISK_KIB": "10240"}

    # What is looked at.

    def run_script(self, script, *arguments, code=0):
        done = subprocess.run([self.deploy_folder / script, *arguments], env=self.environment(), cwd=self.folder, capture_output=True,
                              text=True, timeout=200, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr

    def state(self):
        return json.loads((self.deploy_folder / "state/state.json").read_text())

    def ask(self, port, expression):
        return blue_green.values(f"127.0.0.1:{self.ports[port]}", expression)

    def load(self, rate):
        return blue_green.Load(rate, self.folder / "mix.yml", f"https://127.0.0.1:{self.ports['HTTPS_PORT']}", "--insecure", users=40)

    def test_deployments_and_a_rollback_under_load(self):
        self.prepare()
        began = time.monotonic()
        self.run_script("deploy.sh", "1")
        print(f"the stack and the first deployment: {time.monotonic() - began:.0f} s")
        self.assertEqual(self.state()["active"], "blue")
        with self.load(20) as load:
            time.sleep(1)
            self.run_script("deploy.sh", "2")
            self.assertEqual(self.state()["active"], "green")
            self.run_script("deploy.sh", "bad", code=1)
            self.run_script("deploy.sh", "3")
            self.assertEqual(self.state()["active"], "blue")
            self.run_script("rollback.sh", "--reason", "test")
            self.assertEqual(self.state()["active"], "green")
        problems = {step["name"]: step["problems"] for step in load.report["steps"] if step["failed"]}
        self.assertEqual((load.report["failed"], problems), (0, {}))
        print(f"three deployments, a bad one and a rollback under Compose: {load.report['succeeded']} requests, {load.report['failed']} failed")
        self.everything_is_watched()
        self.nginx_starts_again_with_one_color()
        self.containers_are_as_they_should_be()

    def everything_is_watched(self):
        for port, expression, wanted in (
                ("TOCSIN_PORT", "sum(pg_up)", 1), ("TOCSIN_PORT", "sum(redis_up)", 2), ("TOCSIN_PORT", "count(nginx_up == 1)", 1),
                ("TOCSIN_PORT", "sum(probe_success)", 1), ("TOCSIN_PORT", 'count(celery_queue_length{queue_name="videos"})', 1),
                ("PROMETHEUS_PORT", 'max(up{job="tocsin"})', 1), ("PROMETHEUS_PORT", 'max(up{job="ai-validation-app"})', 1)):
            got = eventually(lambda: self.ask(port, expression) == [wanted])  # pylint: disable=cell-var-from-loop
            self.assertTrue(got, f"{port} {expression}: {self.ask(port, expression)}")

    def nginx_starts_again_with_one_color(self):
        """The other color is gone: a configuration that names it could not be loaded."""
        self.compose("stop", "--timeout=5", "app-blue")
        self.compose("up", "-d", "--no-deps", "--force-recreate", "nginx")
        self.compose("restart", "--timeout=5", "nginx")
        health = ["curl", "-fsk", "-o", "/dev/null", f"https://127.0.0.1:{self.ports['HTTPS_PORT']}/health"]
        self.assertTrue(eventually(lambda: subprocess.run(health, check=False).returncode == 0))

    def containers_are_as_they_should_be(self):
        names = self.compose("ps", "-q").split()
        told = json.loads(self.engine("inspect", *names))
        self.assertEqual({one["Config"]["Labels"]["com.docker.compose.service"] for one in told},
                         {*BASE.split(), "app-green", "celery-worker", "nginx"})
        for one in told:
            name, host = one["Name"], one["HostConfig"]
            self.assertEqual((one["RestartCount"], one["State"]["Status"]), (0, "running"), name)
            self.assertEqual((host["ReadonlyRootfs"], host["CapDrop"], host["Init"], host["PidsLimit"]), (True, ["ALL"], True, 256), name)
            self.assertIn("no-new-privileges:true", host["SecurityOpt"], name)
            self.assertNotIn(one["Config"]["User"].split(":")[0], ("", "0", "root"), name)
            self.assertGreater(host["Memory"], 0, name)
            self.assertTrue(eventually(lambda: self.engine("inspect", "-f", "{{.State.Health.Status}}", one["Id"]).strip()  # pylint: disable=cell-var-from-loop
                                       == "healthy", timeout=40), f"{name} is not healthy")
        logs = "".join((done := self.engine("logs", name, check=False)).stdout + done.stderr for name in names)
        page = subprocess.run(["curl", "-fsS", f"http://127.0.0.1:{self.ports['TOCSIN_PORT']}/metrics"], capture_output=True, text=True, check=True)
        for path in (self.deploy_folder / "secrets").glob("*_password"):
            if path.name != "smtp_password":  # a placeholder
                self.assertNotIn(path.read_text(), json.dumps(told) + logs + page.stdout, path.name)
