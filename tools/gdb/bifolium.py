# SPDX-License-Identifier: MIT
"""gdb: page tables of the stopped guest.

    pt                  the current hart's address space, as ranges
    pt SPACE            another one: kernel, a process number or name
    pt explain VA [SPACE]   one translation with all its arithmetic
    pt diff [A B]       two address spaces; alone: what changed since the last `pt diff`
    pt ps | tree SPACE | frame PA | lint

The walk itself is foliowalk's, the one that the explorer uses too (sv39/explain.hpp); gdb only hands it the guest's
memory. So it works on Bifolium, on xv6 and on your own kernel, whose symbols gdb has loaded. Bifolium's own types are
printed in its own words (printers.py), and the programs' symbols are there when they run (programs.py).
"""

import difflib
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from json import loads
from pathlib import Path

import gdb

sys.path.insert(0, str(Path(__file__).resolve().parent))

import printers  # noqa: E402
import programs  # noqa: E402

RAM_BASE = 0x80000000
ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("ps", "map", "tree", "explain", "frame", "lint", "diff")


def find_foliowalk():
    places = [os.environ.get("FOLIOWALK"), ROOT / "build/tools/tools/foliowalk", shutil.which("foliowalk")]
    for place in places:
        if place and os.access(place, os.X_OK):
            return str(place)
    raise gdb.GdbError(
        "foliowalk is not built: cmake --preset tools && ninja -C build/tools foliowalk (or set FOLIOWALK)"
    )


@contextmanager
def physical_memory():
    """While this lasts, addresses that gdb reads are physical ones (an extension of QEMU's stub)."""
    answer = gdb.execute("maintenance packet Qqemu.PhyMemMode:1", to_string=True)
    if '"OK"' not in answer:
        raise gdb.GdbError("this is not QEMU's gdb stub: it doesn't know physical addresses")
    try:
        yield gdb.selected_inferior()
    finally:
        gdb.execute("maintenance packet Qqemu.PhyMemMode:0", to_string=True)


def read_physical(inferior, address, length):
    try:
        return bytes(inferior.read_memory(address, length))
    except gdb.MemoryError:
        return None


def ram_size(inferior):
    """The last size, doubling from 16 MiB, at whose end there is memory."""
    size = 16 << 20
    while size < 1 << 36 and read_physical(inferior, RAM_BASE + 2 * size - 8, 8) is not None:
        size *= 2
    return size


def satps():
    """satp of every hart (gdb calls them threads), the selected one first."""
    selected = gdb.selected_thread()
    if selected is None:
        raise gdb.GdbError("nothing runs: connect first (target remote :PORT)")
    values = []
    try:
        for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: (t.num != selected.num, t.num)):
            thread.switch()
            values.append(int(gdb.parse_and_eval("$satp")) & (1 << 64) - 1)
    finally:
        selected.switch()
    return values


def run_foliowalk(arguments):
    """Runs foliowalk, which asks for memory on its output; everything else it prints is the answer."""
    kernel = gdb.current_progspace().filename
    command = [find_foliowalk()]
    if kernel:
        command += ["--kernel", kernel]
    for satp in satps():
        command += ["--satp", hex(satp)]
    lines = []
    with physical_memory() as inferior:
        command += ["--ram-pipe", str(ram_size(inferior)), *arguments]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            for line in process.stdout:
                if not line.startswith("read 0x"):
                    lines.append(line)
                    continue
                _, address, length = line.split()
                data = read_physical(inferior, int(address, 16), int(length))
                process.stdin.write((data.hex() if data is not None else "error") + "\n")
                process.stdin.flush()
            complaint = process.stderr.read().strip()
    if process.returncode not in (0, 1):
        raise gdb.GdbError(complaint or f"foliowalk ended with status {process.returncode}")
    return "".join(lines)


def current_space():
    """The id of the address space that the selected hart's satp names."""
    root = (satps()[0] & (1 << 44) - 1) << 12
    spaces = loads(run_foliowalk(["ps", "--json"]))["spaces"]
    for space in spaces:
        if int(space["root"], 16) == root:
            return space["id"]
    raise gdb.GdbError(f"satp names the root {root:#x}, which is in no process (translation off, or a freed table?)")


class PageTables(gdb.Command):
    __doc__ = __doc__

    def __init__(self):
        super().__init__("pt", gdb.COMMAND_DATA)
        self.last = None

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if not words:
            words = ["map", current_space()]
        elif words == ["diff"]:
            return self.since_last_time()
        elif words[0] == "explain" and 2 <= len(words) <= 3:
            try:
                address = int(gdb.parse_and_eval(words[1])) & (1 << 64) - 1
            except gdb.error as reason:
                raise gdb.GdbError(f"{words[1]} is not an address: {reason}") from None
            words = ["explain", words[2] if len(words) == 3 else current_space(), hex(address)]
        elif words[0] not in COMMANDS:
            words = ["map", *words]
        gdb.write(run_foliowalk(words))

    def since_last_time(self):
        space = current_space()
        now = run_foliowalk(["map", space]).splitlines()
        before, self.last = self.last, now
        if before is None:
            gdb.write(f"Remembered {space}; let the guest run, stop it and say `pt diff` again.\n")
            return
        changes = difflib.unified_diff(before, now, n=0, lineterm="")
        changes = [line for line in changes if line[:2] not in ("--", "++", "@@")]
        gdb.write("\n".join(changes or ["no difference"]) + "\n")


PageTables()
printers.register()
programs.register()
