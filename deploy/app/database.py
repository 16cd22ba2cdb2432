"""The app's tables in Postgres, through a bounded pool of connections."""
import collections
import contextlib
import pathlib
import threading

import psycopg2

from app import settings


class Unavailable(Exception):
    """The database, or a connection to it, cannot be had in time."""


class Database:
    """Thread-safe. A request waits a bounded time for a connection, then gets Unavailable.

    Connections are opened when they are needed and kept: logging in costs more than most requests do.
    """

    def __init__(self, url=settings.DATABASE_URL, size=settings.POOL_SIZE):
        self._url = url
        self._free = threading.BoundedSemaphore(size)
        self._idle = collections.deque()  # the one used last is used next; its ends are atomic

    def _connection(self):
        try:
            return self._idle.pop()
        except IndexError:
            connection = psycopg2.connect(self._url, connect_timeout=2, application_name="ai-validation")
            connection.autocommit = True
            return connection

    def _give_back(self, connection):
        if not connection.closed:
            self._idle.append(connection)
            return
        self.close()  # the server has gone, and with it all the others

    def close(self):
        """Closes what nobody uses at the moment."""
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    @contextlib.contextmanager
    def session(self):
        """A cursor. Each statement is a transaction of its own, because none needs another: that saves two
        round trips."""
        if not self._free.acquire(timeout=settings.BACKEND_TIMEOUT_SECONDS):
            raise Unavailable("no database connection became free")
        connection = None
        try:
            connection = self._connection()
            with connection.cursor() as cursor:
                yield cursor
        except psycopg2.Error as problem:
            raise Unavailable(str(problem).strip()) from problem
        finally:
            if connection is not None:
                self._give_back(connection)
            self._free.release()

    def add_video(self, project, name, size, sha256):
        with self.session() as cursor:
            cursor.execute("INSERT INTO videos (project, name, size_bytes, sha256)"
                           " VALUES (%s, %s, %s, %s) RETURNING id", (project, name, size, sha256))
            return cursor.fetchone()[0]

    def delete_video(self, video):
        """Whether there was one."""
        with self.session() as cursor:
            cursor.execute("DELETE FROM videos WHERE id = %s", (video,))
            return cursor.rowcount == 1

    def list_videos(self, project, limit=50):
        with self.session() as cursor:
            cursor.execute("SELECT id, name, size_bytes, status, uploaded_at FROM videos"
                           " WHERE project = %s ORDER BY uploaded_at DESC LIMIT %s", (project, limit))
            return [{"id": id, "name": name, "size_bytes": size, "status": status,
                     "uploaded_at": at.isoformat()}
                    for id, name, size, status, at in cursor.fetchall()]

    def set_status(self, video, status):
        with self.session() as cursor:
            cursor.execute("UPDATE videos SET status = %s, finished_at ="
                           " CASE WHEN %s IN ('done', 'failed') THEN now() END WHERE id = %s",
                           (status, status, video))

    def statistics(self):
        with self.session() as cursor:
            cursor.execute("SELECT status, count(*) FROM videos GROUP BY status")
            by_status = dict(cursor.fetchall())
            cursor.execute("SELECT coalesce(avg(extract(epoch FROM finished_at - uploaded_at)), 0)"
                           " FROM (SELECT finished_at, uploaded_at FROM videos WHERE status = 'done'"
                           " ORDER BY id DESC LIMIT 100) AS latest")
            seconds = float(cursor.fetchone()[0])
        return {"videos": sum(by_status.values()), "by_status": by_status,
                "average_processing_seconds": round(seconds, 3)}

    def ping(self):
        with self.session() as cursor:
            cursor.execute("SELECT 1")


def migrate(url=settings.DATABASE_URL):
    """Creates what is missing. Safe to run again."""
    schema = pathlib.Path(__file__).with_name("schema.sql").read_text()
    connection = psycopg2.connect(url, connect_timeout=5)
    try:
        with connection, connection.cursor() as cursor:
            # One migration at a time, also when the one before was left alone by what started it.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('app.migrate'))")
            cursor.execute(schema)
    finally:
        connection.close()


if __name__ == "__main__":
    migrate()
