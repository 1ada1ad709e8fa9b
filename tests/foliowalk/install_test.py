# SPDX-License-Identifier: MIT
"""`make install`: foliowalk with its page, and vellum, as somebody has them who has nothing else of this project."""

import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from guests import ROOT, MinimalGuest, run_tests, skip

try:
    sys.path.insert(0, str(ROOT / "tools/foliowalk"))
    import explore

    explore.build_page(print)
except explore.NoPage as reason:
    skip(reason)


def make_install(prefix, status=0):
    command = ["make", "--no-print-directory", "-C", str(ROOT), "install", f"PREFIX={prefix}"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=500)
    output = result.stdout + result.stderr
    assert (result.returncode == 0) == (status == 0), output
    return output


def the_programs_stand_alone():
    with tempfile.TemporaryDirectory() as directory:
        prefix = Path(directory) / "a place"
        said = make_install(prefix)
        assert f"{prefix}/bin is not in PATH" in said, said
        assert make_install(prefix), "again, over what is there"
        programs = prefix / "bin"
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": directory}
        run = {"cwd": directory, "env": environment, "capture_output": True, "text": True, "timeout": 60}
        assert "attach" in subprocess.run(["foliowalk", "--help"], check=True, **run).stdout
        assert "-kernel" in subprocess.run(["vellum", "--help"], check=True, **run).stdout
        the_installed_page_is_served(programs / "foliowalk", prefix / "share/foliowalk/web")


def the_installed_page_is_served(foliowalk, page):
    (page / "mark.txt").write_text("the installed page\n")
    with MinimalGuest(foliowalk) as guest:
        command = [str(foliowalk), "--session", str(guest.directory), "serve", "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/")
        try:
            address = server.stdout.readline().split()[-1]
            for path in ("", "mark.txt", "main.js"):
                with urllib.request.urlopen(address + path, timeout=30) as answer:
                    assert answer.read() == (page / (path or "index.html")).read_bytes(), path
        finally:
            server.kill()
            server.wait()


def a_place_that_cannot_be_written_to():
    with tempfile.NamedTemporaryFile() as file:
        assert "make install PREFIX=" in make_install(file.name, status=1)


run_tests([the_programs_stand_alone, a_place_that_cannot_be_written_to])
