#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a boot costs, in instructions from reset to the shell's prompt (-smp 1, -icount), in each view: under the limit
at 128 MiB, and with more memory only the entries of the frame table may be added, a few instructions for each frame."""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from machine import VIEWS  # noqa: E402
from report import Failure, guarded  # noqa: E402
from trial import trial  # noqa: E402

LIMIT = 5_000_000
INSTRUCTIONS_PER_FRAME = 4
SMALL, LARGE = 128 << 20, 4 << 30
PAGE = 4096
TO_PROMPT = re.compile(r"to the prompt (\d+)")


def boot_cost(build, view, memory):
    with trial(build, view, 120, harts=1, memory=memory, icount=True) as guest:
        guest.await_prompt()
        return int(TO_PROMPT.search(guest.run("vmstat"))[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="the release tree")
    options = parser.parse_args()
    for view in VIEWS:
        small, large = (boot_cost(options.build, view, memory) for memory in (SMALL, LARGE))
        per_frame = (large - small) * PAGE / (LARGE - SMALL)
        print(f"{view}: {small} instructions at 128 MiB, {large} at 4 GiB: {per_frame:.2f} for each frame more")
        if small > LIMIT:
            raise Failure(f"{view}: {small} instructions to the prompt, more than {LIMIT}", 1)
        if per_frame > INSTRUCTIONS_PER_FRAME:
            raise Failure(f"{view}: {per_frame:.2f} instructions per frame more: not only the frame table grows", 1)
    return 0


if __name__ == "__main__":
    guarded(main)
