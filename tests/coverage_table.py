#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up what several test programs covered of the same sources (`llvm-cov export` of each) and prints it per file.

The three kernel views compile the same functions differently, so llvm-cov cannot merge their counters by function. Here
they are merged by place in the source: a branch is two outcomes of one condition at one line and column, whichever
template instance, view or program took them. A condition that is a constant wherever its code ran (llvm-cov: folded) is
no branch.
"""

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class File:
    def __init__(self):
        self.lines = defaultdict(int)  # line -> how often it ran
        self.branches = defaultdict(lambda: [0, 0])  # (line, column, end line, end column) -> taken, not taken
        self.reached = set()  # branches whose code ran

    def add(self, exported):
        segments = exported["segments"]
        for line, count in line_counts(segments):
            self.lines[line] += count
        # A program may hold several instances of the same branch; together they are one.
        outcomes = defaultdict(lambda: [0, 0])
        for begin, begin_column, end, end_column, taken, not_taken, *_ in exported["branches"]:
            place = outcomes[begin, begin_column, end, end_column]
            place[0] += taken
            place[1] += not_taken
        for place, (taken, not_taken) in outcomes.items():
            self.branches[place][0] += taken
            self.branches[place][1] += not_taken
            if count_at(segments, place[0], place[1]):
                self.reached.add(place)

    def drop_constants(self):
        for place, outcomes in list(self.branches.items()):
            if outcomes == [0, 0] and place in self.reached:
                del self.branches[place]

    def line_figures(self):
        return sum(count > 0 for count in self.lines.values()), len(self.lines)

    def branch_figures(self):
        return sum((a > 0) + (b > 0) for a, b in self.branches.values()), 2 * len(self.branches)


def count_at(segments, line, column):
    """How often the code at this place ran: the count of the last segment that begins before it."""
    count = 0
    for begin, begin_column, ran, has_count, *_ in segments:
        if (begin, begin_column) > (line, column):
            break
        count = ran if has_count else 0
    return count


def line_counts(segments):
    """Lines with code and how often each ran, as llvm-cov counts them (LineCoverageStats)."""
    by_line = defaultdict(list)
    for segment in segments:
        by_line[segment[0]].append(segment)
    if not segments:
        return
    wrapped = None
    for line in range(segments[0][0], segments[-1][0] + 1):
        here = by_line.get(line, [])
        starts = [s for s in here if s[3] and s[4] and not s[5]]
        begins_skipped = bool(here) and not here[0][3] and here[0][4]
        if not begins_skipped and ((wrapped and wrapped[3]) or starts):
            counts = [s[2] for s in starts]
            if wrapped and wrapped[3]:
                counts.append(wrapped[2])
            yield line, max(counts)
        if here:
            wrapped = here[-1]


def percent(covered, total):
    return 100.0 * covered / total if total else 100.0


def print_table(files):
    print(f"{'file':<34}{'lines':>12}{'':>9}{'branches':>14}")
    totals = [0, 0, 0, 0]
    for name, file in sorted(files.items()):
        figures = [*file.line_figures(), *file.branch_figures()]
        totals = [total + figure for total, figure in zip(totals, figures)]
        print_row(name, *figures)
    print_row("total", *totals)
    return percent(totals[2], totals[3])


def print_row(name, lines, all_lines, branches, all_branches):
    print(
        f"{name:<34}{lines:>6}/{all_lines:<5}{percent(lines, all_lines):>7.1f} %"
        f"{branches:>8}/{all_branches:<5}{percent(branches, all_branches):>7.1f} %"
    )


def print_missed(files):
    for name, file in sorted(files.items()):
        text = (ROOT / name).read_text().splitlines()
        for (line, column, end, end_column), (taken, not_taken) in sorted(file.branches.items()):
            if taken and not_taken:
                continue
            condition = text[line - 1][column - 1 : end_column - 1 if end == line else None].strip()
            never = "true or false" if not taken and not not_taken else "true" if not taken else "false"
            print(f"{name}:{line}:{column}: never {never}: {condition}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--require", type=float, default=0, help="fail below this branch coverage, in percent")
    parser.add_argument("exports", nargs="+", help="files written by llvm-cov export")
    options = parser.parse_args()
    files = defaultdict(File)
    for path in options.exports:
        for exported in json.loads(Path(path).read_text())["data"][0]["files"]:
            files[str(Path(exported["filename"]).relative_to(ROOT))].add(exported)
    for file in files.values():
        file.drop_constants()
    print_missed(files)
    branches = print_table(files)
    print(f"branch coverage of sv39/ and kernel/mm: {branches:.2f} %")
    return 0 if branches >= options.require else 1


if __name__ == "__main__":
    sys.exit(main())
