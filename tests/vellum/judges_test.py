#!/usr/bin/env python3
"""Each of Vellum's judges on a small kernel with the one fault that it is there for, and on the same kernel without.

usage: judges_test.py VELLUM
wrong/kernel.c says in comments which lines must be named. A judge must find its fault, at these lines, and nothing
else; on the kernel without fault there must be silence.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "wrong" / "kernel.c"
SCRIPT = Path(__file__).resolve().parents[1] / "guests" / "minimal" / "guest.ld"
# The fault compiled in, the rule that must be broken, the marks of the lines (here, cause); None: not looked at.
FAULTS = [
    ("fence", "stale-translation", "here: stale-translation", "cause: stale-translation"),
    ("satp", "stale-after-satp", "here: stale-after-satp", "cause: stale-after-satp"),
    ("code", "stale-code", None, "cause: stale-code"),
    ("use", "use-after-free", "here: use-after-free", None),
    ("device_use", "use-after-free", None, None),
    ("walk", "use-after-free", None, None),
    ("twice", "double-free", None, None),
    ("reserved", "reserved-entry", None, "cause: reserved-entry"),
    ("superpage", "misaligned-superpage", None, "cause: misaligned-superpage"),
    ("panics", "panic", None, None),
    ("cycle", "table-cycle", "cause: table-cycle", "cause: table-cycle"),
    ("global_user", "global-user-page", "cause: global-user-page", "cause: global-user-page"),
    ("upper_user", "user-in-kernel-half", "cause: user-in-kernel-half", "cause: user-in-kernel-half"),
    ("write_execute", "kernel-write-execute", "cause: kernel-write-execute", "cause: kernel-write-execute"),
    ("outside", "leaf-outside-ram", "cause: leaf-outside-ram", "cause: leaf-outside-ram"),
    ("uncleared", "uncleared-table", "here: uncleared-table", "cause: uncleared-table"),
    ("lost", "leak", None, "cause: leak"),
    ("junk", "unwritten-memory", None, "cause: unwritten-memory"),
]
# A caller's line, where the place itself is the allocator's or panic's.
CALLERS = {"twice": "here: double-free", "panics": "here: panic"}
BUDGET = 300_000_000


def compile_kernel(directory, fault):
    kernel = directory / fault
    flags = ["--target=riscv64-linux-gnu", "-march=rv64imac_zicsr_zifencei", "-mabi=lp64", "-mcmodel=medany", "-O1"]
    flags += ["-gdwarf-4", "-ffreestanding", "-fno-pic", "-fno-omit-frame-pointer", "-nostdlib", "-static", "-Wall"]
    flags += ["-fno-optimize-sibling-calls", "-fuse-ld=lld-19", "-Wl,--build-id=none", "-T", SCRIPT]
    subprocess.run(["clang-19", *flags, f"-DFAULT={fault}", SOURCE, "-o", kernel], check=True)
    return kernel


def run(vellum, kernel, image, *options):
    command = [vellum, kernel, image, "--snapshot", "--smp", "1", "--mem", "32M", "--until", str(BUDGET), *options]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)


def line_of(mark):
    return next(n for n, line in enumerate(SOURCE.read_text().splitlines(), 1) if line.endswith(f"// {mark}"))


def number(place):
    return int(re.search(r":(\d+)\)?$", place)[1])


def check_found(vellum, kernel, image, fault, rule, here, cause):
    result = run(vellum, kernel, image, "--judge", "all", "--json")
    findings = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    rules = [finding["rule"] for finding in findings]
    assert rules == [rule], f"{fault}: found {rules}, expected {rule}\n{result.stderr}"
    (found,) = findings
    if here:
        assert number(found["now"]["line"]) == line_of(here), f"{fault}: here: {found}"
    if cause:
        assert number(found["cause"]["line"]) == line_of(cause), f"{fault}: cause: {found}"
    if fault in CALLERS:
        assert number(found["now"]["callers"][0]) == line_of(CALLERS[fault]), f"{fault}: callers: {found}"
    if fault == "device_use":
        assert found["now"].get("device"), found
    if fault != "panics":  # there the kernel goes round for ever
        assert result.returncode == 3 and result.stdout == "done\n", f"{fault}: status {result.returncode}"
    told = run(vellum, kernel, image).stderr
    assert f"fault: {rule} (" in told and "here:" in told, told
    assert ("cause:" in told) == ("cause" in found), told


def main():
    vellum = sys.argv[1]
    told = subprocess.run([vellum, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(re.search(rf"\b{rule}[,;]", told) for _, rule, *_ in FAULTS), f"--help does not name each rule:\n{told}"
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        image = directory / "image"
        image.write_bytes(bytes(64 << 10))
        for fault, rule, here, cause in FAULTS:
            check_found(vellum, compile_kernel(directory, fault), image, fault, rule, here, cause)
            silent = run(vellum, directory / fault, image, "--judge", "none")
            assert silent.stderr == "" or fault == "panics", silent.stderr
        healthy = run(vellum, compile_kernel(directory, "none"), image, "--judge", "all")
        assert (healthy.returncode, healthy.stdout, healthy.stderr) == (0, "done\n", ""), healthy
        stuck = run(vellum, compile_kernel(directory, "deadlock"), image).stderr
        assert "hang: every hart that works turns in one function" in stuck, stuck
        assert "waits for the lock kmem (lock, at 0x" in stuck and "held by itself" in stuck, stuck
        assert "acquire" in stuck and f"kernel.c:{line_of('twice')})" in stuck, stuck
        asleep = run(vellum, compile_kernel(directory, "sleeps"), image, "--exec", "x")
        assert asleep.returncode == 1 and "nothing will wake them" in asleep.stderr, asleep
        assert "waits (wfi) at go_to_sleep" in asleep.stderr, asleep.stderr
        for told in (
            "pid 5 (init) sleeps on proc[0], at 0x",
            "pid 1 (first) sleeps on cache.of_buffer[0], at 0x",
            "pid 3 (third) sleeps on ticks, at 0x",
            ", a lock that pid 1 has",
            "a circle: pid 1 waits for pid 2, pid 2 waits for pid 1",
        ):
            assert told in asleep.stderr, f"{told}: {asleep.stderr}"
    print(f"{len(FAULTS)} faults found, two hangs explained, one healthy kernel passed in silence")


if __name__ == "__main__":
    main()
