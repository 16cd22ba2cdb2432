"""The servers of one run: a scrape target, a webhook, a fault between peer and Alertmanager, the peers."""
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

import yaml

from stack.process import Process
from stack.servers import http_ok
from stack.settings import write_yaml

PROMETHEUS = "/usr/bin/prometheus"
ALERTMANAGER = "/usr/bin/prometheus-alertmanager"


def yaml_text(document):
    return yaml.safe_dump(document, sort_keys=False, width=1000)


def installed():
    return os.path.exists(PROMETHEUS) and os.path.exists(ALERTMANAGER)


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body=b"", kind="text/plain; version=0.0.4"):
        with contextlib.suppress(OSError):
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass  # a peer that hangs up is part of the game


class Served:
    def __init__(self, handler, port=0):
        self._server = _Server(("127.0.0.1", port), handler)
        self.port = self._server.server_address[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Target:
    """/metrics with the samples that `set` was given; while it is gone, it hangs up.

    It has a process of its own, so that it answers in time however much this one has to do.
    """

    def __init__(self, folder):
        self._page = folder / "metrics"
        self._samples = {}
        self._gone = False
        self._publish()
        self._child = subprocess.Popen([sys.executable, pathlib.Path(__file__).with_name("target.py"), self._page],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.address = f"127.0.0.1:{int(self._child.stdout.readline())}"

    def set(self, **series):
        self._samples |= series
        self._publish()

    def remove(self, series):
        self._samples.pop(series)
        self._publish()

    def go(self, gone):
        self._gone = gone
        self._publish()

    def _publish(self):
        if self._gone:
            self._page.unlink()
            return
        new = self._page.with_suffix(".new")
        new.write_text("".join(f"{series} {value}\n" for series, value in self._samples.items()))
        new.rename(self._page)

    def close(self):
        self._child.kill()
        self._child.wait()
        self._child.stdout.close()


class Webhook(Served):
    """What Alertmanager sends: (time, name, n, status) for each alert of each message."""

    def __init__(self):
        self.events = []
        outer = self

        class Handler(Quiet):
            def do_POST(self):
                now = time.time()
                for alert in json.loads(self.body())["alerts"]:
                    labels = alert["labels"]
                    outer.events.append((now, identity(labels), alert["status"]))
                self.answer(200)

        super().__init__(Handler)


def identity(labels):
    return ",".join([labels.get("alertname", "?")] + [f"{k}={labels[k]}" for k in ("n", "team") if k in labels])


class Gate(Served):
    """Stands before the Alertmanager and passes requests on, or does what `fault` says with them.

    fault: None; "500"; "slow" (answers late); "refuse-tls" (hangs up in the handshake); "400" (refuses
    bodies that contain the word poison).
    """

    def __init__(self, alertmanager, late, tls=None):
        self.fault = None
        self.posts = []  # (when, body)
        outer = self

        class Handler(Quiet):
            def setup(self):
                if tls is not None:
                    if outer.fault == "refuse-tls":
                        self.request.close()
                        raise ConnectionAbortedError
                    self.request = tls.wrap_socket(self.request, server_side=True)
                super().setup()

            def do_POST(self):
                body = self.body()
                outer.posts.append((time.time(), body.decode()))
                if outer.fault == "refuse-tls":
                    self.close_connection = True
                    self.connection.close()
                elif outer.fault == "500":
                    self.answer(500, b"out of order\n")
                elif outer.fault == "400" and b"poison" in body:
                    self.answer(400, b"invalid label value\n")
                else:
                    code = outer.forward(self.path, body)
                    if outer.fault == "slow":
                        time.sleep(late)
                    self.answer(code)

        self._alertmanager = alertmanager
        super().__init__(Handler)

    def forward(self, path, body):
        connection = http.client.HTTPConnection(self._alertmanager, timeout=5)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        except OSError:
            return 502
        finally:
            connection.close()


def certificate(folder, name="IP:127.0.0.1"):
    """A self-signed one for that name: (server context, file of the certificate)."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=gate",
                    "-addext", f"subjectAltName={name}", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


def alertmanager(folder, address, webhook, seconds):
    """A real one that tells each alert by itself, at once, and never reminds."""
    home = folder / "alertmanager"
    home.mkdir()
    write_yaml(home / "alertmanager.yml", {
        "route": {"receiver": "webhook", "group_by": ["..."], "group_wait": "0s",
                  "group_interval": f"{int(seconds * 1000)}ms", "repeat_interval": "10h"},
        "receivers": [{"name": "webhook", "webhook_configs": [
            {"url": f"http://{webhook}/", "send_resolved": True}]}]})
    return Process(
        "alertmanager",
        [ALERTMANAGER, f"--config.file={home}/alertmanager.yml", f"--storage.path={home}/data",
         f"--web.listen-address={address}", "--cluster.listen-address=", "--log.level=warn"],
        cwd=home, log=folder / "alertmanager.log", env={"HOME": str(home)},
        ready=lambda: http_ok(f"http://{address}/-/ready"))


class Peer:
    """tocsin or Prometheus over one configuration, which stands in the folder peer/."""

    def __init__(self, name, program, folder, address, config, flags):
        self.name = name
        self.address = address
        self.home = pathlib.Path(folder) / "peer"
        self.home.mkdir(exist_ok=True)
        self.write("main.yml", config)
        command = [program] + (["serve"] if "prometheus" not in program else []) + [
            f"--config.file={self.home}/main.yml", f"--storage.tsdb.path={folder}/data-{name}",
            f"--web.listen-address={address}", "--web.enable-lifecycle", *flags]
        self.process = Process(name, [str(word) for word in command], cwd=self.home, log=pathlib.Path(folder) / f"{name}.log",
                               env={"HOME": str(self.home), "PATH": "/usr/bin:/bin"},
                               ready=lambda: http_ok(f"http://{address}/-/ready"), grace=20)

    def write(self, name, document):
        if isinstance(document, str):
            (self.home / name).write_text(document)
        else:
            write_yaml(self.home / name, document)

    def start(self):
        self.process.start().wait_ready(30)

    def reload(self):
        request = urllib.request.Request(f"http://{self.address}/-/reload", method="POST", data=b"")
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200
