"""A Celery application for tests; where its broker is comes from the environment."""
import os
import time

import celery
import kombu
import redis

BROKER = os.environ.get("TEST_BROKER", "redis://127.0.0.1:1/0")
PREFIX = os.environ.get("TEST_PREFIX", "")
QUEUES = ("video", "emails", "reports")

app = celery.Celery("celery_app", broker=BROKER)
app.conf.update(
    task_default_queue="celery",
    task_queues=[kombu.Queue(name) for name in (*QUEUES, "celery")],
    task_ignore_result=True,
    task_acks_late=True,
    task_send_sent_event=True,
    worker_send_task_events=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"priority_steps": list(range(10)), "queue_order_strategy": "priority",
                              "global_keyprefix": PREFIX},
)


def count(what):
    redis.Redis.from_url(BROKER).incr("test-count:" + what)


@app.task(name="app.quick")
def quick():
    count("quick")


@app.task(name="app.slow")
def slow(seconds):
    time.sleep(seconds)
    count("slow")


@app.task(name="app.broken")
def broken():
    count("broken")
    raise ValueError("this text must not be in any label")


@app.task(name="app.flaky", bind=True, max_retries=1)
def flaky(self):
    if self.request.retries == 0:
        raise self.retry(countdown=0)
    count("flaky")
