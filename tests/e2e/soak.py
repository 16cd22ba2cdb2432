"""Runs the quickstart under every fault in turn for a while, and shows that nothing of it is left.

usage: /usr/bin/python3 tests/e2e/soak.py [--minutes 10] [--program build/release/tocsin]
Exit code 0 when each fault rang its alert, each run ended cleanly, and no process, listening
port, file or shared memory segment of it is there any more.
"""
import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy"))

from stack import janitor  # noqa: E402
from stack.faults import FAULTS  # noqa: E402
from stack.stack import default_program  # noqa: E402


def shared_memory():
    """The machine's System V segments: the process that made each, by its id."""
    rows = [row.split() for row in pathlib.Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    return {row[1]: int(row[4]) for row in rows}


def listeners(processes):
    """The inodes of the sockets on which the processes listen."""
    inodes = set()
    for process in processes:
        for link in pathlib.Path(f"/proc/{process}/fd").glob("*"):
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[len("socket:["):-1])
    rows = [line.split() for name in ("tcp", "tcp6")
            for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1] for row in rows if row[3] == "0A" and row[9] in inodes}


def open_ports(addresses):
    """Those of the addresses (as /proc/net/tcp writes them) on which somebody still listens."""
    rows = [line.split() for name in ("tcp", "tcp6")
            for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return addresses & {row[1] for row in rows if row[3] == "0A"}


def run_one(fault, seconds, holder, program):
    """Breaks the stack, stays `seconds` under the fault, interrupts. Returns what went wrong."""
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(holder), "TOCSIN_BINARY": program}
    log = holder.parent / f"{fault}.log"
    with open(log, "w") as output:
        process = subprocess.Popen(
            ["/usr/bin/python3", "-B", str(ROOT / "deploy/quickstart.py"), "--fault", fault, "--stay"],
            env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        time.sleep(seconds)
        members = janitor.residents(holder)
        ports, makers = listeners(members), set(map(int, members))
        # A segment of another program is not theirs to leave.
        memory = {segment for segment, maker in shared_memory().items() if maker in makers}
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
    text = log.read_text()
    problems = []
    if f"{FAULTS[fault].alert} rang" not in text:
        problems.append(f"{FAULTS[fault].alert} did not ring")
    if "Traceback" in text:
        problems.append("a traceback")
    if left := janitor.residents(holder):
        problems.append(f"processes left: {left}")
    if left := open_ports(ports):
        problems.append(f"ports left: {sorted(left)}")
    if left := memory & shared_memory().keys():
        problems.append(f"shared memory left: {sorted(left)}")
    if left := list(holder.iterdir()):
        problems.append(f"files left: {[path.name for path in left]}")
    print(f"{fault:12} {len(members):3} processes, {len(ports):2} ports, {len(memory)} segments: "
          f"{'; '.join(problems) or 'the alert rang, and nothing is left'}", flush=True)
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--program", default=default_program())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tocsin-soak-") as folder:
        os.chmod(folder, 0o711)  # Postgres runs as another user below it
        holder = pathlib.Path(folder, "stacks")
        holder.mkdir(mode=0o711)
        problems = [problem for fault in FAULTS
                    for problem in run_one(fault, options.minutes * 60 / len(FAULTS), holder, options.program)]
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
