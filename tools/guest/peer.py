# SPDX-License-Identifier: MIT
"""The other side of the guest's network: servers on the host for QEMU's user network, and a peer that speaks raw
Ethernet over a QEMU socket network. In a network namespace of its own, so that the tests of several users or builds
never meet, and so that 8.8.8.8 is this machine."""

import os
import socket
import struct
import subprocess
import sys
import threading

SKIPPED = 77  # the exit status that ctest takes for "could not be tried here"
DISCARD = 9  # RFC 863: what comes there is not answered
DNS_ADDRESS = "8.8.8.8"
INSIDE = "BIFOLIUM_NET_NAMESPACE"


def enter_namespace():
    """Runs this program again in a network namespace where 8.8.8.8 lies on the loopback interface. In a container
    without the right to make one it ends as skipped."""
    if os.environ.get(INSIDE):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "addr", "add", f"{DNS_ADDRESS}/32", "dev", "lo"], check=True)
        return
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode != 0:
        print("this machine lets nobody make a network namespace (unshare -rn): skipped", flush=True)
        sys.exit(SKIPPED)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "-rn", sys.executable, *sys.argv])


class UdpServer:
    """Answers each datagram with answer(datagram), None for no answer; keeps what came. Ends with its block."""

    def __init__(self, port, answer, address="127.0.0.1"):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # A host that is slow must not lose what the guest is judged by. (The system grants what its limit allows.)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind((address, port))
        self.answer = answer
        self.received = []
        self.count = 0
        self.ended = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()

    def _serve(self):
        while True:
            data, sender = self.socket.recvfrom(65536)
            if self.ended:
                return
            self.count += 1
            if len(self.received) < 10000:
                self.received.append(data)
            reply = self.answer(data)
            if reply is not None:
                self.socket.sendto(reply, sender)


def dns_answer(question):
    """The answer to a question for one address; an EDNS record behind the question is passed over."""
    end = question.index(b"\0", 12) + 5
    header = question[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0)
    record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton("128.52.129.126")
    return header + question[12:end] + record


# --- raw Ethernet, for a `-netdev socket` whose other end we are ---

GUEST_MAC = bytes.fromhex("525400123456")
OUR_MAC = bytes.fromhex("020000000002")
GUEST, US = socket.inet_aton("10.0.2.15"), socket.inet_aton("10.0.2.2")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_frame(protocol, rest, source=US, target=GUEST, to=GUEST_MAC, fragment=0):
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(rest), 0, fragment, 64, protocol, 0, source, target)
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    return to + OUR_MAC + b"\x08\x00" + header + rest


def udp_frame(source_port, port, payload, **way):
    return ip_frame(17, struct.pack(">HHHH", source_port, port, 8 + len(payload), 0) + payload, **way)


def echo_frame(identifier, sequence, payload, kind=8):
    message = struct.pack(">BBHHH", kind, 0, 0, identifier, sequence) + payload
    return ip_frame(1, message[:2] + struct.pack(">H", checksum(message)) + message[4:])


def arp_frame(operation, sender=US, target=GUEST, to=b"\xff" * 6):
    body = struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + OUR_MAC + sender + b"\0" * 6 + target
    return (to + OUR_MAC + b"\x08\x06" + body).ljust(60, b"\0")


class RawPeer:
    """The other end of QEMU's `-netdev socket`; each frame goes behind four bytes of length."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connection = None
        self.frames = []
        self.handler = self.answer
        self.ready = threading.Event()
        self.lock = threading.Lock()
        threading.Thread(target=self._serve, daemon=True).start()

    def backend(self):
        return f"socket,connect=127.0.0.1:{self.port}"

    def send(self, *frames):
        self.ready.wait(60)
        data = b"".join(struct.pack(">I", len(frame)) + frame for frame in frames)
        with self.lock:
            self.connection.sendall(data)

    def _serve(self):
        self.connection = self.listener.accept()[0]
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ready.set()
        stream = self.connection.makefile("rb")
        while header := stream.read(4):
            self.handler(stream.read(struct.unpack(">I", header)[0]))

    def answer(self, frame):
        """What a well-behaved host does: answers ARP, sends UDP datagrams back, keeps the rest."""
        if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\x00\x01" and frame[38:42] == US:
            self.send(arp_frame(2, target=GUEST, to=GUEST_MAC))
        elif frame[12:14] == b"\x08\x00" and frame[23] == 17:
            length = struct.unpack(">H", frame[38:40])[0]
            source_port, port = struct.unpack(">HH", frame[34:38])
            if port == DISCARD:
                return
            self.send(udp_frame(port, source_port, frame[42 : 34 + length]))
        else:
            self.frames.append(frame)
