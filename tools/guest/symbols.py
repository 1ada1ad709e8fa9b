# SPDX-License-Identifier: MIT
"""Fills the symbol table of a linked kernel, in the form that kernel/lib/symbols.hpp describes.

usage: symbols.py KERNEL_ELF
"""

import re
import struct
import subprocess
import sys
from pathlib import Path

# Compiler-made variants of one function: .cold, .part.0, [clone ...]
_VARIANT = re.compile(r"(\.(cold|part|isra|constprop|llvm)\.?\d*)+$|\s*\[.*\]$")


def short_name(demangled):
    """'mm::AddressSpace::fault(sv39::VirtAddr, Access)' -> 'mm::AddressSpace::fault'."""
    name = demangled.replace("(anonymous namespace)::", "")
    name = _VARIANT.sub("", name)
    name = re.sub(r"\[abi:[^]]*\]", "", name)
    # The parameter list is the last balanced pair of parentheses at depth 0 (operator() has one before it).
    depth, cut = 0, None
    for position in range(len(name) - 1, -1, -1):
        if name[position] == ")":
            depth += 1
        elif name[position] == "(":
            depth -= 1
            if depth == 0:
                cut = position
                break
    if cut:
        name = name[:cut]
    name = re.sub(r"<[^<>]*(<[^<>]*>[^<>]*)*>", "<>", name)
    return name[:120] or demangled[:120]


def place_in_file(elf, address):
    """File offset of the byte that is loaded at this virtual address (64-bit little-endian ELF)."""
    program_headers, = struct.unpack_from("<Q", elf, 0x20)
    size, count = struct.unpack_from("<HH", elf, 0x36)
    for index in range(count):
        kind, _, offset, virtual, _, in_file = struct.unpack_from("<IIQQQQ", elf, program_headers + index * size)
        if kind == 1 and virtual <= address < virtual + in_file:
            return offset + address - virtual
    raise SystemExit("symbols.py: the symbol table's place is not in the file")


def make_table(listing, start):
    symbols = {}
    for line in listing:
        address, kind, name = line.split(maxsplit=2)
        # A local label says less than the function it stands in; of two names for one address the first stays.
        if kind in "tT" and not name.startswith((".L", "$")):
            symbols.setdefault(int(address, 16), short_name(name))
    entries = [(address - start, name) for address, name in sorted(symbols.items()) if address >= start]
    table = bytearray(struct.pack("<I", len(entries)))
    names, name_base = bytearray(), 4 + 8 * len(entries)
    for offset, name in entries:
        table += struct.pack("<II", offset, name_base + len(names))
        names += name.encode() + b"\0"
    return table + names


def main(path, nm):
    command = [nm, "-nC", path]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    marks = {name: int(address, 16) for address, _, name in (line.split(maxsplit=2) for line in listing)}
    begin, end = marks.get("symbol_table_start"), marks.get("symbol_table_end")
    if begin is None or begin == end:
        return 0  # This kernel reserves no place: it has no backtraces.
    table = make_table(listing, marks["kernel_start"])
    if len(table) > end - begin:
        print(f"{path}: {len(table)} bytes of symbols; kernel/arch/riscv64/symbol_table.S reserves {end - begin}")
        return 1
    elf = bytearray(path.read_bytes())
    place = place_in_file(elf, begin)
    elf[place : place + end - begin] = table.ljust(end - begin, b"\0")
    path.write_bytes(elf)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
