#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The network's cases of ./bench end, also as the first that a machine runs, with a host that takes its time: one that
answers each ARP question after half a second, and its first one never."""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from bench import NETWORK_CASES, machine_with_peer, measure_boot  # noqa: E402
from peer import RawPeer, enter_namespace  # noqa: E402
from report import Failure, guarded  # noqa: E402

PATIENCE = 300  # seconds, for a busy machine; an unanswered `recv` waits for ever


class SlowHost(RawPeer):
    def __init__(self):
        super().__init__()
        self.questions = 0

    def answer(self, frame):
        if frame[12:14] == b"\x08\x06":
            self.questions += 1
            if self.questions == 1:
                return
            time.sleep(0.5)
        super().answer(frame)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--view", default="unified")
    options = parser.parse_args()
    enter_namespace()
    host, figures = SlowHost(), {}
    measure_boot(options.build, options.view, NETWORK_CASES, PATIENCE, machine_with_peer(host), figures, print)
    print(figures, f"{host.questions} questions", flush=True)
    if host.questions < 2 or not all(figures[case] > 0 for case in NETWORK_CASES):
        raise Failure("the host was not slow, or nothing was measured", 1)
    return 0


if __name__ == "__main__":
    guarded(main)
