#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the console says of a program that ends by a fault: the stack's overflow by its name, functions by theirs where
the program's file has symbols, a recursion told once, and a word when no more is shown."""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from report import Failure, guarded  # noqa: E402
from trial import trial  # noqa: E402

# Command, and what the console must say.
CASES = (
    (
        "faults overflow",
        r"ended: stack overflow, store to 0x[0-9a-f]+ in the guard below the stack at pc 0x[0-9a-f]+ \(recurse \+ 0x",
        r"  called from recurse \+ 0x[0-9a-f]+ \(\d+ times\), main \+ 0x",
    ),
    (
        "faults store",
        r"ended: store to 0x123456000 at pc 0x[0-9a-f]+ \(victim \+ 0x[0-9a-f]+\); walk of 0x[0-9a-f]+: L2\[",
        r"  called from caller \+ 0x[0-9a-f]+, main \+ 0x",
    ),
    # The same file without symbols: as before.
    ("bare store", r"ended: store to 0x123456000 at pc 0x[0-9a-f]+; walk of"),
    ("faults flood", r"more programs end for faults than 20 in a second: these are counted, not shown"),
)


def make_image(build, directory):
    subprocess.run(
        [ROOT / "tools" / "xv6cc", "--output", directory, ROOT / "tests/guest/xv6cc/faults.c"], check=True
    )
    programs = {name: build / "user" / name for name in ("init", "sh")}
    programs |= {"faults": directory / "faults.sym", "bare": directory / "faults"}
    files = [f"{name}={path}" for name, path in programs.items()]
    subprocess.run([build / "tools" / "mkfs", "--quiet", directory / "fs.img", *files], check=True)
    return directory / "fs.img"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", type=Path, required=True, help="the build tree with kernels and mkfs")
    parser.add_argument("--view", default="unified")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bifolium-") as directory:
        image = make_image(options.build, Path(directory))
        with trial(options.build, options.view, 120, pristine=image) as guest:
            guest.await_prompt()
            for command, *wanted in CASES:
                output = guest.run(command).replace("\r", "")
                print(output, flush=True)
                for pattern in wanted:
                    if not re.search(pattern, output):
                        raise Failure(f"`{command}`: no {pattern}", 1)
    return 0


if __name__ == "__main__":
    guarded(main)
