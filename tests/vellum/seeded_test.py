#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seeded faults: healthy kernels, each edited to be wrong in one way, and Vellum has to find it, with the line.

usage: seeded_test.py VELLUM [few | all | FROM-TO | NAME]...    (VELLUM: build/release/tools/vellum)
seeded/faults.py lists the edits. `few` is a choice of five, for every run of the tests; 1-35 is the first half of all.
The unedited kernels must pass in silence. Less than 95 of 100 found is a failure; so is each of the few that is missed.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "seeded"))

import faults  # noqa: E402
from judges_test import SCRIPT  # noqa: E402

BUDGET, HANG_BUDGET = 100_000_000, 500_000_000
FEW = 5
WANTED = 0.95
LINE = re.compile(r"kernel\.c:(\d+)\)")


def compile_kernel(source, kernel):
    flags = ["--target=riscv64-linux-gnu", "-march=rv64imac_zicsr_zifencei", "-mabi=lp64", "-mcmodel=medany", "-O1"]
    flags += ["-gdwarf-4", "-ffreestanding", "-fno-pic", "-fno-omit-frame-pointer", "-nostdlib", "-static", "-w"]
    flags += ["-fno-optimize-sibling-calls", "-fuse-ld=lld-19", "-Wl,--build-id=none", "-T", SCRIPT]
    subprocess.run(["clang-19", *flags, source, "-o", kernel], check=True)


def run(vellum, kernel, image, budget):
    command = [vellum, kernel, image, "--snapshot", "--smp", "2", "--mem", "32M", "--until", str(budget)]
    command += ["--judge", "all", "--json"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)


def edited(edit):
    text = edit.file.read_text()
    if text.count(edit.old) != 1:
        sys.exit(f"{edit.name}: what it replaces stands {text.count(edit.old)} times in {edit.file}")
    return text.replace(edit.old, edit.new)


def lines_of(moment):
    """The numbers of the lines that a finding's moment names: its own and its callers'."""
    places = [moment.get("line", ""), *moment.get("callers", [])]
    return {int(found[1]) for place in places if (found := re.search(r"kernel\.c:(\d+)", place))}


def reports(stderr):
    """(rule, lines) of each report."""
    found = []
    for line in stderr.splitlines():
        if line.startswith("{"):
            finding = json.loads(line)
            found.append((finding["rule"], lines_of(finding["now"]) | lines_of(finding.get("cause", {}))))
    if "vellum: hang:" in stderr:
        told = stderr[stderr.index("vellum: hang:") :]
        found.append(("hang", {int(number) for number in LINE.findall(told)}))
    return found


def judge(vellum, edit, directory):
    """What is wrong with what was said; nothing, if it is right."""
    text = edited(edit)
    source, kernel = directory / "kernel.c", directory / "kernel"
    source.write_text(text)
    compile_kernel(source, kernel)
    budget = HANG_BUDGET if "hang" in edit.rules else BUDGET
    told = run(vellum, kernel, directory / "image", budget).stderr
    found = reports(told)
    matching = [lines for rule, lines in found if rule in edit.rules]
    if not matching:
        return f"not found: {edit.rules} (reported: {[rule for rule, _ in found]})"
    wanted = text[: text.index(edit.place)].count("\n") + 1
    if edit.place and not any(wanted in lines for lines in matching):
        return f"line {wanted} is not named: {matching}"
    return next((f"not said: {words}" for words in edit.said if words not in told), None)


def check_silence(vellum, directory):
    for source in {edit.file for edit in faults.ALL}:
        kernel = directory / "healthy"
        compile_kernel(source, kernel)
        result = run(vellum, kernel, directory / "image", BUDGET)
        if (result.returncode, result.stdout, result.stderr) != (0, "done\n", ""):
            sys.exit(f"{source} is healthy, but: {result}")


def chosen(words):
    if words == ["few"]:
        return faults.ALL[:: len(faults.ALL) // FEW][:FEW]
    if words in ([], ["all"]):
        return faults.ALL
    if part := re.fullmatch(r"(\d+)-(\d+)", " ".join(words)):
        return faults.ALL[int(part[1]) - 1 : int(part[2])]
    return [edit for edit in faults.ALL if edit.name in words]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    vellum, edits = sys.argv[1], chosen(sys.argv[2:])
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "image").write_bytes(bytes(64 << 10))
        check_silence(vellum, directory)
        for edit in edits:
            if wrong := judge(vellum, edit, directory):
                print(f"{edit.name}: {wrong}")
                missed += 1
    print(f"{len(edits) - missed} of {len(edits)} seeded faults found, with their lines")
    return 1 if missed > len(edits) * (1 - WANTED) or not edits else 0


if __name__ == "__main__":
    sys.exit(main())
