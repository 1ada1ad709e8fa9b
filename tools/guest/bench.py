# SPDX-License-Identifier: MIT
"""./bench: retired instructions for each case, each view, beside the peers and the bound.

The guest program vmbench measures itself and prints `case NAME instructions N` for each case. Under
`-icount shift=0,sleep=off` a retired instruction is one tick, so the figures repeat and the host's speed plays no part.

The network's cases have a boot of their own. Only that machine has a card, and its clock does not jump ahead while it
waits: to a guest whose seconds pass in microseconds every host is too late with its answers.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import packages
import scaling
import tlb
from build import ROOT, build
from machine import VIEWS, check_view, network_options, preflight
from peer import RawPeer
from report import Failure, Progress, guarded, say
from trial import trial

PEERS = ROOT / "tools" / "bench" / "peers.json"
CHINESE = ROOT / "tools" / "bench" / "cases.zh-CN.json"
_CASE = re.compile(r"^case (\w+) instructions (\d+)\s*$", re.MULTILINE)
NETWORK_CASES = ("udp_send", "udp_round_trip")
# The shell takes lines of this length, so a long list of cases is typed in parts.
_LONGEST_LINE = 90


def parse_arguments(arguments, known):
    parser = argparse.ArgumentParser(
        prog="./bench",
        description="Count retired guest instructions for each case in each kernel view.",
        epilog="cases: " + " ".join(known),
        allow_abbrev=False,
    )
    parser.add_argument("--view", metavar="V", help="only this view (default: all three side by side)")
    parser.add_argument("--cases", metavar="A,B", help="only these cases")
    parser.add_argument("--json", type=Path, metavar="FILE", help='write {"view": {"case": instructions}}')
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there")
    parser.add_argument("--tlb", action="store_true", help="instead: satp writes, fences, walks, on Vellum")
    parser.add_argument("--scaling", action="store_true", help="instead: two processes on two harts against one")
    parser.add_argument("--timeout", type=float, default=1200, metavar="S", help="for each view (default %(default)g)")
    parser.add_argument("--no-install", action="store_true", help="name missing packages instead of installing them")
    return parser.parse_args(arguments)


def choose_cases(text, known):
    chosen = [name.strip() for name in text.split(",") if name.strip()] if text is not None else list(known)
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen:
        raise Failure(f"--cases: unknown case '{(unknown or [''])[0]}' (known: {' '.join(known)})")
    return chosen


def command_lines(cases):
    line = "vmbench"
    for case in cases:
        if len(line) + 1 + len(case) > _LONGEST_LINE:
            yield line
            line = "vmbench"
        line += f" {case}"
    yield line


def boots_for(cases):
    """[(cases, the machine's options)]: what is measured together."""
    local = [case for case in cases if case not in NETWORK_CASES]
    distant = [case for case in cases if case in NETWORK_CASES]
    boots = [(local, {"icount": True})] if local else []
    return boots + ([(distant, machine_with_peer(RawPeer()))] if distant else [])


def machine_with_peer(peer):
    return {"extra": ["-icount", "shift=0", *network_options(capture=None, backend=peer.backend())]}


def measure(directory, view, cases, timeout):
    """Boots one view, once or twice, and returns {case: instructions}."""
    found = {}
    progress = Progress(f"measuring {view}")
    for part, options in boots_for(cases):
        tell = lambda case: progress.step(len(found), len(cases), case)  # noqa: E731
        measure_boot(directory, view, part, timeout, options, found, tell)
    progress.clear()
    return {case: found[case] for case in cases}


def measure_boot(directory, view, cases, timeout, options, found, tell):
    """Adds to {case: instructions} what one boot finds, and tells each case's name."""
    pending = ""

    def watch(data):
        nonlocal pending
        pending += data.decode("utf-8", "replace").replace("\r", "")
        lines, _, pending = pending.rpartition("\n")
        for name, count in _CASE.findall(lines):
            found[name] = int(count)
            tell(name)

    with trial(directory, view, timeout, watch, harts=1, **options) as guest:
        try:
            guest.await_prompt()
            for line in command_lines(cases):
                guest.run(line)
            missing = [case for case in cases if case not in found]
            if missing:
                raise Failure(f"vmbench did not report: {' '.join(missing)}", 1)
        except Failure as failure:
            sys.stderr.write("\n" + guest.text()[-2000:] + "\n")
            raise Failure(f"{view}: {failure}", failure.status) from failure


def number(value):
    return "" if value is None else f"{value:,}"


def verdict(row, figures):
    """Where the first view stands, in one word."""
    mine = next(iter(figures.values()))[row["case"]]
    if row["target"] is None:
        return ""
    if mine <= row["target"]:
        return "target met"
    if row["linux"] is not None and mine <= row["linux"]:
        return "ahead of Linux"
    return "behind"


def table(figures, peers, cases):
    head = ["case", *figures, "target", "bound", "Linux", "xv6 fast", "xv6", ""]
    rows = []
    for row in peers:
        if row["case"] in cases:
            mine = [number(figures[view][row["case"]]) for view in figures]
            theirs = [number(row[column]) for column in ("target", "bound", "linux", "xv6_fast", "xv6")]
            rows.append([row["case"], *mine, *theirs, verdict(row, figures)])
    return head, rows


def print_table(head, rows):
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]
    for line in [head, *rows]:
        cells = [cell.rjust(width) for cell, width in zip(line, widths)]
        cells[0], cells[-1] = line[0].ljust(widths[0]), line[-1]
        print("  ".join(cells).rstrip())


def write_markdown(path, head, rows, peers):
    """The table as a document, and its Chinese twin beside it."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    revision = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    chinese = path.with_suffix(".zh-CN.md")
    lines = [
        f"# Instructions for each operation\n\nChinese: [{chinese.name}]({chinese.name}).\n\n",
        "Made by `./bench --markdown docs/bench.md`" + (f" at {revision}" if revision else ""),
        ": retired guest instructions,\n",
        "user and kernel together, QEMU `virt`, `-smp 1 -icount shift=0,sleep=off`, release build. The peers were ",
        "measured\nin the same way: xv6 of 2022 as it is, xv6 at -O2 with fast page filling, a tuned Linux 6.12; ",
        "the bound is a\nbare-metal loop that does the least a correct kernel could do. The network's cases run ",
        "without `sleep=off`, so\nthat a host is not late with its answer; waiting is not counted. Linux beside them: ",
        "`tools/bench/linux_udp.py`.\n\n",
    ]
    path.write_text("".join(lines) + rows_of_document(head, rows, "what", {row["case"]: row["what"] for row in peers}))
    lines = [
        f"# 每个操作的指令数\n\nEnglish: [{path.name}]({path.name})。\n\n",
        "由 `./bench --markdown docs/bench.md` 生成" + (f"，版本 {revision}" if revision else ""),
        "：用户态和内核合计的退休指令数，\nQEMU `virt`，`-smp 1 -icount shift=0,sleep=off`，release 版。对照者用同样方法测量：",
        "2022 年的 xv6 原样、\n用 -O2 编译并快速填页的 xv6、调优的 Linux 6.12；下界是只做正确内核必须做的事的裸机循环。\n",
        "网络的情况不带 `sleep=off` 运行，这样主机的回答不会太晚；机器等待的时间不计。旁边的 Linux 由 ",
        "`tools/bench/linux_udp.py` 测量。\n\n",
    ]
    chinese.write_text("".join(lines) + rows_of_document(head, rows, "说明", json.loads(CHINESE.read_text())))


def rows_of_document(head, rows, last, what):
    text = "| " + " | ".join(head) + f" | {last} |\n" + "|---" + "|---:" * (len(head) - 2) + "|---|---|\n"
    return text + "".join("| " + " | ".join(row) + f" | {what[row[0]]} |\n" for row in rows)


def main():
    peers = json.loads(PEERS.read_text())
    known = [row["case"] for row in peers]
    options = parse_arguments(sys.argv[1:], known)
    cases = choose_cases(options.cases, known)
    # The default view comes first: it is the one that the verdict is about.
    views = [check_view(options.view)] if options.view else sorted(VIEWS, reverse=True)
    packages.ensure(packages.BUILD, packages.BOOT, install=not options.no_install)
    preflight()
    directory = build("release", [*(f"kernel-{view}" for view in views), "image", *(["vellum"] if options.tlb else [])])
    if options.tlb:
        tlb.report(directory, views, options.markdown)
    if options.scaling:
        scaling.report(directory, views)
    if options.tlb or options.scaling:
        return 0
    figures = {}
    for view in views:
        say(f"booting {view} for {len(cases)} case(s)")
        figures[view] = measure(directory, view, cases, options.timeout)
    head, rows = table(figures, peers, cases)
    print_table(head, rows)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    if options.markdown:
        write_markdown(options.markdown, head, rows, peers)
    return 0


if __name__ == "__main__":
    guarded(main)
