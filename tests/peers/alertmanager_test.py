"""Alertmanager's configuration: amtool and tocsin take and refuse the same files, and route alike."""
import itertools
import pathlib
import random
import tempfile
import unittest

import verdicts

PLAIN = """route: {receiver: a}
receivers: [{name: a}]
"""


def receiver(text):
    return f"route: {{receiver: a}}\nreceivers:\n- name: a\n  {text}\n"


def route(text):
    return f"route:\n  receiver: a\n  {text}\nreceivers: [{{name: a}}, {{name: b}}]\n"


def inhibit(text):
    return PLAIN + f"inhibit_rules:\n- {text}\n"


CASES = {
    "plain": PLAIN,
    "empty": "",
    "not yaml": "route: [",
    "no route": "receivers: [{name: a}]\n",
    "no receivers": "route: {receiver: a}\n",
    "no root receiver": "route: {group_by: [x]}\nreceivers: [{name: a}]\n",
    "unknown top field": PLAIN + "recievers: []\n",
    "unknown route field": route("group: [x]"),
    "undefined receiver": route("routes: [{receiver: nobody}]"),
    "receiver twice": "route: {receiver: a}\nreceivers: [{name: a}, {name: a}]\n",
    "receiver without name": "route: {receiver: a}\nreceivers: [{name: a}, {}]\n",
    "root with match": route("match: {a: b}"),
    "root with matchers": route("matchers: [a=b]"),
    "root with continue": route("continue: true"),
    "child inherits": route("routes: [{matchers: [a=b]}]"),
    "group_by all": route("group_by: ['...']"),
    "group_by all and more": route("group_by: ['...', x]"),
    "group_by twice": route("group_by: [x, x]"),
    "group_by bad name": route("group_by: ['a-b']"),
    "group_interval 0": route("group_interval: 0s"),
    "repeat_interval 0": route("repeat_interval: 0s"),
    "group_wait 0": route("group_wait: 0s"),
    "bad duration": route("group_wait: 5 minutes"),
    "bad bool": route("routes: [{continue: perhaps}]"),
    "match_re": route("routes: [{match_re: {a: 'x|y'}}]"),
    "bad match_re": route("routes: [{match_re: {a: '('}}]"),
    "matchers": route("routes: [{matchers: ['a=\"b\"', 'c=~\"d|e\"', f!=g, 'h !~ \"i\"']}]"),
    "matchers in one": route("routes: [{matchers: ['{a=\"b\",c=\"d\"}']}]"),
    "bad matcher": route("routes: [{matchers: [a]}]"),
    "bad matcher regex": route("routes: [{matchers: ['a=~\"(\"']}]"),
    "bad matcher quote": route("routes: [{matchers: ['a=\"b']}]"),
    "bad matcher name": route("routes: [{matchers: ['a-b=c']}]"),
    "bad match name": route("routes: [{match: {'a-b': c}}]"),
    "mute": route("routes: [{mute_time_intervals: [night]}]") + "time_intervals: [{name: night, time_intervals: [{weekdays: [monday]}]}]\n",
    "undefined mute": route("routes: [{mute_time_intervals: [night]}]"),
    "mute of root": route("mute_time_intervals: [night]") + "time_intervals: [{name: night, time_intervals: []}]\n",
    "interval twice": PLAIN + "time_intervals: [{name: n, time_intervals: []}, {name: n, time_intervals: []}]\n",
    "interval without name": PLAIN + "time_intervals: [{time_intervals: []}]\n",
    "inhibit": inhibit("{source_matchers: [a=b], target_matchers: [c=d], equal: [x]}"),
    "inhibit old": inhibit("{source_match: {a: b}, target_match_re: {c: d}, equal: [x]}"),
    "inhibit bad regex": inhibit("{source_match_re: {a: '('}, target_match: {c: d}}"),
    "inhibit unknown field": inhibit("{source: {a: b}}"),
    "inhibit bad equal": inhibit("{source_matchers: [a=b], target_matchers: [c=d], equal: ['a-b']}"),
    "email": receiver("email_configs: [{to: x@y, from: a@b, smarthost: 'm:25'}]"),
    "email global": "global: {smtp_smarthost: 'm:25', smtp_from: a@b}\n" + receiver("email_configs: [{to: x@y}]"),
    "email no to": receiver("email_configs: [{from: a@b, smarthost: 'm:25'}]"),
    "email no smarthost": receiver("email_configs: [{to: x@y, from: a@b}]"),
    "email no from": receiver("email_configs: [{to: x@y, smarthost: 'm:25'}]"),
    "email no port": receiver("email_configs: [{to: x@y, from: a@b, smarthost: mail}]"),
    "email subject": receiver("email_configs: [{to: x@y, from: a@b, smarthost: 'm:25', subject: x}]"),
    "email headers": receiver("email_configs: [{to: x@y, from: a@b, smarthost: 'm:25', headers: {Subject: x}}]"),
    "email headers twice": receiver("email_configs: [{to: x@y, from: a@b, smarthost: 'm:25', headers: {Subject: x, subject: y}}]"),
    "email placeholder": "global: {smtp_auth_password: '${P}'}\n" + receiver("email_configs: [{to: x@y, from: a@b, smarthost: 'm:25'}]"),
    "slack": receiver("slack_configs: [{api_url: 'https://h/x', channel: c}]"),
    "slack file": receiver("slack_configs: [{api_url_file: /x, channel: c}]"),
    "slack global": "global: {slack_api_url: 'https://h/x'}\n" + receiver("slack_configs: [{channel: c}]"),
    "slack no url": receiver("slack_configs: [{channel: c}]"),
    "slack both": receiver("slack_configs: [{api_url: 'https://h/x', api_url_file: /x}]"),
    "slack global both": "global: {slack_api_url: 'https://h/x', slack_api_url_file: /x}\n" + PLAIN,
    "slack placeholder": receiver("slack_configs: [{api_url: '${SLACK}', channel: c}]"),
    "slack bad scheme": receiver("slack_configs: [{api_url: 'ftp://h/x', channel: c}]"),
    "slack no host": receiver("slack_configs: [{api_url: 'http:///x', channel: c}]"),
    "slack placeholder in path": receiver("slack_configs: [{api_url: 'https://h/${X}', channel: c}]"),
    "slack placeholder as host": receiver("slack_configs: [{api_url: 'https://${H}/x', channel: c}]"),
    "slack unknown": receiver("slack_configs: [{api_url: 'https://h/x', message: m}]"),
    "slack field without title": receiver("slack_configs: [{api_url: 'https://h/x', fields: [{value: v}]}]"),
    "slack field": receiver("slack_configs: [{api_url: 'https://h/x', fields: [{title: t, value: v, short: true}]}]"),
    "pagerduty": receiver("pagerduty_configs: [{routing_key: k}]"),
    "pagerduty no key": receiver("pagerduty_configs: [{}]"),
    "webhook": receiver("webhook_configs: [{url: 'http://h/'}]"),
    "webhook no url": receiver("webhook_configs: [{send_resolved: true}]"),
    "webhook bad url": receiver("webhook_configs: [{url: h}]"),
    "webhook max": receiver("webhook_configs: [{url: 'http://h/', max_alerts: many}]"),
    "opsgenie": receiver("opsgenie_configs: [{api_key: k}]"),
    "opsgenie no key": receiver("opsgenie_configs: [{}]"),
    "opsgenie global": "global: {opsgenie_api_key: k}\n" + receiver("opsgenie_configs: [{}]"),
    "victorops": receiver("victorops_configs: [{api_key: k, routing_key: r}]"),
    "victorops no routing": receiver("victorops_configs: [{api_key: k}]"),
    "pushover": receiver("pushover_configs: [{user_key: u, token: t}]"),
    "pushover no token": receiver("pushover_configs: [{user_key: u}]"),
    "telegram": receiver("telegram_configs: [{bot_token: t, chat_id: 5}]"),
    "telegram no chat": receiver("telegram_configs: [{bot_token: t}]"),
    "telegram mode": receiver("telegram_configs: [{bot_token: t, chat_id: 5, parse_mode: Word}]"),
    "sns": receiver("sns_configs: [{topic_arn: t, sigv4: {}}]"),
    "sns no target": receiver("sns_configs: [{sigv4: {}}]"),
    "wechat": receiver("wechat_configs: [{api_secret: s, corp_id: c}]"),
    "wechat no corp": receiver("wechat_configs: [{api_secret: s}]"),
    "http config": receiver("webhook_configs: [{url: 'http://h/', http_config: {basic_auth: {username: u, password: p}}}]"),
    "http both": receiver("webhook_configs: [{url: 'http://h/', http_config: {basic_auth: {username: u, password: p}, bearer_token: t}}]"),
    "http unknown": receiver("webhook_configs: [{url: 'http://h/', http_config: {basic: {}}}]"),
    "http two passwords": receiver("webhook_configs: [{url: 'http://h/', http_config: {basic_auth: {username: u, password: p, password_file: f}}}]"),
    "resolve_timeout": "global: {resolve_timeout: 10m}\n" + PLAIN,
    "bad resolve_timeout": "global: {resolve_timeout: soon}\n" + PLAIN,
    "global url": "global: {pagerduty_url: 'nothing'}\n" + PLAIN,
    "templates": PLAIN + "templates: ['/nowhere/*.tmpl']\n",
    "templates text": PLAIN + "templates: x.tmpl\n",
    "receivers map": "route: {receiver: a}\nreceivers: {name: a}\n",
    "key twice": "route: {receiver: a}\nroute: {receiver: a}\nreceivers: [{name: a}]\n",
}

ROUTES = """
route:
  receiver: default
  group_by: [alertname]
  routes:
  - matchers: [team="db"]
    receiver: db
    routes:
    - matchers: [severity=~"critical|page"]
      receiver: db-pager
      continue: true
    - match: {severity: critical}
      receiver: pager
  - match_re: {team: 'w.*'}
    receiver: web
    continue: true
  - matchers: [severity!="info", team!~"d.+"]
    receiver: noisy
    continue: true
  - matchers: [team=""]
    receiver: orphans
receivers: [{name: default}, {name: db}, {name: db-pager}, {name: pager}, {name: web}, {name: noisy}, {name: orphans}]
"""


@unittest.skipIf(verdicts.need("amtool"), verdicts.need("amtool"))
class Alertmanager(unittest.TestCase):
    maxDiff = None

    def test_the_same_files_are_taken_and_refused(self):
        wrong, seen = [], set()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "alertmanager.yml"
            for name, text in CASES.items():
                path.write_text(text)
                theirs, said = verdicts.run("amtool", "check-config", path)
                ours, answer = verdicts.run(verdicts.TOCSIN, "check", "alertmanager", path)
                seen.add(theirs == 0)
                if (theirs == 0) != (ours == 0):
                    wrong.append(f"{name}: amtool {theirs}, tocsin {ours}\n{said}{answer}")
        self.assertEqual("\n".join(wrong), "")
        self.assertEqual(seen, {True, False})

    def test_every_refusal_names_a_place(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "alertmanager.yml"
            for name, text in CASES.items():
                path.write_text(text)
                code, said = verdicts.run(verdicts.TOCSIN, "check", "alertmanager", "--format=github", path)
                if code == 1:
                    self.assertRegex(said, r"::error file=[^,]+,line=\d+,col=\d+,", name)

    def test_alerts_take_the_same_routes(self):
        values = {"team": ["", "db", "web", "other"], "severity": ["", "critical", "page", "info"],
                  "alertname": ["A"]}
        rows = [dict(zip(values, row)) for row in itertools.product(*values.values())]
        random.Random(1).shuffle(rows)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "alertmanager.yml"
            path.write_text(ROUTES)
            for labels in rows:
                words = [f"{name}={value}" for name, value in labels.items() if value]
                theirs = verdicts.run("amtool", "config", "routes", "test", f"--config.file={path}", *words)[1]
                ours = verdicts.run(verdicts.TOCSIN, "route", f"--config.file={path}", *words)[1]
                receivers = theirs.replace("Warning: --config.file flag overrides the --alertmanager.url.", "").split()[0]
                self.assertEqual(ours.split("\n")[0], receivers, words)
                for wanted, code in ((receivers, 0), ("nobody", 1)):
                    flag = f"--verify.receivers={wanted}"
                    self.assertEqual(verdicts.run(verdicts.TOCSIN, "route", f"--config.file={path}", flag, *words)[0], code)
                    self.assertEqual(verdicts.run("amtool", "config", "routes", "test", f"--config.file={path}", flag, *words)[0], code)
