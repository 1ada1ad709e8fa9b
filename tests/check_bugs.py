#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keeps docs/bugs.md and the source equal: every lib::bug("why") site is listed there with its argument.

usage: check_bugs.py              fail when the list and the source differ
       check_bugs.py --generate   rewrite the list: new sites come in with an empty argument, gone ones go

A site is named by its file and its text, so that moving code within a file changes nothing.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "docs" / "bugs.md"
CHINESE = ROOT / "docs" / "bugs.zh-CN.md"
# The definition of bug() and the tests' own use of it are not call sites.
NOT_SITES = ("kernel/lib/bug.",)
CALL = re.compile(r'\bbug\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+|\w+\s*\))')
ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \| (.*?) \|$", re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*")
HEAD = """# What must be unreachable

Chinese: [bugs.zh-CN.md](bugs.zh-CN.md).

`lib::bug("why")` marks code that cannot be reached; there is no other way for the kernel to stop by its own will, and
no word for "a resource ran out" (that is an error value). Each site stands here with the argument why no program, no
disk image and no device can reach it. `tests/check_bugs.py` fails when this list and the source differ;
`tests/check_bugs.py --generate` brings it up to date and leaves the argument of a new site to be written.

| file | bug | why it cannot happen |
|---|---|---|
"""


def without_comments(text):
    # Blanks comments out but leaves string literals (which may hold //) alone.
    pattern = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
    return pattern.sub(lambda m: m[0] if m[0].startswith('"') else " ", text)


def sites_in_source():
    sites = set()
    for top in ("sv39", "kernel"):
        for path in sorted((ROOT / top).rglob("*")):
            name = str(path.relative_to(ROOT))
            if path.suffix not in (".cpp", ".hpp") or name.startswith(NOT_SITES):
                continue
            for match in CALL.finditer(without_comments(path.read_text())):
                literals = re.findall(r'"((?:[^"\\]|\\.)*)"', match[1])
                # A text that is only known when it happens is named by its variable.
                text = "".join(literals) or f"({match[1].rstrip(') ')})"
                sites.add((name, text.replace("|", "\\|")))
    return sites


def rows_in_list(document=LIST):
    if not document.exists():
        return {}
    return {(file, text): argument.strip() for file, text, argument in ROW.findall(document.read_text())}


def generate():
    rows, sites = rows_in_list(), sorted(sites_in_source())
    lines = [f"| `{file}` | {text} | {rows.get((file, text), '')} |\n" for file, text in sites]
    LIST.parent.mkdir(exist_ok=True)
    LIST.write_text(HEAD + "".join(lines))
    # The Chinese list takes what it has no words for yet from the English one; a site that only moved keeps its words.
    chinese = rows_in_list(CHINESE)
    by_text = {text: argument for (_, text), argument in chinese.items()}
    chinese = {(file, text): chinese.get((file, text)) or by_text.get(text) for file, text in sites}
    head = CHINESE.read_text().split("|---|---|---|\n")[0] + "|---|---|---|\n"
    lines = [f"| `{file}` | {text} | {chinese[file, text] or rows.get((file, text), '')} |\n" for file, text in sites]
    CHINESE.write_text(head + "".join(lines))
    print(f"{len(sites)} sites, {sum(1 for site in sites if not rows.get(site))} without an argument")
    return 0


def check():
    rows, sites = rows_in_list(), sites_in_source()
    problems = [f"{file}: bug(\"{text}\") is not in docs/bugs.md" for file, text in sorted(sites - rows.keys())]
    problems += [f"docs/bugs.md: {file}: \"{text}\" is not in the source" for file, text in sorted(rows.keys() - sites)]
    problems += [f"docs/bugs.md: {f}: \"{t}\" has no argument" for (f, t), why in sorted(rows.items()) if not why]
    if rows_in_list(CHINESE).keys() != rows.keys():
        problems.append("docs/bugs.zh-CN.md has other rows: tests/check_bugs.py --generate")
    for problem in problems:
        print(problem)
    print(f"{len(sites)} bug() sites, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(generate() if sys.argv[1:] == ["--generate"] else check())
