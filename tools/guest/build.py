# SPDX-License-Identifier: MIT
"""Configures and builds the presets of CMakePresets.json, with visible progress, silent when up to date."""

import enum
import fcntl
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import toolchain
from report import Failure, Progress, say

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
_STEP = re.compile(r"^\[(\d+)/(\d+)\] (.*)")
_OBJECT = re.compile(r"Building \S+ object (\S+)")
_HOME = re.compile(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", re.MULTILINE)
# Ninja's own housekeeping; nothing a user needs to read.
_NOISE = re.compile(
    r"^(\[\d+/\d+\] )?(Re-checking globbed directories|Re-running CMake)|^-- |^ninja: (no work to do|Entering)"
)


@contextmanager
def _only_one_builder(directory):
    """Two commands in two terminals must not build in one tree at the same time."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another build in {directory.relative_to(ROOT)}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def directory_of(preset):
    return BUILD / preset


class Warnings(enum.Enum):
    """What a compiler's warning is to a build: a student's half-done edit may have some, a tested tree may not."""

    ALLOWED = enum.auto()
    REFUSED = enum.auto()


def build(preset, targets=(), definitions=(), warnings=Warnings.ALLOWED):
    """Brings the targets of a preset up to date (all of them when none is named)."""
    directory = directory_of(preset)
    with _only_one_builder(directory):
        if is_of_another_checkout(directory):
            say(f"{directory.relative_to(ROOT)} was copied from another checkout: made anew")
            (directory / "CMakeCache.txt").unlink()
            (directory / "build.ninja").unlink(missing_ok=True)
        if definitions or not (directory / "build.ninja").exists():
            _configure(preset, definitions)
        _compile(preset, directory, targets, warnings)
    return directory


def is_of_another_checkout(directory):
    """CMake's trees know their sources by their full name: a copied one would build the original. A link to another
    checkout's tree is meant as it is."""
    cache = directory / "CMakeCache.txt"
    if not cache.exists() or not directory.resolve().is_relative_to(ROOT):
        return False
    home = _HOME.search(cache.read_text(errors="replace"))
    return home is not None and Path(home[1]).resolve() != ROOT


def _configure(preset, definitions):
    say(f"configuring {preset}")
    if not preset.startswith("gcc"):
        definitions = [*toolchain.compiler_definitions(), *definitions]
    command = ["cmake", "--preset", preset, *(f"-D{definition}" for definition in definitions)]
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        sys.stderr.write(result.stdout)
        raise Failure(f"cmake could not configure the preset {preset} (its output is above)")
    if preset in ("debug", "release"):
        _link_compile_commands()


def _link_compile_commands():
    """clangd looks at the root. The release tree compiles whole folders as one file, so the debug tree serves it: to
    configure that costs little."""
    link = ROOT / "compile_commands.json"
    database = directory_of("debug") / "compile_commands.json"
    if link.exists():
        return
    if not database.exists():
        command = ["cmake", "--preset", "debug", *(f"-D{it}" for it in toolchain.compiler_definitions())]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if database.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(database, ROOT))


def _compile(preset, directory, targets, warnings):
    warned = directory / ".warned"
    if warnings is Warnings.REFUSED and warned.exists():
        for name in warned.read_text().splitlines():
            (directory / name).unlink(missing_ok=True)  # compiled again, so that its warnings are seen here
        warned.unlink()
    jobs = os.environ.get("BIFOLIUM_JOBS") or str(os.cpu_count() or 1)
    # -k 0 would bury the first error; ninja stops at it and it is the last thing printed.
    command = ["ninja", "-C", str(directory), "-j", jobs, *targets]
    progress = Progress(f"building {preset}")
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=dict(os.environ, NINJA_STATUS="[%f/%t] "),
    )
    built, current, found = 0, "", set()
    for line in process.stdout:
        if _NOISE.match(line):
            continue
        step = _STEP.match(line)
        if step:
            built += 1
            current = step[3]
            progress.step(int(step[1]), int(step[2]), step[3])
        elif not line.startswith("ninja: Entering"):
            progress.clear()
            sys.stderr.write(line)
            named = _OBJECT.match(current)
            if " warning: " in line and named:
                found.add(named[1])
    status = process.wait()
    progress.clear()
    if found:
        with open(warned, "a") as file:
            file.writelines(f"{name}\n" for name in sorted(found))
        if warnings is Warnings.REFUSED:
            raise Failure(f"the build of {preset} has warnings (they are above)")
    if status != 0:
        raise Failure(f"the build of {preset} failed (the compiler's message is above)")
    if built:
        say(f"built {preset} in {progress.seconds():.0f} s")
