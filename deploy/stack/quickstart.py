"""The stack on a terminal: starts it, prints where everything is, follows the alerts live.

usage: scripts/quickstart [--fault NAME] [--for SECONDS] [--real-times] [--rules seed|recommended|all]
"""
import argparse
import http.client
import pathlib
import signal
import sys
import threading
import time

from stack import Stack, Times
from stack.faults import FAULTS
from stack.stack import ALL_RULES, SEED_RULES, default_program
from stack.times import REAL

RULES = {"seed": SEED_RULES, "recommended": ALL_RULES[1:], "all": ALL_RULES}
FAULT_DIVISOR = 20
SETTLE_SECONDS = 5.0  # what the app looks like in health, before it is broken
PATIENCE_SECONDS = 120


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/quickstart", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs the example stack and tocsin on this machine, and follows the alerts.",
        epilog="faults:\n" + "\n".join(f"  {name:12} {fault.what}; rings {fault.alert}"
                                       for name, fault in FAULTS.items()))
    parser.add_argument("--fault", choices=FAULTS, metavar="NAME",
                        help="break the stack in that way and end once its alert has been received")
    parser.add_argument("--stay", action="store_true", help="with --fault: go on after the alert")
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS",
                        help="end by itself after that time")
    parser.add_argument("--real-times", action="store_true",
                        help="with --fault: alerts take the minutes that the rules say "
                             f"(otherwise every time in them is divided by {FAULT_DIVISOR})")
    parser.add_argument("--rules", choices=RULES, default="all", help="which rules (default: all)")
    return parser.parse_args()


class Follower:
    """Prints every change of an alert's state, and every line that the receiver prints."""

    def __init__(self, stack):
        self._stack = stack
        self._states = {}
        self._printed = 0
        self._reachable = True

    def step(self):
        for line in self._changes():
            print(time.strftime("%H:%M:%S"), line, flush=True)
        for line in self._receiver_lines():
            print(f"\033[1m{line}\033[0m" if sys.stdout.isatty() else line, flush=True)

    def _changes(self):
        try:
            alerts = self._stack.api("/api/v1/alerts")["data"]["alerts"]
        except (OSError, http.client.HTTPException, ValueError) as problem:
            if self._reachable:
                yield f"tocsin does not answer: {problem}"
            self._reachable = False
            return
        self._reachable = True
        now = {tuple(sorted(alert["labels"].items())): alert for alert in alerts}
        for key, alert in now.items():
            if self._states.get(key) != alert["state"]:
                yield f"tocsin   {describe(key)} is {alert['state']}, value {alert.get('value', '')}"
        for key in self._states.keys() - now.keys():
            yield f"tocsin   {describe(key)} is over"
        self._states = {key: alert["state"] for key, alert in now.items()}

    def _receiver_lines(self):
        text = self._stack.receiver.log.read_bytes()
        complete = text.rfind(b"\n") + 1
        lines = text[self._printed:complete].decode(errors="replace").splitlines()
        self._printed = complete
        for line in lines:
            at, _, rest = line.partition(" ")
            yield f"{at} receiver {rest}"


def describe(labels):
    named = dict(labels)
    name = named.pop("alertname", "?")
    return name + " {" + ", ".join(f"{key}={value}" for key, value in named.items()) + "}"


def follow(follower, seconds, until=lambda: False):
    """True as soon as `until` says so; False after `seconds` (None: never)."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while deadline is None or time.monotonic() < deadline:
        follower.step()
        if until():
            return True
        time.sleep(0.25)
    return False


def print_addresses(stack):
    settings = stack.settings
    for name, text in (("tocsin", f"http://{settings.tocsin_address}/"),
                       ("app", f"http://{settings.app_address}/api/dashboard/stats"),
                       ("Alertmanager", f"http://{settings.alertmanager_address}/"),
                       ("Postgres", f"127.0.0.1:{settings.postgres_port}"),
                       ("Redis", f"127.0.0.1:{settings.redis_port}"),
                       ("logs", f"{stack.folder}/*.log")):
        print(f"  {name:13} {text}", flush=True)


def run_fault(stack, follower, name, times, stay):
    fault = FAULTS[name]
    follow(follower, SETTLE_SECONDS)
    print(f"\nbreaking it: {fault.what}. The alert to come: {fault.alert}", flush=True)
    began = time.time()
    breaking = threading.Thread(target=stack.break_it, args=(name,), daemon=True)
    breaking.start()
    arrived = follow(follower, PATIENCE_SECONDS + 600 / times.divisor,
                     lambda: stack.wait_for_alert(fault.alert, "firing", 0, since=began))
    breaking.join()
    follower.step()
    if not arrived:
        print(f"{fault.alert} did not arrive", flush=True)
        return 1
    print(f"\n{fault.alert} rang {time.time() - began:.1f} s after the fault.", flush=True)
    if stay:
        print("Ctrl-C ends it.", flush=True)
        follow(follower, None)
    return 0


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    options = arguments()
    times = Times(FAULT_DIVISOR) if options.fault and not options.real_times else REAL
    program = default_program()
    if not pathlib.Path(program).exists():
        sys.exit(f"quickstart: there is no {program}; scripts/build makes it")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        with Stack(program, times=times, rules=RULES[options.rules],
                   progress=lambda text: print("  " + text, flush=True)) as stack:
            print("\nEverything runs:", flush=True)
            print_addresses(stack)
            follower = Follower(stack)
            if options.fault:
                code = run_fault(stack, follower, options.fault, times, options.stay)
            else:
                print("\nAlerts, as they come (Ctrl-C ends it; --fault NAME breaks something):", flush=True)
                follow(follower, options.seconds)
                code = 0
            print("stopping", flush=True)
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
        code = 0 if not options.fault else 130
    print("everything that was started is gone", flush=True)
    return code

