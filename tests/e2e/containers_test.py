"""The production files in real containers: podman, without a registry and without Docker.

container_images.py makes the images. nginx, Postgres, Redis and tocsin run with the configuration of deploy/ as it is, as users
of their own, on read-only file systems without capabilities; tocsin in the image of deploy/Dockerfile's last stage.
"""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import yaml

import blue_green
import container_images
from container_images import GUNICORN, POSTGRES
from stack import janitor
from stack.settings import DEPLOY, Ports
from support import PROGRAM, eventually

NEEDED = ("podman", "runc", "iptables", "/usr/lib/podman/netavark", "/usr/lib/podman/aardvark-dns")
LARGEST_IMAGE = 25 << 20  # compressed, as it is pulled; with TOCSIN_LIBRARIES (build-libraries.sh) unpacked
CONTAINERS_CONF = '[network]\nnetwork_backend = "netavark"\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'


class Podman:
    """podman with a storage of its own; everything in it is removed at the end."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "containers.conf").write_text(CONTAINERS_CONF)
        self.flags = (f"--root={folder}/storage --runroot={folder}/run --storage-driver=vfs --runtime=runc"
                      " --cgroup-manager=cgroupfs")
        self.environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder),
                            "CONTAINERS_CONF": f"{folder}/containers.conf"}

    def __call__(self, *words, check=True, **more):
        done = subprocess.run(["podman", *self.flags.split(), *map(str, words)], capture_output=True, text=True, check=False,
                              env=self.environment, cwd=self.folder, timeout=120, **more)
        if check and done.returncode != 0:
            raise AssertionError(f"podman {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done.stdout if check else done

    def start(self, name, image, *command, user, flags=()):
        """As docker-compose.prod.yml hardens its services."""
        return self("run", "-d", "--name", name, "--network", "tocsin", "--network-alias", name, "--user", user,
                    "--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", *LIMITS, *flags, image, *command)

    def clean(self):
        for command in (("rm", "--force", "--all", "--time", "1"), ("network", "rm", "--force", "tocsin"), ("rmi", "--all", "--force")):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self(*command, check=False)


LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096", "--no-healthcheck")


def why_not():
    if os.geteuid() != 0:
        return "containers are made as root"
    missing = [name for name in NEEDED if not shutil.which(name)]
    return f"not installed: {', '.join(missing)} (scripts/install-deps --containers)" if missing else ""


class Containers(unittest.TestCase):
    def setUp(self):
        if reason := why_not():
            self.skipTest(reason)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-containers-"))
        self.addCleanup(janitor.clean, self.folder)
        self.podman = Podman(self.folder)
        self.addCleanup(self.podman.clean)
        self.import_image(container_images.make_base(self.folder / "base"), "base:1")
        self.podman("network", "create", "tocsin")
        tried = self.podman("run", "--rm", "--network", "tocsin", *LIMITS, "-v", "/usr:/usr:ro", "base:1", "true", check=False)
        if tried.returncode != 0:
            self.skipTest(f"no container can be run here: {tried.stderr.strip().splitlines()[-1]}")
        ports = Ports()
        self.ports = {name: ports.free() for name in ("blue", "green", "http", "https", "internal", "tocsin")}

    # Images.

    def import_image(self, root, name, *changes):
        return container_images.import_image(self.podman, root, name, *changes)

    def make_apps(self):
        """Three good versions, and one that answers nothing but errors."""
        root = container_images.make_app(self.folder / "base", self.folder / "app-image")
        common = ("WORKDIR /srv", "USER 65532:65532", "ENV PYTHONDONTWRITEBYTECODE=1")
        for version, module in (("1", "app.web"), ("2", "app.web"), ("3", "app.web"), ("bad", "release")):
            command = json.dumps([*GUNICORN.split(), f"{module}:app"])
            self.import_image(root, f"ai-validation:{version}", *common, f"CMD {command}")

    def make_tocsin(self):
        # With what build-libraries.sh made, where somebody has run it: it takes minutes and Debian's sources.
        libraries = os.environ.get("TOCSIN_LIBRARIES")
        root = container_images.make_tocsin(self.folder / "tocsin-image", libraries)
        archive = self.import_image(root, "tocsin:1", "USER 65532:65532", 'ENTRYPOINT ["/usr/bin/tocsin"]')
        packed = subprocess.run(["gzip", "-c", archive], capture_output=True, check=True).stdout
        self.assertLess(archive.stat().st_size if libraries else len(packed), LARGEST_IMAGE)
        self.assertFalse(any((root / path).exists() for path in ("bin/sh", "usr/bin/sh")))
        print(f"tocsin's image: {archive.stat().st_size / 2**20:.1f} MiB, {len(packed) / 2**20:.1f} MiB packed")

    # Servers.

    def secret(self, name, target=None):
        file = yaml.safe_load((DEPLOY / "docker-compose.prod.yml").read_text())["secrets"][name]["file"]
        return ("-v", f"{self.folder}/secrets/{pathlib.Path(file).name}:/run/secrets/{target or name}:ro")

    def start_servers(self):
        (self.folder / "secrets").mkdir()
        subprocess.run([DEPLOY / "secrets/generate.sh", self.folder / "secrets"], check=True, stdout=subprocess.DEVNULL)
        usr = ("-v", "/usr:/usr:ro")
        self.start_postgres(usr)
        for name in ("broker", "cache"):
            self.podman.start(f"redis-{name}", "base:1", "redis-server", f"/etc/redis/{name}.conf", user="998:998",
                              flags=(*usr, "-v", f"{DEPLOY}/redis:/etc/redis:ro", "--tmpfs", "/data", *self.secret("redis_acl")))
        self.podman.start(
            "worker", "ai-validation:1", "python3", "-m", "celery", "-A", "app.tasks:worker", "worker", "--concurrency=1",
            "--pool=solo", "-n", "w1@worker", user="65532:65532",
            flags=(*usr, "--env-file", self.environment_file(), *self.app_secrets()))

    def start_postgres(self, usr):
        home = self.folder / "pgdata"
        home.mkdir()
        os.chown(home, 999, 999)
        flags = (*usr, "-v", f"{home}:/var/lib/postgresql/data", "-v", f"{DEPLOY}/postgres:/etc/postgresql:ro",
                 "--tmpfs", "/run/postgresql", *self.secret("postgres_password"), *self.secret("app_password"),
                 *self.secret("monitor_password"), "-e", "PGDATA=/var/lib/postgresql/data")
        # What the entry point of Postgres' image does on an empty volume.
        self.podman("run", "--rm", *LIMITS, *flags, "--user", "999:999", "base:1", f"{POSTGRES}/initdb", "-U", "postgres", "-A", "trust",
                    "--auth-host=scram-sha-256", "--pwfile=/run/secrets/postgres_password", "--no-sync", "--locale=C", "-E", "UTF8")
        with open(home / "pg_hba.conf", "a", encoding="ascii") as rules:
            rules.write("host all all all scram-sha-256\n")
        self.podman.start("postgres", "base:1", f"{POSTGRES}/postgres", "-c", "config_file=/etc/postgresql/postgresql.conf",
                          "-c", "shared_buffers=32MB", user="999:999", flags=flags)
        ready = ("exec", "postgres", "pg_isready", "-q", "-h", "127.0.0.1", "-U", "postgres")
        up = eventually(lambda: self.podman(*ready, check=False).returncode == 0)
        logs = self.podman("logs", "postgres", check=False)
        self.assertTrue(up, logs.stdout + logs.stderr)
        self.podman("exec", "postgres", "createdb", "-h", "/run/postgresql", "-U", "postgres", "ai_validation")
        self.podman("exec", "-e", "PGHOST=/run/postgresql", "postgres", "/etc/postgresql/init/10-roles.sh")

    def app_secrets(self):
        return [word for name in ("database_url", "cache_url", "broker_url") for word in self.secret(name)]

    def environment_file(self):
        path = self.folder / "app.env"
        path.write_text("DATABASE_URL_FILE=/run/secrets/database_url\nREDIS_URL_FILE=/run/secrets/cache_url\n"
                        "CELERY_BROKER_URL_FILE=/run/secrets/broker_url\nAPP_PROCESSING_SECONDS=0.001\nAPP_QUANTILE_WINDOW=4\nAPP_BACKEND_TIMEOUT=20\n")
        return path

    def start_tocsin(self):
        home = self.folder / "tocsin"
        shutil.copytree(DEPLOY / "tocsin", home)
        config = (home / "tocsin.yml").read_text().replace("scrape_interval: 5s", "scrape_interval: 1s")
        (home / "tocsin.yml").write_text(config.replace("scrape_interval: 15s", "scrape_interval: 1s"))
        (self.folder / "targets").mkdir()
        (self.folder / "targets/app.json").write_text("[]")
        secrets = [word for name in ("monitor_url", "monitor_broker_url", "monitor_cache_url", "tls_certificate") for word in self.secret(name)]
        self.podman.start("tocsin", "tocsin:1", "serve", "--config.file=/etc/tocsin/tocsin.yml", "--storage.tsdb.path=/data",
                          "--web.listen-address=0.0.0.0:9977", user="65532:65532",
                          flags=("-v", f"{home}:/etc/tocsin:ro", "-v", f"{DEPLOY}/rules:/etc/tocsin/rules:ro",
                                 "-v", f"{self.folder}/targets:/etc/tocsin/targets:ro", "--tmpfs", "/data:mode=1777",
                                 "-p", f"127.0.0.1:{self.ports['tocsin']}:9977", *secrets))
        healthy = ("exec", "tocsin", "/usr/bin/tocsin", "healthcheck")
        self.assertTrue(eventually(lambda: self.podman(*healthy, check=False).returncode == 0), self.podman("logs", "tocsin"))

    # deploy.sh.

    def settings(self):
        home = self.folder / "nginx"
        shutil.copytree(DEPLOY / "nginx", home)
        (home / "site/trusted.conf").write_text("10.0.0.0/8 1;\n")
        # Errors are what is looked for here; how fast containers are is not.
        gates = blue_green.GATES | {"window": "8s", "max_age": "8s", "gates": {
            "health_check": blue_green.GATES["gates"]["health_check"] | {"timeout": "10s"},
            "load_testing": blue_green.GATES["gates"]["load_testing"],
            "performance_validation": {"memory_usage_max": "300MB", "error_rate_max": 0.02},
            "rollback_criteria": {"error_rate_spike": "5%", "memory_usage_spike": "100%"}}}
        blue_green.write_yaml(self.folder / "gates.yml", gates)
        blue_green.write_yaml(self.folder / "mix.yml", blue_green.MIX)
        tls = " ".join([*self.secret("tls_certificate"), *self.secret("tls_key")])
        limits = " ".join(LIMITS)
        return self.podman.environment | {
            "BACKEND": "podman", "PODMAN": f"podman {self.podman.flags}", "NGINX_IMAGE": "base:1",
            "APP_ENV_FILE": str(self.environment_file()), "APP_FLAGS": f"{limits} -v /usr:/usr:ro {' '.join(self.app_secrets())}",
            "NGINX_FLAGS": f"{limits} --user 101:101 -v /usr:/usr:ro {tls} -p 127.0.0.1:{self.ports['https']}:8443",
            "BLUE_PORT": str(self.ports["blue"]), "GREEN_PORT": str(self.ports["green"]), "HTTP_PORT": str(self.ports["http"]),
            "INTERNAL_PORT": str(self.ports["internal"]), "INTERNAL_URL": f"http://127.0.0.1:{self.ports['internal']}",
            "STATE_DIR": f"{self.folder}/state", "NGINX_DIR": str(home), "TARGETS_FILE": f"{self.folder}/targets/app.json",
            "TOCSIN": PROGRAM, "SERVER_URL": f"http://127.0.0.1:{self.ports['tocsin']}", "RULES": "",
            "GATES": f"{self.folder}/gates.yml", "JOURNEYS": f"{self.folder}/mix.yml", "SHIFT_KEY": "$request_id",
            "STEP_SECONDS": "2", "SOAK_SECONDS": "1", "GATE_TRIES": "5", "STOP_GRACE": "10", "DISK_KIB": "10240"}

    def deploy(self, version, code=0):
        done = subprocess.run([DEPLOY / "deploy.sh", version], env=self.environment, cwd=self.folder, capture_output=True, text=True,
                              timeout=150, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)

    def state(self):
        return json.loads((self.folder / "state/state.json").read_text())

    def ask(self, expression):
        return blue_green.values(f"127.0.0.1:{self.ports['tocsin']}", expression)

    def load(self, rate):
        return blue_green.Load(rate, self.folder / "mix.yml", f"https://127.0.0.1:{self.ports['https']}", "--insecure", users=40)

    def test_colors_change_in_containers_without_a_failed_request(self):
        self.make_apps()
        self.make_tocsin()
        self.start_servers()
        self.start_tocsin()
        self.environment = self.settings()
        self.deploy("1")
        self.assertEqual(self.state()["active"], "blue")
        with self.load(30) as load:
            time.sleep(1)
            self.deploy("2")
            self.assertEqual(self.state()["active"], "green")
            self.deploy("bad", code=1)
            self.deploy("3")
            self.assertEqual(self.state()["active"], "blue")
        problems = {step["name"]: step["problems"] for step in load.report["steps"] if step["failed"]}
        self.assertEqual((load.report["failed"], problems), (0, {}))
        print(f"three deployments and a bad one in containers: {load.report['succeeded']} requests, {load.report['failed']} failed")
        # The roles and users of the production files are enough for tocsin to watch.
        self.assertEqual(self.ask("sum(pg_up)"), [1])
        self.assertEqual(self.ask("sum(redis_up)"), [2])
        self.assertEqual(self.ask('count(celery_queue_length{queue_name="videos"})'), [1])
        self.assertEqual(self.ask("count(nginx_up == 1)"), [1])
        self.assertEqual(self.ask("sum(probe_success)"), [1])
        self.least_privilege()
        self.secrets_stay_secret()

    def least_privilege(self):
        """What the roles of the production files must not do."""
        monitor = (self.folder / "secrets/monitor_url").read_text().replace("@postgres:5432", "@127.0.0.1:5432")
        for statement in ("CREATE TABLE x (y int)", "SELECT * FROM videos", "DELETE FROM videos"):
            refused = self.podman("exec", "postgres", "psql", "-X", "-c", statement, monitor, check=False)
            self.assertRegex(refused.stderr, "permission denied|read-only", statement)
        password = (self.folder / "secrets/redis_monitor_password").read_text()
        for command in (("LPOP", "videos"), ("FLUSHALL",), ("CONFIG", "GET", "*"), ("SET", "a", "b")):
            answer = self.podman("exec", "-e", f"REDISCLI_AUTH={password}", "redis-broker", "redis-cli", "--user", "tocsin", *command)
            self.assertIn("NOPERM", answer, command)
        for command, answer in ((("PING",), "PONG"), (("INFO",), "NOPERM"), (("KEYS", "*"), "NOPERM")):
            self.assertIn(answer, self.podman("exec", "redis-broker", "redis-cli", *command))

    def secrets_stay_secret(self):
        """Not in what podman tells of containers, not in their logs, not on tocsin's page."""
        names = self.podman("ps", "--all", "--format", "{{.Names}}").split()
        text = self.podman("inspect", *names) + "".join(
            (done := self.podman("logs", name, check=False)).stdout + done.stderr for name in names)
        done = subprocess.run(["curl", "-fsS", f"http://127.0.0.1:{self.ports['tocsin']}/metrics"], capture_output=True, text=True, check=True)
        for path in (self.folder / "secrets").iterdir():
            if path.name.endswith("_password"):
                self.assertNotIn(path.read_text(), text + done.stdout, path.name)
