# SPDX-License-Identifier: MIT
"""A command on a pseudo-terminal, as a person has it."""

import os
import pty
import re
import select
import signal
import time


class Terminal:
    """A command on a pseudo-terminal of its own."""

    def __init__(self, *command):
        self.output = b""
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.execv(command[0], command)

    def wait_for(self, pattern, seconds=120):
        """Reads until the pattern appears in what is new; returns that. None waits for the end."""
        start, end = len(self.output), time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.2)[0]:
                try:
                    data = os.read(self.terminal, 65536)
                except OSError:
                    data = b""
                self.output += data
                if not data:
                    break
            if pattern and re.search(pattern, self.output[start:]):
                return self.output[start:].decode(errors="replace")
        assert pattern is None, (pattern, self.output[-2000:])
        return self.output[start:].decode(errors="replace")

    def type(self, keys, pattern):
        os.write(self.terminal, keys)
        return self.wait_for(pattern)

    def status(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])

    def kill(self):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
