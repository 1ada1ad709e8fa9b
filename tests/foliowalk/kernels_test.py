# SPDX-License-Identifier: MIT
"""foliowalk on kernels as students have them: xv6's layouts of 2020 to 2026, built with -gdwarf-2 to -gdwarf-5 by GCC
and clang, and one whose names are not xv6's. Every process is named and lint has nothing to say; then faults are put
in.

No code runs: the kernel's file gives the process table (tests/guests/student), and its page tables are written here
into a RAM image, with what xv6 maps and foliowalk once complained of: a stack guard with W and X, all 64 MiB of the
PLIC.
"""

import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from guests import ROOT, run_tests

foliowalk = sys.argv[1]
BASE, SIZE = 0x8000_0000, 4 << 20
PAGE = 4096
V, R, W, X, U = 1, 2, 4, 8, 16
KERNEL_ROOT = 0x8022_0000
COMPILERS = {
    "gcc": ["riscv64-linux-gnu-gcc-12"],
    "clang": ["clang-19", "--target=riscv64-linux-gnu", "-fuse-ld=lld-19"],
}
FLAGS = ["-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-O", "-ffreestanding", "-nostdlib", "-static", "-fno-pic",
         "-ggdb", "-Wl,--build-id=none", "-w"]  # fmt: skip
SHAPES = {"2020": ["-DYEAR=2020"], "2022": ["-DYEAR=2022"], "2026": ["-DYEAR=2026"]}


class Kernel:
    """A built kernel with a RAM image beside it."""

    def __init__(self, directory, compiler, dwarf, defines):
        self.file = Path(directory) / "kernel"
        self.image = Path(directory) / "ram"
        source = ROOT / "tests/guests/student"
        script = ROOT / "tests/guests/debug/corpus.ld"
        command = [*COMPILERS[compiler], *FLAGS, f"-gdwarf-{dwarf}", *defines, "-T", script, source / "kernel.c"]
        subprocess.run([*command, "-o", self.file], check=True, stderr=subprocess.DEVNULL)
        flat = Path(directory) / "flat"
        subprocess.run(["llvm-objcopy-19", "-O", "binary", self.file, flat], check=True)
        self.ram = bytearray(flat.read_bytes().ljust(SIZE, b"\0"))
        self.next_table = 0x8023_0000
        self.make_tables()

    def word(self, at, value):
        struct.pack_into("<Q", self.ram, at - BASE, value)

    def read(self, at):
        return struct.unpack_from("<Q", self.ram, at - BASE)[0]

    def map(self, root, va, pa, flags):
        table = root
        for level in (2, 1):
            at = table + (va >> 12 + 9 * level & 511) * 8
            if not self.read(at):
                self.word(at, self.next_table >> 12 << 10 | V)
                self.next_table += PAGE
            table = self.read(at) >> 10 << 12
        self.word(table + (va >> 12 & 511) * 8, pa >> 12 << 10 | flags | V)

    def make_tables(self):
        trampoline = (1 << 38) - PAGE
        for va, size, flags in [(0x1000_0000, PAGE, R | W), (0x1000_1000, PAGE, R | W), (0xC00_0000, 0x400_0000, R | W),
                                (BASE, PAGE, R | X), (BASE + PAGE, SIZE - PAGE, R | W)]:  # fmt: skip
            for offset in range(0, size, PAGE):
                self.map(KERNEL_ROOT, va + offset, va + offset, flags)
        self.map(KERNEL_ROOT, trampoline, BASE, R | X)
        for number, root in enumerate([0x8020_0000, 0x8021_0000]):
            pages = 0x8010_0000 + number * 0x1_0000
            self.map(root, 0x0000, pages, R | W | X | U)
            self.map(root, 0x1000, pages + PAGE, R | W | X)  # the guard, as exec leaves it
            self.map(root, 0x2000, pages + 2 * PAGE, R | W | X | U)
            self.map(root, trampoline - PAGE, pages + 3 * PAGE, R | W)
            self.map(root, trampoline, BASE, R | X)
        for frame in range(0x8030_0000, 0x8030_8000, PAGE):
            self.word(frame, frame + PAGE if frame + PAGE < 0x8030_8000 else 0)

    def walk(self, *arguments, status=0):
        self.image.write_bytes(self.ram)
        command = [foliowalk, "--ram", self.image, "--kernel", self.file, *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120)
        output = result.stdout + result.stderr
        assert result.returncode == status, f"{command}: status {result.returncode}\n{output}"
        return output


def each(shapes, compilers=tuple(COMPILERS), versions=(2, 3, 4, 5)):
    for compiler in compilers:
        if not shutil.which(COMPILERS[compiler][0]):
            continue
        for dwarf in versions:
            for shape, defines in shapes.items():
                with tempfile.TemporaryDirectory() as directory:
                    yield f"{compiler} -gdwarf-{dwarf} {shape}", Kernel(directory, compiler, dwarf, defines)


def every_process_is_named_and_nothing_is_wrong():
    count = 0
    for name, kernel in each(SHAPES):
        listed = kernel.walk("ps")
        assert all(word in listed for word in ("init", "sh", "sleeping", "kernel")), f"{name}:\n{listed}"
        assert "note:" not in listed, f"{name}:\n{listed}"
        assert kernel.walk("lint").strip() == "0 faults, 0 pieces of advice", name
        assert "guard" in kernel.walk("map", "sh"), name
        count += 1
    print(f"    {count} kernels")
    assert count >= 12


def names_that_are_not_xv6s():
    for name, kernel in each({"renamed": ["-DYEAR=2022", "-DRENAMED"]}, versions=(2, 5)):
        listed = kernel.walk("ps")
        assert all(word in listed for word in ("init", "sh", "kernel")), f"{name}:\n{listed}"
        assert "init" in kernel.walk("ps", "--root-member", "user_space"), name
        assert "no member `nonsense`" in kernel.walk("ps", "--procs", "proc", "--root-member", "nonsense", status=2)
        assert "members pid and nonsense" in kernel.walk("ps", "--root-member", "nonsense", status=2)
        assert "no variable `nonsense`" in kernel.walk("ps", "--kernel-root", "nonsense", status=2)


def what_is_wrong_is_seen():
    for name, kernel in each({"2022": SHAPES["2022"]}, versions=(2,)):
        # A page of the user's that kmem has in its list: freed, and still mapped.
        kernel.map(0x8020_0000, 0x5000, 0x8030_2000, R | W | U)
        found = kernel.walk("lint", status=1)
        assert "free-frame-mapped" in found and "1 fault" in found, f"{name}:\n{found}"
        kernel.map(0x8020_0000, 0x5000, 0, 0)
        # Translation through a root that was freed.
        found = kernel.walk("lint", "--satp", hex(8 << 60 | 0x8030_3000 >> 12), status=1)
        assert "satp-on-freed-table" in found, f"{name}:\n{found}"
        # What is nowhere is one finding, however many pages it has.
        for offset in range(0, 300 * PAGE, PAGE):
            kernel.map(KERNEL_ROOT, 0x6_0000_0000 + offset, 0x6_0000_0000 + offset, R | W)
        found = kernel.walk("lint", status=1)
        assert found.count("leaf-outside-ram") == 1 and "(1.2 MiB)" in found, f"{name}:\n{found}"
        # Two hundred times the same: a hundred are shown, and the others counted.
        for offset in range(0, 400 * PAGE, 2 * PAGE):
            kernel.map(KERNEL_ROOT, 0x7_0000_0000 + offset, 0x7_0000_0000 + offset, R | W)
        assert "and 101 more of this rule" in kernel.walk("lint", status=1), name


run_tests([every_process_is_named_and_nothing_is_wrong, names_that_are_not_xv6s, what_is_wrong_is_seen])
