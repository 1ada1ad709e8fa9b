# SPDX-License-Identifier: MIT
"""The explorer's page: its types, and in headless Chromium, on the minimal guest: browser_test.mjs clicks, this starts
what it needs.

Skipped, with a line that says why, where npm or Chromium is missing. PAGE_PICTURES=DIRECTORY keeps the screenshots.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from guests import ROOT, MinimalGuest, explore, skip

foliowalk = sys.argv[1]
chromium = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
if not shutil.which("npm") or not shutil.which("node"):
    skip("no npm: the explorer's page is not built")
try:
    explore.build_page(print)
except explore.NoPackages as reason:
    skip(str(reason))
types = subprocess.run(["npm", "run", "--silent", "check"], cwd=explore.WEB)
assert types.returncode == 0, "the page's types do not fit"
if not chromium:
    skip("no Chromium: the explorer's page is not tested")

with MinimalGuest(foliowalk, harts=1) as guest:
    pictures = Path(os.environ.get("PAGE_PICTURES") or guest.directory / "pictures")
    pictures.mkdir(parents=True, exist_ok=True)
    server = subprocess.Popen(
        [foliowalk, "--session", str(guest.directory), "--qmp", f"{guest.directory}/qmp-server",
         "serve", "--port", "0", "--web", str(explore.PAGE)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        address = server.stdout.readline().split()[-1]
        script = ROOT / "tests/foliowalk/browser_test.mjs"
        test = subprocess.run(["node", str(script), address, chromium, str(pictures)], timeout=400)
        assert test.returncode == 0, "the page failed"
        guest.stop()
        assert server.wait(timeout=60) == 0, "the server should end with its guest"
    finally:
        server.kill()
print("1 passed")
