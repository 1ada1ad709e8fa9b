# SPDX-License-Identifier: MIT
"""The page of ./run --page: its types; its worker under node; and in headless Chromium, served by a plain web server
from a folder of some name: page_test.mjs does what a person does, this makes what it needs.

Skipped, with a line that says why, where npm or Chromium is missing. PAGE_PICTURES=DIRECTORY keeps the screenshots.
"""

import gzip
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tools/guest"), str(ROOT / "tests/vellum")]
import page  # noqa: E402
from bundle import NoPackages  # noqa: E402
from judges_test import FAULTS, SCRIPT, compile_kernel  # noqa: E402

SKIP = 77
# What the files of the page may take, compressed, without kernels and disk: 3 MB.
LARGEST = 3_000_000


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(SKIP)


def compile_touch(directory):
    """A kernel that uses all its memory."""
    flags = ["--target=riscv64-linux-gnu", "-march=rv64imac", "-mabi=lp64", "-mcmodel=medany", "-nostdlib", "-static"]
    flags += ["-fno-pic", "-fuse-ld=lld-19", "-Wl,--build-id=none", "-T", SCRIPT]
    subprocess.run(["clang-19", *flags, ROOT / "tests/page/touch.S", "-o", directory / "touch"], check=True)


def commands_agree(site, directory):
    """`./run --page`, called from elsewhere, serves the page, and with --output it writes these very files."""
    run = [ROOT / "run", "--page", "--no-install"]
    output = directory / "written"
    subprocess.run([*run, "--output", output], cwd=directory, check=True, stdout=subprocess.DEVNULL)
    files = {path.name: path.read_bytes() for path in site.iterdir()}
    assert files == {path.name: path.read_bytes() for path in output.iterdir()}, "--output writes other files"
    with subprocess.Popen([*run, "--port", "0"], cwd=directory, stdout=subprocess.PIPE, text=True) as serving:
        address = re.search(r"http://127\.0\.0\.1:\d+/", serving.stdout.readline()).group()
        for name, content in files.items():
            with urllib.request.urlopen(address + name, timeout=60) as answer:
                assert answer.read() == content, name
        serving.send_signal(signal.SIGINT)
    assert serving.returncode == 0, f"Ctrl-c: {serving.returncode}"
    print("ok  ./run --page serves the page, and --output writes it")


def node(script, *arguments):
    test = subprocess.run(["node", str(ROOT / "tests/page" / script), *map(str, arguments)], timeout=500)
    assert test.returncode == 0, f"{script} failed"


machine = Path(sys.argv[1])
chromium = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
if not shutil.which("npm") or not shutil.which("node"):
    skip("no npm: the page is not built")

with tempfile.TemporaryDirectory() as directory:
    site = Path(directory) / "some where" / "page"
    site.mkdir(parents=True)
    try:
        page.assemble(site, ROOT / "build/release", machine)
    except NoPackages as reason:
        skip(str(reason))
    types = subprocess.run(["npm", "run", "--silent", "check"], cwd=page.PAGE)
    assert types.returncode == 0, "the page's types do not fit"

    own = [path for path in site.iterdir() if path.suffix != ".gz"]
    size = sum(len(gzip.compress(path.read_bytes(), 9)) for path in own)
    print(f"ok  the page takes {size} bytes, compressed, without kernels and disk")
    assert size <= LARGEST, f"{size} bytes are more than {LARGEST}"

    commands_agree(site, Path(directory))
    node("machine_test.mjs", site)
    if not chromium:
        skip("no Chromium: the page itself is not tested")
    guests = Path(directory) / "guests"
    subprocess.run([ROOT / "tests/guests/minimal/build", guests], check=True)
    shutil.copy(ROOT / "build/release/fs.img", guests)
    for fault in [fault for fault, *_ in FAULTS] + ["deadlock", "sleeps", "none"]:
        compile_kernel(guests, fault)
    compile_touch(guests)
    pictures = Path(os.environ.get("PAGE_PICTURES") or Path(directory) / "pictures")
    pictures.mkdir(parents=True, exist_ok=True)
    server = page.server(directory, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/some%20where/page/"
    for name in ("page_test.mjs", "hands_test.mjs", "findings_test.mjs", "tour_test.mjs", "memory_test.mjs"):
        node(name, address, chromium, pictures, guests)
print("1 passed")
