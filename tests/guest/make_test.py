#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Makefile as xv6's users and MIT's graders meet it.

A grader runs `make`, then `make qemu-gdb` for each case: it waits for a line on the console, connects to the port that
`make print-gdbport` names, may set a breakpoint at a symbol of kernel/kernel.sym, continues, and types a line of its
script each time the console shows `$ `. The tests do the same in a copy of the sources which shares the build tree.
A backtrace's addresses are looked up as the graders do it: each in a call of addr2line of its own. xv6's crash tests
kill the process under `make qemu` and boot what it left.

BIFOLIUM_EVERY_SYMBOL=1: not every eighth function of the kernel is looked up, but each.
"""

import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from build import build  # noqa: E402

MAKE = ["make", "-s", "--no-print-directory"]
TOOLS = ("riscv64-linux-gnu-addr2line", "llvm-addr2line-19")
PRODUCTS = ("kernel/kernel", "kernel/kernel.sym", "fs.img")
NOT_COPIED = shutil.ignore_patterns("build", ".git", "node_modules", "__pycache__", ".gdbinit", "fs.img*", "kernel.sym")
# Seconds that a loaded machine may need for a step that takes one.
PATIENCE = 120
AT_PROMPT = r"(?m)^\$ \Z"


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


class Stub:
    """The least that a debugger can be: sets a breakpoint, continues, learns that it was hit."""

    def __init__(self, port, patience):
        give_up = time.monotonic() + patience
        while True:
            try:
                self.socket = socket.create_connection(("localhost", port), timeout=1)
                break
            except OSError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.05)
        self.received = ""

    def send(self, command):
        self.socket.sendall(f"${command}#{sum(command.encode()) % 256:02x}".encode())

    def stopped(self):
        """Reads what is there; True if a stop at a breakpoint is among it."""
        self.received += self.socket.recv(4096).decode("ascii", "replace")
        return re.search(r"\$T05[^#]*#[0-9a-f]{2}", self.received) is not None


class Case:
    """One boot under `make qemu-gdb`; `console` is what it showed, `hit` whether the breakpoint was reached."""

    def __init__(self, directory, environment, script, breakpoint_at=None, arguments=()):
        port = int(subprocess.check_output([*MAKE, "print-gdbport"], cwd=directory, env=environment))
        self.console, self.hit = "", False
        self.make = subprocess.Popen(
            [*MAKE, "qemu-gdb", *arguments],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            stub = self._connect(port)
            if breakpoint_at is not None:
                stub.send(f"Z1,{breakpoint_at:x},1")
            stub.send("c")
            self._play(stub, list(script))
        finally:
            self._end()
            stub.socket.close()

    def _read(self):
        data = os.read(self.make.stdout.fileno(), 4096).decode("utf-8", "replace").replace("\r", "")
        self.console += data
        return data

    def _connect(self, port):
        """A line on the console means that it is worth trying."""
        while True:
            data = self._read()
            if not data:
                raise AssertionError(f"make qemu-gdb ended:\n{self.console}")
            if "\n" in data:
                try:
                    return Stub(port, 2)
                except OSError:
                    pass

    def _play(self, stub, script):
        give_up, unanswered = time.monotonic() + PATIENCE, ""
        while time.monotonic() < give_up:
            ready, _, _ = select.select([self.make.stdout, stub.socket], [], [], 1)
            if stub.socket in ready and stub.stopped():
                self.hit = True
                return
            if self.make.stdout in ready:
                data = self._read()
                if not data:
                    raise AssertionError(f"the machine ended:\n{self.console}")
                unanswered += data
                if "$ " in unanswered:
                    unanswered = ""
                    if not script:
                        return
                    self.make.stdin.write(script.pop(0).encode() + b"\n")
                    self.make.stdin.flush()
        raise AssertionError(f"no prompt within {PATIENCE} s:\n{self.console}")

    def _end(self):
        """A grader ends make, and make has to take QEMU with it: its end of the console is closed then."""
        self.make.terminate()
        ready = True
        while ready and self._pending():
            ready = bool(self._read())
        self.make.stdin.close()
        self.make.stdout.close()
        self.make.wait(10)

    def _pending(self):
        if not select.select([self.make.stdout], [], [], 10)[0]:
            raise AssertionError("the machine lives on after make was ended")
        return True


class Make(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="bifolium-")
        cls.directory = Path(cls.temporary.name) / "checkout"
        # Made here and not by the copy's make, whose sources are gone after the test.
        build("no-lto", ["kernel-shared"])
        build("release", ["image"])
        shutil.copytree(ROOT, cls.directory, symlinks=True, ignore=NOT_COPIED)
        (cls.directory / "kernel" / "kernel").unlink(missing_ok=True)
        (cls.directory / "build").symlink_to(ROOT / "build")
        cls.environment = dict(os.environ, GDBPORT=str(free_port()))
        # ctest may itself run under make, whose flags are not meant for this one.
        cls.environment.pop("MAKEFLAGS", None)
        subprocess.run(["make"], cwd=cls.directory, env=cls.environment, check=True)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def play(self, *script, **more):
        return Case(self.directory, self.environment, script, **more)

    def symbols(self):
        lines = (self.directory / "kernel" / "kernel.sym").read_text().splitlines()
        return {line[17:]: int(line[:16], 16) for line in lines}

    def source_of(self, address, tool=None, inlined=None):
        """One address, one call: what a tool learns on the way to one address could hide that it misses another."""
        tool = tool or shutil.which(TOOLS[0]) or TOOLS[1]
        kernel = self.directory / "kernel" / "kernel"
        command = [tool, *filter(None, [inlined]), "-e", kernel, hex(address)]
        return subprocess.check_output(command, text=True).strip()

    def functions(self):
        """{address: name}. Marks of the linker script stand between functions, the last one behind them all."""
        marks = set(re.findall(r"(\w+) = \.", (ROOT / "kernel/arch/riscv64/kernel.ld.in").read_text()))
        listing = subprocess.check_output(["llvm-nm-19", self.directory / "kernel" / "kernel"], text=True)
        found = (line.split(maxsplit=2) for line in listing.splitlines())
        text = {int(address, 16): name for address, kind, name in found if kind in "tTwW" and name not in marks}
        return {address: name for address, name in sorted(text.items()) if not name.startswith((".L", "$"))}

    def test_products(self):
        for product in PRODUCTS:
            self.assertTrue((self.directory / product).is_file(), product)
        for line in (self.directory / "kernel" / "kernel.sym").read_text().splitlines():
            self.assertRegex(line, r"^[0-9a-f]{16} \S")
        symbols = self.symbols()
        for name in ("sys_sleep", "sys_pause"):
            # The first instruction may be of a function that is compiled into this one.
            self.assertIn("sysproc.c", self.source_of(symbols[name], inlined="-i"))

    def test_each_function_is_found_alone(self):
        functions = self.functions()
        self.assertGreater(len(functions), 300)
        # Such a function makes and ends a file's objects, is in no source, and runs before the kernel has memory.
        self.assertEqual([name for name in functions.values() if name.startswith("_GLOBAL__")], [])
        step = 1 if os.environ.get("BIFOLIUM_EVERY_SYMBOL") else 8
        tools = [tool for tool in TOOLS if shutil.which(tool)]
        self.assertTrue(tools)
        for address, name in [*functions.items()][::step]:
            for tool in tools:
                source = self.source_of(address, tool)
                self.assertRegex(source, r"/(kernel|sv39|lib\w*|include)/\S+:\d+", f"{tool} on {name} at {address:#x}")

    def test_port_is_the_users_own(self):
        plain = {name: value for name, value in self.environment.items() if name != "GDBPORT"}
        said = subprocess.check_output([*MAKE, "print-gdbport"], cwd=self.directory, env=plain, text=True)
        self.assertEqual(said, f"{os.getuid() % 5000 + 25000}\n")

    def test_script_is_typed_at_the_prompts(self):
        case = self.play("echo kept > kept", "echo hello | wc", "cat kept")
        self.assertIn("\n1 1 6", case.console)
        self.assertRegex(case.console, r"(?m)^kept$")
        self.assertFalse(case.hit)
        # fs.img is kept between runs.
        self.assertRegex(self.play("cat kept").console, r"(?m)^kept$")

    def test_sleep_hits_sys_sleep_until_2024(self):
        case = self.play(
            "sleep 10", "echo FAIL", breakpoint_at=self.symbols()["sys_sleep"], arguments=["APPEND=lab=2023-util"]
        )
        self.assertTrue(case.hit, case.console)
        self.assertRegex(case.console, r"(?m)^\$ sleep 10")
        self.assertNotIn("FAIL", case.console)

    def test_sleep_hits_sys_pause_in_2025(self):
        """The image that make builds has the log of 2025, which tells the kernel the year."""
        case = self.play("sleep 10", "echo FAIL", breakpoint_at=self.symbols()["sys_pause"])
        self.assertTrue(case.hit, case.console)
        self.assertNotIn("FAIL", case.console)

    def test_backtrace_is_found_in_the_sources(self):
        program = self.directory / "bttest"
        source = ROOT / "tests" / "guest" / "xv6cc" / "bttest.c"
        image = self.directory / "fs.img"
        subprocess.run(
            [ROOT / "tools" / "xv6cc", "--output", program.parent, "--image", image, source], check=True
        )
        case = self.play("bttest")
        addresses = re.findall(r"(?m)^(0x000000008[0-9a-f]+)", case.console)
        self.assertEqual(len(addresses), 3, case.console)
        for address, wanted in zip(addresses, ("sysproc.c", "syscall.c", "trap.c")):
            for tool in filter(shutil.which, TOOLS):
                self.assertIn(wanted, self.source_of(int(address, 16), tool))

    def test_harts_follow_the_lab(self):
        cases = (([], 3), (["LAB=fs"], 1), (["LAB=lock"], 4), (["LAB=util"], 3), (["LAB=fs", "CPUS=2"], 2))
        for arguments, harts in cases:
            said = subprocess.check_output([*MAKE, "-n", "qemu", *arguments], cwd=self.directory, text=True)
            self.assertIn(f"--smp {harts} ", said)

    def test_net_lab_has_a_card(self):
        """And its traffic is in packets.pcap, as MIT's Makefile has it."""
        with self.machine("LAB=net") as make:
            console = self.until(make, AT_PROMPT)
            self.assertRegex(console, r"(?m)^network: e1000, address 52:54:00:12:34:56")
            make.stdin.write(b"ping 10.0.2.2 20\n")  # a second each
            self.until(make, r"64 bytes from 10\.0\.2\.2")
        capture = (self.directory / "packets.pcap").read_bytes()
        self.assertEqual(capture[:4], b"\xd4\xc3\xb2\xa1")
        self.assertGreater(len(capture), 24)

    def test_image_of_somebody_else_stays(self):
        """Whatever way it came in the place of one that make had made, and whatever was recorded of that one."""
        image = self.directory / "fs.img"
        ours = image.read_bytes()
        theirs = bytes(1024) + ours[1024:]
        try:
            for stale_record in (False, True):
                image.write_bytes(theirs)
                record = self.directory / ".fs.img.made-from"
                if stale_record:
                    record.write_text("0" * 64)
                subprocess.run([*MAKE, "fs.img"], cwd=self.directory, env=self.environment, check=True)
                self.assertEqual(image.read_bytes(), theirs)
                self.assertFalse((self.directory / "fs.img.old").exists())
                record.unlink(missing_ok=True)
            # One that make made is made anew when the programs change, and the one before is kept.
            at = ours.index(b"from ") + len(b"from ")
            image.write_bytes(ours[:at] + b"0" * 64 + ours[at + 64 :])
            subprocess.run([*MAKE, "fs.img"], cwd=self.directory, env=self.environment, check=True)
            self.assertEqual(image.read_bytes()[: at + 64], ours[: at + 64])
            self.assertTrue((self.directory / "fs.img.old").exists())
        finally:
            image.write_bytes(ours)
            (self.directory / "fs.img.old").unlink(missing_ok=True)

    def crash(self, command, until):
        """xv6's crash tests: a fresh image, a command typed at `make qemu`, and the process under make killed, some
        seconds later or when the console says `until`."""
        (self.directory / "fs.img").unlink()
        subprocess.run([*MAKE, "fs.img"], cwd=self.directory, env=self.environment, check=True)
        with self.machine() as make:
            self.until(make, AT_PROMPT)
            make.stdin.write(command.encode() + b"\n")
            if isinstance(until, str):
                self.until(make, until)
            else:
                time.sleep(until)
            self.kill_child_of(make.pid)

    def kill_child_of(self, pid):
        children = subprocess.check_output(["ps", "-opid", "--no-headers", "--ppid", str(pid)], text=True).split()
        self.assertEqual(len(children), 1)
        name = Path(f"/proc/{children[0]}/comm").read_text()
        self.assertIn("qemu", name)
        os.kill(int(children[0]), signal.SIGKILL)

    @contextmanager
    def machine(self, *arguments):
        make = subprocess.Popen(
            ["make", "qemu", *arguments],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )
        try:
            yield make
        finally:
            make.terminate()
            make.wait(10)
            make.stdin.close()
            make.stdout.close()

    def until(self, make, pattern):
        give_up, console = time.monotonic() + PATIENCE, ""
        while time.monotonic() < give_up:
            if select.select([make.stdout], [], [], 1)[0]:
                data = os.read(make.stdout.fileno(), 4096)
                if not data:
                    raise AssertionError(f"the machine ended:\n{console}")
                console += data.decode("utf-8", "replace").replace("\r", "")
            if re.search(pattern, console):
                return console
        raise AssertionError(f"no {pattern} within {PATIENCE} s:\n{console}")

    def test_crash_leaves_a_log_to_recover(self):
        """A busy machine needs longer to come to its sixth file: the next try gives it more."""
        for seconds in range(2, 12):
            self.crash("logstress f0 f1 f2 f3 f4 f5", seconds)
            with self.machine() as make:
                console = self.until(make, AT_PROMPT)
                # How the typed line is echoed depends on whether the shell reads already: what follows is looked at.
                make.stdin.write(b"ls\n")
                files = self.until(make, r"(?m)^console .*\n(.*\n)*\$ \Z")
                if re.search(r"(?m)^recovering", console) and re.search(r"(?m)^f5 ", files):
                    return
        self.fail("no boot had a log to recover")

    def test_crash_leaves_an_orphan_to_take_back(self):
        for command in ("forphan", "dorphan"):
            self.crash(command, r"(?m)^wait")
            with self.machine() as make:
                self.assertRegex(self.until(make, AT_PROMPT), r"(?m)^ireclaim: orphaned inode \d+")

    def test_terminal_one_hart_and_the_way_out(self):
        """`make qemu CPUS=1` on a terminal: typed at, left by Ctrl-a x, and the terminal as it was."""
        master, terminal = pty.openpty()
        before = termios.tcgetattr(terminal)
        make = subprocess.Popen(
            ["make", "qemu", "CPUS=1"],
            cwd=self.directory,
            env=self.environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        try:
            console = self.until_prompt(master)
            self.assertIn(" 1 hart,", console)
            os.write(master, b"echo typ0\x7fed\n")
            self.assertRegex(self.until_prompt(master), r"(?m)^typed")
            os.write(master, b"\x01x")
            self.assertEqual(make.wait(PATIENCE), 0)
        finally:
            make.kill()
        self.assertEqual(termios.tcgetattr(terminal), before)
        os.close(master)
        os.close(terminal)

    def until_prompt(self, terminal):
        give_up, console = time.monotonic() + PATIENCE, ""
        while time.monotonic() < give_up:
            if select.select([terminal], [], [], 1)[0]:
                console += os.read(terminal, 4096).decode("utf-8", "replace").replace("\r", "")
            if re.search(AT_PROMPT, console):
                return console
        raise AssertionError(f"no prompt within {PATIENCE} s:\n{console}")

    def test_without_a_grader(self):
        done = subprocess.run(["make", "grade", "LAB=none"], cwd=self.directory, capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("grade-lab-none", done.stdout.replace("NAME", "none"))

    def test_zz_clean_takes_everything_away(self):
        subprocess.run([*MAKE, "clean"], cwd=self.directory, env=self.environment, check=True)
        for product in (*PRODUCTS, "build", ".gdbinit"):
            self.assertFalse(os.path.lexists(self.directory / product), product)


if __name__ == "__main__":
    sys.exit(unittest.main())
