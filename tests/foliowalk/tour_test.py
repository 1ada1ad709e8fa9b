# SPDX-License-Identifier: MIT
"""The tour of docs/explorer.md, step by step and literally, in a browser: what each step says about the page is looked
for there. tour_test.mjs does what a reader does with the page, this what is typed at the shell and in the second
terminal.

Skipped, with a line that says why, where npm or Chromium is missing. PAGE_PICTURES=DIRECTORY keeps the screenshots.
"""

import os
import re
import shutil
import subprocess
import tempfile

from guests import ROOT, explore, skip
from terminal import Terminal

chromium = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
if not shutil.which("qemu-system-riscv64"):
    skip("no qemu-system-riscv64")
if not shutil.which("npm") or not shutil.which("node"):
    skip("no npm: the explorer's page is not built")
if not chromium:
    skip("no Chromium: the tour is not walked")


def foliowalk(*arguments):
    command = [explore.COMMAND, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def second_terminal():
    """The commands that stand below the steps."""
    listed = foliowalk("ps")
    assert re.search(r"^2 +sh ", listed, re.M), listed
    assert "guard" in foliowalk("map", "sh") and "usyscall" in foliowalk("map", "sh")
    assert "level" in foliowalk("tree", "sh")
    assert "physical address" in foliowalk("explain", "sh", "0x3018")
    found = foliowalk("lint")
    assert "0 faults" in found, found


def walk(terminal, address, pictures):
    script = ROOT / "tests/foliowalk/tour_test.mjs"
    command = ["node", str(script), address, chromium, pictures]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tour:
        for line in tour.stdout:
            print(line, end="", flush=True)
            # What the reader is told to type at the shell.
            if line.startswith("type: "):
                os.write(terminal.terminal, line[len("type: ") :].strip().encode() + b"\r")
    assert tour.returncode == 0, "the tour failed"


terminal = Terminal(str(ROOT / "run"), "--no-install", "--explore", "--snapshot")
try:
    address = re.search(r"http://127\.0\.0\.1:\d+/", terminal.wait_for(rb"\n\$ ", 600))[0]
    second_terminal()
    with tempfile.TemporaryDirectory() as directory:
        walk(terminal, address, os.environ.get("PAGE_PICTURES") or directory)
finally:
    os.write(terminal.terminal, b"\x01x")
    terminal.wait_for(None, 60)
    terminal.status()
print("1 passed")
