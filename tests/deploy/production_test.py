"""The production files of deploy/, judged by the programs that read them, without starting anything."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import jsonschema
import yaml

from docker_engine import Engine
from stack.settings import Ports
from support import PROGRAM, SHARED, SOURCE

DEPLOY = SOURCE / "deploy"
SCRIPTS = ("deploy.sh", "rollback.sh", "runbook-urls.sh", "pin-images.sh", "build-libraries.sh", "collect-runtime.sh",
           "secrets/generate.sh", "postgres/init/10-roles.sh", "../scripts/unpack-docker")


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)


def compose():
    return yaml.safe_load((DEPLOY / "docker-compose.prod.yml").read_text())


class Folder(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tocsin-files-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def make_secrets(self):
        home = self.folder / "secrets"
        home.mkdir()
        made = run(DEPLOY / "secrets/generate.sh", home)
        self.assertEqual(made.returncode, 0, made.stderr)
        return home


class Compose(Folder):
    def test_it_fits_the_schema_of_compose(self):
        schema = SHARED / "schemas/compose-spec.json"
        if not schema.exists():
            self.skipTest("the schema is not beside the source")
        jsonschema.Draft7Validator(json.loads(schema.read_text())).validate(compose())

    def test_docker_compose_resolves_it(self):
        """By Compose v2 where there is one; Debian's, version 1, does not know three of its words."""
        text = (DEPLOY / "docker-compose.prod.yml").read_text()
        command, tools, profiles = ["docker", "compose"], Engine(self.folder).environment, (None, "tools", "node-exporter", "mailpit")
        if not shutil.which("docker", path=tools["PATH"]) or run(*command, "version", env=tools).returncode != 0:
            command, tools, profiles = ["docker-compose"], dict(os.environ), (None,)
            if not shutil.which(command[0]):
                self.skipTest("neither docker compose nor docker-compose is installed (scripts/install-deps --containers)")
            document = compose()
            del document["name"]
            for service in document["services"].values():
                service.get("deploy", {}).get("resources", {}).get("limits", {}).pop("pids", None)
            for mount in (mount for service in document["services"].values() for mount in service.get("volumes", [])):
                mount.get("bind", {}).pop("create_host_path", None)
            text = yaml.safe_dump(document)
        self.make_secrets()
        (self.folder / "docker-compose.yml").write_text(text)
        shutil.copy(DEPLOY / ".env.example", self.folder / ".env")
        versions = {"BLUE_VERSION": "1.0", "GREEN_VERSION": "1.1", "WORKER_VERSION": "1.0"}
        for profile in profiles:
            more = ["--profile", profile] if profile else []
            checked = run(*command, *more, "config", cwd=self.folder, env=tools | versions)
            self.assertEqual((checked.returncode, checked.stderr), (0, ""), profile)
        resolved = run(*command, "config", cwd=self.folder, env=tools | versions)
        services = yaml.safe_load(resolved.stdout)["services"]
        self.assertEqual([services[name]["image"] for name in ("app-blue", "app-green", "celery-worker")],
                         ["ai-validation:1.0", "ai-validation:1.1", "ai-validation:1.0"])
        for name in ("app-blue", "app-green"):
            self.assertEqual(str(services[name]["deploy"]["resources"]["limits"]["memory"]), services[name]["environment"]["APP_MEMORY_LIMIT"])
            self.assertEqual(services[name]["environment"]["DEPLOYMENT_COLOR"], name.removeprefix("app-"))
        for missing in versions:
            refused = run(*command, "config", cwd=self.folder, env=tools | versions | {missing: ""})
            self.assertNotEqual(refused.returncode, 0, missing)
            self.assertIn("set by deploy.sh", refused.stderr)

    def test_every_image_of_a_registry_is_named_by_tag_and_digest(self):
        given = dict(re.findall(r"^(\w+_VERSION)=(.+)$", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
        variables = {re.search(r"\$\{(\w+)", service["image"])[1] for service in compose()["services"].values()
                     if not service["image"].startswith(("ai-validation:", "tocsin:"))}
        self.assertEqual(variables, set(given) - {"TOCSIN_VERSION"})
        bases = [re.search(r"^ARG \w*BASE=(.+)$", (DEPLOY / name).read_text(), re.MULTILINE)[1]
                 for name in ("Dockerfile", "app/Dockerfile")]
        self.assertEqual(bases[0], bases[1])
        for image in [*(given[variable] for variable in variables), bases[0].partition(":")[2]]:
            self.assertRegex(image, r"^v?\d+[\w.-]*@sha256:[0-9a-f]{64}$")

    def test_every_bind_source_and_every_mountpoint_inside_another_exists(self):
        for name, service in compose()["services"].items():
            binds = [mount for mount in service.get("volumes", []) if mount["type"] == "bind" and mount["source"] != "/"]
            for mount in binds:
                self.assertTrue((DEPLOY / mount["source"]).exists(), f"{name}: {mount['source']}")
                self.assertFalse(mount["bind"]["create_host_path"], name)
                self.assertTrue(mount["read_only"], name)
                for outer in binds:
                    inner = os.path.relpath(mount["target"], outer["target"])
                    if outer is not mount and not inner.startswith(".."):
                        self.assertTrue((DEPLOY / outer["source"] / inner).exists(),
                                        f"{name}: {mount['target']} cannot be made in a read-only mount")

    def test_every_secret_is_defined_used_and_written_by_the_script(self):
        document, home = compose(), self.make_secrets()
        used = {secret for service in document["services"].values() for secret in service.get("secrets", [])}
        self.assertEqual(used, set(document["secrets"]))
        for secret in document["secrets"].values():
            self.assertTrue((home / pathlib.Path(secret["file"]).name).stat().st_size, secret)

    def test_every_service_is_hardened_limited_and_watched(self):
        document = compose()
        for name, service in document["services"].items():
            with self.subTest(name):
                self.assertTrue(service["read_only"])
                self.assertTrue(service["init"])
                self.assertEqual(service["pids_limit"], 256)
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertIn("no-new-privileges:true", service["security_opt"])
                self.assertNotIn(service["user"].split(":")[0], ("0", "root"))
                self.assertEqual(service["logging"]["options"], {"max-size": "10m", "max-file": "3"})
                self.assertNotIn("container_name", service)
                self.assertNotRegex(service["image"], r"latest|^[^:]+$")
                if "profiles" not in service:
                    self.assertIn("test", service["healthcheck"])
                    self.assertNotEqual(service["healthcheck"]["test"][0], "CMD-SHELL")
                    self.assertIn("stop_grace_period", service)
                    self.assertIn("memory", service["deploy"]["resources"]["limits"])
                # Compose refuses pids_limit beside limits that do not have the same.
                limits = service.get("deploy", {}).get("resources", {}).get("limits")
                self.assertTrue(limits is None or limits["pids"] == service["pids_limit"])
                if service.get("ports"):  # Docker publishes none of internal networks
                    networks = document["networks"]
                    self.assertTrue(any(not (networks[network] or {}).get("internal") for network in service["networks"]))
                for port in service.get("ports", []):
                    self.assertTrue(port.startswith("127.0.0.1:") or name == "nginx", port)

    def test_nothing_waits_for_a_service_that_is_merely_started(self):
        services = compose()["services"]
        for name, service in services.items():
            for needed, how in service.get("depends_on", {}).items():
                self.assertEqual(how["condition"], "service_healthy", name)
                self.assertIn("healthcheck", services[needed])
        self.assertNotIn("depends_on", services["nginx"])

    def test_prometheus_without_rules_is_not_healthy(self):
        words = compose()["services"]["prometheus"]["healthcheck"]["test"]
        for answer, code in (('{"status":"success","data":{"groups":[]}}', 1), ('{"status":"success","data":{"groups":[{"name":"a"', 0), ("", 1)):
            program = self.folder / "wget"
            program.write_text(f"#!/bin/sh\nprintf '%s' '{answer}'\n")
            program.chmod(0o755)
            self.assertEqual(run(*words[1:], env={"PATH": f"{self.folder}:/usr/bin:/bin"}).returncode, code, answer)

    def test_the_memory_of_a_color_has_one_limit(self):
        """APP_MEMORY_LIMIT of .env: the container has it, the app tells it, rules and gates take shares of that."""
        document = compose()
        for name in ("app-blue", "app-green"):
            service = document["services"][name]
            self.assertTrue(service["deploy"]["resources"]["limits"]["memory"].startswith("${APP_MEMORY_LIMIT:?"), name)
            self.assertEqual(service["environment"]["APP_MEMORY_LIMIT"], "${APP_MEMORY_LIMIT:?}")
        share = re.search(r"app_memory_limit_bytes\S* > (\S+)", (DEPLOY / "rules/alerts.yml").read_text())[1]
        gates = yaml.safe_load((DEPLOY / "gates/deployment-gates.yml").read_text())["gates"]
        gate = next(one for one in gates["custom"] if "app_memory_limit_bytes" in one["query"])
        self.assertEqual(float(share), gate["max"])
        self.assertNotIn("memory_usage_max", gates["performance_validation"])
        given = re.search(r"^APP_MEMORY_LIMIT=(\d+)$", (DEPLOY / ".env.example").read_text(), re.M)[1]
        for path in [*DEPLOY.rglob("*.yml"), *DEPLOY.rglob("*.prom*"), *DEPLOY.rglob("*.sh"), *DEPLOY.glob("grafana/**/*.json")]:
            if not path.name.endswith(".test.yml"):
                self.assertNotIn(given, path.read_text(), path)

    def test_the_environment_has_no_secret_and_all_that_is_asked_for(self):
        text = (DEPLOY / "docker-compose.prod.yml").read_text()
        wanted = set(re.findall(r"\$\{(\w+):\?", text))
        given = set(re.findall(r"^(\w+)=", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
        self.assertEqual(wanted - given, {"BLUE_VERSION", "GREEN_VERSION", "WORKER_VERSION"})  # of deploy.sh
        for service in compose()["services"].values():
            for variable in service.get("environment", {}):
                if re.search("PASSWORD|SECRET|TOKEN|URL", variable):
                    self.assertRegex(variable, "_FILE$")

    def test_a_color_has_more_time_than_nginx_gives_its_old_workers(self):
        services = compose()["services"]
        shutdown = int(re.search(r"worker_shutdown_timeout (\d+)s", (DEPLOY / "nginx/nginx.conf").read_text())[1])
        for name in ("app-blue", "app-green"):
            self.assertGreater(int(services[name]["stop_grace_period"].rstrip("s")), shutdown)


class Secrets(Folder):
    def test_the_folder_is_closed_and_a_second_run_changes_nothing(self):
        home = self.make_secrets()
        self.assertEqual(home.stat().st_mode & 0o777, 0o700)
        before = {path.name: path.read_text() for path in home.iterdir()}
        again = run(DEPLOY / "secrets/generate.sh", home)
        self.assertEqual((again.returncode, again.stdout), (0, ""), again.stderr)
        self.assertEqual({path.name: path.read_text() for path in home.iterdir()}, before)
        self.assertNotIn((home / "redis_app_password").read_text(), before["redis.acl"])

    def test_git_keeps_none_of_them(self):
        if not (SOURCE / ".git").exists():
            self.skipTest("no git checkout")
        for name in [*(f"secrets/{pathlib.Path(s['file']).name}" for s in compose()["secrets"].values()), ".env",
                     "state/state.json", "nginx/conf.d/shift.conf"]:
            self.assertEqual(run("git", "-C", SOURCE, "check-ignore", "-q", f"deploy/{name}").returncode, 0, name)


class Configurations(Folder):
    def test_alertmanager_and_its_routes(self):
        home = self.folder / "alertmanager"
        shutil.copytree(DEPLOY / "alertmanager", home)
        config = home / "alertmanager.yml"
        config.write_text(config.read_text().replace("/etc/alertmanager", str(home)).replace("/run/secrets", str(self.make_secrets())))
        checked = run("amtool", "check-config", config)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertIn("1 templates", checked.stdout)
        self.assertEqual(run(PROGRAM, "check", "alertmanager", config).returncode, 0)
        for labels, receiver in (({"alertname": "HighErrorRate", "severity": "critical"}, "critical-alerts"),
                                 ({"alertname": "HighMemoryUsage", "severity": "warning"}, "warning-alerts"),
                                 ({"alertname": "Watchdog", "severity": "none"}, "watchdog"),
                                 ({"alertname": "Other"}, "default")):
            route = run("amtool", "config", "routes", "test", f"--config.file={config}",
                        *(f"{name}={value}" for name, value in labels.items()))
            self.assertEqual(route.stdout.strip(), receiver, labels)

    def test_messages_link_to_runbooks_that_have_an_address(self):
        for url, html, slack in (("https://git.example.org/a.md", '<a href="https://git.example.org/a.md">runbook</a>',
                                  "<https://git.example.org/a.md|runbook>"),
                                 ("deploy/runbooks/a.md", "runbook: deploy/runbooks/a.md", "runbook: deploy/runbooks/a.md"),
                                 (None, None, None)):
            annotations = {"summary": "s", "description": "d"} | ({"runbook_url": url} if url else {})
            message = {"status": "firing", "alerts": [{"status": "firing", "labels": {"alertname": "A"}, "annotations": annotations}],
                       "commonAnnotations": annotations, "commonLabels": {"severity": "warning"}, "externalURL": "http://am"}
            (self.folder / "message.json").write_text(json.dumps(message))
            for template, wanted in (("html", html), ("slack", slack), ("text", url and f"runbook: {url}"),
                                     ("link", url if url and url.startswith("http") else "http://am")):
                made = run("amtool", "template", "render", f"--template.glob={DEPLOY}/alertmanager/templates/*.tmpl",
                           f"--template.text={{{{ template \"tocsin.{template}\" . }}}}", f"--template.data={self.folder}/message.json")
                self.assertEqual(made.returncode, 0, made.stderr)
                if wanted:
                    self.assertIn(wanted, made.stdout)
                else:
                    self.assertNotIn("runbook", made.stdout)

    def test_runbooks_get_an_address(self):
        home = self.folder / "deploy"
        shutil.copytree(DEPLOY, home, symlinks=True)
        for url, code in (("https://git.example.org/ops/blob/main/deploy/runbooks/", 0), ("https://other.example.org/x", 0),
                          ("deploy/elsewhere", 64), ("https://a b", 64), ("https://a#b", 64)):
            made = run(home / "runbook-urls.sh", url)
            self.assertEqual(made.returncode, code, made.stderr)
        urls = [annotations for path in (home / "rules").glob("*.yml") for group in yaml.safe_load(path.read_text())["groups"]
                for rule in group["rules"] if (annotations := rule.get("annotations", {}).get("runbook_url"))]
        self.assertGreater(len(urls), 100)
        self.assertIn(f"{len(urls)} alerts lead to https://other", run(home / "runbook-urls.sh", "https://other.example.org/x").stdout)
        for url in urls:
            self.assertRegex(url, r"^https://other\.example\.org/x/\w+\.md$")
        tested = run("promtool", "test", "rules", home / "alert_rules.recommended.test.yml")
        self.assertEqual(tested.returncode, 0, tested.stdout)
        run(home / "runbook-urls.sh", "deploy/runbooks")
        self.assertEqual((home / "rules/alerts.yml").read_text(), (DEPLOY / "rules/alerts.yml").read_text())

    def test_prometheus(self):
        home = self.folder / "prometheus"
        shutil.copytree(DEPLOY / "prometheus", home)
        shutil.copytree(DEPLOY / "rules", home / "rules", dirs_exist_ok=True)
        (home / "targets/app.json").write_text('[{"targets": ["app-blue:8000"], "labels": {"color": "blue"}}]')
        checked = run("promtool", "check", "config", home / "prometheus.yml")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertNotIn("WARNING", checked.stdout + checked.stderr)

    def test_tocsin(self):
        home = self.folder / "tocsin"
        shutil.copytree(DEPLOY / "tocsin", home)
        shutil.copytree(DEPLOY / "rules", home / "rules", dirs_exist_ok=True)
        secrets = self.make_secrets()
        for secret in compose()["services"]["tocsin"]["secrets"]:
            shutil.copy(secrets / pathlib.Path(compose()["secrets"][secret]["file"]).name, secrets / f"mounted-{secret}")
        config = home / "tocsin.yml"
        config.write_text(config.read_text().replace("/run/secrets/", f"{secrets}/mounted-"))
        checked = run(PROGRAM, "check", "config", config)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_gates_can_be_read(self):
        explained = run(PROGRAM, "gate", DEPLOY / "gates/deployment-gates.yml", "--explain")
        self.assertEqual(explained.returncode, 0, explained.stderr)
        for words in ("memory_of_its_limit", "response_time_degradation", "alerts: none  # all phases"):
            self.assertIn(words, explained.stdout)

    def test_the_documents_gates_are_taken_as_they_are(self):
        document = SHARED / "seed/deployment-gates.yml"
        if not document.exists():
            self.skipTest("the document is not beside the source")
        explained = run(PROGRAM, "gate", document, "--explain")
        self.assertEqual(explained.returncode, 0, explained.stderr)


class Nginx(Folder):
    """The production site, with only names and paths replaced that exist nowhere else."""

    def setUp(self):
        super().setUp()
        self.home = self.folder / "nginx"
        shutil.copytree(DEPLOY / "nginx", self.home)
        secrets, ports = self.make_secrets(), Ports()
        replace = {" /tmp/": f" {self.folder}/", "/run/secrets/tls_certificate": f"{secrets}/tls_certificate.pem",
                   "/run/secrets/tls_key": f"{secrets}/tls_key.pem",
                   "listen 8080": f"listen 127.0.0.1:{ports.free()}", "listen 8443": f"listen 127.0.0.1:{ports.free()}",
                   "listen 8081": f"listen 127.0.0.1:{ports.free()}"}
        for path in (self.home / "site").iterdir():
            text = path.read_text()
            for old, new in replace.items():
                text = text.replace(old, new)
            path.write_text(text)

    def shift(self, *shares, mode="split"):
        """What deploy.sh would write."""
        return run("bash", "-c", 'DEPLOY_DIR=$0; source "$0/lib/all.sh"; be_addr() { [ $1 = blue ] && echo 127.0.0.1:8001 ||'
                   ' echo 127.0.0.1:8002; }; read_settings; shift_conf 7 "$@"', DEPLOY, *shares,
                   env=os.environ | {"SHIFT_MODE": mode})

    def accepts(self, *shares, mode="split"):
        made = self.shift(*shares, mode=mode)
        self.assertEqual(made.returncode, 0, made.stderr)
        (self.home / "conf.d/shift.conf").write_text(made.stdout)
        return run("/usr/sbin/nginx", "-t", "-q", "-p", self.home, "-c", "nginx.conf", "-e", "stderr"), made.stdout

    def test_every_share_in_both_modes(self):
        for mode in ("split", "weights"):
            for shares in (("blue", "100"), ("green", "100"), ("blue", "95", "green", "5"), ("blue", "50", "green", "50"),
                           ("blue", "0", "green", "100"), ("green", "75", "blue", "25")):
                with self.subTest(mode=mode, shares=shares):
                    tested, _ = self.accepts(*shares, mode=mode)
                    self.assertEqual(tested.returncode, 0, tested.stderr)
                    self.assertNotIn("warn", tested.stderr)

    def test_a_color_without_a_share_is_a_backup_or_left_out_and_never_has_weight_0(self):
        _, split = self.accepts("blue", "0", "green", "100")
        self.assertIn("default green;", split)
        self.assertIn("server 127.0.0.1:8001 backup;", split)
        _, weights = self.accepts("blue", "0", "green", "100", mode="weights")
        self.assertNotRegex(weights, r"weight=0|upstream both \{[^}]*8001")
        _, alone = self.accepts("green", "100")
        self.assertNotIn("8001", alone)

    def test_the_documents_file_would_not_even_load(self):
        document = SHARED / "seed/nginx.conf"
        if not document.exists():
            self.skipTest("the document is not beside the source")
        copy = self.home / "document.conf"
        copy.write_text(re.sub(r"app-(blue|green):8000", "127.0.0.1:8001", document.read_text()))
        tested = run("/usr/sbin/nginx", "-t", "-p", self.home, "-c", copy, "-e", "stderr")
        self.assertIn('invalid parameter "weight=0"', tested.stderr)


class ShellScripts(unittest.TestCase):
    def test_shellcheck_finds_nothing(self):
        if not shutil.which("shellcheck"):
            self.skipTest("shellcheck is not installed")
        backends = [path.relative_to(DEPLOY) for path in sorted((DEPLOY / "lib").glob("backend-*.sh"))]
        checked = run("shellcheck", "-x", *SCRIPTS, *backends, cwd=DEPLOY)
        self.assertEqual((checked.returncode, checked.stdout), (0, ""))

    def test_every_backend_has_all_functions(self):
        for backend in ("process", "compose", "podman"):
            text = (DEPLOY / f"lib/backend-{backend}.sh").read_text()
            for function in ("be_check", "be_start", "be_stop", "be_addr", "be_running", "be_nginx", "be_migrate", "be_database", "be_logs"):
                self.assertIn(f"\n{function}() {{", text, backend)

    def test_usage(self):
        for script in ("deploy.sh", "rollback.sh"):
            self.assertIn(f"usage: {script}", run(DEPLOY / script, "--help").stdout)
            self.assertEqual(run(DEPLOY / script, "--nonsense").returncode, 64)
        refused = run(DEPLOY / "deploy.sh", "--backend", "kubernetes", "1.0", env=os.environ | {"STATE_DIR": tempfile.mkdtemp()})
        self.assertEqual(refused.returncode, 64)
        self.assertIn("is not one of process, compose, podman", refused.stderr)

    def test_yamllint_and_seed_diff(self):
        if shutil.which("yamllint"):
            checked = run("yamllint", "-d", "{extends: relaxed, rules: {line-length: disable}}", *DEPLOY.rglob("*.yml"))
            self.assertEqual((checked.returncode, checked.stdout), (0, ""))
        text = (DEPLOY / "seed-diff.md").read_text()
        for name in ("docker-compose.prod.yml", "nginx.conf", "deploy.sh", "prometheus.yml", "alertmanager.yml",
                     "deployment-gates.yml", "validate-deployment.sh"):
            self.assertIn(name, text)
        self.assertNotRegex("".join(path.read_text(errors="ignore") for path in DEPLOY.rglob("*.sh")), r"kubectl|docker-compose ")
