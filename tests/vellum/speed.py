#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Vellum's speed beside QEMU's: ratios from one run on one machine. docs/vellum.md has the table.

usage: speed.py BUILD [TIMES] [ROW]...    (BUILD: build/release; medians of TIMES runs, 3 when nothing is said)
Each row is the same kernel with the same commands on QEMU, on Vellum without judges and on Vellum with all of them.
What is counted is the processor time of the process, so that what else the host does counts little; the time of a boot
is taken off.
Nothing is asserted.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from console import Guest  # noqa: E402
from judges_test import SCRIPT  # noqa: E402
from machine import Machine  # noqa: E402

HERE = Path(__file__).resolve().parent
# A row's name and the shell's commands; a case of vmbench's does 10,000 calls or 200 forks.
LOADS = {
    "100,000 getpid": ["vmbench " + "getpid " * 10],
    "3,000 forks": ["vmbench " + "fork_small " * 15],
    "vmtest": ["vmtest"],
    "systest": ["systest"],
}
HOT_LOOP = "hot loop"
TOO_LONG = 3600


def processor_seconds(run):
    before = os.times()
    run()
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


class Bench:
    def __init__(self, build, times, directory):
        self.build, self.times, self.directory = build, times, directory
        self.vellum = build / "tools" / "vellum"
        self.kernel, self.image = build / "kernel-unified", build / "fs.img"

    def median(self, run):
        return statistics.median(processor_seconds(run) for _ in range(self.times))

    def qemu(self, commands):
        machine = Machine(kernel=self.kernel, image=self.image, harts=1, snapshot=True)
        with Guest(machine.command(interactive=False), TOO_LONG) as guest:
            guest.await_prompt()
            for command in commands:
                guest.run(command)

    def judged(self, judges, commands):
        command = [self.vellum, self.kernel, self.image, "--snapshot", "--smp", "1", "--panic", "take_panic"]
        command += ["--judge", judges, "--exec", "; ".join(commands)]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    def machines(self, commands):
        """The same on QEMU, on Vellum, and on Vellum with judges."""
        return [
            lambda: self.qemu(commands),
            lambda: self.judged("none", commands),
            lambda: self.judged("all", commands),
        ]

    def loop_machines(self):
        """2 * 10^9 instructions in a loop of seven, with nothing else."""
        elf = self.directory / "loop"
        command = ["clang-19", "--target=riscv64-linux-gnu", "-march=rv64imac", "-mabi=lp64", "-nostdlib", "-static"]
        command += ["-fno-pic", "-mcmodel=medany", "-fuse-ld=lld-19", "-Wl,--build-id=none", "-T", SCRIPT]
        command += [HERE / "hot_loop.S", "-o", elf]
        subprocess.run(command, check=True)
        qemu = ["qemu-system-riscv64", "-machine", "virt", "-bios", "none", "-kernel", elf, "-display", "none"]
        vellum = [self.vellum, elf, "--smp", "1", "--judge"]
        quietly = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return [
            lambda: subprocess.run(qemu + ["-monitor", "none", "-serial", "none"], check=True, **quietly),
            lambda: subprocess.run([*vellum, "none"], check=True, **quietly),
            lambda: subprocess.run([*vellum, "all"], check=True, **quietly),
        ]

    def row(self, name, machines, boot):
        qemu, plain, judged = (self.median(run) - less for run, less in zip(machines, boot))
        ratios = f"{plain / qemu:.2f} | {judged:.2f} | {judged / plain:.2f}"
        print(f"| {name} | {qemu:.2f} | {plain:.2f} | {ratios} |", flush=True)


def main():
    build = Path(sys.argv[1])
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rows = sys.argv[3:] or [HOT_LOOP, *LOADS]
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(build, times, Path(directory))
        print("| load, 1 hart | QEMU, s | Vellum, s | of QEMU's | judged, s | of the time without |")
        print("|---|---|---|---|---|---|")
        if HOT_LOOP in rows:
            bench.row(HOT_LOOP, bench.loop_machines(), (0, 0, 0))
        loads = [name for name in LOADS if name in rows]
        if loads:
            boot = [bench.median(run) for run in bench.machines([])]
            for name in loads:
                bench.row(name, bench.machines(LOADS[name]), boot)


if __name__ == "__main__":
    main()
