#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The core knows no lab: outside kernel/labs/ no source of the kernel, of sv39/ or of abi/ names a lab, a year of a
course, a program that such a course tests with, a grader or a benchmark. What only they want belongs to the wing
(kernel/labs/), and the core offers a hook or a piece of plain data that has its own name (docs/upcalls.md)."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WING = ROOT / "kernel" / "labs"
FOLDERS = ("kernel", "sv39", "abi")
# Test programs of xv6 and of its labs, and ours; not those whose names are words (find, call, stats).
PROGRAMS = """
alarmtest attack attacktest bcachetest bigfile bttest cowtest dorphan forktest forphan grind kalloctest lazytests
logstress mmaptest nettests pgtbltest pingpong primes rwlktest sandbox secret sixfive stressfs symlinktest
sysinfotest systest test-xv6 usertests uthread vmbench vmtest xargs
""".split()
FORBIDDEN = {
    "a program": "|".join(map(re.escape, PROGRAMS)),
    "a year": r"20(?:19|2\d)",
    "a lab": r"labs?|xv6-labs\S*|skeletons?",
    "a grader": r"grad(?:e|er|ers|ing)|MIT",
    "a benchmark": r"bench\w*",
}
# The call's number is the contract's (abi), and so is its name.
EXEMPT = {("abi/syscall_numbers.hpp", "rwlktest")}
ANY = "|".join(f"(?P<w{i}>{pattern})" for i, pattern in enumerate(FORBIDDEN.values()))
WORD = re.compile(rf"(?<![\w-])(?:{ANY})(?![\w-])")


def findings(text):
    for number, line in enumerate(text.splitlines(), 1):
        if "SPDX-License-Identifier" in line:
            continue  # The licence's name is a grader's, too.
        for match in WORD.finditer(line):
            kind = list(FORBIDDEN)[int(match.lastgroup[1:])]
            yield number, kind, match[0]


def sources():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in (".hpp", ".cpp", ".S", ".in") and WING not in path.parents:
                yield path


def self_test():
    """The check sees what it is for."""
    for text in ('program() == "bttest"', "// xv6 of 2025", "the lock lab", "xv6-labs-2021", "MIT's graders", "bench"):
        assert list(findings(text)), text
    for text in ("label", "collab", "1 << 20", "0x2025", "available", "number 12020"):
        assert not list(findings(text)), text


def main():
    self_test()
    problems, count = [], 0
    for path in sources():
        count += 1
        name = str(path.relative_to(ROOT))
        for number, kind, word in findings(path.read_text()):
            if (name, word) not in EXEMPT:
                problems.append(f"{name}:{number}: names {kind}: {word}")
    for problem in problems:
        print(problem)
    print(f"{count} files of the core, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
