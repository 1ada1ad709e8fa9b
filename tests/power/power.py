# SPDX-License-Identifier: MIT
"""A machine with an image that may be switched off at any moment, and what is then looked at in the image."""

import struct
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from console import Guest, GuestFailure  # noqa: E402
from image import private_copy  # noqa: E402
from machine import Machine  # noqa: E402
from report import Failure, guarded  # noqa: E402

__all__ = [
    "BLOCK", "Failed", "Guest", "GuestFailure", "Machine", "Power", "guarded", "log_count", "private_copy",
]  # fmt: skip

BLOCK = 1024


class Failed(Failure):
    def __init__(self, text):
        super().__init__(text, 1)


class Power:
    """Boots the image, types commands, and kills the machine `seconds` after the last of them."""

    def __init__(self, build, view, image, harts=2):
        self.build, self.image = build, image
        self.machine = Machine(kernel=build / f"kernel-{view}", image=image, harts=harts)

    def on(self, commands, last, seconds):
        with Guest(self.machine.command(interactive=False), timeout=120) as guest:
            guest.await_prompt()
            for command in commands:
                guest.run(command)
            if last:
                guest.process.stdin.write(last.encode() + b"\n")
            time.sleep(seconds)
            guest.process.kill()
            guest.process.wait()
            return guest.text()

    def fsck(self, when):
        command = [self.build / "tools" / "fsck", self.image]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise Failed(f"{when}: fsck says\n{result.stdout}{result.stderr}")
        return result.stdout


def log_count(image):
    """The number of blocks in the image's log, by xv6's own reading: the first word of the header."""
    with open(image, "rb") as file:
        file.seek(BLOCK)
        log_start = struct.unpack("<8I", file.read(32))[5]
        file.seek(log_start * BLOCK)
        return struct.unpack("<i", file.read(4))[0]
