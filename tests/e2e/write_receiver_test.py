"""The remote write receiver answers as Debian's Prometheus 2.42 does, status by status, in the same run.

Where Prometheus 3 has changed an answer, the row says so.
"""
import os
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import remote_write  # noqa: E402
from servers import both_servers, find_prometheus  # noqa: E402
from support import PROGRAM  # noqa: E402

HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
           "X-Prometheus-Remote-Write-Version": "0.1.0"}
NOW = int(time.time())


def one(name, at, value, **labels):
    return remote_write.body([({"__name__": name, **labels}, at, value)])


# What is sent, in this order, and the status when it is not Prometheus 2.42's.
REQUESTS = [
    ("a sample", one("a", NOW - 60, 1), HEADERS, None),
    ("the same sample again", one("a", NOW - 60, 1), HEADERS, None),
    ("another value for the same time", one("a", NOW - 60, 2), HEADERS, None),
    ("a sample before the newest one of its series", one("a", NOW - 90, 1), HEADERS, None),
    ("several samples, of which one is too old", remote_write.body(
        [({"__name__": "a"}, NOW - 80, 1), ({"__name__": "b"}, NOW - 60, 1)]), HEADERS, None),
    ("no series at all", remote_write.body([]), HEADERS, None),
    ("nothing, which is not snappy", b"", HEADERS, None),
    ("no snappy", b"hello, world", HEADERS, None),
    ("snappy, and no protobuf in it", remote_write._snappy(b"\xff\xff\xff hello"), HEADERS, None),
    ("without headers", one("c", NOW - 60, 1), {}, None),
    ("another version of the protocol", one("d", NOW - 60, 1), {**HEADERS, "X-Prometheus-Remote-Write-Version": "9"}, None),
    ("another type", one("e", NOW - 60, 1), {**HEADERS, "Content-Type": "text/plain"}, 415),  # since 3.0
    ("version 2.0, which is not spoken", one("f", NOW - 60, 1),
     {**HEADERS, "Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"}, 415),  # since 3.0
    ("another encoding", one("g", NOW - 60, 1), {**HEADERS, "Content-Encoding": "gzip"}, 415),  # since 3.0
]
# Prometheus throws the whole request away in which one sample is refused; tocsin keeps the others.
STORED, KEPT = ["a", "c", "d"], "b"


@unittest.skipIf(find_prometheus() is None, "Debian's package prometheus is not installed")
class WriteReceiver(unittest.TestCase):
    def test_answers_are_those_of_prometheus(self):
        with tempfile.TemporaryDirectory() as folder, both_servers(PROGRAM, folder) as servers:
            for what, body, headers, newer in REQUESTS:
                with self.subTest(what):
                    theirs, ours = [server.ask("/api/v1/write", body=body, headers=headers) for server in servers]
                    self.assertEqual(ours[0], newer or theirs[0], (ours, theirs))
            for name in STORED:
                theirs, ours = [server.ask("/api/v1/query", {"query": name, "time": NOW})[1] for server in servers]
                self.assertEqual(ours, theirs)
            theirs, ours = [server.ask("/api/v1/query", {"query": KEPT, "time": NOW})[1] for server in servers]
            self.assertIn(b'"result":[]', theirs)
            self.assertIn(b'"1"', ours)

    def test_it_has_to_be_enabled(self):
        with tempfile.TemporaryDirectory() as folder, both_servers(PROGRAM, folder) as servers:
            for server in servers:
                server.stop()
                server._command.remove("--web.enable-remote-write-receiver")
                server._connection = None
                server.start()
            theirs, ours = [server.ask("/api/v1/write", body=one("a", NOW, 1), headers=HEADERS) for server in servers]
            # 2.42 still names the flag of older versions.
            self.assertEqual(ours[1], theirs[1].replace(b"--enable-feature=", b"--web.enable-"))
            self.assertEqual((ours[0], theirs[0]), (404, 404))


if __name__ == "__main__":
    unittest.main()
