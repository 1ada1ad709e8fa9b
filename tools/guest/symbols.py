"""Fills the section .symbols of a linked kernel, in the form that kernel/lib/symbols.hpp describes.

usage: symbols.py KERNEL_ELF
"""

import re
import struct
import subprocess
import sys
import tempfile
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


def main(elf):
    sections = subprocess.run(["llvm-readelf-19", "-SW", elf], capture_output=True, text=True, check=True).stdout
    reserved = re.search(r"\.symbols\s+PROGBITS\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)", sections)
    if not reserved:
        return 0
    listing = subprocess.run(["llvm-nm-19", "-nC", elf], capture_output=True, text=True, check=True).stdout
    symbols = {}
    start = None
    for line in listing.splitlines():
        address, kind, name = line.split(maxsplit=2)
        if name == "kernel_start":
            start = int(address, 16)
        # A local label says less than the function it stands in; of two names for one address the first stays.
        if kind in "tT" and not name.startswith((".L", "$")):
            symbols.setdefault(int(address, 16), short_name(name))
    if start is None or not symbols:
        print(f"{elf}: no symbol kernel_start", file=sys.stderr)
        return 1
    entries = [(address - start, name) for address, name in sorted(symbols.items()) if address >= start]
    table = bytearray(struct.pack("<I", len(entries)))
    names, name_base = bytearray(), 4 + 8 * len(entries)
    for offset, name in entries:
        table += struct.pack("<II", offset, name_base + len(names))
        names += name.encode() + b"\0"
    table += names
    size = int(reserved[1], 16)
    if len(table) > size:
        print(f"{elf}: {len(table)} bytes of symbols, but kernel/arch/riscv64/symbol_table.S reserves {size}", file=sys.stderr)
        return 1
    with tempfile.NamedTemporaryFile() as blob:
        blob.write(table.ljust(size, b"\0"))
        blob.flush()
        subprocess.run(["llvm-objcopy-19", "--update-section", f".symbols={blob.name}", elf], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
