# SPDX-License-Identifier: MIT
"""./bench --scaling: what two processes do on two harts against one, in instructions, and how many of those spin.

vmbench runs one process, then two at once, under QEMU with a thread for each hart; tools/bench/hart_profile.c counts
what each hart executes. The host's speed plays no part, but a host that takes a hart's thread away while it holds a
lock lets the other one spin for that long: the figure to look at then is how often a lock was found taken.
"""

import bisect
import collections
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from build import ROOT
from report import Failure, say
from trial import trial

PLUGIN = ROOT / "tools" / "bench" / "hart_profile.c"
LOADS = {"forks": "fork, exit, wait", "grows": "sbrk +1 page, touch, sbrk -1 page"}
ROUNDS = 5000  # of each process, as in vmbench
USER_END = 1 << 38
SPINNING = ("sync_spin_until_taken", "sync_wait_until_taken", "wait_until_off_cpu")
IDLE = ("sched::run_idle", "::steal(")
# The steps of sync_wait_until_taken before it spins: its first block is entered once for each lock found taken.
WAIT_ENTRY = "sync_wait_until_taken"


@dataclass
class Work:
    """Instructions of one run, idle ones not counted."""

    of_hart: collections.Counter = field(default_factory=collections.Counter)
    spinning: int = 0
    locks_found_taken: int = 0

    @property
    def total(self):
        return sum(self.of_hart.values())


def compile_plugin(directory):
    plugin = directory / "hart_profile.so"
    command = ["clang-19", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(plugin), str(PLUGIN)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise Failure(f"cannot compile {PLUGIN.name}:\n{result.stderr}")
    return plugin


def functions_of(kernel):
    """[(address, name)] in order of address."""
    command = ["nm", "-C", "--defined-only", str(kernel)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    entries = (line.split(" ", 2) for line in text.splitlines())
    return sorted((int(e[0], 16), e[2]) for e in entries if len(e) == 3 and e[1] in "tTwW" and not e[2].startswith("$"))


def sort_out(profile, functions):
    addresses = [address for address, _ in functions]
    work = Work()
    for line in profile.read_text().splitlines():
        address, size, kind, hart, runs = line.split()
        address, runs = int(address, 16), int(runs)
        found = bisect.bisect_right(addresses, address) - 1
        start, name = functions[found] if address >= USER_END and found >= 0 else (0, "user")
        count = int(size) * runs
        if kind == "wfi" or any(part in name for part in IDLE):
            continue
        if kind == "pause" or any(part in name for part in SPINNING):
            work.spinning += count
        if name == WAIT_ENTRY and address == start:
            work.locks_found_taken += runs
        work.of_hart[hart] += count
    return work


def run_load(directory, view, plugin, temporary, processes, load):
    profile = temporary / "profile"
    with trial(directory, view, 600, harts=2, extra=["-plugin", f"{plugin},out={profile}"]) as guest:
        guest.await_prompt()
        guest.run(f"vmbench -p {processes} {load}")
    return sort_out(profile, functions_of(directory / f"kernel-{view}"))


def report(directory, views):
    """Prints a row for each view and load."""
    print("view      load   one process   two: first hart    second   work   spinning   locks found taken")
    with tempfile.TemporaryDirectory(prefix="bifolium-") as name:
        temporary = Path(name)
        plugin = compile_plugin(temporary)
        for view in views:
            for load in LOADS:
                say(f"{view}: two processes, each {ROUNDS} times {LOADS[load]}")
                one, two = (run_load(directory, view, plugin, temporary, n, load) for n in (1, 2))
                # Alone, parent and child take turns: the time is the sum. Together it is what the busier hart needed.
                gain = 2 * one.total / max(two.of_hart.values())
                harts = [*two.of_hart.values(), 0][:2]
                print(
                    f"{view:9} {load:6} {one.total:11,} {harts[0]:17,} {harts[1]:9,} {gain:6.2f} "
                    f"{100 * two.spinning / two.total:9.2f}% {two.locks_found_taken:10}"
                )
