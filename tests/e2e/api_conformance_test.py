"""The same questions to tocsin and to Debian's Prometheus about the same target: the same answers.

The target gives each sample its own time, so that both stores hold exactly the same samples,
whenever each of them came to scrape.
"""
import json
import math
import subprocess
import time
import urllib.parse

from support import ScrapeTarget, Server, TocsinCase, eventually, send_page, write_yaml

# More than any query looks back, a sample each second.
HISTORY = 22
# Sums may be taken in another order.
RELATIVE_ERROR = 1e-12
SHOWN = 800  # characters of an answer, in a failure

INSTANT = """
requests_total
requests_total{code="500"}
requests_total{code=~"5..",path!="/a"}
requests_total{code!~"2.."} > 3
{__name__=~"temp.*"}
rate(requests_total[5s])
irate(requests_total[5s])
increase(requests_total[8s])
delta(temperature[6s])
idelta(temperature[6s])
deriv(temperature[6s])
predict_linear(temperature[6s], 60)
resets(restarting_total[8s])
changes(temperature[8s])
sum(requests_total)
sum by (code) (rate(requests_total[5s]))
sum without (path, instance) (requests_total)
avg by (path) (requests_total)
min(temperature)
max by (job) (temperature)
count(requests_total)
count by (code) (requests_total > 5)
count_values("value", temperature)
group(requests_total)
stddev(requests_total)
stdvar by (code) (requests_total)
topk(2, requests_total)
bottomk(1, requests_total)
quantile(0.9, requests_total)
quantile by (code) (0.5, requests_total)
histogram_quantile(0.95, sum by (le) (rate(latency_seconds_bucket[6s])))
histogram_quantile(0.5, latency_seconds_bucket)
rate(latency_seconds_sum[6s]) / rate(latency_seconds_count[6s])
requests_total{code="500"} / ignoring(code) requests_total{code="200"}
requests_total{code="500"} / on(path) group_left sum by (path) (requests_total)
sum by (path) (rate(requests_total{code=~"5.."}[5s])) / sum by (path) (rate(requests_total[5s])) > 0.01
requests_total and on (path) requests_total{code="500"}
requests_total unless requests_total{code="500"}
requests_total{path="/a"} or temperature
temperature > bool 20
-temperature
2 ^ 3 ^ 2
1 + 2 * 3 % 4
temperature * 2 + 1 == 42
abs(temperature - 30)
ceil(temperature / 3)
floor(temperature / 3)
round(temperature / 3, 0.1)
clamp(temperature, 10, 20)
clamp_min(temperature, 25)
sqrt(temperature)
ln(temperature)
exp(temperature / 10)
sgn(temperature - 21)
avg_over_time(temperature[5s])
sum_over_time(temperature[5s])
min_over_time(temperature[5s])
max_over_time(temperature[5s])
count_over_time(temperature[5s])
last_over_time(temperature[5s])
present_over_time(temperature[5s])
quantile_over_time(0.5, temperature[5s])
stddev_over_time(temperature[5s])
absent(requests_total)
absent(nothing{job="x",other=~"y"})
absent_over_time(nothing[5s])
label_replace(temperature, "place", "$1", "room", "(.*)room")
label_join(temperature, "both", "-", "room", "job")
sort(requests_total)
sort_desc(requests_total)
scalar(temperature{room="bathroom"})
vector(7)
time() - time()
temperature offset 3s
temperature offset -1s
rate(requests_total[4s] offset 2s)
max_over_time(rate(requests_total[3s])[6s:1s])
avg_over_time((temperature > 20)[6s:2s] offset 1s)
temperature[3s]
"a string"
timestamp(temperature)
day_of_week(vector(0))
hour(vector(3600))
month(vector(1e9))
special
special == special
"""

BAD = ["sum(", "rate(temperature)", "temperature[5s", "nothing_like_this()", 'a{b="c}', "1 + on(a) 2",
       "a / on (job) b[5m]", "topk(temperature, 1)", "", "sum(temperature) by"]


def page(at):
    """The page at second `at`. Every series is a function of the time."""
    stamp = at * 1000
    n = at % 10_000
    lines = ["# TYPE requests_total counter"]
    for index, (path, code) in enumerate((p, c) for p in ("/a", "/b") for c in ("200", "404", "500")):
        lines.append(f'requests_total{{path="{path}",code="{code}"}} {n * (index + 1)} {stamp}')
    lines.append("# TYPE restarting_total counter")
    lines.append(f"restarting_total {n % 4} {stamp}")
    lines.append("# TYPE temperature gauge")
    lines.append(f'temperature{{room="bathroom"}} {20 + n % 7 * 0.3} {stamp}')
    lines.append(f'temperature{{room="bedroom"}} {18 + n % 5 * 1.7} {stamp}')
    lines.append("# TYPE latency_seconds histogram")
    for bound, share in (("0.1", 5), ("0.5", 8), ("1", 9), ("+Inf", 10)):
        lines.append(f'latency_seconds_bucket{{le="{bound}"}} {n * share} {stamp}')
    lines.append(f"latency_seconds_sum {n * 2.7} {stamp}")
    lines.append(f"latency_seconds_count {n * 10} {stamp}")
    lines.append("# TYPE special gauge")
    lines.append(f'special{{kind="nan"}} NaN {stamp}')
    lines.append(f'special{{kind="inf"}} +Inf {stamp}')
    lines.append(f'special{{kind="big"}} 1e21 {stamp}')
    lines.append(f'special{{kind="small"}} 1e-7 {stamp}')
    lines.append(f'special{{kind="third"}} 0.3333333333333333 {stamp}')
    return ("\n".join(lines) + "\n").encode()


def close_enough(a, b):
    """Equal JSON, where numbers written as text may differ in their last digits."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(close_enough(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(close_enough, a, b))
    if a == b:
        return True
    try:
        return math.isclose(float(a), float(b), rel_tol=RELATIVE_ERROR)
    except (TypeError, ValueError):
        return False


def in_order(data, keeps_order):
    """Prometheus promises an order only for sort() and topk()."""
    if isinstance(data, dict) and data.get("resultType") in ("vector", "matrix") and not keeps_order:
        data["result"].sort(key=lambda series: json.dumps(series["metric"], sort_keys=True))
    return data


class Conformance(TocsinCase):
    def start(self):
        target = ScrapeTarget(lambda handler: send_page(handler, page(int(time.time()))))
        self.addCleanup(target.close)
        rules = {"groups": [{"name": "rules", "rules": [
            {"record": "room:temperature:max", "expr": "max by (room) (temperature)", "labels": {"of": "test"}},
            {"alert": "Warm", "expr": "temperature > 1", "labels": {"severity": "page"},
             "annotations": {"text": "{{ $labels.room }} {{ $value | printf \"%.0f\" | len }}"}},
            {"alert": "Cold", "expr": "temperature < 1", "for": "1m"}]}]}
        config = {"global": {"scrape_interval": "250ms", "scrape_timeout": "250ms", "evaluation_interval": "1s",
                             "external_labels": {"site": "here"}},
                  "rule_files": ["rules.yml"],
                  "scrape_configs": [{"job_name": "made", "static_configs": [
                      {"targets": [target.address], "labels": {"team": "a"}}]}]}
        write_yaml(self.folder / "rules.yml", rules)
        self.tocsin = self.serve(config)
        self.prometheus = self.start_prometheus()
        for server in (self.tocsin, self.prometheus):
            self.assertTrue(eventually(lambda: (server.value(
                'count_over_time(special{kind="third"}[5m])') or 0) >= HISTORY, timeout=60))
        # Samples stand at whole seconds. Between them, Prometheus 2, whose windows hold the sample at
        # their very beginning, and Prometheus 3, whose windows do not, say the same.
        # Some queries look ahead, where both must have been.
        self.at = int(time.time()) - 2.75

    def start_prometheus(self):
        server = Server(f"127.0.0.1:{self.ports.free()}")
        with open(self.folder / "prometheus.log", "ab") as log:
            process = subprocess.Popen(
                ["/usr/bin/prometheus", f"--config.file={self.folder}/tocsin.yml",
                 f"--storage.tsdb.path={self.folder}/prometheus", f"--web.listen-address={server.address}",
                 "--log.level=warn"], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(lambda: (process.terminate(), process.wait()))

        def ready():
            try:
                return server.fetch("/-/ready")[0] == 200
            except OSError:
                return False

        self.assertTrue(eventually(ready))
        return server

    def both(self, path, **parameters):
        return self.tocsin.get(path, **parameters), self.prometheus.get(path, **parameters)

    def compare(self, name, ours, theirs, keeps_order=False):
        with self.subTest(name):
            self.assertEqual(theirs["status"], "success", theirs)
            self.assertEqual(ours["status"], "success", ours)
            ours, theirs = in_order(ours["data"], keeps_order), in_order(theirs["data"], keeps_order)
            self.assertTrue(close_enough(ours, theirs),
                            f"\ntocsin     {str(ours)[:SHOWN]}\nprometheus {str(theirs)[:SHOWN]}")

    def test_answers(self):
        self.start()
        self.check_instant_queries()
        self.check_range_queries()
        self.check_errors()
        self.check_error_texts()
        self.check_formatting()
        self.check_parameters()
        self.check_stats()
        self.check_federation()
        self.check_metadata()
        self.check_rules_and_alerts()
        self.check_protocol()

    def check_instant_queries(self):
        queries = INSTANT.strip().splitlines()
        for query in queries:
            keeps_order = query.startswith(("sort", "topk", "bottomk"))
            self.compare(query, *self.both("/api/v1/query", query=query, time=self.at), keeps_order=keeps_order)
        print(f"{len(queries)} instant queries")

    def check_range_queries(self):
        queries = [query for query in INSTANT.strip().splitlines()
                   if not query.startswith(('"', "temperature["))]
        for query in queries:
            self.compare(f"range of {query}", *self.both(
                "/api/v1/query_range", query=query, start=self.at - 6, end=self.at, step=0.5))
        print(f"{len(queries)} range queries")

    def check_errors(self):
        cases = [("/api/v1/query", {"query": query}) for query in BAD]
        cases += [("/api/v1/query", {"query": "up", "time": "soon"}),
                  ("/api/v1/query", {"query": "up", "timeout": "x"}),
                  ("/api/v1/query_range", {"query": "up", "start": 10, "end": 5, "step": 1}),
                  ("/api/v1/query_range", {"query": "up", "start": 0, "end": 10, "step": 0}),
                  ("/api/v1/query_range", {"query": "up", "start": 0, "end": 1e6, "step": 1}),
                  ("/api/v1/query_range", {"query": "up", "end": 10, "step": 1}),
                  ("/api/v1/query_range", {"query": "up[5m]", "start": 0, "end": 10, "step": 1}),
                  ("/api/v1/query", {"query": "requests_total / on (job) requests_total", "time": self.at}),
                  ("/api/v1/series", {}), ("/api/v1/series", {"match[]": "{}"}),
                  ("/api/v1/series", {"match[]": "a{"}),
                  ("/api/v1/targets", {"state": "active"}), ("/api/v1/rules", {"type": "nonsense"})]
        for path, parameters in cases:
            with self.subTest(f"{path} {parameters}"):
                query = "?" + urllib.parse.urlencode(parameters)
                ours, theirs = self.tocsin.fetch(path + query), self.prometheus.fetch(path + query)
                self.assertEqual(ours[0], theirs[0], f"tocsin says {ours[2]}, Prometheus {theirs[2]}")
                ours, theirs = json.loads(ours[2]), json.loads(theirs[2])
                self.assertEqual(ours["status"], theirs["status"])
                self.assertEqual(ours.get("errorType"), theirs.get("errorType"), ours)

    def check_error_texts(self):
        """What Prometheus says of parameters, to the letter. Prometheus 3 has other words than 2 for
        broken patterns and for ranges in range queries, and knows lookback_delta."""
        range_of = lambda **parameters: ("/api/v1/query_range", {"query": "up", "start": 0, "end": 10, "step": 1} | parameters)
        cases = [("/api/v1/query", {"query": "up", "time": "soon"}),
                 ("/api/v1/query", {"query": "up", "timeout": "x"}),
                 range_of(start="x"), range_of(end=""), range_of(end=-1), range_of(step=0), range_of(step=-1),
                 range_of(step="x"), range_of(step="1e30"), range_of(end=1e6),
                 ("/api/v1/query", {"query": "sum("}), ("/api/v1/query", {"query": "rate(up)"}),
                 ("/api/v1/query", {"query": "nothing_like_this()"}),
                 ("/api/v1/query", {"query": "1 + on(a) 2"}), ("/api/v1/query", {"query": "{}"}),
                 ("/api/v1/query", {"query": 'label_replace(up, "a", "$1", "b", "(")'}),
                 ("/api/v1/query", {"query": "label_replace(temperature, 'room', '', 'room', '.*')", "time": self.at}),
                 ("/api/v1/format_query", {"query": "sum("}), ("/api/v1/series", {})]
        for path, parameters in cases:
            with self.subTest(f"{path} {parameters}"):
                query = "?" + urllib.parse.urlencode(parameters)
                ours, theirs = self.tocsin.fetch(path + query), self.prometheus.fetch(path + query)
                self.assertEqual((ours[0], json.loads(ours[2])), (theirs[0], json.loads(theirs[2])))
        print(f"{len(cases)} error texts")

    def check_formatting(self):
        for query in INSTANT.strip().splitlines():
            if "1e9" in query:  # Prometheus 3 writes all digits
                continue
            self.compare(f"format of {query}", *self.both("/api/v1/format_query", query=query))

    def check_parameters(self):
        """GET and POST, in the URL, in the body, and both."""
        wanted = self.prometheus.get("/api/v1/query", query="temperature", time=self.at)["data"]
        half = urllib.parse.urlencode({"time": self.at})
        for body, url in (({"query": "temperature", "time": self.at}, ""), ({"query": "temperature"}, "?" + half),
                          ({"query": "temperature"}, "?query=up&" + half)):
            for server in (self.tocsin, self.prometheus):
                status, _, text = server.fetch("/api/v1/query" + url, body)
                self.assertEqual(status, 200, text)
                self.assertEqual(in_order(json.loads(text)["data"], False), in_order(wanted, False))
        times = {"start": self.at - 5, "end": self.at, "step": "1s", "query": "temperature"}
        stamp = lambda at: time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f"{at % 1:.2f}"[1:] + "Z"
        for changed in ({}, {"start": stamp(self.at - 5), "end": stamp(self.at)}, {"step": "1.0"},
                        {"lookback_delta": "1s"}, {"lookback_delta": 3}, {"timeout": "10s"}):
            self.compare(f"range with {changed}", *self.both("/api/v1/query_range", **(times | changed)))

    def check_stats(self):
        """How many samples a query looks at."""
        for query in ("temperature", "rate(requests_total[5s])", "sum(rate(requests_total[5s]))", "1 + 1",
                      "max_over_time(rate(requests_total[3s])[6s:1s])", "absent_over_time(temperature[5s])",
                      "temperature @ 0 + temperature", "requests_total / on (path, code) requests_total"):
            for path, more in (("query", {"time": self.at}),
                               ("query_range", {"start": self.at - 6, "end": self.at, "step": 0.5})):
                with self.subTest(f"{path} {query}"):
                    ours, theirs = (answer["data"]["stats"] for answer in self.both(
                        f"/api/v1/{path}", query=query, stats="true", **more))
                    self.assertEqual(set(theirs["timings"]), set(ours["timings"]))
                    self.assertEqual(set(theirs["samples"]) - set(ours["samples"]), set())
                    if "requests_total / " not in query:  # equal parts are read once
                        self.assertEqual(ours["samples"]["totalQueryableSamples"],
                                         theirs["samples"]["totalQueryableSamples"])

    def check_federation(self):
        """The newest samples of both stores may differ; their names, labels and types do not."""
        match = urllib.parse.urlencode({"match[]": ['{__name__=~"temp.*"}', 'requests_total{code="500"}',
                                                    'latency_seconds_bucket', 'special']}, doseq=True)

        def shape(server):
            status, headers, text = server.fetch("/federate?" + match)
            self.assertEqual(status, 200)
            self.assertIn("text/plain", headers["Content-Type"])
            series = lambda line: sorted(line.split(" ")[0].replace("}", "").replace("{", ",").split(","))
            return [line if line.startswith("#") else series(line) for line in text.splitlines()]

        self.assertEqual(sorted(map(str, shape(self.tocsin))), sorted(map(str, shape(self.prometheus))))
        for server in (self.tocsin, self.prometheus):
            self.assertEqual(server.fetch("/federate?match[]=a{")[0], 400)

    def check_metadata(self):
        names = "requests_total|restarting_total|temperature|latency_seconds.*|special|up|scrape_.*"
        match = f'{{job="made",__name__=~"{names}"}}'
        ours, theirs = self.both("/api/v1/series", **{"match[]": match})
        key = lambda labels: json.dumps(labels, sort_keys=True)
        self.assertEqual(sorted(ours["data"], key=key), sorted(theirs["data"], key=key))
        self.compare("labels", *self.both("/api/v1/labels", **{"match[]": match}))
        for name in ("__name__", "code", "path", "room", "le", "nothing"):
            self.compare(f"values of {name}", *self.both(f"/api/v1/label/{name}/values", **{"match[]": match}))

    def check_rules_and_alerts(self):
        wanted = ("health", "name", "query", "type", "labels", "annotations", "state", "duration", "alerts")

        def shape(answer):
            groups = answer["data"]["groups"]
            return [(group["name"], group["interval"],
                     [{k: rule.get(k) for k in wanted if k != "alerts"} | {"alerts": alerts(rule)}
                      for rule in group["rules"]]) for group in groups]

        def alerts(rule):
            return sorted(({k: alert.get(k) for k in ("labels", "annotations", "state")}
                           for alert in rule.get("alerts", [])), key=str)

        ours, theirs = self.both("/api/v1/rules")
        self.assertEqual(shape(ours), shape(theirs))
        self.assertEqual(set(theirs["data"]["groups"][0]) - set(ours["data"]["groups"][0]), set())
        ours, theirs = self.both("/api/v1/alerts")
        self.assertEqual(alerts(ours["data"]), alerts(theirs["data"]))

    def check_protocol(self):
        ours, theirs = self.both("/api/v1/targets")
        self.assertEqual(set(theirs["data"]) - set(ours["data"]), set())
        theirs = theirs["data"]["activeTargets"][0]
        ours = next(t for t in ours["data"]["activeTargets"] if t["scrapePool"] == theirs["scrapePool"])
        self.assertEqual(set(theirs) - set(ours), set())
        for field in ("labels", "scrapePool", "scrapeUrl", "health", "lastError", "scrapeInterval", "scrapeTimeout"):
            self.assertEqual(ours[field], theirs[field], field)
        for path in ("/api/v1/alertmanagers", "/api/v1/status/buildinfo"):
            ours, theirs = self.both(path)
            self.assertEqual(set(theirs["data"]) - set(ours["data"]), set(), path)
        status, headers, text = self.tocsin.fetch("/api/v1/query", {"query": "1"})  # POST, as Grafana asks
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
        self.assertEqual(json.loads(text)["data"]["resultType"], "scalar")
        status, _, text = self.tocsin.fetch("/api/v1/rules/test/test")
        self.assertEqual(status, 404)
        self.assertIn("404 page not found", text)
        for path in ("/-/healthy", "/-/ready"):
            self.assertEqual(self.tocsin.fetch(path)[0], 200)
        self.assertEqual(self.tocsin.fetch("/-/reload")[0], self.prometheus.fetch("/-/reload")[0])

