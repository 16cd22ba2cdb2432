#!/usr/bin/python3
"""Measures tocsin's queries beside those of Debian's Prometheus, on the same data, in the same run.

usage: compare_with_prometheus.py [--series N] [--rounds N] [--quick] [--only TEXT] [--build DIR]

Both servers listen on loopback and get the same hour of samples, 15 s apart, by remote write. Each query is asked of
one and then of the other, several rounds, each time when both are at rest; the table has the median of the rounds. A query is measured from the
request to the last byte of the answer, on a connection of its own: also where the answer is large, so that writing it
is part of the time; the same expression in count() shows the time of the engine alone. Both answers must be equal.
"""
import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from servers import SOURCE, both_servers, find_prometheus  # noqa: E402

STEP = 15
HOUR = 3600
REQUESTS = "http_requests_total"
BUCKETS = "http_request_duration_seconds_bucket"
# name, expression. What begins with "count(" is the engine alone, what does not is the whole answer.
QUERIES = [
    ("rate, answer of 8 % of the series", f'rate({REQUESTS}{{code="500"}}[5m])'),
    ("rate", f"count(rate({REQUESTS}[5m]))"),
    ("sum by (rate)", f"sum by (handler, code) (rate({REQUESTS}[5m]))"),
    ("histogram_quantile", f"histogram_quantile(0.95, sum by (le) (rate({BUCKETS}[5m])))"),
    ("histogram_quantile by handler", f"histogram_quantile(0.95, sum by (le, handler) (rate({BUCKETS}[5m])))"),
    ("topk of rate", f"topk(5, rate({REQUESTS}[5m]))"),
    ("topk by", "topk by (job) (3, worker_memory_bytes)"),
    ("max_over_time, whole answer", 'max_over_time(worker_memory_bytes{job="batch"}[10m])'),
    ("max_over_time", "count(max_over_time(worker_memory_bytes[10m]))"),
    ("binary, on", f'sum by (instance) (rate({REQUESTS}{{code=~"5.."}}[5m])) / on (instance) '
                   f"sum by (instance) (rate({REQUESTS}[5m]))"),
    ("binary, group_left", "count(worker_memory_bytes * on (instance) group_left (zone, version) instance_info)"),
    ("regex: literals", f'count({REQUESTS}{{handler=~"/api/v1/users|/api/v1/orders"}})'),
    ("regex: prefix", f'count({REQUESTS}{{handler=~"/api/v1/.*",code!~"2.."}})'),
    ("regex: classes", f'count({REQUESTS}{{instance=~"10[.][0-9]+[.]0[.][0-9]*7:8080"}})'),
]
COLUMNS = "| {:<33} | {:<7} | {:>13} | {:>9} | {:>6} | {:>12} | {:>8} | {:>9} | {:>9} |"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="5,000 series and one round: to see that it works")
    parser.add_argument("--only", default="", help="only queries with this in their name")
    parser.add_argument("--build", default=SOURCE / "build/release", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.series, arguments.rounds = 5_000, 1
    return arguments


def elements(answer):
    """{labels: [(time, value)]} of an answer."""
    found = {}
    for element in json.loads(answer)["data"]["result"]:
        labels = tuple(sorted(element["metric"].items()))
        points = element["values"] if "values" in element else [element["value"]]
        found[labels] = [(t, float(value)) for t, value in points]
    return found


def difference(answer, other):
    """What is not equal, or "". Sums may differ in their last digits: Prometheus 2 does not compensate them."""
    left, right = elements(answer), elements(other)
    if left.keys() != right.keys():
        return f"{len(left)} and {len(right)} series, {len(left.keys() ^ right.keys())} of them in one answer alone"
    for labels, points in left.items():
        others = right[labels]
        if [t for t, _ in points] != [t for t, _ in others]:
            return f"{dict(labels)}: other times"
        for (t, value), (_, expected) in zip(points, others):
            if not math.isclose(value, expected, rel_tol=1e-9) and not (math.isnan(value) and math.isnan(expected)):
                return f"{dict(labels)} at {t}: {expected} and {value}"
    return ""


class Figures:
    """Of one query on one server."""

    def __init__(self):
        self.seconds, self.cpu, self.peak, self.answer = [], [], 0, b""

    def measure(self, server, path, parameters):
        server.forget_peak()
        resident, cpu = server.memory("VmRSS"), server.cpu_seconds()
        seconds, status, self.answer = server.timed(path, parameters)
        self.seconds.append(seconds)
        self.cpu.append(server.cpu_seconds() - cpu)
        self.peak = max(self.peak, server.memory("VmHWM") - resident)
        if status != 200:
            raise RuntimeError(f"{server.name}: {parameters['query']}: {status} {self.answer[:300].decode()}")


def compare(servers, expression, end, kind, rounds):
    """The figures of both servers."""
    path, parameters = "/api/v1/query", {"query": expression, "time": end}
    if kind == "range":
        path, parameters = "/api/v1/query_range", {"query": expression, "start": end - HOUR, "end": end, "step": STEP}
    figures = [Figures(), Figures()]
    for _ in range(rounds):
        for server, own in zip(servers, figures):
            for each in servers:
                each.rest()
            own.measure(server, path, parameters)
    return figures


def row(name, kind, figures):
    """Prints a row; returns the ratio of the times."""
    theirs, ours = figures
    times = [statistics.median(figure.seconds) for figure in figures]
    cpu = [statistics.fmean(figure.cpu) for figure in figures]
    cpu_ratio = f"{cpu[0] / cpu[1]:.1f}" if cpu[1] > 0.05 else "-"
    print(COLUMNS.format(name, kind, f"{times[0] * 1000:.1f}", f"{times[1] * 1000:.1f}", f"{times[0] / times[1]:.1f}",
                         f"{cpu[0]:.2f} / {cpu[1]:.2f}", cpu_ratio, f"{theirs.peak / 2**20:.0f} / {ours.peak / 2**20:.0f}",
                         f"{len(ours.answer) / 1000:.0f}"), flush=True)
    return times[0] / times[1]


def run(servers, arguments):
    end = (int(time.time()) - 60) // STEP * STEP
    begin = time.monotonic()
    subprocess.run([arguments.build / "tests/bench/load_series", str(arguments.series), str(end),
                    *(server.url for server in servers)], check=True)
    print(f"loaded in {time.monotonic() - begin:.0f} s; resident with the data: "
          + ", ".join(f"{server.name} {server.memory('VmRSS') / 2**20:.0f} MiB" for server in servers) + "\n")
    print(COLUMNS.format("query", "kind", "Prometheus ms", "tocsin ms", "ratio", "CPU s", "ratio", "peak MiB", "answer kB"))
    print(COLUMNS.format("---", "---", "--:", "--:", "--:", "--:", "--:", "--:", "--:"))
    ratios, different = [], []
    # Between two samples: Prometheus 2 has the left edge of a range in it, Prometheus 3 has not.
    for kind in ("instant", "range"):
        for name, expression in QUERIES:
            if arguments.only not in name:
                continue
            figures = compare(servers, expression, end + 7, kind, arguments.rounds)
            ratios.append(row(name, kind, figures))
            told = difference(figures[0].answer, figures[1].answer)
            if told:
                different.append(f"{name} ({kind}): {told}")
    print(f"\nratio: median {statistics.median(ratios):.1f}, least {min(ratios):.1f}; "
          f"{sum(ratio >= 10 for ratio in ratios)} of {len(ratios)} at 10 or more")
    for line in different:
        print("DIFFERENT", line)
    return 1 if different else 0


def main():
    arguments = parse_arguments()
    if find_prometheus() is None:
        print("Debian's package prometheus is not installed")
        return 77
    with tempfile.TemporaryDirectory(prefix="tocsin-compare-") as folder:
        with both_servers(arguments.build / "tocsin", folder) as servers:
            return run(servers, arguments)


if __name__ == "__main__":
    sys.exit(main())
