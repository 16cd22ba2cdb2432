"""pin-images.sh against a registry on loopback: it wants a token, has one manifest for each tag, and can lie."""
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

from support import SOURCE

DEPLOY = SOURCE / "deploy"


class Registry(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.revision = 1
        self.lies = self.away = False
        self.asked = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def manifest(self, path):
        return json.dumps({"schemaVersion": 2, "of": path, "revision": self.revision}).encode()

    def digest(self, name, tag):
        return "sha256:" + hashlib.sha256(self.manifest(f"/v2/{name}/manifests/{tag}")).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        self.server.asked.append(url.path)
        if url.path == "/token":
            scope = urllib.parse.parse_qs(url.query)["scope"][0]
            return self.answer(200, json.dumps({"token": f"for {scope}"}).encode())
        name = url.path.removeprefix("/v2/").partition("/manifests/")[0]
        if self.server.away or "unknown" in name:
            return self.answer(404, b"{}")
        if self.headers.get("Authorization") != f"Bearer for repository:{name}:pull":
            return self.answer(401, b"{}", **{"WWW-Authenticate": f'Bearer realm="http://{self.server.address}/token",'
                                                                 f'service="registry",scope="repository:{name}:pull"'})
        if "vnd.oci.image.index.v1+json" not in self.headers["Accept"]:
            return self.answer(406, b"{}")
        body = self.server.manifest(url.path)
        digest = "sha256:" + ("0" * 64 if self.server.lies else hashlib.sha256(body).hexdigest())
        return self.answer(200, body, **{"Docker-Content-Digest": digest})

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class PinImages(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tocsin-images-")
        self.addCleanup(holder.cleanup)
        self.file = pathlib.Path(holder.name) / ".env"
        shutil.copy(DEPLOY / ".env.example", self.file)
        self.registry = Registry()
        self.addCleanup(self.registry.server_close)
        self.addCleanup(self.registry.shutdown)

    def pin(self, *arguments, code=0):
        done = subprocess.run([DEPLOY / "pin-images.sh", *arguments], capture_output=True, text=True, check=False, timeout=60,
                              env=os.environ | {"REGISTRY_SCHEME": "http", "DOCKER_HUB": self.registry.address, "no_proxy": "*"})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    @staticmethod
    def tag(version):
        return version.partition("@")[0]

    def values(self):
        return dict(line.split("=", 1) for line in self.file.read_text().splitlines() if "=" in line and line[0] != "#")

    def test_every_image_from_a_registry_gets_the_digest_of_its_manifest(self):
        before = self.values()
        # One by its tag alone, the others by a digest that the registry has not.
        self.file.write_text(self.file.read_text().replace(before["NGINX_VERSION"], "1.27.4-alpine"))
        self.assertIn("nginx:1.27.4-alpine -> 1.27.4-alpine@sha256:", self.pin(self.file))
        after = self.values()
        for variable, name in (("NGINX_VERSION", "library/nginx"), ("POSTGRES_VERSION", "library/postgres"),
                               ("REDIS_VERSION", "library/redis"), ("PROMETHEUS_VERSION", "prom/prometheus"),
                               ("ALERTMANAGER_VERSION", "prom/alertmanager"), ("GRAFANA_VERSION", "grafana/grafana"),
                               ("NODE_EXPORTER_VERSION", "prom/node-exporter"), ("MAILPIT_VERSION", "axllent/mailpit")):
            tag = self.tag(before[variable])
            self.assertEqual(after[variable], f"{tag}@{self.registry.digest(name, tag)}")
        # Nothing else is changed: what is built here has no registry.
        self.assertEqual({name for name in after if after[name] != before[name]},
                         {name for name in before if name.endswith("_VERSION")} - {"TOCSIN_VERSION"})

    def test_a_tag_that_was_moved_is_told_and_pinned_anew(self):
        self.pin("--check", self.file, code=1)
        self.assertEqual(self.file.read_text(), (DEPLOY / ".env.example").read_text())
        self.pin(self.file)
        self.pin("--check", self.file)
        self.registry.revision = 2
        self.assertIn("redis:7.4.2-alpine@sha256:", self.pin("--check", self.file, code=1))
        self.pin(self.file)
        self.assertTrue(self.values()["REDIS_VERSION"].endswith(self.registry.digest("library/redis", "7.4.2-alpine")))

    def test_a_registry_that_is_away_or_lies_changes_nothing(self):
        before = self.file.read_text()
        self.registry.away = True
        self.assertIn("answers 404", self.pin(self.file, code=2))
        self.registry.away, self.registry.lies = False, True
        self.assertIn("says sha256:000", self.pin(self.file, code=2))
        self.assertEqual(self.file.read_text(), before)
        self.assertEqual([path.name for path in self.file.parent.iterdir()], [".env"])

    def test_one_image_alone(self):
        digest = self.registry.digest("library/debian", "12.10-slim")
        self.assertEqual(self.pin("--print", "debian:12.10-slim"), f"debian:12.10-slim@{digest}\n")
        other = f"{self.registry.address}/team/app:1"
        self.assertEqual(self.pin("--print", other), f"{other}@{self.registry.digest('team/app', '1')}\n")
        for wrong in ("debian", "debian@sha256:00", ""):
            self.pin("--print", wrong, code=64)


if __name__ == "__main__":
    unittest.main()
