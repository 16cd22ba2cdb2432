"""Two colors of the example app behind a real nginx on loopback, deployed by deploy/deploy.sh with the process backend.

Releases are folders that this module writes: good ones, and each kind of bad one.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg2
import yaml

from stack import janitor, servers
from stack.process import Process
from stack.settings import DEPLOY, PYTHON, Settings, write_yaml
from stack.times import Times
from support import PROGRAM

SHARE = "import flask\nfrom app.web import app\n"

# The program of a release: what it does before it serves, and the module that it serves.
RELEASES = {
    "good": "",
    # Whoever asks waits.
    "slow": SHARE + "import time\napp.before_request(lambda: time.sleep(2.5) if flask.request.path.startswith('/api/') else None)\n",
    # Three of ten requests fail.
    "errors": SHARE + "import random\napp.before_request(lambda: ({'error': 'bad'}, 500) if random.random() < 0.3 else None)\n",
    # It fails only behind nginx: the gate before the traffic cannot know.
    "fails-in-traffic": SHARE + "app.before_request(lambda: ({'error': 'bad'}, 500)"
                                " if flask.request.headers.get('X-Request-Id') and flask.request.path != '/health' else None)\n",
    # 400 MiB from the start on.
    "leak": SHARE + "ballast = bytearray(400 << 20)\nballast[::4096] = b'x' * len(ballast[::4096])\n",
    # It listens and is never healthy.
    "unhealthy": "def app(environ, start):\n    start('503 Service Unavailable', [('Content-Length', '0')])\n    return [b'']\n",
    # It ends at once.
    "crash": "raise SystemExit('broken on purpose')\n",
    "bad-migration": "", "contracts": "", "expands": "", "concurrently": "",
}
# What these change in the database, beside what the app does.
MIGRATIONS = {
    "bad-migration": "ALTER TABLE no_such_table ADD COLUMN x int",
    "contracts": "ALTER TABLE videos ADD COLUMN IF NOT EXISTS unused int; ALTER TABLE videos DROP COLUMN unused",
    "expands": "ALTER TABLE videos ADD COLUMN IF NOT EXISTS views bigint NOT NULL DEFAULT 0;"
               " CREATE INDEX IF NOT EXISTS videos_by_views ON videos (views)",
    "concurrently": "CREATE INDEX CONCURRENTLY IF NOT EXISTS videos_by_size ON videos (size_bytes)",
}

RUN = """#!/bin/sh
exec {python} -m gunicorn --workers=1 --threads=16 --keep-alive=75 --graceful-timeout=2 --log-level=warning \\
  --worker-tmp-dir=/dev/shm --bind="$ADDRESS" --pythonpath={folder} {module}:app
"""
MIGRATE = "#!/bin/sh\nexec {python} -m app.database\n"
MORE_MIGRATE = "#!/bin/sh\nset -e\n{python} -m app.database\nexec psql -X -v ON_ERROR_STOP=1 \"$DATABASE_URL\" -c '{sql}'\n"

GATES = {
    "gates": {
        "health_check": {"endpoints": ["/health", "/api/dashboard/stats"], "timeout": "4s", "retries": 3,
                         "samples": 3, "success_rate": "100%"},
        "performance_validation": {"response_time_p95": "2s", "error_rate_max": 0.02},
        "load_testing": {"rate": 40, "concurrent_users": 10, "duration": "2s", "success_rate": "98%"},
        "rollback_criteria": {"response_time_degradation": "50%", "min_delta": "1900ms", "error_rate_spike": "5%",
                              "memory_usage_spike": "100%"},
        "alerts": "none",
        # As in production: the share of the limit.
        "custom": yaml.safe_load((DEPLOY / "gates/deployment-gates.yml").read_text())["gates"]["custom"],
    },
    "window": "4s", "min_requests": 2, "max_age": "5s",
    "measure": {"count": 2, "interval": "500ms", "failure_limit": 0},
}
# For tests of something else than the gates.
QUICK_GATES = {"gates": {"health_check": {"endpoints": ["/health"], "samples": 1, "timeout": "10s", "retries": 0},
                         "custom": [{"name": "always", "query": "vector(1)", "min": 1}]}}

# What users do through nginx while deployments go on: one request in ten is a POST.
MIX = {"journeys": [
    {"name": "stats", "weight": 2, "steps": [{"path": "/api/dashboard/stats", "expect": {"status": 200}}]},
    {"name": "list", "weight": 7, "steps": [{"path": "/api/projects/demo/videos", "expect": {"status": 200}}]},
    {"name": "upload", "weight": 1, "steps": [
        {"method": "POST", "path": "/api/videos/upload", "expect": {"status": 202},
         "multipart": [{"name": "file", "filename": "a.mp4", "size": "4KiB"}, {"name": "project_id", "value": "load"}]}]},
]}


def values(server, expression):
    """Of an instant query at HOST:PORT."""
    done = subprocess.run([PROGRAM, "query", "instant", "--format=json", f"http://{server}", expression],
                          capture_output=True, text=True, check=True)
    return [float(sample["value"][1]) for sample in json.loads(done.stdout)]


class BlueGreen:
    """Postgres, Redis, the worker, tocsin and nginx; use it in a with statement."""

    def __init__(self):
        self._started = []
        self._janitor = None
        self.folder = None

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-deploy-"))
        self._janitor = janitor.start(self.folder)
        self.folder.chmod(0o711)
        (self.folder / "tmp").mkdir()
        (self.folder / "tmp").chmod(0o1777)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        self.settings = Settings(self.folder, Times(), ())
        ports = self.settings.spare_ports
        self.blue, self.green, self.front, self.internal = (f"127.0.0.1:{ports.free()}" for _ in range(4))
        redis, postgres = servers.redis_server(self.settings), servers.postgres(self.settings)
        self._launch(redis, postgres)
        servers.prepare_database(self.settings)
        for name in RELEASES:
            self.write_release(name, name)
        self._write_nginx()
        password = self.settings.superuser_password.replace("\\", "\\\\").replace(":", "\\:")
        (self.folder / "pgpass").write_text(f"*:*:*:postgres:{password}\n")
        (self.folder / "pgpass").chmod(0o600)
        (self.folder / "targets").mkdir()
        write_yaml(self.folder / "gates.yml", GATES)
        write_yaml(self.folder / "quick-gates.yml", QUICK_GATES)
        write_yaml(self.folder / "mix.yml", MIX)
        (self.folder / "gate-mix.yml").write_text((self.folder / "mix.yml").read_text().replace("value: load", "value: gate"))
        self._launch(servers.worker(self.settings), self._tocsin())

    def _launch(self, *processes):
        for process in processes:
            process.start()
            self._started.append(process)
        for process in processes:
            process.wait_ready()

    def _tocsin(self):
        home = self.folder / "tocsin"
        home.mkdir()
        write_yaml(home / "tocsin.yml", {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "1s"},
            "scrape_configs": [{"job_name": "ai-validation-app",
                                "file_sd_configs": [{"files": [f"{self.folder}/targets/app.json"],
                                                     "refresh_interval": "1s"}]}],
            "collectors": {"nginx": {"stub_status_url": f"http://{self.internal}/-/stub_status"}}})
        address = self.settings.tocsin_address
        return Process("tocsin", [PROGRAM, "serve", f"--config.file={home}/tocsin.yml", f"--storage.tsdb.path={home}/data",
                                  f"--web.listen-address={address}"],
                       cwd=home, log=self.folder / "tocsin.log", env=self.settings.environment(),
                       ready=lambda: servers.http_ok(f"http://{address}/-/ready"), grace=20)

    def write_release(self, version, kind):
        home = self.folder / "releases" / version
        home.mkdir(parents=True)
        body = RELEASES[kind]
        (home / "release.py").write_text(body or "from app.web import app\n")
        sql = MIGRATIONS.get(kind)
        for name, text in {"run": RUN, "migrate": MORE_MIGRATE if sql else MIGRATE}.items():
            (home / name).write_text(text.format(python=PYTHON, folder=home, module="release", sql=sql))
            (home / name).chmod(0o755)

    def _write_nginx(self):
        """deploy/nginx as it is; only what differs from place to place is written here."""
        home = self.folder / "nginx"
        shutil.copytree(DEPLOY / "nginx", home)
        (home / "tmp").mkdir()
        user = "user root;\n" if os.geteuid() == 0 else ""
        site = {
            "main.conf": f"{user}pid nginx.pid;\nerror_log error.log warn;\nworker_processes 2;\n",
            "http.conf": "access_log access.log json;\n" + "".join(
                f"{name}_temp_path tmp/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
                + "proxy_cache_path tmp/cache levels=1:2 keys_zone=static:1m;\n",
            "listen.conf": f"listen {self.front};\n",
            "internal.conf": f"listen {self.internal};\nallow 127.0.0.0/8;\ndeny all;\n",
            "trusted.conf": "127.0.0.1 1;\n",
        }
        for name, text in site.items():
            (home / "site" / name).write_text(text)

    def environment(self, **more):
        return self.settings.app_environment() | {
            "APP_PROCESSING_SECONDS": "0.001", "APP_QUANTILE_WINDOW": "4", "APP_BACKEND_TIMEOUT": "20",
            "BACKEND": "process", "RELEASES_DIR": f"{self.folder}/releases", "STATE_DIR": f"{self.folder}/state",
            "NGINX_DIR": f"{self.folder}/nginx", "TARGETS_FILE": f"{self.folder}/targets/app.json",
            "BLUE_ADDRESS": self.blue, "GREEN_ADDRESS": self.green, "INTERNAL_URL": f"http://{self.internal}",
            "TOCSIN": PROGRAM, "SERVER_URL": f"http://{self.settings.tocsin_address}",
            "GATES": f"{self.folder}/gates.yml", "JOURNEYS": f"{self.folder}/gate-mix.yml", "APP_MEMORY_LIMIT": str(400 << 20),
            "RULES": f"{DEPLOY}/rules/alerts.yml {DEPLOY}/rules/app.yml",  # the others read what this tocsin has not
            "SHIFT_KEY": "$request_id", "STEP_SECONDS": "2", "SOAK_SECONDS": "1", "STOP_GRACE": "10",
            "DATABASE_ADMIN": f"PGHOST=127.0.0.1 PGPORT={self.settings.postgres_port} PGUSER=postgres PGPASSFILE={self.folder}/pgpass",
            "REHEARSAL_URL": self.settings.database_url("app", self.settings.app_password, "ai_validation_rehearsal"),
            "HOOKS_DIR": f"{self.folder}/hooks", "DISK_KIB": "10240"} | more

    def command(self, script, *arguments, **more):
        return subprocess.Popen([DEPLOY / script, *arguments], cwd=self.folder, env=self.environment(**more),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, script, *arguments, timeout=120, **more):
        """(exit code, output, seconds)."""
        began = time.monotonic()
        process = self.command(script, *arguments, **more)
        try:
            output = process.communicate(timeout=timeout)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"{script} {arguments} did not end:\n{process.communicate()[0]}") from None
        return process.returncode, output, time.monotonic() - began

    @property
    def quick_gates(self):
        return f"{self.folder}/quick-gates.yml"

    def quick(self, script, *arguments, **more):
        """As run(), without load, waiting and judging."""
        return self.run(script, *arguments, **{"GATES": self.quick_gates, "STEP_SECONDS": "0.1",
                                               "SOAK_SECONDS": "0.1", "GATE_TRIES": "1"} | more)

    def state(self):
        return json.loads((self.folder / "state/state.json").read_text())

    def records(self):
        return [json.loads(line) for line in (self.folder / "state/deployments.jsonl").read_text().splitlines()]

    def pid(self, color):
        try:
            return int((self.folder / f"state/run/{color}.pid").read_text().split()[0])
        except FileNotFoundError:
            return None

    def ask_database(self, statement):
        """The one value that it gives, as the app."""
        connection = psycopg2.connect(self.settings.database_url("app", self.settings.app_password))
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchone()[0]
        finally:
            connection.close()

    def color_answers(self, color):
        try:
            return servers.http_ok(f"http://{self.blue if color == 'blue' else self.green}/health")
        except OSError:
            return False

    def load(self, rate):
        return Load(rate, f"{self.folder}/mix.yml", f"http://{self.front}")

    def affordable_rate(self, wanted):
        """`wanted`, or less on a machine that cannot do it, which is then said: twice the load that one color can take at
        most would tell of overload and not of deployments."""
        done = subprocess.run(
            [PROGRAM, "load", "--users=10", "--duration=2s", "--success-rate=0%", f"--journeys={self.folder}/mix.yml",
             "--format=json", f"http://{self.front}"], capture_output=True, text=True, check=False)
        capacity = json.loads(done.stdout)["started"] / 2
        rate = max(min(wanted, int(capacity * 0.6)), 30)
        if rate < wanted:
            print(f"one color does {capacity:.0f} requests/s on this machine now: the load is {rate} instead of {wanted}")
        return rate

    def hook(self, name, text="kill -KILL $PPID"):
        """A program that deploy.sh runs at that point; `name` alone ends deploy.sh there as nothing else could."""
        (self.folder / "hooks").mkdir(exist_ok=True)
        path = self.folder / "hooks" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def access_log(self):
        return [json.loads(line) for line in (self.folder / "nginx/access.log").read_text().splitlines()]

    def __exit__(self, *_):
        for process in reversed(self._started):
            process.stop()
        janitor.clean(self.folder)
        self._janitor.stdin.close()
        self._janitor.wait()


class Load:
    """`tocsin load` through nginx while the with statement lasts; then .report is its report."""

    def __init__(self, rate, mix, url, *flags, users=60):
        self._command = [PROGRAM, "load", f"--rate={rate}", f"--users={users}", "--duration=20m", "--success-rate=0%",
                         f"--journeys={mix}", "--format=json", *flags, url]
        self.report = None

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL, text=True)
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGINT)
        self.report = json.loads(self._process.communicate(timeout=60)[0])


def rows(stack):
    """How many rows the app's table has, for who doubts that POSTs arrived."""
    return stack.ask_database("SELECT count(*) FROM videos WHERE project = 'load'")
