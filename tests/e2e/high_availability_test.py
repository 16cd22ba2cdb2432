"""A pair of tocsins over the same targets: the Alertmanager gets equal alerts, and pages once."""
import json
import unittest

from faults import run, servers
from faults.scenarios import BROKEN, broken, group
from stack.stack import default_program

DIVISOR = 20


class HighAvailability(unittest.TestCase):
    def setUp(self):
        if not servers.installed():
            self.skipTest("prometheus-alertmanager is not installed")

    def test_a_pair_pages_once(self):
        with run.Run("tocsin", default_program(), DIVISOR, group=group(broken())) as pair:
            second = pair.another("twin")
            self.addCleanup(second.process.stop)
            second.start()
            pair.target.set(**{'problem{n="1"}': 1})
            pair.begins(BROKEN)
            pair.wait(run.HOLD + 6 * run.RESEND)
            self.assert_equal_alerts(pair.gate.posts, pair.seconds(run.INTERVAL))
            # One of the pair dies: the other goes on, and nobody notices.
            pair.peer.process.kill()
            pair.wait(6 * run.RESEND)
            pair.target.set(**{'problem{n="1"}': 0})
            pair.ends(BROKEN)
            pair.settle()
            verdict = pair.verdict()
            print(f"pair: {verdict}; requests to Alertmanager: {len(pair.gate.posts)}")
            self.assertTrue(verdict.clean, f"{verdict}: {pair.webhook.events}")
            self.assertEqual([status for _, _, status in pair.webhook.events], ["firing", "resolved"])

    def assert_equal_alerts(self, posts, interval):
        """Each message comes from both, at the same slot, and is the same but for the sender's own address."""
        told = {}
        for _, body in posts:
            (alert,) = json.loads(body)
            url = alert.pop("generatorURL")
            told.setdefault(json.dumps(alert, sort_keys=True), set()).add(url.partition("/graph")[0])
        both = [senders for senders in told.values() if len(senders) == 2]
        print(f"{len(told)} different messages, {len(both)} of them from both; slots of {interval:g} s")
        self.assertGreaterEqual(len(both), 3)
        # The last one may still be under way from one of them.
        self.assertGreaterEqual(len(both), len(told) - 1)


if __name__ == "__main__":
    unittest.main()
