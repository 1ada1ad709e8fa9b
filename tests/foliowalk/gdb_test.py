# SPDX-License-Identifier: MIT
"""gdb's `pt` on the stopped minimal guest: the same answers as foliowalk's own."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from guests import ROOT, run_tests, skip

foliowalk = sys.argv[1]
gdb = shutil.which("gdb-multiarch")
if not gdb:
    skip("no gdb-multiarch")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def session(kernel, *commands):
    """Lets the guest run, stops it, and runs gdb commands."""
    port = free_port()
    qemu = subprocess.Popen(
        ["qemu-system-riscv64", "-machine", "virt", "-m", "128M", "-smp", "2", "-bios", "none", "-kernel", str(kernel),
         "-display", "none", "-serial", "stdio", "-monitor", "none", "-gdb", f"tcp:127.0.0.1:{port}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert any(b"running" in line for line in qemu.stdout), "the guest did not start"
        connect = ("set confirm off", "set architecture riscv:rv64", f"target remote 127.0.0.1:{port}")
        command = [gdb, "-q", "-batch", "-nx"]
        for line in (*connect, f"source {ROOT}/tools/gdb/bifolium.py", *commands):
            command += ["-ex", line]
        environment = dict(os.environ, FOLIOWALK=foliowalk)
        result = subprocess.run([*command, str(kernel)], capture_output=True, text=True, timeout=240, env=environment)
        return result.stdout + result.stderr
    finally:
        qemu.kill()
        qemu.wait()


def every_form_of_pt():
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([ROOT / "tests/guests/minimal/build", directory], check=True)
        kernel = Path(directory) / "minimal"
        out = session(kernel, "pt", "pt ps", "pt 9", "pt explain 0x60000123 9", "pt explain user_code kernel",
                      "pt diff 3 9", "pt diff", "pt diff", "pt lint", "pt 99")
        for expected in ("task-09", "0x86200000", "physical address 0x86200123", "level 1 holds a leaf", "direct map",
                         "added", "Remembered", "no difference", "0 faults", "no such process"):
            assert expected in out, (expected, out)


run_tests([every_form_of_pt])
