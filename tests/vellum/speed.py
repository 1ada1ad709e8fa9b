#!/usr/bin/env python3
"""Vellum's speed beside QEMU's, in one run: processor time of the same commands on the same kernel.

usage: speed.py BUILD [TIMES]    (BUILD: build/release; medians of TIMES runs, 3 when nothing is said)
Each row is one boot with one list of commands, on QEMU, on Vellum without judges and on Vellum with all of them. The
time is the process's own (user and system), so that what else the host does counts little. Nothing is asserted.
"""

import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from console import Guest  # noqa: E402
from machine import Machine  # noqa: E402

BUILD = Path(sys.argv[1]) if len(sys.argv) > 1 else None
LOADS = {"boot": [], "systest": ["systest"], "vmtest": ["vmtest"], "3 x forktest": ["forktest"] * 3}
HARTS = 1


def processor_seconds_of_child(run):
    before = os.times()
    run()
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def on_qemu(commands):
    def run():
        machine = Machine(kernel=BUILD / "kernel-unified", image=BUILD / "fs.img", harts=HARTS, snapshot=True)
        with Guest(machine.command(interactive=False), 1800) as guest:
            guest.await_prompt()
            for command in commands:
                guest.run(command)

    return processor_seconds_of_child(run), 0


def on_vellum(commands, judges):
    told = []

    def run():
        command = [BUILD / "tools" / "vellum", BUILD / "kernel-unified", BUILD / "fs.img", "--snapshot", "--hash"]
        command += ["--smp", str(HARTS), "--judge", judges, "--exec", "; ".join(commands)]
        told.append(subprocess.run(command, capture_output=True, text=True, check=True).stderr)

    seconds = processor_seconds_of_child(run)
    return seconds, int(re.search(r"(\d+) instructions, hash", told[0])[1])


def median(measure, times):
    results = [measure() for _ in range(times)]
    return statistics.median(seconds for seconds, _ in results), results[0][1]


def main():
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print("| load, 1 hart | QEMU, s | Vellum, s | of QEMU's | judged, s | of the speed | million instructions, MIPS |")
    print("|---|---|---|---|---|---|---|")
    for name, commands in LOADS.items():
        qemu, _ = median(lambda: on_qemu(commands), times)
        plain, instructions = median(lambda: on_vellum(commands, "none"), times)
        judged, _ = median(lambda: on_vellum(commands, "all"), times)
        print(f"| {name} | {qemu:.2f} | {plain:.2f} | {plain / qemu:.2f} x | {judged:.2f} | {plain / judged:.2f} x "
              f"| {instructions / 1e6:.0f}, {instructions / plain / 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
