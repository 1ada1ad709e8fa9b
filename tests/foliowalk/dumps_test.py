# SPDX-License-Identifier: MIT
"""foliowalk on dumps: a snapshot shows what the running guest showed; damaged ones give a message, not a crash."""

import os
import random
import shutil
import subprocess
import sys

from guests import MinimalGuest, run_tests

foliowalk = sys.argv[1]


def a_snapshot_is_a_guest_that_stands_still():
    with MinimalGuest(foliowalk) as guest:
        kept = guest.directory / "kept"
        assert "saved" in guest.walk("snapshot", kept)
        live = guest.json("map", 9)["ranges"]
        guest.stop()
        assert guest.json("map", 9, session=kept)["ranges"] == live
        assert guest.json("ps", session=kept) != []
        # RAM was copied while harts ran: what sleeps is as it was, so a task that is parked has the same table.
        assert guest.json("diff", 3, "--with", kept, session=kept) == []
        assert os.stat(kept / "ram").st_blocks * 512 < 64 << 20, "holes should stay holes"


def damaged_dumps():
    with MinimalGuest(foliowalk) as guest:
        kept = guest.directory / "kept"
        guest.walk("snapshot", kept)
        guest.stop()
        ram = kept / "ram"
        whole = ram.stat().st_size
        for size in (0, 100, 4096, 1 << 20, (16 << 20) + 4096, 32 << 20):
            shutil.copy(ram, kept / "whole")
            os.truncate(ram, size)
            for command in (["ps"], ["map", "kernel"], ["lint"], ["explain", "1", "0x40000000"], ["tree", "9"]):
                status = run_any_status(guest, kept, *command)
                assert status in (0, 1, 2), (size, command, status)
            os.replace(kept / "whole", ram)
        assert ram.stat().st_size == whole


def run_any_status(guest, session, *command):
    command = [guest.foliowalk, "--session", str(session), *command]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0 or result.stderr.strip() or result.stdout.strip(), (command, "failed without a word")
    return result.returncode


def dumps_with_random_damage():
    """Tables and the process table are damaged: whatever comes out, foliowalk ends by itself and says something."""
    dice = random.Random(4)
    with MinimalGuest(foliowalk) as guest:
        kept = guest.directory / "kept"
        guest.walk("snapshot", kept)
        guest.stop()
        ram = kept / "ram"
        for _ in range(12):
            with open(ram, "r+b") as file:
                for _ in range(200):
                    # Where the guest's image and its page tables are.
                    at = dice.choice([dice.randrange(0, 80 << 10), dice.randrange(16 << 20, 17 << 20)])
                    file.seek(at & ~7)
                    file.write(dice.getrandbits(64).to_bytes(8, "little"))
            for command in (["ps"], ["lint"], ["tree", "9"], ["frame", "0x81000000"]):
                assert run_any_status(guest, kept, *command) in (0, 1, 2), command


run_tests([a_snapshot_is_a_guest_that_stands_still, damaged_dumps, dumps_with_random_damage])
