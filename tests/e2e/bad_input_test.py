"""Input that is wrong: each is told clearly, with its place, and everything else goes on."""
import re
import time

from support import ScrapeTarget, TocsinCase, eventually, scrape_config, send_page

RULES_HEAD = "groups:\n- name: g\n  rules:\n"
GOOD_PAGE = b"# TYPE good_total counter\ngood_total 1\n"

# What a rule file says, and what the program must say of it: place first.
BAD_RULES = {
    "wrong field": ("  - alert: A\n    expr: up == 0\n    fro: 5m\n",
                    r'rules\.yml:6:5: .*"fro".*"for"'),
    "broken expression": ("  - alert: A\n    expr: sum(rate(up[5m]) > 1\n", r"rules\.yml:5:\d+: .*"),
    "unknown function": ("  - record: a\n    expr: rat(up[5m])\n", r'rules\.yml:5:\d+: .*"rat"'),
    "type error": ("  - record: a\n    expr: rate(up)\n", r"rules\.yml:5:\d+: .*range"),
    "broken template": ("  - alert: A\n    expr: up == 0\n    annotations:\n      text: '{{ $labels.job '\n",
                        r"rules\.yml:\d+:\d+: .*(unclosed|template)"),
    "unknown template function": (
        "  - alert: A\n    expr: up == 0\n    annotations:\n      text: '{{ $value | humanise }}'\n",
        r'rules\.yml:\d+:\d+: .*"humanise"'),
    "record and alert": ("  - alert: A\n    record: b\n    expr: up\n", r"rules\.yml:\d+:\d+: "),
    "no expression": ("  - alert: A\n", r"rules\.yml:\d+:\d+: .*expr"),
    "bad duration": ("  - alert: A\n    expr: up == 0\n    for: 5 minutes\n", r"rules\.yml:6:\d+: .*5 minutes"),
    "bad YAML": ("  - alert: A\n   expr: up\n", r"rules\.yml:\d+:\d+: "),
}
BAD_CONFIGS = {
    "unknown field": ("global:\n  scrape_intervall: 5s\n",
                      r'tocsin\.yml:2:3: .*"scrape_intervall".*"scrape_interval"'),
    "unknown collector field": ("collectors:\n  postgres:\n  - url: postgresql://h/d\n    activity_label: []\n",
                                r'tocsin\.yml:4:5: .*"activity_label".*"activity_labels"'),
    "bad duration": ("global:\n  scrape_interval: soon\n", r"tocsin\.yml:2:\d+: .*soon"),
    "timeout above interval": ("global: {scrape_interval: 5s}\nscrape_configs:\n- job_name: a\n"
                               "  scrape_timeout: 10s\n", r"tocsin\.yml:\d+:\d+: .*timeout"),
    "same job twice": ("scrape_configs:\n- job_name: a\n- job_name: a\n", r'tocsin\.yml:3:\d+: .*"a"'),
    "missing rule file": ("rule_files: [nowhere.yml]\n", r"nowhere\.yml"),
    "unset variable": ("collectors:\n  redis:\n  - url: ${NO_SUCH_VARIABLE}\n", r"NO_SUCH_VARIABLE"),
}


class BadFiles(TocsinCase):
    def test_bad_rule_files_are_refused(self):
        for name, (rules, pattern) in BAD_RULES.items():
            with self.subTest(name):
                (self.folder / "tocsin.log").unlink(missing_ok=True)
                self.write("rules.yml", RULES_HEAD + rules)
                self.assertRegex(self.refuse({"rule_files": ["rules.yml"]}), pattern)

    def test_bad_configurations_are_refused(self):
        for name, (text, pattern) in BAD_CONFIGS.items():
            with self.subTest(name):
                (self.folder / "tocsin.log").unlink(missing_ok=True)
                self.assertRegex(self.refuse(self.write("tocsin.yml", text)), pattern)

    def test_missing_configuration(self):
        self.assertRegex(self.refuse(self.folder / "absent.yml"), r"absent\.yml")

    def test_an_address_that_is_taken(self):
        taken = ScrapeTarget(b"")
        self.addCleanup(taken.close)
        self.assertRegex(self.refuse({}, flags=[f"--web.listen-address={taken.address}"]),
                         taken.address.replace(".", r"\."))


class BadTargets(TocsinCase):
    """A good target beside a bad one: the good one must be scraped as if it were alone."""

    def setUp(self):
        super().setUp()
        self.good = ScrapeTarget(GOOD_PAGE)
        self.addCleanup(self.good.close)

    def serve_with(self, page, **more):
        self.bad = ScrapeTarget(page)
        self.addCleanup(self.bad.close)
        self.serve(scrape_config(self.good, self.bad, **more))

    def check(self, pattern, seconds=3.0):
        """The bad target is down and says why; the good one misses nothing."""
        def down():
            target = self.target_health(self.bad.address)
            return target and target["health"] == "down" and re.search(pattern, target["lastError"])

        self.assertTrue(eventually(down), self.server.get("/api/v1/targets"))
        self.assertEqual(self.server.value('up{job="t1"}'), 0)
        self.assertTrue(eventually(lambda: self.server.query('good_total{job="t0"}')))
        oldest = 0.0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            oldest = max(oldest, self.server.value('time() - timestamp(good_total{job="t0"})'))
            time.sleep(0.05)
        print(f"the good target's oldest sample: {oldest:.2f} s")
        self.assertLess(oldest, 2.0)
        self.assertEqual(self.server.value('min_over_time(up{job="t0"}[2s])'), 1)

    def test_a_page_cut_in_the_middle_of_a_line(self):
        self.serve_with(b'a 1\nb{x="1"} 2\nc{x="un')
        self.check(r"line 3|3:\d+")
        self.assertEqual(self.server.query('{job="t1",__name__=~"a|b"}'), [])

    def test_a_connection_cut_in_the_middle_of_a_page(self):
        self.serve_with(lambda handler: send_page(handler, b"a 1\nb 2\n", length=1000) or handler.connection.close())
        self.check(r".+")
        self.assertEqual(self.server.query('{job="t1",__name__=~"a|b"}'), [])

    def test_a_target_that_never_answers(self):
        self.serve_with(lambda handler: time.sleep(30), interval="500ms")
        self.check(r"no answer within")

    def test_a_target_that_refuses(self):
        closed = ScrapeTarget(b"")
        closed.close()
        self.bad = closed
        self.serve(scrape_config(self.good, closed))
        self.check(r"(?i)connect|refused")

    def test_an_error_page(self):
        def fail(handler):
            handler.send_error(500)
        self.serve_with(fail)
        self.check(r"500")

    def test_not_metrics_at_all(self):
        self.serve_with(b"<html><body>It works!</body></html>\n")
        self.check(r"line 1|1:\d+")

    def test_a_page_of_100_megabytes(self):
        line = b'big_metric_with_a_long_name{label="%08d"} 1\n'
        page = b"".join(line % number for number in range(100_000))
        page *= 100 * 1024 * 1024 // len(page) + 1
        self.serve_with(page, interval="2s")
        deadline = time.monotonic() + 60

        def down():
            target = self.target_health(self.bad.address)
            return target and target["health"] == "down" and target["lastError"]

        self.assertTrue(eventually(down, timeout=60), self.server.get("/api/v1/targets"))
        self.assertLess(time.monotonic(), deadline)
        self.assertRegex(self.target_health(self.bad.address)["lastError"], r"(?i)size|bytes|large|limit|MiB|MB")
        self.assertTrue(eventually(lambda: self.server.value('min_over_time(up{job="t0"}[6s])') == 1))
        peak = int(next(line for line in open(f"/proc/{self.process.pid}/status", encoding="ascii")
                        if line.startswith("VmHWM")).split()[1]) // 1024
        print(f"peak memory {peak} MiB")
        self.assertLess(peak, 250)


class BadAtRunTime(TocsinCase):
    def test_a_template_that_fails_when_it_is_expanded(self):
        target = ScrapeTarget(GOOD_PAGE)
        self.addCleanup(target.close)
        self.write("rules.yml", RULES_HEAD + "  - alert: A\n    expr: good_total == 1\n    annotations:\n"
                   "      text: '{{ query \"nothing\" | first | value }}'\n"
                   "  - record: after\n    expr: good_total + 1\n")
        self.serve(scrape_config(target, rule_files=["rules.yml"]))
        alerts = lambda: self.server.get("/api/v1/alerts")["data"]["alerts"]
        self.assertTrue(eventually(alerts))
        self.assertRegex(alerts()[0]["annotations"]["text"], r"error expanding template.*first\(\) called on vector")
        self.assertTrue(eventually(lambda: self.server.value("after") == 2))

    def test_a_rule_that_fails_when_it_is_evaluated(self):
        target = ScrapeTarget(b'a{x="1"} 1\na{x="2"} 1\nb{y="1"} 1\nb{y="2"} 1\n')
        self.addCleanup(target.close)
        self.write("rules.yml", RULES_HEAD + "  - record: broken\n    expr: a / on (job) b\n"
                   "  - record: fine\n    expr: count(a)\n")
        self.serve(scrape_config(target, rule_files=["rules.yml"]))
        self.assertTrue(eventually(lambda: self.server.value("fine") == 2))
        rules = {rule["name"]: rule for group in self.server.get("/api/v1/rules")["data"]["groups"]
                 for rule in group["rules"]}
        self.assertEqual(rules["broken"]["health"], "err")
        self.assertIn("many-to-many", rules["broken"]["lastError"])
        self.assertEqual(rules["fine"]["health"], "ok")
