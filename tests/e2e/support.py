"""What the end-to-end tests share: the program, the stack, a scrape target that behaves as told."""
import contextlib
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from stack import Stack, Times
from stack.settings import Ports, write_yaml
from stack.stack import SEED_RULES, default_program

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("TOCSIN_SHARED", SOURCE.parent / "shared"))
PROGRAM = default_program()
DIVISOR = 20


def require_shared():
    if not SHARED.is_dir():
        raise unittest.SkipTest("the folder shared/ is not beside the source")


def eventually(condition, timeout=20.0, pause=0.05):
    """The first true value of `condition()`; its last value at the timeout."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(pause)


class Server:
    """A client of one Prometheus API, tocsin's or another's."""

    def __init__(self, address):
        self.address = address

    def fetch(self, path, body=None, headers=None, method=None, timeout=10):
        """(status code, headers, text) of an answer, whatever its code."""
        request = urllib.request.Request(f"http://{self.address}{path}", headers=headers or {}, method=method,
                                         data=urllib.parse.urlencode(body, doseq=True).encode() if body else None)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers, refused.read().decode()

    def get(self, path, **parameters):
        """The parsed JSON of a GET, whatever its code."""
        query = "?" + urllib.parse.urlencode(parameters, doseq=True) if parameters else ""
        return json.loads(self.fetch(path + query)[2])

    def query(self, expression, **parameters):
        answer = self.get("/api/v1/query", query=expression, **parameters)
        if answer["status"] != "success":
            raise AssertionError(f"{expression}: {answer}")
        return answer["data"]["result"]

    def value(self, expression):
        """The value of the only sample of an instant query; None when there is none."""
        result = self.query(expression)
        if len(result) > 1:
            raise AssertionError(f"{expression} has {len(result)} samples")
        return float(result[0]["value"][1]) if result else None


class TocsinCase(unittest.TestCase):
    """A test of `tocsin serve` alone: self.folder to work in, self.serve(config) to start it."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tocsin-test-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        self.ports = Ports()
        self.server = None
        self.process = None

    @property
    def log(self):
        return (self.folder / "tocsin.log").read_text()

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def launch(self, config=None, environment=None, flags=()):
        """Starts the program; config is a document, a path or None."""
        if isinstance(config, dict):
            write_yaml(self.folder / "tocsin.yml", config)
            config = self.folder / "tocsin.yml"
        self.server = Server(f"127.0.0.1:{self.ports.free()}")
        command = [PROGRAM, "serve", f"--web.listen-address={self.server.address}",
                   f"--storage.tsdb.path={self.folder}/data", *flags]
        if config is not None:
            command.append(f"--config.file={config}")
        with open(self.folder / "tocsin.log", "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder)} | (environment or {}))
        self.addCleanup(self.end)
        return self.process

    def serve(self, config=None, environment=None, flags=()):
        """Starts the program and waits until it is ready."""
        self.launch(config, environment, flags)

        def ready():
            if self.process.poll() is not None:
                self.fail(f"tocsin ended with code {self.process.returncode}:\n{self.log}")
            with contextlib.suppress(OSError):
                return self.server.fetch("/-/ready", timeout=2)[0] == 200

        self.assertTrue(eventually(ready), f"not ready:\n{self.log}")
        return self.server

    def refuse(self, config, flags=()):
        """Starts the program with a configuration that it must refuse. Returns what it says."""
        code = self.launch(config, flags=flags).wait(timeout=20)
        self.assertNotIn(code, (0, -signal.SIGSEGV, -signal.SIGABRT), self.log)
        return self.log

    def end(self):
        """Stops the program as a service manager does. Returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.fail(f"tocsin did not end in 20 s:\n{self.log[-3000:]}")

    def target_health(self, address):
        for target in self.server.get("/api/v1/targets")["data"]["activeTargets"]:
            if address in target["scrapeUrl"]:
                return target
        return None


class StackCase(unittest.TestCase):
    """A test with the whole stack, all times divided by DIVISOR."""

    rules = SEED_RULES

    def setUp(self):
        self.stack = Stack(PROGRAM, times=Times(DIVISOR), rules=self.rules)
        self.stack.__enter__()
        self.addCleanup(self._finish)
        self.settings = self.stack.settings
        self.server = Server(self.settings.tocsin_address)

    def run(self, result=None):
        self._result = result or self.defaultTestResult()
        self._failures_before = self._failures()
        return super().run(self._result)

    def _failures(self):
        return len(self._result.failures) + len(self._result.errors)

    def _finish(self):
        if self._failures() > self._failures_before:
            print(f"tocsin's log:\n{self.stack.tocsin.tail(6000)}", file=sys.stderr)
            print(f"received: {self.stack.received()}", file=sys.stderr)
        self.stack.stop()
        self.assertEqual(self.stack.leaked, [], "processes were left behind")
        self.assertEqual(self.stack.exit_codes["tocsin"], 0)


class LocalServer:
    """A web server on a port that the kernel chose. What it says is a child's: show(handler) answers a GET, and
    take(handler, body) has the status of the answer to a POST. A context, or until close()."""

    def __init__(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.show(self)

            def do_POST(self):
                status = outer.take(self, self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class ScrapeTarget(LocalServer):
    """A web server for /metrics whose answer is `page`: bytes, or a function of the handler."""

    def __init__(self, page):
        self.page = page
        self.scrapes = 0
        super().__init__()

    def show(self, handler):
        self.scrapes += 1
        page = self.page
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if callable(page):
                page(handler)
            else:
                send_page(handler, page)


def send_page(handler, page, length=None):
    handler.send_response(200)
    handler.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
    handler.send_header("Content-Length", str(len(page) if length is None else length))
    handler.end_headers()
    handler.wfile.write(page)


def scrape_config(*targets, interval="250ms", **more):
    """One job per target, named t0, t1, …"""
    return {"global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "scrape_configs": [{"job_name": f"t{number}", "static_configs": [{"targets": [target.address]}]}
                               for number, target in enumerate(targets)]} | more


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def matches(text, pattern):
    return re.fullmatch(pattern, text) is not None
