#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes fuzzing seeds of captures: seeds.py FILE.pcap... FOLDER. Each frame becomes one input for
tests/fuzz/net_fuzz.cpp, and each capture as a whole (cut to what libFuzzer takes) another."""

import struct
import sys
from pathlib import Path

LONGEST = 4000
CHOICES = bytes([0x1F])  # all sums made right, to our card, an ARP question under way


def frames(path):
    data = path.read_bytes()
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16 : at + 16 + length]
        at += 16 + length


def with_length(frame):
    return struct.pack(">H", len(frame)) + frame


def main():
    *captures, folder = map(Path, sys.argv[1:])
    for capture in captures:
        together = CHOICES
        for number, frame in enumerate(frames(capture)):
            if len(frame) > 2048:
                continue
            (folder / f"{capture.stem}-{number}").write_bytes(CHOICES + with_length(frame))
            if len(together) + 2 + len(frame) <= LONGEST:
                together += with_length(frame)
        (folder / f"{capture.stem}-all").write_bytes(together)


if __name__ == "__main__":
    main()
