# SPDX-License-Identifier: MIT
"""`./run --explore` as a person uses it, on a terminal: the page is named and served, the command line finds the guest,
Ctrl-p and Ctrl-t print, Ctrl-c is the guest's, Ctrl-a x ends it all, and nothing is left behind."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

from guests import ROOT, explore, run_tests, skip
from terminal import Terminal

if not shutil.which("qemu-system-riscv64"):
    skip("no qemu-system-riscv64")
if not shutil.which("npm") or not shutil.which("node"):
    skip("no npm: the explorer's page is not built")
RUN = [str(ROOT / "run"), "--no-install", "--explore", "--snapshot"]


def run(*arguments):
    return subprocess.run([*RUN, *arguments], capture_output=True, text=True, timeout=600)


def shared_directory():
    return Path(json.loads((explore.SESSION / "session.json").read_text())["ram"]).parent


def gone(path, seconds=20):
    end = time.monotonic() + seconds
    while path.exists() and time.monotonic() < end:
        time.sleep(0.1)
    return not path.exists()


def a_session_at_a_terminal():
    terminal = Terminal(*RUN)
    booted = terminal.wait_for(rb"\n\$ ", 600)
    address = re.search(r"http://127\.0\.0\.1:\d+/", booted)[0]
    listed = subprocess.run([explore.COMMAND, "ps"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert re.search(r"^2 +sh ", listed.stdout, re.M), listed
    deadline = time.monotonic() + 30
    while True:
        try:
            assert b"main.js" in urllib.request.urlopen(address, timeout=10).read()
            break
        except OSError:  # the server is still on its way
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert "sh" in terminal.type(b"\x10", rb"2 \w+ +sh")
    time.sleep(1)  # a person's pace; what is typed while the list is printed is another test's matter
    assert "page table" in terminal.type(b"\x14", rb"page table 0x[0-9a-f]+")
    terminal.type(b"no such command\x03", rb"\^C\r?\n\$ ")  # the guest's: its shell drops the line
    terminal.type(b"echo still here\r", rb"\nstill here")
    shared = shared_directory()
    os.write(terminal.terminal, b"\x01x")
    terminal.wait_for(None, 60)
    assert terminal.status() == 0
    assert not shared.exists(), "the guest's RAM was left behind"


def with_commands():
    result = run("--view", "mirrored", "--exec", "echo hello")
    assert result.returncode == 0 and "\nhello\n" in result.stdout.replace("\r", ""), result
    assert not shared_directory().exists()


def what_is_refused():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        for wrong in (port, "99999"):
            result = run("--port", wrong, "--exec", "ls")
            assert result.returncode == 2 and f"--port {wrong}" in result.stderr, result


def killed_without_warning():
    terminal = Terminal(*RUN)
    terminal.wait_for(rb"\n\$ ", 600)
    shared = shared_directory()
    terminal.kill()
    # A server that has not met its guest yet looks for it for 30 seconds before it gives up.
    assert gone(shared, 50), "the guest's RAM was left behind"


run_tests([a_session_at_a_terminal, with_commands, what_is_refused, killed_without_warning])
