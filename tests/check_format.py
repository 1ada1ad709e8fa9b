#!/usr/bin/env python3
"""Every C++ file is as clang-format-19 would write it; `check_format.py --fix [FILE...]` makes it so."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def files():
    for top in ("abi", "sv39", "kernel", "user", "tools", "tests"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".cpp", ".hpp") and path.is_file():
                yield str(path)


def main(arguments):
    fix = "--fix" in arguments
    chosen = [argument for argument in arguments if argument != "--fix"] or list(files())
    if not chosen:
        print("no file to check")
        return 1
    action = ["-i"] if fix else ["--dry-run", "--Werror"]
    result = subprocess.run(["clang-format-19", *action, *chosen], cwd=ROOT, capture_output=True, text=True)
    wrong = sorted({line.split(":")[0] for line in result.stderr.splitlines() if "error:" in line})
    for path in wrong:
        print(f"{Path(path).relative_to(ROOT)}: not formatted (tests/check_format.py --fix FILE)")
    if result.returncode and not wrong:
        print(result.stderr)
    print(f"{len(chosen)} files, {len(wrong)} problems")
    return 1 if result.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
