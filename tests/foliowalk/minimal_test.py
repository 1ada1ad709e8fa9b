# SPDX-License-Identifier: MIT
"""foliowalk on a running kernel that is not Bifolium, in both shapes: `ps`, `map`, `explain` and the rest are right; a
thousand walks while four tasks at a time tear at their tables give no wrong verdict, and don't stop the guest."""

import subprocess
import sys

from guests import MinimalGuest, is_sanitized, run_tests

foliowalk = sys.argv[1]
sanitized = is_sanitized(foliowalk)


def every_command_on(shape, prefix):
    with MinimalGuest(foliowalk, shape) as guest:
        spaces = {space["id"]: space for space in guest.json("ps")["spaces"]}
        assert len(spaces) == 65, sorted(spaces)
        assert spaces["9"]["name"] == prefix + "09" and spaces["9"]["superpages"] == 1, spaces["9"]
        assert spaces["9"]["tables"] == 3 and spaces["9"]["shared_tables"] == 4, spaces["9"]
        assert spaces["3"]["state"] in ("parked", "sleeping"), spaces["3"]

        # Whoever has no page tables has a row all the same.
        assert spaces["63"]["root"] == "0x0" and spaces["63"]["tables"] == 0, spaces["63"]
        assert "no tables" in guest.walk("ps")
        for command in (("map", 63), ("tree", prefix + "63"), ("explain", 63, 0), ("diff", 63, 9)):
            assert "has no page tables" in guest.walk(*command, status=2)

        ranges = {r["va"]: r for r in guest.json("map", 9)["ranges"]}
        assert ranges["0x40000000"]["flags"] == "r-xu-" and ranges["0x40000000"]["region"] == "text"
        assert ranges["0x60000000"]["level"] == 1 and ranges["0x60000000"]["pa"] == "0x86200000"
        assert ranges["0x10000000"]["region"] == "UART0"
        assert guest.json("map", prefix + "09")["space"]["id"] == "9"

        walk = guest.json("explain", 9, "0x60000123")
        assert walk["pa"] == "0x86200123" and walk["page"] == "2 MiB" and len(walk["steps"]) == 2
        assert walk["verdict"]["user_write"]["allowed"] and not walk["verdict"]["user_execute"]["allowed"]
        assert not walk["verdict"]["kernel_read"]["allowed"] and walk["verdict"]["kernel_sum_read"]["allowed"]
        root = int(spaces["9"]["root"], 16)
        assert int(walk["steps"][0]["entry_address"], 16) == root + walk["steps"][0]["index"] * 8
        assert "not canonical" in guest.walk("explain", 9, "0x8000000000")
        assert "stops at level 1" in guest.walk("explain", 9, "0x70000000")

        frame = guest.json("frame", walk["pa"])
        assert frame["kind"] == "user" and ("9", "0x60000000") in {(u["space"], u["va"]) for u in frame["users"]}
        assert guest.json("frame", root)["kind"] == "page table"
        text = guest.json("frame", guest.json("explain", 9, "0x40000000")["pa"])
        assert len([u for u in text["users"] if u["va"] == "0x40000000"]) == 63

        assert guest.json("diff", 3, 3) == []
        assert [d["change"] for d in guest.json("diff", 3, 9)] == ["added"]
        assert guest.json("tree", 3)["tree"]["entries"][0]["next"]["level"] == 1
        assert guest.json("lint") == []
        assert any(" satp " in line for line in guest.walk("watch", "--seconds", 1).splitlines())


def own_process_table():
    every_command_on("minimal", "task-")


def xv6_names():
    every_command_on("minimal-xv6", "p")


def bad_requests():
    with MinimalGuest(foliowalk, harts=1) as guest:
        assert "no such process" in guest.walk("map", 99, status=2)
        assert "not an address" in guest.walk("explain", 1, "zebra", status=2)
        assert "is not RAM (UART0)" in guest.walk("frame", "0x10000000", status=2)
        assert "no variable `nonsense`" in guest.walk("ps", "--procs", "nonsense", status=2)
        assert "not a number" in guest.walk("ps", "--satp", "zebra", status=2)
        assert "not for 64-bit RISC-V" in guest.walk("ps", "--kernel", "/proc/self/exe", status=2)
        assert guest.walk("ps", "--procs", "tasks", "--root-member", "space.root_ppn").count("task-") == 64
        # Without a kernel file, satp alone leads to the tables in use.
        satp_alone = [foliowalk, "--ram", f"{guest.directory}/ram", "--qmp", f"{guest.directory}/qmp", "ps"]
        one = subprocess.run(satp_alone, capture_output=True, text=True)
        assert "satp:0x8" in one.stdout, one
        # A satp may name any page, the first of the address space too, where no RAM is.
        nowhere = [foliowalk, "--ram", f"{guest.directory}/ram", "--satp", "0x8000000000000000"]
        listed = subprocess.run([*nowhere, "ps"], capture_output=True, text=True)
        assert listed.returncode == 0 and "satp:0x0" in listed.stdout, listed
        shown = subprocess.run([*nowhere, "map", "satp:0x0"], capture_output=True, text=True)
        assert "the root table cannot be read" in shown.stdout, shown
        guest.stop()
        assert "the guest is gone" in guest.walk("ps", status=2)


def thousand_walks_of_a_guest_in_full_flight():
    with MinimalGuest(foliowalk, harts=4) as guest:
        before = guest.json("soak", 1)
        result = guest.json("soak", 200 if sanitized else 1000)
        print(f"    {result['walks']} walks: median {result['median_ms']:.2f} ms, worst {result['worst_ms']:.2f} ms, "
              f"{result['retries']} retries, {result['torn']} torn, {len(result['faults'])} faults")
        assert result["faults"] == [] and before["faults"] == []
        assert result["spaces"] + result["lost_races"] >= result["walks"] * 65
        if not sanitized:
            assert result["median_ms"] <= 5, result["median_ms"]
        # The guest was never paused, and goes on.
        first = guest.walk("watch", "--seconds", 0.5)
        assert "mapped" in first


run_tests([own_process_table, xv6_names, bad_requests, thousand_walks_of_a_guest_in_full_flight])
