"""tocsin beside Debian's exporters of Postgres and Redis, on the same live servers: compare_databases.py as a test."""
import os
import unittest

import compare_databases
import compare_with_exporters as comparison


class DatabasesComparison(unittest.TestCase):
    def check(self, section, least):
        if not os.path.exists(f"/usr/bin/{section.name}"):
            self.skipTest(f"{section.name} is not installed")
        outcome = comparison.run_section(section)
        print(f"{outcome.name}: {outcome.families} families, {outcome.same} the same, {len(outcome.explained)} left out")
        self.assertEqual(outcome.problems, [])
        self.assertGreaterEqual(outcome.same, least)

    def test_postgres(self):
        self.check(compare_databases.PostgresSection, 250)

    def test_redis(self):
        self.check(compare_databases.RedisSection, 100)
