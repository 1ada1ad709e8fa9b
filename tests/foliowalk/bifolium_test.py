# SPDX-License-Identifier: MIT
"""foliowalk on Bifolium itself, in all three views: every command is right about a shell and what it starts; a thousand
walks of 64 processes under load find nothing wrong, take no more than they may, and don't stop the guest."""

import re
import subprocess
import sys
import tempfile
import time

from guests import ROOT, BifoliumGuest, is_sanitized, run_tests

foliowalk = sys.argv[1]
# Figures are for a foliowalk without sanitizers, where there is one.
quick = ROOT / "build/tools/tools/foliowalk"
fast_foliowalk = str(quick) if quick.exists() else foliowalk
sanitized = is_sanitized(fast_foliowalk)

USYSCALL, TRAPFRAME, TRAMPOLINE = "0x3fffffd000", "0x3fffffe000", "0x3ffffff000"


def spaces_of(guest):
    return {space["id"]: space for space in guest.json("ps")["spaces"]}


def every_command_on(view):
    with BifoliumGuest(foliowalk, view) as guest:
        spaces = spaces_of(guest)
        assert {"kernel", "1", "2"} <= set(spaces), sorted(spaces)
        assert ("2.kernel" in spaces) == (view == "mirrored"), sorted(spaces)
        assert spaces["2"]["name"] == "sh" and spaces["2"]["state"] == "sleeping", spaces["2"]
        # In `unified` the kernel's tables hang in every process's root, too.
        assert (spaces["2"]["shared_tables"] > 0) == (view == "unified"), spaces["2"]

        ranges = {r["va"]: r for r in guest.json("map", "sh")["ranges"]}
        assert ranges["0x0"]["flags"] == "r-xu-" and ranges["0x0"]["region"] == "text", ranges
        for va, region in ((USYSCALL, "usyscall"), (TRAPFRAME, "trapframe"), (TRAMPOLINE, "trampoline")):
            assert ranges[va]["region"] == region, ranges[va]
        assert any(r["region"] == "stack" for r in ranges.values())
        # In `mirrored` all kernel stacks are at one address, each in its own process's kernel table.
        stacks = "2.kernel" if view == "mirrored" else "kernel"
        assert any(r["region"] == "kernel stack" for r in guest.json("map", stacks)["ranges"])
        assert guest.json("tree", 2)["tree"]["entries"][0]["next"]["level"] == 1

        walk = guest.json("explain", "sh", "0x123")
        verdict = walk["verdict"]
        assert walk["found"] and verdict["user_execute"]["allowed"] and not verdict["user_write"]["allowed"]
        assert int(walk["steps"][0]["entry_address"], 16) == int(spaces["2"]["root"], 16)
        assert not guest.json("explain", "sh", TRAPFRAME)["verdict"]["user_read"]["allowed"]
        users = guest.json("frame", walk["pa"])["users"]
        assert ("2", "0x0") in {(u["space"], u["va"]) for u in users}, users
        assert guest.json("lint") == []

        assert {d["change"] for d in guest.json("diff", "sh", "init")} >= {"moved", "removed"}
        before_and_after(guest)
        what_is_watched(guest)
        if view == "mirrored":
            assert any(d["change"] == "rights" for d in guest.json("diff", "2", "2.kernel"))


def before_and_after(guest):
    """fork leaves its mark on the shell: a kept moment and now differ by what was shared copy-on-write."""
    with tempfile.TemporaryDirectory() as kept:
        guest.walk("snapshot", kept)
        guest.console.run("sleep 1000 &")
        changes = guest.json("diff", "sh", "--with", kept)
        assert changes, "fork should show in the shell's table"
        # The snapshot stands by itself: nothing of the running guest is needed to read it.
        assert len(guest.json("ps", session=kept)["spaces"]) < len(guest.json("ps")["spaces"])
        assert guest.json("lint", session=kept) == []
    assert "sleep" in {space.get("name") for space in guest.json("ps")["spaces"]}


def what_is_watched(guest):
    watch = subprocess.Popen(
        [guest.foliowalk, "--session", str(guest.session_directory), "watch", "--interval", "20"],
        stdout=subprocess.PIPE,
        text=True,
    )
    seen = ""
    try:
        # `ls` may come and go between two looks; who sleeps is there to be seen.
        for _ in range(4):
            guest.console.run("ls")
            guest.console.run("sleep 1000 &")
            time.sleep(0.5)
        watch.terminate()
        seen = watch.communicate(timeout=60)[0]
    finally:
        watch.kill()
    kinds = {line.split()[1] for line in seen.splitlines() if len(line.split()) > 2}
    assert {"trap", "process", "counter"} <= kinds, (kinds, seen[-2000:])
    assert re.search(r"counter .*table_allocated", seen) and "user_ecall" in seen, seen[-2000:]


def shared():
    every_command_on("shared")


def mirrored():
    every_command_on("mirrored")


def unified():
    every_command_on("unified")


def thousand_walks_under_load():
    with BifoliumGuest(fast_foliowalk, "unified") as guest:
        for _ in range(50):
            guest.console.run("sleep 100000 &")
        guest.type("stress 3 100000")
        result = guest.json("soak", 200 if sanitized else 1000)
        print(f"    {result['walks']} walks of {result['spaces']} spaces: median {result['median_ms']:.2f} ms, "
              f"90 % {result['most_ms']:.2f} ms, worst {result['worst_ms']:.2f} ms; "
              f"processor {result['median_cpu_ms']:.2f} ms, "
              f"{result['retries']} retries, {result['torn']} torn, {result['lost_races']} races lost")
        assert result["faults"] == []
        assert result["spaces"] + result["lost_races"] >= result["walks"] * 55
        if not sanitized:
            assert result["median_cpu_ms"] <= 5, result
        # The guest was never paused, and goes on: somebody forks.
        tables = [guest.json("ps")["counters"]["table_allocated"] for _ in range(2)]
        assert tables[1] > tables[0], tables


run_tests([shared, mirrored, unified, thousand_walks_under_load])
