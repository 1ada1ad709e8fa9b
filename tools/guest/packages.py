# SPDX-License-Identifier: MIT
"""The Debian packages that each command needs: says which are missing and why, and installs them."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import toolchain
from report import Failure, Progress, say

# What runs everything on a system that is not Debian's kin, or too old.
CONTAINER = (
    "docker build -t bifolium -f .devcontainer/Dockerfile . && "
    'docker run --rm -it -v "$PWD:$PWD" -w "$PWD" bifolium ./run'
)
# apt's words for "another apt is at work", and how long to wait between two looks.
_LOCKED = re.compile(r"Could not get lock|Unable to (?:acquire|lock)|is another process using it")
_LOCK_HOLDER = re.compile(r"held by process (\d+) \(([^)]*)\)")
_LOCK_PAUSE = 2.0
# What apt reports on its status descriptor: `dlstatus:1:12.5:Retrieving file 1 of 8`, `pmstatus:cmake:50:Unpacking
# cmake`.
_APT_STATUS = re.compile(r"^(?:dl|pm)status:[^:]*:([\d.]+):(.*)")


def _read_list():
    """{group: {package: why it is needed}} from packages.list."""
    groups = {}
    for line in Path(__file__).with_name("packages.list").read_text().splitlines():
        if line and not line.startswith("#"):
            group, package, why = line.split(maxsplit=2)
            groups.setdefault(group, {})[package] = why
    return groups


_GROUPS = _read_list()
# One group for each thing that somebody wants to do.
BUILD, BUILD_GCC, BOOT, XV6CC, TEST, EXPLORER, WASM, DOCS = (
    _GROUPS[group] for group in ("build", "gcc", "boot", "xv6cc", "test", "explorer", "wasm", "docs")
)
# Only `./run --explore` and `./run --page` want these; a Node that is there already will do.
BUNDLER = {} if shutil.which("npm") and shutil.which("node") else _GROUPS["page"]


def _missing_debian(wanted):
    query = subprocess.run(
        ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *wanted], capture_output=True, text=True
    )
    present = {line.split()[0] for line in query.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in present]


def _missing_here(wanted):
    """The same by the names that this system's packages have; {name: why}."""
    if not _missing_debian(wanted):
        return {}
    local = {toolchain.local_name(name): why for name, why in wanted.items()}
    return {name: local[name] for name in _missing_debian(local)}


def _missing_elsewhere(wanted):
    """Not a Debian: only what shows itself as a command can be checked."""
    commands = {
        "cmake": "cmake",
        "ninja-build": "ninja",
        "clang-19": "clang++-19",
        "lld-19": "ld.lld-19",
        "llvm-19": "llvm-ar-19",
        "qemu-system-misc": "qemu-system-riscv64",
    }
    return {name: why for name, why in wanted.items() if name in commands and not shutil.which(commands[name])}


def ensure(*groups, install=True):
    """Installs what is missing of the groups, or refuses with the one command that mends it."""
    wanted = {name: why for group in groups for name, why in group.items()}
    debian = shutil.which("dpkg-query") and shutil.which("apt-get")
    missing = _missing_here(wanted) if debian else _missing_elsewhere(wanted)
    if not missing:
        return
    if not debian:
        raise Failure(f"not a Debian or Ubuntu, and {', '.join(missing)} not found. In a container: {CONTAINER}")
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    command = [*as_root, "apt-get", "install", "-y", "--no-install-recommends", *missing]
    for name in missing:
        say(f"missing: {name} ({missing[name]})")
    if not install:
        raise Failure(f"{len(missing)} package(s) missing. Install them with: {' '.join(command)}")
    if as_root and not shutil.which("sudo"):
        raise Failure(f"cannot install as this user and there is no sudo. As root: {' '.join(command[1:])}")
    say("installing " + " ".join(missing))
    if as_root:
        command.insert(1, "DEBIAN_FRONTEND=noninteractive")
    if _apt(command)[0]:
        return
    # The usual reason on a fresh machine: no package lists yet, or old ones.
    say("refreshing the package lists")
    _apt([*as_root, "apt-get", "update"])
    toolchain.forget()
    command[command.index("--no-install-recommends") + 1 :] = _missing_here(wanted)
    done, output = _apt(command)
    if not done:
        sys.stderr.write(output)
        raise Failure(f"could not install the packages. By hand: {' '.join(command)}\nOr in a container: {CONTAINER}")


def _apt(command):
    """Runs apt-get, after another one if need be; returns whether it succeeded, and what it printed."""
    waiting = False
    while True:
        done, output = _run_apt(command)
        if done or not _LOCKED.search(output):
            return done, output
        if not waiting:
            holder = _LOCK_HOLDER.search(output)
            by = f" ({holder[2]}, process {holder[1]})" if holder else ""
            say(f"another package manager is at work{by}: waiting for it; Ctrl-c gives up")
        waiting = True
        time.sleep(_LOCK_PAUSE)


def _run_apt(command):
    """Runs apt-get and shows how far it is."""
    process = subprocess.Popen(
        [*command, "-o", "APT::Status-Fd=1"],
        env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    progress, output = Progress("packages, percent:"), []
    for line in process.stdout:
        status = _APT_STATUS.match(line)
        if status:
            progress.step(min(round(float(status[1])), 99), 100, status[2])
        else:
            output.append(line)
    progress.clear()
    return process.wait() == 0, "".join(output)
