"""Which migrations Postgres takes while two versions of the app run: deploy/postgres/expand-only.sql on a real server."""
import contextlib
import os
import pathlib
import subprocess
import tempfile
import unittest

import psycopg2

import databases
from app import database
from stack.settings import DEPLOY, Ports

# The version before goes on with each of these.
EXPAND = [
    "ALTER TABLE videos ADD COLUMN note text",
    "ALTER TABLE videos ADD COLUMN views bigint NOT NULL DEFAULT 0",
    "ALTER TABLE videos ADD COLUMN label text, ADD COLUMN score real DEFAULT 1.5",
    "CREATE TABLE tags (video bigint NOT NULL REFERENCES videos, tag text NOT NULL, UNIQUE (video, tag))",
    "CREATE INDEX videos_by_name ON videos (name)",
    "CREATE INDEX CONCURRENTLY videos_by_size ON videos (size_bytes)",
    "DROP INDEX videos_by_status",
    "ALTER TABLE videos ALTER COLUMN sha256 DROP NOT NULL",
    "ALTER TABLE videos DROP CONSTRAINT videos_status_check",
    "ALTER TABLE videos ALTER COLUMN name SET DEFAULT 'unnamed'",
    "CREATE VIEW done AS SELECT id, name FROM videos WHERE status = 'done'",
    "CREATE TYPE mood AS ENUM ('good'); ALTER TYPE mood ADD VALUE 'bad'",
    "CREATE FUNCTION half(x int) RETURNS int LANGUAGE sql AS 'SELECT x / 2'",
    "DROP TABLE IF EXISTS no_such_table",
    "CREATE TEMP TABLE scratch (x int); ALTER TABLE scratch ADD COLUMN y int NOT NULL; DROP TABLE scratch",
]
# The version before would stumble over these; with what is said of each.
CONTRACT = [
    ("DROP TABLE videos CASCADE", "table public.videos is gone or has another name"),
    ("ALTER TABLE videos RENAME TO clips", "table public.videos is gone or has another name"),
    ("ALTER TABLE videos DROP COLUMN sha256", "column public.videos.sha256 is gone or has another name"),
    ("ALTER TABLE videos RENAME COLUMN name TO title", "column public.videos.name is gone or has another name"),
    ("ALTER TABLE videos ALTER COLUMN size_bytes TYPE text", "has another type: text instead of bigint"),
    ("ALTER TABLE videos DROP COLUMN sha256, ADD COLUMN sha256 text", "column public.videos.sha256 was made anew"),
    ("ALTER TABLE videos ALTER COLUMN finished_at SET NOT NULL", "column public.videos.finished_at must be given now"),
    ("ALTER TABLE videos ADD COLUMN owner text NOT NULL", "column public.videos.owner must be given"),
    ("ALTER TABLE videos ALTER COLUMN status DROP DEFAULT", "column public.videos.status must be given now"),
    ("ALTER TABLE videos ADD CHECK (size_bytes < 100)", "constraint videos_size_bytes_check of public.videos refuses"),
    ("CREATE UNIQUE INDEX one_name ON videos (name)", "unique index public.one_name of public.videos refuses"),
    ("ALTER TABLE videos SET SCHEMA other", "table public.videos is gone"),
    ("DROP VIEW names", "table public.names is gone"),
    ("DROP FUNCTION twice(int)", "function public.twice(x integer) is gone"),
    ("ALTER TYPE state RENAME VALUE 'new' TO 'fresh'", "value 'new' of public.state is gone"),
]
BEFORE = """CREATE VIEW names AS SELECT name FROM videos; CREATE TYPE state AS ENUM ('new');
CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql AS 'SELECT 2 * x'; CREATE SCHEMA other"""


class Migrations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="tocsin-migrations-")
        cls.addClassCleanup(holder.cleanup)
        cls.server = databases.Postgres(pathlib.Path(holder.name) / "postgres", Ports().free()).create().start()
        cls.addClassCleanup(cls.server.stop)
        cls.server.sql("CREATE ROLE app LOGIN")

    def setUp(self):
        """A database with the app's schema, as the version that runs has made it, and some rows."""
        self.server.sql("DROP DATABASE IF EXISTS ai_validation WITH (FORCE)")
        self.server.sql("CREATE DATABASE ai_validation OWNER app")
        for _ in range(2):  # it may run again
            subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", DEPLOY / "postgres/expand-only.sql",
                            self.server.url("ai_validation")], check=True, env=os.environ | {"PGOPTIONS": "--client-min-messages=warning"})
        database.migrate(self.url)
        self.migrate(BEFORE)
        self.app = database.Database(self.url, size=1)
        self.addCleanup(self.app.close)
        self.old_version_works()

    @property
    def url(self):
        return self.server.url("ai_validation", "app")

    def migrate(self, statements, user="app"):
        with contextlib.closing(self.server.connect("ai_validation", user)) as connection, connection.cursor() as cursor:
            for statement in statements.split("; "):
                cursor.execute(statement)

    def old_version_works(self):
        video = self.app.add_video("demo", "a.mp4", 5, "00")
        self.app.set_status(video, "done")
        self.assertEqual(self.app.list_videos("demo")[0]["id"], video)
        self.assertGreater(self.app.statistics()["by_status"]["done"], 0)

    def test_the_version_before_goes_on_after_each_that_is_taken(self):
        for statement in EXPAND:
            with self.subTest(statement):
                self.migrate(statement)
                self.old_version_works()

    def test_each_that_it_would_stumble_over_is_refused_and_changes_nothing(self):
        schema = self.server.sql("SELECT expand_only.schema()", "ai_validation")
        for statement, reason in CONTRACT:
            with self.subTest(statement):
                self.server.sql("DELETE FROM videos", "ai_validation")  # what is in it could be a reason too
                with self.assertRaises(psycopg2.errors.RaiseException) as refused:
                    self.migrate(statement)
                self.assertIn(reason, str(refused.exception))
                self.assertIn("deploy.sh --contract", str(refused.exception))
                self.assertEqual(self.server.sql("SELECT expand_only.schema()", "ai_validation"), schema)
                self.old_version_works()

    def test_a_migration_of_several_statements_is_refused_whole(self):
        with self.assertRaises(psycopg2.errors.RaiseException), psycopg2.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute("ALTER TABLE videos ADD COLUMN note text; ALTER TABLE videos DROP COLUMN size_bytes")
        self.assertEqual(self.server.sql("SELECT count(*) FROM pg_attribute WHERE attname = 'note'", "ai_validation"), [(0,)])

    def test_the_contracting_part_is_taken_when_it_is_asked_for_and_from_superusers(self):
        asked = subprocess.run(["psql", "-X", "-q", "-c", "ALTER TABLE videos DROP COLUMN sha256", self.url], check=False,
                               capture_output=True, text=True, env=os.environ | {"PGOPTIONS": "-c expand_only.contract=on"})
        self.assertEqual(asked.returncode, 0, asked.stderr)
        self.migrate("ALTER TABLE videos DROP COLUMN size_bytes", user="postgres")

    def test_nobody_but_a_superuser_can_take_it_away(self):
        for statement in ("DROP EVENT TRIGGER expand_only_refuse", "ALTER EVENT TRIGGER expand_only_refuse DISABLE",
                          "DROP FUNCTION expand_only.refuse()", "DROP SCHEMA expand_only CASCADE"):
            with self.assertRaises(psycopg2.Error):
                self.migrate(statement)
