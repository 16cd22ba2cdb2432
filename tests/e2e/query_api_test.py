"""The query API answers as Debian's Prometheus 2.42 does: status, type and text of errors, values and times as they are
written. Where Prometheus 3 has changed an answer, the row has it."""
import json
import os
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import remote_write  # noqa: E402
from servers import both_servers, find_prometheus  # noqa: E402
from support import PROGRAM  # noqa: E402

NOW = int(time.time()) // 60 * 60
INSTANT, RANGE = "/api/v1/query", "/api/v1/query_range"
VALUES = [0, -0.0, 1, 1.5, 1e-6, 9.99e-7, 1e20, 1e21, 123456789.123456789, 0.1 + 0.2, float("nan"), float("inf"),
          float("-inf"), 5e-324, 1.7976931348623157e308]
HOUR = {"start": NOW - 3600, "end": NOW, "step": 60}


def form(**parameters):
    """A POST form."""
    return urllib.parse.urlencode(parameters).encode(), {"Content-Type": "application/x-www-form-urlencoded"}


# path, parameters of the URL. All answers are the same.
SAME = [
    *[(INSTANT, {"query": f'v{{i="{i}"}}', "time": NOW}) for i in range(len(VALUES))],
    (INSTANT, {"query": "v", "time": f"{NOW}.25"}),
    (INSTANT, {"query": "v", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW))}),
    (INSTANT, {"query": "v", "time": time.strftime("%Y-%m-%dT%H:%M:%S.5+01:00", time.gmtime(NOW))}),
    (INSTANT, {"query": "1", "time": "1.001"}),
    (INSTANT, {"query": "-1e-7", "time": "-1.5"}),
    (INSTANT, {"query": '"text"', "time": NOW}),
    (INSTANT, {"query": 'v{i="2"}[5m]', "time": NOW + 1}),
    (INSTANT, {"query": 'v{i="2"}', "time": NOW, "timeout": "10s"}),
    (INSTANT, {"query": "nothing", "time": NOW}),
    (INSTANT, {"query": "v", "time": "x"}),
    (INSTANT, {"query": "v", "timeout": "x"}),
    (INSTANT, {"time": NOW}),
    (INSTANT, {"query": "v +", "time": NOW}),
    (INSTANT, {"query": "rate(v)", "time": NOW}),
    (INSTANT, {"query": "sum(v) by (", "time": NOW}),
    (INSTANT, {"query": 'v{i=~"["}', "time": NOW}),
    (INSTANT, {"query": "v + on (nothing) v", "time": NOW}),
    (INSTANT, {"query": 'label_replace(v, "i", "1", "", "")', "time": NOW}),
    (INSTANT, {"query": "1", "time": NOW, "timeout": "0"}),
    (RANGE, {"query": 'v{i="3"}', **HOUR}),
    (RANGE, {"query": "1", **HOUR, "step": "5m"}),
    (RANGE, {"query": "1", **HOUR, "step": "0.5m"}),
    (RANGE, {"query": "time()", "start": "1.5", "end": "3", "step": "0.25"}),
    (RANGE, {"query": "1", "start": 0, "end": 11000, "step": 1}),
    (RANGE, {"query": "1", "start": 0, "end": 11001, "step": 1}),
    (RANGE, {"query": "1", **HOUR, "end": NOW - 7200}),
    (RANGE, {"query": "1", **HOUR, "step": 0}),
    (RANGE, {"query": "1", **HOUR, "step": -1}),
    (RANGE, {"query": "1", **HOUR, "step": "x"}),
    (RANGE, {"query": "1", **HOUR, "step": "1e300"}),
    (RANGE, {"query": "1", "start": NOW, "end": NOW}),
    (RANGE, {"query": "1", "end": NOW, "step": 1}),
    (RANGE, {"query": "1", "start": "x", "end": NOW, "step": 1}),
    (RANGE, {"query": "1", "start": 1, "step": 1}),
    (RANGE, {"query": 'v[5m]', **HOUR}),
    (RANGE, {"query": '"text"', **HOUR}),
    (RANGE, {"query": "nothing", **HOUR}),
    ("/api/v1/format_query", {"query": "sum   by(i) (rate(v[5m]))"}),
    ("/api/v1/format_query", {"query": "sum("}),
    ("/api/v1/nothing", {}),
]


def without_text(answer):
    """What 3.x and 2.42 have in common of an error: they word some of them differently."""
    body = json.loads(answer)
    return {**body, "error": ""} if "error" in body else body


@unittest.skipIf(find_prometheus() is None, "Debian's package prometheus is not installed")
class QueryApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.servers = cls.enterClassContext(both_servers(PROGRAM, folder))
        body = remote_write.body([({"__name__": "v", "i": str(i)}, NOW, value) for i, value in enumerate(VALUES)])
        for server in cls.servers:
            status, text = server.ask("/api/v1/write", body=body, headers={
                "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"})
            assert status == 204, text

    def test_answers(self):
        for path, parameters in SAME:
            with self.subTest(path=path, parameters=parameters):
                theirs, ours = [server.ask(path, parameters) for server in self.servers]
                self.assertEqual(ours[0], theirs[0], (ours, theirs))
                if theirs[1].startswith(b"{"):
                    if b"result" in theirs[1]:
                        self.assertEqual(sorted(ours[1]), sorted(theirs[1]))
                    self.assertEqual(json.dumps(ours[1].decode()) and without_text(ours[1]), without_text(theirs[1]))

    def test_forms(self):
        """Parameters of a body go before those of the URL."""
        for path, url, body in ((INSTANT, None, {"query": "time()", "time": "7"}),
                                (INSTANT, {"time": "8"}, {"query": "time()"}),
                                (INSTANT, {"time": "8"}, {"query": "time()", "time": "7"}),
                                (RANGE, None, {"query": "time()", "start": 1, "end": 2, "step": 1}),
                                (INSTANT, None, {"time": "7"})):
            content, headers = form(**body)
            theirs, ours = [server.ask(path, url, content, headers) for server in self.servers]
            self.assertEqual((ours[0], without_text(ours[1])), (theirs[0], without_text(theirs[1])))

    def test_stats(self):
        theirs, ours = [json.loads(server.ask(RANGE, {"query": "v", **HOUR, "stats": "all"})[1])["data"]["stats"]
                        for server in self.servers]
        self.assertLessEqual(theirs["timings"].keys(), ours["timings"].keys())
        self.assertLessEqual(theirs["samples"].keys(), ours["samples"].keys() | {"totalQueryableSamplesPerStep"})
        for figure in ("totalQueryableSamples", "peakSamples"):
            self.assertEqual(ours["samples"][figure], theirs["samples"][figure], figure)


if __name__ == "__main__":
    unittest.main()
