"""Where things are, which ports and passwords this stack has, and the configuration made of them."""
import os
import pathlib
import re
import secrets
import socket
import urllib.parse

import yaml

DEPLOY = pathlib.Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's modules
DATABASE = "ai_validation"
MAX_CONNECTIONS = 60


class Ports:
    """Free loopback ports, chosen by the kernel, each handed out once."""

    def __init__(self):
        self._given = set()

    def free(self):
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            if port not in self._given:
                self._given.add(port)
                return port


def memory_limit():
    """Of one color, in bytes: that of the production stack."""
    return re.search(r"^APP_MEMORY_LIMIT=(\d+)$", (DEPLOY / ".env.example").read_text(), re.M)[1]


def password():
    """Random, with the characters that break URLs that are put together carelessly."""
    return "S3cr:et@/%" + secrets.token_hex(8)


class Settings:
    def __init__(self, folder, times, rule_files):
        ports = Ports()
        self.folder = folder
        self.times = times
        self.rule_files = rule_files
        self.postgres_port, self.redis_port = ports.free(), ports.free()
        self.app_port, self.tocsin_port = ports.free(), ports.free()
        self.alertmanager_port, self.receiver_port = ports.free(), ports.free()
        self.spare_ports = ports
        self.superuser_password, self.app_password = password(), password()
        self.monitor_password, self.redis_password = password(), password()
        self.received = folder / "received.jsonl"

    def passwords(self):
        return [self.superuser_password, self.app_password, self.monitor_password, self.redis_password]

    def database_url(self, user, secret, database=DATABASE):
        quoted = urllib.parse.quote(secret, safe="")
        return f"postgresql://{user}:{quoted}@127.0.0.1:{self.postgres_port}/{database}"

    def redis_url(self, database):
        quoted = urllib.parse.quote(self.redis_password, safe="")
        return f"redis://:{quoted}@127.0.0.1:{self.redis_port}/{database}"

    @property
    def app_address(self):
        return f"127.0.0.1:{self.app_port}"

    @property
    def tocsin_address(self):
        return f"127.0.0.1:{self.tocsin_port}"

    @property
    def alertmanager_address(self):
        return f"127.0.0.1:{self.alertmanager_port}"

    def environment(self, **more):
        """For every child: nothing of the caller's but the path of Debian's programs."""
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8",
                "TMPDIR": str(self.folder / "tmp"), "PYTHONPATH": str(DEPLOY),
                "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"} | more

    def app_environment(self):
        window = max(60 / self.times.divisor, 10)  # below, a quantile is of a handful of requests
        return self.environment(
            DATABASE_URL=self.database_url("app", self.app_password),
            REDIS_URL=self.redis_url(0), CELERY_BROKER_URL=self.redis_url(1),
            APP_MEMORY_LIMIT=memory_limit(), APP_FAULTS="1", APP_QUANTILE_WINDOW=str(window))

    def tocsin_environment(self):
        return self.environment(
            DATABASE_URL=self.database_url("tocsin_monitor", self.monitor_password),
            REDIS_URL=self.redis_url(0), CELERY_BROKER_URL=self.redis_url(1))

    def tocsin_config(self):
        """deploy/tocsin.yml with this stack's addresses and times."""
        config = yaml.safe_load((DEPLOY / "tocsin.yml").read_text())
        config["rule_files"] = [os.path.basename(name) for name in self.rule_files]
        config["scrape_configs"][0]["static_configs"] = [{"targets": [self.app_address]}]
        config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [self.alertmanager_address]}]
        return self.times.shorten(config)

    def alertmanager_config(self):
        config = yaml.safe_load((DEPLOY / "alertmanager.yml").read_text())
        config["receivers"][0]["webhook_configs"][0]["url"] = f"http://127.0.0.1:{self.receiver_port}/"
        return self.times.shorten(config)

    def write_rules(self, target):
        for name in self.rule_files:
            rules = yaml.safe_load((DEPLOY / name).read_text())
            write_yaml(target / os.path.basename(name), self.times.shorten(rules))


def write_yaml(path, document):
    path.write_text(yaml.safe_dump(document, sort_keys=False, width=1000))
