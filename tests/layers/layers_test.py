#!/usr/bin/env python3
"""Holds the includes to the layer table: a folder includes only what its row allows.

usage: layers_test.py SOURCE_DIR
Also: an included header exists, a third-party header is included by few files, and
no header of the project includes one (those listed below excepted).
"""
import pathlib
import re
import sys

LAYERS = {
    "base": [],
    "engine/model": ["base"],
    "engine/exposition": ["engine/model"],
    "engine/storage": ["engine/model"],
    "engine/promql": ["engine/model", "engine/storage"],
    "engine/promqltest": ["engine/promql", "engine/storage"],
    "config": ["base", "engine/model"],
    "discovery": ["config"],
    "delivery/journey": ["config"],
    "exporters": ["config", "engine/exposition", "engine/storage", "delivery/journey"],
    "alertmanager_client": ["config", "engine/model"],
    "remote_write": ["config", "engine/model", "engine/storage"],
    "rules": ["config", "engine/promql", "engine/promqltest", "engine/storage", "alertmanager_client"],
    "delivery": ["engine/promql", "config", "delivery/journey"],
    "server": ["config", "engine/exposition", "engine/storage", "engine/promql", "exporters", "rules",
               "alertmanager_client", "delivery"],
    "cli": ["server", "discovery", "remote_write"],
}
# Through these doors only.
DOORS = {("engine/promql", "engine/storage"): {"engine/storage/querier.h"},
         ("exporters", "engine/storage"): {"engine/storage/appender.h"},
         ("remote_write", "engine/storage"): {"engine/storage/appender.h", "engine/storage/remote_write.h"},
         ("rules", "engine/storage"): {"engine/storage/querier.h", "engine/storage/appender.h"},
         ("rules", "alertmanager_client"): {"alertmanager_client/notifier.h"}}
THIRD_PARTY_IN_HEADERS = {"tl/expected.hpp"}
THIRD_PARTY = re.compile(r"^(fmt|spdlog|re2|curl|rapidjson|yaml-cpp|pqxx|hiredis|prometheus|CLI|google|snappy|openssl"
                         r"|civetweb|CivetServer|tl|xxhash|libpq-fe|zlib)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def reachable(folder):
    seen, todo = {folder}, [folder]
    while todo:
        for below in LAYERS[todo.pop()]:
            if below not in seen:
                seen.add(below)
                todo.append(below)
    return seen


def owner(path):
    fits = [f for f in LAYERS if path.startswith(f + "/")]
    return max(fits, key=len) if fits else None


def check(root):
    problems, users = [], {}
    for folder in LAYERS:
        allowed = reachable(folder)
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".h", ".cc") or owner(str(path.relative_to(root))) != folder:
                continue
            name = str(path.relative_to(root))
            for number, line in enumerate(path.read_text().splitlines(), 1):
                found = INCLUDE.match(line)
                if not found:
                    continue
                quote, header = found.groups()
                where = f"{name}:{number}"
                if quote == "<":
                    if THIRD_PARTY.match(header):
                        users.setdefault(header, []).append(name)
                        if path.suffix == ".h" and header not in THIRD_PARTY_IN_HEADERS:
                            problems.append(f"{where}: header includes third-party <{header}>; keep it in a .cc")
                    continue
                target = owner(header)
                if target is None or not (root / header).exists():
                    if not header.endswith(".pb.h"):
                        problems.append(f'{where}: "{header}" is not a file of a layer')
                elif target not in allowed:
                    problems.append(f'{where}: {folder} may not include {target} ("{header}")')
                elif target != folder and header not in DOORS.get((folder, target), {header}):
                    problems.append(f'{where}: {folder} may use only {sorted(DOORS[(folder, target)])} of {target}')
    return problems


def main():
    problems = check(pathlib.Path(sys.argv[1]))
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
