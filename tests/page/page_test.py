# SPDX-License-Identifier: MIT
"""The page of ./run --page: its types; its worker under node; and in headless Chromium, served by a plain web server
from a folder of some name: page_test.mjs does what a person does, this makes what it needs.

Skipped, with a line that says why, where npm or Chromium is missing. PAGE_PICTURES=DIRECTORY keeps the screenshots.
"""

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tools/guest"), str(ROOT / "tests/vellum")]
import page  # noqa: E402
from bundle import NoPackages  # noqa: E402
from judges_test import FAULTS, compile_kernel  # noqa: E402

SKIP = 77
# What the files of the page may take, compressed, without kernels and disk: 3 MB.
LARGEST = 3_000_000


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(SKIP)


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

    node("machine_test.mjs", site)
    if not chromium:
        skip("no Chromium: the page itself is not tested")
    guests = Path(directory) / "guests"
    subprocess.run([ROOT / "tests/guests/minimal/build", guests], check=True)
    shutil.copy(ROOT / "build/release/fs.img", guests)
    for fault in [fault for fault, *_ in FAULTS] + ["deadlock", "sleeps", "none"]:
        compile_kernel(guests, fault)
    pictures = Path(os.environ.get("PAGE_PICTURES") or Path(directory) / "pictures")
    pictures.mkdir(parents=True, exist_ok=True)
    server = page.server(directory, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/some%20where/page/"
    for name in ("page_test.mjs", "findings_test.mjs", "tour_test.mjs"):
        node(name, address, chromium, pictures, guests)
print("1 passed")
