#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same kernel, image, seed and input give the same run, to the bit, on this computer and in WebAssembly:
hash_run.cpp is compiled for both and hashes registers, devices, memory and disk at the end.

usage: determinism_test.py BUILD [RUNS]    (BUILD: build/release; RUNS of each seed, half of them in WebAssembly: 10)
Without node or the compiler's parts for WebAssembly the status is 77: not run.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
MACHINE = [path for part in ("machine", "dev") for path in sorted((ROOT / "vellum" / part).glob("*.cpp"))]
SOURCES = [HERE / "hash_run.cpp", *MACHINE]
COMMANDS = ["ls", "systest fork_many", "grind 1 1 10", "echo it ends > end"]
SKIPPED = 77
HARTS = 3
SEEDS = (0, 7)
# WASI in node: the folder of the files is all that the program sees.
RUNNER = """
import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';
const [program, folder, ...args] = process.argv.slice(2);
const surroundings = { args: ['hash_run', ...args], preopens: { '/': folder } };
const wasi = new WASI({ version: 'preview1', returnOnExit: true, ...surroundings });
const module = await WebAssembly.compile(await readFile(program));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
"""


def compile_for(target, output):
    flags = ["-std=c++2b", "-O2", "-fno-exceptions", "-fno-rtti", "-I", ROOT, *target]
    return subprocess.run(["clang++-19", *flags, *SOURCES, "-o", output], capture_output=True, text=True)


def output_of(command):
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if run.returncode != 0:
        sys.exit(f"{command}: status {run.returncode}\n{run.stdout}{run.stderr}")
    return run.stdout.strip()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, runs = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        native, wasm, runner = folder / "native", folder / "program.wasm", folder / "run.mjs"
        result = compile_for(["--target=wasm32-wasi", "-stdlib=libc++", "-Wl,-z,stack-size=1048576"], wasm)
        if result.returncode != 0 or not shutil.which("node"):
            print(f"no WebAssembly here: {result.stderr[:300]}")
            return SKIPPED
        result = compile_for([], native)
        if result.returncode != 0:
            sys.exit(result.stderr)
        runner.write_text(RUNNER)
        files = folder / "files"
        files.mkdir()
        shutil.copyfile(build / "kernel-unified", files / "kernel")
        shutil.copyfile(build / "fs.img", files / "fs.img")
        answers = set()
        for seed in SEEDS:
            arguments = [str(HARTS), str(seed), *COMMANDS]
            found = set()
            for run in range(runs):
                if run % 2 == 0:
                    command = [native, files / "kernel", files / "fs.img", *arguments]
                else:
                    command = ["node", "--no-warnings", runner, wasm, files, "/kernel", "/fs.img", *arguments]
                found.add(output_of(command))
            if len(found) != 1:
                sys.exit(f"seed {seed}: the runs differ: {sorted(found)}")
            answers |= found
            print(f"seed {seed}: {runs} runs, native and WebAssembly in turn: {found.pop()}")
        if len(answers) != len(SEEDS):
            sys.exit("another seed gives the same run: the hash says nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
