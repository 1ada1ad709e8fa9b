#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The deepest that the kernel's stacks can become, read off the machine code (V25).

tests/check_stacks.py [-v] KERNEL...: for each kernel, adds up the frames along every chain of calls from every way into
the kernel, and demands that the deepest fits three quarters of a stack (-v prints that chain). A call through a pointer
counts as one to each function that the pointer may name: for a virtual call those at its place in the tables of the
classes that its caller can know (VIRTUAL), for a plain pointer those of its kind (POINTERS). Recursion has no bound, so
it is an error too. What ends in a panic is not counted: that has a stack of its own to report on.
"""

import re
import struct
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STACK_PAGES = re.search(r"stack_pages = (\d+);", (ROOT / "kernel/mm/kernel_space.hpp").read_text())[1]
STACK_BYTES = int(STACK_PAGES) * 4096
LIMIT = STACK_BYTES * 3 // 4
TOOLS = "-19"

# Which classes a virtual call of these functions can mean. The layers see to it: sched/ knows only Space, for one.
FILE_BACKING, SPACE, DISK = r"fs::InodeBacking", r"mm::AddressSpace", r"VirtioBlock"
BYTES = r"Sink|Source"
DEVICE = r"ConsoleFile|ConsoleWatch|Statistics|FlowFile"
CARD, STACK = r"E1000|VirtioNet", r"^net::Stack"
VIRTUAL = [
    (r"^sched::", SPACE),
    (r"^mm::|^process::copy_to_end|^process::fork", FILE_BACKING),
    (r"^fs::(BlockCache|Log)::|^fs::Volume::mount", DISK),
    (r"^fs::Inode::(copy_to|read)", f"Sink|{DISK}"),
    (r"^fs::Inode::(copy_from|write)", f"Source|{DISK}"),
    (r"^fs::Inode::|^fs::Pipe::|^fs::\(anonymous namespace\)::(copy|move)", f"{BYTES}|{DISK}"),
    (r"ConsoleWatch", r"ConsoleFile"),
    (r"ConsoleFile|Statistics|FlowFile", BYTES),
    (CARD, STACK),
    (r"^net::|[Nn]etwork", CARD),
    (r"^sys_(read|write|open)$|^fs::File", f"{DEVICE}|{BYTES}|{DISK}|{FILE_BACKING}"),
]

# Which functions a plain pointer can mean, by who calls through it. Others are never called but by the linker, the
# scheduler (they begin a thread: ROOTS) or by traps.
TEXT_SINK = r"^(lab|calls|sys_|mm|process).*\(void\*, std::basic_string_view"
POINTERS = [
    (r"call_with_work", r"^sys_|^lab_|::refuse\(|^lab::call_watched"),
    (r"^syscall$|call_watched", r"^sys_|^lab_|::refuse\("),
    (r"become_init", r"^lab::\(anonymous namespace\)::(start|show_first_program)\("),
    (r"run_tick_hook", r"^lab::count_alarm_tick"),
    (r"run_first\(", r"::become_init\("),
    (r"^lab::.*(StubReader|ProgramSymbols|Window|has_symbol|read_image_calls|::start\()", r"^lab::.*read_file\("),
    (r"run_idle", r"(Log|Network)Keeper.*__invoke\(\)|end_silence|wait_counted|poll_interrupts"),
    (r"^lib::format_arguments\(", r"^lib::(print_arguments|format_arguments_to)\(.*__invoke"),
    (r"^lib::print_arguments", r"^dev::console::write\("),
    (r"violation|print|TablePrinter|sys_kpgtbl", TEXT_SINK),
    (r"[Cc]heck", f"{TEXT_SINK}|^mm::check_all_spaces|^mm::Checker::run"),
    (r"dev::(handle_interrupt|poll_interrupts|.*handle_external)", r"start_virtio_block|(E1000|VirtioNet)::start"),
    (r"take_other_trap", r"start_virtio_block|(E1000|VirtioNet)::start|^lab::count_alarm_tick|"
                         r"(Log|Network)Keeper.*__invoke\(\)|end_silence|::print_processes\(|::print_page_tables\("),
    (r"^fs::Inode::read_(at|locked)|^lab::.*read_file\(", r"^fs::MemorySink::"),
    (r"console::handle_interrupt", r"::print_processes\(|::print_page_tables\("),
    (r"^mm::|^process::|^sys_", r"this_allocation_fails"),
    (r"sched::", r"(Log|Network)Keeper.*__invoke\(\)|end_silence"),
    (r"^net::", r"^process::network_clock|start_network.*__invoke|say_first_packet"),
    (r"^arch_thread_begin$|^boot_hart_start$", r"^$"),
]
ROOTS = r"^usertrap$|run_first\(|return_to_user\(|(Log|Network)Keeper.*__invoke\(void\*\)"
# What never happens below a function. A region whose pages are all made at once, a program's segment or memory that is
# shared, has no file; so when that fails, none is written. A copy to or from a program never sleeps (Sleep::forbidden):
# no file is read or written in it. A mapped file's pages are moved between the kernel's own memory and the disk.
NEVER_BELOW = [
    (r"^mm::Pages::populate_region\(", r"^fs::InodeBacking::"),
    (r"^mm::(finish_copy|AddressSpace::copy_)", r"^fs::InodeBacking::(acquire_page|release_page|write_back|drop)\("),
    (r"^fs::(InodeBacking::|Inode::(read|write)_page\()", r"^(calls|process|lab)::.*(Source|Sink)::"),
]
# Where a program's address may be missing, the trap takes room on the same stack.
MAY_TRAP, TRAP = r"^arch_copy_(string_)?user$|^copy_(user|string)_", "kernel_trap_entry"
# Instructions whose first operand is read, not written.
READS_FIRST = {"sb", "sh", "sw", "sd", "fsw", "fsd"}
FATAL = r"^lib::bug|panic|kernel_stack_(overflow|lost)|print_trap_backtrace|crash_on_purpose"


class Failure(Exception):
    pass


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def target_of(operands):
    """The function that a jump or call names, if it goes to its beginning."""
    named = re.search(r"<([^>+]+)>", operands)
    return named[1] if named else None


class Kernel:
    """Functions of one ELF file: the size of each one's frame and whom it calls."""

    def __init__(self, path):
        self.path = path
        self.code = {}  # function -> [(address, mnemonic, operands)]
        self.start = {}  # address -> function
        self.read_code()
        names = output("llvm-cxxfilt" + TOOLS, *self.code).splitlines()
        self.name = dict(zip(self.code, names))
        self.tables = defaultdict(dict)  # byte offset in a virtual table -> {class table: function}
        self.pointed_at = set()
        self.read_data()
        self.frame = {function: 0 for function in self.code}
        self.calls = {function: set() for function in self.code}
        for function in self.code:
            self.read_function(function)

    def read_code(self):
        current = None
        for line in output("llvm-objdump" + TOOLS, "-d", "--no-show-raw-insn", self.path).splitlines():
            if head := re.match(r"([0-9a-f]{16}) <(.*)>:", line):
                current = head[2]
                self.code[current] = []
                self.start[int(head[1], 16)] = current
            elif current and (row := re.match(r"\s*([0-9a-f]+):\s+(\S+)\s*(.*)", line)):
                self.code[current].append((int(row[1], 16), row[2], row[3].strip()))

    def read_data(self):
        """Addresses of functions in data: in a virtual table, or somewhere else."""
        tables = []
        for line in output("llvm-readelf" + TOOLS, "-sW", self.path).splitlines():
            field = line.split()
            if len(field) == 8 and field[7].startswith("_ZTV"):
                tables.append((int(field[1], 16), int(field[2], 0), field[7]))
        image = Path(self.path).read_bytes()
        for line in output("llvm-readelf" + TOOLS, "-SW", self.path).splitlines():
            section = re.match(r"\s*\[\s*\d+\] \.(?:rodata|data)\S*\s+PROGBITS\s+(\w+) (\w+) (\w+)", line)
            if not section:
                continue
            address, offset, size = (int(number, 16) for number in section.groups())
            for position in range(0, size - 7, 8):
                function = self.start.get(struct.unpack_from("<Q", image, offset + position)[0])
                if function is None:
                    continue
                where = address + position
                table = next((table for table in tables if table[0] <= where < table[0] + table[1]), None)
                if table:
                    self.tables[where - table[0] - 16][table[2]] = function
                else:
                    self.pointed_at.add(function)

    def read_function(self, function):
        loaded = {}  # register -> (offset, what its base was loaded from)
        page = {}  # register -> address that auipc made
        for address, mnemonic, operands in self.code[function]:
            operand = [part.strip() for part in operands.split(",")]
            if below := re.match(r"\w+, sp, -(0x[0-9a-f]+|\d+)$", operands):
                if mnemonic == "addi":
                    self.frame[function] += int(below[1], 0)
            if mnemonic == "sub" and operands.startswith("sp, sp"):
                raise Failure(f"{self.name[function]}: a frame of a size that is computed, or of more than 2 KiB")
            if mnemonic == "auipc":
                page[operand[0]] = address + (int(operand[1], 0) << 12)
            elif mnemonic == "addi" and operand[1] in page:
                reached = self.start.get((page[operand[1]] + int(operand[2], 0)) % 2**64)
                if reached:
                    self.pointed_at.add(reached)
            elif mnemonic == "ld" and (place := re.match(r"(-?\w+)\((\w+)\)$", operand[1])):
                loaded[operand[0]] = (int(place[1], 0), loaded.get(place[2]))
                page.pop(operand[0], None)
            elif mnemonic == "mv":
                loaded[operand[0]] = loaded.get(operand[1])
            elif mnemonic not in READS_FIRST and not mnemonic.startswith(("b", "j")) and not target_of(operands):
                loaded.pop(operand[0], None)  # computed anew: an element of an array of pointers, for one
            elif mnemonic in ("jalr", "jr") and operand[-1] != "ra":
                self.read_jump(function, mnemonic, operand[-1], loaded, page)
            elif (callee := target_of(operands)) and callee != function:
                self.calls[function].add(callee)

    def read_jump(self, function, mnemonic, operand, loaded, page):
        offset, register = re.match(r"(?:(-?\w+)\()?(\w+)\)?$", operand).groups()
        if register in page:
            callee = self.start.get((page[register] + int(offset or "0", 0)) % 2**64)
            if callee:
                self.calls[function].add(callee)
                return
        place = loaded.get(register)
        if place and place[1] and place[1][0] == 0:
            self.calls[function].add(("virtual", place[0]))
        else:
            self.calls[function].add(("pointer", mnemonic))

    def callees(self, function):
        found = {TRAP} if re.search(MAY_TRAP, function) else set()
        for callee in self.calls[function]:
            if isinstance(callee, str):
                found.add(callee)
            elif callee[0] == "virtual":
                classes = next((row[1] for row in VIRTUAL if re.search(row[0], self.name[function])), "")
                table = self.tables[callee[1]]
                found |= {table[one] for one in table if re.search(classes, self.demangled(one))}
            else:
                kind = next((row[1] for row in POINTERS if re.search(row[0], self.name[function])), None)
                if kind is None and callee[1] == "jalr":  # `jr` is a switch, or returns from assembly
                    raise Failure(f"{self.name[function]} calls through a pointer, and no row of POINTERS says what")
                if kind:
                    found |= {one for one in self.pointed_at if re.search(kind, self.name[one])}
        return {callee for callee in found if callee in self.code and not re.search(FATAL, self.name[callee])}

    def demangled(self, symbol):
        if symbol not in self.name:
            self.name[symbol] = output("llvm-cxxfilt" + TOOLS, symbol).strip()
        return self.name[symbol]


def deepest(kernel, function, known, path=(), never=frozenset()):
    """The chain of calls below `function` that takes most, as (bytes, [function, ...]); none matches one of `never`."""
    name = kernel.name[function]
    never = never | {below for above, below in NEVER_BELOW if re.search(above, name)}
    node = (function, never)
    if node in known:
        return known[node]
    if node in path:
        cycle = [kernel.name[one] for one, _ in path[path.index(node):]]
        raise Failure("recursion: " + "\n    calls ".join([*cycle, name]))
    most, chain = 0, []
    for callee in kernel.callees(function):
        if not any(re.search(below, kernel.name[callee]) for below in never):
            most, chain = max((most, chain), deepest(kernel, callee, known, (*path, node), never))
    known[node] = (kernel.frame[function] + most, [function, *chain])
    return known[node]


def check(path):
    kernel = Kernel(path)
    roots = [function for function in kernel.code if re.search(ROOTS, kernel.name[function])]
    if len(roots) < 2:
        raise Failure("the ways into the kernel are not found")
    known = {}
    most, chain = max(deepest(kernel, root, known) for root in roots)
    reached = {function for function, _ in known}
    print(f"{path}: {most} of {STACK_BYTES} bytes, by one of the {len(reached)} functions that a program can reach")
    if len(reached) < len(kernel.code) // 2:
        raise Failure(f"only those of {len(kernel.code)}: it does not see all calls")
    if most > LIMIT or "-v" in sys.argv:
        for function in chain:
            print(f"  {kernel.frame[function]:5} {kernel.name[function]}")
    if most > LIMIT:
        raise Failure(f"more than {LIMIT}, three quarters of a stack")


def main():
    for path in [argument for argument in sys.argv[1:] if argument != "-v"]:
        try:
            check(path)
        except Failure as failure:
            sys.exit(f"check_stacks: {path}: {failure}")


if __name__ == "__main__":
    main()
