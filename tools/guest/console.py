# SPDX-License-Identifier: MIT
"""A booted guest and its console: types commands at the shell's prompt and tells how the machine ended."""

import ctypes
import os
import re
import select
import signal
import subprocess
import sys
import time

from report import Failure

PROMPT = b"$ "
_PANIC = re.compile(rb"(?:^|\n)(kernel panic: [^\r\n]*)\r?\n")
_PROMPT_AT_LINE_START = re.compile(rb"(?:^|\n)\$ ")
# A prompt at the start of a line is believed at once; `$ ` behind other text may be the middle of some output.
_QUIET_AT_LINE_START, _QUIET_ELSEWHERE, _QUIET_BURIED = 0.02, 0.4, 1.5
# After a panic the report still has to be printed: this long without a byte, and at most so long in all.
_PANIC_QUIET, _PANIC_LONGEST = 1.0, 10.0


class GuestFailure(Failure):
    """The machine did not come back to the prompt. Status 1; a time-out is 124, as timeout(1) has it."""


def split_commands(text):
    """Splits at `;` and newlines outside quotes and parentheses; empty commands are dropped."""
    commands, current, quote, depth = [], "", "", 0
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "(":
            depth += 1
        elif character == ")":
            depth = max(0, depth - 1)
        elif character in ";\n" and depth == 0:
            commands.append(current.strip())
            current = ""
            continue
        current += character
    commands.append(current.strip())
    return [command for command in commands if command]


def die_with_parent():
    """Asks Linux to end this process when the driver is killed without a chance to clean up."""
    set_death_signal = 1  # PR_SET_PDEATHSIG
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGTERM)


class Guest:
    """QEMU as a child process with its serial line on two pipes.

    `echo` receives the console's bytes as they come (None: nobody listens). All waiting is against one
    deadline, `timeout` seconds after the start.
    """

    def __init__(self, command, timeout, echo=None):
        self.timeout = timeout
        self.deadline = time.monotonic() + timeout
        self.echo = echo
        self.transcript = bytearray()
        self.since_command = 0
        self.panic_searched = 0
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            preexec_fn=die_with_parent,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def text(self, start=0):
        return bytes(self.transcript[start:]).decode("utf-8", "replace").replace("\r\n", "\n")

    def run(self, command):
        """Types one command; returns what the console showed from then to the next prompt."""
        start = len(self.transcript)
        self.since_command = start
        try:
            self.process.stdin.write(command.encode() + b"\n")
        except BrokenPipeError:
            pass  # The machine is gone; await_prompt finds out how.
        self.await_prompt(f"'{command}'")
        return self.text(start)

    def await_prompt(self, what="the boot"):
        last_byte = time.monotonic()
        while True:
            now = time.monotonic()
            quiet = self._quiet_needed()
            if quiet is not None and now - last_byte >= quiet:
                return
            if now >= self.deadline:
                raise GuestFailure(f"time-out: {what} did not come back to the prompt within {self.timeout:g} s", 124)
            wait = self.deadline - now if quiet is None else min(quiet - (now - last_byte), self.deadline - now)
            ready, _, _ = select.select([self.process.stdout], [], [], max(wait, 0))
            if not ready:
                continue
            if not self._take():
                raise self._death(what)
            last_byte = time.monotonic()
            self._look_for_panic(what)

    def wait_for_output(self, seconds):
        """Takes what the console shows within that time, if anything; False once the machine has ended."""
        if select.select([self.process.stdout], [], [], seconds)[0]:
            return self._take()
        return True

    def stop(self):
        """Ends the machine in the way that lets QEMU write its image out."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except BrokenPipeError:
                pass

    def _quiet_needed(self):
        """Seconds of silence after which the prompt counts as reached; None when there is no prompt."""
        output = bytes(self.transcript[self.since_command :][-65536:])
        if re.search(rb"(?:^|\n)\$ \Z", output):
            return _QUIET_AT_LINE_START
        if output.endswith(PROMPT):
            return _QUIET_ELSEWHERE
        # A background process may print behind the prompt.
        return _QUIET_BURIED if _PROMPT_AT_LINE_START.search(output) else None

    def _take(self):
        """Reads what is there; False at the end of the machine."""
        data = os.read(self.process.stdout.fileno(), 65536)
        self.transcript += data
        if data and self.echo:
            self.echo(data)
        return bool(data)

    def _look_for_panic(self, what):
        match = _PANIC.search(self.transcript, self.panic_searched)
        if not match:
            # A line may still be growing: search again from its start.
            self.panic_searched = max(self.transcript.rfind(b"\n"), 0)
            return
        latest = time.monotonic() + _PANIC_LONGEST
        while time.monotonic() < latest and select.select([self.process.stdout], [], [], _PANIC_QUIET)[0]:
            if not self._take():
                break
        raise GuestFailure(f"{match[1].decode('utf-8', 'replace')} (during {what})", 1)

    def _death(self, what):
        status = self.process.wait()
        if status < 0:
            return GuestFailure(f"QEMU was ended by {signal.Signals(-status).name} during {what}", 1)
        if status == 0:
            return GuestFailure(f"the machine powered off during {what}", 1)
        lines = self.text().strip().splitlines()
        last_words = f": {lines[-1].strip()}" if lines else ""
        return GuestFailure(f"QEMU ended with status {status} during {what}{last_words}", 1)


def echo_to_stdout(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
