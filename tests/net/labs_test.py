#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The network labs of all years, offline: the programs `flowtest` (2020 to 2023) and `porttest` (2024 to 2026) ask of
the kernel what the labs' programs ask, and this script is the host that their graders are. Free frames before and after
are equal.

--capture FILE keeps the traffic, as seeds of the fuzzer.
"""

import argparse
import re
import socket
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))
sys.path.insert(0, str(ROOT / "tests" / "guest"))

from console import echo_to_stdout  # noqa: E402
from machine import network_options  # noqa: E402
from peer import DNS_ADDRESS, UdpServer, dns_answer, enter_namespace  # noqa: E402
from report import Failure, guarded  # noqa: E402
from run_guest import free_frames  # noqa: E402
from trial import trial  # noqa: E402

SERVER, FORWARDED = 25099, ((25999, 2000), (30999, 2001))
SETTLING_SECONDS = 5


def require(condition, why):
    if not condition:
        raise Failure(why, 1)


def pinged(guest, count):
    """The host answers that many pings in a row, of a second each, which is short on a machine with other work."""
    return any(f"{count} sent, {count} received" in guest.run(f"ping 10.0.2.2 {count}") for _ in range(20))


def send_to_guest(port, *datagrams, every=0.0):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
        for datagram in datagrams:
            host.sendto(datagram.encode(), ("127.0.0.1", port))
            time.sleep(every)


def when_waiting(guest, mode, send):
    """Runs porttest MODE, and `send` once it waits."""

    def watch():
        start = len(guest.transcript)
        while f"{mode}: waiting".encode() not in guest.transcript[start:]:
            time.sleep(0.05)
        send()

    threading.Thread(target=watch, daemon=True).start()
    require(f"{mode}: OK" in guest.run(f"porttest {mode} {SERVER}"), f"{mode} failed")


def bursts():
    for number in range(4):
        send_to_guest(FORWARDED[0][0], *(f"packet {i}" for i in range(32)))
        send_to_guest(FORWARDED[1][0], f"one {number}")
        time.sleep(0.3)


def balanced(guest, what, run):
    before = free_frames(guest)
    run()
    patience = time.monotonic() + SETTLING_SECONDS
    while (after := free_frames(guest)) != before and time.monotonic() < patience:
        time.sleep(0.2)
    print(f"\nfree frames: {before} before {what}, {after} after it", flush=True)
    require(after == before, f"{what} cost {before - after} frames")


def flows(guest, _):
    with UdpServer(SERVER + 1, lambda _: b"this is the host!") as server:
        output = guest.run(f"flowtest {SERVER + 1}")
    for line in (
        "testing ping: OK",
        "testing single-process pings: OK",
        "testing multi-process pings: OK",
        "DNS OK",
    ):
        require(re.search(f"^{line}$", output, re.MULTILINE), f"no line '{line}'")
    require(server.received.count(b"a message from xv6!") >= 111, "the server missed some")


def ports(guest, year):
    with UdpServer(SERVER, lambda data: None if data == b"txone" else data) as server:
        late = threading.Timer(1.0, send_to_guest, (FORWARDED[1][0], "nobody bound this"))
        late.start()
        output = guest.run(f"porttest grade {SERVER} {'2026' if year == '2026' else ''}")
        require(b"txone" in server.received, "txone did not arrive")
        for name in ("ping0", "ping1", "ping2", "ping3", "dns", "free"):
            require(re.search(f"^{name}: OK$", output, re.MULTILINE), f"no line '{name}: OK'")
        if year == "2026":
            return
        require("misuse: OK" in guest.run(f"porttest misuse {SERVER}"), "misuse")
        packets = [f"packet {i}" for i in range(12)]
        when_waiting(guest, "rx", lambda: send_to_guest(FORWARDED[0][0], *packets, every=0.02))

        def by_turns():
            for number, packet in enumerate(packets):
                send_to_guest(FORWARDED[number % 2][0], packet)

        when_waiting(guest, "rx2", by_turns)
        when_waiting(guest, "rxburst", bursts)


def programs(guest, _):
    """ping, host, nc and ifstat."""
    require(pinged(guest, 4), "ping")
    require("pdos.csail.mit.edu has address 128.52.129.126" in guest.run("host pdos.csail.mit.edu@8.8.8.8"), "host")
    require("no address for" in guest.run("host nowhere@8.8.8.9"), "host of no server")
    with UdpServer(SERVER + 2, lambda data: b"echo: " + data):
        require("echo: hello" in guest.run(f"echo hello | nc -u 10.0.2.2 {SERVER + 2}"), "nc")
    require("1 sent, 0 received" in guest.run("ping 10.0.2.99 1"), "ping of nobody")
    output = guest.run("ifstat")
    require("52:54:00:12:34:56" in output and "udp_received" in output, "ifstat")
    require("4 sent, 4 received" in guest.run("ping 127.0.0.1"), "ping of ourselves")


PARTS = {"2023": flows, "2024": ports, "2025": ports, "2026": ports, "programs": programs}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--view", default="unified")
    parser.add_argument("--smp", type=int, default=3)
    parser.add_argument("--card", default="e1000")
    parser.add_argument("--legacy", action="store_true", help="virtio-mmio version 1")
    parser.add_argument("--capture", type=Path)
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    options = parser.parse_args()
    enter_namespace()
    UdpServer(53, dns_answer, DNS_ADDRESS)
    for part in options.parts:
        # Programs of this project have the numbers of no lab: the boot argument says which ones are meant.
        append = f"lab={part}-net" if part.isdigit() else ""
        capture = options.capture and options.capture.with_name(f"{options.capture.stem}-{part}.pcap")
        extra = network_options(options.card, capture=capture, forwards=FORWARDED)
        with trial(
            options.build,
            options.view,
            300,
            echo_to_stdout,
            harts=options.smp,
            append=append,
            legacy_virtio=options.legacy,
            extra=extra,
        ) as guest:
            guest.await_prompt()
            driver = {"virtio": "virtio-net"}.get(options.card, options.card)
            require(f"network: {driver}, address" in guest.text(), "no card")
            balanced(guest, part, lambda guest=guest, part=part: PARTS[part](guest, part))
            if part in ("2024", "2025", "2026"):
                for line in ("arp_rx: received an ARP packet", "ip_rx: received an IP packet"):
                    require(guest.text().count(line) == 1, f"the line '{line}' is not there once")
    return 0


if __name__ == "__main__":
    guarded(main)
