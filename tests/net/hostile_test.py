#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a peer on the wire, or a card, can do to the kernel: nothing that lasts.

A peer on the other end of a QEMU socket network floods the guest, lies about every length, sends runts and giants, and
random damage of good frames (--frames N of them; the seed is printed). A card is reset under load, from outside,
without the driver's knowledge. The harts stand still while a burst arrives. A card, and another one on its line, raise
interrupts without end. Machines with two cards, with a card whose interrupt the device tree does not name, and with
none say so in a line and work on. After each the shell answers, no frame of RAM is lost, and the network works. The
card's windows are mapped without the right to execute, and only where it is.
"""

import argparse
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))
sys.path.insert(0, str(ROOT / "tests" / "guest"))

from console import echo_to_stdout  # noqa: E402
from labs_test import balanced, pinged, require, when_waiting  # noqa: E402
from machine import QEMU, network_options  # noqa: E402
from peer import RawPeer, arp_frame, echo_frame, enter_namespace, ip_frame, udp_frame  # noqa: E402
from report import guarded  # noqa: E402
from trial import trial  # noqa: E402

SEED = 20261130
CARD_REGISTERS = 0x40000000  # where the kernel puts the first card on QEMU's virt
# What a reset forgets: interrupts, both directions, their rings. (QEMU's card takes the bit for a reset for done and
# forgets nothing.)
AFTER_RESET = {0xD8: 0xFFFFFFFF, 0x100: 0, 0x400: 0} | {
    ring + register: 0 for ring in (0x2800, 0x3800) for register in (0, 4, 8, 0x10, 0x18)
}


def counters(guest):
    return {name: int(value) for name, value in re.findall(r"^(\w+) +(\d+)$", guest.run("ifstat -a"), re.MULTILINE)}


def lies():
    """Frames each of which is wrong in one way."""
    good = udp_frame(7, 2000, b"payload")
    for length in (0, 7, 9, 100, 0xFFFF):
        yield good[:38] + struct.pack(">H", length) + good[40:]
    for length in (0, 19, 1500, 0xFFFF):
        yield good[:16] + struct.pack(">H", length) + good[18:]
    yield udp_frame(7, 2000, b"payload", fragment=0x2000)
    yield udp_frame(7, 2000, b"payload", fragment=0x1FFF)
    # None of no bytes: QEMU's socket network reads no further once virtio-net has taken one.
    for size in (1, 13, 14, 20, 33, 41):
        yield good[:size]  # QEMU pads the e1000's runts; what is in them is short
    for size in (1515, 1519, 2048, 4000, 9000, 16384):
        yield good.ljust(size, b"g")
    yield ip_frame(17, b"")
    yield ip_frame(1, b"\x08")
    yield ip_frame(6, b"tcp")
    yield arp_frame(1)[:30]
    yield arp_frame(9)


def damaged(count, generator):
    """Good frames of every kind with some bytes changed, and some that are nothing but bytes."""
    kinds = [udp_frame(7, 2000, b"payload"), echo_frame(1, 1, b"payload"), arp_frame(1), arp_frame(2)]
    for _ in range(count):
        if generator.random() < 0.1:
            yield generator.randbytes(generator.randrange(14, 1600))
            continue
        frame = bytearray(generator.choice(kinds))
        for _ in range(generator.randrange(1, 6)):
            frame[generator.randrange(12, len(frame))] = generator.randrange(256)
        yield bytes(frame)


def works(guest):
    require(guest.run("echo still here").count("still here") == 2, "the shell does not answer")
    # What a flood has left in the sockets on the way comes before the answer.
    require(pinged(guest, 2), "the guest's ping is not answered")


class Host(RawPeer):
    """Answers pings too, so that the guest can see whether its network works."""

    def answer(self, frame):
        if frame[12:14] == b"\x08\x00" and frame[23] == 1 and frame[34] == 8:
            length = struct.unpack(">H", frame[16:18])[0]
            identifier, sequence = struct.unpack(">HH", frame[38:42])
            self.send(echo_frame(identifier, sequence, frame[42 : 14 + length], kind=0))
            return
        super().answer(frame)

    def guest_has_caught_up(self, number, patience=60):
        """The guest answers a ping: so it has seen all that was sent before."""
        self.send(echo_frame(7, number, b"caught up?"))
        answer = struct.pack(">HH", 7, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if any(frame[23] == 1 and frame[34] == 0 and frame[38:42] == answer for frame in list(self.frames)):
                return True
            time.sleep(0.05)
        return False


def machine(options, extra):
    return trial(options.build, options.view, 600, echo_to_stdout, harts=options.smp, extra=extra)


def besiege(options, card):
    peer = Host()
    generator = random.Random(SEED)
    with machine(options, network_options(card, backend=peer.backend())) as guest:
        guest.await_prompt()
        works(guest)

        def attack():
            peer.send(*lies())
            for frame in damaged(options.frames, generator):
                peer.send(frame)
            # A flood of sound frames to a port that nobody has, and of pings.
            flood = [udp_frame(7, 2999, bytes(size)) for size in (0, 18, 1472)] + [echo_frame(9, 9, bytes(1000))]
            for _ in range(options.frames // 40):
                peer.send(*flood * 10)

        before = counters(guest)

        def under_attack():
            thread = threading.Thread(target=attack)
            thread.start()
            while thread.is_alive():
                guest.run("ls | wc")  # others go on
            thread.join()
            works(guest)

        balanced(guest, f"{options.frames} damaged frames and a flood on {card}", under_attack)
        after = counters(guest)
        seen = sum(after[name] - before[name] for name in ("card_received", "card_bad_frames", "card_no_buffer"))
        print(f"\n{seen} frames seen, refilled {after['frames_refilled'] - before['frames_refilled']}", flush=True)
        require(seen >= options.frames, "the card saw less than was sent")
        require(after["ip_damaged"] > before["ip_damaged"], "nothing was found damaged")
        require(after["frames_refilled"] == before["frames_refilled"], "receiving has allocated")


class Gdb:
    """QEMU's gdb stub, as a way to write to the machine's physical memory, registers of devices too."""

    def __init__(self, port):
        deadline = time.monotonic() + 30
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", port))
                break
            except ConnectionRefusedError:
                require(time.monotonic() < deadline, "no gdb stub")
                time.sleep(0.1)
        self.socket.settimeout(60)
        self.pending = b""
        self.await_stop()  # the stub stops the machine for whoever comes, and says so
        self.command("Qqemu.PhyMemMode:1")

    def packet(self):
        """The next packet's contents. What is an answer and what tells of a stop can only be told by reading each."""
        while (match := re.search(rb"\$([^#]*)#..", self.pending, re.DOTALL)) is None:
            more = self.socket.recv(4096)
            if not more:
                raise ConnectionError("the stub has gone")
            self.pending += more
        self.pending = self.pending[match.end() :]
        self.socket.sendall(b"+")
        return match[1]

    def command(self, text):
        self.socket.sendall(f"${text}#{sum(text.encode()) & 0xFF:02x}".encode())
        return self.packet()

    def monitor(self, text):
        """What QEMU's monitor says to `text`; the stub packs it in several answers, the last of which is OK."""
        answer = self.command(f"qRcmd,{text.encode().hex()}")
        said = b""
        while answer != b"OK":
            require(answer[:1] == b"O", f"the stub refuses {text}: {answer!r}")
            said += bytes.fromhex(answer[1:].decode())
            answer = self.packet()
        return said.decode()

    def await_stop(self):
        told = self.packet()
        require(told[:1] == b"T", f"the stub does not say that the machine has stopped: {told!r}")

    def write_word(self, address, value):
        answer = self.command(f"M{address:x},4:{struct.pack('<I', value).hex()}")
        require(answer == b"OK", f"the stub refuses a write: {answer!r}")

    def go(self):
        self.socket.sendall(b"$c#63")

    def stop(self):
        """The machine stands still when this returns."""
        self.socket.sendall(b"\x03")
        self.await_stop()


GDB_PORT = 25301
UNREAD = [2000, *range(2002, 2017)]  # those of porttest rxports
# Four bursts by porttest's mode, each by the frames' ports: to one port that nobody reads; to many, whose queues hold
# almost half of the frames that are kept ready, and then twice as many as there are.
BURSTS = {"rxburst": [[2000] * 257] * 4, "rxports": [UNREAD[:4] * 15, UNREAD[4:] * 16, UNREAD * 17, UNREAD * 17]}
OVERRUN = 700  # frames: more than any ring holds


def standstill(options):
    """The harts stand still (a debugger, a busy host) while a burst arrives for ports that nobody reads, and one
    datagram behind it for another port: that one must not be lost for the burst's sake. What a ring cannot hold is
    lost, in an e1000, and counted by the card: of all that was sent nothing is unaccounted for."""
    for card in ("e1000", "virtio"):
        peer = Host()
        extra = [*network_options(card, backend=peer.backend()), "-gdb", f"tcp:127.0.0.1:{GDB_PORT}"]
        with trial(
            options.build, options.view, 240, echo_to_stdout, harts=options.smp, append="lab=2025-net", extra=extra
        ) as guest:
            guest.await_prompt()
            works(guest)
            gdb = Gdb(GDB_PORT)
            gdb.go()
            before = counters(guest)
            for mode in BURSTS:
                what = f"bursts while the harts stand still ({mode}, {card})"
                balanced(guest, what, partial(stand_still, guest, peer, gdb, mode))
            sent = sum(len(ports) + 2 for bursts in BURSTS.values() for ports in bursts)  # two frames behind each
            arrived = since(guest, before, sent)
            require(arrived["card_received"] == sent and arrived["card_no_buffer"] == 0, f"lost on {card}: {arrived}")
            overrun(guest, peer, gdb, card)


def since(guest, before, frames):
    """What was counted since `before`, when so many frames have arrived or been lost."""
    deadline = time.monotonic() + 30
    while True:
        now = {name: value - before[name] for name, value in counters(guest).items()}
        if now["card_received"] + now["card_missed"] >= frames or time.monotonic() > deadline:
            return now
        time.sleep(0.2)


def stand_still(guest, peer, gdb, mode):
    def bursts():
        for number, ports in enumerate(BURSTS[mode]):
            burst = [udp_frame(7, port, b"burst %d" % i) for i, port in enumerate(ports)]
            gdb.stop()
            peer.send(*burst, udp_frame(7, 2001, b"one %d" % number))
            time.sleep(0.3)
            gdb.go()
            # What still waits in QEMU when it stops the machine again is lost there.
            require(peer.guest_has_caught_up(number), "the guest does not answer after a burst")
            peer.frames.clear()

    when_waiting(guest, mode, bursts)


def overrun(guest, peer, gdb, card):
    """More than the ring holds, while the harts stand still."""
    before = counters(guest)
    gdb.stop()
    peer.send(*[udp_frame(7, 2000, b"%d" % i) for i in range(OVERRUN)])
    time.sleep(0.3)
    gdb.go()
    arrived = since(guest, before, OVERRUN)
    received, missed = arrived["card_received"], arrived["card_missed"]
    print(f"\n{OVERRUN} frames on {card}: {received} received, {missed} missed", flush=True)
    require(received + missed == OVERRUN, "frames that nobody counted")
    require((missed > 0) == (card == "e1000"), "what the ring does not hold is lost in the e1000 only")


def pull_card(options):
    """Resets the e1000 under a flood, several times. Frames on their way are lost; nothing else is."""
    peer = Host()
    gdb_port = 25300
    with machine(
        options, [*network_options("e1000", backend=peer.backend()), "-gdb", f"tcp:127.0.0.1:{gdb_port}"]
    ) as guest:
        guest.await_prompt()
        works(guest)
        stop = threading.Event()

        def flood():
            frames = [udp_frame(7, 2000, bytes(100)), echo_frame(1, 1, b"payload")] * 10
            while not stop.is_set():
                peer.send(*frames)
                time.sleep(0.001)

        def pulled():
            thread = threading.Thread(target=flood)
            thread.start()
            gdb = Gdb(gdb_port)
            for _ in range(5):
                for register, value in AFTER_RESET.items():
                    gdb.write_word(CARD_REGISTERS + register, value)
                gdb.go()
                time.sleep(1.5)
                gdb.stop()
            gdb.command("Qqemu.PhyMemMode:0")
            gdb.command("D")
            stop.set()
            thread.join()
            time.sleep(2)
            works(guest)

        balanced(guest, "five resets of the card", pulled)
        require(counters(guest)["card_resets"] >= 5, "the driver did not see the resets")


class Devices:
    """QEMU's qtest socket: registers of devices are read and written while the machine runs."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 30
        while self.socket.connect_ex(str(path)) != 0:
            require(time.monotonic() < deadline, "no qtest socket")
            time.sleep(0.1)
        self.stream = self.socket.makefile("r")

    def command(self, text):
        self.socket.sendall(f"{text}\n".encode())
        answer = self.stream.readline()
        require(answer.startswith("OK"), f"qtest: {answer}")

    def read(self, address):
        self.command(f"readl {address:#x}")

    def write(self, address, value):
        self.command(f"writel {address:#x} {value:#x}")


CAUSE, SET_CAUSE, SET_MASK, RECEIVED = 0xC0, 0xC8, 0xD0, 0x80
# A second card in a slot with the first one's interrupt line, whose registers nobody has placed yet. (QEMU's PLIC
# takes a line that stays on for one interrupt, so that it has to be raised again and again.)
RAISED = 1000
# How many of them arrive depends on the host: one that is raised while another is being handled is the same one.
ENOUGH, MOST_ROUNDS = 250, 20
SECOND_SLOT, SECOND_CONFIG, SECOND_REGISTERS = 5, 0x30000000 + (5 << 15), 0x50000000


def storm(options):
    for harts in sorted({1, options.smp}):
        with tempfile.TemporaryDirectory(prefix="bifolium-") as directory:
            storm_on(options, harts, Path(directory) / "qtest")


def storm_on(options, harts, path):
    """Interrupts as fast as they can be raised: by the card that is used, then by one that the kernel does not know."""
    second = ["-netdev", "user,id=net1", "-device", f"e1000,netdev=net1,bus=pcie.0,romfile=,addr={SECOND_SLOT}"]
    extra = [*network_options("e1000", backend=Host().backend()), *second]
    extra += ["-qtest", f"unix:{path},server=on,wait=off", "-qtest-log", "none"]
    with trial(options.build, options.view, 600, echo_to_stdout, harts=harts, extra=extra) as guest:
        guest.await_prompt()
        works(guest)
        devices = Devices(path)
        devices.write(SECOND_CONFIG + 0x10, SECOND_REGISTERS)
        devices.write(SECOND_CONFIG + 4, 6)  # memory and bus master
        devices.write(SECOND_REGISTERS + SET_MASK, RECEIVED)

        def raise_line(registers):
            devices.write(registers + SET_CAUSE, RECEIVED)
            if registers != CARD_REGISTERS:
                devices.read(registers + CAUSE)

        for registers, whose in ((CARD_REGISTERS, "the card's"), (SECOND_REGISTERS, "another card's")):
            before = counters(guest)["card_interrupts"]
            what = f"{whose} interrupts without end on {harts} hart(s)"
            for _ in range(MOST_ROUNDS):
                balanced(guest, what, lambda raised=registers: work_while(guest, lambda: raise_line(raised)))
                seen = counters(guest)["card_interrupts"] - before
                print(f"\n{seen} interrupts", flush=True)
                if seen >= ENOUGH:
                    break
            require(seen >= ENOUGH, "that was no storm")


def work_while(guest, disturb):
    """The shell and the network work while `disturb` is done over and over."""

    def go_on():
        for _ in range(RAISED):
            disturb()

    thread = threading.Thread(target=go_on)
    thread.start()
    while thread.is_alive():
        require("README" in guest.run("ls"), "ls in a storm")
        works(guest)


def odd_machines(options):
    with machine(options, []) as guest:
        guest.await_prompt()
        require("network:" not in guest.text(), "a card where there is none")
        require("no network card" in guest.run("ifstat"), "ifstat without a card")
        require("1 sent, 0 received" in guest.run("ping 10.0.2.2 1"), "ping without a card")
        require("1 sent, 1 received" in guest.run("ping 127.0.0.1 1"), "ping of ourselves without a card")
    second = ["-netdev", "user,id=net1", "-device", "e1000,netdev=net1,bus=pcie.0,romfile="]
    with machine(options, [*network_options("e1000"), *second]) as guest:
        guest.await_prompt()
        require("network: 2 cards; the others are not used" in guest.text(), "two cards: no line")
        require(pinged(guest, 1), "ping with two cards")
    both = ["-netdev", "user,id=net1", "-device", "virtio-net-device,netdev=net1"]
    with machine(options, [*network_options("e1000"), *both]) as guest:
        guest.await_prompt()
        require("network: 2 cards" in guest.text() and "network: e1000, address" in guest.text(), "one of each")
        require(pinged(guest, 1), "ping with one of each")
    with tempfile.TemporaryDirectory(prefix="bifolium-") as directory:
        tree = Path(directory) / "virt.dtb"
        base = [QEMU, "-machine", f"virt,dumpdtb={tree}", "-bios", "none", "-m", "128M", "-smp", str(options.smp)]
        subprocess.run([*base, "-display", "none"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        blob = tree.read_bytes()
        require(b"interrupt-map\0" in blob, "QEMU's tree has another shape")
        tree.write_bytes(blob.replace(b"interrupt-map\0", b"interrupt-mat\0"))
        with machine(options, [*network_options("e1000"), "-dtb", str(tree)]) as guest:
            guest.await_prompt()
            line = "network: e1000: the device tree names no interrupt for it; not used"
            require(line in guest.text(), "a card without interrupt: no line")
            require("no network card" in guest.run("ifstat"), "ifstat of a card without interrupt")
            require("README" in guest.run("ls"), "ls")


CONFIGURATION_SPACE = 0x30000000


def windows(options):
    """The kernel's table of each view has the card's windows, for reading and writing and nothing else, and has none
    where there is no such card."""
    for view in ("shared", "mirrored", "unified"):
        for card in ("e1000", "virtio", None):
            extra = [*(network_options(card) if card else []), "-gdb", f"tcp:127.0.0.1:{GDB_PORT}"]
            with trial(options.build, view, 120, echo_to_stdout, harts=1, extra=extra) as guest:
                guest.await_prompt()
                guest.run("ls")
                gdb = Gdb(GDB_PORT)
                rights = [rights_at(gdb, address) for address in (CONFIGURATION_SPACE, CARD_REGISTERS)]
                gdb.go()
                print(f"\n{view}, {card}: {rights}", flush=True)
                wanted = {"rw-"} if card == "e1000" else set()
                require(all(found == wanted for found in rights), "the windows of the card are not as they should be")
                require("README" in guest.run("ls"), "ls")


def rights_at(gdb, physical):
    """The rights (and U) of all that maps this physical address in the table of the hart that stands still."""
    lines = re.findall(r"^([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) ([-rwxugad]+)", gdb.monitor("info mem"), re.MULTILINE)
    require(lines, "QEMU shows no mapping")
    found = set()
    for _, begin, size, attributes in lines:
        if int(begin, 16) <= physical < int(begin, 16) + int(size, 16):
            found.add(attributes[:3] + ("u" if attributes[3] == "u" else ""))
    return found


PARTS = {
    "e1000": lambda options: besiege(options, "e1000"),
    "virtio": lambda options: besiege(options, "virtio"),
    "standstill": standstill,
    "reset": pull_card,
    "storm": storm,
    "machines": odd_machines,
    "windows": windows,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--view", default="unified")
    parser.add_argument("--smp", type=int, default=3)
    parser.add_argument("--frames", type=int, default=3000, help="damaged ones (default %(default)s)")
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    options = parser.parse_args()
    enter_namespace()
    print(f"seed {SEED}", flush=True)
    for part in options.parts:
        PARTS[part](options)
    return 0


if __name__ == "__main__":
    guarded(main)
