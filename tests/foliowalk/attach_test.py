# SPDX-License-Identifier: MIT
"""`foliowalk attach FOLDER` as a student uses it: their kernel, their Makefile, a terminal, the page beside it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from guests import ROOT, run_tests, skip
from terminal import Terminal

foliowalk = sys.argv[1]
if not shutil.which("qemu-system-riscv64"):
    skip("no qemu-system-riscv64")
if not shutil.which("make"):
    skip("no make")

# What a Makefile like xv6's says of QEMU: options in a variable, a command that is continued.
MAKEFILE = """
CPUS := 2
QEMU = qemu-system-riscv64
QEMUOPTS = -machine virt -bios none -kernel kernel/kernel -m 128M -smp $(CPUS) -nographic
QEMUOPTS += -global "virtio-mmio.force-legacy=false"

qemu: kernel/kernel
\t$(QEMU) \\
\t  $(QEMUOPTS)
"""


class Folder:
    def __init__(self):
        self.path = Path(tempfile.mkdtemp(prefix="student "))
        (self.path / "kernel").mkdir()
        subprocess.run([ROOT / "tests/guests/minimal/build", self.path / "built"], check=True)
        shutil.copy(self.path / "built/minimal-xv6", self.path / "kernel/kernel")
        (self.path / "Makefile").write_text(MAKEFILE)
        self.page = self.path / "page"
        self.page.mkdir()
        (self.page / "index.html").write_text("the page")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def served(address):
    """The server listens a moment after its address was printed."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return urllib.request.urlopen(address, timeout=30).read()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def refused(*arguments):
    done = subprocess.run([foliowalk, "attach", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done
    return done.stderr


def a_session_at_a_terminal():
    with Folder() as folder:
        terminal = Terminal(foliowalk, "attach", str(folder.path), "--port", "0", "--web", str(folder.page))
        text = terminal.wait_for(rb"http://127\.0\.0\.1:\d+/", 120)
        address = re.search(r"http://127\.0\.0\.1:\d+/", text)[0]
        session = re.search(r"--session (\S+) ps", text)[1]
        if b"running" not in terminal.output:
            terminal.wait_for(rb"running")
        assert served(address) == b"the page"
        scene = json.loads(urllib.request.urlopen(address + "api/scene", timeout=30).read())
        assert any(space["title"].startswith("1 ") for space in scene["spaces"]), scene["spaces"]
        listed = subprocess.run([foliowalk, "--session", session, "ps"], capture_output=True, text=True, timeout=60)
        assert re.search(r"^1 ", listed.stdout, re.M), listed
        os.write(terminal.terminal, b"\x01x")
        terminal.wait_for(None, 60)
        assert terminal.status() == 0, terminal.output
        assert not Path(session).exists(), "the shared files should be gone"


def what_is_missing_is_said():
    with Folder() as folder:
        assert "is no folder" in refused(folder.path / "nowhere")
        (folder.path / "kernel/kernel").rename(folder.path / "kept")
        (folder.path / "Makefile").write_text(MAKEFILE.replace("qemu: kernel/kernel", "qemu:"))
        assert "kernel/kernel is not there: run `make`" in refused(folder.path)
        (folder.path / "Makefile").write_text("qemu:\n\techo hello\n")
        assert "names no qemu-system-riscv64" in refused(folder.path)
        (folder.path / "Makefile").write_text("all:\n")
        assert "`make -n qemu` fails" in refused(folder.path)
        (folder.path / "Makefile").unlink()
        assert "no Makefile" in refused(folder.path)


def a_guest_that_does_not_start():
    with Folder() as folder:
        (folder.path / "Makefile").write_text(MAKEFILE.replace("-nographic", "-nographic -no-such-option"))
        done = subprocess.run(
            [foliowalk, "attach", str(folder.path), "--port", "0"], capture_output=True, text=True, timeout=60
        )
        assert done.returncode != 0 and "QEMU ended before" in done.stderr, done


run_tests([a_session_at_a_terminal, what_is_missing_is_said, a_guest_that_does_not_start])
