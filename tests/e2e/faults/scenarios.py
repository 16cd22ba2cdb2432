"""The faults, one function each: what happens to whom, and what is true meanwhile.

A scenario is a row of SCENARIOS. Its function gets a Run whose peer watches `problem{n}` (1: there is
one) by the rule Broken; the times are those of the production stack (see run.py).
"""
import dataclasses
import pathlib
import subprocess
import sys
import time
from typing import Callable

from faults.run import HOLD, INTERVAL, RESEND

LONG = 6 * RESEND  # silence of this length makes an Alertmanager take an alert for resolved
BROKEN = "Broken,n=1"


def broken(**more):
    return {"alert": "Broken", "expr": "problem > 0", "for": HOLD, "labels": {"severity": "page"}} | more


def group(*rules, **more):
    return {"rules": list(rules) or [broken()]} | more


def ring(run, hold=HOLD):
    """The problem begins, and rings."""
    run.target.set(**{'problem{n="1"}': 1})
    run.begins(BROKEN, hold)
    run.wait(hold + 6 * INTERVAL)


def stop(run, who=BROKEN, after=0):
    run.target.set(**{'problem{n="1"}': 0})
    run.ends(who, after)


def restart(run, down=2 * INTERVAL):
    run.peer.process.kill()
    run.wait(down)
    run.peer.start()


def evaluation_error(run):
    run.target.set(**{"weight": 1})
    ring(run)
    run.target.set(**{'weight{copy="2"}': 1})
    run.wait(LONG)
    run.target.remove('weight{copy="2"}')
    run.wait(LONG)
    stop(run)


def limit_exceeded(run):
    ring(run)
    run.target.set(**{'problem{n="2"}': 1})
    run.wait(LONG)
    run.target.set(**{'problem{n="2"}': 0})
    run.wait(LONG)
    stop(run)


def kill_while_pending(run):
    run.target.set(**{'problem{n="1"}': 1})
    run.begins(BROKEN)
    run.wait(HOLD / 2)
    began = time.time()
    restart(run)
    run.postpone(BROKEN, run.divisor * (time.time() - began))
    run.wait(HOLD + 6 * INTERVAL)
    stop(run)


def kill_while_firing(run, hold=HOLD):
    ring(run, hold)
    restart(run)
    run.wait(LONG)
    stop(run)


KEEP = 8 * RESEND


def kill_while_keep_firing(run):
    ring(run)
    run.target.set(**{'problem{n="1"}': 0})
    began = time.time()
    run.wait(4 * INTERVAL)
    restart(run)
    run.wait(KEEP)
    # It is over after KEEP, whoever was away meanwhile.
    run.ends(BROKEN, KEEP - run.divisor * (time.time() - began))


def reload_with(run, *rules, ends=None, begins=None, after=HOLD):
    ring(run)
    run.rules(group(*rules) if rules else {"rules": [{"record": "x", "expr": "1"}]})
    run.peer.reload()
    if ends:
        run.ends(ends)
    if begins:
        run.begins(begins, after)
    run.wait(LONG)


def reload_changed_expression(run):
    reload_with(run, broken(expr="problem > 0.5"))
    stop(run)


def reload_changed_label(run):
    team = "Broken,n=1,team=db"
    reload_with(run, broken(labels={"severity": "page", "team": "db"}), ends=BROKEN, begins=team)
    stop(run, team)


def reload_longer_for(run):
    longer = 8 * RESEND
    reload_with(run, broken(**{"for": longer}), ends=BROKEN, begins=BROKEN,
                after=longer - (HOLD + 6 * INTERVAL))
    stop(run)


def reload_shorter_for(run):
    reload_with(run, broken(**{"for": HOLD / 2}))
    stop(run)


def reload_removed_rule(run):
    reload_with(run, ends=BROKEN)


def alertmanager_down(run, production=600):
    """One alert ends while nobody listens, another begins."""
    ring(run)
    run.alertmanager.ask_to_stop()
    run.alertmanager.wait(10)
    run.wait(2 * INTERVAL)
    stop(run)
    run.target.set(**{'problem{n="2"}': 1})
    run.begins("Broken,n=2")
    run.wait(production)
    run.alertmanager.start().wait_ready(30)
    came_back(run)


def alertmanager_down_and_kill(run):
    """The alert ends while nobody listens, and the peer is killed before it could tell."""
    ring(run)
    run.alertmanager.ask_to_stop()
    run.alertmanager.wait(10)
    run.wait(2 * INTERVAL)
    stop(run)
    run.wait(6 * INTERVAL)
    restart(run)
    run.wait(LONG)
    run.alertmanager.start().wait_ready(30)
    came_back(run)


def came_back(run):
    """From now on somebody listens: delays count from here."""
    now = time.time()
    for episode in run.episodes:
        if episode.begin < now and not any(
                who == episode.who and status == "firing" for _, who, status in run.webhook.events):
            episode.begin = now
        if episode.end is not None and not any(
                who == episode.who and status == "resolved" for _, who, status in run.webhook.events):
            episode.end = max(now, episode.end)


def gate_fault(run, fault, production=600):
    ring(run)
    run.gate.fault = fault
    stop(run)
    run.target.set(**{'problem{n="2"}': 1})
    run.begins("Broken,n=2")
    run.wait(production)
    run.gate.fault = None
    came_back(run)


def one_alert_refused(run):
    run.gate.fault = "400"
    run.target.set(**{'problem{n="1"}': 1, 'problem{n="poison"}': 1})
    run.begins(BROKEN)
    run.wait(HOLD + LONG)
    stop(run)


def target_gone(run):
    ring(run)
    run.target.go(True)
    run.wait(LONG)
    run.target.go(False)
    run.wait(LONG)
    stop(run)


def series_gone(run):
    ring(run)
    run.target.remove('problem{n="1"}')
    run.wait(LONG)
    run.target.set(**{'problem{n="1"}': 1})
    run.wait(LONG)
    stop(run)


HEAVY = ("quantile_over_time(0.9, (sum by (a) (rate({__name__=~\".+\"}[5m]) * "
         "on() group_left() vector(1)))[6h:50ms])")


def query_overload(run):
    ring(run)
    # In a process of its own: the target must go on answering.
    crowd = subprocess.Popen([sys.executable, pathlib.Path(__file__).with_name("crowd.py"), run.peer.address,
                              HEAVY, "30"], stdin=subprocess.DEVNULL)
    try:
        run.wait(LONG)
        run.target.set(**{'problem{n="2"}': 1})
        run.begins("Broken,n=2")
        run.wait(HOLD + LONG)
    finally:
        crowd.kill()
        crowd.wait()
    stop(run)


@dataclasses.dataclass
class Scenario:
    name: str
    fault: Callable
    group: dict = dataclasses.field(default_factory=group)
    comment: str = ""  # before the alert, for tocsin; Prometheus does not see it
    tls: bool = False
    slower: int = 1  # divides the divisor: where the machine itself is to be short of time


WEIGHTED = broken(expr='(problem > 0) * on (job) group_left () weight{copy=~".*"} > 0')
KEEP_MISSING = "# tocsin: on_missing=keep"

SCENARIOS = [
    Scenario("evaluation error while firing", evaluation_error, group(WEIGHTED)),
    Scenario("limit exceeded while firing", limit_exceeded, group(broken(), limit=1)),
    Scenario("kill -9 and restart while pending", kill_while_pending),
    Scenario("kill -9 and restart while firing, `for` 2 min", kill_while_firing),
    Scenario("kill -9 and restart while firing, `for` 5 min", lambda run: kill_while_firing(run, 300),
             group(broken(**{"for": 300}))),
    Scenario("kill -9 and restart while keep-firing", kill_while_keep_firing,
             group(broken(keep_firing_for=KEEP))),
    Scenario("reload: another expression", reload_changed_expression),
    Scenario("reload: another label", reload_changed_label),
    Scenario("reload: longer `for`", reload_longer_for),
    Scenario("reload: shorter `for`", reload_shorter_for),
    Scenario("reload: the rule is removed", reload_removed_rule),
    Scenario("Alertmanager down for 10 min", alertmanager_down),
    Scenario("Alertmanager down, and kill -9 meanwhile", alertmanager_down_and_kill),
    Scenario("Alertmanager answers 500 for 10 min", lambda run: gate_fault(run, "500")),
    Scenario("Alertmanager answers 400 to one alert", one_alert_refused),
    Scenario("Alertmanager answers too late for 10 min", lambda run: gate_fault(run, "slow")),
    Scenario("Alertmanager refuses TLS for 10 min", lambda run: gate_fault(run, "refuse-tls"), tls=True),
    Scenario("target gone for 6 min", target_gone, comment=KEEP_MISSING),
    Scenario("series gone for 6 min", series_gone, comment=KEEP_MISSING),
    Scenario("query overload for 14 min", query_overload, slower=2),
]
