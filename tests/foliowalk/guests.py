# SPDX-License-Identifier: MIT
"""The guests of foliowalk's end-to-end tests: a kernel that is not Bifolium, and Bifolium in its three views."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIP = 77
sys.path[:0] = [str(ROOT / "tools/foliowalk"), str(ROOT / "tools/guest")]
import explore  # noqa: E402
from console import Guest  # noqa: E402
from machine import Machine  # noqa: E402


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(SKIP)


def is_sanitized(program):
    """Such a program takes several times as long as it should."""
    return b"__asan_init" in Path(program).read_bytes()


class Walker:
    """Something that foliowalk can be run on: has `foliowalk` and `session_directory`."""

    def walk(self, *arguments, session=None, status=0):
        """Runs foliowalk on the guest; checks the exit status; returns what it printed on both streams."""
        command = [self.foliowalk, "--session", str(session or self.session_directory), *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300)
        output = result.stdout + result.stderr
        assert result.returncode == status, f"{command}: status {result.returncode}, not {status}\n{output}"
        return output

    def json(self, *arguments, **options):
        return json.loads(self.walk("--json", *arguments, **options))


class BifoliumGuest(Walker):
    """Bifolium at its shell's prompt, prepared as `./run --explore` does it, on an image that nothing is written to."""

    def __init__(self, foliowalk, view, harts=3):
        if not shutil.which("qemu-system-riscv64"):
            skip("no qemu-system-riscv64")
        builds = [ROOT / "build" / tree for tree in ("debug", "release")]
        build = next((build for build in builds if (build / f"kernel-{view}").exists()), None)
        assert build, f"no kernel-{view} in build/debug or build/release: build it first"
        self.foliowalk = str(foliowalk)
        self.session_directory = Path(tempfile.mkdtemp(prefix="foliowalk-"))
        machine = Machine(kernel=build / f"kernel-{view}", image=build / "fs.img", harts=harts, snapshot=True)
        self.exploration = explore.Exploration(machine.kernel, machine.memory, self.session_directory)
        machine.extra += self.exploration.options
        self.console = Guest(machine.command(interactive=False), timeout=900)
        try:
            self.console.await_prompt()
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.console.stop()
        self.exploration.close()
        shutil.rmtree(self.session_directory, ignore_errors=True)

    def type(self, line):
        """Types a line and does not wait for what comes of it."""
        self.console.process.stdin.write(line.encode() + b"\n")


class OwnMachine(Walker):
    """A guest whose QEMU is `process` and whose files are in `directory`; both go at the end."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def stop(self):
        self.process.kill()
        self.process.wait()


class MinimalGuest(OwnMachine):
    """tests/guests/minimal under QEMU, with shared RAM and QMP. `shape` is minimal or minimal-xv6."""

    def __init__(self, foliowalk, shape="minimal", harts=2):
        if not shutil.which("qemu-system-riscv64"):
            skip("no qemu-system-riscv64")
        self.foliowalk = str(foliowalk)
        shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = self.session_directory = Path(tempfile.mkdtemp(prefix="foliowalk-", dir=shared))
        subprocess.run([ROOT / "tests/guests/minimal/build", self.directory], check=True)
        self.kernel = self.directory / shape
        trace = self.directory / "trace"
        trace.touch()
        command = [
            "qemu-system-riscv64", "-machine", "virt,memory-backend=ram0", "-m", "128M",
            "-object", f"memory-backend-file,id=ram0,size=128M,mem-path={self.directory}/ram,share=on",
            "-smp", str(harts), "-bios", "none", "-kernel", str(self.kernel),
            "-display", "none", "-serial", "stdio", "-monitor", "none",
            "-D", str(trace), "-msg", "timestamp=on",
            "-qmp", f"unix:{self.directory}/qmp,server=on,wait=off",
            "-qmp", f"unix:{self.directory}/qmp-server,server=on,wait=off",
        ]  # fmt: skip
        session = {"ram": "ram", "qmp": "qmp", "kernel": shape, "trace": "trace"}
        (self.directory / "session.json").write_text(json.dumps(session))
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if not any(b"minimal guest: running" in line for line in self.process.stdout):
            self.__exit__()
            raise AssertionError("the guest did not start")


def run_tests(tests):
    """Calls each function with a name and a line of its own."""
    for test in tests:
        began = time.monotonic()
        test()
        print(f"ok  {test.__name__}  ({time.monotonic() - began:.1f} s)", flush=True)
    print(f"{len(tests)} passed")
