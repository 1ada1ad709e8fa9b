#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmbench's udp_send and udp_round_trip on Debian's Linux, on the same machine and network as ./bench.

Fetches the newest linux-image-riscv64 of Debian trixie (or takes --deb FILE), puts its e1000 driver and a first process
of our own (linux_init.c) into an initramfs, boots it once for each case and prints the retired guest instructions for
each operation. What the guest waits is not counted: hart_profile.c counts what it executes between two marks.
"""

import argparse
import lzma
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from machine import QEMU, network_options  # noqa: E402
from peer import RawPeer  # noqa: E402
from report import Failure, guarded, say  # noqa: E402
from scaling import compile_plugin  # noqa: E402

DEBIAN = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
CROSS_COMPILER = "riscv64-linux-gnu-gcc-12"  # packages gcc-12-riscv64-linux-gnu and libc6-dev-riscv64-cross
CASES = ("udp_send", "udp_round_trip")
ROUNDS = 1000  # as in linux_init.c
# The same tuning as for the other Linux figures: nothing that is there only against attackers or for accounting.
TUNING = (
    "randomize_kstack_offset=off init_on_alloc=0 audit=0 psi=0 cgroup_disable=memory mitigations=off norandmaps "
    "transparent_hugepage=never"
)


class Apt:
    """apt with a state of its own: for riscv64 and trixie, whatever this machine is. It checks Debian's signatures."""

    def __init__(self, folder):
        self.folder = folder
        for part in ("state/lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {DEBIAN} trixie main\n")
        settings = {
            "APT::Architecture": "riscv64",
            "APT::Architectures": "riscv64",
            "APT::Sandbox::User": "",  # apt's own user could not write here
            "Acquire::Languages": "none",
            "Dir::Etc::SourceList": folder / "sources.list",
            "Dir::Etc::SourceParts": "-",
            "Dir::State": folder / "state",
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
        }
        self.options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]

    def run(self, tool, *arguments):
        done = subprocess.run([tool, *self.options, *arguments], cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"{tool} {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout


def fetch_kernel(folder):
    """Debian's newest kernel package."""
    apt = Apt(folder)
    apt.run("apt-get", "update", "--error-on=any")
    newest = apt.run("apt-cache", "show", "--no-all-versions", "linux-image-riscv64")
    name = re.search(r"^Depends: (\S+)", newest, re.MULTILINE)[1]
    say(f"fetching {name}")
    apt.run("apt-get", "download", name)
    return next(folder.glob("*.deb"))


def newc(entries):
    """A cpio archive as the kernel reads it: [(name, mode, device number, contents)]."""
    archive = bytearray()
    for number, (name, mode, (major, minor), contents) in enumerate([*entries, ("TRAILER!!!", 0, (0, 0), b"")], 1):
        fields = (number, mode, 0, 0, 1, 0, len(contents), 0, 0, major, minor, len(name) + 1, 0)
        archive += b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        archive += bytes(-len(archive) % 4) + contents
        archive += bytes(-len(archive) % 4)
    return bytes(archive)


def make_initramfs(folder, tree):
    init = folder / "init"
    source = ROOT / "tools" / "bench" / "linux_init.c"
    subprocess.run([CROSS_COMPILER, "-O2", "-Wall", "-Wextra", "-static", "-o", init, source], check=True)
    driver = lzma.decompress(next(tree.rglob("e1000.ko.xz")).read_bytes())
    initramfs = folder / "initramfs"
    directory, device, program, file = 0o040755, 0o020600, 0o100755, 0o100644
    entries = [("dev", directory, (0, 0), b""), ("dev/console", device, (5, 1), b"")]
    entries += [("init", program, (0, 0), init.read_bytes()), ("e1000.ko", file, (0, 0), driver)]
    initramfs.write_bytes(newc(entries))
    return initramfs


def boot(kernel, initramfs, case, plugin, profile):
    """Boots and waits for the end; what the guest said."""
    # The machine of ./bench, but for the memory that this kernel needs and OpenSBI, which it starts on. Its clock goes
    # on while it waits, instead of jumping to its next timer: else it would take up many ticks for each answer.
    command = [QEMU, "-machine", "virt", "-kernel", kernel, "-initrd", initramfs, "-m", "512M", "-smp", "1"]
    command += ["-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot", "-icount", "shift=0"]
    command += ["-append", f"console=ttyS0 loglevel=4 panic=-1 no4lvl {TUNING} -- {case}"]
    command += ["-plugin", f"{plugin},out={profile}", *network_options(backend=RawPeer().backend())]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, errors="replace", timeout=1800).stdout


def instructions_of(profile):
    """Those of all blocks but the ones that end in a wait."""
    lines = (line.split() for line in profile.read_text().splitlines())
    return sum(int(size) * int(runs) for _, size, kind, _, runs in lines if kind != "wfi")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--deb", type=Path, help="this kernel package instead of Debian's newest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bifolium-") as name:
        folder = Path(name)
        package = options.deb or fetch_kernel(folder / "apt")
        tree = folder / "tree"
        subprocess.run(["dpkg-deb", "-x", package, tree], check=True)
        kernel = next(tree.glob("boot/vmlinu*"))
        initramfs = make_initramfs(folder, tree)
        plugin = compile_plugin(folder)
        print(f"{kernel.name.removeprefix('vmlinux-')}, Debian's configuration; {TUNING}", flush=True)
        for case in CASES:
            profile = folder / "profile"
            said = boot(kernel, initramfs, case, plugin, profile)
            if f"case {case} " not in said:
                sys.stderr.write(said[-3000:])
                raise Failure(f"Linux did not come to the end of {case}", 1)
            print(f"{case:16} {instructions_of(profile) / ROUNDS:10,.0f}", flush=True)
    return 0


if __name__ == "__main__":
    guarded(main)
