"""Starts tocsin and Debian's Prometheus side by side on loopback, and asks both the same.

For comparisons: tests/bench/compare_with_prometheus.py measures, tests/e2e/differential_test.py looks for differences.
"""
import contextlib
import http.client
import io
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.parse

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class _Received:
    """What http.client reads as if it came from a socket."""

    def __init__(self, data):
        self._data = data

    def makefile(self, _mode):
        return io.BytesIO(self._data)


class _ReceiveBuffer:
    """Memory for answers, kept from one to the next: getting it from the system takes longer than receiving does."""

    _PIECE = 1 << 20
    _kept = None

    def __init__(self):
        self._bytes = bytearray(self._PIECE)

    @classmethod
    def get(cls):
        if cls._kept is None:
            cls._kept = cls()
        return cls._kept

    def fill(self, client):
        """Receives until the end; returns how many bytes came."""
        size = 0
        while True:
            if len(self._bytes) - size < self._PIECE:
                self._bytes += bytes(len(self._bytes))
            with memoryview(self._bytes) as whole, whole[size:size + self._PIECE] as free:
                count = client.recv_into(free)
            if count == 0:
                return size
            size += count

    def begin(self, size):
        return bytes(self._bytes[:size])


class Server:
    """A running server with Prometheus' HTTP API; no configuration, remote write is taken."""

    def __init__(self, name, command, folder):
        self.name = name
        self.port = free_port()
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir()
        self._command = [*command, f"--web.listen-address=127.0.0.1:{self.port}",
                         f"--storage.tsdb.path={self.folder}/data", "--web.enable-remote-write-receiver"]
        self._process = None
        self._connection = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, timeout=30):
        with open(self.folder / "log", "wb") as log:
            self._process = subprocess.Popen(self._command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=subprocess.STDOUT)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError):
                if self.ask("/-/ready")[0] == 200:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start:\n{(self.folder / 'log').read_text()}")

    def stop(self):
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ask(self, path, parameters=None, body=None, headers=None):
        """(status, body) of a GET; of a POST when there is a body. One connection for all."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=150)
        if parameters is not None:
            path += "?" + urllib.parse.urlencode(parameters)
        try:
            self._connection.request("GET" if body is None else "POST", path, body, headers or {})
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as broken:
            self._connection.close()
            self._connection = None
            raise OSError(str(broken)) from broken

    def timed(self, path, parameters):
        """(seconds, status, body) of a GET on a connection of its own. The clock stops when the server has closed
        the connection: what http.client does with the answer comes after that and does not count."""
        request = (f"GET {path}?{urllib.parse.urlencode(parameters)} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                   "Connection: close\r\n\r\n").encode()
        received = _ReceiveBuffer.get()
        begin = time.perf_counter()
        with socket.create_connection(("127.0.0.1", self.port), timeout=150) as client:
            client.sendall(request)
            size = received.fill(client)
            seconds = time.perf_counter() - begin
        answer = http.client.HTTPResponse(_Received(received.begin(size)))
        answer.begin()
        return seconds, answer.status, answer.read()

    def rest(self, timeout=10):
        """Waits until the server does nothing, such as collecting the garbage of the query before."""
        deadline = time.monotonic() + timeout
        before = None
        while (now := self.cpu_seconds()) != before and time.monotonic() < deadline:
            before = now
            time.sleep(3 / TICKS)

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, field):
        """VmHWM, the peak, or VmRSS, in bytes."""
        for line in pathlib.Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"{self.name} has no {field}")

    def forget_peak(self):
        """Counts VmHWM from here on."""
        pathlib.Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")


def find_prometheus():
    """Debian's Prometheus, or None."""
    return shutil.which("prometheus")


@contextlib.contextmanager
def both_servers(tocsin, folder, flags=()):
    """(prometheus, tocsin), running and empty."""
    prometheus = Server("prometheus", [find_prometheus(), f"--config.file={folder}/prometheus.yml"], folder)
    (pathlib.Path(folder) / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
    (pathlib.Path(folder) / "tocsin.yml").write_text("scrape_configs: []\n")
    own = Server("tocsin", [str(tocsin), "serve", f"--config.file={folder}/tocsin.yml", *flags], folder)
    try:
        prometheus.start()
        own.start()
        yield prometheus, own
    finally:
        own.stop()
        prometheus.stop()
