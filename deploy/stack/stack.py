"""The whole stack: starts and stops all servers, breaks and repairs it, tells what has arrived."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import tempfile
import threading
import time

from stack import janitor, servers
from stack.faults import FAULTS
from stack.settings import Settings
from stack.times import REAL

SEED_RULES = ("alert_rules.yml",)
ALL_RULES = ("alert_rules.yml", "alert_rules.recommended.yml")


class Stack:
    """Postgres, Redis, a Celery worker, the app with some traffic, Alertmanager with a receiver, and
    `tocsin serve` where `tocsin` names the program.

    Use it in a with statement. Start takes a few seconds; `progress` is told of each server.
    """

    def __init__(self, tocsin=None, times=REAL, rules=ALL_RULES, flags=(), rate=12,
                 progress=lambda text: None):
        self._program = str(pathlib.Path(tocsin).resolve()) if tocsin else None
        self._times = times
        self._rules = rules
        self._flags = flags
        self._rate = rate
        self._progress = progress
        self._janitor = None
        self._started = []
        self.folder = None
        self.settings = None
        self.leaked = []  # processes that the janitor had to kill at the end
        self.exit_codes = {}
        for name in ("postgres", "redis", "worker", "app", "traffic", "receiver", "alertmanager", "tocsin"):
            setattr(self, name, None)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        with interrupts_deferred():  # what exists is known, so that stop() finds it
            self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-stack-"))
            self._janitor = janitor.start(self.folder)
        self.folder.chmod(0o711)  # Postgres runs as another user below it
        (self.folder / "tmp").mkdir()
        (self.folder / "tmp").chmod(0o1777)
        self.settings = Settings(self.folder, self._times, self._rules)

        self.redis = self._launch(servers.redis_server(self.settings))
        self.receiver = self._launch(servers.receiver(self.settings))
        self.alertmanager = self._launch(servers.alertmanager(self.settings))
        self.postgres = self._launch(servers.postgres(self.settings))
        self._await(self.redis, self.postgres)
        servers.prepare_database(self.settings)
        self.worker = self._launch(servers.worker(self.settings))
        self.app = self._launch(servers.app(self.settings))
        self._await(self.app, self.worker, self.receiver, self.alertmanager)
        self.traffic = self._launch(servers.traffic(self.settings, self._rate))
        if self._program:
            self.tocsin = self._launch(servers.tocsin(self.settings, self._program, self._flags))
            self._await(self.tocsin)

    def _launch(self, process):
        self._progress(f"starting {process.name}")
        with interrupts_deferred():
            process.start()
            self._started.append(process)
        return process

    def _await(self, *processes):
        for process in processes:
            process.wait_ready()

    def launch_prometheus(self, config, name="prometheus"):
        """Debian's Prometheus beside the stack. Returns its address."""
        process, address = servers.prometheus(self.settings, config, name)
        self._await(self._launch(process))
        return address

    def restart_app(self):
        self.app.start()
        self.app.wait_ready()

    def restart_tocsin(self):
        self.tocsin.stop()
        self.tocsin.start()
        self.tocsin.wait_ready()

    def stop(self):
        """Stops everything and removes the folder. Interrupts are held back until that is done."""
        if self.folder is None:
            return
        held = handle_interrupts(signal.SIG_IGN)
        try:
            for process in reversed(self._started):
                if process is not self.postgres:  # last: the others hold connections to it
                    process.ask_to_stop()
            for process in reversed(self._started):
                process.stop()
                self.exit_codes[process.name] = process.wait(0)
            self.leaked = janitor.residents(self.folder)
            janitor.clean(self.folder)
            self._janitor.stdin.close()
            self._janitor.wait()
            self.folder = None
        finally:
            restore_interrupts(held)

    # Faults.

    def break_it(self, fault):
        FAULTS[fault].begin(self)

    def repair(self, fault):
        FAULTS[fault].end(self)

    # What arrived at the receiver.

    def received(self):
        """Every alert of every message to the receiver, oldest first: Alertmanager's fields, and `at`."""
        try:
            text = self.settings.received.read_text()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text.splitlines()]

    def wait_for_alert(self, alert, status, timeout, since=0.0):
        """The first alert of that name and status that arrived after `since`; None at the timeout."""
        deadline = time.monotonic() + timeout
        while True:
            for message in self.received():
                if (message["labels"].get("alertname") == alert and message["status"] == status
                        and message["at"] >= since):
                    return message
            if time.monotonic() > deadline:
                return None
            time.sleep(0.1)

    # tocsin's API.

    def api(self, path, timeout=10):
        return servers.get_json(self.settings.tocsin_address, path, timeout)

    def keep_logs(self, target):
        """Copies all logs to `target`, for the one who has to find out why a test failed."""
        target = pathlib.Path(target)
        target.mkdir(parents=True, exist_ok=True)
        for log in self.folder.glob("*.log"):
            shutil.copy(log, target)


def handle_interrupts(handler):
    """Sets it for all of them; returns what was set before."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, handler)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}


def restore_interrupts(held):
    for number, handler in held.items():
        signal.signal(number, handler)


@contextlib.contextmanager
def interrupts_deferred():
    """An interrupt that comes inside the block is handled at its end."""
    came = []
    held = handle_interrupts(lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        restore_interrupts(held)
    if came and callable(held[came[0][0]]):
        held[came[0][0]](*came[0])


def default_program():
    """The release program of this tree, or what TOCSIN_BINARY names."""
    tree = pathlib.Path(__file__).resolve().parents[2]
    return os.environ.get("TOCSIN_BINARY") or str(tree / "build/release/tocsin")
