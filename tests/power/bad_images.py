#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real boots from images that are wrong in one field each (docs/failures.md D1 to D5, D7, A12): a wrong superblock, log
or root refuses the mount with a message that names the field; anything else costs the commands that touch it an error,
and the machine goes on. Both inode layouts. The host's tests (host/fs/hostile_test.cpp) try thousands of such images;
here the message and the programs on top are seen.

usage: bad_images.py --build DIR [--view VIEW] [FILTER]
"""

import argparse
import struct
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from power import BLOCK, Failed, Guest, GuestFailure, Machine, guarded

INODE_BYTES, ENTRY_BYTES = 64, 16
SUPER_FIELDS = ("magic", "size", "nblocks", "ninodes", "nlog", "logstart", "inodestart", "bmapstart")
# Where the fields lie in an inode; address i at ADDRESSES + 4 * i.
TYPE, MAJOR, LINKS, SIZE, ADDRESSES = 0, 2, 6, 8, 12


class Image:
    """An image file by its fields; every change is taken back."""

    def __init__(self, path):
        self.path = path
        self.super = dict(zip(SUPER_FIELDS, struct.unpack("<8I", self.read(BLOCK, 32))))

    def read(self, offset, size):
        with open(self.path, "rb") as file:
            file.seek(offset)
            return file.read(size)

    def write(self, offset, data):
        with open(self.path, "r+b") as file:
            file.seek(offset)
            file.write(data)

    @contextmanager
    def changed(self, changes):
        before = [(offset, self.read(offset, len(data))) for offset, data in changes]
        for offset, data in changes:
            self.write(offset, data)
        try:
            yield
        finally:
            for offset, data in before:
                self.write(offset, data)

    def super_field(self, name, value):
        return BLOCK + 4 * SUPER_FIELDS.index(name), struct.pack("<I", value & 0xFFFFFFFF)

    def log_word(self, index, value):
        return self.super["logstart"] * BLOCK + 4 * index, struct.pack("<i", value)

    def inode(self, number):
        return self.super["inodestart"] * BLOCK + number * INODE_BYTES

    def short(self, number, field, value):
        return self.inode(number) + field, struct.pack("<h", value)

    def word(self, number, field, value):
        return self.inode(number) + field, struct.pack("<I", value & 0xFFFFFFFF)

    def address(self, number, index):
        return struct.unpack("<I", self.read(self.inode(number) + ADDRESSES + 4 * index, 4))[0]

    def entry(self, directory, name):
        """Where the entry lies that has this name."""
        size = struct.unpack("<I", self.read(self.inode(directory) + SIZE, 4))[0]
        for index in range(size // ENTRY_BYTES):
            block, inside = divmod(index * ENTRY_BYTES, BLOCK)
            offset = self.address(directory, block) * BLOCK + inside
            if self.read(offset + 2, 14).rstrip(b"\0") == name.encode():
                return offset
        raise Failed(f"no {name} in directory {directory}")

    def number(self, directory, name):
        return struct.unpack("<H", self.read(self.entry(directory, name), 2))[0]

    def names_inode(self, directory, name, number):
        return self.entry(directory, name), struct.pack("<H", number)

    def bit(self, block):
        offset = self.super["bmapstart"] * BLOCK + block // 8
        return offset, bytes([self.read(offset, 1)[0] & ~(1 << block % 8)])


def refused(image):
    """Name, changes, and the field that the message must name."""
    beyond = image.super["size"]
    for field, value in (
        ("magic", 0), ("size", beyond + 1), ("size", 0xFFFFFFFF), ("nblocks", beyond), ("nblocks", 0), ("ninodes", 0),
        ("nlog", 0), ("nlog", 1), ("logstart", 0), ("inodestart", 3), ("bmapstart", image.super["inodestart"]),
    ):
        yield f"superblock.{field} {value}", [image.super_field(field, value)], f"superblock.{field}"
    yield "log header n 1000", [image.log_word(0, 1000)], "log header.n"
    yield "log header n -1", [image.log_word(0, -1)], "log header.n"
    yield "log block beyond", [image.log_word(0, 1), image.log_word(1, beyond)], "log header.block"
    yield "log block in the log", [image.log_word(0, 1), image.log_word(1, 3)], "log header.block"
    yield "root is a file", [image.short(1, TYPE, 2)], "root inode.type"
    yield "root without links", [image.short(1, LINKS, 0)], "root inode.nlink"


def endured(image):
    """Name, changes, commands, and what their output must contain."""
    root, beyond = 1, image.super["size"]
    big, small, d = (image.number(root, name) for name in ("big", "small", "d"))
    e = image.number(d, "e")
    free = image.super["ninodes"] - 1
    first = image.address(small, 0)
    indirect = 11 if beyond == 200000 else 12
    for what, index, value in (("direct", 0, 0x7FFFFFFF), ("direct", 3, 1), ("table", indirect, beyond)):
        yield (f"{what} block {value:#x}", [image.word(big, ADDRESSES + 4 * index, value)],
               ["cat big | wc", "rm big", "echo x > after", "cat after"], "cat: ")
    if beyond == 200000:
        yield ("double-indirect table", [image.word(big, ADDRESSES + 48, 0x7FFFFFFF)], ["cat big | wc", "rm big"],
               "cat: ")
        table = image.address(big, 12)
        yield ("double-indirect entry", [(table * BLOCK, struct.pack("<I", 2))], ["cat big | wc", "rm big"], "cat: ")
    yield "entry names a free inode", [image.names_inode(root, "small", free)], ["ls", "cat small", "rm small"], "ls: "
    yield "entry names no inode", [image.names_inode(root, "small", 65535)], ["ls", "cat small", "rm small"], "ls: "
    yield "type 77", [image.short(small, TYPE, 77)], ["ls", "cat small", "rm small"], "ls: "
    yield "negative link count", [image.short(small, LINKS, -3)], ["ls", "cat small", "rm small"], "ls: "
    yield "size beyond any file", [image.word(small, SIZE, 0xFFFFFFFF)], ["ls", "cat small", "rm small"], "ls: "
    yield "directory of 17 bytes", [image.word(d, SIZE, 17)], ["ls d", "echo x > d/x", "rm d/f", "rmdir d"], "ls: "
    yield "'..' names a file", [image.names_inode(d, "..", small)], ["ls d/..", "ls d/../d", "cat d/f", "rm d/f"], ""
    yield ("directory in itself", [image.names_inode(e, "f", d)],
           ["ls d/e/f/e/f", "rm d/e/f", "rmdir d/e", "rmdir d"], "")
    yield "block marked free", [image.bit(first)], ["rm small", "echo x > after"], "read-only from now on"
    yield ("block of two files", [image.word(small, ADDRESSES, image.address(big, 0))],
           ["cat small", "rm small", "rm big"], "")
    yield ("device beyond the table", [image.short(small, TYPE, 3), image.short(small, MAJOR, 99)],
           ["cat small", "ls"], "cat: ")
    # A12: the count of links is 16 bits wide, and one more than it can hold must be refused.
    yield "links at their limit", [image.short(small, LINKS, 32766)], ["ln small one", "ln small two", "ls"], "ln: "


def boot(options, image, harts):
    machine = Machine(kernel=options.build / f"kernel-{options.view}", image=image.path, harts=harts, snapshot=True)
    return Guest(machine.command(interactive=False), timeout=60)


def try_refused(options, image, field):
    with boot(options, image, 1) as guest:
        try:
            guest.await_prompt()
        except GuestFailure:
            pass
        output = guest.text()
    if f"file system refused: {field} is" not in output:
        raise Failed(f"no refusal that names {field}:\n{output}")


def try_endured(options, image, commands, expected):
    with boot(options, image, 2) as guest:
        guest.await_prompt()
        output = "".join(guest.run(command) for command in commands)
        if expected not in output:
            raise Failed(f"no '{expected}' in\n{output}")
        if "alive\n" not in guest.run("echo alive | cat"):
            raise Failed(f"the machine does not go on:\n{guest.text()}")


def make_image(options, folder, kind):
    """Two programs' worth of commands, a file with every kind of table, directories two deep."""
    path = folder / f"{kind}.img"
    big = folder / "big"
    big.write_bytes(b"0123456789abcde\n" * (64 * (300 if kind == "E" else 100)))
    programs = [options.build / "user" / name for name in
                ("init", "sh", "cat", "cp", "echo", "ln", "ls", "mkdir", "rm", "rmdir", "wc", "sync")]
    mkfs = options.build / "tools" / "mkfs"
    subprocess.run([mkfs, "--quiet", "--class", kind, path, *programs, f"big={big}"], check=True)
    machine = Machine(kernel=options.build / f"kernel-{options.view}", image=path, harts=1)
    with Guest(machine.command(interactive=False), timeout=60) as guest:
        guest.await_prompt()
        for command in ("echo small > small", "mkdir d", "mkdir d/e", "echo f > d/f", "echo f > d/e/f", "sync"):
            guest.run(command)
    return Image(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--view", default="unified")
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("D", "E"):
            image = make_image(options, Path(folder), kind)
            cases = [(name, changes, None, field) for name, changes, field in refused(image)] if kind == "D" else []
            for name, changes, commands, expected in [*cases, *endured(image)]:
                if options.filter not in name:
                    continue
                try:
                    with image.changed(changes):
                        if commands is None:
                            try_refused(options, image, expected)
                        else:
                            try_endured(options, image, commands, expected)
                except (Failed, GuestFailure) as failure:
                    raise Failed(f"class {kind}, {name}: {failure}") from failure
                count += 1
    print(f"{count} images with one wrong field each: refused by name, or endured")
    return 0


if __name__ == "__main__":
    guarded(main)
