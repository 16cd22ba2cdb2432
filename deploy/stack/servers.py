"""How each server of the stack is started, and how it shows that it is ready."""
import json
import os
import pwd
import signal
import subprocess
import urllib.request

import psycopg2
import redis

from stack.process import NotReady, Process
from stack.settings import DATABASE, DEPLOY, MAX_CONNECTIONS, PYTHON, write_yaml

POSTGRES_BIN = "/usr/lib/postgresql/15/bin"


def http_ok(url, timeout=2):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.status == 200


def make_folder(settings, name, user=None):
    folder = settings.folder / name
    folder.mkdir(mode=0o700)
    if user:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    return folder


def postgres(settings):
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    home = make_folder(settings, "postgres", user)
    password_file = home.with_name("initial-password")
    password_file.write_text(settings.superuser_password)
    if user:
        os.chown(password_file, pwd.getpwnam(user).pw_uid, -1)
    password_file.chmod(0o400)
    try:
        made = subprocess.run(
            [f"{POSTGRES_BIN}/initdb", "-D", home, "-U", "postgres", "-A", "scram-sha-256",
             f"--pwfile={password_file}", "--no-sync", "--no-instructions", "--locale=C", "-E", "UTF8"],
            cwd=home, env=settings.environment(), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False, start_new_session=True,
            **({"user": user, "group": user, "extra_groups": []} if user else {}))
    finally:
        password_file.unlink()
    if made.returncode != 0:
        raise NotReady(f"initdb failed:\n{made.stdout}{made.stderr}")

    def ready():
        psycopg2.connect(settings.database_url("postgres", settings.superuser_password, "postgres"),
                         connect_timeout=2).close()
        return True

    options = {"listen_addresses": "127.0.0.1", "port": settings.postgres_port,
               "unix_socket_directories": "", "max_connections": MAX_CONNECTIONS,
               "superuser_reserved_connections": 3, "shared_buffers": "32MB", "fsync": "off",
               "dynamic_shared_memory_type": "mmap", "shared_preload_libraries": "pg_stat_statements"}
    return Process(
        "postgres",
        [f"{POSTGRES_BIN}/postgres", "-D", home] + [f"--{k}={v}" for k, v in options.items()],
        cwd=home, log=settings.folder / "postgres.log", env=settings.environment(), user=user,
        ready=ready, stop_signal=signal.SIGINT)


def prepare_database(settings):
    """The app's database and role, and a role for tocsin that may look and not touch."""
    admin = psycopg2.connect(settings.database_url("postgres", settings.superuser_password, "postgres"))
    admin.autocommit = True
    try:
        with admin.cursor() as cursor:
            cursor.execute("CREATE ROLE app LOGIN PASSWORD %s", (settings.app_password,))
            cursor.execute(f"CREATE DATABASE {DATABASE} OWNER app")
            cursor.execute("CREATE ROLE tocsin_monitor LOGIN CONNECTION LIMIT 3 PASSWORD %s",
                           (settings.monitor_password,))
            cursor.execute("GRANT pg_monitor TO tocsin_monitor")
    finally:
        admin.close()
    superuser = psycopg2.connect(settings.database_url("postgres", settings.superuser_password))
    try:
        with superuser, superuser.cursor() as cursor:
            cursor.execute((DEPLOY / "postgres/expand-only.sql").read_text())
    finally:
        superuser.close()
    migrated = subprocess.run([PYTHON, "-m", "app.database"], cwd=settings.folder,
                              env=settings.app_environment(), capture_output=True, text=True, check=False)
    if migrated.returncode != 0:
        raise NotReady(f"the app's migration failed:\n{migrated.stderr}")


def redis_server(settings):
    home = make_folder(settings, "redis")
    config = home / "redis.conf"  # a file, because arguments are public
    config.write_text(
        f"bind 127.0.0.1\nport {settings.redis_port}\ndir {home}\n"
        f'requirepass "{settings.redis_password}"\nsave ""\nappendonly no\n'
        "maxmemory 256mb\nmaxmemory-policy noeviction\nset-proc-title no\n")
    config.chmod(0o600)

    def ready():
        return redis.Redis(port=settings.redis_port, password=settings.redis_password,
                           socket_timeout=2).ping()

    return Process("redis", ["/usr/bin/redis-server", config], cwd=home,
                   log=settings.folder / "redis.log", env=settings.environment(), ready=ready)


def worker(settings):
    log = settings.folder / "worker.log"
    return Process(
        "worker",
        [PYTHON, "-m", "celery", "-A", "app.tasks:worker", "worker", "--concurrency=2",
         "--loglevel=INFO", "-n", "w1@localhost"],
        cwd=make_folder(settings, "worker"), log=log, env=settings.app_environment(),
        ready=lambda: b" ready." in log.read_bytes())


def app(settings):
    home = make_folder(settings, "app")
    return Process(
        "app",
        [PYTHON, "-m", "gunicorn", "--workers=1", "--threads=16", "--keep-alive=75",
         "--graceful-timeout=3", f"--worker-tmp-dir={home}", f"--bind={settings.app_address}",
         "app.web:app"],
        cwd=home, log=settings.folder / "app.log", env=settings.app_environment(),
        ready=lambda: http_ok(f"http://{settings.app_address}/health"))


def traffic(settings, rate):
    return Process("traffic", [PYTHON, "-m", "stack.traffic", settings.app_address, rate],
                   cwd=make_folder(settings, "traffic"), log=settings.folder / "traffic.log",
                   env=settings.environment(), stop_signal=signal.SIGKILL)


def receiver(settings):
    return Process("receiver",
                   [PYTHON, "-m", "stack.receiver", settings.receiver_port, settings.received],
                   cwd=make_folder(settings, "receiver"), log=settings.folder / "receiver.log",
                   env=settings.environment(), stop_signal=signal.SIGKILL,
                   ready=lambda: http_ok(f"http://127.0.0.1:{settings.receiver_port}/"))


def alertmanager(settings):
    home = make_folder(settings, "alertmanager")
    write_yaml(home / "alertmanager.yml", settings.alertmanager_config())
    address = settings.alertmanager_address
    return Process(
        "alertmanager",
        ["/usr/bin/prometheus-alertmanager", f"--config.file={home}/alertmanager.yml",
         f"--storage.path={home}/data", f"--web.listen-address={address}",
         f"--web.external-url=http://{address}", "--cluster.listen-address="],
        cwd=home, log=settings.folder / "alertmanager.log", env=settings.environment(),
        ready=lambda: http_ok(f"http://{address}/-/ready"))


def tocsin(settings, program, flags=()):
    home = make_folder(settings, "tocsin")
    write_yaml(home / "tocsin.yml", settings.tocsin_config())
    settings.write_rules(home)
    address = settings.tocsin_address
    return Process(
        "tocsin",
        [program, "serve", f"--config.file={home}/tocsin.yml", f"--storage.tsdb.path={home}/data",
         f"--web.listen-address={address}", *flags],
        cwd=home, log=settings.folder / "tocsin.log", env=settings.tocsin_environment(),
        ready=lambda: http_ok(f"http://{address}/-/ready"), grace=20)


def prometheus(settings, config, name="prometheus"):
    """Debian's Prometheus, to compare with. Returns the process and its address."""
    home = make_folder(settings, name)
    write_yaml(home / "prometheus.yml", config)
    address = f"127.0.0.1:{settings.spare_ports.free()}"
    process = Process(
        name,
        ["/usr/bin/prometheus", f"--config.file={home}/prometheus.yml", f"--storage.tsdb.path={home}/data",
         f"--web.listen-address={address}", "--log.level=warn"],
        cwd=home, log=settings.folder / f"{name}.log", env=settings.environment(),
        ready=lambda: http_ok(f"http://{address}/-/ready"))
    return process, address


def get_json(address, path, timeout=10):
    with urllib.request.urlopen(f"http://{address}{path}", timeout=timeout) as answer:
        return json.load(answer)
