"""Starts stack.quickstart. Until its modules are loaded, an interrupt ends the program without a word."""
import signal
import sys

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: sys.exit(128 + number))

from stack.quickstart import main  # noqa: E402: after the handlers, because it takes a moment

if __name__ == "__main__":
    sys.exit(main())
