#!/usr/bin/env python3
"""The machine is killed while programs write (reliability.md R5, R16): fsck must find nothing wrong in the image, whatever
the moment, and the next boot recovers the log and frees the inodes that were unlinked but open.

usage: run.py --build DIR [--view VIEW] [--kills N] [--seed N]
"""

import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from console import Guest, GuestFailure  # noqa: E402
from machine import Machine  # noqa: E402

WRITERS = "systest four_writers create_many concurrent_create link_and_unlink many_large_writes inode_churn subdirectories"


class Failed(Exception):
    pass


def fsck(build, image, when):
    result = subprocess.run([build / "tools" / "fsck", image], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failed(f"{when}: fsck says\n{result.stdout}{result.stderr}")
    return result.stdout


class Power:
    """Boots the image, types commands, and kills the machine `seconds` after the last of them."""

    def __init__(self, build, view, image):
        self.machine = Machine(kernel=build / f"kernel-{view}", image=image, harts=2)

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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--view", default="unified")
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "fs.img"
        shutil.copy(options.build / "fs.img", image)
        power = Power(options.build, options.view, image)
        recovered = 0
        for kill in range(options.kills):
            output = power.on([], WRITERS, chance.uniform(0.1, 4.0))
            recovered += "recovering tail" in output
            fsck(options.build, image, f"kill {kill + 1}")
        power.on(["echo x > orphan", "sleep 1000 < orphan &", "rm orphan"], "", 0)
        notes = fsck(options.build, image, "after the orphan's kill")
        orphans = re.findall(r"inode (\d+): orphan", notes)
        if not orphans:
            raise Failed(f"no orphan in the image of a machine that had an unlinked file open:\n{notes}")
        output = power.on(["ls"], "", 0)
        for number in orphans:
            if f"ireclaim: orphaned inode {number}" not in output:
                raise Failed(f"the boot after it did not free inode {number}:\n{output}")
        if "orphan" in fsck(options.build, image, "after the last boot"):
            raise Failed("an orphan is left after the last boot")
        if recovered == 0:
            raise Failed("no boot found anything to recover")
        print(f"{options.kills} kills, {recovered} boots recovered, {len(orphans)} orphans freed, fsck clean each time")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, GuestFailure) as failure:
        print(failure, file=sys.stderr)
        sys.exit(1)
