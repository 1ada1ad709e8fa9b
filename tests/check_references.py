#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a comment names is in the repository: every code of the catalogue of failures (A1, D1, V1, R1 and so on) stands
in docs/failures.md, every section of docs/xv6-contract.md that a comment cites is there, and every file that it names
exists. Names of tests begin with codes too. Comments of C++, assembly, CMake and shell, comments and docstrings of
Python."""

import re
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("abi", "sv39", "kernel", "user", "tools", "tests", "vellum", "cmake", "bench")
LEFT_OUT = ("node_modules", "__pycache__")
SLASHES = {".cpp", ".hpp", ".S", ".h", ".c", ".in", ".ld"}
HASHES = {".cmake", ".sh", ""}
CODE = re.compile(r"\b([ADVR])(\d{1,2})\b(?!\.\d)")
NAMED_CODE = re.compile(r"\b([ADVR]\d{1,2})_[A-Z]\w+")
SECTION = re.compile(r"docs/xv6-contract\.md (\d(?:\.\d)?)")
# xv6's own sources are named .c, .h and .S, so these say nothing about ours.
NAMED_FILE = re.compile(r"(?<![\w./*-])((?:[\w-]+/)*[\w-]+\.(?:md|cpp|hpp|py|cmake|list))\b")
# Endings, names that stand for many, and xv6's own scripts.
STANDS_FOR_MANY = re.compile(r"(^|/)_|[A-Z]{4}")
NOT_OURS = {"test-xv6.py", "gradelib.py"}


def comments_of(path):
    if path.suffix == ".py":
        with open(path, "rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type == tokenize.COMMENT or token.type == tokenize.STRING and token.string.startswith('"""'):
                    yield token.start[0], token.string
        return
    mark = "//" if path.suffix in SLASHES else "#"
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        at = line.find(mark)
        if at >= 0:
            yield number, line[at:]


def sources():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if not path.is_file() or any(part in LEFT_OUT for part in path.parts):
                continue
            if path.suffix in SLASHES | HASHES | {".py"}:
                yield path


def main():
    known = set(re.findall(r"^\| ([ADVR]\d+) \|", (ROOT / "docs" / "failures.md").read_text(), re.MULTILINE))
    sections = set(re.findall(r"^#+ (\d(?:\.\d)?)", (ROOT / "docs" / "xv6-contract.md").read_text(), re.MULTILINE))
    files = [path.relative_to(ROOT) for path in ROOT.rglob("*") if not set(path.parts) & {".git", "build", *LEFT_OUT}]
    tails = {"/".join(path.parts[-depth:]) for path in files for depth in range(1, len(path.parts) + 1)}
    checked, problems = 0, []

    def expect(condition, where, what):
        nonlocal checked
        checked += 1
        if not condition:
            problems.append(f"{where}: {what}")

    for path in sources():
        name = path.relative_to(ROOT)
        for number, line in comments_of(path):
            where = f"{name}:{number}"
            for letter, digits in CODE.findall(line):
                expect(letter + digits in known, where, f"docs/failures.md has no {letter}{digits}")
            for section in SECTION.findall(line):
                expect(section in sections, where, f"docs/xv6-contract.md has no section {section}")
            for file in NAMED_FILE.findall(line):
                expect(file in tails or file in NOT_OURS or STANDS_FOR_MANY.search(file), where, f"there is no {file}")
        for code in NAMED_CODE.findall(path.read_text(errors="replace")):
            expect(code in known, name, f"docs/failures.md has no {code}")
    for document in (ROOT / "tests" / "README.md", ROOT / "tests" / "README.zh-CN.md"):
        for letter, digits in CODE.findall(document.read_text()):
            expect(letter + digits in known, document.relative_to(ROOT), f"docs/failures.md has no {letter}{digits}")
    for problem in problems:
        print(problem)
    print(f"{checked} codes, sections and files named, {len(problems)} unresolved")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
