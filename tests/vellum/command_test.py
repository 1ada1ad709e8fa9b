#!/usr/bin/env python3
"""Vellum's command on Bifolium: what is asked for wrongly, equal runs, recordings, seeds, stops, blame.

usage: command_test.py BUILD    (BUILD: build/release, with kernels, fs.img and tools/vellum)
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

BUILD = Path(sys.argv[1])
VELLUM, KERNEL, IMAGE = BUILD / "tools" / "vellum", BUILD / "kernel-unified", BUILD / "fs.img"


def vellum(*options, stdin=None):
    command = [str(option) for option in (VELLUM, *options)]
    given = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    return subprocess.run(command, capture_output=True, timeout=600, **given)


def bifolium(*options, **more):
    return vellum(KERNEL, IMAGE, "--snapshot", *options, **more)


def hash_of(result):
    return re.search(rb"vellum: (\d+ instructions, hash [0-9a-f]{16})", result.stderr)[1]


def refuses(words, *options):
    result = vellum(*options)
    told = result.stderr.decode()
    assert result.returncode == 2, f"{options}: status {result.returncode}: {told}"
    assert told.startswith("vellum: ") and words in told, f"{options}: {told}"


def wrong_wishes(directory):
    refuses("unknown option '--colour'", "--colour")
    refuses("QEMU's option -soundhw is not known", "-soundhw", "all")
    refuses("must be 1 to 8", KERNEL, "--smp", "9")
    refuses("must be 32M to 4G", KERNEL, "--mem", "8M")
    refuses("no such rule", KERNEL, "--judge", "speed")
    refuses("not an occasion", KERNEL, "--until", "lunch")
    refuses("the kernel has no function", KERNEL, "--until", "return:nonesuch")
    refuses("--seeds wants --exec", KERNEL, "--seeds", "1-3")
    refuses("not a range", KERNEL, "--seeds", "3-1", "--exec", "ls")
    refuses("No such file", directory / "none")
    refuses("this machine is `virt`", "-machine", "sifive_u", "-kernel", KERNEL)
    refuses("no such device", "-device", "virtio-gpu-device", "-kernel", KERNEL)
    refuses("without firmware", "-bios", "default", "-kernel", KERNEL)
    # Wrong files.
    refuses("kernel", "/bin/true")  # another architecture
    empty = directory / "empty"
    empty.write_bytes(b"")
    refuses("kernel", empty)
    refuses("too small", KERNEL, empty)
    whole = KERNEL.read_bytes()
    for length in (3, 40, 63, 100, 5000):
        part = directory / "part"
        part.write_bytes(whole[:length])
        refuses("kernel", part)
    recording = directory / "recording"
    recording.write_text("something else\n")
    refuses("not a recording", KERNEL, IMAGE, "--replay", recording)
    recording.write_text("vellum-recording 1\nharts 3\n")
    refuses("its end is missing", KERNEL, IMAGE, "--replay", recording)
    recording.write_text("vellum-recording 1\nharts 99\n")
    refuses("makes no sense", KERNEL, IMAGE, "--replay", recording)


def equal_runs():
    commands = ("--exec", "ls; forktest; cat README | wc", "--hash")
    for seed in ("0", "7"):
        one, two = (bifolium(*commands, "--seed", seed) for _ in range(2))
        assert one.returncode == 0, one
        assert (one.stdout, hash_of(one)) == (two.stdout, hash_of(two)), f"seed {seed}: two runs differ"
    assert hash_of(one) != hash_of(bifolium(*commands, "--seed", "8")), "another seed gives the same run"
    # Watching changes nothing.
    unseen = bifolium(*commands, "--seed", "7", "--judge", "none")
    assert hash_of(unseen) == hash_of(one), "the judges change the run"


def recordings(directory):
    file = directory / "recording"
    typed = bifolium("--record", file, "--hash", stdin=b"echo one\necho two | wc\npoweroff\n")
    again = bifolium("--replay", file, "--hash")
    assert b"one" in typed.stdout, typed
    assert (typed.stdout, hash_of(typed)) == (again.stdout, hash_of(again)), "the recording ends elsewhere"
    assert typed.returncode == again.returncode, (typed.returncode, again.returncode)
    told = bifolium("--record", file, "--hash", "--exec", "ls; echo three", "--seed", "5")
    again = bifolium("--replay", file, "--hash", "--judge", "none")
    assert (told.stdout.rstrip(), hash_of(told)) == (again.stdout.rstrip(), hash_of(again)), "seed 5's recording"
    assert told.returncode == again.returncode == 0, (told.returncode, again.returncode)
    other = directory / "other"
    other.write_bytes(IMAGE.read_bytes()[:-1024] + b"x" * 1024)
    refuses("the image is not as it was", KERNEL, other, "--replay", file)


def seeds():
    result = bifolium("--seeds", "1-3", "--exec", "echo hello")
    assert result.returncode == 0 and result.stderr.count(b": status 0") == 3, result


def stops():
    at_satp = bifolium("--until", "satp")
    assert at_satp.returncode == 0 and b"stopped before instruction" in at_satp.stderr, at_satp
    assert b"hart 0: runs at" in at_satp.stderr, at_satp
    blamed = bifolium("--exec", "ls", "--blame", "0x1000")
    assert b"the way to 0x1000" in blamed.stderr and b"level 2: the entry at" in blamed.stderr, blamed
    tired = bifolium("--until", "100000")
    assert tired.returncode == 124 and b"instructions were not enough" in tired.stderr, tired


def qemu_command_line():
    """As xv6's Makefiles of 2020 to 2025 write it, the network lab's card included."""
    options = ["-machine", "virt", "-bios", "none", "-kernel", KERNEL, "-m", "128M", "-smp", "3", "-nographic"]
    options += ["-drive", f"file={IMAGE},if=none,format=raw,id=x0,snapshot=on"]
    options += ["-device", "virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0"]
    network = ["-netdev", "user,id=net0,hostfwd=udp::25999-:2000", "-object", "filter-dump,id=net0,netdev=net0,file=x"]
    network += ["-device", "e1000,netdev=net0,bus=pcie.0"]
    for more in ([], ["-global", "virtio-mmio.force-legacy=false"], network):
        result = vellum(*options, *more, stdin=b"echo as QEMU\npoweroff\n")
        assert result.returncode == 0 and result.stdout.count(b"as QEMU") == 2, result  # typed, and said
        assert (b"no network card" in result.stderr) == (more is network), result
    told = vellum("--version").stdout
    assert told.startswith(b"QEMU emulator version 7.2"), told


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        wrong_wishes(directory)
        recordings(directory)
    equal_runs()
    seeds()
    stops()
    qemu_command_line()
    print("wishes refused, runs equal, recordings replayed, seeds, stops and blame seen")


if __name__ == "__main__":
    main()
