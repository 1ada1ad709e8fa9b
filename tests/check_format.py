#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every C++ file is as clang-format-19 would write it; `check_format.py --fix [FILE...]` makes it so. And no line of
code, script or comment is longer than 120 columns, which clang-format does not see to in comments and elsewhere.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = 120
AT_THE_ROOT = ("run", "test", "bench", "Makefile", "CMakeLists.txt")
FOLDERS = ("abi", "sv39", "kernel", "user", "vellum", "tools", "tests", "cmake")
CPLUSPLUS = (".cpp", ".hpp")
CODE = (*CPLUSPLUS, ".c", ".h", ".S", ".ld", ".in", ".py", ".sh", ".mjs", ".cmake")


def sources():
    """All files that people write, but for the explorer's page, whose templates are HTML in long lines."""
    yield from (ROOT / name for name in AT_THE_ROOT)
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and not path.is_relative_to(ROOT / "tools/foliowalk/web"):
                yield path


def is_code(path):
    if path.suffix in CODE or path.name in ("Makefile", "CMakeLists.txt"):
        return True
    with open(path, "rb") as file:
        return not path.suffix and file.read(2) == b"#!"


def long_lines(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if len(line) > COLUMNS:
            yield f"{path.relative_to(ROOT)}:{number}: {len(line)} columns, {COLUMNS} are the most"


def unformatted(paths, fix):
    action = ["-i"] if fix else ["--dry-run", "--Werror"]
    result = subprocess.run(["clang-format-19", *action, *paths], cwd=ROOT, capture_output=True, text=True)
    wrong = sorted({line.split(":")[0] for line in result.stderr.splitlines() if "error:" in line})
    if result.returncode and not wrong:
        return [result.stderr]
    return [f"{Path(path).relative_to(ROOT)}: not formatted (tests/check_format.py --fix FILE)" for path in wrong]


def main(arguments):
    fix = "--fix" in arguments
    chosen = [Path(argument).resolve() for argument in arguments if argument != "--fix"]
    chosen = chosen or [path for path in sources() if is_code(path)]
    formatted = [path for path in chosen if path.suffix in CPLUSPLUS]
    problems = unformatted(formatted, fix) if formatted else []
    problems += [problem for path in chosen for problem in long_lines(path)]
    for problem in problems:
        print(problem)
    print(f"{len(chosen)} files, {len(formatted)} of them C++, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
