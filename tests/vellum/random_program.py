"""Random bare-metal programs for two machines that must end equal.

A program is a fixed frame (runtime.S, assembled once) with random code and random tables behind it. The frame enters
random code in a random privilege, under a random satp; its trap handler logs each trap (cause, pc, value, status),
and goes on behind the instruction, or at the next block when the pc is lost. At the end everything is in memory.
"""

import random
import struct

RAM = 0x80000000
CODE = RAM + 0x10000  # random blocks
DATA = RAM + 0x400000  # random data, 64 KiB, and where the wandering addresses lead
TABLES = RAM + 0x600000
SCATTER = RAM + 0x500000  # frames that the random tables map
BLOCK = 256
USER_ALIAS = 0x40000000  # user mode sees memory this much higher
WILD = 0x100000000  # the virtual gigabytes with random entries

X0, RA, SP, GP, TP, T0, T1, T2 = range(8)
BASE, COUNTER, ADDRESS, BLOCK_AT = GP, TP, T0, 31
FREE = [1, 2, *range(6, 31)]  # registers that random instructions may write


PMP_WORDS = 300  # where among the data the protection registers stand: two words of configuration, sixteen addresses


def r(op, funct3, funct7, rd, rs1, rs2):
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | op


def i(op, funct3, rd, rs1, immediate):
    return (immediate & 0xFFF) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | op


def s(op, funct3, rs1, rs2, immediate):
    immediate &= 0xFFF
    return immediate >> 5 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (immediate & 31) << 7 | op


def b(funct3, rs1, rs2, offset):
    offset &= 0x1FFF
    return (
        (offset >> 12) << 31 | (offset >> 5 & 63) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12
        | (offset >> 1 & 15) << 8 | (offset >> 11 & 1) << 7 | 0x63
    )  # fmt: skip


def j(rd, offset):
    offset &= 0x1FFFFF
    return (
        (offset >> 20) << 31 | (offset >> 1 & 0x3FF) << 21 | (offset >> 11 & 1) << 20 | (offset >> 12 & 0xFF) << 12
        | rd << 7 | 0x6F
    )  # fmt: skip


ARITHMETIC = [
    (op, funct3, funct7)
    for op, pairs in {
        0x33: [(f, 0) for f in range(8)] + [(0, 32), (5, 32)] + [(f, 1) for f in range(8)],
        0x3B: [(0, 0), (1, 0), (5, 0), (0, 32), (5, 32), (0, 1), (4, 1), (5, 1), (6, 1), (7, 1)],
    }.items()
    for funct3, funct7 in pairs
]
ATOMIC = [0b00010, 0b00011, 0b00001, 0b00000, 0b00100, 0b01100, 0b01000, 0b10000, 0b10100, 0b11000, 0b11100]
# CSRs whose every bit both machines treat alike, and the bits that may be touched in the others.
PLAIN_CSRS = [0x140, 0x143, 0x343]  # sscratch, stval, mtval
STATUS_BITS = [1 << 1, 1 << 5, 1 << 8, 1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 22, 1 << 7]


class Program:
    def __init__(self, seed, blocks=64, iterations=400):
        self.random = random.Random(seed)
        # QEMU 7.2 answers an access across a page's end by the two aligned words that it lies in, also where protection
        # separates their bytes or the frames behind them. So a program has such accesses or protection.
        self.has_protection = self.random.random() < 0.6
        self.blocks, self.iterations = blocks, iterations

    def reg(self):
        return self.random.choice(FREE)

    def source(self):
        return self.random.choice([X0, BASE, ADDRESS, *FREE])

    def immediate(self):
        return self.random.choice([self.random.randrange(-2048, 2048), self.random.randrange(-16, 16)])

    # Each of these gives a list of 16-bit halves.

    def word(self, value):
        return [value & 0xFFFF, value >> 16 & 0xFFFF]

    def arithmetic(self):
        op, funct3, funct7 = self.random.choice(ARITHMETIC)
        return self.word(r(op, funct3, funct7, self.reg(), self.source(), self.source()))

    def with_immediate(self):
        op = self.random.choice([0x13, 0x13, 0x1B])
        funct3 = self.random.choice(range(8) if op == 0x13 else (0, 1, 5))
        immediate = self.immediate()
        if funct3 in (1, 5):
            width = 64 if op == 0x13 else 32
            immediate = self.random.randrange(width) | (self.random.choice([0, 0x400]) if funct3 == 5 else 0)
        return self.word(i(op, funct3, self.reg(), self.source(), immediate))

    def upper(self):
        return self.word(self.random.randrange(1 << 20) << 12 | self.reg() << 7 | self.random.choice([0x37, 0x17]))

    def place(self):
        """A register and offset for an access: at the data, or at an address that was drawn."""
        near = (BASE, self.immediate())
        return self.random.choice([near, near, (ADDRESS, self.immediate() // 64)])

    def load(self):
        base, offset = self.place()
        kind = self.random.randrange(7)
        return self.word(i(0x03, kind, self.reg(), base, self.kept_inside(base, offset, kind & 3)))

    def store(self):
        base, offset = self.place()
        if base == BASE and 0 <= offset < 1024 + 8:
            offset = -1 - offset  # the addresses to wander to stay as they are
        kind = self.random.randrange(4)
        return self.word(s(0x23, kind, base, self.source(), self.kept_inside(base, offset, kind)))

    def kept_inside(self, base, offset, log_bytes):
        """The offset of an access that must not leave its page in a program with protection."""
        crosses = offset % 8 + (1 << log_bytes) > 8
        return offset & -(1 << log_bytes) if self.has_protection and base == ADDRESS and crosses else offset

    def short_access(self):
        """c.lw, c.ld, c.sw, c.sd and those with sp, each with a pointer made just before."""
        quadrant, funct3 = self.random.choice([0, 2]), self.random.choice([2, 3, 6, 7])
        half = self.random.randrange(1 << 13) & ~3 | quadrant | funct3 << 13
        if quadrant == 2 and funct3 < 4 and (half >> 7 & 31) not in FREE:
            half = half & ~(31 << 7) | 9 << 7
        pointer = 2 if quadrant == 2 else 8 + (half >> 7 & 7)
        return self.word(i(0x13, 0, pointer, BASE, -8 * self.random.randrange(128, 256))) + [half]

    def wander(self):
        """The address register gets another address, from the table behind the data."""
        return self.word(i(0x03, 3, ADDRESS, BASE, 8 * self.random.randrange(128)))

    def atomic(self):
        # lr, sc and AMOs at an address that is aligned, mostly.
        width = self.random.choice([2, 3])
        code = self.random.choice(ATOMIC)
        pointer = self.reg()
        source = 0 if code == 0b00010 else self.source()
        aligned = self.random.random() < 0.9
        offset = self.random.randrange(-256, 0) * 8 + (0 if aligned else self.random.randrange(8))
        get = i(0x13, 0, pointer, BASE, offset)
        if self.random.random() < 0.2:
            get = i(0x13, 7, pointer, ADDRESS, -8)
        bits = self.random.randrange(4)
        pair = pointer << 15 | width << 12 | 0x2F
        words = [get, code << 27 | bits << 25 | source << 20 | self.reg() << 7 | pair]
        if code == 0b00010 and self.random.random() < 0.8:  # and its sc
            words.append(0b00011 << 27 | self.source() << 20 | self.reg() << 7 | pair)
        return [half for word in words for half in self.word(word)]

    def skipped(self):
        """One or two instructions for a branch to jump over."""
        makers = [self.arithmetic, self.with_immediate, self.load, self.store, self.compressed]
        return [half for _ in range(self.random.randrange(1, 3)) for half in self.random.choice(makers)()]

    def branch(self):
        over = self.skipped()
        funct3 = self.random.choice([0, 1, 4, 5, 6, 7])
        return self.word(b(funct3, self.source(), self.source(), 4 + 2 * len(over))) + over

    def jump(self):
        over = self.skipped()
        link = self.random.choice([X0, self.reg()])
        if self.random.random() < 0.5:
            return self.word(j(link, 4 + 2 * len(over))) + over
        pointer = self.reg()
        # auipc, jalr: the offset counts from the first of the two.
        return self.word(pointer << 7 | 0x17) + self.word(i(0x67, 0, link, pointer, 8 + 2 * len(over))) + over

    def compressed(self):
        """Any halfword that is a compressed instruction, but none that writes a register of the frame or jumps away."""
        while True:
            half = self.random.randrange(1 << 16)
            quadrant, funct3, rd = half & 3, half >> 13, half >> 7 & 31
            if quadrant == 3 or (quadrant == 0 and funct3 in (1, 5)) or (quadrant == 2 and funct3 in (1, 5)):
                continue  # long, or floating point
            if quadrant != 1 and funct3 >= 2 and (quadrant, funct3) != (2, 4):
                continue  # loads and stores: see short_access()
            if quadrant == 1 and funct3 >= 5:
                continue  # c.j, c.beqz, c.bnez: far
            if quadrant == 2 and funct3 == 4 and (half >> 2 & 31) == 0 and rd != 0:
                continue  # c.jr, c.jalr
            if rd in (BASE, COUNTER, ADDRESS, BLOCK_AT) and quadrant in (1, 2):
                continue
            return [half]

    def csr(self):
        kind = self.random.randrange(4)
        funct3 = self.random.choice([1, 2, 3, 5, 6, 7])
        if kind == 0:
            return self.word(i(0x73, funct3, self.reg(), self.random.randrange(32), self.random.choice(PLAIN_CSRS)))
        if kind == 1:  # reads
            number = self.random.choice([0x100, 0x104, 0x105, 0x106, 0x141, 0x142, 0x144, 0x180, 0x300, 0x304, 0x305,
                                         0x306, 0x340, 0x341, 0x342, 0x344, 0xF11, 0xF14, 0x10A])  # fmt: skip
            return self.word(i(0x73, 2, self.reg(), X0, number))
        bits = self.random.choice(STATUS_BITS)
        temporary = self.reg()
        shift = bits.bit_length() - 1
        return [
            half
            for word in (
                i(0x13, 0, temporary, X0, 1),
                i(0x13, 1, temporary, temporary, shift),
                i(0x73, self.random.choice([2, 3]), self.reg(), temporary, self.random.choice([0x300, 0x300, 0x100])),
            )
            for half in self.word(word)
        ]

    def with_privilege_of_another(self):
        """MPRV around one access. QEMU 7.2 keeps the bit at some returns from traps, so it is not left on."""
        temporary = self.reg()
        access = self.random.choice([self.load, self.store])()
        on, off = (self.word(i(0x73, funct3, X0, temporary, 0x300)) for funct3 in (2, 3))
        bit = self.word(0x20000 | temporary << 7 | 0x37)
        return bit + on + access + bit + off

    def system(self):
        choices = [0x00000073, 0x00000073, 0x00100073, 0x10200073, 0x12000073, 0x0000100F, 0x0000000F, 0, 0xFFFFFFFF]
        choices += [r(0x73, 0, 9, 0, self.source(), self.source()), i(0x73, 2, self.reg(), X0, 0xC00 + 0x80)]
        word = self.random.choice(choices)
        # An old sepc leads back to where it has been before, again and again.
        return (self.word(0x14105073) if word == 0x10200073 else []) + self.word(word)

    def software_interrupt(self):
        number = self.random.choice([0x344, 0x144, 0x104, 0x304])
        return self.word(i(0x73, self.random.choice([6, 7]), self.reg(), 2, number))

    def patch(self):
        """Stores an instruction over the next but one, fences, and runs into it."""
        word = i(0x13, 0, self.reg(), self.source(), self.immediate())
        temporary, where = self.random.sample(FREE, 2)
        low = word & 0xFFF
        low = low - 4096 if low >= 2048 else low
        high = (word - low) >> 12 & 0xFFFFF
        words = [
            high << 12 | temporary << 7 | 0x37,
            i(0x1B, 0, temporary, temporary, low),
            where << 7 | 0x17,
            s(0x23, 2, where, temporary, 12),
            0x0000100F,
            0x00000013,
        ]
        return [half for word in words for half in self.word(word)]

    def block(self):
        halves = self.word(BLOCK_AT << 7 | 0x17)  # auipc: where the handler finds the next block
        makers = [
            (self.arithmetic, 25), (self.with_immediate, 18), (self.upper, 4), (self.load, 14), (self.store, 12),
            (self.short_access, 8),
            (self.wander, 5), (self.atomic, 6), (self.branch, 8), (self.jump, 3), (self.compressed, 30), (self.csr, 6),
            (self.system, 4), (self.software_interrupt, 1), (self.patch, 1), (self.with_privilege_of_another, 1),
        ]  # fmt: skip
        names, weights = zip(*makers)
        limit = BLOCK // 2 - 8
        while True:
            more = self.random.choices(names, weights)[0]()
            if len(halves) + len(more) > limit:
                break
            halves += more
        while len(halves) < BLOCK // 2:
            halves.append(0x0001)  # c.nop
        return halves

    def code(self):
        halves = []
        for _ in range(self.blocks):
            halves += self.block()
        # Back to the frame: ebreak with a mark in front of it.
        halves += self.word(BLOCK_AT << 7 | 0x17) + self.word(0x7FF00013) + self.word(0x00100073)
        return struct.pack(f"<{len(halves)}H", *halves)

    def wild_address(self):
        return self.any_address() & (-8 if self.has_protection else -1)

    def any_address(self):
        kind = self.random.randrange(10)
        if kind < 6:
            where = self.random.choice([0, 0, 1 << 21, (1 << 30) + 0x400000])
            return WILD + 64 + self.random.randrange(1 << 21) + where
        if kind == 6:
            # (Not the first: where a device ends and a page is missing, QEMU tells of the device.)
            return WILD + self.random.randrange(1, 512) * 4096 + self.random.choice([4090, 4094, 4095, 0, 4092])
        if kind == 7:
            return self.random.getrandbits(64)
        if kind == 8:
            # (An access that begins at the top and goes on at 0 has two faults, of which QEMU tells the other one.)
            return self.random.choice([64, 1 << 38, (1 << 64) - 4096, 1 << 47, 1 << 56])
        return DATA + 4096 + self.random.randrange(1 << 15)

    def data(self):
        """64 KiB: the addresses to wander to in front, random words of all sizes of number behind."""
        words = [self.wild_address() for _ in range(256)]
        while len(words) < 8192:
            small, large = self.random.randrange(256), self.random.getrandbits(64)
            words.append(self.random.choice([large, small, (1 << 64) - 1, 1 << 63]))
        words[PMP_WORDS : PMP_WORDS + 18] = self.protection()
        words[PMP_WORDS + 18 : PMP_WORDS + 24] = self.start()
        return struct.pack("<8192Q", *words)

    def protection(self):
        """Some small regions over the scattered frames; the last entry allows everything."""
        configuration, addresses = [0] * 16, [0] * 16
        for k in range(self.random.choice([4, 8]) if self.has_protection else 0):
            configuration[k] = self.random.choice([0, 1, 2, 3]) << 3 | self.random.choice([0, 1, 3, 4, 5, 7, 7])
            if self.random.random() < 0.3:
                configuration[k] |= 0x80
            addresses[k] = SCATTER + self.random.randrange(1 << 19) >> 2
            if self.random.random() < 0.5:
                addresses[k] |= (1 << self.random.randrange(14)) - 1
        # A range from 0 up to somewhere would take away the memory of the program itself.
        if configuration[0] >> 3 & 3 == 1:
            configuration[0] = 0
        configuration[15], addresses[15] = 0x1F, (1 << 54) - 1
        packed = [int.from_bytes(bytes(configuration[n : n + 8]), "little") for n in (0, 8)]
        return packed + addresses

    def start(self):
        """medeleg, mideleg, iterations, the end of the code, seed of the frame's choices, and one word unused."""
        delegated = self.random.choice([0, 0xB3FF & ~(1 << 8 | 1 << 9), self.random.getrandbits(16) & 0xB0FF])
        # QEMU 7.2 calls an AMO's fault a load's at times; so loads' and stores' faults go the same way.
        for load, store in ((4, 6), (5, 7), (13, 15)):
            delegated = delegated & ~(1 << store) | (delegated >> load & 1) << store
        return [
            delegated,
            self.random.choice([0, 2]),
            self.iterations,
            CODE + self.blocks * BLOCK + 12,
            self.random.getrandbits(63),
            0,
        ]

    def elf(self, frame):
        """The whole program as an ELF file, from the assembled frame."""
        parts = [(RAM, frame), (CODE, self.code()), (DATA, self.data()), (TABLES, self.tables())]
        magic = b"\x7fELF\2\1\1"
        header = struct.pack("<16sHHIQQQIHHHHHH", magic, 2, 243, 1, RAM, 64, 0, 0, 64, 56, len(parts), 0, 0, 0)
        offset, programs, content = 4096, b"", b""
        for address, data in parts:
            programs += struct.pack("<IIQQQQQQ", 1, 7, offset, address, address, len(data), len(data), 4096)
            padded = data + bytes(-len(data) % 4096)
            content += padded
            offset += len(padded)
        return (header + programs).ljust(4096, b"\0") + content

    def entry(self, level, frame):
        """An entry with random flags; one in a hundred with reserved bits."""
        flags = self.random.randrange(256)
        if self.random.random() < 0.5:
            flags = self.random.choice([0xCF, 0xDF, 0xD7, 0xC7, 0xD3, 0x4B, 0x0F, 0x5F])
        if level > 0 and self.random.random() < 0.9:
            frame &= ~((1 << 9 * level) - 1)
        value = frame << 10 | flags | self.random.randrange(4) << 8
        if self.random.random() < 0.01:
            value |= 1 << self.random.randrange(54, 64)
        return value

    def tables(self):
        """Three roots (Sv39, Sv48, Sv57), one behind the other, and what they share: 7 pages.

        Page 0: Sv39's root: identity gigapages for M and S code, an alias for user mode, the wild gigabytes.
        Page 1, 2: the upper tables of Sv48 and Sv57. Page 3: level 1 of the wild gigabyte. Page 4: its level 0.
        """
        pages = [[0] * 512 for _ in range(7)]

        def table(number):
            return (TABLES + number * 4096 >> 12) << 10 | 1

        root = pages[0]
        root[2] = (RAM >> 12) << 10 | 0xCF
        root[3] = (RAM >> 12) << 10 | 0xDF
        root[4] = table(3)
        root[5] = self.entry(2, RAM >> 12)
        root[6] = self.random.choice([table(3) | 0x40, table(3) | 0x10, table(3) | 0x80, table(3)])
        pages[1][0] = table(0)
        pages[2][0] = table(1)
        frames = [SCATTER + 4096 * k >> 12 for k in range(128)]
        pages[3][0] = table(4)
        for k in range(1, 512):
            pages[3][k] = self.entry(1, self.random.choice(frames)) if k < 8 else 0
        for k in range(512):
            pages[4][k] = self.entry(0, self.random.choice(frames))
        return b"".join(struct.pack("<512Q", *page) for page in pages)
