#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clang-tidy-19 with the checks of .clang-tidy over the kernel (one view) or, with --all, the programs and tools too.

usage: check_tidy.py BUILD_DIR [--all | FILE...]    (default: the kernel and sv39)
What passed once is not looked at again until the file, any header or the list of checks changes.
"""

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def one_entry_each(build):
    """The compile commands with each file once: of the three views' the unified one."""
    chosen = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        other_view = "BIFOLIUM_VIEW_SHARED" in entry["command"] or "BIFOLIUM_VIEW_MIRRORED" in entry["command"]
        if entry["file"].endswith(".cpp") and not other_view:
            # clang-tidy reads the command itself; a compiler launcher would be taken for the compiler.
            words = entry["command"].split()
            if "ccache" in words[0]:
                words = words[1:]
            chosen[entry["file"]] = {**entry, "command": " ".join(words)}
    return chosen


def fingerprint_of_headers():
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes())
    for top in ("abi", "sv39", "kernel", "user", "vellum", "tools"):
        for path in sorted((ROOT / top).rglob("*.hpp")):
            digest.update(path.read_bytes())
    return digest


def main():
    build = Path(sys.argv[1])
    entries = one_entry_each(build)
    if sys.argv[2:] == ["--all"]:
        wanted = sorted(entries)
    elif sys.argv[2:]:
        wanted = [str(Path(name).resolve()) for name in sys.argv[2:]]
    else:
        wanted = sorted(name for name in entries if Path(name).relative_to(ROOT).parts[0] in ("kernel", "sv39"))
    database = build / "tidy"
    database.mkdir(exist_ok=True)
    (database / "compile_commands.json").write_text(json.dumps(list(entries.values())))
    headers = fingerprint_of_headers()

    def lint(name):
        digest = headers.copy()
        digest.update(Path(name).read_bytes())
        stamp = database / digest.hexdigest()
        if stamp.exists():
            return None
        command = ["clang-tidy-19", "-p", database, "--quiet", "--warnings-as-errors=*", name]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode == 0:
            stamp.touch()
            return None
        return result.stdout + (result.stderr if not result.stdout.strip() else "")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [text for text in pool.map(lint, wanted) if text]
    for text in problems:
        print(text.replace(f"{ROOT}/", ""))
    print(f"{len(wanted)} files, {len(problems)} with problems")
    return 1 if problems or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
