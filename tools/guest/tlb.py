# SPDX-License-Identifier: MIT
"""./bench --tlb: what a kernel's page tables cost the caches of translations, for one operation.

Vellum runs the kernel with caches of the sizes below (vellum --tlb) and counts what happens between two readings of
instret. vmbench reads it before and after the operations of each case, so every second window is a case.
"""

import json
import re
import subprocess

from build import ROOT
from report import Failure

PEERS = ROOT / "tools" / "bench" / "tlb_peers.json"
CACHES = "32,32,1024x4"
_OPERATIONS = re.compile(r"^case (\w+) operations (\d+)\s*$", re.MULTILINE)
_BEGIN, _END = "<!-- ./bench --tlb --markdown writes this table -->\n", "<!-- until here -->\n"


def measure(directory, view, cases):
    """{case: {what: how often for one operation}}"""
    command = [directory / "tools" / "vellum", directory / f"kernel-{view}", directory / "fs.img", "--snapshot"]
    command += ["--smp", "1", "--tlb", CACHES, "--json", "--exec", "vmbench -t " + " ".join(cases)]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    operations = [(name, int(count)) for name, count in _OPERATIONS.findall(run.stdout)]
    counted = [json.loads(line) for line in run.stderr.splitlines() if line.startswith('{"tlb": "window')]
    if run.returncode != 0 or [name for name, _ in operations] != cases or len(counted) != 2 * len(cases) - 1:
        raise Failure(f"{view}: vmbench on Vellum failed:\n{run.stdout[-2000:]}{run.stderr[-2000:]}", 1)
    return {
        name: {what: number / count for what, number in window.items() if what != "tlb"}
        for (name, count), window in zip(operations, counted[::2])
    }


def in_words(figure):
    """At most two digits behind the point: most are whole, some happen once in a hundred operations."""
    return f"{figure:,.2f}".rstrip("0").rstrip(".")


def cell(row, counts):
    walks = in_words(counts["walks"])
    if row["figure"] == "walks":
        return walks
    fences = sum(counts[f"{kind}"] for kind in ("full fences", "fences of a space", "fences of a page"))
    return f"{in_words(counts['satp writes'])}, {in_words(fences)}, {walks}"


def write_into(document, head, rows):
    text = document.read_text()
    if text.count(_BEGIN) != 1 or text.count(_END) != 1:
        raise Failure(f"--markdown {document}: it has no place for this table (between '{_BEGIN.strip()}' and its end)")
    before, _, rest = text.partition(_BEGIN)
    table = "".join("| " + " | ".join(row) + " |\n" for row in [head, ["---"] * len(head), *rows])
    document.write_text(before + _BEGIN + table + _END + rest.partition(_END)[2])


def report(directory, views, document):
    """Prints all that was counted, and writes the table into the document and its Chinese twin if one is given."""
    peers = json.loads(PEERS.read_text())
    cases = [row["case"] for row in peers]
    figures = {view: measure(directory, view, cases) for view in views}
    for view, counts in figures.items():
        for case in cases:
            print(f"{view:9} {case:11} " + ", ".join(f"{in_words(n)} {what}" for what, n in counts[case].items()))
    if document is None:
        return
    views = sorted(views, key=["shared", "mirrored", "unified"].index)
    for path, words in ((document, "what"), (document.with_suffix(".zh-CN.md"), "chinese")):
        rows = [
            [row[words], row["xv6"], row["linux"], *(cell(row, figures[view][row["case"]]) for view in views)]
            + [row["target"] if words == "what" else row["target"].replace("at most", "不超过")]
            for row in peers
        ]
        head = ["", "xv6", "Linux", *views, "target" if words == "what" else "目标"]
        write_into(path, head, rows)
