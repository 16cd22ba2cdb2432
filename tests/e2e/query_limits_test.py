"""Each limit ends the query that passes it with a clear error, and leaves everything else at full speed."""
import json
import socket
import threading
import time
import urllib.parse
import unittest

from support import TocsinCase, eventually

# Takes minutes: each of many steps sorts a long window.
SLOW = {"query": "quantile_over_time(0.5, (vector(time()) % 997)[12h:1s])", "start": 0, "end": 1e6, "step": 100}
QUICK = 2.0  # seconds for anything else, on a busy machine


class QueryLimits(TocsinCase):
    def error(self, status, kind, path="/api/v1/query", **parameters):
        """The message of an error with that status and type."""
        answer = self.server.fetch(path, parameters)
        self.assertEqual(answer[0], status, answer[2][:500])
        body = json.loads(answer[2])
        self.assertEqual(body["errorType"], kind)
        return body["error"]

    def test_a_backtest_ends_with_its_client(self):
        rules = json.dumps({"groups": [{"name": "g", "rules": [
            {"alert": "Slow", "expr": SLOW["query"] + " > 0"}]}]}).encode()
        (self.folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "live", "interval": "1s", "rules": [
            {"record": "now", "expr": "time()"}]}]}))
        self.serve({"rule_files": ["rules.yml"]})
        host, port = self.server.address.split(":")
        clients = []
        for _ in range(2):
            clients.append(socket.create_connection((host, int(port))))
            clients[-1].sendall(b"POST /api/v1/rules/backtest?start=1600000000&end=1601000000&step=100 HTTP/1.1\r\n"
                                b"Host: x\r\nContent-Type: application/yaml\r\n"
                                b"Content-Length: %d\r\n\r\n%s" % (len(rules), rules))
        self.assertTrue(eventually(lambda: len(self.active()) == 2))
        self.check_alive()
        before = self.evaluations()
        self.assertTrue(eventually(lambda: self.evaluations() >= before + 3, timeout=3 + QUICK), "rules wait for backtests")
        self.assertIn("other backtests are running",
                      self.error(503, "unavailable", "/api/v1/rules/backtest", rules=rules.decode()))
        for client in clients:
            client.close()
        self.assertTrue(eventually(lambda: not self.active()))

    def evaluations(self):
        """Of the rule that the server has, every second."""
        return self.server.value("count_over_time(now[1h])") or 0

    def check_alive(self):
        started = time.monotonic()
        self.assertEqual(self.server.fetch("/-/healthy")[0], 200)
        self.assertEqual(self.server.query("1 + 1")[1], "2")
        self.assertLess(time.monotonic() - started, QUICK)

    def active(self):
        """The queries that run, from the file."""
        content = (self.folder / "data" / "queries.active").read_bytes()
        self.assertEqual(content[:1], b"[")
        return [json.loads(entry.rstrip(b",")) for entry in content[1:].split(b"\0") if entry]

    def ask_slowly(self):
        """Asks what takes long, on a connection of its own, and waits until it is being computed."""
        host, port = self.server.address.split(":")
        client = socket.create_connection((host, int(port)))
        client.sendall(f"GET /api/v1/query_range?{urllib.parse.urlencode(SLOW)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        self.assertTrue(eventually(self.active))
        return client

    def test_samples_and_points(self):
        self.serve(flags=["--query.max-samples=1000"])
        self.assertEqual(self.error(422, "execution", query="sum_over_time(vector(1)[1h:1s])"),
                         "query processing would load too many samples into memory in query execution")
        self.check_alive()
        self.assertEqual(self.error(503, "timeout", query="1", timeout="0"), "query timed out in query queue")
        self.assertIn("11,000 points", self.error(400, "bad_data", "/api/v1/query_range", query="1", start=0,
                                                  end=11001, step=1))
        self.assertEqual(self.server.get("/api/v1/query_range", query="1", start=0, end=998, step=1)["status"],
                         "success")

    def test_memory(self):
        self.serve(flags=["--query.max-memory=100000"])
        self.assertIn("--query.max-memory", self.error(
            422, "execution", "/api/v1/query_range", start=0, end=900, step=1,
            query=" or ".join(f'absent(a{{i="{i}"}})' for i in range(40))))
        self.check_alive()

    def test_length_and_depth(self):
        self.serve()
        for query, text in (("1+" * 5_000_000 + "1", "bytes"), ("1" + "+1" * 20_000, "levels"),
                            ("(" * 1000 + "1" + ")" * 1000, "nested"), ("-" * 1000 + "1", "nested"),
                            ("vector(1)" + "[1m:1m]" * 2, "parse error"),
                            ("max_over_time(" * 1000 + "a" + "[1m:1m])" * 1000, "nested"),
                            ("sum(" * 100_000, "nested"), ("{" * 100_000, "parse error")):
            with self.subTest(query[:20]):
                status, _, answer = self.server.fetch("/api/v1/query", {"query": query}, timeout=30)
                self.assertIn(status, (400, 413), answer[:300])
                self.assertIn(text, answer)
                self.assertLess(len(answer), 2000)
                self.check_alive()
        for query in ("1" + "+1" * 900, "(" * 200 + "1" + ")" * 200, "abs(" * 200 + "up" + ")" * 200):
            self.assertEqual(self.server.fetch("/api/v1/query", {"query": query})[0], 200)

    def test_time(self):
        self.serve()
        started = time.monotonic()
        self.assertEqual(self.error(503, "timeout", "/api/v1/query_range", **SLOW, timeout="200ms"),
                         "query timed out in expression evaluation")
        self.assertLess(time.monotonic() - started, 5)
        self.check_alive()

    def test_a_client_that_hangs_up_ends_its_query(self):
        self.serve()
        client = self.ask_slowly()
        self.assertEqual(self.active()[0]["query"], SLOW["query"])
        self.check_alive()
        client.close()
        self.assertTrue(eventually(lambda: not self.active(), timeout=5), "the query goes on")

    def test_queries_wait_in_line(self):
        self.serve(flags=["--query.max-concurrency=1"])
        client = self.ask_slowly()
        self.assertEqual(self.error(503, "timeout", query="1", timeout="300ms"), "query timed out in query queue")
        self.assertEqual(self.server.fetch("/-/healthy", timeout=QUICK)[0], 200)
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(self.server.query("1 + 1")))
        waiting.start()
        client.close()  # makes room
        waiting.join(timeout=10)
        self.assertEqual(answers and answers[0][1], "2")

    def test_what_a_crash_left_is_told(self):
        self.serve()
        with self.ask_slowly():
            self.process.kill()
            self.process.wait()
        self.serve()
        self.assertIn("a query had not finished when the process ended", self.log)
        self.assertIn("quantile_over_time", self.log)
        self.assertEqual(self.active(), [])


if __name__ == "__main__":
    unittest.main()
