#!/usr/bin/env python3
"""The Makefile as xv6's users and MIT's graders meet it.

A grader runs `make`, then `make qemu-gdb` for each case: it waits for a line on the console, connects to the port that
`make print-gdbport` names, may set a breakpoint at a symbol of kernel/kernel.sym, continues, and types a line of its
script each time the console shows `$ `. The tests do the same in a copy of the sources which shares the build tree.
"""

import os
import pty
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAKE = ["make", "-s", "--no-print-directory"]
PRODUCTS = ("kernel/kernel", "kernel/kernel.sym", "fs.img")
NOT_COPIED = shutil.ignore_patterns("build", ".git", "node_modules", "__pycache__", ".gdbinit", "fs.img*", "kernel.sym")
# Seconds that a loaded machine may need for a step that takes one.
PATIENCE = 120


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

    def sources_of(self, addresses):
        tool = shutil.which("riscv64-linux-gnu-addr2line") or shutil.which("llvm-addr2line-19")
        kernel = self.directory / "kernel" / "kernel"
        return subprocess.check_output([tool, "-e", kernel, *map(hex, addresses)], text=True).splitlines()

    def test_products(self):
        for product in PRODUCTS:
            self.assertTrue((self.directory / product).is_file(), product)
        for line in (self.directory / "kernel" / "kernel.sym").read_text().splitlines():
            self.assertRegex(line, r"^[0-9a-f]{16} \S")
        symbols = self.symbols()
        sources = self.sources_of([symbols["sys_sleep"], symbols["sys_pause"]])
        self.assertTrue(all("sysproc.c" in source for source in sources), sources)

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
        sources = self.sources_of([int(address, 16) for address in addresses])
        for source, wanted in zip(sources, ("sysproc.c", "syscall.c", "trap.c")):
            self.assertIn(wanted, source)

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
            self.assertIn(" 1 harts,", console)
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
            if re.search(r"(?m)^\$ \Z", console):
                return console
        raise AssertionError(f"no prompt within {PATIENCE} s:\n{console}")

    def test_without_a_grader(self):
        done = subprocess.run(["make", "grade", "LAB=none"], cwd=self.directory, capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("grade-lab-none", done.stdout.replace("NAME", "none"))

    def test_zz_clean_takes_everything_away(self):
        subprocess.run([*MAKE, "clean"], cwd=self.directory, env=self.environment, check=True)
        for product in (*PRODUCTS, "build", ".gdbinit", ".fs.img.made-from"):
            self.assertFalse(os.path.lexists(self.directory / product), product)


if __name__ == "__main__":
    sys.exit(unittest.main())
