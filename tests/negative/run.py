#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Protection is tested by being hit: the kernel does on purpose what it must never do (boot argument crash=KIND), and
the report must say so: the cause first, the walk with its verdict, whose stack, a backtrace, and the machine stops with
the panic status.

usage: run.py --build DIR [--view VIEW] [KIND...]
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

VIEWS = ("shared", "mirrored", "unified")
PANIC_STATUS = 101

# What the report must contain, in this order.
WALK = [r"^walk of 0x[0-9a-f]{16} ", r"^  level 2: table 0x[0-9a-f]{16}"]
EXPECTED = {
    "null": [r"^kernel panic: load page fault", *WALK, r"<-- the walk fails here", r"^  so: not present"],
    "user-page": [r"^kernel panic: load page fault", *WALK, r"^  so: user page touched by the supervisor"],
    "trampoline-write": [r"^kernel panic: store page fault", *WALK, r"^  so: page is not writable"],
    "text-write": [r"^kernel panic: store page fault", *WALK, r"^  so: page is not writable"],
    "rodata-write": [r"^kernel panic: store page fault", *WALK, r"^  so: page is not writable"],
    "data-execute": [r"^kernel panic: instruction page fault", *WALK, r"^  so: page is not executable"],
    "stack-overflow": [r"^kernel panic: kernel stack overflow", r"^    \.\.\. and \d+ times more from there"],
    "illegal-instruction": [r"^kernel panic: illegal instruction"],
    "bug": [
        r"^boot argument nonsense ignored: unknown$",
        r"^boot argument stack=3 ignored: takes 1\|2$",
        r"^boot argument crash=null ignored: given before$",
        r"^kernel panic: asked for by the boot argument crash=bug",
    ],
}
# Boot arguments that mean nothing, behind the others.
MORE_ARGUMENTS = {"bug": " nonsense stack=3 crash=null"}
ALWAYS = [r'^hart \d+, thread "', r"^backtrace"]


def applies(kind, view):
    """In the other views the kernel's table has its own stacks where a program has USYSCALL."""
    return kind != "user-page" or view == "unified"


def boot(build, view, kind):
    arguments = f"panic=exit crash={kind}{MORE_ARGUMENTS.get(kind, '')}"
    command = [
        "qemu-system-riscv64", "-machine", "virt", "-bios", "none", "-m", "128M", "-smp", "2", "-nographic",
        "-kernel", str(build / f"kernel-{view}"), "-append", arguments, "-snapshot",
        "-drive", f"file={build / 'fs.img'},if=none,format=raw,id=x0",
        "-device", "virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0",
    ]  # fmt: skip
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    return result.returncode, result.stdout


def check(build, view, kind):
    """The first thing that is wrong, or nothing."""
    try:
        status, output = boot(build, view, kind)
    except subprocess.TimeoutExpired:
        return "the machine did not stop"
    rest = output
    for pattern in EXPECTED[kind]:
        found = re.search(pattern, rest, re.MULTILINE)
        if not found:
            return f"no line {pattern!r} (in its place) in:\n{output}"
        rest = rest[found.end() :]
    for pattern in ALWAYS:
        if not re.search(pattern, output, re.MULTILINE):
            return f"no line {pattern!r} in:\n{output}"
    if len(re.findall(r"^kernel panic:", output, re.MULTILINE)) != 1:
        return f"not exactly one panic in:\n{output}"
    if status != PANIC_STATUS:
        return f"exit status {status}, not {PANIC_STATUS}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--view", choices=VIEWS, action="append")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(EXPECTED))
    options = parser.parse_args()
    failures = 0
    for view in options.view or VIEWS:
        for kind in options.kinds or EXPECTED:
            if not applies(kind, view):
                continue
            wrong = check(options.build, view, kind)
            print(f"{view:9} {kind:20} {'FAILED: ' + wrong if wrong else 'OK'}", flush=True)
            failures += wrong is not None
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
