#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every source file says under which licence it stands, in the line that tools read (spdx.dev).

Not those whose line numbers a test knows: programs and guests that debug information is read from.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINE = "SPDX-License-Identifier: MIT"
ENDINGS = {".cpp", ".hpp", ".h", ".c", ".S", ".ts", ".mjs", ".py", ".sh", ".cmake"}
APART = ("tests/vellum/", "tests/guests/", "tests/host/vellum", "tests/mutants/", "tests/models/", ".github/")


def wants_it(path, text):
    if str(path.relative_to(ROOT)).startswith(APART):
        return False
    return path.suffix in ENDINGS or bool(re.match(r"#!.*\b(?:ba)?sh\b|#!.*\bpython3?\b", text))


def main():
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    count, problems = 0, []
    for path in (ROOT / name for name in names if name):
        if not path.is_file() or path.is_symlink():
            continue
        text = path.read_bytes()[:400].decode(errors="replace")
        if wants_it(path, text):
            count += 1
            if LINE not in "\n".join(text.split("\n")[:2]):
                problems.append(path.relative_to(ROOT))
    for problem in problems:
        print(f"{problem}: no line `{LINE}` at its top")
    print(f"{count} files, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
