"""A real nginx: its status page and its access log, rotated both ways while requests come."""
import os
import signal
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

from support import TocsinCase, eventually, listening

FORMATS = {
    "combined": "combined",
    "own": '$host "$request" $status $body_bytes_sent $request_time $upstream_response_time',
    "json": '{"host":"$host","status":"$status","request_method":"$request_method","request_time":$request_time}',
}


class NginxTest(TocsinCase):
    def start_nginx(self, form):
        self.port = self.ports.free()
        self.access_log = self.folder / "access.log"
        own = f"log_format own '{FORMATS['own']}'; log_format json escape=json '{FORMATS['json']}';"
        user = "user root;" if os.geteuid() == 0 else ""  # the worker reopens the log in this test's folder
        config = self.write("nginx.conf", f"""
daemon off; {user} master_process on; worker_processes 1; pid {self.folder}/nginx.pid; error_log {self.folder}/error.log;
events {{ worker_connections 64; }}
http {{
  {own}
  access_log {self.access_log} {form};
  client_body_temp_path {self.folder}/t1; proxy_temp_path {self.folder}/t2; fastcgi_temp_path {self.folder}/t3;
  uwsgi_temp_path {self.folder}/t4; scgi_temp_path {self.folder}/t5;
  server {{
    listen 127.0.0.1:{self.port}; server_name shop.example;
    location /ok {{ return 200 "fine\\n"; }}
    location /broken {{ return 500; }}
    location /status {{ stub_status; access_log off; }}
  }}
}}
""")
        self.nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", str(config), "-p", str(self.folder)],
                                      stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.stop_nginx)
        self.assertTrue(eventually(lambda: listening(self.port)), "nginx did not start")

    def stop_nginx(self):
        self.nginx.terminate()
        self.nginx.wait(20)

    def request(self, path, times=1, host="shop.example", method="GET"):
        for _ in range(times):
            wanted = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"Host": host},
                                            method=method)
            try:
                urllib.request.urlopen(wanted, timeout=5).close()
            except urllib.error.HTTPError as refused:
                refused.close()

    def start_tocsin(self, form, **more):
        self.serve({"global": {"scrape_interval": "250ms"}, "collectors": {"nginx": {
            "stub_status_url": f"http://127.0.0.1:{self.port}/status", "access_log": str(self.access_log),
            "log_format": {"combined": "combined", "json": "json", "own": FORMATS["own"]}[form], **more}}})
        self.assertTrue(eventually(lambda: self.server.value("nginx_up") == 1), self.log)

    def count(self, **labels):
        selector = ",".join(f'{name}="{value}"' for name, value in labels.items())
        found = self.server.query(f"sum(nginx_http_requests_total{{{selector}}})")
        return float(found[0]["value"][1]) if found else 0

    def expect(self, number, **labels):
        reached = eventually(lambda: self.count(**labels) == number)
        self.assertTrue(reached, f"{labels}: {self.count(**labels)} instead of {number}\n"
                                 + self.server.fetch("/metrics?collect[]=nginx")[2])

    def test_an_own_format_gives_hosts_statuses_and_latencies(self):
        self.start_nginx("own")
        self.request("/ok", 3)
        self.start_tocsin("own")
        self.request("/ok", 5)
        self.request("/broken", 2, host="other.example")
        self.request("/ok", 1, method="HEAD")
        self.expect(5, host="shop.example", status="200", method="GET")
        self.expect(2, host="other.example", status="500")
        self.expect(1, method="HEAD")
        # The common alerts' expressions give something.
        errors = 'sum(nginx_http_requests_total{status=~"^5.."}) / sum(nginx_http_requests_total) * 100'
        self.assertEqual(self.server.value(errors), 25)
        buckets = "nginx_http_request_duration_seconds_bucket"
        self.assertEqual(self.server.value(f'sum({buckets}{{le="+Inf"}})'), 8)
        # nginx itself counts the status page too, under another name beside the log's figures.
        self.assertGreater(self.server.value("nginx_stub_status_http_requests_total"), 8)
        self.assertEqual(self.server.query('nginx_http_requests_total{status=""}'), [])

    def test_rotation_by_rename_loses_nothing(self):
        self.start_nginx("combined")
        self.start_tocsin("combined")
        for turn in range(3):
            self.request("/ok", 7)
            self.access_log.rename(self.folder / f"access.log.{turn}")
            self.request("/ok", 3)  # into the renamed file
            self.nginx.send_signal(signal.SIGUSR1)
            self.assertTrue(eventually(self.access_log.exists))
            self.request("/ok", 5)
            self.expect((turn + 1) * 15, status="200")
        self.assertEqual(self.server.value("nginx_access_log_rotations_total"), 3)

    def test_rotation_by_truncation_and_a_json_log(self):
        self.start_nginx("json")
        self.start_tocsin("json")
        self.request("/ok", 6)
        self.expect(6, status="200")
        with open(self.access_log, "r+b") as log:
            log.truncate(0)
        self.request("/ok", 4)
        self.expect(10, status="200", host="shop.example", method="GET")

    def test_hostile_lines_are_counted_and_do_no_harm(self):
        self.start_nginx("combined")
        self.start_tocsin("combined")
        with open(self.access_log, "ab") as log:
            log.write(b"\xff\x00garbage\n" + b"x" * 3_000_000 + b"\n" + b'"' * 10_000 + b"\n\n\n")
        self.request("/ok", 2)
        self.expect(2, status="200")
        self.assertEqual(self.server.value("nginx_access_log_unparsed_lines_total"), 5)
        # A path, an agent, a method that an attacker chose are no labels.
        for number in range(50):
            self.request(f"/nothing-{number}", method=f"M{number}")
        self.expect(50, method="other")

    def test_only_the_log_is_enough(self):
        self.start_nginx("combined")
        self.start_tocsin("combined", stub_status_url="")
        self.request("/ok", 2)
        self.expect(2, status="200")
        self.assertEqual(self.server.query("nginx_connections_active"), [])


if __name__ == "__main__":
    sys.exit(unittest.main())
