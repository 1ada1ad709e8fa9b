"""The Debian packages that each command needs: says which are missing and why, and installs them."""

import os
import shutil
import subprocess
import sys

from report import Failure, say

# Package -> why it is needed. One dictionary for each thing that somebody wants to do.
BUILD = {
    "cmake": "configures the build",
    "ninja-build": "runs the build",
    "clang-19": "compiles the kernel, the programs and the host tools",
    "lld-19": "links them",
    "llvm-19": "llvm-ar-19 and llvm-nm-19 for the libc and the symbol table",
    "libstdc++-12-dev-riscv64-cross": "the header-only C++ library the kernel uses",
}
BOOT = {"qemu-system-misc": "qemu-system-riscv64, the machine that Bifolium boots on"}
TEST = {
    "g++-12-riscv64-linux-gnu": "the second compiler leg",
    "libclang-rt-19-dev": "ASan, UBSan, TSan and coverage of the host tests",
    "libgtest-dev": "GoogleTest",
    "librapidcheck-dev": "random cases for property tests, shrunk when one fails",
    "libfdt-dev": "the oracle that the device-tree reader is tested against",
    "clang-format-19": "the format check",
    "clang-tidy-19": "the lint",
}
EXPLORER = {
    "pkg-config": "finds the libraries below",
    "libdw-dev": "foliowalk reads the kernel's DWARF with it",
    "libelf-dev": "foliowalk reads the kernel's symbols with it",
    "libcli11-dev": "foliowalk's command line",
    "nlohmann-json3-dev": "foliowalk's JSON",
    "libcpp-httplib-dev": "foliowalk's web server",
    "libfmt-dev": "foliowalk's text output",
}
# Only `./run --explore` wants these; a Node that is there already will do.
EXPLORER_PAGE = {} if shutil.which("npm") and shutil.which("node") else {
    "nodejs": "bundles the explorer's page",
    "npm": "fetches the few packages that the page is made with",
}


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
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    if as_root:
        command.insert(1, "DEBIAN_FRONTEND=noninteractive")
    if _quietly(command, environment):
        return
    # The usual reason on a fresh machine: no package lists yet, or old ones.
    say("refreshing the package lists")
    _quietly([*as_root, "apt-get", "update"], environment)
    if not _quietly(command, environment, show=True):
        raise Failure(f"could not install the packages. By hand: {' '.join(command)}")


def _quietly(command, environment, show=False):
    result = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    if result.returncode != 0 and show:
        sys.stderr.write(result.stdout)
    return result.returncode == 0
