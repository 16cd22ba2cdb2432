"""Runs a checker over many files and tells what it said of each."""
import os
import pathlib
import re
import shutil
import subprocess

SOURCE = pathlib.Path(os.environ["TOCSIN_SOURCE_DIR"])
TOCSIN = os.environ["TOCSIN_BINARY"]
DATA = SOURCE / "tests/data"


def need(*programs):
    """Why a comparison cannot run here, or None."""
    missing = [program for program in programs if shutil.which(program) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


def run(*command, text=None):
    """The exit code, and both outputs as they came."""
    done = subprocess.run([str(word) for word in command], input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=100)
    return done.returncode, done.stdout


def by_file(output, lead):
    """{file: whether it passed} from output with a line `lead FILE` before each verdict."""
    parts = re.split(rf"^{lead} +(\S+)$", output, flags=re.M)
    return {name: "SUCCESS" in said and "FAILED" not in said
            for name, said in zip(parts[1::2], parts[2::2])}
