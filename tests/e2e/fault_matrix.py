#!/usr/bin/python3
"""Faults against tocsin and, in the same run, against Debian's Prometheus: who tells the truth?

usage: fault_matrix.py [--peers tocsin,prometheus] [--only TEXT] [--divisor 20] [--jobs 4] [--write]

Each scenario has its own target, Alertmanager (Debian's, with a webhook that records) and peer; all
times of a production stack are divided by the divisor. --write puts the table into docs/fault_matrix.md.
Ends with 1 when tocsin has resolved falsely, missed a page, or paged twice.
"""
import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "deploy"), str(ROOT / "tests/e2e")]

from faults import run as faults_run  # noqa: E402: needs the path above
from faults import servers  # noqa: E402
from faults.scenarios import SCENARIOS  # noqa: E402
from stack.stack import default_program  # noqa: E402

PAGE = ROOT / "docs/fault_matrix.md"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
PROGRAMS = {"tocsin": default_program, "prometheus": lambda: servers.PROMETHEUS}


def play(scenario, peer, divisor):
    with faults_run.Run(peer, PROGRAMS[peer](), divisor / scenario.slower, tls=scenario.tls, group=scenario.group,
                        comment=scenario.comment if peer == "tocsin" else "") as run:
        scenario.fault(run)
        run.settle()
        verdict = run.verdict()
        verdict.note = describe(run) + (run.peer.process.tail(3000) if not verdict.clean else "")
        return verdict


def describe(run):
    start = min((e.begin for e in run.episodes), default=0)
    lines = [f"  true: {e.who} {run.divisor * (e.begin - start):+.0f} s .. " +
             (f"{run.divisor * (e.end - start):+.0f} s" if e.end else "") for e in run.episodes]
    lines += [f"  told: {run.divisor * (at - start):+.0f} s {status} {who}" for at, who, status in run.webhook.events]
    return "\n".join(lines) + "\n"


def table(results, peers, virtual=()):
    head = "| fault | " + " | ".join(peers) + " |\n| --- |" + " --- |" * len(peers) + "\n"
    names = [scenario.name for scenario in SCENARIOS if (scenario.name, peers[0]) in results]
    return head + "".join(
        f"| {name} | " + " | ".join(str(results.get((name, peer), "no figure")) for peer in peers) + " |\n"
        for name in names + virtual)


def on_virtual_time(results):
    """The rows that cannot be played with real processes; see tests/simulation/clock_jump_test.cc."""
    program = ROOT / "build/release/tests/test_simulation"
    rows = []
    for name, case in (("clock jumps 10 min ahead", "Ahead"), ("clock jumps 10 min back", "Back")):
        said = subprocess.run([program, f"--gtest_filter=*ClockJump*/{case}"], capture_output=True, text=True,
                              check=False).stdout if program.exists() else ""
        found = re.search(r"verdict: (\d+) / (\d+) / (\d+) / (\d+) s", said)
        if found:
            results[name, "tocsin"] = faults_run.Verdict(*map(int, found.groups()))
            rows.append(name)
    return rows


def version(program):
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return (said.stdout + said.stderr).split("\n")[0]


def write(text, divisor):
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    made = f"Times divided by {divisor}; {version(servers.PROMETHEUS)}; {version(servers.ALERTMANAGER)}.\n\n"
    PAGE.write_text(before + BEGIN + made + text + END + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--peers", default="tocsin,prometheus")
    parser.add_argument("--only", default="")
    parser.add_argument("--divisor", type=float, default=20)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    peers = arguments.peers.split(",")
    results = {}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        waiting = {pool.submit(play, scenario, peer, arguments.divisor): (scenario.name, peer)
                   for scenario in SCENARIOS if arguments.only in scenario.name for peer in peers}
        for done in concurrent.futures.as_completed(waiting):
            name, peer = waiting[done]
            results[name, peer] = done.result()
            print(f"{peer}: {name}: {results[name, peer]}", flush=True)
            if not results[name, peer].clean or arguments.only:
                print(results[name, peer].note, flush=True)
    virtual = on_virtual_time(results) if "tocsin" in peers and not arguments.only else []
    text = table(results, peers, virtual)
    print("\nfalse resolves / missed / double pages / delay\n" + text)
    if arguments.write:
        write(text, arguments.divisor)
    return 0 if all(v.clean for (_, peer), v in results.items() if peer == "tocsin") else 1


if __name__ == "__main__":
    sys.exit(main())
