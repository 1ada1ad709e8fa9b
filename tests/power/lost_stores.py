#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stores to a mapped file on a disk that takes no more writes: munmap says -1 and the page with its bytes stays; when
the program ends, the console names the file, the volume takes no more writes, and sync says so. The image is good
afterwards and has what was durable before.

The disk fails when it is told to: QEMU may not write to files from then on (RLIMIT_FSIZE), and hears of it as an error.

usage: lost_stores.py --build DIR [--view VIEW]
"""

import argparse
import re
import resource
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from power import ROOT, Failed, Guest, Machine, Power, guarded

PATIENCE = 120
WANTED = (
    r"^munmap -1$",
    r"^bytes new$",
    r"^again -1, New$",
    r"^sync -1$",
    r"^file system: page 0 of kept, inode \d+ could not be written and is lost$",
    r"^file system: .*read-only from now on$",
)


def await_text(guest, wanted):
    while wanted not in guest.text():
        if not guest.wait_for_output(PATIENCE):
            raise Failed(f"the console does not say '{wanted}':\n{guest.text()}")


def lose_stores(options, image):
    machine = Machine(kernel=options.build / f"kernel-{options.view}", image=image, harts=2)
    with Guest(machine.command(interactive=False), PATIENCE) as guest:
        guest.await_prompt()
        guest.process.stdin.write(b"lostmap\n")
        await_text(guest, "mapped\n")
        _, most = resource.prlimit(guest.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(guest.process.pid, resource.RLIMIT_FSIZE, (0, most))
        guest.process.stdin.write(b"go\n")
        guest.await_prompt("lostmap")
        console = guest.text()
        # A disk that works again does not bring back what is lost.
        resource.prlimit(guest.process.pid, resource.RLIMIT_FSIZE, (most, most))
        after = guest.run("echo x > new")
        if "x" in guest.run("cat new").split("\n", 1)[1]:
            raise Failed(f"the volume still takes writes:\n{after}")
    for wanted in WANTED:
        if not re.search(wanted, console, re.MULTILINE):
            raise Failed(f"the console does not say {wanted}:\n{console}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--view", default="unified")
    options = parser.parse_args()
    # A write beyond the limit is to be an error, not QEMU's end. What is ignored here is ignored there.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "fs.img"
        shutil.copyfile(options.build / "fs.img", image)
        source = ROOT / "tests" / "power" / "lostmap.c"
        subprocess.run([ROOT / "tools" / "xv6cc", "--output", folder, "--image", image, source], check=True)
        lose_stores(options, image)
        power = Power(options.build, options.view, image)
        power.fsck("after the errors")
        if "\nold" not in (after := power.on(["cat kept"], "", 0.2)):
            raise Failed(f"what was durable is gone:\n{after}")
    print("munmap and exit told of the stores that were lost")
    return 0


if __name__ == "__main__":
    guarded(main)
