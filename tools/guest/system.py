# SPDX-License-Identifier: MIT
"""What is booted, by either compiler: a kernel of one view and an image with the programs."""

import enum
import subprocess

import packages
import toolchain
from build import ROOT, build
from report import Failure, say


class Compiler(enum.Enum):
    CLANG = "clang"
    GCC = "gcc"


def choose_compiler(wants_gcc):
    """GCC when it is asked for, or where this system's clang is too old for C++23."""
    if wants_gcc:
        return Compiler.GCC
    if toolchain.llvm_version() is None and toolchain.gcc_version() is not None:
        say("this system has no clang of version 19 or later: building with GCC (--gcc)")
        return Compiler.GCC
    return Compiler.CLANG


def packages_of(compiler):
    return packages.BUILD_GCC if compiler is Compiler.GCC else packages.BUILD


def command_of(compiler):
    """The command that compiles for the target."""
    if compiler is Compiler.CLANG:
        return toolchain.llvm_tool("clang++")
    return f"riscv64-linux-gnu-g++-{toolchain.gcc_version() or toolchain.GCC_VERSIONS[0]}"


def tree_of(compiler, preset):
    """The build tree of ./run's kind (release, debug, no-lto)."""
    if compiler is Compiler.CLANG:
        return preset
    return {"release": "gcc-run", "no-lto": "gcc-run", "debug": "gcc"}[preset]


def build_system(compiler, preset, view, with_image):
    """Builds no more than what boots; returns the kernel and the pristine image (None unless wanted)."""
    tree, kernel = tree_of(compiler, preset), f"kernel-{view}"
    if compiler is Compiler.CLANG:
        directory = build(tree, [kernel] + (["image"] if with_image else []))
        return directory / kernel, directory / "fs.img" if with_image else None
    directory = build(tree, [kernel] + (["programs"] if with_image else []))
    return directory / kernel, _make_image(directory) if with_image else None


def _make_image(directory):
    """fs.img of the cross tree, which cannot run mkfs by itself: the host's tree has that."""
    mkfs = build("gcc-tools", ["mkfs"]) / "tools" / "mkfs"
    programs = [path.with_suffix("") for path in sorted((directory / "user").glob("*.sym"))]
    sources, image = [mkfs, ROOT / "README.md", *programs], directory / "fs.img"
    if image.exists() and all(path.stat().st_mtime <= image.stat().st_mtime for path in sources):
        return image
    files = [f"README={ROOT / 'README.md'}", *(f"{path.name}={path}" for path in programs)]
    if subprocess.run([mkfs, "--quiet", image, *files]).returncode != 0:
        raise Failure("mkfs failed (its message is above)")
    return image
