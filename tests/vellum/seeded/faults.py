# SPDX-License-Identifier: MIT
"""The faults: what is edited in a healthy kernel, and what Vellum has to say of it.

An Edit replaces `old`, which stands in the file once, by `new`. `rules` are those of which one must
be reported; `place` is a piece of the line, after the edit, that the first such report must name: where it happened,
where it came from, or who called.
"""

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SMALL, WRONG = HERE / "kernel.c", HERE.parent / "wrong" / "kernel.c"
STALE, SATP, CODE = ("stale-translation",), ("stale-after-satp",), ("stale-code",)
USE, TWICE, TABLE = ("use-after-free",), ("double-free",), ("reserved-entry",)


@dataclass(frozen=True)
class Edit:
    name: str
    file: Path
    old: str
    new: str
    rules: tuple
    place: str  # "" for a hang: the functions are asked for instead
    said: tuple = ()  # what must be said as well: of a hang, who waits for whom


def small(name, old, new, rules, place, *said):
    return Edit(name, SMALL, old, new, rules, place, said)


def wrong(name, old, new, rules, place):
    return Edit(name, WRONG, old, new, rules, place)


REPLACE = "  map(space, HEAP, kalloc(), DATA);\n  fence_page(HEAP, space->number);\n"
PROTECT = "  *walk(space->root, HEAP) &= ~(u64)W;\n  fence_page(HEAP, space->number);\n"
MOVE = "  middle[0] = ENTRY(lower, V);\n  fence_space(space->number);\n"
SPLIT = "  *entry = ENTRY(lower, V);\n  fence_space(space->number);\n  put(LARGE, 2);\n"
COPY = "  map(&first, SHARED, (void *)copy, DATA);\n  fence_page(SHARED, first.number);\n"
REUSE = "  enter(&third);\n  fence_space(third.number);\n"
GLOBAL = "  map(space, HEAP + page, kalloc(), DATA | G);\n  fence_all();\n  put(HEAP + page, 6);\n"
STORE_CODE = "  *(words)instructions = 0x8067ul << 32 | immediate << 20 | 0x513;\n  fence_code();\n"
UNMAP = "  *entry = 0;\n  fence_page(va, space->number);\n  kfree(frame);\n"
LOOK = 'asm volatile(".option push\\n.option norvc\\nld'

FENCES = [
    small(
        "no fence after a page was replaced",
        REPLACE,
        REPLACE.replace("  fence_page(HEAP, space->number);\n", ""),
        STALE,
        "put(HEAP, 7)",
    ),
    small(
        "the fence names another page",
        REPLACE,
        REPLACE.replace("fence_page(HEAP,", "fence_page(HEAP + page,"),
        STALE,
        "put(HEAP, 7)",
    ),
    small(
        "the fence names another space",
        REPLACE,
        REPLACE.replace("space->number)", "space->number + 1)"),
        STALE,
        "put(HEAP, 7)",
    ),
    small(
        "the fence comes before the store",
        REPLACE,
        "  fence_page(HEAP, space->number);\n  map(space, HEAP, kalloc(), DATA);\n",
        STALE,
        "put(HEAP, 7)",
    ),
    small("no fence after a right was taken", PROTECT, PROTECT.split("\n")[0] + "\n", STALE, "put(HEAP + 8, 1)"),
    small(
        "a right is taken after the fence",
        PROTECT,
        "  fence_page(HEAP, space->number);\n  *walk(space->root, HEAP) &= ~(u64)W;\n",
        STALE,
        "put(HEAP + 8, 1)",
    ),
    small(
        "a right is taken, another space is fenced",
        PROTECT,
        PROTECT.replace("space->number)", "second.number)"),
        STALE,
        "put(HEAP + 8, 1)",
    ),
    small(
        "a page is mapped and gone, not fenced",
        "  unmap(&first, SHARED);\n}",
        "  *walk(first.root, SHARED) = 0;\n  (void)look(SHARED);\n  fence_all();\n}",
        STALE,
        LOOK,
    ),
    small("no fence after a table was replaced", MOVE, MOVE.split("\n")[0] + "\n", STALE, "put(HEAP, 9)"),
    small(
        "a table was replaced, only a page is fenced",
        MOVE,
        MOVE.replace("fence_space(", "fence_page(HEAP, "),
        STALE,
        "put(HEAP, 9)",
    ),
    small(
        "a table was replaced, another space is fenced",
        MOVE,
        MOVE.replace("space->number", "second.number"),
        STALE,
        "put(HEAP, 9)",
    ),
    small(
        "a table is replaced after the fence",
        MOVE,
        "  fence_space(space->number);\n  middle[0] = ENTRY(lower, V);\n",
        STALE,
        "put(HEAP, 9)",
    ),
    small(
        "no fence after a large page was split",
        SPLIT,
        SPLIT.replace("  fence_space(space->number);\n", ""),
        STALE,
        "put(LARGE, 2)",
    ),
    small(
        "a large page was split, another page is fenced",
        SPLIT,
        SPLIT.replace("fence_space(", "fence_page(LARGE + page, "),
        STALE,
        "put(LARGE, 2)",
    ),
    small("copy at write without a fence", COPY, COPY.split("\n")[0] + "\n", STALE, LOOK),
    small("copy at write, the other space is fenced", COPY, COPY.replace("first.number", "second.number"), STALE, LOOK),
    small(
        "a global page is replaced under a space's fence",
        GLOBAL,
        GLOBAL.replace("fence_all()", "fence_space(space->number)"),
        STALE,
        "put(HEAP + page, 6)",
    ),
    small(
        "a global page is replaced under a page's fence",
        GLOBAL,
        GLOBAL.replace("fence_all()", "fence_page(HEAP + page, space->number)"),
        STALE,
        "put(HEAP + page, 6)",
    ),
    small("a number is given again without a fence", REUSE, "  enter(&third);\n", SATP, "csrw satp"),
    small(
        "a number is given again, the fence comes before satp",
        REUSE,
        "  enter(&second);\n  fence_space(third.number);\n  enter(&third);\n",
        SATP,
        "csrw satp",
    ),
    small(
        "a number is given again, another is fenced",
        REUSE,
        REUSE.replace("fence_space(third.number", "fence_space(9"),
        SATP,
        "csrw satp",
    ),
    small("every space has one number", "  make_space(&second, 2);", "  make_space(&second, 1);", STALE + SATP, ""),
    small("the other hart does not fence", "    fence_all();\n    task_value", "    task_value", STALE, LOOK),
    small(
        "the other hart fences afterwards",
        "    fence_all();\n    task_value = look(HEAP);\n",
        "    task_value = look(HEAP);\n    fence_all();\n",
        STALE,
        LOOK,
    ),
    small(
        "the other hart fences another page",
        "    fence_all();\n    task_value",
        "    fence_page(HEAP + page, 1);\n    task_value",
        STALE,
        LOOK,
    ),
    wrong(
        "a mapping is changed without a fence",
        "  if (!IS(fence)) fence_all();\n",
        "",
        STALE,
        "(void)*FAR;  // here",
    ),
    wrong("tables are changed without a fence", "  if (!IS(satp)) fence_all();\n", "", SATP, "(void)FAR[1];"),
    wrong(
        "tables are changed, the fence is early",
        "  use_tables(other_root);  // cause: stale-after-satp\n  if (!IS(satp)) fence_all();\n",
        "  fence_all();\n  use_tables(other_root);\n",
        SATP,
        "(void)FAR[1];",
    ),
    wrong(
        "a mapping is changed after the fence",
        "  low[0] = ENTRY(to, LEAF);  // cause: stale-translation\n  if (!IS(fence)) fence_all();\n",
        "  fence_all();\n  low[0] = ENTRY(to, LEAF);\n",
        STALE,
        "(void)*FAR;  // here",
    ),
]

CODES = [
    small(
        "code is stored and run without fence.i",
        STORE_CODE,
        STORE_CODE.split("\n")[0] + "\n",
        CODE,
        "*(words)instructions =",
    ),
    small(
        "fence.i comes before the store",
        STORE_CODE,
        "  fence_code();\n  *(words)instructions = 0x8067ul << 32 | immediate << 20 | 0x513;\n",
        CODE,
        "*(words)instructions =",
    ),
    small(
        "a fence of translations instead of fence.i",
        STORE_CODE,
        STORE_CODE.replace("fence_code()", "fence_all()"),
        CODE,
        "*(words)instructions =",
    ),
    small(
        "the other hart runs code without fence.i",
        "    fence_code();\n    asm",
        "    asm",
        CODE,
        "*(words)instructions =",
    ),
    wrong(
        "code is run without fence.i",
        '  if (!IS(code)) asm volatile("fence.i" ::: "memory");\n',
        "",
        CODE,
        "*at = 0x8067ul",
    ),
]

FRAMES = [
    small(
        "a freed frame is written",
        "  two[4] = 2;\n  kfree((void *)two);",
        "  kfree((void *)two);\n  two[4] = 2;",
        USE,
        "two[4] = 2;",
    ),
    small(
        "a freed frame is read",
        "  two[3] = one[3];\n  kfree((void *)one);",
        "  kfree((void *)one);\n  two[3] = one[3];",
        USE,
        "two[3] = one[3];",
    ),
    small(
        "the wrong frame is freed",
        "  kfree((void *)one);\n  two[4]",
        "  kfree((void *)two);\n  two[4]",
        USE,
        "two[4] = 2;",
    ),
    small(
        "a frame is freed twice",
        "  kfree((void *)one);\n",
        "  kfree((void *)one);\n  kfree((void *)one); /*again*/\n",
        TWICE,
        "/*again*/",
    ),
    small(
        "a frame is freed twice, much later",
        "  kfree((void *)two);\n}",
        "  kfree((void *)two);\n  kfree((void *)one);\n}",
        TWICE,
        "  kfree((void *)one);\n}",
    ),
    small(
        "a shared frame is freed by both",
        "  enter(&second);\n  fence_space(second.number);\n  (void)look(SHARED);",
        "  kfree(frame);\n  enter(&second);\n  fence_space(second.number);\n  (void)look(SHARED);",
        USE,
        LOOK,
    ),
    small(
        "a page is freed while it is mapped",
        "  put(HEAP, 7);\n  kfree(old);",
        "  kfree((void *)FRAME(*walk(space->root, HEAP)));\n  put(HEAP, 7);",
        USE,
        "put(HEAP, 7)",
    ),
    small(
        "a page that is shared is freed",
        "  words copy = kalloc();\n",
        "  words copy = kalloc();\n  kfree(frame);\n",
        USE,
        "copy[i] = ",
    ),
    small("a table is freed while it is used", MOVE, MOVE + "  kfree(lower);\n", USE, "put(HEAP, 9)"),
    small(
        "an old table is freed too early",
        "  lower[0] = ENTRY(kalloc(), DATA);\n  middle[0]",
        "  lower[0] = ENTRY(kalloc(), DATA);\n  kfree(old);\n  *(words)old = 0; /*late*/\n  middle[0]",
        USE,
        "/*late*/",
    ),
    small(
        "tables are freed while satp names them",
        "  enter(&first);\n  free_tables(third.root, 2);",
        "  free_tables(third.root, 2);\n  enter(&first);",
        USE,
        "",
    ),
    small(
        "a root is freed while satp names it",
        "  put(HEAP, 4);\n",
        "  kfree(third.root);\n  put(HEAP, 4);\n",
        USE + TABLE,
        "kfree(third.root);",
    ),
    small(
        "a frame is used by its old owner",
        "  two[3] = one[3];\n",
        "  kfree((void *)one);\n  for (int i = 0; i < 8; i++) one[i] = 5; /*old owner*/\n",
        USE,
        "/*old owner*/",
    ),
    small(
        "unmap frees before it clears",
        UNMAP,
        "  kfree(frame);\n  *(u64 *)frame = 0; /*wipe*/\n  *entry = 0;\n  fence_page(va, space->number);\n",
        USE,
        "/*wipe*/",
    ),
    small(
        "a frame is not freed",
        "  two[4] = 2;\n  kfree((void *)two);\n",
        "  two[4] = 2;\n",
        ("leak",),
        "words one = kalloc(), two",
    ),
    small(
        "an unmapped page is not freed",
        UNMAP,
        UNMAP.replace("  kfree(frame);\n", ""),
        ("leak",),
        "",
    ),
    wrong(
        "a frame is written after kfree",
        "  if (IS(use)) frame[2] = 2;",
        "  frame[2] = 2;",
        USE,
        "frame[2] = 2;  // here",
    ),
    wrong(
        "a frame is given back twice",
        "  if (IS(twice)) kfree",
        "  kfree",
        TWICE,
        "  kfree((void *)frame);  // here",
    ),
]

TABLES = [
    small(
        "an entry that may be written and not read",
        REPLACE,
        REPLACE.replace("DATA", "DATA & ~R"),
        TABLE,
        "*walk(space->root, va) =",
    ),
    small(
        "an entry with a reserved bit",
        REPLACE,
        REPLACE.replace("DATA", "DATA | 1ul << 60"),
        TABLE,
        "*walk(space->root, va) =",
    ),
    small(
        "a pointer with A and D",
        MOVE,
        MOVE.replace("ENTRY(lower, V)", "ENTRY(lower, V | A | D)"),
        TABLE,
        "middle[0] = ",
    ),
    small("a pointer with U", MOVE, MOVE.replace("ENTRY(lower, V)", "ENTRY(lower, V | U)"), TABLE, "middle[0] = "),
    small(
        "a pointer in the last level",
        "  lower[0] = ENTRY(kalloc(), DATA);\n  middle[0]",
        "  lower[0] = ENTRY(kalloc(), V);\n  middle[0]",
        TABLE + USE,
        "",
    ),
    small(
        "a large page that is not aligned",
        "*entry = ENTRY(0x80200000, DATA);",
        "*entry = ENTRY(0x80201000, DATA);",
        ("misaligned-superpage",),
        "*entry = ENTRY(0x80201000",
    ),
    small(
        "a table that was not cleared",
        "      fill(lower, 0);\n",
        "",
        ("uncleared-table", *TABLE, *USE),
        "",
    ),
    small(
        "a table is linked before it is cleared",
        "      fill(lower, 0);\n      *entry = ENTRY(lower, V);\n",
        "      *entry = ENTRY(lower, V);\n      fill(lower, 0);\n",
        ("uncleared-table",),
        "      *entry = ENTRY(lower, V);\n      fill",
    ),
    small(
        "a root that was not cleared",
        "  fill(space->root, 0);\n",
        "",
        ("uncleared-table",),
        "space->root = kalloc();",
    ),
    wrong(
        "an entry of the wrong kind",
        "  if (IS(reserved)) low[2] = ENTRY(frames, V | W | A | D);  // cause: reserved-entry\n",
        "  low[2] = ENTRY(frames, V | W | A | D);\n  fence_all();\n  (void)look(FAR + 2 * page / 8);\n",
        TABLE,
        "low[2] = ENTRY",
    ),
    wrong(
        "a large page in the middle of one",
        "  if (IS(superpage)) middle[2] = ENTRY(frames + page, LEAF);  // cause: misaligned-superpage\n",
        "  middle[2] = ENTRY(frames + page, LEAF);\n  fence_all();\n  (void)look(FAR + 2 * 0x200000 / 8);\n",
        ("misaligned-superpage",),
        "middle[2] = ENTRY",
    ),
]

HANGS = [
    small(
        "a lock is taken twice",
        "  acquire(&lock);\n  u64 *frame",
        "  acquire(&lock);\n  acquire(&lock);\n  u64 *frame",
        ("hang",),
        "acquire(&lock);\n  u64",
        "waits for the lock kmem (lock, at 0x",
        "held by itself",
        "a circle: hart 0 waits for itself",
    ),
    small(
        "a lock is not given back",
        "  free_list = frame;\n  release(&lock);\n",
        "  free_list = frame;\n",
        ("hang",),
        "  acquire(&lock);\n  fill",
        "waits for the lock kmem (lock, at 0x",
    ),
    small(
        "a lock is not given back on one way",
        "    release(&lock);\n    release(&other_lock);\n  }\n",
        "    release(&lock);\n  }\n  if (what == take_lock) acquire(&other_lock); /*kept*/\n",
        ("hang",),
        "/*kept*/",
        "waits for the lock other (other_lock, at 0x",
        "held by itself",
    ),
    small(
        "two locks in two orders",
        "  tell(take_lock);\n}",
        "  acquire(&lock);\n  task = take_lock;\n  for (int i = 0; i < 100000; i++) (void)*(words)&task_value;\n"
        "  acquire(&other_lock); /*other order*/\n}",
        ("hang",),
        "/*other order*/",
        "waits for the lock kmem (lock, at 0x",
        "held by hart 0",
        "waits for the lock other (other_lock, at 0x",
        "held by hart 1",
        "a circle: hart 0 waits for hart 1, hart 1 waits for hart 0",
    ),
    small(
        "nobody wakes the machine",
        '  print("done\\n");',
        '  asm volatile("csrw sie, x0\\nwfi");\n  print("done\\n");',
        ("hang",),
        "",
    ),
    small(
        "no frame is left",
        "frames_end; frame += page) kfree(frame);",
        "frames + 4 * page; frame += page) kfree(frame);",
        ("panic",),
        'panic("no frames")',
    ),
    small(
        "panic is called",
        "  use_frames();\n  work",
        '  panic("as asked");\n  work',
        ("panic",),
        'panic("as asked")',
    ),
]
ALL = FENCES + CODES + FRAMES + TABLES + HANGS
