#!/usr/bin/env python3
"""Runs SPIN on the models of this folder and prints how many states each has.

Each model is verified as the kernel is, over its whole state space, and then with each of its faults defined (the
kernel as it once was, or with a step left out): the verifier must find an error there, or the model proves nothing.

usage: run.py [--long] [MODEL...]
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass
class Run:
    model: str
    defines: list
    faulty: bool = False
    live: bool = False  # an LTL claim, under weak fairness
    only_long: bool = False
    depth: int = 1000000


RUNS = [
    Run("stop", ["HARTS=2", "STOPS=2"]),
    Run("stop", ["HARTS=3"]),
    Run("stop", ["HARTS=2", "STOPS=1", "LIVE"], live=True),
    Run("stop", ["HARTS=3", "MUTE"], faulty=True),
    Run("stop", ["HARTS=4"], only_long=True, depth=20000000),
    Run("sleep", []),
    Run("sleep", ["NO_LOOK"], faulty=True),
    Run("sleep", ["NO_ON_CPU"], faulty=True),
    Run("keeper", [], live=True),
    Run("keeper", ["ONCE"], faulty=True, live=True),
]


def limited(command, folder):
    """The command's answer; a model that is wrong must not take the machine's memory or the night."""
    limit = 4 << 30
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )


def verify(run):
    """(errors, states) of the run's whole state space."""
    with tempfile.TemporaryDirectory(prefix="bifolium-spin-") as folder:
        defines = [f"-D{name}" for name in run.defines]
        source = HERE / f"{run.model}.pml"
        made = limited(["spin", "-a", *defines, str(source)], folder)
        if made.returncode != 0:
            raise SystemExit(f"spin -a {source.name}: {made.stdout}{made.stderr}")
        # COLLAPSE: states are kept exactly, in less memory. Without NOREDUCE the partial order reduction is on.
        compiler = ["cc", "-O2", "-w", "-DCOLLAPSE", "-DMEMLIM=3000", "-DNFAIR=3"]
        compiler += [] if run.live else ["-DSAFETY"]
        subprocess.run([*compiler, "-o", "pan", "pan.c"], cwd=folder, check=True)
        arguments = ["./pan", f"-m{run.depth}", *(["-a", "-f"] if run.live else [])]
        result = limited(arguments, folder)
        text = result.stdout + result.stderr
        found = re.search(r"errors: (\d+)", text)
        states = re.search(r"^\s*(\S+) states, stored", text, re.MULTILINE)
        if not found or not states or "max search depth too small" in text or "out of memory" in text:
            raise SystemExit(f"{source.name} {run.defines}: the verifier did not finish:\n{text}")
        return int(found[1]), int(float(states[1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="the larger state spaces too")
    parser.add_argument("models", nargs="*", help="default: all")
    options = parser.parse_args()
    wrong = 0
    for run in RUNS:
        if (options.models and run.model not in options.models) or (run.only_long and not options.long):
            continue
        errors, states = verify(run)
        good = (errors != 0) == run.faulty
        wrong += not good
        what = "an error is found" if errors else f"{states} states, no error"
        print(f"{run.model} {' '.join(run.defines) or '-'}: {what}{'' if good else '   <-- WRONG'}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
