#!/usr/bin/env python3
"""Do the host tests notice faults? Builds each mutant of catalogue.py and runs the tests of sv39 and kernel/mm on it.

tests/mutants/run.py [REGEX] [--from NAME]: only mutants whose name matches, from one on. --check only sees whether
every edit still fits the source, which takes no time and is part of every ./test. A mutant is killed when a test fails,
dies or hangs. Ends with status 1 when fewer than 95 % are killed, a mutant does not compile, or the unchanged source
fails. Everything is built in build/mutants, without sanitizers: what they would find must be found by the tests' own
judgement.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from catalogue import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "mutants"
OVERLAY = OUT / "overlay"
JOBS = int(os.environ.get("BIFOLIUM_JOBS") or os.cpu_count() or 1)
REQUIRED = 95
OPERATIONS = "40000"  # of the random tests: enough for what they find at all to be found, as the table shows
SV39_TESTS = ["pte", "address", "tlb_batch", "cursor", "cursor_random", "explain"]
SPACE = ROOT / "tests" / "host" / "mm" / "address_space"
SPACE_TESTS = [f"address_space/{path.name.removesuffix('_test.cpp')}" for path in sorted(SPACE.glob("*_test.cpp"))]
MM_TESTS = ["frames", "frames_threads", "tables", "region_list", "kernel_space", "check", *SPACE_TESTS, "world"]


class Failure(Exception):
    pass


class StaticAssertion(Failure):
    """A test that fails while it is compiled."""


def sources(*patterns):
    found = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    return [path.relative_to(ROOT) for path in found if not path.name.endswith("_test.cpp")]


def helpers():
    return sources("kernel/lib/*.cpp", "tests/host/seam/*.cpp", "tests/host/model/*.cpp")


def program_sources(program):
    """`sv39`, or a view: the tests of kernel/mm in it."""
    if program == "sv39":
        tests = [Path(f"tests/host/sv39/{name}_test.cpp") for name in SV39_TESTS]
        return tests + helpers()
    tests = [Path(f"tests/host/mm/{name}_test.cpp") for name in MM_TESTS]
    return tests + sources("kernel/mm/*.cpp", "tests/host/mm/*.cpp") + helpers()


def run(command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, errors="replace", **options)


def object_of(program, source, variant):
    return OUT / program / variant / (str(source).replace("/", "_") + ".o")


def compile_one(program, source, variant):
    """Compiles `source`, or what the overlay has in its place, unless a newer object is there."""
    target = object_of(program, source, variant)
    target.parent.mkdir(parents=True, exist_ok=True)
    overlaid = OVERLAY / source
    view = "UNIFIED" if program == "sv39" else program.upper()
    includes = [OVERLAY, OVERLAY / "kernel", ROOT / "tests/host/seam", ROOT, ROOT / "kernel", ROOT / "tests/host"]
    launcher = ["ccache"] if shutil.which("ccache") else []
    command = [*launcher, "clang++-19", "-std=c++23", "-O1", "-DBIFOLIUM_HOST=1", "-DBIFOLIUM_DEBUG=1",
               f"-DBIFOLIUM_VIEW_{view}=1", "-DGTEST_HAS_CXXABI_H_=0",
               *(f"-I{path}" for path in includes),
               "-c", overlaid if overlaid.exists() else ROOT / source, "-o", target]
    # ccache's direct mode would not see that a header has come into the overlay.
    result = run(command, env={**os.environ, "CCACHE_NODIRECT": "1"})
    if "static assertion failed" in result.stderr:
        raise StaticAssertion(f"a static assertion of {source.name}")
    if result.returncode != 0:
        raise Failure(f"{source} does not compile:\n{result.stderr[:2000]}")
    return target


def build(program, changed, variant):
    """The test program, with the objects of `changed` made anew in `variant` and all others as they are."""
    with ThreadPoolExecutor(JOBS) as pool:
        fresh = {source: pool.submit(compile_one, program, source, variant) for source in changed}
        made = {source: future.result() for source, future in fresh.items()}
    objects = [made.get(source, object_of(program, source, "original")) for source in program_sources(program)]
    executable = OUT / program / variant / "tests"
    result = run(["clang++-19", "-fuse-ld=lld-19", *objects, "-o", executable,
                  "-lrapidcheck", "-lgtest", "-lgtest_main", "-lpthread"])
    if result.returncode != 0:
        raise Failure(f"{program} does not link:\n{result.stderr[:2000]}")
    return executable


def failing_test(executable, limit):
    """The name of the first test that fails; None if all pass."""
    environment = {**os.environ, "BIFOLIUM_OPS": OPERATIONS}
    try:
        result = run([executable, "--gtest_brief=1", "--gtest_fail_fast"], timeout=limit, env=environment)
    except subprocess.TimeoutExpired:
        return "a test that hangs"
    if result.returncode == 0:
        return None
    failed = re.search(r"\[  FAILED  \] ([^ ,]+)", result.stdout)
    last_words = (result.stderr.strip().splitlines() or ["no word"])[-1]
    return failed[1] if failed else f"death: {last_words[:90]}"


def programs_of(mutant):
    """Which programs may tell it from the original, the cheap one first."""
    return ["sv39", "unified"] if mutant.file.startswith("sv39/") else [mutant.view]


@contextmanager
def naming(mutant):
    """A failure in it says which mutant it is about."""
    try:
        yield
    except Failure as failure:
        raise Failure(f"mutant '{mutant.name}': {failure}") from None


def mutated_text(mutant):
    text = (ROOT / mutant.file).read_text()
    if text.count(mutant.old) != 1:
        raise Failure(f"its text occurs {text.count(mutant.old)} times in {mutant.file}")
    return text.replace(mutant.old, mutant.new)


def check_catalogue():
    for mutant in MUTANTS:
        with naming(mutant):
            mutated_text(mutant)
    missing = [str(source) for program in ("sv39", "unified") for source in program_sources(program)
               if not (ROOT / source).exists()]
    if missing:
        raise Failure(f"there is no {', '.join(missing)}")
    print(f"{len(MUTANTS)} mutants, all fit the source")
    return 0


def killer_of(mutant, limits):
    shutil.rmtree(OVERLAY, ignore_errors=True)
    overlaid = OVERLAY / mutant.file
    overlaid.parent.mkdir(parents=True)
    overlaid.write_text(mutated_text(mutant))
    for program in programs_of(mutant):
        all_sources = program_sources(program)
        changed = [Path(mutant.file)] if Path(mutant.file) in all_sources else all_sources
        try:
            killer = failing_test(build(program, changed, "mutant"), limits[program])
        except StaticAssertion as assertion:
            return str(assertion)
        if killer:
            return killer
    return None


def prepare(programs):
    """Builds and runs the unchanged tests; returns after how many seconds a mutant's tests count as hanging."""
    shutil.rmtree(OVERLAY, ignore_errors=True)
    limits = {}
    for program in programs:
        executable = build(program, program_sources(program), "original")
        started = time.monotonic()
        failed = failing_test(executable, 1200)
        if failed:
            raise Failure(f"the unchanged source fails {failed} ({program})")
        seconds = time.monotonic() - started
        limits[program] = 60 + 5 * seconds
        print(f"unchanged {program}: passes in {seconds:.0f} s", flush=True)
    return limits


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("filter", nargs="?", default="", metavar="REGEX", help="only mutants whose name matches")
    parser.add_argument("--from", dest="first", metavar="NAME", help="begin here: goes on after a stop")
    parser.add_argument("--check", action="store_true", help="see whether the catalogue fits the source, build nothing")
    options = parser.parse_args()
    if options.check:
        return check_catalogue()
    names = [mutant.name for mutant in MUTANTS]
    if options.first and options.first not in names:
        raise Failure(f"there is no mutant '{options.first}'")
    begin = names.index(options.first) if options.first else 0
    chosen = [mutant for mutant in MUTANTS[begin:] if re.search(options.filter, mutant.name)]
    limits = prepare(dict.fromkeys(program for mutant in chosen for program in programs_of(mutant)))
    killed, survivors, equivalent, broken = 0, [], 0, 0
    for mutant in chosen:
        try:
            killer = killer_of(mutant, limits)
        except Failure as failure:
            broken += 1
            print(f"BROKEN    {mutant.name}: {failure}", flush=True)
            continue
        if killer:
            killed += 1
            print(f"killed    {mutant.name}  <- {killer}", flush=True)
        elif mutant.equivalent:
            equivalent += 1
            print(f"the same  {mutant.name}: {mutant.equivalent}", flush=True)
        else:
            survivors.append(mutant.name)
            print(f"SURVIVED  {mutant.name}", flush=True)
    shutil.rmtree(OVERLAY, ignore_errors=True)
    counted = killed + len(survivors)
    share = 100 * killed / counted if counted else 100
    print(f"{counted} mutants: {killed} killed ({share:.1f} %), {len(survivors)} survived, {equivalent} equivalent, "
          f"{broken} do not compile")
    return 0 if share >= REQUIRED and broken == 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"mutants: {failure}")
