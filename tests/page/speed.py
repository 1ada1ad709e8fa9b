#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page's speed in headless Chromium beside the command's: ratios from one run on one machine. docs/page.md has
the table.

usage: speed.py [TIMES]     (needs what ./test page builds; medians of TIMES runs, 5 when nothing is said)
Each row is the same kernel with the same input, in the page and with build/release/tools/vellum; what is counted is the
processor time of the page's worker and that of the command's process. The page keeps the past and who wrote which
entry, with the judges off, too; the command keeps nothing then, so its rows without judges say more than the machine's
own ratio only in the hot loop, where there is nothing to keep. Nothing is asserted.
"""

import base64
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tools/guest"), str(ROOT / "tests/vellum")]
import page  # noqa: E402
from judges_test import SCRIPT  # noqa: E402

BUILD = ROOT / "build/release"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# A row's name, how often the line is typed for one measurement, and the line.
LOADS = [
    ("2,000,000 getpid", 20, "vmbench " + "getpid " * 10),
    ("16,000 forks", 8, "vmbench " + "fork_small " * 10),
]
LOOP_INSTRUCTIONS = 500_000_000


class Bench:
    def __init__(self, directory, address, times):
        self.directory, self.address, self.times = directory, address, times

    def run_file(self, judges, kernel):
        """A kept run in which nothing has happened yet."""
        options = {"harts": 1, "megabytes": 128, "seed": 0, "bootargs": "", "judges": judges == "all"}
        run = {"format": "bifolium-run-1", "name": "speed", "options": options, "input": [], "end": 0, "image": ""}
        run |= {"builtin": ""} if kernel else {"builtin": "unified"}
        if kernel:
            run["kernel"] = base64.b64encode(kernel.read_bytes()).decode()
        file = self.directory / "speed.run.json"
        file.write_text(json.dumps(run))
        return file

    def in_chromium(self, judges, kernel, *line):
        command = ["node", ROOT / "tests/page/speed.mjs", self.address, CHROMIUM, self.run_file(judges, kernel), *line]
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)

    def seconds(self, judges, *arguments):
        command = [BUILD / "tools/vellum", *arguments, "--smp", "1", "--judge", judges]
        quietly = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        before = os.times()
        subprocess.run(command, check=True, **quietly)
        after = os.times()
        return after.children_user - before.children_user + after.children_system - before.children_system

    def hot_loop(self, judges):
        elf = self.directory / "loop"
        command = ["clang-19", "--target=riscv64-linux-gnu", "-march=rv64imac", "-mabi=lp64", "-nostdlib", "-static"]
        command += ["-fno-pic", "-mcmodel=medany", "-fuse-ld=lld-19", "-Wl,--build-id=none", "-T", SCRIPT]
        command += [f"-DINSTRUCTIONS={LOOP_INSTRUCTIONS}", ROOT / "tests/vellum/hot_loop.S", "-o", elf]
        subprocess.run(command, check=True)
        runs = [run for _ in range(self.times) for run in self.in_chromium(judges, elf)]
        return runs, [self.seconds(judges, elf) for _ in range(self.times)]

    def typed(self, judges, lines, line):
        """The command's boot and its first lines are taken off; the page's are not counted either."""
        runs = self.in_chromium(judges, None, str(self.times), str(lines), line)

        def command(count):
            text = "; ".join([line] * count)
            return self.seconds(judges, BUILD / "kernel-unified", BUILD / "fs.img", "--snapshot", "--exec", text)

        many, few = (1 + self.times) * lines, lines
        return runs, [(command(many) - command(few)) / self.times for _ in range(3)]

    def row(self, name, judges, measured):
        runs, natively = measured
        here = statistics.median(one["instructions"] / one["seconds"] for one in runs)
        native = statistics.median(one["instructions"] for one in runs) / statistics.median(natively)
        print(f"| {name} | {judges} | {here / 1e6:.0f} | {native / 1e6:.0f} | {here / native:.2f} |", flush=True)


def main():
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        page.assemble(directory / "page", BUILD, ROOT / "build/wasm/machine.wasm")
        server = page.server(directory, 0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        bench = Bench(directory, f"http://127.0.0.1:{server.server_address[1]}/page/", times)
        print("| load, 1 hart | judges | in Chromium, MIPS | the command, MIPS | ratio |")
        print("|---|---|---|---|---|")
        for judges in ("none", "all"):
            bench.row("hot loop", judges, bench.hot_loop(judges))
            for load, lines, line in LOADS:
                bench.row(load, judges, bench.typed(judges, lines, line))


if __name__ == "__main__":
    main()
