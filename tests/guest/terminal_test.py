#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A person at the shell, on a pseudo-terminal: arrows, history, search, completion, Chinese, paste, Ctrl-C.

The test types keys as terminals send them and looks at the screen as a terminal would show it (Screen), and at what the
commands print. At a shell that knows nothing of Bifolium's own (plainsh, for xv6's sh) Ctrl-C must end the same things,
and the bytes of every other key must reach it as xv6's console passes them on.
"""

import argparse
import codecs
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
import tty
import unicodedata
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "guest"))

from image import private_copy  # noqa: E402
from machine import Machine  # noqa: E402
from report import Failure, guarded  # noqa: E402

UP, DOWN, RIGHT, LEFT = b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D"
HOME, END, DELETE = b"\x1b[H", b"\x1b[F", b"\x1b[3~"
WORD_RIGHT, WORD_LEFT = b"\x1b[1;5C", b"\x1b[1;5D"
BACKSPACE, ENTER, TAB = b"\x7f", b"\r", b"\t"
CTRL_C, CTRL_K, CTRL_R, CTRL_U, CTRL_W = b"\x03", b"\x0b", b"\x12", b"\x15", b"\x17"
SEQUENCE = re.compile(r"\x1b\[(\d*)([A-Za-z])")
UNFINISHED = re.compile(r"\x1b(\[\d*)?\Z")
COLUMNS = 80
# Seconds that a loaded machine may need for what takes a moment.
PATIENCE = 60


class Screen:
    """The rows that a terminal of 80 columns shows, as far as the console uses it. A wide character takes two cells, of
    which the second is empty."""

    def __init__(self):
        self.rows, self.column = [[]], 0
        # A character and a sequence may come in two pieces.
        self.decoder, self.pending = codecs.getincrementaldecoder("utf-8")("replace"), ""

    def feed(self, data):
        text = self.decoder.decode(data)
        text = self.pending + text
        tail = UNFINISHED.search(text)
        self.pending = tail[0] if tail else ""
        text = text[: len(text) - len(self.pending)]
        at = 0
        while at < len(text):
            match = SEQUENCE.match(text, at)
            if match:
                self.control(match[1], match[2])
                at = match.end()
            else:
                self.put(text[at])
                at += 1

    def control(self, parameter, kind):
        if kind == "K":
            del self.rows[-1][self.column :]
        elif kind == "D":  # typed, and echoed by xv6's console
            self.column = max(self.column - int(parameter or 1), 0)
        else:
            raise Failure(f"the shell sends ESC [ {parameter}{kind}, which this screen does not know", 1)

    def put(self, character):
        if character == "\n":
            self.rows.append([])
            self.column = 0  # the terminal driver adds the carriage return
        elif character == "\r":
            self.column = 0
        elif character == "\b":
            self.column = max(self.column - 1, 0)
        elif character >= " ":
            self.write(character)

    def write(self, character):
        cells = [character] + [""] * (unicodedata.east_asian_width(character) in "WF")
        if self.column + len(cells) > COLUMNS:
            self.put("\n")
        row = self.rows[-1]
        row += [" "] * (self.column - len(row))
        row[self.column : self.column + len(cells)] = cells
        self.column += len(cells)

    def row(self, index=-1):
        return "".join(self.rows[index]).rstrip()

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.rows)


class Terminal:
    def __init__(self, command):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.screen, self.bytes = Screen(), b""

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        data = os.read(self.master, 65536)
        self.bytes += data
        self.screen.feed(data)
        return True

    def until(self, what, holds):
        give_up = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > give_up:
                raise Failure(f"{what}: not within {PATIENCE} s. The screen:\n{self.screen.text()}", 1)
            self.read(0.1)

    def until_row(self, wanted):
        self.until(f"the row '{wanted}'", lambda: self.screen.row() == wanted.rstrip())

    def until_prompt(self):
        self.until_row("$")

    def settle(self):
        while self.read(0.3):
            pass

    def type(self, keys):
        os.write(self.master, keys)

    def enter(self, keys, wanted):
        """Types a line and its end; what the command prints must be `wanted`, whole."""
        before = len(self.screen.rows)
        self.type(keys)
        self.settle()
        self.type(ENTER)
        self.until_prompt_below(before, keys)
        printed = [self.screen.row(i) for i in range(before, len(self.screen.rows) - 1)]
        if printed != wanted.split("\n"):
            raise Failure(f"{keys!r} printed {printed}, not {wanted.split(chr(10))}", 1)

    def run(self, keys):
        """Types a line and its end, and waits for the next prompt."""
        before = len(self.screen.rows)
        self.type(keys + ENTER)
        self.until_prompt_below(before, keys)

    def until_prompt_below(self, before, keys):
        """Waits for a prompt in a row beyond the first `before`, whole: its space may come later than its dollar."""
        self.until(
            f"a prompt after {keys!r}",
            lambda: len(self.screen.rows) > before and self.screen.row() == "$" and self.bytes.endswith(b"$ "),
        )

    def exactly(self, keys, wanted):
        """What comes back for the keys is this, byte for byte."""
        self.bytes = b""
        self.type(keys)
        self.until(f"a prompt after {keys!r}", lambda: self.bytes.endswith(b"\n$ "))
        came = self.bytes.replace(b"\r\n", b"\n")
        require(came == wanted, f"{keys!r} gave {came}, not {wanted}")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@contextmanager
def terminal(build, view, pristine):
    with private_copy(pristine) as image:
        machine = Machine(kernel=build / f"kernel-{view}", image=image)
        it = Terminal(machine.command(interactive=True))
        try:
            it.until_prompt()
            it.settle()
            yield it
        finally:
            it.close()


def require(condition, why):
    if not condition:
        raise Failure(why, 1)


def plain_typing(it):
    """Byte for byte what the console echoed before the shell edited lines: what drivers and graders see."""
    it.exactly(b"echo helo\x7flo\r", b"echo helo\b \blo\nhello\n$ ")
    it.exactly(b"echo no\x15echo yes\r", b"echo no" + b"\b \b" * 7 + b"echo yes\nyes\n$ ")


def motion(it):
    it.enter(b"echo ac" + LEFT + b"b", "abc")
    it.enter(b"cho x" + HOME + b"e" + END + b"y", "xy")
    it.enter(b"cho x\x1bOHe\x1bOFz", "xz")
    it.enter(b"cho x\x1b[1~e\x1b[4~w", "xw")
    it.enter(b"echo one two" + WORD_LEFT * 2 + b"zero " + WORD_RIGHT + b"!", "zero one! two")
    it.enter(b"echo one two\x1bb\x1bb1 \x1bf2", "1 one2 two")
    it.enter(b"echo abc" + LEFT * 2 + DELETE, "ac")
    it.enter(b"echo abc" + LEFT * 2 + BACKSPACE, "bc")
    it.enter(b"echo abc" + LEFT * 50 + RIGHT * 6 + CTRL_K, "a")
    it.enter(b"echo one two" + CTRL_W + b"three", "one three")
    it.enter(b"echo gone" + LEFT * 3 + CTRL_U + b"echo kept", "kept")
    # Unknown keys do nothing: F5, Insert, Alt-x, a lone escape before a letter that is no command.
    it.enter(b"echo \x1b[15~a\x1b[2~b\x1bxc", "abc")


def long_lines(it):
    word = b"0123456789" * 12
    for keys, wanted in (
        (b"echo " + word, word),
        (b"echo " + word + HOME + RIGHT * 5 + b"x" + END + b"y", b"x" + word + b"y"),
        (b"echo " + word + LEFT * 100 + BACKSPACE + END + b"z", (word[:19] + word[20:]) + b"z"),
    ):
        it.bytes = b""
        it.run(keys)
        require(it.bytes.endswith(b"\n" + wanted + b"\r\n$ "), f"{keys!r} gave {it.bytes}")
    it.type(b"x" * 2000)
    it.settle()
    it.run(b"")
    require(it.screen.row(-2) == "sh: line too long", f"a line that is too long: {it.screen.row(-2)}")
    it.type(b"x" * 2000 + CTRL_U)
    it.settle()
    it.enter(b"echo short", "short")


def history(it):
    it.enter(b"echo first", "first")
    it.enter(b"echo second", "second")
    it.enter(UP + UP, "first")
    it.enter(UP + UP + UP + DOWN + BACKSPACE * 6 + b"third", "third")
    it.type(b"echo draft" + UP)
    it.until_row("$ echo third")
    it.type(DOWN)
    it.until_row("$ echo draft")
    it.enter(b"", "draft")
    it.type(UP * 100)
    it.settle()
    it.type(DOWN * 100)
    it.settle()
    it.until_prompt()
    it.type(CTRL_R + b"sec")
    it.until_row("(search)`sec': echo second")
    it.enter(b"", "second")
    it.type(CTRL_R + b"echo" + CTRL_R)
    it.until_row("(search)`echo': echo draft")
    it.enter(END + b"!", "draft!")
    it.type(b"kept" + CTRL_R + b"fir" + CTRL_C)
    it.until_row("$ kept")
    it.type(CTRL_U)
    it.until_prompt()


def completion(it):
    it.type(b"ech" + TAB)
    it.until_row("$ echo")
    it.enter(b"done", "done")
    it.run(b"mkdir folder")
    it.run(b"echo inside > folder/leaf")
    it.type(b"cat fol" + TAB)
    it.until_row("$ cat folder/")
    it.type(b"l" + TAB)
    it.until_row("$ cat folder/leaf")
    it.enter(b"", "inside")
    it.type(b"cat < fold" + TAB)
    it.until_row("$ cat < folder/")
    it.type(CTRL_U)
    it.until_prompt()
    # Two names: as far as they agree, then both.
    it.type(b"rm" + TAB)
    it.settle()
    require(it.screen.row() == "$ rm", f"completed too much: {it.screen.row()}")
    it.type(TAB)
    it.until("both names", lambda: {"rm", "rmdir"} <= set(it.screen.row(-2).split()))
    it.until_row("$ rm")
    it.type(b"d" + TAB)
    it.until_row("$ rmdir")
    it.type(CTRL_U + b"nothing-like-it" + TAB)
    it.settle()
    require(it.screen.row() == "$ nothing-like-it", f"completed from nothing: {it.screen.row()}")
    it.type(CTRL_U)
    it.until_prompt()


def chinese(it):
    it.enter("echo 页表真好".encode(), "页表真好")
    it.type("echo 页表真好".encode() + LEFT * 2 + BACKSPACE)
    it.until_row("$ echo 页真好")
    it.enter("目录".encode(), "页目录真好")
    it.enter("echo 中文é".encode() + BACKSPACE * 2 + b"x", "中x")
    it.enter("echo 中文".encode() + LEFT + DELETE, "中")
    # One character in three pieces, in the middle of a line; and bytes that are none.
    it.type(b"echo ()" + BACKSPACE * 2 + b"ab" + LEFT)
    for byte in "页".encode():
        it.type(bytes([byte]))
        it.settle()
    it.enter(b"", "a页b")
    it.type(b"echo x\xff\xe9\x80y" + LEFT + BACKSPACE * 3)
    it.settle()
    it.enter(b"", "xy")


def paste(it):
    # Each line runs, once and whole, though most of them come while another one runs.
    lines = [f"echo line {i} of many >> pasted" for i in range(20)]
    it.type(("\r".join(lines) + "\recho that was all\r").encode())
    it.until("the last line's output", lambda: re.search(r"\$ that was all\n\$$", it.screen.text()))
    it.settle()
    it.enter(b"cat pasted", "\n".join(f"line {i} of many" for i in range(20)))
    # More than a line editor reads in one go, all at once: 4,000 bytes.
    it.type(b"\r".join(b"echo %03d of a screenful >> much" % i for i in range(125)) + b"\recho much came\r")
    it.until("the last of much", lambda: re.search(r"\$ much came\n\$$", it.screen.text()))
    it.settle()
    it.enter(b"wc much", "125 500 2375 much")
    it.type(b"echo\ttab\techoed\r")
    it.until("a tab in what is pasted", lambda: it.screen.text().endswith("\ntab echoed\n$"))


def type_ahead(it):
    it.type(b"sleep 15" + ENTER)
    it.settle()
    it.type(b"echo ahead" + ENTER + b"echo half")
    it.until_row("$ echo half")
    require(re.search(r"(?m)\$ ahead$", it.screen.text()), "what was typed ahead did not run")
    it.enter(b" done", "half done")


def processes(it):
    it.run(b"ps")
    rows = it.screen.text().split("\n")
    return sorted(row.split()[-1] for row in rows[len(rows) - rows[::-1].index("$ ps") :] if re.match(r"\s*\d", row))


def until_processes(it, wanted):
    """What has been ended may take a moment to go."""
    give_up = time.monotonic() + PATIENCE
    while (there := processes(it)) != sorted(wanted):
        require(time.monotonic() < give_up, f"processes: {there}, wanted: {sorted(wanted)}")
        time.sleep(0.5)


def interrupted(it, command, seconds=20):
    """Ctrl-C while the command runs: the prompt is back long before the command's own end."""
    it.type(command + ENTER)
    it.settle()
    require(it.screen.row() != "$", f"{command} ended by itself")
    began = time.monotonic()
    it.type(CTRL_C)
    it.until_prompt()
    require(time.monotonic() - began < seconds, f"Ctrl-C took {time.monotonic() - began:.1f} s")


def ctrl_c(it):
    before = processes(it)
    interrupted(it, b"sleep 1000")
    interrupted(it, b"sleep 1000 | cat | cat")
    interrupted(it, b"(sleep 1000; sleep 1000)")
    interrupted(it, b"cat")
    interrupted(it, b"stress 6 1000")
    until_processes(it, before)
    # The background goes on, the shell too, and one shell inside another.
    it.run(b"sleep 600 &")
    interrupted(it, b"sleep 1000")
    it.run(b"sh")
    interrupted(it, b"sleep 1000")
    until_processes(it, [*before, "sh", "sleep"])
    it.type(b"echo dropped" + CTRL_C)
    it.settle()
    it.until_prompt()
    it.enter(b"echo next", "next")
    it.type(b"\x04")  # the inner shell's end
    it.settle()
    until_processes(it, [*before, "sleep"])
    # What is typed ahead goes with what it was meant for.
    it.type(b"sleep 1000" + ENTER)
    it.settle()
    it.type(b"echo lost" + ENTER + CTRL_C)
    it.until_prompt()
    it.enter(b"echo kept", "kept")
    require(not re.search(r"(?m)^lost$", it.screen.text()), "what was typed ahead ran after Ctrl-C")


def plain_shell(it):
    """xv6's console for a shell like xv6's: bytes as ever, and Ctrl-C that ends what it waits for."""
    it.exactly(b"echo a\x1b[Db\tc\x7fd\x12\r", b"echo a\x1b[Db\tc\b \bd\x12\na\x1b[Db\td\x12\n$ ")
    # Nothing runs that this Ctrl-C could end: a byte like any other.
    it.exactly(b"echo \x03\r", b"echo \x03\n\x03\n$ ")
    before = processes(it)
    interrupted(it, b"sleep 1000")
    interrupted(it, b"cat")
    it.run(b"sleep 600 &")
    interrupted(it, b"sleep 1000")
    it.enter(b"echo here", "here")
    until_processes(it, [*before, "sleep"])


def make_plain_image(build, directory):
    """An image whose shell is plainsh."""
    programs = {path.stem: path.with_suffix("") for path in (build / "user").glob("*.sym")}
    xv6cc = ROOT / "tools" / "xv6cc"
    source = ROOT / "tests" / "guest" / "xv6cc" / "plainsh.c"
    subprocess.run([xv6cc, "--output", directory, source], check=True)
    programs["sh"] = directory / "plainsh"
    files = [f"{name}={programs[name]}" for name in ("init", "sh", "echo", "sleep", "cat", "ps")]
    subprocess.run([build / "tools" / "mkfs", "--quiet", directory / "plain.img", *files], check=True)
    return directory / "plain.img"


def play(build, view, pristine, steps):
    """Each step, whatever became of those before; returns how many failed."""
    failed = 0
    with terminal(build, view, pristine) as it:
        for step in steps:
            began = time.monotonic()
            try:
                step(it)
            except Failure as why:
                failed += 1
                print(f"FAILED {step.__name__}: {why}", flush=True)
                it.type(CTRL_C + ENTER)
                it.settle()
            print(f"{step.__name__}: {time.monotonic() - began:.1f} s", flush=True)
    return failed


STEPS = (plain_typing, motion, long_lines, history, completion, chinese, paste, type_ahead, ctrl_c)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, required=True, help="the build tree with kernels, fs.img and mkfs")
    parser.add_argument("--view", default="unified")
    options = parser.parse_args()
    failed = play(options.build, options.view, options.build / "fs.img", STEPS)
    with tempfile.TemporaryDirectory(prefix="bifolium-") as directory:
        plain = make_plain_image(options.build, Path(directory))
        failed += play(options.build, options.view, plain, (plain_shell,))
    return 1 if failed else 0


if __name__ == "__main__":
    guarded(main)
