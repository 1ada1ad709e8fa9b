# SPDX-License-Identifier: MIT
"""Which Bifolium this is."""

import re
import subprocess

from build import ROOT


def version():
    """The number in CMakeLists.txt, and the commit where there is a git: `0.2.0 (commit 1a2b3c4, changed)`."""
    number = re.search(r"project\(bifolium VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    described = _git("rev-parse", "--short", "HEAD")
    if not described:
        return number
    changed = ", changed" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return f"{number} (commit {described}{changed})"


def _git(*arguments):
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
