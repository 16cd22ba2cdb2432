"""Throw-away Postgres and Redis servers for tests of the collectors, and servers that misbehave."""
import contextlib
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import psycopg2
import redis

POSTGRES_BIN = os.environ.get("TOCSIN_POSTGRES_BIN", "/usr/lib/postgresql/15/bin")


def eventually(condition, timeout=30.0, pause=0.05):
    """The first true value of `condition()`, whose refusals count as not yet; None at the timeout."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, psycopg2.Error, redis.RedisError):
            if value := condition():
                return value
        time.sleep(pause)
    return None


class Server:
    """A process with a folder and a port of its own."""

    def __init__(self, folder, port):
        self.folder, self.port = pathlib.Path(folder), port
        self.process = None

    def spawn(self, *command, **more):
        with open(self.folder.with_suffix(".log"), "ab") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True, cwd="/", **more)

    def group(self, number):
        os.killpg(self.process.pid, number)

    def freeze(self):
        """Stops the server and all its children, which a new process group of Postgres' sessions hides from killpg."""
        for pid in self.family():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.family():
            os.kill(pid, signal.SIGCONT)

    def family(self):
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True,
                                  text=True, check=False).stdout.split()
        return [self.process.pid, *map(int, children)]

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.thaw()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Postgres(Server):
    """`trust` for everybody: only from this machine, only for the time of a test."""

    @staticmethod
    def identity():
        environment = {"PATH": f"{POSTGRES_BIN}:/usr/bin:/bin", "LANG": "C.UTF-8",
                       "LD_LIBRARY_PATH": os.path.join(os.path.dirname(POSTGRES_BIN), "lib")}
        user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        return {"env": environment} | user

    def own(self):
        if os.geteuid() == 0:
            entry = pwd.getpwnam("postgres")
            for parent in (self.folder, *self.folder.parents):
                if parent != pathlib.Path("/"):
                    parent.chmod(parent.stat().st_mode | 0o055) if parent != self.folder else None
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)

    def create(self):
        self.folder.mkdir(mode=0o700)
        self.own()
        subprocess.run([f"{POSTGRES_BIN}/initdb", "-D", self.folder, "-U", "postgres", "-A", "trust", "--no-sync",
                        "--locale=C", "-E", "UTF8"], check=True, capture_output=True, cwd="/",
                       **self.identity())
        return self

    def copy_of(self, primary):
        """Makes this one a standby of another server."""
        self.folder.mkdir(mode=0o700)
        self.own()
        subprocess.run([f"{POSTGRES_BIN}/pg_basebackup", "-D", self.folder, "-h", "127.0.0.1", "-p", str(primary.port),
                        "-U", "postgres", "-R", "-S", "standby1", "-C", "-X", "stream", "-c", "fast"],
                       check=True, capture_output=True, cwd="/", **self.identity())
        return self

    def start(self, **options):
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off",
                   "dynamic_shared_memory_type": "mmap", "max_connections": 40, "shared_buffers": "16MB"} | options
        self.spawn(f"{POSTGRES_BIN}/postgres", "-D", self.folder, *[f"--{k}={v}" for k, v in options.items()],
                   **self.identity())
        if not eventually(lambda: self.sql("SELECT 1")):
            raise RuntimeError(f"Postgres did not start:\n{self.folder.with_suffix('.log').read_text()}")
        return self

    def connect(self, database="postgres", user="postgres", **more):
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, dbname=database, user=user,
                                      connect_timeout=3, **more)
        connection.autocommit = True
        return connection

    def sql(self, statement, database="postgres", user="postgres"):
        with contextlib.closing(self.connect(database, user)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else True

    def url(self, database="postgres", user="postgres", password=""):
        return f"postgresql://{user}{':' + password if password else ''}@127.0.0.1:{self.port}/{database}"


class Redis(Server):
    def start(self, **options):
        self.folder.mkdir(exist_ok=True)
        words = []
        for name, value in ({"port": self.port, "bind": "127.0.0.1", "save": "", "dir": self.folder} | options).items():
            words += [f"--{name.replace('_', '-')}", *(value.split(" ") if isinstance(value, str) and value else [value])]
        self.spawn("/usr/bin/redis-server", *words)
        if not eventually(lambda: self.process.poll() is None and listening(self.port)):
            raise RuntimeError(f"Redis did not start:\n{self.folder.with_suffix('.log').read_text()}")
        return self

    def client(self, database=0, **more):
        return redis.Redis(port=self.port, db=database, socket_timeout=10, **more)


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class FakeServer:
    """Accepts connections and gives each to `behave(connection)`, on a thread of its own."""

    def __init__(self, behave):
        self._behave = behave
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError, struct.error, IndexError):
            connection.settimeout(30)
            self._behave(connection)

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


# How a server can misbehave, whatever it speaks.
def silence(connection):
    while connection.recv(4096):
        pass


def garbage(connection):
    source = random.Random(11)
    while True:
        connection.sendall(source.randbytes(4096))


def hang_up(connection):
    connection.recv(100)


def one_byte_at_a_time(text):
    def behave(connection):
        connection.recv(4096)
        for byte in text:
            connection.sendall(bytes([byte]))
            time.sleep(0.2)
    return behave


def answer(text):
    def behave(connection):
        connection.recv(4096)
        connection.sendall(text)
    return behave


# A Postgres that lets everybody in, and then answers every statement by `answer(connection)`.
def message(kind, body=b""):
    return kind + struct.pack("!I", len(body) + 4) + body


READY = message(b"Z", b"I")


def postgres(answer):
    def behave(connection):
        while True:
            size = struct.unpack("!I", receive(connection, 4))[0]
            code = struct.unpack("!I", receive(connection, size - 4)[:4])[0]
            if code in (80877103, 80877104):  # SSL, GSS: no
                connection.sendall(b"N")
                continue
            break
        hello = [message(b"R", struct.pack("!I", 0))]
        for name, value in ((b"server_version", b"15.0"), (b"client_encoding", b"UTF8"),
                            (b"standard_conforming_strings", b"on"), (b"integer_datetimes", b"on")):
            hello.append(message(b"S", name + b"\0" + value + b"\0"))
        hello.append(message(b"K", struct.pack("!II", 7, 7)))
        connection.sendall(b"".join(hello) + READY)
        while True:
            kind = receive(connection, 1)
            body = receive(connection, struct.unpack("!I", receive(connection, 4))[0] - 4)
            if kind == b"X":
                return
            answer(connection, body.rstrip(b"\0").decode(errors="replace"))
    return behave


def receive(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise OSError("closed")
        data += piece
    return data


def done(connection):
    connection.sendall(message(b"C", b"SET\0") + READY)


def row_description(columns):
    body = struct.pack("!H", columns)
    for number in range(columns):
        body += f"c{number}".encode() + b"\0" + struct.pack("!IHIhih", 0, 0, 25, -1, -1, 0)
    return message(b"T", body)


def row(*cells):
    body = struct.pack("!H", len(cells))
    for cell in cells:
        body += struct.pack("!I", len(cell)) + cell
    return message(b"D", body)


def endless_rows(connection, statement):
    if statement.startswith("SET"):
        return done(connection)
    connection.sendall(row_description(3))
    piece = row(b"x" * 1000, b"y" * 1000, b"1") * 100
    while True:
        connection.sendall(piece)


def huge_row(connection, statement):
    if statement.startswith("SET"):
        return done(connection)
    connection.sendall(row_description(1) + b"D" + struct.pack("!I", 900_000_000))
    while True:
        connection.sendall(b"z" * 65536)


def broken_messages(connection, statement):
    if statement.startswith("SET"):
        return done(connection)
    connection.sendall(message(b"D", b"\xff\xff") + message(b"?", b"what") + message(b"T", b"\x7f\xff"))
    silence(connection)


def hanging_statement(connection, statement):
    if statement.startswith("SET"):
        return done(connection)
    silence(connection)


def copy(source, target):
    shutil.copytree(source, target)
