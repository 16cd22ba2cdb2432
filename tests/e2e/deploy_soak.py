"""Deploys again and again under constant load: the nightly test. Not part of the test suite.

usage: /usr/bin/python3 tests/e2e/deploy_soak.py [--minutes 60] [--every 120] [--rate 300]
Every third deployment is of a release that fails in traffic, and must roll itself back. Ends with code 1 when a request failed
that no bad release explains, or when a deployment did not end as it should. The gates ask every alert rule of the app but
AppRestarts: a color that gets a version every four minutes does start again and again.
"""
import argparse
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "deploy"), str(ROOT / "tests/e2e")]

import yaml  # noqa: E402: found on the path above
from blue_green import BlueGreen  # noqa: E402
from stack.settings import DEPLOY, write_yaml  # noqa: E402


def write_rules(path):
    document = yaml.safe_load((DEPLOY / "rules/app.yml").read_text())
    for group in document["groups"]:
        group["rules"] = [rule for rule in group["rules"] if rule.get("alert") != "AppRestarts"]
    write_yaml(path, document)
    return f"{DEPLOY}/rules/alerts.yml {path}"


def deploy(stack, version, expected, rate, until):
    """Failed requests of this round; None when the deployment ended otherwise than expected."""
    with stack.load(rate) as load:
        code, output, seconds = stack.run("deploy.sh", version, RULES=write_rules(stack.folder / "rules.yml"))
        time.sleep(max(until - time.monotonic(), 0))
    report = load.report
    print(f"{version}: exit code {code} after {seconds:.0f} s, active {stack.state()['active']}; {report['succeeded']} succeeded, "
          f"{report['failed']} failed, p99 {report['latency_seconds']['p99'] * 1000:.0f} ms", flush=True)
    if code != expected:
        print(output)
        return None
    return report["failed"]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--every", type=float, default=120, help="seconds between two deployments")
    options.add_argument("--rate", type=int, default=300, help="requests a second")
    options = options.parse_args()
    wrong = 0
    with BlueGreen() as stack:
        # An app that starts slowly on a busy machine is no bad release.
        gates = yaml.safe_load((stack.folder / "gates.yml").read_text())
        gates["gates"]["health_check"]["timeout"] = "30s"
        write_yaml(stack.folder / "gates.yml", gates)
        code, output, _ = stack.run("deploy.sh", "good")
        if code != 0:
            print(output)
            return 1
        rate = stack.affordable_rate(options.rate)
        end = time.monotonic() + options.minutes * 60
        rounds = 0
        while time.monotonic() < end:
            rounds += 1
            bad = rounds % 3 == 0
            failed = deploy(stack, "fails-in-traffic" if bad else "good", 1 if bad else 0, rate, time.monotonic() + options.every)
            wrong += 1 if failed is None or (failed and not bad) else 0
        print(f"{rounds} deployments at {rate} requests/s: {wrong} went wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
