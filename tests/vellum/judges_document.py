#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes what each of Vellum's judges prints: a document with the line of wrong/kernel.c that is wrong, and the report.

usage: judges_document.py VELLUM DOCUMENT    (docs/judges.md; its Chinese twin is written beside it)
"""

import re
import sys
import tempfile
from pathlib import Path

from judges_test import BUDGET, FAULTS, SOURCE, compile_kernel, run

AROUND = 2  # lines of the source shown before and after the wrong one
HANGS = [("deadlock", "hang"), ("sleeps", "hang")]
ENGLISH = """# What each judge prints

Chinese: [{twin}]({twin}). The rules in words: [vellum.md](vellum.md).

Made by `tests/vellum/judges_document.py build/release/tools/vellum docs/judges.md`: a small kernel
([tests/vellum/wrong/kernel.c](../tests/vellum/wrong/kernel.c)) is compiled once for each fault, with one line that is
wrong, and this is what Vellum says of it. `make` builds nothing of it: try one with
`clang-19 -DFAULT=fence ...` as `judges_test.py` does.
"""
CHINESE = """# 每个裁判打印什么

English: [{twin}]({twin})。规则的说明：[vellum.zh-CN.md](vellum.zh-CN.md)。

由 `tests/vellum/judges_document.py build/release/tools/vellum docs/judges.md` 生成：一个小内核
（[tests/vellum/wrong/kernel.c](../tests/vellum/wrong/kernel.c)）为每个错误各编译一次，其中有一行是错的，下面是 Vellum 对它说的话。
`make` 不编译它；想试一个，像 `judges_test.py` 那样用 `clang-19 -DFAULT=fence ...`。
"""


def wrong_lines(fault):
    """The source around the place that this fault changes."""
    lines = SOURCE.read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if f"IS({fault})" in line)
    shown = range(max(first - AROUND, 0), min(first + AROUND + 1, len(lines)))
    return "\n".join(f"{n + 1:4}  {lines[n]}" for n in shown)


def report(vellum, directory, fault):
    """What it says first, with the source's name instead of its path."""
    kernel, image = compile_kernel(directory, fault), directory / "image"
    options = ["--exec", "x"] if fault == "sleeps" else []
    text = run(vellum, kernel, image, *options).stderr.replace(str(SOURCE), SOURCE.name)
    reports = re.split(r"^(?=vellum: )", text, flags=re.MULTILINE)
    told = [part for part in reports if part.startswith(("vellum: fault:", "vellum: hang:"))]
    if not told:
        sys.exit(f"{fault}: nothing is said within {BUDGET} instructions:\n{text}")
    return told[0].rstrip()


def write(document, twin, opening, parts):
    form = "\n## {}: `FAULT={}`\n\n```\n{}\n```\n\n```\n{}\n```\n"
    sections = [form.format(*part) for part in parts]
    document.write_text(opening.format(twin=twin.name) + "".join(sections))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    vellum, document = sys.argv[1], Path(sys.argv[2])
    twin = document.with_suffix(".zh-CN.md")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "image").write_bytes(bytes(64 << 10))
        named = [(fault, rule) for fault, rule, *_ in FAULTS] + HANGS
        parts = [(rule, fault, wrong_lines(fault), report(vellum, directory, fault)) for fault, rule in named]
    write(document, twin, ENGLISH, parts)
    write(twin, document, CHINESE, parts)
    print(f"{len(parts)} reports")


if __name__ == "__main__":
    main()
