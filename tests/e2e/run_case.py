"""Runs one Python test case for CTest, or all of a module.

usage: run_case.py MODULE[.CLASS[.TEST]]
Exit code 0 when it passed, 77 when it could not run here (the reason is printed), 1 when it failed.
"""
import pathlib
import sys
import unittest

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parents[2]


def main(name):
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(ROOT / "deploy"), str(ROOT / "tests/e2e"), str(ROOT / "tests/deploy"),
                    str(ROOT / "tests/docs"), str(ROOT / "tests/peers")]
    suite = unittest.defaultTestLoader.loadTestsFromName(name)
    result = unittest.TextTestRunner(verbosity=2, buffer=False).run(suite)
    if not result.wasSuccessful() or result.testsRun == 0:
        return 1
    if len(result.skipped) == result.testsRun:
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
