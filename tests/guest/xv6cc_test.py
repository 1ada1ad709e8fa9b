#!/usr/bin/env python3
"""tools/xv6cc takes an xv6 program as it is, in both shapes; imgput puts it into an image; there it runs."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from console import Guest, echo_to_stdout  # noqa: E402
from machine import Machine  # noqa: E402
from report import Failure, guarded  # noqa: E402

SOURCE = ROOT / "tests" / "guest" / "xv6cc" / "everything.c"
SHAPES = ("2020", "2022")


def must(command):
    if subprocess.run([str(part) for part in command]).returncode != 0:
        raise Failure(f"{Path(command[0]).name} failed", 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="the build tree with kernels, fs.img and tools")
    parser.add_argument("--view", default="unified")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bifolium-") as temporary:
        directory = Path(temporary)
        image = directory / "fs.img"
        shutil.copyfile(options.build / "fs.img", image)
        for shape in SHAPES:
            must([ROOT / "tools" / "xv6cc", "--shape", shape, "--name", f"every{shape}", "--output", directory, SOURCE])
        must([options.build / "tools" / "imgput", image, *(directory / f"every{shape}" for shape in SHAPES)])
        machine = Machine(kernel=options.build / f"kernel-{options.view}", image=image)
        with Guest(machine.command(interactive=False), 120, echo_to_stdout) as guest:
            guest.await_prompt()
            for shape in SHAPES:
                if "everything: OK" not in guest.run(f"every{shape} arg"):
                    raise Failure(f"the program of shape {shape} did not find everything in order", 1)
        # In place of the old file of that name.
        must([options.build / "tools" / "imgput", image, f"every2020={SOURCE}"])
        must([options.build / "tools" / "fsck", image])
        # What is no image is refused and stays as it is.
        wrong = directory / "wrong"
        wrong.write_bytes(b"x" * 5000)
        if subprocess.run([options.build / "tools" / "imgput", wrong, SOURCE], capture_output=True).returncode == 0:
            raise Failure("imgput took what is no image", 1)
        if wrong.read_bytes() != b"x" * 5000:
            raise Failure("imgput changed what is no image", 1)
    return 0


if __name__ == "__main__":
    guarded(main)
