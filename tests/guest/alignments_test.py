#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""However source and destination lie in their words, moving a program's bytes costs at most 1.4 times the cheapest way.

The program `alignments` tries all 8 x 8 pairs for each call under -icount, where a count of instructions repeats.

usage: alignments_test.py --build RELEASE_TREE [--view VIEW]
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from report import Failure, guarded  # noqa: E402
from trial import trial  # noqa: E402

MOST = 1.4
CALLS = {"pipe_write", "pipe_read", "file_read"}
LINE = re.compile(r"^(\w+): (\d+) to (\d+)\r?$", re.MULTILINE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--view", default="unified")
    options = parser.parse_args()
    with trial(options.build, options.view, 300, harts=1, icount=True) as guest:
        guest.await_prompt()
        output = guest.run("alignments")
    found = {name: (int(best), int(worst)) for name, best, worst in LINE.findall(output)}
    if set(found) != CALLS:
        raise Failure(f"not all calls were measured: {output[-500:]!r}", 1)
    for name, (best, worst) in found.items():
        print(f"{name}: {best} to {worst}, {worst / best:.2f}")
    dear = {name: pair for name, pair in found.items() if pair[1] > MOST * pair[0]}
    if dear:
        raise Failure(f"more than {MOST} times the cheapest alignment: {dear}", 1)
    return 0


if __name__ == "__main__":
    guarded(main)
