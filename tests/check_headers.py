#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles every header alone, with the flags of each leg that it belongs to.

usage: check_headers.py [--jobs N] [clang|gcc|host]...    (default: clang host)
A header that needs another one must include it itself; then files can be read and moved one by one.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-std=c++23", "-fsyntax-only"]
TARGET = [
    "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-ffreestanding", "-fno-exceptions", "-fno-rtti",
    "-fno-threadsafe-statics", "-DBIFOLIUM_DEBUG=1",
]  # fmt: skip
KERNEL = ["-DBIFOLIUM_VIEW_UNIFIED=1", "-I", ROOT, "-I", ROOT / "kernel"]
CROSS_GCC = "/usr/lib/gcc-cross/riscv64-linux-gnu/12"
LEGS = {
    "clang": ["clang++-19", "--target=riscv64-linux-gnu", f"--gcc-install-dir={CROSS_GCC}", "-mno-implicit-float",
              "-Wno-pragma-once-outside-header", *TARGET],
    "gcc": ["riscv64-linux-gnu-g++-12", *TARGET],
    "host": ["clang++-19", "-Wno-pragma-once-outside-header", "-DBIFOLIUM_HOST=1", "-DBIFOLIUM_DEBUG=1",
             "-DGTEST_HAS_CXXABI_H_=0", "-I", str(ROOT / "tests/host/seam")],
}  # fmt: skip
# The layers that must compile for the host as well.
HOST_LAYERS = ("abi/", "sv39/", "kernel/lib/", "kernel/mm/", "kernel/fs/", "tests/host/", "vellum/")


def work(legs):
    """(leg, header, flags) for each compilation to do."""
    for top in ("abi", "sv39", "kernel", "user", "vellum", "tests/host", "tools"):
        for path in sorted((ROOT / top).rglob("*.hpp")):
            header = str(path.relative_to(ROOT))
            if header.endswith("_impl.hpp"):
                continue  # The second half of NAME.hpp, which includes it at its end.
            for leg in legs:
                if leg == "host":
                    if not header.startswith(HOST_LAYERS) and not header.startswith("tools/"):
                        continue
                    yield leg, header, [*KERNEL, "-I", ROOT / "tests/host"]
                elif header.startswith("user/"):
                    yield leg, header, ["-I", ROOT, "-I", ROOT / "user"]
                elif header.startswith(("abi/", "sv39/", "kernel/")):
                    yield leg, header, KERNEL


def compile_alone(job, directory):
    leg, header, flags = job
    source = Path(directory) / f"{leg}-{header.replace('/', '-')}.cpp"
    # Twice: the second one shows a missing #pragma once.
    source.write_text(f'#include "{ROOT / header}"\n#include "{ROOT / header}"\n')
    command = [*LEGS[leg], *WARNINGS, *map(str, flags), str(source)]
    result = subprocess.run(command, capture_output=True, text=True)
    return None if result.returncode == 0 else f"{header} does not compile alone ({leg}):\n{result.stderr}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("legs", nargs="*", default=["clang", "host"])
    options = parser.parse_args()
    jobs = list(work(options.legs))
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(options.jobs) as pool:
        problems = [text for text in pool.map(lambda job: compile_alone(job, directory), jobs) if text]
    for problem in problems:
        print(problem)
    print(f"{len(jobs)} compilations, {len(problems)} problems")
    return 1 if problems or not jobs else 0


if __name__ == "__main__":
    sys.exit(main())
