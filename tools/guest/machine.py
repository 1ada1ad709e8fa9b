# SPDX-License-Identifier: MIT
"""The QEMU machine that Bifolium boots on: its options, checked, and its command line."""

import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Optional

import packages
import toolchain
from build import BUILD
from report import Failure, say

VIEWS = ("shared", "mirrored", "unified")
DEFAULT_VIEW = "unified"
MAX_HARTS = 8
MIN_MEMORY, MAX_MEMORY = 32 << 20, 8 << 30
OLDEST_QEMU = (7, 2)
OLDEST_CMAKE = (3, 25)
QEMU = "qemu-system-riscv64"
# The superblock sits in the second block; a shorter file cannot be an image.
SMALLEST_IMAGE = 2 * 1024


def default_gdb_port():
    """xv6's convention: each user of a shared machine has a port of their own."""
    return os.getuid() % 5000 + 25000


def parse_memory(text):
    """'128M' -> bytes; QEMU's own suffixes, MiB when there is none."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text.upper())
    if not match:
        raise Failure(f"--mem {text}: not a size (examples: 128M, 1G)")
    size = int(match[1]) << {"K": 10, "M": 20, "": 20, "G": 30}[match[2]]
    if not MIN_MEMORY <= size <= MAX_MEMORY:
        raise Failure(f"--mem {text}: the memory must be 32M to 8G")
    return size


def parse_harts(text):
    if not text.isdigit() or not 1 <= int(text) <= MAX_HARTS:
        raise Failure(f"--smp {text}: the number of harts must be 1 to {MAX_HARTS}")
    return int(text)


def parse_port(text):
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise Failure(f"--gdb-port {text}: a port is 1 to 65535")
    return int(text)


def check_view(view):
    if view not in VIEWS:
        raise Failure(f"--view {view}: unknown view (known: {', '.join(VIEWS)})")
    return view


def check_image(path, writable):
    """The image as a Path, or a Failure that says what is wrong with it."""
    image = Path(path)
    if not image.exists():
        raise Failure(f"--image {path}: no such file")
    if not image.is_file():
        raise Failure(f"--image {path}: not a regular file")
    if not os.access(image, os.R_OK):
        raise Failure(f"--image {path}: not readable")
    if writable and not os.access(image, os.W_OK):
        raise Failure(f"--image {path}: not writable (use --snapshot to leave the file untouched)")
    if image.stat().st_size < SMALLEST_IMAGE:
        raise Failure(f"--image {path}: too small to hold a file system ({image.stat().st_size} bytes)")
    return image.resolve()


CARDS = {"e1000": "e1000,bus=pcie.0,romfile=", "virtio": "virtio-net-device"}


def user_port(base):
    """MIT's convention for the network lab: each user of a shared machine has ports of their own."""
    return os.getuid() % 5000 + base


def network_options(card="e1000", capture=None, forwards=None, backend=None):
    """QEMU's options for a network card: on its user network, which forwards two of this machine's UDP ports to the
    guest's 2000 and 2001 (or `forwards`, pairs of host and guest port), or on another `backend`. Only this machine's
    own programs reach the ports. `romfile=`: the e1000's boot ROM is a package of its own, and nothing here boots from
    it."""
    if forwards is None:
        forwards = [(user_port(25999), 2000), (user_port(30999), 2001)]
    if backend is None:
        backend = "user" + "".join(f",hostfwd=udp:127.0.0.1:{host}-:{guest}" for host, guest in forwards)
    kind, *rest = backend.split(",")
    options = ["-netdev", ",".join([kind, "id=net0", *rest])]
    if capture:
        options += ["-object", f"filter-dump,id=capture0,netdev=net0,file={str(capture).replace(',', ',,')}"]
    return [*options, "-device", f"{CARDS[card]},netdev=net0"]


class DiskCache(Enum):
    """What a FLUSH of the kernel waits for (QEMU's cache= modes). Its order holds in both while the host runs."""

    SAFE = "writeback"  # the host's disk: what was acknowledged survives a power cut of the host
    FAST = "unsafe"  # the host's memory: whatever ends QEMU, nothing is lost; a power cut may damage the image


def choose_cache(own_image, snapshot, fast):
    """A user's own image is worth the milliseconds that each FLUSH takes; the scratch image is made anew if need be."""
    return DiskCache.SAFE if own_image and not snapshot and not fast else DiskCache.FAST


@dataclass
class Machine:
    kernel: Path
    image: Path
    harts: int = 3
    memory: int = 128 << 20
    append: str = ""
    snapshot: bool = False
    cache: DiskCache = DiskCache.FAST
    legacy_virtio: bool = False
    icount: bool = False
    gdb_port: Optional[int] = None  # where the machine waits for a debugger before its first instruction
    extra: list = field(default_factory=list)
    vellum: Optional[Path] = None  # this command instead of QEMU

    def command(self, interactive):
        return self._vellum_command() if self.vellum else self._qemu_command(interactive)

    def _vellum_command(self):
        command = [str(self.vellum), str(self.kernel), str(self.image)]
        command += ["--mem", f"{self.memory >> 20}M", "--smp", str(self.harts)]
        if self.append:
            command += ["--append", self.append]
        command += ["--snapshot"] if self.snapshot else []
        command += ["--legacy-virtio"] if self.legacy_virtio else []
        command += ["--panic", "take_panic"]
        return command + self.extra

    def _qemu_command(self, interactive):
        # QEMU takes a comma in a file name only when it is doubled.
        file = str(self.image).replace(",", ",,")
        snapshot = ",snapshot=on" if self.snapshot else ""
        command = [QEMU, "-machine", "virt", "-bios", "none", "-kernel", str(self.kernel)]
        command += ["-m", f"{self.memory >> 20}M", "-smp", str(self.harts)]
        # The driver types raw bytes; only a person needs the monitor behind Ctrl-a.
        # mon:stdio is -nographic's own choice, but no longer when there is a QMP socket: then Ctrl-a x would do
        # nothing.
        if interactive:
            command += ["-nographic", "-serial", "mon:stdio"]
        else:
            command += ["-display", "none", "-serial", "stdio", "-monitor", "none"]
        if not self.legacy_virtio:
            command += ["-global", "virtio-mmio.force-legacy=false"]
        command += ["-drive", f"file={file},if=none,format=raw,cache={self.cache.value},id=x0{snapshot}"]
        command += ["-device", "virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0"]
        if self.append:
            command += ["-append", self.append]
        if self.icount:
            command += ["-icount", "shift=0,sleep=off"]
        if self.gdb_port is not None:
            command += ["-S", "-gdb", f"tcp::{self.gdb_port}"]
        return command + self.extra


def require_free_port(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            raise Failure(
                f"port {port} is taken: another machine waits for its debugger there, or another user has the number. "
                f"Choose one: make qemu-gdb GDBPORT={port + 1}, or ./run --gdb --gdb-port {port + 1}"
            ) from None


def _require_version(what, command, oldest):
    """Refuses a tool that is too old; returns its first line about itself."""
    line = _first_line([command, "--version"])
    match = re.search(r"version (\d+)\.(\d+)", line)
    if not match:
        raise Failure(f"cannot tell {what}'s version from: {line}")
    if (int(match[1]), int(match[2])) < oldest:
        wanted = ".".join(map(str, oldest))
        raise Failure(f"{what} {wanted} or later is needed; found: {line}. In a container: {packages.CONTAINER}")
    return line


def preflight(compiler=None):
    """Refuses tools that are too old; prints the versions found (of this compiler command, if it is not clang) once,
    and again when they change."""
    if not shutil.which(QEMU):
        raise Failure(f"{QEMU} is not in PATH")
    _require_version("CMake", "cmake", OLDEST_CMAKE)
    qemu = _require_version("QEMU", QEMU, OLDEST_QEMU)
    versions = "\n".join([qemu, _first_line([compiler or toolchain.llvm_tool("clang++"), "--version"])])
    stamp = BUILD / ".versions"
    if not stamp.exists() or stamp.read_text() != versions:
        for line in versions.splitlines():
            say(f"found {line}")
        BUILD.mkdir(exist_ok=True)
        stamp.write_text(versions)


def _first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
    except (OSError, IndexError):
        return f"no {command[0]}"
