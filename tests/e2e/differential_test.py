"""Asks tocsin and Debian's Prometheus 2.42 the same random queries about the same data, over HTTP.

TOCSIN_DIFFERENTIAL_QUERIES says how many (2000), TOCSIN_DIFFERENTIAL_SEED with which data to begin. Expressions and
data come from tests/tools/random_promql.cc, which leaves out what cannot be equal; what is left is listed below.
"""
import collections
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from servers import both_servers, find_prometheus  # noqa: E402
from support import PROGRAM  # noqa: E402

QUERIES_ON_ONE_SET = 1000
Query = collections.namedtuple("Query", "start end step expression")


# A difference of Prometheus 3, or of another order of sums, to 2.42: why, which expressions can show it, and which of their answers are as it makes
# them. `shows` gets the query, both answers whole and the points that differ: [(labels, time, tocsin's, Prometheus')], None for a
# value that is not there.
Known = collections.namedtuple("Known", "reason expression shows")


def ours_fails(text):
    """Where tocsin gives that error, and Prometheus 2.42 an answer."""
    return lambda _, ours, theirs, __: text in ours.get("error", "") and theirs["status"] == "success"


def only_names_differ(_, ours, theirs, __):
    """Where the answers are equal but for metric names, or one of them has two series that differ in nothing else."""
    if "error" in (ours["status"], theirs["status"]):
        return any(text in ours.get("error", "") + theirs.get("error", "") for text in
                   ("vector cannot contain metrics with the same labelset", "found duplicate series for the match group"))
    unnamed = [sorted(((tuple(pair for pair in labels if pair[0] != "__name__"), t, value)
                       for (labels, t), value in points(answer["data"]).items()), key=str) for answer in (ours, theirs)]
    return len(unnamed[0]) == len(unnamed[1]) and all(
        a[:2] == b[:2] and close(a[2], b[2]) for a, b in zip(*unnamed))


def digits_are_lost(_, __, ___, different):
    """Where both are near each other, as they are when large terms cancel each other but for their last digits."""
    return all(None not in point and math.isclose(*point[2:], rel_tol=0.05) for point in different)


# What random_promql does not ask, because it is known to differ and cannot be told from the answers.
LEFT_OUT = [
    "samples, and steps of subqueries, at the left edge of a range or exactly as old as the lookback: part of it in 2.42",
    "rate and increase of counters near 0 or after a fall: 2.51 changed how far they are extrapolated",
    "stddev and stdvar of groups with NaN or infinities: 2.42 takes a first one for 0",
    "predict_linear and quantile_over_time of a range that is fixed by @: in 2.42 the range moves on with the steps",
    "timestamp of a selector that is fixed by @: 2.42 finds nothing",
    "native histograms, and functions that came after 2.42",
]
KNOWN = [
    Known("atan2 drops the metric name since 3.0", r"\batan2\b", only_names_differ),
    Known("one-to-one matching fails since 3.0 also where a comparison leaves only one of several matches",
          r"(==|!=|<=?|>=?)(?! *bool)", ours_fails("multiple matches for labels: many-to-one matching must be explicit")),
    Known("group_left and group_right fail since 3.0 also where a comparison leaves only one of several equal results",
          r"(==|!=|<=?|>=?)(?! *bool).*group_(left|right)",
          ours_fails("multiple matches for labels: grouping labels must ensure unique matches")),
    Known("a regression over values of very different size: what is left of their sums are the last digits",
          r"(deriv|predict_linear)\b.*(sinh|cosh|exp)\b", digits_are_lost),
]


def parse(line):
    start, end, step, expression = line.split(" ", 3)
    return Query(int(start), int(end), int(step), expression)


def ask(server, query):
    if query.step == 0:
        path, parameters = "/api/v1/query", {"query": query.expression, "time": f"{query.start / 1000:.3f}"}
    else:
        path = "/api/v1/query_range"
        parameters = {"query": query.expression, "start": f"{query.start / 1000:.3f}",
                      "end": f"{query.end / 1000:.3f}", "step": f"{query.step / 1000:.3f}"}
    return json.loads(server.ask(path, parameters)[1])


def close(a, b):
    """Prometheus 2 does not compensate its sums, so that the last digits differ."""
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def points(data):
    """{(labels, time): value} of an answer, whatever its type."""
    if data["resultType"] in ("scalar", "string"):
        return {((), data["result"][0]): float(data["result"][1])}
    found = {}
    for element in data["result"]:
        labels = tuple(sorted(element["metric"].items()))
        for t, value in element.get("values") or [element["value"]]:
            found[labels, t] = float(value)
    return found


def differences(ours, theirs):
    """The points that differ: [(labels, time, tocsin's, Prometheus')]."""
    if "error" in (ours["status"], theirs["status"]):
        return []
    left, right = points(ours["data"]), points(theirs["data"])
    return [(*key, left.get(key), right.get(key)) for key in sorted(left.keys() | right.keys(), key=str)
            if key not in left or key not in right or not close(left[key], right[key])]


def compare(ours, theirs):
    """What is different, or "", and the points that are. Two errors are equal: texts have changed since 2.42."""
    if ours["status"] != theirs["status"]:
        return f"tocsin: {ours.get('error', 'success')}; Prometheus: {theirs.get('error', 'success')}", []
    if ours["status"] == "error":
        return "", []
    if ours["data"]["resultType"] != theirs["data"]["resultType"]:
        return f"tocsin: a {ours['data']['resultType']}; Prometheus: a {theirs['data']['resultType']}", []
    found = differences(ours, theirs)
    if not found:
        return "", []
    labels, t, mine, expected = found[0]
    return f"{dict(labels)} at {t}: tocsin {mine}, Prometheus {expected}", found


def known_reason(query, ours, theirs, different):
    return next((row.reason for row in KNOWN
                 if re.search(row.expression, query.expression) and row.shows(query, ours, theirs, different)), None)


class DifferentialTest(unittest.TestCase):
    def test_random_queries_give_what_prometheus_gives(self):
        if find_prometheus() is None:
            self.skipTest("Debian's package prometheus is not installed")
        left = int(os.environ.get("TOCSIN_DIFFERENTIAL_QUERIES", "2000"))
        seed = int(os.environ.get("TOCSIN_DIFFERENTIAL_SEED", "1"))
        asked, different, known = 0, [], collections.Counter()
        while left > 0 and len(different) < 20:
            count = min(left, QUERIES_ON_ONE_SET)
            for query, told in self.differences(seed, count, known):
                different.append(f"seed {seed}: {query.expression}\n  at {query[:3]}\n  {told}")
            asked, left, seed = asked + count, left - count, seed + 1
        print(f"{asked} queries, {len(different)} different, {sum(known.values())} of known reasons")
        for reason, count in known.items():
            print(f"  {count:5} {reason}")
        for what in LEFT_OUT:
            print(f"  not asked: {what}")
        self.assertEqual(different, [], "\n".join(different))

    def differences(self, seed, count, known):
        """(query, what is different) of `count` queries on data of their own."""
        with tempfile.TemporaryDirectory(prefix="tocsin-differential-") as folder, \
                both_servers(PROGRAM, folder) as (prometheus, tocsin):
            start = (int(time.time()) - 3000) * 1000
            program = os.path.join(os.path.dirname(PROGRAM), "tests/tools/random_promql")
            lines = subprocess.run([program, str(seed), str(start), str(count), f"{folder}/body"], check=True,
                                   stdout=subprocess.PIPE, text=True).stdout.splitlines()
            with open(f"{folder}/body", "rb") as file:
                body = file.read()
            headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                       "X-Prometheus-Remote-Write-Version": "0.1.0"}
            for server in (prometheus, tocsin):
                status, text = server.ask("/api/v1/write", body=body, headers=headers)
                self.assertEqual(status // 100, 2, f"{server.name}: {text}")
            for query in map(parse, lines):
                ours, theirs = ask(tocsin, query), ask(prometheus, query)
                told, different = compare(ours, theirs)
                if not told:
                    continue
                reason = known_reason(query, ours, theirs, different)
                if reason is None:
                    yield query, told
                else:
                    known[reason] += 1
