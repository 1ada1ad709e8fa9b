#!/usr/bin/env python3
"""Documents tell the truth about the tree: links lead somewhere, files named in backticks exist, and in the tables of
docs/xv6-correspondence.md the name in the second column occurs in the file of the third."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")
FILE = re.compile(r"`((?:abi|sv39|kernel|user|tools|tests|docs|cmake)/[\w./*-]+\.\w+)`")
ROW = re.compile(r"^\| [^|]+ \| ([^|]+) \| `([^`|]+)` \|$", re.MULTILINE)


def documents():
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted((ROOT / "docs").rglob("*.md"))


def main():
    problems, checked = [], 0
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
