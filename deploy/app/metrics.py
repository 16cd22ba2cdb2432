"""What the app tells Prometheus: the names that the alert rules and dashboards read.

    http_requests_total{method,endpoint,status}                       counter
    http_request_duration_seconds{method,endpoint,quantile}           quantiles of the last minute
    http_server_request_duration_seconds{method,endpoint,status}      histogram
    videos_processed_total{result}                                    counter, kept in Redis
    app_memory_limit_bytes                                            APP_MEMORY_LIMIT, when it is set
    process_*                                                         of this process

Python's client library has no quantiles, and one name cannot be both a summary and a
histogram: hence the collector below, and the second name.
"""
import collections
import math
import threading
import time

import prometheus_client
import redis
from prometheus_client.core import CounterMetricFamily, Metric

from app import settings

# As text, because the label is text: the dashboards ask for "0.50".
QUANTILES = ("0.50", "0.95", "0.99")
BUCKETS = (.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10)
WINDOW_LIMIT = 10_000  # observations kept per endpoint
PROCESSED_KEY = "metrics:videos_processed:"

REQUESTS = prometheus_client.Counter(
    "http_requests_total", "Requests answered.", ["method", "endpoint", "status"])
HISTOGRAM = prometheus_client.Histogram(
    "http_server_request_duration_seconds", "Time to answer a request.",
    ["method", "endpoint", "status"], buckets=BUCKETS)


class SlidingQuantiles:
    """Exact quantiles of the observations of the last `window` seconds; NaN when there are none.

    Thread-safe.
    """

    def __init__(self, window, clock=time.monotonic):
        self._window = window
        self._clock = clock
        self._lock = threading.Lock()
        self._recent = collections.defaultdict(lambda: collections.deque(maxlen=WINDOW_LIMIT))
        self._count = collections.Counter()
        self._sum = collections.Counter()

    def observe(self, method, endpoint, seconds):
        key = (method, endpoint)
        with self._lock:
            self._recent[key].append((self._clock(), seconds))
            self._count[key] += 1
            self._sum[key] += seconds

    def collect(self):
        family = Metric("http_request_duration_seconds", "Time to answer a request.", "summary")
        oldest = self._clock() - self._window
        with self._lock:
            for key, recent in self._recent.items():
                while recent and recent[0][0] < oldest:
                    recent.popleft()
                labels = {"method": key[0], "endpoint": key[1]}
                values = sorted(seconds for _, seconds in recent)
                for text in QUANTILES:
                    family.add_sample(family.name, labels | {"quantile": text},
                                      quantile(values, float(text)))
                family.add_sample(family.name + "_sum", labels, self._sum[key])
                family.add_sample(family.name + "_count", labels, self._count[key])
        yield family


def quantile(ascending, fraction):
    """The nearest-rank quantile, to a hundredth of a second: finer is noise, and rules that compare
    it with what it was ten minutes ago ring on noise."""
    if not ascending:
        return math.nan
    rank = max(math.ceil(fraction * len(ascending)), 1)
    return round(ascending[rank - 1], 2)


class ProcessedVideos:
    """The worker counts in Redis, so that the figure survives it; left out while Redis is away."""

    def __init__(self, client):
        self._client = client

    def collect(self):
        family = CounterMetricFamily("videos_processed", "Videos processed.", labels=["result"])
        try:
            for result in ("ok", "failed"):
                family.add_metric([result], float(self._client.get(PROCESSED_KEY + result) or 0))
        except redis.RedisError:
            return
        yield family


if settings.MEMORY_LIMIT_BYTES:
    prometheus_client.Gauge("app_memory_limit_bytes", "Memory that the container may take.").set(settings.MEMORY_LIMIT_BYTES)
DURATIONS = SlidingQuantiles(settings.QUANTILE_WINDOW_SECONDS)


def register(client):
    prometheus_client.REGISTRY.register(DURATIONS)
    prometheus_client.REGISTRY.register(ProcessedVideos(client))


def observe_request(method, endpoint, status, seconds):
    REQUESTS.labels(method, endpoint, status).inc()
    HISTOGRAM.labels(method, endpoint, status).observe(seconds)
    DURATIONS.observe(method, endpoint, seconds)
