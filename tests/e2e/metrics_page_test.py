"""/metrics and the pages beside it, read by those who read such pages: Prometheus' own checker and its client for
Python."""
import gzip
import http.server
import json
import re
import ssl
import subprocess
import sys
import threading
import unittest

from prometheus_client import openmetrics, parser as text_parser
import prometheus_client.openmetrics.parser  # pylint: disable=unused-import

from support import PROGRAM, ScrapeTarget, TocsinCase, eventually

OPEN_METRICS = "application/openmetrics-text;version=1.0.0"
# What Python's client shows in the text format: x_created beside a counter and beside a histogram; an alias as the
# Redis collector has it; a name of the new alphabet.
AWKWARD = b"""# HELP jobs_total Jobs.
# TYPE jobs_total counter
jobs_total{kind="a"} 3
# TYPE jobs_created gauge
jobs_created{kind="a"} 1.7e9
# TYPE wait_seconds histogram
wait_seconds_bucket{le="1"} 1
wait_seconds_bucket{le="+Inf"} 2
wait_seconds_sum 5
wait_seconds_count 2
# TYPE wait_seconds_created gauge
wait_seconds_created 1.7e9
# TYPE hits_total counter
hits_total 7
# TYPE hits untyped
hits 7
# TYPE accepted counter
accepted 9
# HELP odd A \\\\ and a\\nline end and "quotes".
# TYPE odd gauge
odd{text="a\\\\b\\nc\\"d"} NaN
# TYPE "http.status" gauge
{"http.status","status.code"="200"} 1
"""


def open_metrics(page):
    return {family.name: family for family in openmetrics.parser.text_string_to_metric_families(page)}


class MetricsPageTest(TocsinCase):
    def setUp(self):
        super().setUp()
        self.target = ScrapeTarget(AWKWARD)
        self.addCleanup(self.target.close)
        self.serve({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                    "scrape_configs": [{"job_name": "app", "static_configs": [{"targets": [self.target.address]}]}],
                    "collectors": {"node": {}}})
        self.assertTrue(eventually(lambda: "jobs_total" in self.page() and "node_load1" in self.page()))

    def page(self, query="", **headers):
        status, _, text = self.server.fetch("/metrics" + query, headers=headers)
        self.assertEqual(status, 200, text)
        return text

    def raw(self, coding):
        done = subprocess.run(["curl", "-s", "-D", "-", "-H", f"Accept-Encoding: {coding}",
                               f"http://{self.server.address}/metrics?collect[]=app", "-g"],
                              capture_output=True, check=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        return head.decode().lower(), body

    def test_promtool_finds_no_fault(self):
        done = subprocess.run(["promtool", "check", "metrics"], input=self.page("?collect[]=self&collect[]=node"),
                              capture_output=True, text=True, check=False)
        # 3: advice on names, which are the exporters'; 1: a page that cannot be read.
        self.assertIn(done.returncode, (0, 3), done.stdout + done.stderr)
        advice = [line for line in done.stderr.splitlines() if "snake_case" not in line and "base unit" not in line]
        self.assertEqual(advice, [])

    def test_the_text_format_is_read_by_pythons_client(self):
        families = {family.name: family for family in text_parser.text_string_to_metric_families(self.page())}
        self.assertEqual(families["jobs"].type, "counter")
        self.assertEqual(families["wait_seconds"].type, "histogram")
        odd = families["odd"]
        self.assertEqual(odd.documentation, 'A \\ and a\nline end and "quotes".')
        self.assertEqual(odd.samples[0].labels["text"], 'a\\b\nc"d')
        self.assertIn("http_status", families)  # nobody said that this reader knows other names

    def test_open_metrics_is_read_by_the_strict_parser(self):
        status, headers, page = self.server.fetch("/metrics", headers={"Accept": OPEN_METRICS})
        self.assertEqual(status, 200)
        self.assertEqual(headers["Content-Type"], "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.assertTrue(page.endswith("# EOF\n"))
        families = open_metrics(page)
        self.assertEqual(families["jobs"].type, "counter")
        self.assertEqual(families["wait_seconds"].type, "histogram")
        # A counter without _total keeps its name, and so do a counter and its alias.
        for name in ("accepted", "hits", "hits_total"):
            self.assertEqual(families[name].type, "unknown", name)
        self.assertNotIn("jobs_created", families)
        self.assertIn("node_cpu_seconds", families)

    def test_names_are_escaped_as_the_reader_asks(self):
        asked = {"allow-utf-8": '{"http.status"', "underscores": "http_status{", "dots": "http_dot_status{",
                 "values": "U__http_2e_status{"}
        for scheme, name in asked.items():
            accept = f"text/plain;version=1.0.0;escaping={scheme}"
            _, headers, page = self.server.fetch("/metrics?collect[]=app", headers={"Accept": accept})
            self.assertEqual(headers["Content-Type"],
                             f"text/plain; version=1.0.0; charset=utf-8; escaping={scheme}")
            self.assertIn("\n" + name, page)

    def test_bodies_are_packed_as_the_reader_asks(self):
        plain = self.raw("identity")[1]
        head, body = self.raw("gzip")
        self.assertIn("content-encoding: gzip", head)
        self.assertEqual(self.figures(gzip.decompress(body)), self.figures(plain))
        head, body = self.raw("zstd")
        self.assertIn("content-encoding: zstd", head)
        unpacked = subprocess.run(["zstd", "-d"], input=body, capture_output=True, check=True).stdout
        self.assertEqual(self.figures(unpacked), self.figures(plain))

    @staticmethod
    def figures(page):
        """Without those that change with each collection."""
        return [line for line in page.decode().splitlines() if not line.startswith("scrape_duration_seconds")]

    def test_single_collectors_can_be_asked_for(self):
        page = self.page("?collect[]=node")
        self.assertIn("node_load1", page)
        self.assertNotIn("jobs_total", page)
        status, _, text = self.server.fetch("/metrics?collect[]=nodes")
        self.assertEqual(status, 400)
        self.assertIn('nothing is called "nodes" here; there are: app node self', text)

    def test_the_last_collection_can_be_looked_at(self):
        status, _, text = self.server.fetch("/debug/collect?collector=node")
        self.assertEqual(status, 200)
        self.assertRegex(text, r"\n +\d+\.\d{3} +\d+  filesystem\n")
        self.assertIn("\nnode_load1{", text)
        found = json.loads(self.server.fetch("/debug/collect?collector=node&format=json")[2])
        self.assertEqual(found[0]["health"], "up")
        self.assertIn("meminfo", [step["what"] for step in found[0]["steps"]])
        self.assertEqual(self.server.fetch("/debug/collect?collector=x")[0], 404)
        self.assertEqual(self.server.fetch("/debug/collect")[0], 400)

    def test_every_family_of_the_live_page_is_in_the_catalogue(self):
        listed = json.loads(subprocess.run([PROGRAM, "collectors", "list", "--metrics", "--format=json"],
                                           capture_output=True, check=True).stdout)
        rows = {collector["name"]: collector["families"] for collector in listed}
        for name in ("node", "self"):
            page = self.page(f"?collect[]={name}")
            for family, kind in re.findall(r"^# TYPE (\S+) (\S+)$", page, re.M):
                if family == "up" or family.startswith(("scrape_", "tocsin_collector_")):
                    continue  # of every target
                fitting = [row for row in rows[name] if row["name"] == family or
                           (row["name"].endswith("*") and family.startswith(row["name"][:-1]))]
                self.assertTrue(fitting, f"{family} is not in the catalogue of {name}")
                exact = [row for row in fitting if row["name"] == family]
                if exact:
                    self.assertEqual(exact[0]["type"], kind, family)


class ProbeTest(TocsinCase):
    def setUp(self):
        super().setUp()
        self.target = ScrapeTarget(b"all is well\n")
        self.addCleanup(self.target.close)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.folder / "key.pem",
                        "-out", self.folder / "cert.pem"], check=True, capture_output=True)
        not_after = subprocess.run(["openssl", "x509", "-in", self.folder / "cert.pem", "-noout", "-enddate",
                                    "-dateopt", "iso_8601"], check=True, capture_output=True, text=True).stdout
        self.not_after = not_after.split("=")[1].strip()
        self.tls_port = self.serve_tls()

    def serve_tls(self):
        server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "cert.pem", self.folder / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.RequestHandlerClass.log_message = lambda *_: None
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def value(self, name, instance):
        return self.server.value(f'{name}{{instance="{instance}"}}')

    def test_endpoints_are_told_as_blackbox_exporter_tells_them(self):
        web = f"http://{self.target.address}"
        closed = f"tcp://127.0.0.1:{self.ports.free()}"
        tls = f"tls://localhost:{self.tls_port}"
        self.serve({"global": {"scrape_interval": "2s", "scrape_timeout": "2s"}, "collectors": {"probe": [
            {"target": web + "/health", "instance": "web", "body_regex": "all is w.ll"},
            {"target": web + "/health", "instance": "regex", "body_regex": "all is lost"},
            {"target": web + "/health", "instance": "status", "valid_status_codes": [204]},
            {"target": f"tcp://{self.target.address}", "instance": "tcp"},
            {"target": closed, "instance": "closed"},
            {"target": tls, "instance": "trusted", "tls_config": {"ca_file": str(self.folder / "cert.pem")}},
            {"target": tls, "instance": "untrusted"}]}})
        self.assertTrue(eventually(lambda: self.server.value("count(probe_success)") == 7))
        success = {name: self.value("probe_success", name)
                   for name in ("web", "regex", "status", "tcp", "closed", "trusted", "untrusted")}
        self.assertEqual(success, {"web": 1, "regex": 0, "status": 0, "tcp": 1, "closed": 0, "trusted": 1,
                                   "untrusted": 0})
        self.assertEqual(self.value("probe_http_status_code", "web"), 200)
        self.assertEqual(self.value("probe_http_uncompressed_body_length", "web"), len("all is well\n"))
        self.assertEqual(self.value("probe_failed_due_to_regex", "regex"), 1)
        phases = self.server.query('probe_http_duration_seconds{instance="web"}')
        self.assertEqual({sample["metric"]["phase"] for sample in phases},
                         {"resolve", "connect", "tls", "processing", "transfer"})
        # Also of a certificate that nobody trusts it is told when it expires.
        expected = self.server.value(f'timestamp(vector(1)) * 0 + {self.expiry()}')
        for name in ("trusted", "untrusted"):
            self.assertEqual(self.value("probe_ssl_earliest_cert_expiry", name), expected)
        self.assertEqual(self.value("probe_ssl_certificate_valid", "untrusted"), 0)

    def expiry(self):
        text = subprocess.run(["date", "-u", "-d", self.not_after, "+%s"], check=True, capture_output=True, text=True)
        return int(text.stdout)

    def test_probing_on_request_is_off_until_it_is_allowed(self):
        self.serve({"collectors": {"node": {}}})
        status, _, text = self.server.fetch(f"/probe?target=http://{self.target.address}/")
        self.assertEqual(status, 404)
        self.assertIn("collectors.probe_allow", text)
        self.assertEqual(self.target.scrapes, 0)

    def test_only_allowed_targets_are_probed(self):
        self.serve({"collectors": {"probe_allow": [f"http://{self.target.address}/*", "tcp://127.0.0.1:*"]}})
        page = self.server.fetch(f"/probe?module=http_2xx&target={self.target.address}/health")[2]
        self.assertIn("\nprobe_success 1\n", page)
        self.assertIn("\nprobe_http_status_code 200\n", page)
        page = self.server.fetch(f"/probe?module=tcp_connect&target={self.target.address}")[2]
        self.assertIn("\nprobe_success 1\n", page)
        for target, expected in ((f"https://localhost:{self.tls_port}/", 403),
                                 (f"http://user@{self.target.address}/x", 403),
                                 ("ftp://127.0.0.1/", 400), ("", 400)):
            self.assertEqual(self.server.fetch(f"/probe?target={target}")[0], expected, target)
        self.assertEqual(self.server.fetch(f"/probe?module=icmp&target={self.target.address}")[0], 400)


class QuantilesTest(TocsinCase):
    def test_quantiles_of_a_histogram_are_recorded_as_they_are_written(self):
        requests = [0]

        def page(handler):
            requests[0] += 10
            done = requests[0]
            body = ("# TYPE http_request_duration_seconds histogram\n"
                    + "".join(f'http_request_duration_seconds_bucket{{handler="/a",le="{le}"}} {count}\n'
                              for le, count in (("0.1", done * 0.5), ("0.5", done), ("+Inf", done)))
                    + f'http_request_duration_seconds_sum{{handler="/a"}} {done}\n'
                    f'http_request_duration_seconds_count{{handler="/a"}} {done}\n').encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        target = ScrapeTarget(page)
        self.addCleanup(target.close)
        self.serve({"global": {"scrape_interval": "250ms", "evaluation_interval": "250ms"},
                    "scrape_configs": [{"job_name": "app", "static_configs": [{"targets": [target.address]}]}],
                    "collectors": {"quantiles": [{"histogram": "http_request_duration_seconds",
                                                  "quantiles": ["0.50", "0.95"], "window": "5s",
                                                  "copy_labels": {"endpoint": "handler"}}]}})
        value = eventually(lambda: self.server.value(
            'http_request_duration_seconds{quantile="0.95",endpoint="/a",job="app"}'))
        self.assertAlmostEqual(value, 0.1 + 0.4 * 0.9, places=6)
        self.assertAlmostEqual(self.server.value('http_request_duration_seconds{quantile="0.50"}'), 0.1, places=6)
        # A name cannot be a histogram and a summary on one page.
        self.assertNotIn("quantile=", self.server.fetch("/metrics?collect[]=app")[2])


if __name__ == "__main__":
    sys.exit(unittest.main())
