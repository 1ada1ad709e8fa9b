# SPDX-License-Identifier: MIT
"""gdb: the program that runs in the stopped hart's address space: its symbols, and the way from the kernel back to it.

    program             the symbols of the program that the selected hart runs (done by itself at each stop)
    program NAME        those of user/programs/NAME, to set a breakpoint before it runs
    program backtrace   the program's own calls, from where it trapped
    $user_pc()          where the program goes on when the kernel returns to it
    bt                  goes through the trap to the program's first frame; gdb itself refuses to go from one stack
                        to another any further
"""

from pathlib import Path

import gdb
from gdb.unwinder import Unwinder, register_unwinder

ROOT = Path(__file__).resolve().parents[2]
# TrapFrame (kernel/arch/riscv64/trap_frame.hpp) and CurrentThread: offsets that trap.S relies on too.
FRAME_KERNEL_STACK, FRAME_THREAD, THREAD_FRAME = 256, 264, 8
REGISTERS = (
    "ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6".split()
)
KERNEL_BASE = 0x80000000
MOST_FRAMES = 64


def read_u64(address):
    data = gdb.selected_inferior().read_memory(address, 8)
    return int.from_bytes(bytes(data), "little")


def in_user_code(pc):
    """Programs lie below everything of the kernel's."""
    return pc < KERNEL_BASE


def trap_frame():
    """The address of the selected hart's process's trap frame, or 0."""
    frame = gdb.newest_frame()
    if in_user_code(int(frame.pc())):
        return int(gdb.parse_and_eval("$sscratch")) & (1 << 64) - 1
    return read_u64((int(frame.read_register("tp")) & (1 << 64) - 1) + THREAD_FRAME)


def current_program():
    """The name of the program on the selected hart, or None."""
    try:
        frame = trap_frame()
        if frame == 0:
            return None
        process = gdb.Value(read_u64(frame + FRAME_THREAD)).cast(gdb.lookup_type("process::Process").pointer())
        return process.dereference()["program_"]["_M_elems"].string() or None
    except (gdb.error, gdb.MemoryError):
        return None


def symbols_of(name):
    """The program's file with symbols, from the build tree that the kernel came from if it is there."""
    kernel = Path(gdb.current_progspace().filename or "")
    for tree in (kernel.parent, ROOT / "build/release", ROOT / "build/debug"):
        path = tree / "user" / f"{name}.sym"
        if path.exists():
            return path
    return None


class Programs:
    """Which program's symbols are loaded: one at a time, for they all lie at the same addresses."""

    def __init__(self):
        self.loaded = None
        self.chosen = None  # by hand: kept until that program has run

    def load(self, name):
        if name is None or name == self.loaded:
            return
        path = symbols_of(name)
        if path is None:
            return
        if self.loaded is not None:
            gdb.execute(f"remove-symbol-file {symbols_of(self.loaded)}", to_string=True)
        gdb.execute(f"add-symbol-file {path}", to_string=True)
        self.loaded = name

    def at_stop(self, _event):
        name = current_program()
        if self.chosen is not None and name != self.chosen:
            return
        self.chosen = None
        self.load(name)


programs = Programs()


class ProgramCommand(gdb.Command):
    __doc__ = __doc__

    def __init__(self):
        super().__init__("program", gdb.COMMAND_FILES)

    def invoke(self, argument, from_tty):
        if argument.strip() == "backtrace":
            return print_program_backtrace()
        name = argument.strip() or current_program()
        if name is None:
            raise gdb.GdbError("the selected hart runs no program")
        if symbols_of(name) is None:
            raise gdb.GdbError(f"no build/*/user/{name}.sym: {name} is not a program of this tree")
        programs.load(name)
        programs.chosen = name if argument.strip() else None
        gdb.write(f"symbols of {name}\n")


def user_frames():
    """The addresses in the program from where it trapped to its start, by the frame pointers on its stack."""
    frame = trap_frame()
    pc, ra, pointer = read_u64(frame), read_u64(frame + 8), read_u64(frame + 8 * 8)
    yield pc
    # A system call's stub makes no frame: its caller is in ra.
    yield ra
    lowest = read_u64(frame + 2 * 8)
    for _ in range(MOST_FRAMES):
        if pointer % 8 or pointer < lowest:
            return
        try:
            yield read_u64(pointer - 8)
            lowest, pointer = pointer + 8, read_u64(pointer - 16)
        except gdb.MemoryError:
            return


def print_program_backtrace():
    programs.load(current_program())
    for number, pc in enumerate(user_frames()):
        # A return address may lie behind the end of the function that called.
        block = gdb.block_for_pc(pc if number == 0 else pc - 1)
        while block is not None and block.function is None:
            block = block.superblock
        if block is None:
            return
        place = gdb.find_pc_line(pc if number == 0 else pc - 1)
        where = f" at {place.symtab.filename}:{place.line}" if place.symtab else ""
        gdb.write(f"#{number}  {pc:#x} in {block.function.print_name}{where}\n")


class UserPc(gdb.Function):
    """Where the program of the selected hart goes on when the kernel returns to it."""

    def __init__(self):
        super().__init__("user_pc")

    def invoke(self):
        return read_u64(trap_frame())


class FrameId:
    """What names a frame to gdb."""

    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class TrapUnwinder(Unwinder):
    """Above usertrap() there is no caller, but a trap: the registers are the program's, saved in its trap frame."""

    def __init__(self):
        super().__init__("bifolium trap")

    def __call__(self, pending):
        pc = int(pending.read_register("pc")) & (1 << 64) - 1
        if in_user_code(pc) or not self.is_trap_entry(pc):
            return None
        try:
            stack = int(pending.read_register("sp")) & (1 << 64) - 1
            frame = read_u64((int(pending.read_register("tp")) & (1 << 64) - 1) + THREAD_FRAME)
            if frame == 0 or read_u64(frame + FRAME_KERNEL_STACK) != stack:
                return None
            info = pending.create_unwind_info(FrameId(gdb.Value(stack), gdb.Value(pc)))
            word = gdb.lookup_type("unsigned long")
            for number, name in enumerate(REGISTERS, 1):
                info.add_saved_register(name, gdb.Value(read_u64(frame + 8 * number)).cast(word))
            info.add_saved_register("pc", gdb.Value(read_u64(frame)).cast(word))
            return info
        except (gdb.error, gdb.MemoryError):
            return None

    @staticmethod
    def is_trap_entry(pc):
        """In the trap's assembly: the page of trap_vector, or the part behind it that calls usertrap()."""
        text = gdb.execute(f"info symbol {pc:#x}", to_string=True)
        return text.startswith(("trap_vector", "call_usertrap", "trampoline_start"))


def register():
    ProgramCommand()
    UserPc()
    register_unwinder(None, TrapUnwinder(), replace=True)
    gdb.events.stop.connect(programs.at_stop)
