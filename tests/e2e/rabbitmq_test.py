"""Celery on a real RabbitMQ, read by its management API. Skipped where rabbitmq-server is not installed."""
import os
import signal
import subprocess
import sys
import unittest

import celery

from support import TocsinCase, eventually, listening

BIN = "/usr/lib/rabbitmq/bin/rabbitmq-server"


@unittest.skipUnless(os.path.exists(BIN), "rabbitmq-server is not installed")
class RabbitMqTest(TocsinCase):
    def setUp(self):
        super().setUp()
        self.port, self.management, self.epmd, self.dist = (self.ports.free() for _ in range(4))
        self.write("plugins", "[rabbitmq_management].\n")
        self.write("rabbitmq.conf", f"listeners.tcp.1 = 127.0.0.1:{self.port}\nmanagement.tcp.ip = 127.0.0.1\n"
                                    f"management.tcp.port = {self.management}\n"
                                    "collect_statistics_interval = 1000\n")
        folder = str(self.folder)
        self.environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": folder, "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(self.epmd), "RABBITMQ_DIST_PORT": str(self.dist),
            "RABBITMQ_NODENAME": f"t{self.port}@localhost", "RABBITMQ_CONFIG_FILE": folder + "/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": folder + "/plugins", "RABBITMQ_MNESIA_BASE": folder + "/mnesia",
            "RABBITMQ_LOG_BASE": folder + "/log", "RABBITMQ_PID_FILE": folder + "/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1"}
        with open(self.folder / "out", "wb") as out:
            self.rabbit = subprocess.Popen([BIN], env=self.environment, cwd=folder, stdin=subprocess.DEVNULL,
                                           stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        self.addCleanup(self.stop_rabbit)
        ready = eventually(lambda: listening(self.management) and listening(self.port), timeout=180, pause=0.3)
        self.assertTrue(ready, (self.folder / "out").read_text())

    def stop_rabbit(self):
        os.killpg(self.rabbit.pid, signal.SIGTERM)
        try:
            self.rabbit.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.rabbit.pid, signal.SIGKILL)
            self.rabbit.wait()
        # The name server of Erlang is a daemon of its own.
        eventually(lambda: subprocess.run(["epmd", "-port", str(self.epmd), "-kill"], env=self.environment, check=False,
                                          capture_output=True).returncode == 0 and not listening(self.epmd), 30, 0.3)

    def test_queues_are_told_without_any_worker(self):
        app = celery.Celery("x", broker=f"amqp://guest:guest@127.0.0.1:{self.port}//")
        for _ in range(3):
            app.send_task("t", queue="video")
        app.send_task("t")
        self.addCleanup(app.pool.force_close_all)
        self.serve({"global": {"scrape_interval": "500ms"}, "collectors": {"celery": {
            "broker_url": f"amqp://guest:guest@127.0.0.1:{self.port}//",
            "management_url": f"http://127.0.0.1:{self.management}"}}})

        def told(name):
            return {sample["metric"].get("queue_name", ""): float(sample["value"][1])
                    for sample in self.server.query(name)}

        self.assertTrue(eventually(lambda: told("celery_queue_length") == {"video": 3, "celery": 1}, 40), self.log)
        self.assertEqual(told("celery_tasks_total{state='PENDING'}"), {"": 4})
        with app.connection_for_read() as connection:
            message = connection.SimpleQueue("video").get(timeout=10)
            held = eventually(lambda: told("celery_queue_unacked_messages").get("video", 0) >= 1, 40)
            self.assertTrue(held)
            self.assertGreaterEqual(told("celery_active_consumer_count")["video"], 1)
            message.ack()
        self.assertNotIn("guest:guest", self.server.fetch("/metrics")[2] + self.log)


if __name__ == "__main__":
    sys.exit(unittest.main())
