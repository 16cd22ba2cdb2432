"""Docker with Compose v2, for tests: the machine's own, or one that is started for the test and leaves nothing behind.

Programs are looked for on the PATH and in the folder that scripts/unpack-docker fills (TOCSIN_DOCKER, /opt/tocsin-docker).
"""
import contextlib
import os
import pathlib
import shutil
import subprocess
import time

UNPACKED = pathlib.Path(os.environ.get("TOCSIN_DOCKER", "/opt/tocsin-docker"))
OLDEST = (2, 20)
# For an engine of our own.
NEEDED = ("dockerd", "containerd", "containerd-shim-runc-v2", "docker-proxy", "runc", "iptables", "tini")
# What a dockerd leaves in the kernel's tables when it ends.
CHAINS = ("-D FORWARD -j DOCKER-USER", "-D FORWARD -j DOCKER-ISOLATION-STAGE-1", "-t nat -D PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
          "-t nat -D OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER", "-t nat -F DOCKER", "-t nat -X DOCKER",
          *(f"-{action} {chain}" for action in "FX" for chain in
            ("DOCKER", "DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2", "DOCKER-USER")))


class Engine:
    """`engine("ps", "-a")` is `docker ps -a`; use it in a with statement."""

    def __init__(self, folder):
        self.folder = folder
        self._daemon = None
        path = f"{UNPACKED}/usr/bin:{UNPACKED}/usr/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self.environment = {"PATH": path, "HOME": str(folder)}
        plugin = UNPACKED / "usr/libexec/docker/cli-plugins/docker-compose"
        if plugin.exists():
            plugins = folder / "docker/cli-plugins"
            plugins.mkdir(parents=True)
            (plugins / "docker-compose").symlink_to(plugin)
            self.environment["DOCKER_CONFIG"] = f"{folder}/docker"
        for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def __call__(self, *words, check=True, timeout=120, **more):
        done = subprocess.run(["docker", *map(str, words)], capture_output=True, text=True, check=False, env=self.environment | more,
                              cwd=self.folder, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"docker {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
        return done.stdout if check else done

    def why_not(self):
        """Why nothing can be done with it here; empty when it can."""
        if not shutil.which("docker", path=self.environment["PATH"]):
            return "no Docker (scripts/unpack-docker)"
        version = self("compose", "version", "--short", check=False)
        numbers = version.stdout.strip().lstrip("v").split("-")[0].split(".")
        if version.returncode != 0 or tuple(int(number) for number in numbers[:2]) < OLDEST:
            return "no Compose v2 (scripts/unpack-docker)"
        if self._answers():
            return ""
        if os.geteuid() != 0:
            return "no Docker engine answers, and one is started as root only"
        missing = [name for name in NEEDED if not shutil.which(name, path=self.environment["PATH"])]
        return f"no Docker engine answers, and for one of our own is missing: {', '.join(missing)}" if missing else ""

    def __enter__(self):
        if not self._answers():
            self._start()
        return self

    def __exit__(self, *_):
        if self._daemon is None:
            return
        self._daemon.terminate()
        try:
            self._daemon.wait(30)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            self._daemon.wait()
        for words in CHAINS:
            subprocess.run(["iptables", "-w", *words.split()], capture_output=True, check=False, env=self.environment)

    def _answers(self):
        return self("version", "--format", "{{.Server.Version}}", check=False).returncode == 0

    def _start(self):
        """No bridge but those of the tests' own networks; everything in the folder."""
        home = self.folder / "engine"
        home.mkdir()
        address = f"unix://{home}/docker.sock"
        self.environment["DOCKER_HOST"] = address
        self.environment.pop("DOCKER_CONTEXT", None)
        with open(home / "log", "wb") as log:
            self._daemon = subprocess.Popen(
                ["dockerd", f"--data-root={home}/data", f"--exec-root={home}/run", f"--pidfile={home}/pid", f"--host={address}",
                 "--bridge=none", "--containerd=", f"--init-path={shutil.which('tini')}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment, cwd=home, start_new_session=True)
        deadline = time.monotonic() + 30
        while not self._answers():
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    self._daemon.kill()
                raise AssertionError("dockerd does not start:\n" + (home / "log").read_text()[-2000:])
            time.sleep(0.1)
