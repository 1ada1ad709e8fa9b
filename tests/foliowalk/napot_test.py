# SPDX-License-Identifier: MIT
"""Svnapot and Svpbmt: foliowalk says of each of ten addresses what the hardware gives. tests/guests/napot reads them
and prints a value or a trap; every word of its memory holds its own physical address, so a value is a translation."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from guests import ROOT, OwnMachine, run_tests, skip

foliowalk = sys.argv[1]
if not shutil.which("qemu-system-riscv64"):
    skip("no qemu-system-riscv64")
# QEMU 7.2 uses these entries where it has the extensions. The manual wants a page fault for them until they mean
# something (12.3 of the privileged manual, "Svpbmt"), and the manual is what foliowalk says.
_RESERVED = {"pbmt 3", "reserved bit"}
_LINE = re.compile(r"^(.+?) *va ([0-9a-f]{16}) (?:value ([0-9a-f]{16}) as expected|trap ([0-9a-f]{16}))", re.M)


class NapotGuest(OwnMachine):
    def __init__(self, cpu):
        self.foliowalk = foliowalk
        self.directory = self.session_directory = Path(tempfile.mkdtemp(prefix="foliowalk-"))
        source = ROOT / "tests/guests/napot"
        kernel = self.directory / "kernel"
        subprocess.run(
            ["clang-19", "--target=riscv64-unknown-elf", "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-O",
             "-ffreestanding", "-nostdlib", "-fuse-ld=lld-19", "-T", source / "guest.ld", "-Wl,--build-id=none",
             source / "guest.c", "-o", kernel],
            check=True,
        )  # fmt: skip
        command = [
            "qemu-system-riscv64", "-machine", "virt,memory-backend=ram0", "-cpu", cpu, "-m", "32M",
            "-object", f"memory-backend-file,id=ram0,size=32M,mem-path={self.directory}/ram,share=on",
            "-bios", "none", "-kernel", kernel, "-display", "none", "-monitor", "none",
            "-serial", f"file:{self.directory}/console", "-qmp", f"unix:{self.directory}/qmp,server=on,wait=off",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.console = ""
        give_up = time.monotonic() + 120
        while "done" not in self.console:
            assert self.process.poll() is None and time.monotonic() < give_up, self.console
            time.sleep(0.05)
            console = self.directory / "console"
            self.console = console.read_text() if console.exists() else ""

        self.root = self.told("root")
        self.satp = f"{8 << 60 | self.root >> 12:#x}"

    def told(self, name):
        """An address that the guest printed."""
        return int(re.search(rf"{name} ([0-9a-f]{{16}})", self.console)[1], 16)

    def ask(self, command, *arguments, status=0):
        """One of foliowalk's commands on the guest's tables."""
        return self.json("--satp", self.satp, command, *arguments, status=status)

    @property
    def space(self):
        return f"satp:{self.root:#x}"


def agree(guest, session):
    """`session` is what is known of the guest; returns what the guest printed."""
    file = guest.directory / "session.json"
    file.write_text(json.dumps(session))
    seen = _LINE.findall(guest.console)
    assert len(seen) == 10, guest.console
    for what, va, value, trap in seen:
        walk = guest.ask("explain", guest.space, "0x" + va)
        if what in _RESERVED:
            assert not walk["found"], (what, walk)
        elif value:
            assert walk["found"], (what, walk)
            assert int(walk["pa"], 16) == int(value, 16), (what, walk)
        else:
            assert trap.lstrip("0") == "d", (what, trap)
            assert not walk["found"], (what, walk)
    return seen


def map_and_lint(guest):
    ranges = {int(range["va"], 16): range for range in guest.ask("map", guest.space)["ranges"]}
    whole = ranges[0x10000]
    assert (int(whole["end"], 16), int(whole["pa"], 16)) == (0x20000, guest.told("area")), whole
    found = {(finding["rule"], int(finding["va"], 16)) for finding in guest.ask("lint", status=1)}
    for rule, va in (
        ("reserved-bits", 0x42000),
        ("reserved-bits", 0x43000),
        ("reserved-bits", 0x44000),
        ("reserved-bits", 0x200000),
        ("pointer-with-adu", 0x40000000),
    ):
        assert (rule, va) in found, (rule, hex(va), found)
    for va in (*range(0x10000, 0x20000, 0x1000), 0x40000, 0x41000):
        assert ("reserved-bits", va) not in found, hex(va)


def what_the_hardware_has():
    with NapotGuest("rv64,svnapot=on,svpbmt=on") as guest:
        # From QEMU itself, and from the device tree that lies in RAM alone.
        seen = agree(guest, {"ram": "ram", "qmp": "qmp"})
        assert {"napot page 0", "napot page 5", "napot page 15", "pbmt NC", "pbmt IO"} <= {
            what for what, _, value, _ in seen if value
        }, seen
        assert agree(guest, {"ram": "ram"}) == seen
        map_and_lint(guest)


def what_the_hardware_lacks():
    with NapotGuest("rv64,svnapot=off,svpbmt=off") as guest:
        seen = agree(guest, {"ram": "ram", "qmp": "qmp"})
        assert not any(line[2] for line in seen), seen


run_tests([what_the_hardware_has, what_the_hardware_lacks])
