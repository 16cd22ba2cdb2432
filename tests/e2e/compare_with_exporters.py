"""Runs the exporters that Debian has beside tocsin on the same live servers, and prints what differs.

usage: compare_with_exporters.py [NAME…]        (run_case.py's folders must be on the path: see below)
    PYTHONPATH=deploy:tests/e2e TOCSIN_BINARY=build/release/tocsin python3 tests/e2e/compare_with_exporters.py

One section per exporter: a class with a name, the servers it needs, and what is known to differ and why. For every
family of the exporter: is it there, with the same type, label names and label values, and does its value lie between
those of the exporter just before and just after (with room for gauges that move)?
"""
import contextlib
import dataclasses
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from stack.settings import Ports, write_yaml
from stack.stack import default_program

# Of the exporters' own processes.
OWN = re.compile(r"(go|process|promhttp|python)_.*|.*_build_info|.*_exporter_.*|.*_scrape_(duration|collector).*")


def fetch(address, path="/metrics"):
    with urllib.request.urlopen(f"http://{address}{path}", timeout=30) as answer:
        return answer.read().decode()


def wait_for(condition, what, timeout=60):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if condition():
                return
        time.sleep(0.05)
    raise RuntimeError(f"{what} did not come within {timeout} s")


def read_page(text, dropped=()):
    """{family: (type, {(sample name, labels without job, instance and those dropped): value})}"""
    families = {}
    for family in text_string_to_metric_families(text):
        samples = {(sample.name, tuple(sorted((name, value) for name, value in sample.labels.items()
                                              if name not in ("job", "instance", *dropped) and value != ""))): sample.value
                   for sample in family.samples}
        families[family.name] = ("untyped" if family.type == "unknown" else family.type, samples)
    return families


@dataclasses.dataclass
class Section:
    """What one comparison needs. A child starts servers and knows what may differ."""
    folder: pathlib.Path
    ports: Ports
    processes: list = dataclasses.field(default_factory=list)

    name = ""
    collector = ""  # of tocsin
    command = ()
    dropped_labels = ()  # of the exporter alone
    other_types = {}     # family -> the type that later versions of the exporter, and tocsin, have
    different = {}  # regular expression of family names -> why they differ
    interval = "200ms"  # of tocsin's collections
    pause = 0.5         # until one of them is over
    least = 5           # families, before tocsin is said to have come
    otherwise = {}  # the same for families that are there, and differ
    moving = ()     # regular expressions of families whose values move by themselves
    ignored = {}    # label -> regular expression of values whose samples are not compared

    def start(self, *command, **more):
        log = open(self.folder / (pathlib.Path(str(command[0])).name + ".log"), "ab")  # pylint: disable=consider-using-with
        process = subprocess.Popen([str(part) for part in command], cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=subprocess.STDOUT, **more)
        log.close()
        self.processes.append(process)
        return process

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start_servers(self):
        """Returns the address of the exporter and tocsin's section `collectors`."""
        raise NotImplementedError


class NodeSection(Section):
    name = "prometheus-node-exporter"
    collector = "node"
    different = {
        r"node_(arp_entries|nf_conntrack.*|rapl.*|hwmon.*|edac.*|thermal_zone.*|dmi_info|os_.*|selinux.*|nvme.*|"
        r"btrfs.*|xfs.*|zfs.*|nfs.*|md.*|bonding.*|infiniband.*|fibrechannel.*|tapestats.*|ipvs.*|bcache.*)":
            "hardware and file systems that tocsin leaves out",
        r"node_disk_(info|device_mapper_info|ata.*|filesystem_info)": "names of hardware",
        r"node_network_(address_assign_type|flags|iface_.*|info|name_assign_type|net_dev_group|protocol_type|device_id|"
        r"dormant|transmit_queue_length|carrier_.*)": "attributes of devices that no rule or dashboard asks for",
        r"node_netstat_.*": "the fields that dashboards ask for; compared where both have them",
        r"node_exporter_.*": "the exporter itself",
        r"node_cpu_(frequency|core|package)_.*": "attributes of hardware",
        r"node_time_(zone_offset_seconds|clocksource_.*)": "settings of the clock that no rule or dashboard asks for",
    }
    # Compressed memory as a disk: newer versions of the exporter leave it out, too.
    ignored = {"device": r"zram\d+"}
    moving = (r"node_(time|load|memory|procs|sockstat|filefd|entropy|timex|pressure|schedstat|softnet|netstat|vmstat|"
              r"disk|cpu|context|intr|forks|filesystem|network|udp|cooling)_?.*",)

    def start_servers(self):
        port = self.ports.free()
        (self.folder / "text").mkdir()
        (self.folder / "text/backup.prom").write_text("# HELP backup_age A.\n# TYPE backup_age gauge\nbackup_age 5\n")
        self.start("/usr/bin/prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}",
                   f"--collector.textfile.directory={self.folder}/text")
        return f"127.0.0.1:{port}", {"node": {"textfile_directory": f"{self.folder}/text"}}


class NginxSection(Section):
    name = "prometheus-nginx-exporter"
    collector = "nginx"
    different = {r"nginxexporter_.*": "the exporter itself"}
    moving = (r"nginx_.*",)

    def start_servers(self):
        web, port = self.ports.free(), self.ports.free()
        config = self.folder / "nginx.conf"
        temporary = " ".join(f"{kind}_temp_path {self.folder}/{kind};"
                             for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config.write_text(f"daemon off; pid {self.folder}/nginx.pid; error_log {self.folder}/error.log;\n"
                          "events { worker_connections 64; }\n"
                          f"http {{ access_log off; {temporary}\n  server {{ listen 127.0.0.1:{web};\n"
                          "    location / { return 200; } location /status { stub_status; } } }\n")
        self.start("/usr/sbin/nginx", "-c", config, "-p", self.folder)
        status = f"127.0.0.1:{web}"
        wait_for(lambda: fetch(status, "/status"), "nginx")
        self.start("/usr/bin/prometheus-nginx-exporter", f"-nginx.scrape-uri=http://{status}/status",
                   f"-web.listen-address=127.0.0.1:{port}")
        return f"127.0.0.1:{port}", {"nginx": {"stub_status_url": f"http://{status}/status"}}


class BlackboxSection(Section):
    name = "prometheus-blackbox-exporter"
    collector = "probe"
    different = {r"probe_ip_addr_hash": "an address as a number, which no rule asks for",
                 r"probe_http_last_modified_timestamp_seconds": "of the page, not of the server"}
    moving = (r"probe_.*(duration|time)_seconds",)

    def start_servers(self):
        web, port = self.ports.free(), self.ports.free()
        self.start(sys.executable, "-m", "http.server", web, "--bind", "127.0.0.1")
        target = f"http://127.0.0.1:{web}/"
        wait_for(lambda: fetch(f"127.0.0.1:{web}", "/"), "the web server")
        config = self.folder / "blackbox.yml"
        write_yaml(config, {"modules": {"http_2xx": {"prober": "http"}}})
        self.start("/usr/bin/prometheus-blackbox-exporter", f"--config.file={config}",
                   f"--web.listen-address=127.0.0.1:{port}")
        self.path = f"/probe?module=http_2xx&target={target}"
        return f"127.0.0.1:{port}", {"probe": {"target": target}}


SECTIONS = (NodeSection, NginxSection, BlackboxSection)


@dataclasses.dataclass
class Outcome:
    name: str
    families: int = 0
    same: int = 0
    explained: dict = dataclasses.field(default_factory=dict)  # family -> why it differs
    problems: list = dataclasses.field(default_factory=list)


def label_names(samples):
    return {tuple(name for name, _ in labels) for _, labels in samples}


def kept(section, samples):
    """The samples without those that the section ignores by a label's value."""
    return {key: value for key, value in samples.items()
            if not any(re.fullmatch(section.ignored.get(name, "(?!)"), text) for name, text in key[1])}


def compare_family(section, family, before, after, ours):
    """What is wrong with our family, or None."""
    kind, samples = before[0], kept(section, before[1])
    after = (after[0], kept(section, after[1]))
    if ours is None:
        return "missing"
    if ours[0] != section.other_types.get(family, kind):
        return f"type {ours[0]} instead of {kind}"
    if label_names(ours[1]) != label_names(samples) and label_names(ours[1]) != label_names(after[1]):
        return f"labels {sorted(label_names(ours[1]))} instead of {sorted(label_names(samples))}"
    # Devices and processes come and go; what both saw before and after must be there.
    steady = set(samples) & set(after[1])
    missing = steady - set(ours[1])
    if missing:
        return f"without {sorted(missing)[:3]}"
    moves = any(re.fullmatch(pattern, family) for pattern in section.moving)
    for key in steady:
        low, high = sorted((samples[key], after[1][key]))
        room = 0.2 * max(abs(low), abs(high)) + 16 if moves else 1e-9
        value = ours[1][key]
        if value == value and low == low and not low - room <= value <= high + room:
            return f"{key[0]}{dict(key[1])} is {value}, theirs {low} to {high}"
    return None


def compare(section):
    outcome = Outcome(section.name)
    address, collectors = section.start_servers()
    path = getattr(section, "path", "/metrics")
    wait_for(lambda: fetch(address, path), section.name)
    port = section.ports.free()
    write_yaml(section.folder / "tocsin.yml", {"global": {"scrape_interval": section.interval}, "collectors": collectors})
    section.start(default_program(), "serve", f"--config.file={section.folder}/tocsin.yml",
                  f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={section.folder}/data")
    own_path = f"/metrics?collect[]={section.collector}"
    wait_for(lambda: len(read_page(fetch(f"127.0.0.1:{port}", own_path))) > section.least,
             "tocsin")
    before = read_page(fetch(address, path), section.dropped_labels)
    time.sleep(section.pause)
    ours = read_page(fetch(f"127.0.0.1:{port}", own_path))
    after = read_page(fetch(address, path), section.dropped_labels)
    for family, theirs in sorted(before.items()):
        if OWN.fullmatch(family) or family not in after:
            continue
        outcome.families += 1
        problem = compare_family(section, family, theirs, after[family], ours.get(family))
        reasons = [why for pattern, why in section.different.items() if re.fullmatch(pattern, family)]
        otherwise = [why for pattern, why in section.otherwise.items() if re.fullmatch(pattern, family)]
        if problem is None:
            outcome.same += 1
        elif otherwise:
            outcome.explained[family] = otherwise[0]
        elif reasons and problem == "missing":
            outcome.explained[family] = reasons[0]
        else:
            outcome.problems.append(f"{family}: {problem}")
    return outcome


def run_section(section_class):
    with tempfile.TemporaryDirectory(prefix="tocsin-compare-") as folder:
        section = section_class(pathlib.Path(folder), Ports())
        try:
            return compare(section)
        finally:
            section.stop()


def main(names, sections=SECTIONS):
    print(f"{'exporter':<32} {'families':>8} {'same':>6} {'left out':>9} {'problems':>9}")
    bad = 0
    for section_class in sections:
        if names and section_class.name not in names and section_class.collector not in names:
            continue
        outcome = run_section(section_class)
        print(f"{outcome.name:<32} {outcome.families:>8} {outcome.same:>6} {len(outcome.explained):>9} "
              f"{len(outcome.problems):>9}")
        for problem in outcome.problems:
            print(f"  {problem}")
        for why in sorted(set(outcome.explained.values())):
            families = [family for family, reason in outcome.explained.items() if reason == why]
            print(f"  left out or different, {why}: {', '.join(families)}")
        bad += len(outcome.problems)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
