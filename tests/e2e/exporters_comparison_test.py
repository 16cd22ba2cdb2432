"""tocsin beside the exporters that Debian has, on the same live servers: compare_with_exporters.py as a test."""
import os
import sys
import unittest

import compare_with_exporters as comparison


class ComparisonTest(unittest.TestCase):
    def check(self, section, least):
        if not os.path.exists(f"/usr/bin/{section.name}"):
            self.skipTest(f"{section.name} is not installed")
        outcome = comparison.run_section(section)
        self.assertEqual(outcome.problems, [])
        self.assertGreaterEqual(outcome.same, least)

    def test_node(self):
        self.check(comparison.NodeSection, 150)

    def test_nginx(self):
        self.check(comparison.NginxSection, 8)

    def test_probe(self):
        self.check(comparison.BlackboxSection, 10)


if __name__ == "__main__":
    sys.exit(unittest.main())
