# SPDX-License-Identifier: MIT
"""bin/vellum: builds the machine's command if it has to, and becomes it."""

import os
import sys

import packages
from build import build
from report import guarded


def command():
    """The built command."""
    packages.ensure(packages.BUILD)
    return build("release", ["vellum"]) / "tools/vellum"


def main():
    path = command()
    os.execv(path, [str(path), *sys.argv[1:]])


if __name__ == "__main__":
    guarded(main)
