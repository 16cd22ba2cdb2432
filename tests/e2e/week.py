"""Two weeks of a service that never was, as OpenMetrics text, and what is true about it.

The samples come from a model: so many requests, failures and videos per interval, by the hour of the day, with an
outage, a slow evening, a queue that backs up and a gap in the data. `Truth` reads the samples back and computes the
figures of a report by the definitions of PromQL, in code that shares nothing with tocsin's.
"""
import bisect
import collections
import math
import random
import re

STEP = 120
HOUR, DAY, WEEK = 3600, 86400, 7 * 86400
END = 1795392000  # Monday 2026-11-23 00:00 UTC
MIDDLE, BEGIN = END - WEEK, END - 2 * WEEK
DATA_BEGINS = BEGIN + 2 * DAY  # five of the seven days before are covered
GAP = (END - 3 * DAY + 4 * HOUR, END - 3 * DAY + 7 * HOUR)  # nothing was collected
OUTAGE = (END - 2 * DAY + 15 * HOUR, END - 2 * DAY + 15 * HOUR + 24 * 60)  # the probe fails
BOUNDS = ("0.1", "0.25", "0.5", "1.0", "2.5", "+Inf")
ENDPOINTS = {  # requests per interval at noon, shares of the buckets
    "/api/videos": (90, (0.55, 0.30, 0.10, 0.03, 0.015, 0.005)),
    "/api/upload": (12, (0.05, 0.25, 0.40, 0.20, 0.08, 0.02)),
    "/api/stats": (40, (0.92, 0.05, 0.02, 0.006, 0.003, 0.001)),
}
# name, severity, begin, end: seconds from MIDDLE, on whole minutes.
ALERTS = (
    ("HighErrorRate", "critical", 2 * DAY + 600, 2 * DAY + 1500),
    ("HighErrorRate", "critical", 5 * DAY + 15 * HOUR + 180, 5 * DAY + 15 * HOUR + 1620),
    ("HighErrorRate", "critical", -3 * DAY, -3 * DAY + 900),
    ("HighResponseTime", "warning", 3 * DAY + 18 * HOUR, 3 * DAY + 22 * HOUR + 60),
    ("VideoProcessingQueueBacklog", "warning", 7 * DAY - 2 * HOUR, 7 * DAY),  # still firing
    ("TargetDown", "critical", -300, 300),  # began before
    ("Watchdog", "none", -12 * DAY, 7 * DAY),
)


def lively(t):
    """How much of the traffic of noon there is."""
    return 0.35 + 0.65 * max(0.0, math.sin(math.pi * ((t % DAY) / HOUR - 6) / 16))


def collected(t):
    return t >= DATA_BEGINS and not GAP[0] < t <= GAP[1]


def generate(seed=7):
    """{series text: [(time, value)]}, counters included."""
    rng = random.Random(seed)
    series = collections.defaultdict(list)
    counters = collections.Counter()
    videos = 0
    for t in range(DATA_BEGINS, END + 1, STEP):
        evening = MIDDLE + 3 * DAY + 18 * HOUR <= t < MIDDLE + 3 * DAY + 22 * HOUR
        down = OUTAGE[0] <= t < OUTAGE[1]
        for endpoint, (noon, shares) in ENDPOINTS.items():
            count = int(noon * lively(t) * rng.uniform(0.8, 1.2))
            failures = sum(rng.random() < (0.3 if down else 0.002) for _ in range(count))
            refused = sum(rng.random() < 0.01 for _ in range(count))
            for status, n in (("200", count - failures - refused), ("404", refused), ("500", failures)):
                counters["requests", endpoint, status] += n
            weights = shares if not evening else shares[1:] + (0.05,)
            drawn = collections.Counter(rng.choices(range(6), weights, k=count))
            total = 0
            for i, bound in enumerate(BOUNDS):
                total += drawn[i]
                counters["bucket", endpoint, bound] += total
            counters["sum", endpoint] += sum(n * (0.05, 0.17, 0.35, 0.7, 1.6, 4)[i] for i, n in drawn.items())
        made = int(3 * lively(t) * rng.uniform(0, 2))
        videos += made
        counters["videos", "failed"] += rng.random() < 0.05
        counters["hits"] += int(400 * lively(t) * rng.uniform(0.7, 1))
        counters["misses"] += int(30 * lively(t) * rng.uniform(0.7, 1.5))
        counters["cpu"] += STEP * 0.4 * lively(t)
        if not collected(t):
            continue
        app = 'job="ai-validation-app",instance="app:8000"'
        for endpoint in ENDPOINTS:
            for status in ("200", "404", "500"):
                series[f'http_requests_total{{{app},method="GET",endpoint="{endpoint}",status="{status}"}}'].append(
                    (t, counters["requests", endpoint, status]))
            name = "http_server_request_duration_seconds"
            labels = f'{app},endpoint="{endpoint}"'
            for bound in BOUNDS:
                series[f'{name}_bucket{{{labels},le="{bound}"}}'].append((t, counters["bucket", endpoint, bound]))
            series[f"{name}_count{{{labels}}}"].append((t, counters["bucket", endpoint, "+Inf"]))
            series[f"{name}_sum{{{labels}}}"].append((t, round(counters["sum", endpoint], 6)))
        for result, n in (("ok", videos), ("failed", counters["videos", "failed"])):
            series[f'videos_processed_total{{{app},result="{result}"}}'].append((t, n))
        series[f"process_resident_memory_bytes{{{app}}}"].append(
            (t, 180_000_000 + (t % DAY) * 1500 + rng.randrange(10_000_000)))
        series[f"process_cpu_seconds_total{{{app}}}"].append((t, round(counters["cpu"], 3)))
        series['probe_success{job="probe",instance="http://app/health"}'].append((t, 0 if down else 1))
        backlog = 40 if t >= END - 2 * HOUR else 3 * lively(t)
        series['celery_queue_length{job="celery",instance="r:6379",queue_name="celery"}'].append(
            (t, int(backlog * rng.uniform(0, 1))))
        series['celery_queue_length{job="celery",instance="r:6379",queue_name="thumbnails"}'].append(
            (t, rng.randrange(3)))
        redis = 'job="redis",instance="r:6379"'
        series[f"redis_keyspace_hits_total{{{redis}}}"].append((t, counters["hits"]))
        series[f"redis_keyspace_misses_total{{{redis}}}"].append((t, counters["misses"]))
        series['pg_stat_activity_count{job="postgres",instance="p:5432"}'].append((t, 8 + rng.randrange(20)))
        series['pg_settings_max_connections{job="postgres",instance="p:5432"}'].append((t, 50))
        series[f"up{{{app}}}"].append((t, 1))
    for name, severity, begin, end in ALERTS:
        # Evaluated each minute, in its middle; alerts go on where nothing else was collected.
        text = f'ALERTS{{alertname="{name}",alertstate="firing",severity="{severity}"}}'
        for t in range(max(MIDDLE + begin, DATA_BEGINS), MIDDLE + end, 60):
            series[text].append((t + 30, 1))
    return series


def open_metrics(series):
    """The text of `promtool tsdb create-blocks-from openmetrics` and of tocsin's --input. Untyped: the names stay."""
    families = collections.defaultdict(list)
    for text, samples in series.items():
        families[text.partition("{")[0]].append((text, samples))
    lines = []
    for name in sorted(families):
        lines.append(f"# TYPE {name} unknown")
        for text, samples in families[name]:
            lines += [f"{text} {value} {t}" for t, value in samples]
    return "\n".join(lines) + "\n# EOF\n"


DEPLOYMENTS = (
    {"version": "1.4.0", "to": "green", "started": "2026-11-10T09:00:00Z", "finished": "2026-11-10T09:20:00Z",
     "result": "succeeded", "committed": "2026-11-10T07:00:00Z", "gates": {"pre": "pass", "post": "pass"}},
    {"version": "1.5.0", "to": "blue", "started": "2026-11-17T09:00:00Z", "finished": "2026-11-17T09:30:00Z",
     "result": "succeeded", "committed": "2026-11-17T08:00:00Z", "gates": {"pre": "pass", "step-5": "pass"}},
    {"version": "1.5.1", "to": "green", "started": "2026-11-19T14:00:00Z", "finished": "2026-11-19T14:06:00Z",
     "result": "rolled_back", "committed": "", "reason": "phase shift ended with exit code 1",
     "gates": {"pre": "pass", "step-5": "fail"},
     "deciding": {"step-5": {"check": "performance_validation.error_rate_max", "why": "2.1% is above 1%"}}},
    {"version": "1.5.2", "to": "green", "started": "2026-11-20T10:00:00Z", "finished": "2026-11-20T10:40:00Z",
     "result": "succeeded", "committed": "2026-11-20T07:40:00Z", "gates": {"pre": "pass"}},
)


class Truth:
    """The figures of (begin, end], from the text that `open_metrics` gives."""

    def __init__(self, text, begin, end):
        self.begin, self.end = begin, end
        self.series = collections.defaultdict(list)  # of the period
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, value, t = line.rsplit(" ", 2)
            if begin < int(t) <= end:
                self.series[name].append((int(t), float(value)))

    def select(self, name, **labels):
        """(labels, samples) of the series of that name whose labels match the regular expressions."""
        for text, samples in self.series.items():
            own = dict(re.findall(r'(\w+)="([^"]*)"', text))
            if text.partition("{")[0] == name and all(
                    re.fullmatch(pattern, own.get(label, "")) for label, pattern in labels.items()):
                yield own, samples

    def increase(self, samples):
        """PromQL's: what was counted, extended to the edges of the period where the first and the last sample are
        not much farther from them than from each other."""
        if len(samples) < 2:
            return None
        counted = samples[-1][1] - samples[0][1]
        counted += sum(a for (_, a), (_, b) in zip(samples, samples[1:]) if b < a)
        sampled = samples[-1][0] - samples[0][0]
        apart = sampled / (len(samples) - 1)
        to_begin, to_end = samples[0][0] - self.begin, self.end - samples[-1][0]
        to_begin = apart / 2 if to_begin >= 1.1 * apart else to_begin
        if counted > 0 and samples[0][1] >= 0:
            to_begin = min(to_begin, sampled * samples[0][1] / counted)
        to_end = apart / 2 if to_end >= 1.1 * apart else to_end
        return counted * (sampled + to_begin + to_end) / sampled

    def total(self, name, **labels):
        parts = [self.increase(samples) for _, samples in self.select(name, **labels)]
        return math.fsum(part for part in parts if part is not None)

    def values(self, name, **labels):
        return [value for _, samples in self.select(name, **labels) for _, value in samples]

    def quantile(self, q, **labels):
        name = "http_server_request_duration_seconds_bucket"
        counts = [self.total(name, le=re.escape(bound), **labels) for bound in BOUNDS]
        rank = q * counts[-1]
        at = next(i for i, count in enumerate(counts) if count >= rank)
        if at == len(BOUNDS) - 1:
            return float(BOUNDS[-2])
        below = float(BOUNDS[at - 1]) if at else 0.0
        under = counts[at - 1] if at else 0.0
        return below + (float(BOUNDS[at]) - below) * (rank - under) / (counts[at] - under)

    def share(self, status):
        return self.total("http_requests_total", status=status) / self.total("http_requests_total")

    def coverage(self, name):
        """The share of five-minute marks that have a sample within the five minutes before."""
        times = sorted({t for _, samples in self.select(name) for t, _ in samples})
        marks = range(self.begin + 300, self.end + 1, 300)
        return sum(any(mark - 300 < t <= mark for t in times_near(times, mark)) for mark in marks) / len(marks)

    def figures(self):
        hours = (self.end - self.begin) / HOUR
        probe = self.values("probe_success")
        bucket = "http_server_request_duration_seconds_bucket"
        videos = self.total("videos_processed_total", result="ok")
        failed = self.total("videos_processed_total", result="failed")
        hits, misses = self.total("redis_keyspace_hits_total"), self.total("redis_keyspace_misses_total")
        return {
            "Availability": 1 - max(self.share("5.."), 1 - sum(probe) / len(probe)),
            "Requests": self.total("http_requests_total"),
            "Failed requests (5xx)": self.share("5.."),
            "Refused requests (4xx)": self.share("4.."),
            "Response time, median": self.quantile(0.5),
            "Response time, 95th percentile": self.quantile(0.95),
            "Response time, 99th percentile": self.quantile(0.99),
            "User experience (Apdex, 0.25s)":
                (self.total(bucket, le=re.escape("0.25")) + self.total(bucket, le=re.escape("1.0"))) / 2
                / self.total("http_server_request_duration_seconds_count"),
            "Videos processed": videos,
            "Throughput": videos / hours,
            "Videos that failed": failed / (videos + failed),
            "Memory of the app, peak": max(self.values("process_resident_memory_bytes")),
            "Processors used by the app, mean": self.total("process_cpu_seconds_total") / (self.end - self.begin),
            "Cache hits": hits / (hits + misses),
            "Tasks waiting, peak": max(self.values("celery_queue_length")),
        }


def times_near(times, mark):
    """Those of the ascending times that may lie within five minutes before the mark."""
    return times[bisect.bisect_right(times, mark - 300):bisect.bisect_right(times, mark)]


def alert_truth():
    """{name: (fired, episodes, seconds firing, longest, still firing)} of the week after MIDDLE."""
    truth = {}
    for name, _, begin, end in ALERTS:
        if end <= 0 or name == "Watchdog":
            continue
        fired, episodes, firing, longest, now = truth.get(name, (0, 0, 0, 0, 0))
        seconds = min(end, WEEK) - max(begin, 0)
        truth[name] = (fired + (begin > 0), episodes + 1, firing + seconds, max(longest, seconds), now + (end >= WEEK))
    return truth
