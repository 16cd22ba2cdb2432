"""Makes every time in a configuration shorter by one factor, so that minutes of alerting take seconds.

Only durations change: intervals, `for`, and the windows inside expressions. Everything else in the
expressions stays as it is written.
"""
import re

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
PART = re.compile(r"(\d+)(ms|[smhdwy])")
WINDOW = re.compile(rf"\[\s*{DURATION.pattern}\s*(?::\s*(?:{DURATION.pattern})?\s*)?\]"
                    rf"|\boffset\s+-?{DURATION.pattern}")

# Keys of prometheus.yml, of rule files and of alertmanager.yml whose values are durations.
KEYS = {"scrape_interval", "scrape_timeout", "evaluation_interval", "interval", "timeout", "for",
        "keep_firing_for", "group_wait", "group_interval", "repeat_interval", "normal_interval", "slow_interval"}


class Times:
    """A divisor for all times. `divisor=1` leaves them as they are."""

    def __init__(self, divisor=1):
        self.divisor = divisor

    def duration(self, text):
        if self.divisor == 1:
            return text
        seconds = sum(int(count) * UNITS[unit] for count, unit in PART.findall(text))
        return f"{max(round(seconds * 1000 / self.divisor), 1)}ms"

    def expression(self, text):
        return WINDOW.sub(lambda found: DURATION.sub(lambda part: self.duration(part[0]), found[0]), text)

    def shorten(self, node):
        """A copy of a parsed YAML document with every time in it divided."""
        if isinstance(node, dict):
            return {key: self._value(key, value) for key, value in node.items()}
        if isinstance(node, list):
            return [self.shorten(item) for item in node]
        return node

    def _value(self, key, value):
        if key in KEYS and isinstance(value, str) and DURATION.fullmatch(value):
            return self.duration(value)
        if key == "expr" and isinstance(value, str):
            return self.expression(value)
        return self.shorten(value)


REAL = Times(1)
