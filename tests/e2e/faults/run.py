"""One scenario against one peer: what is true, what was told, and how far the two are apart."""
import dataclasses
import pathlib
import shutil
import tempfile
import time

from faults import servers
from stack.settings import Ports

# A production stack's times: the seed's intervals, and Prometheus' defaults. In seconds.
INTERVAL = 15
RESEND = 60
HOLD = 120
TIMEOUT = 10
# What a peer may take beyond `for`: two scrapes, two evaluations, the Alertmanager's own round.
SLACK = 5 * INTERVAL
WARM_UP = 7  # real seconds: Prometheus knows its Alertmanagers only after 5


@dataclasses.dataclass
class Verdict:
    false_resolves: int = 0
    missed: int = 0
    double: int = 0
    delay: float = 0.0  # seconds of the production stack, beyond `for`
    note: str = ""

    @property
    def clean(self):
        return (self.false_resolves, self.missed, self.double) == (0, 0, 0)

    def __str__(self):
        return f"{self.false_resolves} / {self.missed} / {self.double} / {self.delay:.0f} s"


@dataclasses.dataclass
class Episode:
    """An alert that is to ring at `begin` and to be over at `end` (real clock; None: until the last)."""
    who: str
    begin: float
    end: float | None = None


class Run:
    """Everything that one scenario needs, times divided by `divisor`."""

    def __init__(self, peer, program, divisor, tls=False, group=None, comment=""):
        self.divisor = divisor
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-fault-"))
        ports = Ports()
        self.target = servers.Target(self.folder)
        self.webhook = servers.Webhook()
        self.am_address = f"127.0.0.1:{ports.free()}"
        self.alertmanager = servers.alertmanager(self.folder, self.am_address, self.webhook.address,
                                                 INTERVAL / 2 / divisor)
        context, authority = servers.certificate(self.folder) if tls else (None, None)
        self.gate = servers.Gate(self.am_address, late=2 * self.seconds(TIMEOUT), tls=context)
        self.episodes = []
        self._ports = ports
        self._program = program
        self._settings = self._config(authority)
        self._flags = [
            f"--rules.alert.resend-delay={self.duration(RESEND)}",
            f"--rules.alert.for-grace-period={self.duration(600)}",
            f"--rules.alert.for-outage-tolerance={self.duration(3600)}"] + ([] if peer != "tocsin" else [
                f"--alertmanager.min-backoff={self.duration(1)}",
                f"--alertmanager.max-backoff={self.duration(30)}"])
        self.peer = self.another(peer)
        self.rules(group or {}, comment)

    def _config(self, authority):
        manager = {"static_configs": [{"targets": [self.gate.address]}],
                   "timeout": f"{max(1000, self.milliseconds(TIMEOUT))}ms"}
        if authority:
            manager |= {"scheme": "https", "tls_config": {"ca_file": str(authority)}}
        interval = self.duration(INTERVAL)
        return {"global": {"scrape_interval": interval, "scrape_timeout": interval,
                           "evaluation_interval": interval},
                "rule_files": ["rules.yml"], "alerting": {"alertmanagers": [manager]},
                "scrape_configs": [{"job_name": "t", "static_configs": [{"targets": [self.target.address]}]}]}

    def another(self, name, *flags):
        """One more peer over the same configuration and rules, with a state of its own."""
        return servers.Peer(name, str(self._program), self.folder, f"127.0.0.1:{self._ports.free()}",
                            self._settings, [*self._flags, *flags])

    def seconds(self, production):
        return production / self.divisor

    def milliseconds(self, production):
        return int(1000 * production / self.divisor)

    def duration(self, production):
        return f"{self.milliseconds(production)}ms"

    def rules(self, group, comment=""):
        """Writes the rule file; `for` and `keep_firing_for` are seconds of the production stack.

        `comment` stands before the first alert.
        """
        rules = []
        for rule in group.get("rules", []):
            shorter = {key: self.duration(rule[key]) for key in ("for", "keep_firing_for") if key in rule}
            rules.append(rule | shorter)
        document = servers.yaml_text({"groups": [{"name": "g"} | group | {"rules": rules}]})
        if comment:
            document = document.replace("  - alert:", f"  {comment}\n  - alert:", 1)
        self.peer.write("rules.yml", document)

    def wait(self, production):
        time.sleep(self.seconds(production))

    # What is true.

    def begins(self, who, after=HOLD):
        """The condition of `who` holds from now on; it is to ring once that has lasted `after`."""
        self.episodes.append(Episode(who, time.time() + self.seconds(after)))

    def ends(self, who, after=0):
        for episode in self.episodes:
            if episode.who == who and episode.end is None:
                episode.end = time.time() + self.seconds(after)

    def postpone(self, who, production):
        """`who` cannot ring earlier: nobody was there to count."""
        for episode in self.episodes:
            if episode.who == who and episode.end is None:
                episode.begin += self.seconds(production)

    # The run.

    def __enter__(self):
        try:
            self.alertmanager.start().wait_ready(30)
            self.target.set(up_to_date=1)
            self.peer.start()
            time.sleep(WARM_UP)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.peer.process.stop()
        self.alertmanager.stop()
        for served in (self.gate, self.target, self.webhook):
            served.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def settle(self):
        """Long enough that what is to be told has been told, and what must not be would have been."""
        self.wait(4 * max(INTERVAL, RESEND) + 2 * SLACK)

    # What was told.

    def verdict(self):
        return judge(self.episodes, list(self.webhook.events), self.divisor, self.seconds(INTERVAL))


def judge(episodes, events, divisor, interval):
    verdict = Verdict()
    for who in sorted({episode.who for episode in episodes} | {who for _, who, _ in events}):
        mine = sorted((e for e in episodes if e.who == who), key=lambda e: e.begin)
        told = [(at, status) for at, name, status in events if name == who]
        verdict.double += max(0, sum(status == "firing" for _, status in told) - len(mine))
        for at, status in told:
            # An interval of grace: what the peer sees is that old.
            true_then = any(e.begin <= at and (e.end is None or at < e.end - interval) for e in mine)
            verdict.false_resolves += status == "resolved" and true_then
        for index, episode in enumerate(mine):
            until = mine[index + 1].begin if index + 1 < len(mine) else float("inf")
            page = next((at for at, status in told if status == "firing"
                         and episode.begin - 2 * interval <= at < until), None)
            end = None if episode.end is None else next(
                (at for at, status in told if status == "resolved" and episode.end - interval <= at), None)
            # That it is over is missed by those who still take it for firing.
            last = [status for at, status in told if at < until][-1:]
            verdict.missed += (page is None) + (episode.end is not None and end is None and last == ["firing"])
            late = [page - episode.begin] if page else []
            late += [end - episode.end] if end else []
            verdict.delay = max([verdict.delay] + [divisor * seconds for seconds in late])
    return verdict
