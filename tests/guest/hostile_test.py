#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a hostile user can do to the whole machine: a fork bomb that kills the shell, programs that are ended for a
fault by the hundred, and garbage on the console.

Afterwards the shell must answer, and quickly; the machine must not have panicked and its image must be clean.
"""

import argparse
import random
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "guest"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from console import echo_to_stdout  # noqa: E402
from report import Failure, guarded  # noqa: E402
from run_guest import check_image  # noqa: E402
from trial import trial  # noqa: E402

SEED = 20261121
LIST_PROCESSES, SHOW_TABLES, END_OF_INPUT, KILL_LINE = b"\x10", b"\x14", b"\x04", b"\x15"
LINES_PER_SECOND = 20  # kernel/process/fault_report.cpp
QUICKLY = 10.0  # seconds, for an answer; generous, since other tests may run beside this one


def require(condition, why):
    if not condition:
        raise Failure(why, 1)


def answers(guest):
    """The shell runs a command and says so."""
    began = time.monotonic()
    require("still here" in guest.run("echo still here").replace("echo still here", "", 1), "the shell does not answer")
    require(time.monotonic() - began < QUICKLY, "the shell takes too long")


def besiege(guest):
    """All slots are taken, then the shell is killed: init gets a new one when there is room again."""
    before = guest.run("ps").count("\n")
    output = guest.run("siege 5")
    require("init: starting sh" in output, "the shell was not started anew")
    # Under siege init itself is never refused a process, however long it must wait for it.
    require("fork failed" not in output and "init has exited" not in output, "init was refused what it needs")
    time.sleep(3)
    answers(guest)
    require(guest.run("ps").count("\n") == before, "processes of the siege are left")


def fault_often(guest):
    """Three hundred programs are ended for a fault: the console shows some lines a second, not all (A9)."""
    began = time.monotonic()
    output = guest.run("systest faults_do_not_flood")
    seconds = time.monotonic() - began
    require("1 passed, 0 failed" in output, "the programs were not ended")
    lines = output.count(" ended: ")
    require(0 < lines <= LINES_PER_SECOND * (seconds + 2), f"{lines} lines in {seconds:.1f} s")


def type_bytes(guest, data):
    guest.process.stdin.write(data)


def until_quiet(guest):
    """The shell's editor has read what was typed.

    What comes faster than it reads does not fit and is lost, the key that ends the garbage among it.
    """
    seen = -1
    while len(guest.transcript) != seen:
        seen = len(guest.transcript)
        guest.wait_for_output(0.5)


def abuse_console(guest):
    """Garbage, lines without end, and the keys that make the kernel itself print, hundreds of times."""
    print(f"seed {SEED}")
    noise = random.Random(SEED)
    # No newline and nothing that ends a line: it must be forgotten by the key that kills the line.
    garbage = bytes(noise.choice([c for c in range(256) if c not in b"\n\r\x04"]) for _ in range(3000))
    for data in (garbage, b"\0" * 500, b"x" * 20000, b"\x08\x7f" * 1000, LIST_PROCESSES * 300, SHOW_TABLES * 300):
        type_bytes(guest, data)
        until_quiet(guest)
        type_bytes(guest, KILL_LINE + b"\n")
        guest.await_prompt("the console after garbage")
        time.sleep(0.3)
        answers(guest)
    # Nobody reads while this is typed: what does not fit is lost, but not the end of the line.
    guest.run("sleep 20\n" + "x" * 20000)
    time.sleep(1)
    answers(guest)
    # The end of input ends the shell; init starts another.
    type_bytes(guest, END_OF_INPUT)
    guest.await_prompt("the new shell")
    answers(guest)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, required=True, help="the build tree with kernels, fs.img and fsck")
    parser.add_argument("--view", default="unified")
    parser.add_argument("--smp", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=240)
    options = parser.parse_args()
    judge = partial(check_image, options.build)
    with trial(options.build, options.view, options.timeout, echo_to_stdout, judge=judge, harts=options.smp) as guest:
        guest.await_prompt()
        besiege(guest)
        fault_often(guest)
        abuse_console(guest)
        # R18: physical addresses are shown on purpose (vmprint, fault reports), the kernel's own never.
        require(b"0xffffffc0" not in guest.transcript, "a kernel address is on the console")
    return 0


if __name__ == "__main__":
    guarded(main)
