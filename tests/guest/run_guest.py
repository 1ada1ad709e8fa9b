#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One test that boots the machine on a private copy of the image and types commands.

With --suite the program must print `N passed, 0 failed`, and the machine must have as many free frames after it as
before, exactly; with --exec every command must come back to the prompt and must not print a line beginning with "exec"
and ending with "failed" (xv6's word for a missing program), nor one of the invariant checker's. Either way the machine
must not panic, and fsck must find nothing wrong with the image afterwards.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from console import echo_to_stdout  # noqa: E402
from machine import parse_memory  # noqa: E402
from report import Failure, guarded  # noqa: E402
from trial import trial  # noqa: E402

SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed\s*$", re.MULTILINE)
JUDGED = re.compile(r"^vellum: (fault|note|hang): .*$", re.MULTILINE)
VIOLATION = re.compile(r"^check: .*$", re.MULTILINE)  # the invariant checker's word
FREE_FRAMES = re.compile(r"(\d+) of \d+ frames free")
# Orphans of the last test may still be on their way out.
SETTLING_SECONDS = 5
NOT_FOUND = re.compile(r"^exec .* failed(: .*)?\s*$", re.MULTILINE)


def free_frames(guest):
    return int(FREE_FRAMES.search(guest.run("vmstat"))[1])


def run_suite(guest, suite):
    before = free_frames(guest)
    output = guest.run(suite)
    summaries = SUMMARY.findall(output)
    if not summaries:
        raise Failure(f"{suite} did not print 'N passed, N failed'", 1)
    passed, failed = map(int, summaries[-1])
    if failed or not passed:
        raise Failure(f"{suite}: {passed} passed, {failed} failed", 1)
    patience = time.monotonic() + SETTLING_SECONDS
    while (after := free_frames(guest)) != before and time.monotonic() < patience:
        time.sleep(0.2)
    print(f"\nfree frames: {before} before {suite}, {after} after it", flush=True)
    if after != before:
        raise Failure(f"{suite} cost {before - after} frames", 1)


def check_image(build, image):
    fsck = build / "tools" / "fsck"
    result = subprocess.run([fsck, image], capture_output=True, text=True)
    if result.returncode != 0:
        sys.stdout.write(result.stdout + result.stderr)
        raise Failure(f"fsck finds the image damaged (status {result.returncode})", 1)


@contextmanager
def pristine_image(options):
    """The image of the build tree, or one with the programs of another leg."""
    if not options.leg:
        yield options.build / "fs.img"
        return
    programs = [path.with_suffix("") for path in sorted((options.leg / "user").glob("*.sym"))]
    files = [f"README={ROOT / 'README.md'}", *(f"{path.name}={path}" for path in programs)]
    with tempfile.TemporaryDirectory(prefix="bifolium-") as directory:
        image = Path(directory) / "fs.img"
        subprocess.run([options.build / "tools" / "mkfs", "--quiet", image, *files], check=True)
        yield image


def once(options, pristine):
    with trial(
        options.leg or options.build,
        options.view,
        options.timeout,
        echo_to_stdout,
        pristine=pristine,
        judge=partial(check_image, options.build),
        harts=options.smp,
        memory=parse_memory(options.mem),
        append=options.append,
        vellum=options.vellum,
    ) as guest:
        guest.await_prompt()
        for command in options.exec or ():
            output = guest.run(command)
            if NOT_FOUND.search(output):
                raise Failure(f"'{command}' was not found", 1)
            if found := VIOLATION.search(output):
                raise Failure(f"'{command}' broke an invariant: {found[0]}", 1)
        if options.suite:
            run_suite(guest, options.suite)
        if found := JUDGED.search(guest.text()):
            raise Failure(f"a judge of Vellum's has something to say: {found[0]}", 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, required=True, help="the build tree with kernels, fs.img and fsck")
    parser.add_argument("--leg", type=Path, help="another compiler's tree: its kernels and its programs are booted")
    parser.add_argument("--view", default="unified")
    parser.add_argument("--smp", type=int, default=3)
    parser.add_argument("--mem", default="128M")
    parser.add_argument("--append", default="")
    parser.add_argument("--timeout", type=float, default=300)
    parser.add_argument("--vellum", type=Path, metavar="COMMAND", help="boot on this Vellum, and listen to its judges")
    parser.add_argument("--times", type=int, default=1, help="boot and run this often")
    parser.add_argument("--suite")
    parser.add_argument("--exec", nargs="*")
    options = parser.parse_args()
    with pristine_image(options) as pristine:
        for turn in range(1, options.times + 1):
            started = time.monotonic()
            once(options, pristine)
            print(f"\nrun {turn} of {options.times}: {time.monotonic() - started:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    guarded(main)
