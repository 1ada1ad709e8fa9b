#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Documents tell the truth about the tree: links lead somewhere, files named in backticks exist, and so does every name
in backticks (a symbol, a test, a boot argument, an option); in the tables of docs/xv6-correspondence.md the name in the
second column occurs in the file of the third. What is in Chinese says as much as its English twin: as many headings,
rows, pictures and drawings, and the same names."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
FILE = re.compile(r"`((?:abi|sv39|kernel|user|tools|tests|docs|cmake)/[\w./*-]+\.\w+)`")
ROW = re.compile(r"^\| [^|]+ \| ([^|]+) \| `([^`|]+)` \|$", re.MULTILINE)
DRAWING = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`\n]+)`")
NAME = re.compile(r"\b[A-Za-z_]\w{2,}")
# Spellings that CONTRIBUTING.md describes, and beginnings of names that stand for several.
NOT_NAMES = {"CamelCase", "snake_case", "V17_", "failures_in_"}
SAME = {"headings": r"^#+ ", "rows": r"^\|", "pictures": r"!\[", "drawings": r"^```"}
CHINESE = ".zh-CN.md"
FOLDERS = (
    "abi", "sv39", "kernel", "user", "vellum", "tools", "tests", "cmake", "page", "docs/images", ".ci", ".github",
)  # fmt: skip
NOT_SOURCES = (".md", ".sym")


def documents():
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted((ROOT / "tests").glob("*.md"))
    yield from sorted((ROOT / "docs").rglob("*.md"))


def names_in(text):
    return {name for quoted in QUOTED.findall(DRAWING.sub("", text)) for name in NAME.findall(quoted)}


def sources():
    yield from (path for path in ROOT.iterdir() if path.is_file())
    for folder in FOLDERS:
        yield from (ROOT / folder).rglob("*")


def known_names():
    """Every word in the sources, and in their paths."""
    names = set(NOT_NAMES)
    for path in sources():
        if "node_modules" in path.parts or path.suffix in NOT_SOURCES or not path.is_file():
            continue
        names.update(NAME.findall(str(path.relative_to(ROOT))))
        try:
            names.update(NAME.findall(path.read_text()))
        except UnicodeDecodeError:
            pass  # an image or a program
    return names


def differences(english, chinese):
    for what, pattern in SAME.items():
        counts = [len(re.findall(pattern, text, re.MULTILINE)) for text in (english, chinese)]
        if counts[0] != counts[1]:
            yield f"{counts[1]} {what}, the English one has {counts[0]}"
    for name in sorted(names_in(english) ^ names_in(chinese)):
        yield f"only one of the two mentions {name}"


def main():
    problems, checked, known = [], 0, known_names()
    for document in documents():
        text = document.read_text()
        name = document.relative_to(ROOT)
        for target, _ in LINK.findall(text):
            checked += 1
            if not re.match(r"\w+:", target) and not (document.parent / target).exists():
                problems.append(f"{name}: link to {target} leads nowhere")
        for path in FILE.findall(text):
            checked += 1
            if "*" not in path and not re.search(r"[A-Z]{4}", path) and not (ROOT / path).exists():
                problems.append(f"{name}: there is no {path}")
        names = names_in(text)
        checked += len(names)
        problems += [f"{name}: no source mentions {unknown}" for unknown in sorted(names - known)]
        # check_bugs.py keeps the rows of this one.
        if document.name.endswith(CHINESE) and document.name != "bugs.zh-CN.md":
            english = document.with_name(document.name.replace(CHINESE, ".md")).read_text()
            problems += [f"{name}: {difference}" for difference in differences(english, text)]
    table = ROOT / "docs" / "xv6-correspondence.md"
    for ours, path in ROW.findall(table.read_text()):
        if not (ROOT / path).exists():
            problems.append(f"{table.name}: there is no {path}")
            continue
        source = (ROOT / path).read_text()
        for identifier in re.findall(r"`[\w:]*?(\w+)`", ours):
            checked += 1
            if not re.search(rf"\b{identifier}\b", source):
                problems.append(f"{table.name}: {path} does not mention {identifier}")
    for problem in problems:
        print(problem)
    print(f"{checked} references, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
