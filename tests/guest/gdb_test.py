#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gdb on the running kernel, by the commands of docs/gdb.md: the program's symbols when it runs, a backtrace through
the trap, steps across ecall and sret, and what the kernel's own types say when they are printed."""

import argparse
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from report import Failure, guarded  # noqa: E402
from trial import trial  # noqa: E402

# Seconds that gdb may take on a loaded machine.
PATIENCE = 150
# Typed to gdb one after the other; what each must print is a pattern, in this order.
SESSION = (
    ("program echo", r"symbols of echo"),
    ("break main", r"Breakpoint 1 at 0x[0-9a-f]+: file .*echo\.cpp"),
    ("continue", r"Breakpoint 1, main \(argc=3"),
    ("p (char *) argv[1]", r'"one"'),
    ("tbreak sys_write", r"Temporary breakpoint 2"),
    ("continue", r"Temporary breakpoint 2, sys_write"),
    ("backtrace", r"#0 .*sys_write[\s\S]* in usertrap[\s\S]* in trap_vector[\s\S]* in write \(\) at .*calls\.cpp"),
    ("program backtrace", r"#0 .* in write\b.*\n#1 .* in main.* at .*echo\.cpp:\d+"),
    ("p self", r"pid \d+ \(echo\) running, hart \d"),
    ("p self.memory->root_", r"ppn 0x8[0-9a-f]+ \(P0x8[0-9a-f]+000\)"),
    ("p ((mm::Region *) self.memory->regions_.storage_)[0].begin", r"V0x0$"),
    ("p 'dev::console::(anonymous namespace)::input'.lock", r'"console" free, taken [0-9]+ times'),
    ("info symbol $user_pc()", r"write"),
    ("tbreak *$user_pc()", r"Temporary breakpoint 3"),
    ("continue", r"Temporary breakpoint 3"),
    ("x/i $pc - 4", r"ecall"),
    ("tbreak *($pc - 4)", r"Temporary breakpoint 4"),
    ("continue", r"Temporary breakpoint 4"),
    ("tbreak trap_vector", r"Temporary breakpoint 5"),
    ("continue", r"Temporary breakpoint 5, .*trap_vector"),
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def gdb_script(port):
    yield from ("set confirm off", "set pagination off", "set width 0", "set architecture riscv:rv64")
    yield f"target remote 127.0.0.1:{port}"
    yield f"source {ROOT}/tools/gdb/bifolium.py"
    for command, _ in SESSION:
        yield f'echo \\n@@ {command}\\n'
        yield command
    yield "kill"


def run_gdb(command, guest):
    """gdb's output. gdb stops the machine when it connects; the line that is typed then is there when it goes on."""
    quiet = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    gdb = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **quiet)
    watchdog = threading.Timer(PATIENCE, gdb.kill)
    watchdog.start()
    output = ""
    for line in gdb.stdout:
        output += line
        if line.startswith("Breakpoint 1 at"):
            guest.process.stdin.write(b"echo one two\n")
    gdb.wait()
    watchdog.cancel()
    return output


def answers(output):
    """What gdb printed for each command."""
    return output.split("\n@@ ")[1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", type=Path, required=True, help="the build tree with kernels and fs.img")
    parser.add_argument("--view", default="unified")
    options = parser.parse_args()
    gdb = shutil.which("gdb-multiarch")
    if not gdb:
        raise Failure("no gdb-multiarch", 1)
    port = free_port()
    with trial(options.build, options.view, PATIENCE, harts=1, extra=["-gdb", f"tcp:127.0.0.1:{port}"]) as guest:
        guest.await_prompt()
        command = [gdb, "-q", "-batch", "-nx"]
        for line in gdb_script(port):
            command += ["-ex", line]
        output = run_gdb([*command, str(options.build / f"kernel-{options.view}")], guest)
    said = answers(output)
    for (typed, wanted), answer in zip(SESSION, said):
        print(f"(gdb) {answer}")
        if not re.search(wanted, answer, re.MULTILINE):
            raise Failure(f"gdb's answer to `{typed}` has no {wanted}:\n{answer}", 1)
    if len(said) != len(SESSION):
        raise Failure(f"gdb stopped early:\n{output}", 1)
    return 0


if __name__ == "__main__":
    guarded(main)
