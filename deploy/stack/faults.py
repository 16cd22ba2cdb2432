"""The ways to break the stack, and the alert that each of them raises."""
import dataclasses
import json
import urllib.request
from collections.abc import Callable

from stack import traffic
from stack.settings import MAX_CONNECTIONS

MIB = 1024 * 1024
BALLAST_MIB = 2200  # the rule's limit is 2 GiB
BACKLOG = 25


@dataclasses.dataclass(frozen=True)
class Fault:
    what: str   # what is broken, for the one who watches
    alert: str  # the alert that rings first
    begin: Callable
    end: Callable


def app_fault(**wanted):
    return lambda stack: send(stack, "POST", wanted)


def repair_app(stack):
    send(stack, "DELETE", {})


def send(stack, method, body):
    request = urllib.request.Request(f"http://{stack.settings.app_address}/fault", method=method,
                                     data=json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=60).close()


def fill_memory(stack):
    available = available_mib()
    if available < BALLAST_MIB + 500:
        raise RuntimeError(f"the fault needs {BALLAST_MIB} MiB of memory; {available} MiB are free")
    send(stack, "POST", {"memory_mib": BALLAST_MIB})


def available_mib():
    with open("/proc/meminfo", encoding="ascii") as lines:
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable"))


def stop_worker(stack):
    stack.worker.freeze()
    for _ in range(BACKLOG):
        traffic.request(stack.settings.app_address, *traffic.UPLOAD)


FAULTS = {
    "slow": Fault("every API request takes 1.5 s longer", "HighResponseTime",
                  app_fault(slow=1.5), repair_app),
    "errors": Fault("three of ten API requests fail", "HighErrorRate",
                    app_fault(errors=0.3), repair_app),
    "memory": Fault(f"the app takes {BALLAST_MIB} MiB of memory", "HighMemoryUsage",
                    fill_memory, repair_app),
    "connections": Fault("the app leaks database connections", "DatabaseConnectionPoolHigh",
                         app_fault(connections=MAX_CONNECTIONS - 13), repair_app),
    "queue": Fault("the Celery worker hangs while videos are uploaded", "VideoProcessingQueueBacklog",
                   stop_worker, lambda stack: stack.worker.thaw()),
    "regression": Fault("every API request takes 0.8 s longer", "PerformanceRegression",
                        app_fault(slow=0.8), repair_app),
    "app-down": Fault("the app is killed", "TargetDown",
                      lambda stack: stack.app.kill(), lambda stack: stack.restart_app()),
}
