"""No password in any page, log line, label or process title."""
import pathlib
import urllib.parse

from support import StackCase, eventually

PAGES = ("/", "/metrics", "/api/v1/targets", "/api/v1/rules", "/api/v1/alerts", "/api/v1/alertmanagers",
         "/api/v1/status/config", "/api/v1/status/flags", "/api/v1/status/buildinfo",
         "/api/v1/status/runtimeinfo", "/api/v1/labels",
         "/api/v1/series?match[]=" + urllib.parse.quote('{__name__=~".+"}'))


class Secrets(StackCase):
    def spellings(self):
        for password in self.settings.passwords():
            yield from {password, urllib.parse.quote(password, safe=""), urllib.parse.quote(password)}

    def assert_clean(self, text, where):
        for secret in self.spellings():
            self.assertNotIn(secret, text, where)

    def titles(self):
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    yield (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                except OSError:
                    continue

    def check_everything(self):
        for page in PAGES:
            status, _, text = self.server.fetch(page)
            self.assertIn(status, (200, 404), page)
            self.assert_clean(text, page)
        self.assert_clean(self.stack.tocsin.log.read_text(), "the log")
        for title in self.titles():
            self.assert_clean(title, "a process title")

    def test_in_health_and_in_failure(self):
        self.assertTrue(eventually(lambda: self.server.value("max(pg_up)") == 1))
        self.check_everything()
        with self.subTest("passwords that are wrong, servers that are gone"):
            self.stack.redis.kill()
            self.stack.postgres.ask_to_stop()
            self.assertTrue(eventually(lambda: self.server.value("max(pg_up)") == 0))
            self.assertTrue(eventually(lambda: self.server.value("max(redis_up)") == 0))
            self.check_everything()
