#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long a hart works for one program without a chance for anything else: at most 10 ms, whatever is asked of it.

The program `stretch` makes each call at its greatest on a machine with one hart under -icount, where a retired
instruction is a nanosecond of the machine's time: the host's speed plays no part. Ctrl-T and Ctrl-P are typed while it
works. Then, without -icount: all pairs of such calls at the same time on many harts come to an end (--pairs), and a
console that nobody reads keeps nobody from working (--unread).

usage: stretch_test.py --build DEBUG_TREE [--view VIEW] [--mem SIZE] [--pairs NAME... | --unread]
"""

import argparse
import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from console import echo_to_stdout  # noqa: E402
from machine import parse_memory  # noqa: E402
from report import Failure, guarded  # noqa: E402
from trial import trial  # noqa: E402

LIMIT = 10_000  # microseconds
LINE = re.compile(r"^(\w+): (\d+) us", re.MULTILINE)
SHOW_TABLES, LIST_PROCESSES = b"\x14", b"\x10"


def judge(text, where):
    figures = {name: int(value) for name, value in LINE.findall(text)}
    if "longest" not in figures:
        raise Failure(f"{where}: no figures in {text[-500:]!r}", 1)
    late = {name: value for name, value in figures.items() if value > LIMIT}
    if late:
        raise Failure(f"{where}: longer than {LIMIT} us: {late}", 1)


def measure(options):
    with trial(options.build, options.view, options.timeout, echo_to_stdout, harts=1, memory=options.mem,
               icount=True) as guest:  # fmt: skip
        guest.await_prompt()
        judge(guest.run("stretch"), f"{options.view}, {options.mem >> 20} MiB")
        # The reports of the keys are made at interrupt time, in whatever process the interrupt meets.
        start = len(guest.transcript)
        guest.process.stdin.write(b"stretch sbrk_lazily fork_heap pipes\n" + SHOW_TABLES)
        for key in (LIST_PROCESSES, SHOW_TABLES):
            time.sleep(0.3)
            guest.process.stdin.write(key)
        while b"longest: " not in guest.transcript[start:] and time.monotonic() < guest.deadline:
            guest.wait_for_output(1)
        guest.await_prompt("the keys' reports")
        if b"page table 0x" not in guest.transcript[start:]:
            raise Failure("Ctrl-T showed no table", 1)
        judge(guest.text(start), "while keys are pressed")


def try_pairs(options):
    with trial(options.build, options.view, options.timeout, echo_to_stdout, harts=options.smp,
               memory=options.mem) as guest:  # fmt: skip
        guest.await_prompt()
        output = guest.run("stretch -p " + " ".join(options.pairs))
        if not re.search(r"^[1-9]\d* pairs ended", output, re.MULTILINE):
            raise Failure("the pairs did not come to an end", 1)


def leave_unread(options):
    """A program prints for ever and nobody takes it; another one switches the machine off all the same."""
    with trial(options.build, options.view, options.timeout, harts=1) as guest:
        guest.await_prompt()
        guest.run("(sleep 40; poweroff) &")
        guest.process.stdin.write(b"stretch -f\n")
        began = time.monotonic()
        while guest.process.poll() is None:
            if time.monotonic() - began > 60:
                raise Failure("a console that nobody reads holds the machine", 1)
            time.sleep(0.2)
        print(f"powered off after {time.monotonic() - began:.1f} s with status {guest.process.returncode}")
        if guest.process.returncode != 0:
            raise Failure("the machine did not end as it was told to", 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True, help="the debug tree")
    parser.add_argument("--view", default="unified")
    parser.add_argument("--mem", type=parse_memory, default=parse_memory("128M"))
    parser.add_argument("--smp", type=int, default=8)
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--pairs", nargs="*", help="these against all, or all")
    parser.add_argument("--unread", action="store_true")
    options = parser.parse_args()
    if options.unread:
        leave_unread(options)
    elif options.pairs is not None:
        try_pairs(options)
    else:
        measure(options)
    return 0


if __name__ == "__main__":
    guarded(main)
