#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A million datagrams out and in: the guest sends each to the host and waits for it to come back (`udpload ROUNDS`).
None may be lost, and every frame of RAM is where it was before."""

import argparse
import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))
sys.path.insert(0, str(ROOT / "tests" / "guest"))

from console import echo_to_stdout  # noqa: E402
from labs_test import SERVER, balanced, require  # noqa: E402
from machine import network_options  # noqa: E402
from peer import UdpServer, enter_namespace  # noqa: E402
from report import guarded  # noqa: E402
from trial import trial  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--view", default="unified")
    parser.add_argument("--card", default="e1000")
    parser.add_argument("--datagrams", type=int, default=1_000_000)
    options = parser.parse_args()
    enter_namespace()
    server = UdpServer(SERVER, lambda data: data)
    extra = network_options(options.card, forwards=())
    with trial(options.build, options.view, 7000, echo_to_stdout, harts=3, extra=extra) as guest:
        guest.await_prompt()
        began = time.monotonic()

        def load():
            output = guest.run(f"udpload 10.0.2.2 {SERVER} {options.datagrams}")
            lost = re.search(r"(\d+) sent, (\d+) received", output)
            require(lost, "udpload did not end")
            require(int(lost[1]) == int(lost[2]) == options.datagrams, f"datagrams lost: {lost[0]}")

        balanced(guest, f"{options.datagrams} datagrams", load)
        print(f"\n{server.count} at the host, {time.monotonic() - began:.0f} s", flush=True)
        require(server.count == options.datagrams, "the host counts otherwise")
    return 0


if __name__ == "__main__":
    guarded(main)
