# SPDX-License-Identifier: MIT
"""foliowalk on guests of Vellum: recorded runs at exact moments, blame, when and back, and a machine that runs.

usage: vellum_test.py FOLIOWALK VELLUM
The guest is tests/guests/minimal, whose tasks map heap pages and free them all the time, and which never ends.
"""

import functools
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from guests import ROOT, run_tests

FOLIOWALK, VELLUM = sys.argv[1:3]
LENGTH = 10_000_000
HEAP = 0x5000_0000


def run(*command, status=0):
    result = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    output = (result.stdout + result.stderr).decode()
    assert result.returncode == status, f"{command}: status {result.returncode}, not {status}\n{output}"
    return output


class Run:
    """A recorded run of the minimal guest."""

    def __init__(self, directory):
        self.directory = directory
        subprocess.run([ROOT / "tests/guests/minimal/build", directory], check=True)
        self.kernel, self.file = directory / "minimal", directory / "recording"
        run(VELLUM, self.kernel, "--smp", "2", "--record", self.file, "--until", LENGTH, status=124)

    def walk(self, *arguments, status=0):
        return run(FOLIOWALK, "--vellum", self.file, *arguments, status=status)

    def json(self, *arguments):
        return json.loads(self.walk("--json", *arguments))


def every_command_at_one_moment():
    assert "kernel" in RUN.walk("ps")
    spaces = RUN.json("--at", "5000000", "ps")["spaces"]
    assert spaces == RUN.json("--at", "5000000", "ps")["spaces"], "a moment is not one"
    assert len(spaces) > 60, spaces
    for command in (["map", "3"], ["tree", "3"], ["explain", "3", "0x40000000"], ["diff", "3", "4"],
                    ["frame", "0x81000000"]):  # fmt: skip
        assert RUN.walk("--at", "5000000", *command).strip(), command
    assert "0 faults" in RUN.walk("lint")


def memory_is_the_machines():
    dump = RUN.directory / "dump"
    run(VELLUM, "--replay", RUN.file, "--dump", dump, status=124)
    there = json.loads(run(FOLIOWALK, "--ram", dump, "--kernel", RUN.kernel, "--json", "map", "9"))["ranges"]
    assert RUN.json("map", "9")["ranges"] == there != []


@functools.cache
def task_that_works():
    """A space whose first heap page has changed."""
    for number in range(1, 12):
        changes = RUN.json("when", number, hex(HEAP))
        if len(changes) >= 4:
            return number, changes
    raise AssertionError("no task has mapped its heap and freed it twice")


def looking_back():
    task, changes = task_that_works()
    for change, what in zip(changes[-2:], [c["what"] for c in changes[-2:]]):
        assert change["function"] and ":" in change["line"] and change["callers"] is not None, change
        before = RUN.json("--at", change["at"], "explain", task, hex(HEAP))
        after = RUN.json("--at", int(change["at"]) + 1, "explain", task, hex(HEAP))
        assert before != after, change
        mapped = "mapped to" in what
        assert mapped != ("no longer mapped" in what), what
    kinds = ["mapped to" in change["what"] for change in changes]
    assert all(one != other for one, other in zip(kinds, kinds[1:])), f"mapped twice, or freed twice: {changes}"
    text = RUN.walk("when", task, hex(HEAP))
    assert text.count("--at ") == len(changes) and "called from" in text, text
    # back leads to where when says, and the two are the same in a later look.
    for number in (1, 2):
        moment = RUN.walk("back", task, hex(HEAP), "--change", number).split()
        assert moment == ["--at", changes[-number]["at"]], moment
    RUN.walk("back", task, hex(HEAP), "--change", 100000, status=2)
    earlier = RUN.json("--at", changes[-2]["at"], "when", task, hex(HEAP))
    assert earlier == changes[:-2], "the past looks different from an earlier moment"


def blame_names_what_stands_there():
    task, changes = task_that_works()
    mapped = next(change for change in reversed(changes) if "mapped to" in change["what"][:9])
    moment = int(mapped["at"]) + 1
    way = RUN.json("--at", moment, "blame", task, hex(HEAP))
    assert [entry["level"] for entry in way] == [2, 1, 0], way
    for entry in way:
        assert entry["stores"][0]["new"] == entry["value"], entry
    assert way[-1]["stores"][0]["instruction"] == moment, way[-1]
    assert "level 0: the entry at" in RUN.walk("--at", moment, "blame", task, hex(HEAP))
    assert "the table of hart 0" in RUN.walk("blame", hex(HEAP))


def occasions():
    assert "no page table" in RUN.walk("--until", "satp", "ps", status=2)  # before it is in use
    RUN.walk("--at", "3000000", "--until", "page-fault", "ps")
    assert "the run ends before" in RUN.walk("--until", "finding", "ps", status=2)
    assert "no function nonesuch" in RUN.walk("--until", "return:nonesuch", "ps", status=2)


def wrong_wishes():
    assert "the run ends at" in RUN.walk("--at", LENGTH * 10, "ps", status=2)
    assert "not a number" in RUN.walk("--at", "noon", "ps", status=2)
    assert "not an occasion" in RUN.walk("--until", "lunch", "ps", status=2)
    assert "is not an address" in RUN.walk("when", "3", "there", status=2)
    assert "no " in RUN.walk("when", "nobody", "0x1000", status=2)
    assert "looking back needs a run" in run(FOLIOWALK, "when", "3", "0x1000", status=2)
    assert "not the one that was recorded" in RUN.walk("--kernel", RUN.directory / "minimal-stale", "ps", status=2)
    other = RUN.directory / "other"
    run(FOLIOWALK, "--vellum", other, "ps", status=2)
    other.write_text("no recording\n")
    assert "not a recording" in run(FOLIOWALK, "--vellum", other, "ps", status=2)
    whole = RUN.file.read_text()
    other.write_text(whole.replace("end 0 ", "end 0 1"))
    run(FOLIOWALK, "--vellum", other, "--at", "5000", "back", "3", hex(HEAP), status=2)


def a_machine_that_runs():
    path = RUN.directory / "socket"
    command = [VELLUM, RUN.kernel, "--smp", "2", "--explore", path]
    machine = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert any(b"minimal guest: running" in line for line in machine.stdout)
        live = [FOLIOWALK, "--vellum", path]
        assert "kernel" in run(*live, "ps")
        assert run(*live, "map", "9").strip()
        assert "0 faults" in run(*live, "lint")
        # It goes on between two looks, and not during one.
        run(*live, "diff", "kernel", "--after", "0.2")
        with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as silent:
            silent.connect(str(path))
            one.connect(str(path))
            one.settimeout(60)
            assert ask(one, "memory") == b"134217728"
            assert ask(one, "harts") == ask(one, "harts")
            memory = ask(one, "read 80000000 1048576")
            assert len(memory) == 1 << 20 and ask(one, "read 7fffffff 8") == ask(one, "nonsense") == b""
            assert ask(one, "read 87ffffff 2") == ask(one, "read 80000000 99999999") == b""
            before = ask(one, "recording")
            assert before.startswith(b"vellum-recording 1\n") and ask(one, "go") == b""
            deadline = time.monotonic() + 60
            while ask(one, "recording") == before and time.monotonic() < deadline:
                ask(one, "go")
            assert ask(one, "recording") != before, "the machine does not go on"
        assert run(*live, "when", "3", hex(HEAP)).strip()
        assert "kernel" in run(*live, "--at", "4000000", "ps")
        told = run(VELLUM, RUN.kernel, "--explore", path, status=2)
        assert "another machine listens there" in told, told
    finally:
        machine.kill()
        machine.wait()
    assert "Connection refused" in run(*live, "ps", status=2)


def ask(connection, request):
    connection.sendall(request.encode() + b"\n")
    head = b""
    while not head.endswith(b"\n"):
        head += connection.recv(1)
    answer = b""
    while len(answer) < int(head):
        answer += connection.recv(int(head) - len(answer))
    return answer


if __name__ == "__main__":
    scratch = Path(tempfile.mkdtemp(prefix="foliowalk-vellum-"))
    try:
        RUN = Run(scratch)
        run_tests([
            every_command_at_one_moment, memory_is_the_machines, looking_back, blame_names_what_stands_there, occasions,
            wrong_wishes, a_machine_that_runs,
        ])  # fmt: skip
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
