# SPDX-License-Identifier: MIT
"""How run, test and bench speak: progress on stderr, one clear last line when something fails."""

import signal
import sys
import time


class Failure(Exception):
    """Something the user has to know about; its text is the last line printed."""

    def __init__(self, text, status=2):
        super().__init__(text)
        self.status = status


def say(text):
    print(f"[bifolium] {text}", file=sys.stderr, flush=True)


class Progress:
    """One line that is rewritten on a terminal, and a line now and then in a log."""

    def __init__(self, title):
        self.title = title
        self.started = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.last_shown = self.started
        self.open_line = False

    def step(self, done, total, what):
        now = time.monotonic()
        if self.terminal:
            line = f"[bifolium] {self.title} {done}/{total} {what}"
            print(f"\r\033[K{line[:118]}", end="", file=sys.stderr, flush=True)
            self.open_line = True
        elif now - self.last_shown >= 5 or done == total:
            say(f"{self.title} {done}/{total}")
            self.last_shown = now

    def clear(self):
        if self.open_line:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
            self.open_line = False

    def seconds(self):
        return time.monotonic() - self.started


def guarded(main):
    """Runs main() and turns Failure and Ctrl-C into an exit status and a last line."""
    # timeout(1) and ctest end us with SIGTERM: leave through the with-blocks, so that no machine stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except Failure as failure:
        sys.stdout.flush()
        print(f"error: {failure}", file=sys.stderr, flush=True)
        sys.exit(failure.status)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
