#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Machines as they are and device trees that lie.

Strategy: QEMU's own tree is dumped and changed by fdtput, one lie at a time, and given back with -dtb. A lie that
leaves a usable machine boots to the prompt and takes a command; any other is refused in one line that begins with
`cannot boot: ` and the machine powers off with status 1, within seconds. Then honest machines that are built
differently: ACLINT instead of CLINT, two NUMA nodes with a PLIC each, two disks. Of two disks the one with the lower
register address is the root, or the one that root= names, and not a byte of the other changes.

usage: machines_test.py --build DIR [--view VIEW] [--sample] [NAME...]
"""

import argparse
import hashlib
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
from report import Failure, guarded  # noqa: E402

PATIENCE = 60  # for a machine that hangs; a refusal takes a fraction of a second
PLIC, CLINT, UART, TEST = "/soc/plic@c000000", "/soc/clint@2000000", "/soc/serial@10000000", "/soc/test@100000"
MEMORY, CPU0 = "/memory@80000000", "/cpus/cpu@0"
DISK = "/soc/virtio_mmio@10001000"
BOOTS = None
# Whichever hart comes first boots the machine: it is refused where the tree does not know that one, else it works.
EITHER = object()


def cells(*values):
    return ["-t", "x", *(f"{value:x}" for value in values)]


def region(node, base, size):
    kind, form, *values = cells(base >> 32, base & 0xFFFFFFFF, size >> 32, size & 0xFFFFFFFF)
    return [kind, form, node, "reg", *values]


def word(node, name, value):
    return ["-t", "x", node, name, f"{value:x}"]


def without(node):
    return ["-r", node]


def without_property(node, name):
    return ["-d", node, name]


# Name: the edits, and what the refusal says (BOOTS: none, the machine works without what the tree lies about).
LIES = {
    "no-memory": ([without(MEMORY)], "no memory node"),
    "memory-elsewhere": ([region(MEMORY, 0x90000000, 64 << 20)], "holds the kernel"),
    "memory-below": ([region(MEMORY, 0x40000000, 64 << 20)], "holds the kernel"),
    "memory-begins-inside-the-kernel": ([region(MEMORY, 0x80010000, 100 << 20)], "holds the kernel"),
    "memory-ends-inside-the-kernel": ([region(MEMORY, 0x80000000, 0x20000)], "holds the kernel"),
    "memory-of-one-page": ([region(MEMORY, 0x80000000, 4096)], "holds the kernel"),
    "memory-too-small": ([region(MEMORY, 0x80000000, 16 << 20)], "less than 32 MiB"),
    "memory-below-the-tree": ([region(MEMORY, 0x80000000, 64 << 20)], BOOTS),
    "memory-unaligned": ([region(MEMORY, 0x80000000, (100 << 20) + 1234)], BOOTS),
    "memory-too-large": ([region(MEMORY, 0x80000000, 1 << 30)], "memory that is not there"),
    "memory-of-a-tebibyte": ([region(MEMORY, 0x80000000, 1 << 40)], "memory that is not there"),
    "memory-to-the-end-of-the-numbers": ([region(MEMORY, 0x80000000, (1 << 64) - 0x80000000)], "beyond 2\\^64"),
    "memory-beyond-the-numbers": ([region(MEMORY, 0x80000000, (1 << 64) - 4096)], "beyond 2\\^64"),
    "plic-of-no-size": ([region(PLIC, 0xC000000, 0)], "no working plic"),
    "plic-too-small": ([region(PLIC, 0xC000000, 0x200000)], "no working plic"),
    "plic-in-memory": ([region(PLIC, 0x84000000, 0x600000)], "no working plic"),
    "plic-where-nothing-is": ([region(PLIC, 0x8000000, 0x600000)], "nothing answers"),
    "plic-high-up": ([region(PLIC, 1 << 60, 0x600000)], "no working plic"),
    "no-plic": ([without(PLIC)], "interrupt controller"),
    "plic-of-nobody": ([without_property(PLIC, "interrupts-extended")], "no working plic"),
    "clint-at-zero": ([region(CLINT, 0, 0x10000)], "clint"),
    "clint-of-no-size": ([region(CLINT, 0x2000000, 0)], "clint"),
    "clint-in-the-kernel": ([region(CLINT, 0x80000000, 0x10000)], "clint"),
    "no-clint": ([without(CLINT)], "clint"),
    "time-stands": ([word("/cpus", "timebase-frequency", 0)], "timebase"),
    "time-creeps": ([word("/cpus", "timebase-frequency", 1)], "timebase"),
    "time-crawls": ([word("/cpus", "timebase-frequency", 9)], "timebase"),
    "time-flies": ([["-t", "x", "/cpus", "timebase-frequency", "ffffffff", "ffffffff"]], "timebase"),
    "no-uart": ([without(UART)], "uart"),
    "uart-in-memory": ([region(UART, 0x84000000, 0x100)], "uart"),
    "uart-where-nothing-is": ([region(UART, 0x40000000, 0x100)], "uart"),
    "uart-without-interrupt": ([without_property(UART, "interrupts")], "uart"),
    "uart-of-another-interrupt": ([word(UART, "interrupts", 12)], "uart's interrupt"),
    "disk-of-another-interrupt": ([word(DISK, "interrupts", 7)], "disk"),
    "disk-in-memory": ([region(DISK, 0x84000000, 0x1000)], "no virtio block device"),
    "disk-where-nothing-is": ([region(DISK, 0x40000000, 0x1000)], "no virtio block device"),
    "no-harts": ([without("/cpus/cpu@0"), without("/cpus/cpu@1")], "no cpu"),
    "harts-beyond-all-numbers": ([word(CPU0, "reg", 0x1000), word("/cpus/cpu@1", "reg", 0x1001)], "hart that boots"),
    "two-harts-of-one-number": ([word("/cpus/cpu@1", "reg", 0)], EITHER),
    "no-finisher": ([without(TEST)], BOOTS),
    "finisher-in-memory": ([region(TEST, 0x84000000, 0x1000)], BOOTS),
}


class Machines:
    def __init__(self, build, view, folder):
        self.kernel = build / f"kernel-{view}"
        self.pristine = build / "fs.img"
        self.folder = folder
        self.tree = folder / "honest.dtb"
        self.run([*self.qemu(machine="virt,dumpdtb=" + str(self.tree))])

    @staticmethod
    def run(command):
        result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if result.returncode != 0:
            raise Failure(f"{command[0]}: {result.stderr}", 1)

    @staticmethod
    def qemu(machine="virt", harts=2):
        return ["qemu-system-riscv64", "-machine", machine, "-m", "128M", "-smp", str(harts), "-bios", "none",
                "-display", "none", "-monitor", "none", "-global", "virtio-mmio.force-legacy=false"]  # fmt: skip

    def disk(self, name, slot, image=None):
        copy = self.folder / f"{name}.img"
        shutil.copy(image or self.pristine, copy)
        return copy, ["-drive", f"file={copy},if=none,format=raw,cache=unsafe,id={name}",
                      "-device", f"virtio-blk-device,drive={name},bus=virtio-mmio-bus.{slot}"]  # fmt: skip

    def boot(self, options, machine="virt", harts=2):
        command = self.qemu(machine, harts) + ["-serial", "stdio", "-kernel", str(self.kernel), *options]
        return Guest(command, PATIENCE)

    def expect_prompt(self, options, command="echo works", answer="works", **machine):
        """The machine boots, and what is typed at its console is done."""
        with self.boot(options, **machine) as guest:
            guest.await_prompt()
            output = guest.run(command)
            if not re.search(answer, output):
                raise Failure(f"{command!r} answered {output!r}", 1)
            return guest.text()

    def expect_refusal(self, options, why, **machine):
        began = time.monotonic()
        with self.boot(options, **machine) as guest:
            try:
                guest.await_prompt()
            except GuestFailure as failure:
                text = guest.text()
                lines = re.findall(r"^cannot boot: .*$", text, re.MULTILINE)
                if "status 1" not in str(failure) or len(lines) != 1 or not re.search(why, lines[0]):
                    raise Failure(f"{failure}; expected one line with {why!r} and status 1:\n{text}", 1) from None
                return f"{lines[0].strip()}  [{time.monotonic() - began:.1f} s]"
        raise Failure(f"it boots; expected a refusal with {why!r}", 1)


def lie(machines, name):
    edits, why = LIES[name]
    tree = machines.folder / f"{name}.dtb"
    shutil.copy(machines.tree, tree)
    for edit in edits:
        kind = [edit[0]] if edit[0] in ("-r", "-d") else edit[:2]
        machines.run(["fdtput", *kind, str(tree), *edit[len(kind):]])
    _, disk = machines.disk("x0", 0)
    options = ["-dtb", str(tree), *disk]
    if why is EITHER:
        try:
            return machines.expect_refusal(options, "hart that boots")
        except Failure as failure:
            if "it boots" not in str(failure):
                raise
            return "boots"
    if why is BOOTS:
        machines.expect_prompt(options)
        return "boots"
    return machines.expect_refusal(options, why)


def aclint(machines):
    _, disk = machines.disk("x0", 0)
    for harts in (1, 3):
        machines.expect_prompt(disk, machine="virt,aclint=on", harts=harts)
    machines.expect_prompt(["-cpu", "rv64,sstc=false", *disk], machine="virt,aclint=on", harts=3)
    return "boots with 1 and 3 harts, without Sstc too"


def numa(machines):
    """Two nodes are two banks of memory, and a PLIC for each half of the harts: QEMU has the UART on one and the disk
    on the other, so that no hart hears both. That is said, and nothing hangs."""
    nodes = []
    for node, harts in ((0, "0-1"), (1, "2-3")):
        nodes += ["-object", f"memory-backend-ram,id=m{node},size=64M", "-numa", f"node,memdev=m{node},cpus={harts}"]
    _, disk = machines.disk("x0", 0)
    return machines.expect_refusal([*nodes, *disk], "interrupt does not arrive", harts=4)


def disks(machines):
    """Each way to name the root; the file `mark` is made on it, and the other disk stays as it was."""
    for which, argument in ((0, ""), (0, "root=0"), (1, "root=3"), (1, "root=0x10004000"), (0, "root=0x10001000")):
        images, options = [], []
        for name, slot in (("a", 0), ("b", 3)):
            image, disk = machines.disk(name, slot)
            images.append(image)
            # Either order on the command line.
            options = disk + options if which else options + disk
        before = [hashlib.sha256(image.read_bytes()).digest() for image in images]
        append = ["-append", argument] if argument else []
        machines.expect_prompt(options + append, command="mkdir mark; sync; echo made", answer="made")
        changed = [hashlib.sha256(image.read_bytes()).digest() != was for image, was in zip(images, before)]
        if changed != [which == 0, which == 1]:
            raise Failure(f"{argument or 'no root='}: written to {changed}, not disk {which} alone", 1)
    _, disk = machines.disk("a", 0)
    machines.expect_refusal([*disk, "-append", "root=5"], "root=")
    return "the root alone is written to, five ways to say which"


HONEST = {"aclint": aclint, "numa": numa, "two-disks": disks}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--view", default="unified")
    parser.add_argument("--sample", action="store_true", help="every fifth lie")
    parser.add_argument("names", nargs="*", help="default: all")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="bifolium-") as folder:
        machines = Machines(options.build, options.view, Path(folder))
        lies = list(LIES)[:: 5 if options.sample else 1]
        for name in options.names or [*HONEST, *lies]:
            try:
                said = HONEST[name](machines) if name in HONEST else lie(machines, name)
                print(f"{options.view} {name}: {said}", flush=True)
            except (Failure, GuestFailure) as reason:
                failed += 1
                print(f"{options.view} {name}: FAILED: {reason}", flush=True)
    if failed:
        raise Failure(f"{failed} machines failed", 1)
    return 0


if __name__ == "__main__":
    guarded(main)
