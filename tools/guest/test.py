# SPDX-License-Identifier: MIT
"""./test: builds everything, runs everything through one ctest, says how many passed."""

import argparse
import os
import re
import subprocess
import sys
import time

import packages
from build import BUILD, Warnings, build, directory_of
from machine import preflight
from report import Failure, guarded, say

# Which trees a level builds (None: all targets), which ctest labels it runs, how long the property tests go on.
LEVELS = {
    "quick": {
        "trees": {"debug": ["kernel-unified", "image", "fsck"], "host-asan": ["host-tests-quick"]},
        "select": ["-L", "quick"],
        "operations": "20000",
    },
    "normal": {
        "trees": {
            "debug": None,
            "release": None,
            "no-lto": ["kernel-shared"],
            "gcc": ["kernels", "programs"],
            "host-asan": None,
            "host-tsan": ["host-tests"],
            "tools": ["foliowalk", "vellum"],
            "wasm": None,
        },
        "select": ["-LE", "long"],
        "operations": "",
    },
    "long": {
        "trees": {
            "debug": None,
            "release": None,
            "no-lto": ["kernel-shared"],
            "gcc": None,
            "host-asan": None,
            "host-tsan": ["host-tests"],
            "tools": ["foliowalk", "vellum"],
            "wasm": None,
        },
        "select": [],
        "operations": "10000000",
    },
}
_SUMMARY = re.compile(r"(\d+)% tests passed, (\d+) tests failed out of (\d+)")


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="./test",
        description="Build everything and run the tests: host tests under sanitizers, source checks, guest suites.",
        allow_abbrev=False,
    )
    level = parser.add_mutually_exclusive_group()
    level.add_argument("--quick", dest="level", action="store_const", const="quick", help="under three minutes")
    level.add_argument("--long", dest="level", action="store_const", const="long", help="with the twenty-fold runs")
    parser.add_argument("--no-install", action="store_true", help="name missing packages instead of installing them")
    parser.add_argument("--list", action="store_true", help="list the tests instead of running them")
    parser.add_argument("filter", nargs="?", metavar="FILTER", help="run only tests whose name matches this regex")
    return parser.parse_args(arguments)


def umbrella(trees):
    """A ctest directory above all trees, so that one ctest knows every test."""
    top = BUILD / "test"
    top.mkdir(parents=True, exist_ok=True)
    configured = [tree for tree in map(directory_of, trees) if (tree / "CTestTestfile.cmake").exists()]
    (top / "CTestTestfile.cmake").write_text("".join(f'subdirs("{tree}")\n' for tree in configured))
    return top


def run_ctest(top, options, level):
    command = ["ctest", "--test-dir", str(top), "-j", str(min(os.cpu_count() or 1, 8)), "--no-tests=error"]
    command += level["select"] + (["-R", options.filter] if options.filter else [])
    command += ["-N"] if options.list else ["--output-on-failure"]
    # How much of their endless supply of random operations the property tests try; empty: their own choice.
    environment = {"BIFOLIUM_OPS": level["operations"], **os.environ}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment
    )
    summary = None
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        summary = _SUMMARY.search(line) or summary
    return process.wait(), summary


def main():
    options = parse_arguments(sys.argv[1:])
    level = LEVELS[options.level or "normal"]
    started = time.monotonic()
    needed = (packages.BUILD, packages.BOOT, packages.TEST, packages.EXPLORER, packages.WASM, packages.DOCS)
    packages.ensure(*needed, install=not options.no_install)
    preflight()
    for tree, targets in level["trees"].items():
        build(tree, targets or (), warnings=Warnings.REFUSED)
    status, summary = run_ctest(umbrella(level["trees"]), options, level)
    if options.list:
        return status
    if not summary:
        raise Failure("no test ran" + (f": none matches '{options.filter}'" if options.filter else ""), 1)
    failed, total = int(summary[2]), int(summary[3])
    say(f"{time.monotonic() - started:.0f} s in all")
    print(f"{total - failed} passed, {failed} failed", flush=True)
    return 1 if failed or status else 0


if __name__ == "__main__":
    guarded(main)
