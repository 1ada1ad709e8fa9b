#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seeded faults in Bifolium itself: instructions of a healthy kernel are replaced, and Vellum has to find what is
missing, with the line; the kernel as it stands must pass in silence.

usage: bifolium_faults_test.py BUILD_DIR [few | all | NAME]...
seeded/bifolium.py lists the edits. `few` is a choice for every run of the tests. All must be found.
"""

import json
import re
import struct
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "seeded"))

import bifolium  # noqa: E402

BUDGET = 1_500_000_000


@cache
def code_of(kernel):
    """(address, offset in the file, bytes) of the sections with code."""
    listed = subprocess.run(["llvm-readelf-19", "-S", "-W", kernel], check=True, capture_output=True, text=True).stdout
    found = re.findall(r"\] \.text\S*\s+PROGBITS\s+([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)", listed)
    return [tuple(int(number, 16) for number in section) for section in found]


def instructions(kernel, content, kind):
    """The addresses of all that look like the instruction: at each halfword, for calls may be short."""
    for address, offset, size in code_of(kernel):
        for at in range(offset, offset + size - 3, 2):
            if kind(*struct.unpack_from("<I", content, at)):
                yield address + at - offset


@cache
def chains(kernel, kind):
    """{address: "function@file:line < caller@file:line ..."} of these instructions."""
    addresses = list(instructions(kernel, kernel.read_bytes(), kind))
    asked = "\n".join(hex(address) for address in addresses)
    told = subprocess.run(["llvm-symbolizer-19", "-e", kernel, "-f", "-i", "-C"], input=asked, capture_output=True,
                          text=True, check=True).stdout  # fmt: skip
    found = {}
    for address, lines in zip(addresses, told.strip().split("\n\n"), strict=True):
        names, places = lines.split("\n")[::2], lines.split("\n")[1::2]
        short = [re.sub(r".*/(kernel|sv39)/", r"\1/", place).rsplit(":", 1)[0] for place in places]
        found[address] = " < ".join(f"{name}@{place}" for name, place in zip(names, short, strict=True))
    return found


def functions(kernel, name):
    listed = subprocess.run(["llvm-nm-19", "-C", kernel], check=True, capture_output=True, text=True).stdout
    return [int(line.split()[0], 16) for line in listed.splitlines() if line.split(" ", 2)[2] == name]


def edited(kernel, edit):
    """The kernel with the edit made, and how many instructions it replaced."""
    content = bytearray(kernel.read_bytes())
    if edit.kind is None:
        places, new = [at for name in edit.where for at in functions(kernel, name)], bifolium.RETURN
    else:
        found = chains(kernel, edit.kind).items()
        places = [at for at, chain in found if all(part in chain for part in edit.where)]
        new = bifolium.NOP
    for place in places:
        address, offset, _ = next(code for code in code_of(kernel) if code[0] <= place < code[0] + code[2])
        struct.pack_into("<I", content, offset + place - address, new)
    return content, len(places)


def run(build, kernel, edit):
    command = [build / "tools/vellum", kernel, build / "fs.img", "--snapshot", "--smp", str(edit.harts), "--until"]
    command += [str(BUDGET), "--judge", "all", "--json", "--exec", "; ".join(edit.commands)]
    quiet = {"stdin": subprocess.DEVNULL, "capture_output": True}
    return subprocess.run(command, text=True, errors="replace", timeout=300, **quiet)


def reports(stderr):
    """(rule, all places that it names) of each report."""
    for line in stderr.splitlines():
        if line.startswith('{"rule"'):
            finding = json.loads(line)
            moments = [finding["now"], finding.get("cause", {})]
            places = [of.get(name, "") for of in moments for name in ("function", "line")]
            yield finding["rule"], places + [x for of in moments for x in of.get("around", []) + of.get("callers", [])]
    if "vellum: hang:" in stderr:
        yield "hang", stderr[stderr.index("vellum: hang:") :].splitlines()


def judge(build, view, edit, directory):
    """What is wrong with what was said; nothing, if it is right."""
    content, count = edited(build / f"kernel-{view}", edit)
    if count == 0:
        return "there is nothing to edit"
    kernel = directory / "kernel"
    kernel.write_bytes(content)
    found = list(reports(run(build, kernel, edit).stderr))
    matching = [places for rule, places in found if rule in edit.rules]
    if not matching:
        return f"not found: {edit.rules} (reported: {[rule for rule, _ in found]})"
    if not any(edit.place in place for places in matching for place in places):
        return f"{edit.place} is not named: {matching}"
    return None


def chosen(words):
    if words in ([], ["all"]):
        return [(view, edit) for edit in bifolium.ALL for view in edit.views]
    if words == ["few"]:
        return [(view, bifolium.BY_NAME[name]) for view, name in bifolium.FEW]
    return [(view, bifolium.BY_NAME[name]) for name in words for view in bifolium.BY_NAME[name].views]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, edits = Path(sys.argv[1]).resolve(), chosen(sys.argv[2:])
    missed = 0
    for view, edit in {(view, edit.commands, edit.harts): (view, edit) for view, edit in edits}.values():
        healthy = run(build, build / f"kernel-{view}", edit)
        if healthy.returncode != 0 or list(reports(healthy.stderr)):
            sys.exit(f"{view} is healthy, but: {healthy.stderr}")
    with tempfile.TemporaryDirectory() as name:
        for view, edit in edits:
            if wrong := judge(build, view, edit, Path(name)):
                print(f"{view}: {edit.name}: {wrong}")
                missed += 1
    print(f"{len(edits) - missed} of {len(edits)} seeded faults found, with their lines")
    return 1 if missed or not edits else 0


if __name__ == "__main__":
    sys.exit(main())
