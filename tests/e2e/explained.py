"""The explanations that docs/explain.md shows, and those of a running stack.

With UPDATE_DOCS=1 in the environment the page is written anew; one test at a time (ctest -j1).
"""
import os
import pathlib
import re
import subprocess
import time

from support import PROGRAM

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "explain.md"
DATA_SECONDS = 30
NOT_YET = ("there are no series", "needs two samples", "gives nothing for")

TREE = "│├└─ "
SERIES = re.compile(r"(?:[a-zA-Z_:][\w:]*)?\{.*\} \S+|… and \d+ more")
NODE = re.compile(r"(.*  \[)(\d+) in, (\d+) out\]")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]\d+)?(?![\w.])")
MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "TIME"),
    (re.compile(r"http://[\w.:]+/"), "http://ALERTMANAGER/"),
    (re.compile(r"nearest of those: .*"), "nearest of those"),
    (re.compile(r"(series; their \w+ is) .*"), r"\1 …"),
)


def explain(address, alert):
    """What is said of the alert once its data are there."""
    deadline = time.monotonic() + DATA_SECONDS
    while True:
        said = subprocess.run([PROGRAM, "rules", "explain", f"--server=http://{address}", alert],
                              check=True, capture_output=True, text=True, timeout=60).stdout
        if not any(text in said for text in NOT_YET) or time.monotonic() > deadline:
            return said
        time.sleep(0.2)


def shown(alert, state, said):
    """The text in the page."""
    head = f"<!-- explain {alert} {state} -->\n```text\n"
    page = PAGE.read_text(encoding="utf-8")
    begin = page.index(head) + len(head)
    end = page.index("```\n", begin)
    if "UPDATE_DOCS" in os.environ:
        PAGE.write_text(page[:begin] + said + page[end:], encoding="utf-8")
        return said
    return page[begin:end]


def zero_or_not(match):
    return "0" if float(match[0]) == 0 else "N"


def shape(text):
    """What does not differ from run to run: the tree, whether anything goes in and comes out, what
    dropped series. The first alert that fires, by its label names, stands for all."""
    state, _, tree = text.partition("\n\n")
    lines = []
    for line in state.splitlines():
        if line.startswith(("  ", "pending ")) or (lines and lines[-1].startswith("firing ")
                                                   and line.startswith("firing ")):
            continue
        if line.startswith("firing "):
            line = "firing " + " ".join(re.findall(r'(\w+)="', line))
        lines.append(line)
    for line in tree.splitlines():
        if SERIES.fullmatch(line.lstrip(TREE)) or "gives nothing for" in line:
            continue
        node = NODE.fullmatch(line)
        if node:
            lines.append(f"{node[1]}{min(int(node[2]), 1)} in, {min(int(node[3]), 1)} out]")
        else:
            lines.append(line)
    for mask, to in MASKS:
        lines = [mask.sub(to, line) for line in lines]
    return [line if NODE.fullmatch(line) else NUMBER.sub(zero_or_not, line) for line in lines]
