#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of docs/views.md by its own command: in `unified` no operation writes satp, fences or walks more than its
target allows, and `shared` pays for each trap, so that something is counted at all. And what --tlb refuses.

usage: tlb_test.py BUILD    (BUILD: build/release)
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

import tlb  # noqa: E402

FENCES = ("full fences", "fences of a space", "fences of a page")
# Of an operation, on the average: satp writes, full fences, walks.
MOST = {"getpid": (0, 0, 0.01), "ping_pong": (2, 0, 0.1), "fork_small": (2, 0, 6), "read_pages": (0, 0, 10)}
REFUSED = (
    ["--tlb", "32,32,1024"],
    ["--tlb", "0,32,1024x4"],
    ["--tlb", "32,32,1024x5"],
    ["--tlb", "32,32,1024x4,"],
    ["--tlb", "32,32,1024x4", "--judge", "all"],
    ["--tlb", "32,32,1024x4", "--gdb", "1234"],
)


def check_targets(build):
    counted = tlb.measure(build, "unified", list(MOST))
    for case, (satp_writes, full_fences, walks) in MOST.items():
        work = counted[case]
        if work["satp writes"] > satp_writes or work["full fences"] > full_fences or work["walks"] > walks:
            sys.exit(f"{case} in unified: {work}, and at most {MOST[case]} are allowed")
    work = tlb.measure(build, "shared", ["getpid"])["getpid"]
    if (work["satp writes"], work["full fences"]) != (2, 2) or not 10 <= work["walks"] <= 20:
        sys.exit(f"getpid in shared: {work}")
    if not work["walks"] <= work["entries read"] <= 3 * work["walks"]:
        sys.exit(f"a walk reads one to three entries, and not {work}")


def check_refusals(build):
    for options in REFUSED:
        command = [build / "tools" / "vellum", build / "kernel-unified", *options]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        if run.returncode != 2 or "--tlb" not in run.stderr:
            sys.exit(f"{options} is not refused: {run}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    check_targets(Path(sys.argv[1]))
    check_refusals(Path(sys.argv[1]))
    print("walks and fences are within their targets")


if __name__ == "__main__":
    main()
