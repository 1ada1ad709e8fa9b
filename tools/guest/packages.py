"""The Debian packages that each command needs: says which are missing and why, and installs them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from report import Failure, Progress, say

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
BUILD, BOOT, XV6CC, TEST, EXPLORER, DOCS = (
    _GROUPS[group] for group in ("build", "boot", "xv6cc", "test", "explorer", "docs")
)
# Only `./run --explore` wants these; a Node that is there already will do.
EXPLORER_PAGE = {} if shutil.which("npm") and shutil.which("node") else _GROUPS["page"]


def _missing_debian(wanted):
    query = subprocess.run(
        ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *wanted], capture_output=True, text=True
    )
    present = {line.split()[0] for line in query.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in present]


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
    return [name for name in wanted if name in commands and not shutil.which(commands[name])]


def ensure(*groups, install=True):
    """Installs what is missing of the groups, or refuses with the one command that mends it."""
    wanted = {name: why for group in groups for name, why in group.items()}
    debian = shutil.which("dpkg-query") and shutil.which("apt-get")
    missing = _missing_debian(wanted) if debian else _missing_elsewhere(wanted)
    if not missing:
        return
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    command = [*as_root, "apt-get", "install", "-y", "--no-install-recommends", *missing]
    for name in missing:
        say(f"missing: {name} ({wanted[name]})")
    if not install or not debian:
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
    done, output = _apt(command)
    if not done:
        sys.stderr.write(output)
        raise Failure(f"could not install the packages. By hand: {' '.join(command)}")


def _apt(command):
    """Runs apt-get and shows how far it is; returns whether it succeeded, and what it printed."""
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
