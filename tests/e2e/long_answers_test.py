"""Long answers are sent in chunks while they are written, by HTTP's rules, and are whole."""
import json
import socket
import urllib.parse
import unittest

from support import TocsinCase

# 60 series with 1000 points each, one of them without every third.
QUERY = " or ".join([f'label_replace(vector(time() / {i + 3}), "i", "{i:02}", "", "")' for i in range(59)]
                    + ['label_replace(vector(time()) % 3 > 0, "i", "gaps", "", "")'])
PARAMETERS = {"query": QUERY, "start": 1000, "end": 1999, "step": 1}


class LongAnswers(TocsinCase):
    def raw(self, version):
        """Head and body of an answer, as they came until the connection ended."""
        host, port = self.server.address.split(":")
        with socket.create_connection((host, int(port))) as client:
            target = "/api/v1/query_range?" + urllib.parse.urlencode(PARAMETERS)
            client.sendall(f"GET {target} HTTP/{version}\r\nHost: x\r\n\r\n".encode())
            answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.decode(), body

    def check(self, answer):
        result = answer["data"]["result"]
        self.assertEqual([series["metric"]["i"] for series in result], [f"{i:02}" for i in range(59)] + ["gaps"])
        self.assertEqual(result[4]["values"], [[t, repr(t / 7).removesuffix(".0")] for t in range(1000, 2000)])
        self.assertEqual(result[59]["values"], [[t, str(t % 3)] for t in range(1000, 2000) if t % 3])

    def test_chunks(self):
        self.serve()
        head, body = self.raw("1.1")
        self.assertIn("Transfer-Encoding: chunked", head)
        self.assertNotIn("Content-Length", head)
        text, chunks = b"", 0
        while True:
            length, _, body = body.partition(b"\r\n")
            size = int(length, 16)
            text += body[:size]
            self.assertEqual(body[size:size + 2], b"\r\n")
            body = body[size + 2:]
            if size == 0:
                break
            chunks += 1
        self.assertEqual(body, b"")
        self.assertGreater(chunks, 3)
        self.check(json.loads(text))

    def test_without_chunks_for_old_clients(self):
        self.serve()
        head, body = self.raw("1.0")
        self.assertNotIn("Transfer-Encoding", head)
        self.check(json.loads(body))

    def test_with_stats_and_remarks(self):
        self.serve()
        answer = self.server.get("/api/v1/query_range", **PARAMETERS, stats="true", limit="59")
        self.assertEqual(len(answer["data"]["result"]), 59)
        self.assertIn("timings", answer["data"]["stats"])
        self.assertEqual(answer["warnings"], ["results truncated due to limit"])


if __name__ == "__main__":
    unittest.main()
