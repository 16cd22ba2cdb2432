"""The Redis collector with live servers: TLS, ACL, unix socket, no CONFIG, replica, sentinel, cluster, keys."""
import subprocess
import time

import databases
from support import TocsinCase, eventually

PASSWORD = "S3cr:et@/%"


class RedisCollector(TocsinCase):
    def redis(self, name="redis", **options):
        server = databases.Redis(self.folder / name, self.ports.free()).start(**options)
        self.addCleanup(server.stop)
        return server

    def watch(self, *entries):
        return self.serve({"global": {"scrape_interval": "1s"}, "collectors": {"redis": list(entries)}})

    def value(self, expression, expected=None, timeout=60):
        result = eventually(lambda: [value for value in [self.server.value(expression)]
                                     if value is not None and expected in (None, value)], timeout=timeout)
        self.assertTrue(result, f"{expression} is {self.server.value(expression)}, expected {expected}\n{self.log}")
        return result[0]

    def certificate(self):
        """A certificate for localhost, signed by itself."""
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.folder / "key.pem",
                        "-out", self.folder / "cert.pem"], check=True, capture_output=True)
        return {"tls_cert_file": self.folder / "cert.pem", "tls_key_file": self.folder / "key.pem",
                "tls_ca_cert_file": self.folder / "cert.pem", "tls_auth_clients": "no"}

    def test_tls_checks_who_answers(self):
        port = self.ports.free()
        self.redis(tls_port=port, **self.certificate())
        self.watch({"url": f"rediss://localhost:{port}", "instance": "good", "tls_config": {"ca_file": "cert.pem"}},
                   {"url": f"rediss://localhost:{port}", "instance": "unknown"},
                   {"url": f"rediss://127.0.0.1:{port}", "instance": "name", "tls_config": {"ca_file": "cert.pem"}},
                   {"url": f"rediss://127.0.0.1:{port}", "instance": "told", "tls_config":
                    {"ca_file": "cert.pem", "server_name": "localhost"}},
                   {"url": f"rediss://127.0.0.1:{port}", "instance": "blind", "tls_config":
                    {"insecure_skip_verify": True}})
        for instance, up in (("good", 1), ("unknown", 0), ("name", 0), ("told", 1), ("blind", 1)):
            self.value(f'redis_up{{instance="{instance}"}}', up)
        errors = [target["lastError"] for target in self.server.get("/api/v1/targets")["data"]["activeTargets"]]
        self.assertTrue(any("self-signed certificate" in error and "ca_file" in error for error in errors), errors)
        self.assertTrue(any("address mismatch; say in tls_config.server_name" in error for error in errors), errors)

    def test_an_acl_user_with_few_rights(self):
        server = self.redis()
        client = server.client()
        client.acl_setuser("watch", enabled=True, passwords=[f"+{PASSWORD}"], commands=["+info"])
        self.watch({"url": f"redis://127.0.0.1:{server.port}", "user": "watch", "password": PASSWORD,
                    "check_single_keys": ["a"]})
        self.value("redis_up", 1)
        self.value("redis_config_maxclients", 10000)
        error = eventually(lambda: self.target_health("redis")["lastError"])
        self.assertIn("CONFIG GET: NOPERM", error)
        self.value("redis_exporter_last_scrape_error", 1)
        self.assertNotIn(PASSWORD, self.log + self.server.fetch("/metrics")[2] + self.server.fetch("/api/v1/targets")[2])

    def test_a_wrong_password_is_told_without_it(self):
        server = self.redis(requirepass="right")
        self.watch({"url": f"redis://:{'wrong-geheim'}@127.0.0.1:{server.port}"})
        self.value("redis_up", 0)
        error = eventually(lambda: self.target_health("redis")["lastError"])
        self.assertIn("AUTH: WRONGPASS", error)
        self.assertNotIn("geheim", self.log + error)

    def test_a_unix_socket_and_no_config(self):
        server = self.redis(unixsocket=self.folder / "redis.sock", rename_command="CONFIG \"\"")
        self.watch({"url": f"unix://{self.folder}/redis.sock", "config_command": ""})
        self.value("redis_up", 1)
        self.value("redis_config_maxclients", 10000)
        self.value("redis_exporter_last_scrape_error", 0)
        self.assertTrue(server)

    def test_a_replica_and_its_primary(self):
        primary = self.redis()
        replica = self.redis("replica", replicaof=f"127.0.0.1 {primary.port}")
        self.watch({"url": f"redis://127.0.0.1:{primary.port}", "instance": "primary", "keys_url":
                    f"redis://127.0.0.1:{replica.port}", "count_keys": ["*"]},
                   {"url": f"redis://127.0.0.1:{replica.port}", "instance": "replica"})
        self.value('redis_connected_slaves{instance="primary"}', 1)
        self.value('redis_connected_slave_lag_seconds{instance="primary",slave_state="online"} < 10')
        self.value('redis_master_link_up{instance="replica"}', 1)
        self.value('redis_slave_repl_offset{instance="replica"} > 0')
        self.value('redis_instance_info{instance="replica",role="slave"}', 1)
        primary.client().set("a", 1)
        self.value('redis_keys_count{instance="primary"}', 1)
        self.assertGreater(replica.client().info("commandstats")["cmdstat_scan"]["calls"], 0)
        self.assertNotIn("cmdstat_scan", primary.client().info("commandstats"))

    def test_a_sentinel(self):
        primary = self.redis()
        config = self.folder / "sentinel.conf"
        port = self.ports.free()
        config.write_text(f"port {port}\nsentinel monitor main 127.0.0.1 {primary.port} 1\n"
                          f"sentinel down-after-milliseconds main 5000\ndir {self.folder}\n")
        sentinel = databases.Server(self.folder / "sentinel", port)
        sentinel.spawn("/usr/bin/redis-server", config, "--sentinel")
        self.addCleanup(sentinel.stop)
        self.assertTrue(eventually(lambda: databases.listening(port)))
        self.watch({"url": f"redis://127.0.0.1:{port}"})
        address = f'master_name="main",master_address="127.0.0.1:{primary.port}"'
        self.value("redis_sentinel_masters", 1)
        self.value(f'redis_sentinel_master_status{{{address},master_status="ok"}}', 1)
        self.value(f"redis_sentinel_master_setting_down_after_milliseconds{{{address}}}", 5000)
        self.value(f"redis_sentinel_master_ok_sentinels{{{address}}}", 1)
        self.value('redis_sentinel_master_ckquorum_status{master_name="main"}', 1)
        self.value("redis_exporter_last_scrape_error", 0)

    def test_a_node_of_a_cluster(self):
        server = self.redis(cluster_enabled="yes", cluster_port=self.ports.free())
        client = server.client()
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        self.watch({"url": f"redis://127.0.0.1:{server.port}", "count_keys": ["*"]})
        self.value("redis_cluster_state", 1)
        self.value("redis_cluster_slots_ok", 16384)
        self.value("redis_cluster_slots_fail", 0)
        self.value("redis_cluster_enabled", 1)
        self.value("redis_keys_count", 0)

    def test_keys_streams_and_scripts(self):
        server = self.redis(maxmemory="100mb", latency_monitor_threshold=1, slowlog_log_slower_than=1)
        client = server.client()
        client.debug_segfault = None
        pipe = client.pipeline(transaction=False)
        for number in range(25_000):
            pipe.set(f"session:{number}", number)
        pipe.rpush("queue:mail", *range(7))
        pipe.pfadd("visitors", 1, 2)
        for number in range(5):
            pipe.xadd("events", {"n": number})
        pipe.xgroup_create("events", "workers", 0)
        pipe.execute()
        client.xreadgroup("workers", "w1", {"events": ">"}, count=2)
        server.client(3).set("answer", 42)
        client.execute_command("EVAL", "local t = redis.call('TIME') while redis.call('TIME')[1] - t[1] < 1 do end", 0)
        self.write("totals.lua", "return {'sessions', redis.call('DBSIZE'), 'pi', '3.5'}")
        self.write("broken.lua", "return redis.call('NOSUCH')")
        self.watch({"url": f"redis://127.0.0.1:{server.port}", "count_keys": ["session:*", "nothing:*"],
                    "check_keys": ["queue:*"], "check_single_keys": ["db3=answer", "session:1", "missing"],
                    "check_streams": ["event?"], "key_values": True, "key_groups": ["^(session|queue):"],
                    "client_list": True, "config_values": True, "scripts": ["totals.lua", "broken.lua"]})
        self.value('redis_keys_count{key="session:*"}', 25_000)
        self.value('redis_keys_count{key="nothing:*"}', 0)
        self.value('redis_key_size{db="db0",key="queue:mail"}', 7)
        self.value('redis_key_value{db="db3",key="answer"}', 42)
        self.value('redis_key_memory_usage_bytes{key="session:1"} > 0')
        self.assertIsNone(self.server.value('redis_key_size{key="missing"}'))
        self.value('redis_key_group_count{db="db0",key_group="session"}', 25_000)
        self.value('redis_key_group_count{db="db0",key_group="unclassified"}', 2)
        self.value('redis_key_group_memory_usage_bytes{db="db0",key_group="session"} > 25000')
        self.value('redis_stream_length{stream="events"}', 5)
        self.value('redis_stream_group_lag{group="workers"}', 3)
        self.value('redis_stream_group_consumer_messages_pending{consumer="w1",group="workers"}', 2)
        self.value('redis_stream_last_entry_id > 1.6e12')
        self.value('redis_script_values{filename="totals.lua",key="pi"}', 3.5)
        self.value('redis_script_values{filename="totals.lua",key="sessions"}', 25_003)
        self.value('redis_script_result{filename="broken.lua"}', 0)
        self.value("redis_slowlog_length > 0")
        self.value("max(redis_latency_spike_duration_seconds) > 0")
        self.value('redis_commands_latencies_usec_count{cmd="set"}', 25_001)
        self.value('redis_latency_percentiles_usec{cmd="set",quantile="99"} > 0')
        self.value('redis_config_value{key="maxmemory"}', 100 << 20)
        self.value("count(redis_connected_client_info) >= 1")
        self.value("redis_keyspace_misses")
        # The walk takes 10 000 keys at most in one collection.
        calls = client.info("commandstats")["cmdstat_scan"]
        time.sleep(1)
        self.assertGreater(calls["calls"], 20)
