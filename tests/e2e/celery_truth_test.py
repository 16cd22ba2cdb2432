"""Celery's queues as tocsin tells them, against what is really in the broker: real producers and workers, random
priorities, delayed tasks, retries, revocations, killed workers."""
import collections
import importlib
import os
import random
import signal
import subprocess
import sys
import unittest

import redis

from stack.settings import PYTHON
from support import SOURCE, TocsinCase, eventually

import celery_app

HERE = SOURCE / "tests/e2e"
SEED = int(os.environ.get("TEST_SEED", "20261125"))
SEPARATOR = b"\x06\x16"


class CeleryCase(TocsinCase):
    prefix = ""

    def setUp(self):
        super().setUp()
        self.redis_port = self.ports.free()
        self.broker_url = f"redis://127.0.0.1:{self.redis_port}/3"
        self.run_redis()
        self.client = redis.Redis(port=self.redis_port, db=3)
        self.assertTrue(eventually(self.alive), "redis did not start")
        os.environ |= {"TEST_BROKER": self.broker_url, "TEST_PREFIX": self.prefix}
        importlib.reload(celery_app)  # a Celery application keeps its connections
        self.addCleanup(celery_app.app.pool.force_close_all)

    def run_redis(self, *more):
        process = subprocess.Popen(
            ["/usr/bin/redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", "",
             "--dir", str(self.folder), *more], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.addCleanup(self.finish, process)
        return process

    def alive(self):
        try:
            return self.client.ping()
        except redis.RedisError:
            return False

    @staticmethod
    def finish(process, how=signal.SIGTERM):
        if process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def worker(self, name, queues):
        log = open(self.folder / f"{name}.log", "ab")  # pylint: disable=consider-using-with
        process = subprocess.Popen(
            [PYTHON, "-m", "celery", "-A", "celery_app", "worker", "-n", f"{name}@host-{name}", "-Q", ",".join(queues),
             "--concurrency=1", "--pool=solo", "--loglevel=INFO", "-E"],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "PYTHONPATH": str(HERE),
                 "PYTHONDONTWRITEBYTECODE": "1", "TEST_BROKER": self.broker_url, "TEST_PREFIX": self.prefix,
                 "C_FORCE_ROOT": "1"})
        log.close()
        self.addCleanup(self.finish, process, signal.SIGKILL)
        ready = eventually(lambda: b" ready." in (self.folder / f"{name}.log").read_bytes(), timeout=60)
        self.assertTrue(ready, (self.folder / f"{name}.log").read_text())
        return process

    def start_tocsin(self, **more):
        self.serve({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                    "collectors": {"celery": {"broker_url": self.broker_url, "queues": list(celery_app.QUEUES),
                                              "global_keyprefix": self.prefix, **more}}})

    def told(self, family, **labels):
        """{queue: value} of a family, or the sum of the samples with these labels."""
        selector = ",".join(f'{key}="{value}"' for key, value in labels.items())
        samples = self.server.query(f"{family}{{{selector}}}")
        if labels:
            return sum(float(sample["value"][1]) for sample in samples)
        return {sample["metric"].get("queue_name", ""): float(sample["value"][1]) for sample in samples}

    def truth(self):
        """Waiting messages by queue, by a walk through all keys of the broker."""
        waiting = collections.Counter()
        prefix = self.prefix.encode()
        for key in self.client.keys(prefix + b"*"):
            if self.client.type(key) == b"list":
                waiting[key[len(prefix):].split(SEPARATOR)[0].decode()] += self.client.llen(key)
        return {queue: float(waiting[queue]) for queue in (*celery_app.QUEUES, "celery")}

    def unacked(self):
        return float(self.client.hlen(self.prefix + "unacked"))

    def expect_truth(self, where):
        """Queues stand still while nobody works, so that what is told must become what is there."""
        def same():
            before, held = self.truth(), self.unacked()
            told, told_held = self.told("celery_queue_length"), self.told("celery_unacked_messages")
            told = {queue: told.get(queue, 0.0) for queue in before}
            return (told == before and told_held.get("") == held) or None

        if not eventually(same, timeout=30):
            self.fail(f"{where}: told {self.told('celery_queue_length')} and {self.told('celery_unacked_messages')}, "
                      f"true {self.truth()} and {self.unacked()} (seed {SEED})")


class QueueDepthTest(CeleryCase):
    def send(self, rng):
        task, arguments = rng.choice([(celery_app.quick, ()), (celery_app.slow, (0.01,)), (celery_app.broken, ()),
                                      (celery_app.flaky, ())])
        options = {"queue": rng.choice([*celery_app.QUEUES, "celery"]), "priority": rng.randrange(10)}
        if rng.random() < 0.1:
            options["countdown"] = 3600
        result = task.apply_async(arguments, **options)
        self.sent[options["queue"]] += 1
        if "countdown" in options:
            self.delayed += 1
        return result

    def test_depth_is_true_whoever_works(self):
        rng = random.Random(SEED)
        self.sent, self.delayed = collections.Counter(), 0
        for _ in range(30):
            self.send(rng)
        self.start_tocsin()
        self.expect_truth("without any worker, right after the start")
        self.assertEqual(sum(self.truth().values()), 30)
        self.assertEqual(self.told("celery_tasks_total", state="PENDING"), 30)
        for round_number in range(2):
            self.one_round(rng, f"w{round_number}")
        self.assertNotIn("must not be", self.server.fetch("/metrics")[2])

    def one_round(self, rng, name):
        for _ in range(20):
            result = self.send(rng)
            if rng.random() < 0.1:
                result.revoke()
        self.expect_truth(f"{name}: before its start")
        queues = rng.sample([*celery_app.QUEUES, "celery"], 3)
        worker = self.worker(name, queues)
        up = eventually(lambda: self.told("celery_worker_up", hostname=f"host-{name}") == 1, timeout=30)
        self.assertTrue(up, "the worker's heartbeat is not seen")
        # Killed at a random moment: what it held stays unacknowledged.
        for _ in range(rng.randrange(10)):
            self.send(rng)
        eventually(lambda: sum(self.truth()[queue] for queue in queues) == 0, timeout=rng.choice([1, 30]))
        self.finish(worker, signal.SIGKILL)
        self.expect_truth(f"{name}: after it was killed")
        # Whoever is gone without a word is down, and shown as that.
        self.told("celery_worker_up", hostname=f"host-{name}")


class PrefixTest(CeleryCase):
    prefix = "prod:"

    def test_a_global_prefix_is_kept_apart(self):
        for priority in (0, 3, 9):
            celery_app.quick.apply_async(queue="video", priority=priority)
        self.client.lpush("video", "not of this application")
        self.start_tocsin()
        self.expect_truth("with a prefix")
        self.assertEqual(self.told("celery_queue_length")["video"], 3)
        # Events go through channels with the same prefix.
        celery_app.quick.apply_async(queue="video")
        self.assertTrue(eventually(lambda: self.told("celery_task_sent_total", name="app.quick") == 1))


class EventsTest(CeleryCase):
    def test_counters_are_those_of_the_tasks_and_survive_a_restart(self):
        self.start_tocsin(worker_timeout="5s")
        self.assertTrue(eventually(lambda: self.server.value("celery_event_stream_connected") == 1))
        worker = self.worker("w1", ["video"])
        for _ in range(5):
            celery_app.quick.apply_async(queue="video")
        celery_app.broken.apply_async(queue="video")
        celery_app.flaky.apply_async(queue="video")

        def counts(name, **labels):
            return self.told(f"celery_task_{name}_total", queue_name="video", **labels)

        done = eventually(lambda: counts("succeeded") == 6 and counts("failed", exception="ValueError") == 1, 40)
        self.assertTrue(done, self.server.fetch("/metrics?collect[]=celery")[2])
        self.assertEqual(counts("sent"), 8)  # a retry is sent anew
        self.assertEqual(counts("retried"), 1)
        self.assertEqual(counts("received"), 8)
        self.assertEqual(self.server.value('sum(celery_task_runtime_count)'), 6)
        self.assertEqual(self.server.value('sum(celery_task_queue_wait_time_count{name="app.quick"})'), 5)
        self.assertEqual(self.told("celery_tasks_total", state="SUCCESS"), 6)
        self.assertEqual(self.told("celery_tasks", state="FAILURE"), 1)
        self.end()
        self.start_tocsin(worker_timeout="5s")
        self.assertTrue(eventually(lambda: counts("succeeded") == 6), "counters began anew")
        # What happens while nobody listens is not heard.
        self.assertTrue(eventually(lambda: self.server.value("celery_event_stream_connected") == 1))
        celery_app.quick.apply_async(queue="video")
        self.assertTrue(eventually(lambda: counts("succeeded") == 7, 30), self.server.fetch("/metrics?collect[]=celery")[2])
        self.finish(worker, signal.SIGKILL)
        down = eventually(lambda: self.server.value("celery_worker_up") == 0, timeout=30)
        self.assertTrue(down, "a killed worker is not told as down")

    def test_the_oldest_task_and_the_stream_are_told(self):
        self.start_tocsin()
        self.assertTrue(eventually(lambda: self.server.value("celery_event_stream_connected") == 1))
        celery_app.quick.apply_async(queue="reports", priority=5)
        celery_app.quick.apply_async(queue="reports", priority=0)
        grows = eventually(lambda: (self.told("celery_queue_oldest_age_seconds", queue_name="reports") or 0) > 1)
        self.assertTrue(grows)
        self.assertEqual(self.told("celery_queue_oldest_age_seconds")["video"], 0)
        self.assertEqual(self.told("celery_queue_priority_length", queue_name="reports", priority="5"), 1)
        # The broker cuts the subscriber off: a gap is counted, and the stream comes back.
        redis.Redis(port=self.redis_port).execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        back = eventually(lambda: self.server.value("celery_event_gaps_total") == 1
                          and self.server.value("celery_event_stream_connected") == 1)
        self.assertTrue(back)

    def test_a_broker_that_may_evict_is_told(self):
        self.client.config_set("maxmemory", "64mb")
        self.client.config_set("maxmemory-policy", "allkeys-lru")
        self.start_tocsin()
        self.assertTrue(eventually(lambda: self.server.value("celery_broker_may_evict") == 1))
        self.client.config_set("maxmemory-policy", "noeviction")
        self.assertTrue(eventually(lambda: self.server.value("celery_broker_may_evict") == 0))

    def test_all_virtual_hosts_are_found(self):
        celery_app.quick.apply_async(queue="video")
        other = celery_app.celery.Celery("other", broker=f"redis://127.0.0.1:{self.redis_port}/5")
        other.send_task("x", queue="invoices")
        self.addCleanup(other.pool.force_close_all)
        redis.Redis(port=self.redis_port, db=7).set("cache", "no broker")
        self.start_tocsin(virtual_hosts="all")
        found = eventually(lambda: {(sample["metric"]["vhost"], sample["metric"]["queue_name"])
                                    for sample in self.server.query("celery_queue_length > 0")}
                           == {("3", "video"), ("5", "invoices")})
        self.assertTrue(found, self.server.query("celery_queue_length"))
        self.assertEqual(self.server.query('celery_queue_length{vhost="7"}'), [])


if __name__ == "__main__":
    sys.exit(unittest.main())
