"""Images for tests in containers, made in a moment and without a registry.

They hold nothing but what is ours; the programs are the host's, under a read-only /usr. podman and docker import them alike.
"""
import os
import shutil
import subprocess
import tarfile

import blue_green
from stack.settings import DEPLOY
from support import PROGRAM

POSTGRES = "/usr/lib/postgresql/15/bin"
PATH = f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{POSTGRES}"
USERS = {"root": 0, "postgres": 999, "redis": 998, "nginx": 101, "app": 65532}
FOLDERS = ("usr", "etc", "tmp", "run/secrets", "run/postgresql", "proc", "sys", "dev", "srv", "sbin", "data", "prometheus", "alertmanager",
           "var/lib/postgresql/data")
# sbin is a folder of its own, for Docker's init; its programs are found in usr/sbin.
OPEN_FOLDERS = ("tmp", "data", "run/postgresql", "prometheus", "alertmanager")
GUNICORN = "python3 -m gunicorn --workers=1 --threads=16 --keep-alive=75 --graceful-timeout=5 --worker-tmp-dir=/tmp --bind=0.0.0.0:8000"


def make_base(root):
    """A root of Debian's layout without Debian."""
    for name in FOLDERS:
        (root / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name in OPEN_FOLDERS:
        (root / name).chmod(0o1777)
    os.chown(root / "var/lib/postgresql/data", USERS["postgres"], USERS["postgres"])
    (root / "var/run").symlink_to("../run")
    (root / "etc/passwd").write_text("".join(f"{name}:x:{number}:{number}::/tmp:/bin/sh\n" for name, number in USERS.items()))
    (root / "etc/group").write_text("".join(f"{name}:x:{number}:\n" for name, number in USERS.items()))
    # ld.so's list of libraries and Debian's alternatives are the host's, as /usr is.
    for name in ("ld.so.cache", "alternatives", "ssl"):
        shutil.copytree(f"/etc/{name}", root / "etc" / name, symlinks=True) if os.path.isdir(f"/etc/{name}") else \
            shutil.copy(f"/etc/{name}", root / "etc" / name)
    return root


def make_app(base, root):
    """The example app, and a release that answers nothing but errors; which of them runs is the image's command."""
    shutil.copytree(base, root, symlinks=True)
    shutil.copytree(DEPLOY / "app", root / "srv/app", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "srv/release.py").write_text(blue_green.RELEASES["errors"])
    return root


def make_tocsin(root, libraries=None):
    """What deploy/Dockerfile's last stage is made of; with what build-libraries.sh has made in the folder `libraries`."""
    subprocess.run([DEPLOY / "collect-runtime.sh", PROGRAM, root, *([libraries] if libraries else [])], check=True)
    return root


def import_image(engine, root, name, *changes):
    """`engine(*words)` is podman or docker. Returns the archive that was imported."""
    archive = root.with_suffix(".tar")
    with tarfile.open(archive, "w") as tar:
        tar.add(root, arcname=".")
    engine("import", *(f"--change={change}" for change in changes), archive, name)
    return archive
