"""What the five collectors together cost, and whether /metrics answers while a target is stopped.

usage: PYTHONPATH=deploy TOCSIN_BINARY=build/release/tocsin python3 tests/bench/collectors_bars.py [SECONDS]

Starts Postgres, Redis, a Celery worker and nginx on loopback, and tocsin with its collectors only. Prints a table of
memory, processor time for a round of all collectors, and the time /metrics takes: undisturbed, and with each target
stopped by SIGSTOP in turn. Exit code 1 when a bar is missed. The bars stand beside the figures.
"""
import os
import pathlib
import re
import statistics
import sys
import time
import urllib.request

import yaml

from stack import Stack
from stack.servers import make_folder
from stack.stack import default_program
from stack.process import Process

TICKS = os.sysconf("SC_CLK_TCK")
INTERVAL = 1.0
REQUESTS = 100


def fetch(address, path):
    with urllib.request.urlopen(f"http://{address}{path}", timeout=30) as answer:
        return answer.read()


def nginx(settings):
    home = make_folder(settings, "nginx")
    port = settings.spare_ports.free()
    temporary = " ".join(f"{kind}_temp_path {home}/{kind};"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (home / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/error.log;\n"
        "events { worker_connections 64; }\n"
        f"http {{ access_log {home}/access.log; {temporary}\n server {{ listen 127.0.0.1:{port};\n"
        " location / { return 200; } location /status { stub_status; access_log off; } } }\n")
    address = f"127.0.0.1:{port}"
    process = Process("nginx", ["/usr/sbin/nginx", "-c", home / "nginx.conf", "-p", home], cwd=home,
                      log=settings.folder / "nginx.log", env=settings.environment(),
                      ready=lambda: fetch(address, "/status"))
    return process, f"http://{address}/status", home / "access.log"


def tocsin(settings, status_url, access_log):
    home = make_folder(settings, "tocsin")
    address = f"127.0.0.1:{settings.spare_ports.free()}"
    config = {"global": {"scrape_interval": f"{int(INTERVAL * 1000)}ms", "scrape_timeout": "900ms"},
              "collectors": {"node": {}, "postgres": {"url": "${DATABASE_URL}"}, "redis": {"url": "${REDIS_URL}"},
                             "celery": {"broker_url": "${CELERY_BROKER_URL}"},
                             "nginx": {"stub_status_url": status_url, "access_log": str(access_log)}}}
    (home / "tocsin.yml").write_text(yaml.safe_dump(config))
    return Process("tocsin", [default_program(), "serve", f"--config.file={home}/tocsin.yml",
                              f"--storage.tsdb.path={home}/data", f"--web.listen-address={address}"],
                   cwd=home, log=settings.folder / "tocsin.log", env=settings.tocsin_environment(),
                   ready=lambda: fetch(address, "/-/ready")), address


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mib(pid, what):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{what}: +(\d+) kB", text, re.M).group(1)) / 1024


def latencies(address):
    taken = []
    for _ in range(REQUESTS):
        begin = time.perf_counter()
        fetch(address, "/metrics")
        taken.append((time.perf_counter() - begin) * 1000)
        time.sleep(0.02)
    taken.sort()
    return statistics.median(taken), taken[int(len(taken) * 0.95)]


def processor_time_of_page(pid, address):
    """Milliseconds of one request, a collection that falls between included: also on a busy machine a figure."""
    before = cpu_seconds(pid)
    for _ in range(REQUESTS):
        fetch(address, "/metrics")
    return (cpu_seconds(pid) - before) / REQUESTS * 1000


def ups(address):
    page = fetch(address, "/metrics").decode()
    return {name: float(value) for name, value in
            re.findall(r"^(pg|redis|celery|nginx)_up\{[^}]*\} (\S+)$", page, re.M)}


def descendants(pid):
    found = [pid]
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found += descendants(int(entry.parent.name))
    return found


class Table:
    def __init__(self):
        self.failed = False
        print(f"{'figure':<46} {'value':>10} {'bar':>10}")

    def row(self, name, value, bar=None, unit=""):
        missed = bar is not None and value > bar
        self.failed = self.failed or missed
        shown = "" if bar is None else f"{bar:g} {unit}"
        print(f"{name:<46} {value:>7.1f} {unit:<3} {shown:>9}{'  MISSED' if missed else ''}", flush=True)


def disturbed(table, address, stopped):
    """/metrics while one server after the other is stopped, and how soon that is told."""
    for collector, processes in stopped.items():
        pids = [pid for process in processes for pid in descendants(process.pid)]
        for pid in pids:
            os.kill(pid, 19)  # SIGSTOP
        begin = time.monotonic()
        try:
            while ups(address).get(collector) != 0 and time.monotonic() - begin < 20:
                time.sleep(0.05)
            table.row(f"{collector}_up 0 after SIGSTOP, intervals", (time.monotonic() - begin) / INTERVAL, 2.2)
            median, p95 = latencies(address)
            table.row(f"/metrics with {collector} stopped, median", median, 5, "ms")
            table.row(f"/metrics with {collector} stopped, p95", p95, 20, "ms")
        finally:
            for pid in pids:
                os.kill(pid, 18)  # SIGCONT
        begin = time.monotonic()
        while ups(address).get(collector) != 1 and time.monotonic() - begin < 20:
            time.sleep(0.05)
        table.row(f"{collector}_up 1 after SIGCONT, intervals", (time.monotonic() - begin) / INTERVAL)


def main(seconds):
    with Stack() as stack:
        server, status_url, access_log = nginx(stack.settings)
        stack._await(stack._launch(server))  # pylint: disable=protected-access
        process, address = tocsin(stack.settings, status_url, access_log)
        stack._await(stack._launch(process))  # pylint: disable=protected-access
        time.sleep(5)
        table = Table()
        before = cpu_seconds(process.pid)
        begin = time.monotonic()
        time.sleep(seconds)
        rounds = (time.monotonic() - begin) / INTERVAL
        table.row("processor time of a round of all collectors", (cpu_seconds(process.pid) - before) / rounds * 1000,
                  12, "ms")
        page = fetch(address, "/metrics").decode()
        table.row("samples on /metrics", sum(1 for line in page.splitlines() if not line.startswith("#")))
        median, p95 = latencies(address)
        table.row("/metrics, median", median, 5, "ms")
        table.row("/metrics, p95", p95, 20, "ms")
        table.row("/metrics, processor time", processor_time_of_page(process.pid, address), 5, "ms")
        table.row("resident memory", memory_mib(process.pid, "Rss"), 25, "MiB")
        table.row("proportional memory", memory_mib(process.pid, "Pss"), None, "MiB")
        disturbed(table, address, {"nginx": [server], "redis": [stack.redis], "pg": [stack.postgres]})
        table.row("resident memory at the end", memory_mib(process.pid, "Rss"), None, "MiB")
        return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 30))
