"""Sums up a JUnit file of ctest: skipped and failed cases by name, then `N passed, N failed`.

usage: summarize_tests.py RESULTS.xml [SECOND.xml]
SECOND has the cases that failed and were run once more: what passed there is told by name, and counts as passed.
Exit code 0 when at least one case passed and none failed.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

SKIP_REASON = re.compile(r"^(?:.*: Skipped\n(?P<gtest>.+)|.*skipped '(?P<unittest>.*)'.*)$", re.MULTILINE)


def reason(case):
    output = case.findtext("system-out") or ""
    found = SKIP_REASON.search(output)
    return next((text for text in found.groups() if text), "") if found else ""


def passed_in(path):
    """The names of what passed; none where there is no such file."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return set()
    return {case.get("name") for case in root.iter("testcase") if case.get("status") == "run"}


def main(path, second=None):
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as problem:
        print(f"no test results: {problem}")
        print("0 passed, 1 failed")
        return 1
    passed, failed, skipped = [], [], {}
    recovered = passed_in(second) if second else set()
    again = []
    for case in root.iter("testcase"):
        status = case.get("status")
        if status == "run":
            passed.append(case.get("name"))
        elif status in ("notrun", "disabled") and case.find("failure") is None:
            skipped.setdefault(reason(case) or status, []).append(case.get("name"))
        elif case.get("name") in recovered:
            again.append(case.get("name"))
        else:
            failed.append(case.get("name"))
    passed += again
    print()
    for name in again:
        print(f"failed once, and passed when it was run again: {name}")
    for why, names in sorted(skipped.items()):
        print(f"skipped ({why}): {len(names)}: {', '.join(names[:5])}{' …' if len(names) > 5 else ''}")
    for name in failed:
        print(f"failed: {name}")
    left_out = sum(map(len, skipped.values()))
    print(f"{len(passed)} passed, {len(failed)} failed" + (f", {left_out} skipped" if left_out else ""))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
