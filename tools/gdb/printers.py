# SPDX-License-Identifier: MIT
"""gdb: what the kernel's own types say when they are printed: addresses, page numbers, entries, ranges, locks,
processes."""

import gdb
import gdb.printing

PTE_FLAGS = "vrwxugadc"
PTE_PPN_SHIFT, PTE_PPN_BITS = 10, 44
PAGE_SHIFT = 12


def number_of(value):
    """A strong type's number."""
    return int(value["value_"])


class Number:
    """V0x... for a virtual address, P0x... for a physical one; page numbers with the address they name."""

    FORMS = {
        "sv39::VirtAddr": "V{0:#x}",
        "sv39::PhysAddr": "P{0:#x}",
        "sv39::Vpn": "vpn {0:#x} (V{1:#x})",
        "sv39::Ppn": "ppn {0:#x} (P{1:#x})",
    }

    def __init__(self, value):
        self.value = value

    def to_string(self):
        number = number_of(self.value)
        form = self.FORMS[self.value.type.strip_typedefs().unqualified().name]
        return form.format(number, number << PAGE_SHIFT)


class Pte:
    """The entry with its letters: small v r w x u g a d, c for copy-on-write."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        raw = int(self.value["bits_"])
        flags = "".join(letter if raw >> bit & 1 else "-" for bit, letter in enumerate(PTE_FLAGS))
        ppn = raw >> PTE_PPN_SHIFT & (1 << PTE_PPN_BITS) - 1
        if not raw & 1:
            return f"{raw:#x} not valid"
        kind = "leaf" if raw & 0b1110 else "table"
        return f"{raw:#x} {flags} {kind} P{ppn << PAGE_SHIFT:#x}"


class Range:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        letter = "V" if "Virt" in self.value.type.strip_typedefs().name else "P"
        begin, size = number_of(self.value["begin_"]), int(self.value["bytes_"])
        return f"[{letter}{begin:#x}, {letter}{begin + size:#x}) {size:#x} bytes"


class SpinLock:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        state = "held" if int(self.value["word_"]["_M_i"]) != 0 else "free"
        return f'"{self.value["name_"].string()}" {state}, taken {int(self.value["acquires_"])} times'


class Process:
    """In one line; `ptype` and the members are there as ever (p/r shows them)."""

    STATES = ("created", "runnable", "running", "sleeping", "dead")

    def __init__(self, value):
        self.value = value

    def to_string(self):
        state = int(self.value["state"]["_M_i"])
        name = self.value["program_"]["_M_elems"].string()
        text = f'pid {int(self.value["pid"])} ({name}) {self.STATES[state]}'
        return text + (f", hart {int(self.value['hart'])}" if self.STATES[state] == "running" else "")


def register():
    printers = gdb.printing.RegexpCollectionPrettyPrinter("bifolium")
    for name in Number.FORMS:
        printers.add_printer(name, f"^{name}$", Number)
    printers.add_printer("sv39::Pte", "^sv39::Pte$", Pte)
    printers.add_printer("range", "^sv39::(Virt|Phys)Range$", Range)
    printers.add_printer("locks::SpinLock", "^locks::SpinLock$", SpinLock)
    printers.add_printer("process::Process", "^process::Process$", Process)
    gdb.printing.register_pretty_printer(None, printers, replace=True)
