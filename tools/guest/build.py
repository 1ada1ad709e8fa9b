"""Configures and builds the presets of CMakePresets.json, with visible progress, silent when up to date."""

import fcntl
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from report import Failure, Progress, say

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
_STEP = re.compile(r"^\[(\d+)/(\d+)\] (.*)")
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


def build(preset, targets=(), definitions=()):
    """Brings the targets of a preset up to date (all of them when none is named)."""
    directory = directory_of(preset)
    with _only_one_builder(directory):
        if definitions or not (directory / "build.ninja").exists():
            _configure(preset, definitions)
        _compile(preset, directory, targets)
    return directory


def _configure(preset, definitions):
    say(f"configuring {preset}")
    command = ["cmake", "--preset", preset, *(f"-D{definition}" for definition in definitions)]
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        sys.stderr.write(result.stdout)
        raise Failure(f"cmake could not configure the preset {preset} (its output is above)")
    _link_compile_commands(directory_of(preset))


def _link_compile_commands(directory):
    """clangd looks at the root; the first tree configured with target code serves it."""
    link = ROOT / "compile_commands.json"
    database = directory / "compile_commands.json"
    if database.exists() and not link.exists() and directory.name in ("debug", "release"):
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(database, ROOT))


def _compile(preset, directory, targets):
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
    built = 0
    for line in process.stdout:
        if _NOISE.match(line):
            continue
        step = _STEP.match(line)
        if step:
            built += 1
            progress.step(int(step[1]), int(step[2]), step[3])
        elif not line.startswith("ninja: Entering"):
            progress.clear()
            sys.stderr.write(line)
    status = process.wait()
    progress.clear()
    if status != 0:
        raise Failure(f"the build of {preset} failed (the compiler's message is above)")
    if built:
        say(f"built {preset} in {progress.seconds():.0f} s")
