#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The machine is killed while programs write (docs/failures.md R5, R16): fsck must find nothing wrong in the image,
whatever the moment, and the next boot recovers the log and frees the inodes that were unlinked but open. A machine that
is quiet when it is killed leaves an empty log: its image needs no recovery, by this kernel or another.

usage: run.py --build DIR [--view VIEW] [--kills N] [--seed N]
"""

import argparse
import random
import re
from pathlib import Path

from power import Failed, Power, guarded, log_count, private_copy

WRITERS = (
    "systest four_writers create_many concurrent_create link_and_unlink many_large_writes inode_churn subdirectories"
)


def kill_while_writing(power, kills, chance):
    recovered = 0
    for kill in range(kills):
        lines = re.findall(r"^.*recovering.*$", power.on([], WRITERS, chance.uniform(0.1, 4.0)), re.MULTILINE)
        recovered += bool(lines)
        for number, line in enumerate(lines):
            if not re.fullmatch(rf"recovering tail {number} dst \d+", line):
                raise Failed(f"boot {kill + 1}: a line of its own kind: {line!r}")
        power.fsck(f"kill {kill + 1}")
    if recovered == 0:
        raise Failed("no boot found anything to recover")
    return recovered


def kill_with_an_orphan(power):
    power.on(["echo x > orphan", "sleep 1000 < orphan &", "rm orphan"], "", 0)
    notes = power.fsck("after the orphan's kill")
    orphans = re.findall(r"inode (\d+): orphan", notes)
    if not orphans:
        raise Failed(f"no orphan in the image of a machine that had an unlinked file open:\n{notes}")
    output = power.on(["ls"], "", 0)
    for number in orphans:
        if f"ireclaim: orphaned inode {number}" not in output:
            raise Failed(f"the boot after it did not free inode {number}:\n{output}")
    if "orphan" in power.fsck("after the last boot"):
        raise Failed("an orphan is left after the last boot")
    return len(orphans)


def kill_when_quiet(power):
    """Who leaves with Ctrl-a x has waited for the prompt: the image must be as good as after poweroff."""
    for round in range(3):
        written = [f"echo {round} > quiet", "mkdir made", "ls > list", "rm made list"]
        output = power.on(written, "", 1)
        if "recovering" in output:
            raise Failed(f"the boot after a quiet kill had to recover:\n{output}")
        if log_count(power.image) != 0:
            raise Failed(f"{log_count(power.image)} blocks in the log of a machine that was quiet for a second")
        power.fsck(f"quiet kill {round + 1}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--view", default="unified")
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with private_copy(options.build / "fs.img") as image:
        power = Power(options.build, options.view, image)
        recovered = kill_while_writing(power, options.kills, random.Random(options.seed))
        orphans = kill_with_an_orphan(power)
        for harts in (1, 3):
            kill_when_quiet(Power(options.build, options.view, image, harts))
        print(f"{options.kills} kills, {recovered} boots recovered, {orphans} orphans freed, fsck clean each time")
        print("6 kills of a quiet machine: empty log, nothing to recover")
    return 0


if __name__ == "__main__":
    guarded(main)
