# SPDX-License-Identifier: MIT
"""Which compiler there is: Debian 12 has clang 19, others have 20, older ones have GCC alone.

The versions that the project is written for come first: packages.list and the CMake presets name those.
"""

import functools
import re
import shutil
import subprocess
from pathlib import Path

# clang 18 and older cannot take std::expected from GCC's library.
LLVM_VERSIONS = (19, 20, 21)
GCC_VERSIONS = (12, 13, 14, 15)
CROSS_GCC = Path("/usr/lib/gcc-cross/riscv64-linux-gnu")
# QEMU's package for RISC-V was cut out of another.
QEMU_PACKAGES = ("qemu-system-misc", "qemu-system-riscv")


@functools.lru_cache(maxsize=None)
def offers(package):
    """Whether apt could install it. False too when there are no package lists yet."""
    if not shutil.which("apt-cache"):
        return False
    said = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True).stdout
    return re.search(r"Candidate: (?!\(none\))", said) is not None


def _choose(versions, is_installed, is_offered):
    for there in (is_installed, is_offered):
        for version in versions:
            if there(version):
                return version
    return None


@functools.lru_cache(maxsize=None)
def llvm_version():
    """The clang to use: one that is installed, else one that can be; None: this system has none that is new enough."""
    return _choose(LLVM_VERSIONS, lambda v: shutil.which(f"clang++-{v}"), lambda v: offers(f"clang-{v}"))


@functools.lru_cache(maxsize=None)
def gcc_version():
    """The same of the cross GCC, whose library's headers clang uses too."""
    return _choose(
        GCC_VERSIONS,
        lambda v: (CROSS_GCC / str(v)).exists(),
        lambda v: offers(f"libstdc++-{v}-dev-riscv64-cross"),
    )


@functools.lru_cache(maxsize=None)
def host_gcc_version():
    """The same of the library that the host tools use."""
    return _choose(
        GCC_VERSIONS,
        lambda v: Path(f"/usr/include/c++/{v}/expected").exists(),
        lambda v: offers(f"libstdc++-{v}-dev"),
    )


def forget():
    """The package lists are new: what can be had may have changed."""
    for question in (offers, llvm_version, gcc_version, host_gcc_version):
        question.cache_clear()


def local_name(package):
    """What a package of packages.list is called here."""
    if package in QEMU_PACKAGES:
        return next((name for name in reversed(QEMU_PACKAGES) if offers(name)), package)
    if package.endswith(("-19", "-19-dev", "-19-dev-wasm32")):
        return package.replace("-19", f"-{llvm_version() or LLVM_VERSIONS[0]}")
    if "-12-" in package:
        version = gcc_version() if "riscv64" in package else host_gcc_version()
        return package.replace("-12-", f"-{version or GCC_VERSIONS[0]}-")
    return package


def llvm_tool(name):
    """The command of an LLVM tool, for example llvm-nm."""
    return f"{name}-{llvm_version() or LLVM_VERSIONS[0]}"


def compiler_definitions():
    """What CMake is told where the presets' compiler is not this system's."""
    version = llvm_version()
    if version in (None, LLVM_VERSIONS[0]):
        return []
    return [f"CMAKE_C_COMPILER=clang-{version}", f"CMAKE_CXX_COMPILER=clang++-{version}"]
