#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many runs a minute the campaigns make: on QEMU, where each boots a machine of its own, and from Vellum's one
booted machine (campaign.cpp). In processor time, so that what else the host does counts little. Nothing is asserted.

usage: campaign_speed.py BUILD [TIMES]    (BUILD: build/release; TIMES: runs on QEMU of each kind, else 5)
"""

import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))
sys.path.insert(0, str(ROOT / "tests" / "power"))

from power import Power, private_copy  # noqa: E402
from speed import processor_seconds  # noqa: E402
from trial import trial  # noqa: E402

CALLS = (100, 1000)
RUNS_ON_VELLUM = {"cuts": 200, 100: 40, 1000: 10}
VIEW = "unified"
WRITERS = "systest four_writers create_many concurrent_create link_and_unlink inode_churn subdirectories"


def calls_on_qemu(build, times, calls):
    for seed in range(times):
        with trial(build, VIEW, 600, harts=3) as guest:
            guest.await_prompt()
            guest.run(f"grind {1_000_001 + seed} 1 {calls}")


def cuts_on_qemu(build, times):
    """As tests/power/run.py does it."""
    chance = random.Random(1)
    with private_copy(build / "fs.img") as image:
        power = Power(build, VIEW, image)
        for _ in range(times):
            power.on([], WRITERS, chance.uniform(0.1, 4.0))
            power.fsck("a cut")


def on_vellum(build, kind, runs, calls=1):
    command = [build / "vellum-campaign", kind, build / f"kernel-{VIEW}", build / "fs.img"]
    command += ["--runs", str(runs), "--calls", str(calls)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def row(name, qemu_seconds, vellum_seconds):
    times = qemu_seconds / vellum_seconds
    print(f"| {name} | {60 / qemu_seconds:.0f} | {60 / vellum_seconds:.0f} | {times:.1f} |", flush=True)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = Path(sys.argv[1])
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print("| runs in a minute of processor time | QEMU | Vellum, from one boot | times |\n|---|---|---|---|")
    runs = RUNS_ON_VELLUM["cuts"]
    qemu = processor_seconds(lambda: cuts_on_qemu(build, times)) / times
    row("power cuts", qemu, processor_seconds(lambda: on_vellum(build, "cuts", runs)) / runs)
    for calls in CALLS:
        runs = RUNS_ON_VELLUM[calls]
        qemu = processor_seconds(lambda: calls_on_qemu(build, times, calls)) / times
        vellum = processor_seconds(lambda: on_vellum(build, "calls", runs, calls)) / runs
        row(f"rounds of {calls} random calls", qemu, vellum)


if __name__ == "__main__":
    main()
