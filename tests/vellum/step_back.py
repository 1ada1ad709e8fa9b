#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long a step back takes after a long run: gdb's packet bs to a machine of three harts that are all busy.

usage: step_back.py BUILD [INSTRUCTIONS] [STEPS]    (BUILD: build/release; 1,000,000,000 and 30 when nothing is said)
Prints the median and the longest, in milliseconds of the machine's processor time and of the clock on the wall. Each
step is tried on the next hart in turn, as far back as one was before, and forward again; the registers must be the same
each time. That is all that fails.
"""

import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

HARTS = 3
LOAD = b"grind 1 1000 1000000\n"
PATIENCE = 600


class Debugger:
    """As much of gdb's remote protocol as this takes."""

    def __init__(self, port):
        end = time.monotonic() + 20
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
                break
            except ConnectionRefusedError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.ask("QStartNoAckMode")

    def send(self, text):
        self.socket.sendall(f"${text}#{sum(text.encode()) & 255:02x}".encode())

    def answer(self):
        while b"#" not in self.received or len(self.received) < self.received.index(b"#") + 3:
            data = self.socket.recv(65536)
            if not data:
                sys.exit("the machine is gone")
            self.received += data
        packet, _, rest = self.received.partition(b"#")
        self.received = rest[2:]
        return packet[packet.index(b"$") + 1 :].decode()

    def ask(self, text):
        self.send(text)
        return self.answer()

    def run_for(self, seconds):
        self.send("c")
        time.sleep(seconds)
        self.socket.sendall(b"\3")
        return self.answer()

    def select(self, hart):
        self.ask(f"Hg{hart + 1}")

    def registers(self, hart):
        self.select(hart)
        return self.ask("g")

    def csr(self, hart, number):
        """As gdb numbers them: from 65 on."""
        self.select(hart)
        return int.from_bytes(bytes.fromhex(self.ask(f"p{65 + number:x}")), "little")

    def instructions(self):
        minstret = 0xB02
        return sum(self.csr(hart, minstret) for hart in range(HARTS))


def processor_seconds(pid):
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def timed(pid, action):
    """(processor seconds, seconds on the wall)"""
    processor, wall = processor_seconds(pid), time.monotonic()
    action()
    return processor_seconds(pid) - processor, time.monotonic() - wall


def step_back_and_forth(debugger, pid, steps):
    """A time for each step back."""
    times = []
    for number in range(steps):
        hart = number % HARTS
        before = debugger.registers(hart)
        times.append(timed(pid, lambda: debugger.ask("bs")))
        if debugger.registers(hart) == before:
            sys.exit(f"hart {hart} is where it was after a step back")
        debugger.ask("s")
        if debugger.registers(hart) != before:
            sys.exit(f"hart {hart} is not where it was after a step back and one forward")
        for _ in range(number % 4):
            debugger.ask("bs")
    return times


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = Path(sys.argv[1])
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000_000
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 30
    port = free_port()
    command = [build / "tools" / "vellum", build / "kernel-unified", build / "fs.img", "--snapshot"]
    command += ["--smp", str(HARTS), "--gdb", str(port), "--wait"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as machine:
        try:
            debugger = Debugger(port)
            debugger.run_for(1)
            machine.stdin.write(LOAD)
            machine.stdin.flush()
            while (done := debugger.instructions()) < wanted:
                debugger.run_for(1)
            times = step_back_and_forth(debugger, machine.pid, steps)
        finally:
            machine.kill()
    for name, of_kind in (("processor", [t[0] for t in times]), ("wall", [t[1] for t in times])):
        median, most = 1000 * statistics.median(of_kind), 1000 * max(of_kind)
        print(f"{name} time of a step back: median {median:.0f} ms, most {most:.0f} ms")
    print(f"{steps} steps of {HARTS} harts in turn, after {done:,} instructions")


if __name__ == "__main__":
    main()
