#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that no file includes upwards and that no include cycle exists.

The house has layers; a file may include its own layer and those below. Everything is found by name from the
root of the tree or of kernel/, so an include that is neither is reported too.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# From the top down; labs is a wing that the core works without. kernel/*.cpp and *.hpp themselves are `kernel`.
KERNEL_LAYERS = (
    "labs kernel boot syscall process report fs net dev mm sched sync arch lib sv39 abi".split()
)
# What stands beside the kernel: each may use only these.
NEIGHBOURS = {
    "user": {"user", "abi"},
    "vellum": {"vellum"},  # The judge shares no line with the judged.
    "tools": {"tools", "sv39", "abi", "lib", "fs", "mm", "dev", "vellum"},  # dev: an image is a block device to imgput
    "tests": None,  # Tests may look at everything.
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
# C headers of xv6 programs, found through tools/xv6cc's own include path.
FOREIGN = re.compile(
    r"^(kernel/(types|stat|fcntl|param|riscv|memlayout|fs|syscall|spinlock|sysinfo|net)\.h|user/user\.h)$"
)


def sources():
    for top in ("abi", "sv39", "kernel", "user", "vellum", "tools", "tests"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".hpp", ".cpp", ".h", ".c", ".S", ".in") and path.is_file():
                yield path.relative_to(ROOT)


def layer_of(path):
    parts = path.parts
    if parts[0] != "kernel":
        return parts[0]
    return parts[1] if len(parts) > 2 else "kernel"


def resolve(name, includer):
    """The file an include means, or None when it is not one of ours."""
    bases = [ROOT / includer.parent, ROOT]
    bases += [ROOT / "user"] if includer.parts[0] == "user" else [ROOT / "kernel"]
    if includer.parts[0] == "tests":
        bases += [ROOT / "tests" / "host", ROOT / "tests", ROOT / "tests" / "host" / "seam"]
    for base in bases:
        candidate = (base / name).resolve()
        if candidate.is_file() and candidate.is_relative_to(ROOT):
            return candidate.relative_to(ROOT)
    return None


def violation(includer, included):
    """Why this include is not allowed, or None."""
    from_layer, to_layer = layer_of(includer), layer_of(included)
    if from_layer in NEIGHBOURS:
        allowed = NEIGHBOURS[from_layer]
        return None if allowed is None or to_layer in allowed else f"{from_layer}/ may not use {to_layer}/"
    if to_layer not in KERNEL_LAYERS:
        return f"the kernel may not use {to_layer}/"
    if KERNEL_LAYERS.index(to_layer) < KERNEL_LAYERS.index(from_layer):
        return f"{from_layer} is below {to_layer}"
    return None


def find_cycle(graph):
    """One include cycle as a list of files, or None (depth-first, three colours)."""
    state = {}

    def visit(node, trail):
        state[node] = "open"
        for target in graph.get(node, ()):
            if state.get(target) == "open":
                return trail[trail.index(target) :] + [target] if target in trail else [node, target]
            if target not in state:
                found = visit(target, trail + [target])
                if found:
                    return found
        state[node] = "done"
        return None

    for node in graph:
        if node not in state:
            found = visit(node, [node])
            if found:
                return found
    return None


def main():
    problems, graph, edges = [], {}, 0
    for path in sources():
        text = (ROOT / path).read_text(errors="replace")
        graph[path] = []
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            target = resolve(match[1], path)
            if target is None:
                if path.parts[0] in ("abi", "sv39", "kernel", "vellum") and not FOREIGN.match(match[1]):
                    problems.append(f'{path}:{line}: "{match[1]}" is not a file of this tree')
                continue
            edges += 1
            graph[path].append(target)
            reason = violation(path, target)
            if reason:
                problems.append(f'{path}:{line}: includes "{match[1]}", but {reason}')
    cycle = find_cycle(graph)
    if cycle:
        problems.append("include cycle: " + " -> ".join(map(str, cycle)))
    for problem in problems:
        print(problem)
    print(f"{len(graph)} files, {edges} includes, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
