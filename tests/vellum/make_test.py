#!/usr/bin/env python3
"""`make qemu QEMU=vellum` and `make qemu-gdb QEMU=vellum` in a folder with a Makefile like xv6's.

Nothing in it changes.

usage: make_test.py VELLUM
The kernel is wrong/kernel.c without a fault: it prints `done` and powers off.
"""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from judges_test import compile_kernel, line_of

VELLUM = Path(sys.argv[1]).resolve()
# What such a Makefile asks of QEMU, and how it puts the command together.
MAKEFILE = """\
K = kernel
QEMU = qemu-system-riscv64
MIN_QEMU = 7.2
CPUS ?= 3
GDBPORT = {port}
QEMU_VERSION := $(shell $(QEMU) --version | head -n 1 | sed -E 's/^QEMU emulator version ([0-9]+\\.[0-9]+).*/\\1/')
QEMUGDB = $(shell if $(QEMU) -help | grep -q '^-gdb'; then echo "-gdb tcp::$(GDBPORT)"; else echo "-s"; fi)
QEMUOPTS = -machine virt -bios none -kernel $K/kernel -m 128M -smp $(CPUS) -nographic
{legacy}QEMUOPTS += -global virtio-mmio.force-legacy=false
QEMUOPTS += -drive file=fs.img,if=none,format=raw,id=x0
QEMUOPTS += -device virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0

version:
\t@test "$$(printf '%s\\n' $(MIN_QEMU) $(QEMU_VERSION) | sort -V | head -n 1)" = $(MIN_QEMU) \\
\t  || (echo "ERROR: need QEMU of $(MIN_QEMU)"; exit 1)

qemu: version $K/kernel fs.img
\t$(QEMU) $(QEMUOPTS)

qemu-gdb: $K/kernel fs.img
\t@echo "*** Now run 'gdb' in another window." 1>&2
\t$(QEMU) $(QEMUOPTS) -S $(QEMUGDB)
"""
GDB = """\
set architecture riscv:rv64
target remote :{port}
info threads
print/x $pc
break change_mapping
continue
print/x $satp
watch low[0]
continue
reverse-continue
delete 2
reverse-continue
delete
continue
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def make_folder(folder, legacy):
    (folder / "kernel").mkdir()
    kernel = compile_kernel(folder, "none")
    kernel.rename(folder / "kernel/kernel")
    (folder / "fs.img").write_bytes(bytes(64 << 10))
    port = free_port()
    (folder / "Makefile").write_text(MAKEFILE.format(port=port, legacy="#" if legacy else ""))
    return port


def make(folder, *words):
    return ["make", "-s", "-C", str(folder), *words]


def make_qemu(folder, *more, status=0):
    command = make(folder, "qemu", f"QEMU={VELLUM}", *more)
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    assert result.returncode == status, result
    return result


def boots(folder):
    assert make_qemu(folder).stdout == "done\n"
    assert make_qemu(folder, "CPUS=1").stdout == "done\n"
    judged = make_qemu(folder, f"QEMU={VELLUM} --judge all")
    assert (judged.stdout, judged.stderr) == ("done\n", ""), judged
    refused = make_qemu(folder, "CPUS=9", status=2)
    assert "must be 1 to 8" in refused.stderr, refused


def debugs(folder, port):
    if not shutil.which("gdb-multiarch"):
        print("no gdb-multiarch: make qemu-gdb is left out")
        return
    guest = subprocess.Popen(
        make(folder, "qemu-gdb", f"QEMU={VELLUM}"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        commands = [word for line in GDB.format(port=port).splitlines() for word in ("-ex", line)]
        command = ["gdb-multiarch", "-nx", "-batch", *commands, str(folder / "kernel/kernel")]
        for _ in range(100):  # until it listens
            told = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
            if "Connection refused" not in told.stderr:
                break
            time.sleep(0.2)
        out = told.stdout
        assert out.count("Thread ") >= 3 and "$1 = 0x1000" in out, told
        assert f"kernel.c:{line_of('cause: stale-translation')}" in out, told  # the breakpoint's line
        assert "$2 = 0x8000" in out, "satp is in Sv39: " + out
        assert "Old value" in out or "New value" in out, told
        # Set, hit, and hit again on the way back.
        assert out.count("Hardware watchpoint 2: low[0]") == 3, "no way back to before the store: " + out
        back = out[out.rindex("Hardware watchpoint 2") :]
        assert "hit Breakpoint 1, change_mapping" in back, "no way back to where the function begins: " + out
        assert "exited normally" in out or "Remote connection closed" in out + told.stderr, told
        output, errors = guest.communicate(timeout=120)
        assert output == "done\n" and "in another window" in errors and guest.returncode == 0, (output, errors)
    finally:
        guest.kill()
        guest.wait()


def main():
    for legacy in (False, True):
        with tempfile.TemporaryDirectory(prefix="xv6 ") as name:
            folder = Path(name) / "folder"
            folder.mkdir()
            port = make_folder(folder, legacy)
            boots(folder)
            if not legacy:
                debugs(folder, port)
    print("make qemu and make qemu-gdb, with both kinds of disk")


if __name__ == "__main__":
    main()
