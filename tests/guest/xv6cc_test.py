#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/xv6cc takes xv6 programs as they are: every header, both shapes, each year's names and sbrk, several files, an
image to put them into; what it refuses it refuses in words, and then nothing has changed."""

import argparse
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from console import Guest, echo_to_stdout  # noqa: E402
from image import private_copy  # noqa: E402
from machine import Machine  # noqa: E402
from report import Failure, guarded  # noqa: E402

XV6CC = ROOT / "tools" / "xv6cc"
SOURCES = ROOT / "tests" / "guest" / "xv6cc"
# Name in the image, how it is made, what it says when all is well.
PROGRAMS = (
    ("every2020", ["--shape", "2020", SOURCES / "everything.c"], "everything: OK"),
    ("every2022", ["--shape", "2022", SOURCES / "everything.c"], "everything: OK"),
    ("year2020", ["--year", "2020", SOURCES / "year2020.c"], "year2020: OK"),
    ("year2024", ["--year", "2024", SOURCES / "year2020.c"], "year2020: OK"),
    ("year2025", ["--year", "2025", SOURCES / "year2025.c"], "year2025: OK"),
    ("year2026", ["--year", "2026", SOURCES / "year2025.c"], "year2025: OK"),
    ("together", ["--together", SOURCES / "two_files.c", SOURCES / "by_hand.S"], "two_files: OK"),
)


def must(command):
    if subprocess.run([str(part) for part in command]).returncode != 0:
        raise Failure(f"{Path(command[0]).name} failed", 1)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def must_refuse(command, words, untouched):
    """The command fails, its last line contains the words, and the file is as it was."""
    before = digest(untouched)
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if done.returncode == 0 or words not in last or "Traceback" in done.stderr:
        raise Failure(f"wanted a refusal with '{words}'; status {done.returncode}: {done.stderr}", 1)
    if digest(untouched) != before:
        raise Failure(f"{untouched.name} was changed though the command failed ('{words}')", 1)


def check_refusals(tools, directory, image):
    broken, long_name = directory / "broken.c", directory / "fifteen_letters.c"
    broken.write_text("int main( { return 0; }\n")
    good = SOURCES / "two_files.c"
    shutil.copyfile(SOURCES / "year2025.c", long_name)
    undefined = directory / "undefined.c"
    undefined.write_text('#include "kernel/types.h"\n#include "user/user.h"\nint main(void) { nowhere(); exit(0); }\n')
    large = directory / "large.c"
    large.write_text("#include \"user/user.h\"\nchar big[100000] = {1};\nint main(void) { printf(big); exit(0); }\n")
    full = directory / "full.img"
    must([tools / "mkfs", "--quiet", "--size", "130", full, f"README={ROOT / 'README.md'}"])
    wrong = directory / "wrong"
    wrong.write_bytes(b"x" * 5000)

    xv6cc = [XV6CC, "--output", directory / "out"]
    must_refuse([*xv6cc, "--image", image, directory / "none.c"], "none.c: no such file", image)
    must_refuse([*xv6cc, "--image", image, ROOT / "README.md"], "neither C", image)
    must_refuse([*xv6cc, "--image", image, broken], "broken.c: does not compile", image)
    must_refuse([*xv6cc, "--image", image, undefined], "undefined: does not link", image)
    must_refuse([*xv6cc, "--image", image, long_name], "at most 14 characters", image)
    must_refuse([*xv6cc, "--image", image, broken, broken], "two programs would be named broken", image)
    must_refuse([*xv6cc, "--image", image, "--name", "a", broken, long_name], "only with one program", image)
    must_refuse([*xv6cc, "--image", directory / "none.img", good], "not a file that can be written", image)
    must_refuse([*xv6cc, "--image", full, large], "it is as it was", full)
    must_refuse([*xv6cc, "--image", wrong, SOURCES / "everything.c"], "it is as it was", wrong)
    must_refuse([*xv6cc, "--year", "2019", good], "invalid choice", image)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="the build tree with kernels, fs.img and tools")
    parser.add_argument("--view", default="unified")
    options = parser.parse_args()
    tools = options.build / "tools"
    with private_copy(options.build / "fs.img") as image:
        directory = image.parent
        for name, arguments, _ in PROGRAMS:
            must([XV6CC, "--name", name, "--output", directory, "--image", image, *arguments])
        machine = Machine(kernel=options.build / f"kernel-{options.view}", image=image)
        with Guest(machine.command(interactive=False), 300, echo_to_stdout) as guest:
            guest.await_prompt()
            for name, _, good in PROGRAMS:
                if good not in guest.run(f"{name} arg"):
                    raise Failure(f"{name} did not say '{good}'", 1)
        # In place of the old file of that name.
        must([tools / "imgput", image, f"every2020={SOURCES / 'everything.c'}"])
        check_refusals(tools, directory, image)
        must([tools / "fsck", image])
    return 0


if __name__ == "__main__":
    guarded(main)
