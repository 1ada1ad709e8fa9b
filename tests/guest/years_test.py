#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Images of each year and numbering, made here with stubs in that year's shape, and what their programs find.

An image's first program (tests/guest/years) is compiled with its own stubs: a skeleton's, MIT's official numbers, or a
student's, who counts from the first free number; with symbols, without, or with a symbol that lies. It runs its rows,
each in a process of its own, and sums up; the console is then searched for what only the console can show.
"""

import argparse
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "guest"), str(ROOT / "tests" / "power")]

from bad_images import LINKS, Image as Disk  # noqa: E402
from power import log_count  # noqa: E402
from console import Guest  # noqa: E402
from machine import Machine  # noqa: E402
from report import Failure, guarded  # noqa: E402

SOURCES = ROOT / "tests" / "guest" / "years"
PATIENCE = 200
MOST_LINKS, LINKS_LEFT = 32767, 64
SBRK_CASES, MOST_FOR_ONE_ARGUMENT = 4, 1.05
TARGET = ["--target=riscv64-linux-gnu", "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-mno-relax"]
COMPILE = ["clang-19", *TARGET, "-ffreestanding", "-fno-builtin", "-fno-pic", "-fno-stack-protector", "-O1",
           "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-std=gnu17", "-Wall", "-Werror"]
LINK = ["clang-19", *TARGET, "-nostdlib", "-static", "-fuse-ld=lld-19", "-Wl,--build-id=none"]
ADDR2LINE = ("riscv64-linux-gnu-addr2line", "llvm-addr2line-19")
SHAPES = {
    "2020": ["-Wl,-N", "-Wl,-e,start", "-Wl,-Ttext,0", "-Wl,--no-rosegment"],
    "2022": ["-Wl,-z,max-page-size=4096", "-Wl,-T," + str(ROOT / "user" / "user.ld")],
}
BASE = ["fork", "exit", "wait", "pipe", "read", "kill", "exec", "fstat", "chdir", "dup", "getpid", "sbrk", "sleep",
        "uptime", "open", "write", "mknod", "unlink", "link", "mkdir", "close"]
OFFICIAL = {
    2020: ["trace", "sysinfo", "sigalarm", "sigreturn", "symlink", "mmap", "munmap", "connect"],
    2023: ["trace", "sysinfo", "sigalarm", "sigreturn", "symlink", "mmap", "munmap", "connect", "pgaccess"],
    2024: ["trace", "sysinfo", "sigalarm", "sigreturn", "symlink", "mmap", "munmap", "bind", "unbind", "send", "recv",
           "pgpte", "kpgtbl"],
    2025: ["trace", "interpose", "sigalarm", "sigreturn", "symlink", "mmap", "munmap", "bind", "unbind", "send", "recv",
           "pgpte", "kpgtbl", "rwlktest", "cpupin"],
    2026: ["sync", "trace", "interpose", "sigalarm", "sigreturn", "symlink", "mmap", "munmap", "bind", "unbind", "send",
           "recv", "pgpte", "vmprint", "rwlktest", "cpupin", "pgaccess", "ksupernpte"],
}
# docs/xv6-contract.md 1: size, nblocks, ninodes, nlog, logstart, inodestart, bmapstart.
SUPERBLOCKS = {
    "A": (1000, 954, 200, 30, 2, 32, 45),
    "B": (10000, 9953, 200, 30, 2, 32, 45),
    "C": (2000, 1954, 200, 30, 2, 32, 45),
    "D": (2000, 1953, 200, 31, 2, 33, 46),
    "E": (200000, 199930, 200, 30, 2, 32, 45),
    "F": (200000, 199929, 200, 31, 2, 33, 46),
    "G": (10000, 9952, 200, 31, 2, 33, 46),
}
CLASSES = {2020: "A", 2021: "A", 2022: "C", 2023: "C", 2024: "C", 2025: "D", 2026: "D"}
SECTION_HEADERS = 40  # where an ELF file's header says at which offset they begin
FROM_INIT = "this image's calls were read from /init:"


@dataclass
class Image:
    name: str
    year: int
    calls: list  # from 22 on
    files: list = field(default_factory=list)  # further names in the root directory
    ugetpid: bool = False
    deep_stack: bool = False
    without: list = field(default_factory=list)  # calls that have stubs but no rows here
    rows: list = field(default_factory=list)  # further ones, by their macro
    icount: bool = False  # a retired instruction is a nanosecond
    strip: bool = False
    lies: list = field(default_factory=list)  # stubs, as (name, number), beside those that are right
    lost_sections: bool = False  # the section headers are said to lie behind the end of the file
    backtrace: bool = False  # with a program bttest, whose three lines are looked up in the kernel
    says: list = field(default_factory=list)  # what the console must show, as regular expressions, besides the summary
    views: str = "unified"
    harts: int = 3
    append: str = ""
    geometry: str = ""  # the class of mkfs (default: the year's)


VMPRINT = [
    r"^page table 0x[0-9a-f]{16}$",
    r"^ \.\.0x0000000000000000: pte 0x[0-9a-f]{16} pa 0x[0-9a-f]{16} $",
    r"^ \.\. \.\. \.\.0x0000000000000000: pte 0x[0-9a-f]{16} pa 0x[0-9a-f]{16} RXU$",
    r"^ \.\. \.\. \.\.0x0000003fffffe000: pte 0x[0-9a-f]{16} pa 0x[0-9a-f]{16} RW$",
    r"^ \.\. \.\. \.\.0x0000003ffffff000: pte 0x[0-9a-f]{16} pa 0x[0-9a-f]{16} RX$",
]
UNREADABLE = r"^/init tells no call numbers, "
COUNTS = r"#test-and-set \d+ #acquire\(\) \d+\n"
# The text of the statistics device, whole: the first "=" in it is the total's.
LOCKS = rf"^--- lock kmem stats\n(lock: kmem[^=\n]*: {COUNTS})+" \
    rf"--- top 5 contended locks:\n(lock: [^=\n]+: {COUNTS}){{5}}tot= \d+$"
LOCKS_UNTIL_2024 = LOCKS.replace("kmem stats", "kmem/bcache stats").replace("kmem[^", "(kmem|bcache)[^")
TRACED = r"^\d+: syscall getpid -> \d+$"
ALL = "unified mirrored shared"
IMAGES = [
    Image("2026-pgtbl", 2026, OFFICIAL[2026], ["sync", "pgtbltest"], ugetpid=True, without=["rwlktest"], views=ALL,
          says=[*VMPRINT, TRACED, r"^ \.\. \.\. \.\.0x0000003fffffd000: .* RU$"]),
    Image("2026-lock", 2026, OFFICIAL[2026], ["sync", "rwlktest", "kalloctest"], geometry="G", harts=4, views=ALL,
          without=["ksupernpte"], rows=["LOCKS"],
          says=[TRACED, LOCKS, r"^pid \d+ called 70: " + FROM_INIT + " sync 22 trace 23 interpose 24"]),
    Image("2026-student", 2026, ["sync", "interpose"], ["sync", "lof"], views=ALL, rows=["LINKS"],
          says=[FROM_INIT + " sync 22 interpose 23$"]),
    Image("2026-traps-student", 2026, ["sync", "sigalarm", "sigreturn"], ["sync"], backtrace=True, views=ALL),
    Image("2026-fs-student", 2026, ["sync", "symlink"], ["sync"], geometry="F", harts=1, views=ALL),
    Image("2026-moved", 2026, ["interpose", "sync"], ["sync"], says=[FROM_INIT + " interpose 22 sync 23$"]),
    Image("2026-util", 2026, ["sync"], ["sync", "sixfive.txt"], deep_stack=True, views=ALL),
    Image("2026-mmap-student", 2026, ["sync", "mmap", "munmap"], ["sync"], views=ALL),
    Image("2026-stripped", 2026, OFFICIAL[2026], ["sync"], strip=True, without=["rwlktest", "ksupernpte"],
          says=[UNREADABLE + "it has no symbols", r"called 70: this image's calls are taken to be those of 2026$"]),
    Image("2026-told", 2026, OFFICIAL[2026], strip=True, without=["rwlktest", "ksupernpte"], append="lab=2026-syscall"),
    Image("2026-calls-told", 2026, ["sync", "sigalarm", "sigreturn"], ["sync"], strip=True, append="calls=traps"),
    Image("2026-lies", 2026, ["sync"], ["sync"], lies=[("mmap", 900)],
          says=[UNREADABLE + "it has a number that no call can"]),
    Image("2026-contradicts", 2026, ["sync"], ["sync"], lies=[("munmap", 22)],
          says=[UNREADABLE + "its symbols contradict one another"]),
    Image("2026-damaged", 2026, ["sync"], ["sync"], lost_sections=True,
          says=[UNREADABLE + "its tables lead out of the file"]),
    Image("2025-pgtbl", 2025, OFFICIAL[2025], ["pgtbltest"], ugetpid=True, without=["rwlktest"], says=VMPRINT),
    Image("2025-syscall-student", 2025, ["interpose"], says=[FROM_INIT + " interpose 22$"]),
    Image("2025-mmap-student", 2025, ["mmap", "munmap"], append="lab=2025-mmap"),
    # Of an image before 2026 that cannot be read nothing is known, so it has the page with the pid.
    Image("2025-traps-told", 2025, ["sigalarm", "sigreturn"], strip=True, ugetpid=True, append="calls=traps"),
    Image("2025-skeleton", 2025, [], rows=["COSTS"], harts=1, icount=True,
          says=[r"^pid \d+ called 70: " + FROM_INIT + " none beyond close 21$"]),
    Image("2025-strange", 2025, ["hello", "symlink"], says=[FROM_INIT + " symlink 23$"]),
    Image("2024-util", 2024, [], ["xargstest.sh", "usertests"], rows=["COSTS"], harts=1, icount=True, deep_stack=True),
    Image("2024-traps-student", 2024, ["sigalarm", "sigreturn"]),
    Image("2023-util", 2023, [], ["xargstest.sh"]),
    Image("2023-syscall", 2023, OFFICIAL[2023], says=[TRACED]),
    Image("2022-lock", 2022, [], ["kalloctest"], rows=["LOCKS"], says=[LOCKS_UNTIL_2024]),
    Image("2021-fs-student", 2021, ["symlink"]),
    Image("2020-syscall", 2020, OFFICIAL[2020], says=[TRACED]),
    Image("2020-syscall-student", 2020, ["trace", "sysinfo"], says=[TRACED]),
]


def must(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}", 1)


def stubs_of(image):
    """xv6's usys.S: every call that the image has, in one piece of assembly, so that each program has all of them."""
    names = list(BASE)
    if image.year >= 2025:
        names[11], names[12] = "sys_sbrk", "pause"
    lines = []
    for name, number in [*((name, number) for number, name in enumerate([*names, *image.calls], 1)), *image.lies]:
        lines.append(f".global {name}\n{name}:\n li a7, {number}\n ecall\n ret\n")
    return "".join(lines)


def program(image, directory, name, sources):
    """A program of the image, with all of its stubs."""
    defines = [f"-DYEAR={image.year}", *(f"-DHAVE_{name}" for name in image.calls if name not in image.without)]
    defines += [f"-DROWS_{name}" for name in image.rows]
    defines += ["-DHAS_UGETPID"] if image.ugetpid else []
    defines += ["-DDEEP_STACK"] if image.deep_stack else []
    defines += ["-DBACKTRACE"] if image.backtrace else []
    stubs = directory / f"{image.name}.S"
    stubs.write_text(stubs_of(image))
    output = directory / f"{image.name}-{name}"
    shape = "2022" if image.year >= 2022 else "2020"
    objects = []
    for source in [*(SOURCES / source for source in sources), stubs]:
        objects.append(directory / f"{image.name}-{source.stem}.o")
        must([*COMPILE, *defines, f"-I{SOURCES}", "-c", source, "-o", objects[-1]])
    must([*LINK, *SHAPES[shape], *objects, "-o", output])
    if image.strip:
        must(["llvm-objcopy-19", "--strip-all", output])
    if image.lost_sections:
        with open(output, "r+b") as file:
            file.seek(SECTION_HEADERS)
            file.write((1 << 40).to_bytes(8, "little"))
    return output


def usertests(directory):
    """A program with the symbol that tells the usertests of 2024 from those before."""
    source, output = directory / "usertests.c", directory / "usertests"
    source.write_text("void nowrite(void) {}\nvoid start(void) { nowrite(); for (;;) {} }\n")
    must([*COMPILE, "-c", source, "-o", directory / "usertests.o"])
    must([*LINK, *SHAPES["2022"], directory / "usertests.o", "-o", output])
    return output


def check_superblocks(build, directory):
    """Each class of image is what MIT's mkfs makes, to the bit."""
    for name, wanted in SUPERBLOCKS.items():
        disk = directory / f"class-{name}.img"
        must([build / "tools" / "mkfs", "--quiet", "--class", name, disk])
        with open(disk, "rb") as file:
            file.seek(1024)
            found = struct.unpack("<8I", file.read(32))
        if found != (0x10203040, *wanted):
            raise Failure(f"class {name}: the superblock is {found}", 1)


def make_image(image, build, directory):
    disk = directory / f"{image.name}.img"
    rows = [f"{name}.c" for name in ("main", "calls", "memory", "files", "locks")]
    files = [f"README={ROOT / 'README.md'}", f"init={program(image, directory, 'init', rows)}"]
    if image.backtrace:
        files.append(f"bttest={program(image, directory, 'bttest', ['bttest.c'])}")
    for name in image.files:
        files.append(f"{name}={usertests(directory) if name == 'usertests' else SOURCES / 'rows.h'}")
    must([build / "tools" / "mkfs", "--quiet", "--class", image.geometry or CLASSES[image.year], disk, *files])
    return disk


@contextmanager
def more_links(path):
    """The file lof has all but 64 of the links that its count can say, meanwhile."""
    disk = Disk(path)
    lof = disk.number(1, "lof")
    at = disk.inode(lof) + LINKS
    count = struct.unpack("<h", disk.read(at, 2))[0]
    disk.write(*disk.short(lof, LINKS, MOST_LINKS - LINKS_LEFT))
    yield
    now = struct.unpack("<h", disk.read(at, 2))[0]
    disk.write(*disk.short(lof, LINKS, now - (MOST_LINKS - LINKS_LEFT) + count))


def until_summary(guest):
    """The console up to the summary of the rows."""
    give_up = time.monotonic() + PATIENCE
    while not re.search(r"(?m)^rows: \d+ passed, \d+ failed$", guest.text()):
        if time.monotonic() > give_up or not guest.wait_for_output(1.0):
            raise Failure(f"no summary:\n{guest.text()}", 1)
    return guest.text()


def load_offset(kernel):
    """How far above the address that it is loaded at a kernel is linked: 0 in the view that graders look at."""
    listing = subprocess.check_output(["llvm-readelf-19", "--program-headers", kernel], text=True)
    linked, loaded = re.search(r"(?m)^ +LOAD +0x\w+ (0x\w+) (0x\w+)", listing).groups()
    return int(linked, 16) - int(loaded, 16)


def judge_backtrace(kernel, console):
    """As the traps lab's grader: three lines, and the file of each, asked for one at a time."""
    offset = load_offset(kernel)
    addresses = re.findall(r"(?m)^(0x000000008[0-9a-f]+)$", console)
    if len(addresses) != 3:
        raise Failure(f"a backtrace of {len(addresses)} lines\n{console}", 1)
    for address, wanted in zip(addresses, ("sysproc.c", "syscall.c", "trap.c")):
        for tool in filter(shutil.which, ADDR2LINE):
            place = hex(int(address, 16) + offset)
            found = subprocess.run([tool, "-e", kernel, place], capture_output=True, text=True).stdout.strip()
            if wanted not in found:
                raise Failure(f"{Path(tool).name} finds {address} in {found}, not in {wanted}", 1)


def await_empty_log(disk):
    """Soon after the last operation what is in the log is at its place, too."""
    give_up = time.monotonic() + PATIENCE
    while log_count(disk) != 0:
        if time.monotonic() > give_up:
            raise Failure("the log is not emptied", 1)
        time.sleep(0.05)


def judge_costs(costs):
    """sbrk with one argument costs what it costs with two, in whatever steps."""
    figures = {name: {key: int(value) for key, value in re.findall(r"(?m)^cost (\w+) (\d+)$", console)}
               for name, console in costs.items()}  # fmt: skip
    print(f"instructions a page: {figures}", flush=True)
    old, new = figures["2024-util"], figures["2025-skeleton"]
    dear = [key for key in new if old[key] > new[key] * MOST_FOR_ONE_ARGUMENT]
    if len(new) != SBRK_CASES or dear:
        raise Failure(f"sbrk with one argument is dearer than with two: {dear}", 1)


def judge(image, console):
    wrong = re.findall(r"(?m)^.*row \w+: FAILED.*$", console)
    wrong += [f"the console does not say {wanted}" for wanted in image.says if not re.search(f"(?m){wanted}", console)]
    if not re.search(r"(?m)^rows: [1-9]\d* passed, 0 failed$", console):
        wrong.append("not all rows passed")
    if len(re.findall(r"called 70:", console)) > 1:
        wrong.append("an unknown call was told twice")
    if any(UNREADABLE in wanted for wanted in image.says) and len(re.findall("tells no call", console)) != 1:
        wrong.append("the boot tells more than once that the stubs are not believed")
    if not any(UNREADABLE in wanted for wanted in image.says) and not image.strip and "tells no call" in console:
        wrong.append("the stubs were not believed")
    if wrong:
        raise Failure(f"{image.name}: " + "; ".join(wrong) + f"\n{console}", 1)


def check_no_program(options, directory):
    """An /init that is no program: a line says that it tells nothing, the next that it cannot run, and that is all."""
    disk = directory / "no-program.img"
    must([options.build / "tools" / "mkfs", "--quiet", "--class", "D", disk, f"init={ROOT / 'README.md'}"])
    kernel = options.build / f"kernel-{options.view}"
    with Guest(Machine(kernel=kernel, image=disk).command(interactive=False), PATIENCE) as guest:
        give_up = time.monotonic() + PATIENCE
        while guest.wait_for_output(1.0):
            if time.monotonic() > give_up:
                raise Failure(f"the machine goes on without a program:\n{guest.text()}", 1)
        console = guest.text()
    for wanted in (UNREADABLE + "it is no program", r"^/init cannot run"):
        if len(re.findall(f"(?m){wanted}", console)) != 1:
            raise Failure(f"an /init that is no program: not one line {wanted}\n{console}", 1)


def try_image(image, options, directory):
    """Boots it and judges what the console shows, which is returned."""
    disk = make_image(image, options.build, directory)
    machine = Machine(
        kernel=options.build / f"kernel-{options.view}",
        image=disk,
        harts=image.harts,
        append=image.append,
        icount=image.icount,
    )
    with more_links(disk) if "LINKS" in image.rows else nullcontext():
        with Guest(machine.command(interactive=False), PATIENCE) as guest:
            console = until_summary(guest)
            await_empty_log(disk)
    judge(image, console)
    if image.backtrace:
        judge_backtrace(machine.kernel, console)
    must([options.build / "tools" / "fsck", disk])
    figures = re.search(r"kernel superpages \d+ base pages \d+", console)
    print(f"{image.name}: {console.count(': OK')} rows{', ' + figures[0] if figures else ''}", flush=True)
    return console


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, required=True, help="the build tree with kernels and mkfs")
    parser.add_argument("--view", default="unified")
    parser.add_argument("only", nargs="*", help="names of images (default: all of the view)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bifolium-") as name:
        directory = Path(name)
        check_superblocks(options.build, directory)
        check_no_program(options, directory)
        chosen = [image for image in IMAGES if options.view in image.views]
        chosen = [image for image in chosen if not options.only or image.name in options.only]
        consoles = {image.name: try_image(image, options, directory) for image in chosen}
        costs = {image.name: consoles[image.name] for image in chosen if "COSTS" in image.rows}
        if len(costs) > 1:
            judge_costs(costs)
    return 0


if __name__ == "__main__":
    guarded(main)
