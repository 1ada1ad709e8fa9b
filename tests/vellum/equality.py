#!/usr/bin/env python3
"""Random bare-metal programs on QEMU and on Vellum: memory must be equal in the end.

usage: equality.py VELLUM FIRST_SEED COUNT [ITERATIONS]    (VELLUM: build/release/tools/vellum)
COUNT is a number of programs; 1000000000i means as many as make up so many instructions.
The programs leave their registers, CSRs and a hash of all traps in memory, so memory is all there is to compare.
"""

import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from random_program import RAM, Program

HERE = Path(__file__).resolve().parent
MEMORY = 32 << 20
COMPARED = 28 << 20  # above lies the device tree
LOG, LOG_END, ENTRY_BYTES = 0x800000, 0xC00000, 32
BUDGET = 1_000_000  # instructions for an iteration; a program that loops is left out
# What Vellum has not is taken from QEMU. Two harts, of which one waits: with one, QEMU's AMOs are loads and stores.
CPU = "rv64,f=false,d=false,h=false,zba=false,zbb=false,zbc=false,zbs=false"


def assemble_frame(directory):
    """frame.S as bytes for the beginning of memory."""
    elf, flat = directory / "frame.elf", directory / "frame.bin"
    command = ["clang-19", "--target=riscv64-linux-gnu", "-march=rv64imac_zicsr_zifencei", "-mabi=lp64", "-nostdlib"]
    command += ["-fuse-ld=lld-19", f"-Wl,-Ttext={RAM:#x}", "-Wl,--build-id=none", HERE / "frame.S", "-o", elf]
    subprocess.run(command, check=True)
    subprocess.run(["llvm-objcopy-19", "-O", "binary", "-j", ".text", elf, flat], check=True)
    return flat.read_bytes()


def run_on_vellum(vellum, kernel, memory, iterations):
    """How many instructions the program had; 0: it did not come to its end."""
    command = [vellum, kernel, "--mem", "32M", "--smp", "1", "--dump", memory, "--until", str(BUDGET * iterations)]
    run = subprocess.run([*command, "--hash"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    counted = re.search(r"^vellum: (\d+) instructions", run.stderr, re.MULTILINE)
    return int(counted[1]) if counted and run.returncode == 0 else 0


def run_on_qemu(kernel, memory):
    command = ["qemu-system-riscv64", "-machine", "virt,memory-backend=ram0", "-cpu", CPU, "-m", "32M", "-smp", "2"]
    command += ["-object", f"memory-backend-file,id=ram0,size={MEMORY},mem-path={memory},share=on"]
    command += ["-bios", "none", "-kernel", kernel, "-display", "none", "-serial", "none", "-monitor", "none"]
    subprocess.run(command, check=True, timeout=120, stderr=subprocess.DEVNULL)


def word(memory, at):
    return hex(*struct.unpack_from("<Q", memory, at))


def differences(one, other):
    """Addresses of words that differ, and the first entry of the log that does, from both."""
    words = [at for at in range(0, COMPARED, 8) if one[at : at + 8] != other[at : at + 8]]
    logged = next((at for at in words if LOG <= at < LOG_END), None)
    first = (f"{RAM + at:#x} ({word(one, at)} and {word(other, at)})" for at in words[:5])
    lines = [f"{len(words)} words differ (QEMU and Vellum), the first at " + ", ".join(first)]
    if logged is not None:
        at = logged & ~(ENTRY_BYTES - 1)
        for name, memory in (("QEMU", one), ("Vellum", other)):
            pc, cause, value, status = struct.unpack("<4Q", memory[at : at + ENTRY_BYTES])
            lines.append(f"  {name}: pc {pc:#x} cause {cause:#x} value {value:#x} mstatus {status:#x}")
    return "\n".join(lines)


def compare(vellum, frame, directory, seed, iterations):
    """Equal, different or left out; and how many instructions were compared."""
    kernel, ours, theirs = directory / "program", directory / "vellum", directory / "qemu"
    kernel.write_bytes(Program(seed, iterations=iterations).elf(frame))
    instructions = run_on_vellum(vellum, kernel, ours, iterations)
    if instructions == 0:
        return "left out", 0
    run_on_qemu(kernel, theirs)
    one, other = theirs.read_bytes()[:COMPARED], ours.read_bytes()[:COMPARED]
    theirs.unlink()
    if one == other:
        return "equal", instructions
    print(f"seed {seed}: {differences(one, other)}")
    return "different", instructions


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    vellum, seed = sys.argv[1], int(sys.argv[2])
    by_instructions, count = sys.argv[3].endswith("i"), int(sys.argv[3].rstrip("i"))
    iterations = int(sys.argv[4]) if len(sys.argv) > 4 else 20
    results, instructions = {"equal": 0, "different": 0, "left out": 0}, 0
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        frame = assemble_frame(directory)
        while (instructions if by_instructions else sum(results.values())) < count:
            result, more = compare(vellum, frame, directory, seed, iterations)
            results[result] += 1
            instructions += more
            seed += 1
    print(", ".join(f"{number} {kind}" for kind, number in results.items()) + f"; {instructions:,} instructions")
    return 1 if results["different"] or not results["equal"] else 0


if __name__ == "__main__":
    sys.exit(main())
