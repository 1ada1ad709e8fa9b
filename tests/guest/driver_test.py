#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of the console driver that need no machine: a shell script plays the guest."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools" / "guest"
sys.path.insert(0, str(TOOLS))

import build as build_module  # noqa: E402
import packages  # noqa: E402
import toolchain  # noqa: E402
from console import Guest, GuestFailure, split_commands  # noqa: E402
from machine import Machine, choose_cache, parse_harts, parse_memory, require_free_port  # noqa: E402
from report import Failure  # noqa: E402
from symbols import make_table, short_name  # noqa: E402
from version import version  # noqa: E402


def guest(script, timeout=5.0):
    return Guest(["sh", "-c", script], timeout)


# Echoes each line as a console does, then behaves as the line says.
SHELL = r"""
printf 'booting\n$ '
while read -r line; do
  printf '%s\n' "$line"
  case "$line" in
    panic) printf 'some text\nkernel panic: it broke\nbacktrace: here\n'; sleep 30 ;;
    quoted) printf 'it said: kernel panic: not really\n' ;;
    hang) sleep 30 ;;
    off) exit 0 ;;
    crash) exit 7 ;;
    dollars) printf 'costs 5$ or so\n'; printf '$ is money\n' ;;
    unfinished) printf 'no newline' ;;
  esac
  printf '$ '
done
"""


class SplitCommands(unittest.TestCase):
    def test_plain(self):
        self.assertEqual(split_commands("ls; echo hello | wc; cat README"), ["ls", "echo hello | wc", "cat README"])

    def test_quotes_and_parentheses_hold_together(self):
        typed = 'echo "a;b"; (echo 1 ; echo 2) | wc; ls'
        self.assertEqual(split_commands(typed), ['echo "a;b"', "(echo 1 ; echo 2) | wc", "ls"])

    def test_empty_ones_are_dropped(self):
        self.assertEqual(split_commands(" ;; ls ; "), ["ls"])


class Console(unittest.TestCase):
    def test_every_command_comes_back(self):
        with guest(SHELL) as machine:
            machine.await_prompt()
            self.assertEqual(machine.run("one"), "one\n$ ")
            self.assertEqual(machine.run("unfinished"), "unfinished\nno newline$ ")

    def test_dollar_sign_in_output_is_not_a_prompt(self):
        with guest(SHELL) as machine:
            machine.await_prompt()
            self.assertTrue(machine.run("dollars").endswith("$ is money\n$ "))

    def failure_of(self, command, timeout=5.0):
        with guest(SHELL, timeout) as machine:
            machine.await_prompt()
            with self.assertRaises(GuestFailure) as caught:
                machine.run(command)
            return caught.exception, machine.text()

    def test_panic_is_told_with_its_cause_and_the_report_is_read_to_its_end(self):
        failure, text = self.failure_of("panic")
        self.assertEqual(str(failure), "kernel panic: it broke (during 'panic')")
        self.assertIn("backtrace: here", text)
        self.assertEqual(failure.status, 1)

    def test_panic_in_the_middle_of_a_line_is_only_text(self):
        with guest(SHELL) as machine:
            machine.await_prompt()
            machine.run("quoted")

    def test_time_out_names_the_command(self):
        failure, _ = self.failure_of("hang", 1.0)
        self.assertIn("'hang'", str(failure))
        self.assertEqual(failure.status, 124)

    def test_power_off_and_crash(self):
        self.assertIn("powered off", str(self.failure_of("off")[0]))
        self.assertIn("status 7", str(self.failure_of("crash")[0]))


class Version(unittest.TestCase):
    def test_is_the_number_of_the_build_and_of_the_newest_change(self):
        self.assertRegex(version(), r"^\d+\.\d+\.\d+( \(commit [0-9a-f]{7,}(, changed)?\))?$")
        newest = re.search(r"(?m)^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text())[1]
        self.assertEqual(version().split()[0], newest)


class Options(unittest.TestCase):
    def test_memory(self):
        self.assertEqual(parse_memory("128M"), 128 << 20)
        self.assertEqual(parse_memory("8g"), 8 << 30)
        for wrong in ("31M", "9G", "", "x", "-1", "1.5G"):
            with self.assertRaises(Failure):
                parse_memory(wrong)

    def test_harts(self):
        self.assertEqual(parse_harts("8"), 8)
        for wrong in ("0", "9", "two", "-1", ""):
            with self.assertRaises(Failure):
                parse_harts(wrong)


class Disk(unittest.TestCase):
    def drive(self, **how):
        command = Machine(kernel=Path("k"), image=Path("i"), cache=choose_cache(**how)).command(interactive=False)
        return command[command.index("-drive") + 1]

    def test_an_own_image_is_safe_unless_asked_for_speed(self):
        self.assertIn("cache=writeback", self.drive(own_image=True, snapshot=False, fast=False))
        self.assertIn("cache=unsafe", self.drive(own_image=True, snapshot=False, fast=True))
        self.assertIn("cache=unsafe", self.drive(own_image=True, snapshot=True, fast=False))
        self.assertIn("cache=unsafe", self.drive(own_image=False, snapshot=False, fast=False))

    def test_help_tells_the_risk(self):
        text = subprocess.run([sys.executable, str(TOOLS / "run.py"), "--help"], capture_output=True, text=True).stdout
        self.assertRegex(" ".join(text.split()), r"--fast-disk .*loses power, the image may be damaged")


class Symbols(unittest.TestCase):
    def test_names_lose_their_parameters(self):
        self.assertEqual(short_name("mm::AddressSpace::fault(sv39::VirtAddr, mm::Access)"), "mm::AddressSpace::fault")
        self.assertEqual(short_name("sys_sleep"), "sys_sleep")
        self.assertEqual(short_name("(anonymous namespace)::helper(void (*)(int))"), "helper")

    def test_table_is_sorted_and_relative(self):
        table = make_table(["0000000080000010 T b()", "0000000080000000 T a", "0000000080000020 D data"], 0x80000000)
        self.assertEqual(table, bytes([2, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 16, 0, 0, 0, 22, 0, 0, 0]) + b"a\0b\0")


# An apt-get that finds the lock taken twice, then does its work.
LOCKED_APT = """#!/bin/sh
echo "$@" >> "$HOME/asked"
if [ "$(wc -l < "$HOME/asked")" -lt 3 ]; then
  echo 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (unattended-upgr)'
  exit 100
fi
"""


class SetUp(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="bifolium-")
        self.directory = Path(self.temporary.name)

    def tearDown(self):
        self.temporary.cleanup()

    def test_another_apt_is_waited_for(self):
        apt = self.directory / "apt-get"
        apt.write_text(LOCKED_APT)
        apt.chmod(0o755)
        said = []
        path = f"{self.directory}:{os.environ['PATH']}"
        with mock.patch.dict(os.environ, PATH=path, HOME=str(self.directory)), mock.patch.object(
            packages, "say", said.append
        ), mock.patch.object(packages, "_LOCK_PAUSE", 0.01):
            done, _ = packages._apt(["apt-get", "install", "x"])
        self.assertTrue(done)
        self.assertEqual(len((self.directory / "asked").read_text().splitlines()), 3)
        self.assertEqual(len(said), 1)
        self.assertIn("unattended-upgr, process 4711", said[0])

    def test_package_names_of_other_systems(self):
        offered = {"clang-20", "libstdc++-14-dev-riscv64-cross", "libstdc++-14-dev", "qemu-system-riscv"}
        toolchain.forget()
        with mock.patch.object(toolchain, "offers", lambda name: name in offered), mock.patch.object(
            toolchain.shutil, "which", lambda name: None
        ), mock.patch.object(toolchain, "CROSS_GCC", self.directory), mock.patch.object(
            toolchain.Path, "exists", lambda path: False
        ):
            names = {name: toolchain.local_name(name) for name in ("lld-19", "libclang-rt-19-dev", "qemu-system-misc",
                     "libstdc++-12-dev", "libstdc++-12-dev-riscv64-cross", "g++-12-riscv64-linux-gnu", "cmake")}
            definitions = toolchain.compiler_definitions()
        for question in (toolchain.llvm_version, toolchain.gcc_version, toolchain.host_gcc_version):
            question.cache_clear()
        self.assertEqual(list(names.values()), ["lld-20", "libclang-rt-20-dev", "qemu-system-riscv", "libstdc++-14-dev",
                         "libstdc++-14-dev-riscv64-cross", "g++-14-riscv64-linux-gnu", "cmake"])
        self.assertEqual(definitions, ["CMAKE_C_COMPILER=clang-20", "CMAKE_CXX_COMPILER=clang++-20"])

    def test_taken_port_says_how_to_choose_another(self):
        with socket.socket() as taken:
            taken.bind(("0.0.0.0", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with self.assertRaisesRegex(Failure, f"port {port} is taken.*GDBPORT={port + 1}"):
                require_free_port(port)
        require_free_port(port)

    def test_copied_tree_is_known_and_a_linked_one_is_meant(self):
        with mock.patch.object(build_module, "ROOT", self.directory.resolve()):
            tree = self.directory / "build" / "release"
            tree.mkdir(parents=True)
            self.assertFalse(build_module.is_of_another_checkout(tree))
            cache = tree / "CMakeCache.txt"
            cache.write_text(f"CMAKE_HOME_DIRECTORY:INTERNAL={self.directory.resolve()}\n")
            self.assertFalse(build_module.is_of_another_checkout(tree))
            cache.write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/somewhere/else\n")
            self.assertTrue(build_module.is_of_another_checkout(tree))
            with tempfile.TemporaryDirectory() as elsewhere:
                linked = Path(elsewhere) / "release"
                tree.rename(linked)
                tree.symlink_to(linked)
                self.assertFalse(build_module.is_of_another_checkout(tree))


if __name__ == "__main__":
    unittest.main()
