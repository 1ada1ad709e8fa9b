# SPDX-License-Identifier: MIT
"""./run --page: the page with Bifolium in it, one folder of static files (page/, docs/page.md)."""

import functools
import gzip
import http.server
import json
import shutil
import sys

import packages
from build import ROOT, build
from bundle import NoPage, bundle
from machine import VIEWS
from report import Failure, say

PAGE = ROOT / "page"
PANES = ROOT / "tools/foliowalk/web"
SITE = ROOT / "build/page"
USUAL_PORT = 25190
# Keys of the page's texts (page/src/texts.ts).
TITLES = {
    "unified": "unified: one table for user and kernel",
    "mirrored": "mirrored: a kernel table that mirrors the user’s",
    "shared": "shared: xv6’s design",
}
# The first one is what the page opens with.
ORDER = ("unified", *sorted(set(VIEWS) - {"unified"}))


def make_page(site, install):
    """Builds what is missing and puts the whole page into the folder `site`."""
    packages.ensure(packages.BUILD, packages.WASM, packages.BUNDLER, install=install)
    system = build("release", [*(f"kernel-{view}" for view in ORDER), "image"])
    machine = build("wasm", ["machine.wasm"]) / "machine.wasm"
    assemble(site, system, machine)


def assemble(site, system, machine):
    """The folder from what has been built: `system` is the kernels' build tree, `machine` the WebAssembly module.
    Raises NoPage."""
    site.mkdir(parents=True, exist_ok=True)
    sources = [*(PAGE / "src").iterdir(), *PANES.glob("src/*")]
    bundle(PAGE, site, sources, say)
    shutil.copyfile(machine, site / "machine.wasm")
    _compress(system / "fs.img", site / "fs.img.gz")
    for view in ORDER:
        _compress(system / f"kernel-{view}", site / f"kernel-{view}.gz")
    guests = [
        {"name": view, "title": TITLES[view], "kernel": f"kernel-{view}.gz", "image": "fs.img.gz"} for view in ORDER
    ]
    (site / "guests.json").write_text(json.dumps(guests, ensure_ascii=False, indent=1) + "\n")


def _compress(source, target):
    """Whatever web server it is: the page decompresses by itself."""
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return
    target.write_bytes(gzip.compress(source.read_bytes(), 9, mtime=0))


class _Handler(http.server.SimpleHTTPRequestHandler):
    # A page that was built anew is shown anew.
    def end_headers(self):
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_):
        pass


def server(site, port):
    """A server of the folder on 127.0.0.1; it does not run yet."""
    handler = functools.partial(_Handler, directory=str(site))
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)


def run_page(options):
    """What `./run --page` does."""
    site = SITE if options.output is None else options.output
    try:
        make_page(site, install=not options.no_install)
    except NoPage as reason:
        raise Failure(str(reason)) from None
    if options.output is not None:
        say(f"the page is in {site}: any web server can serve it, under any path")
        return 0
    try:
        with _listen(site, options.port) as page:
            print(f"the page: http://127.0.0.1:{page.server_address[1]}/   (Ctrl-c ends it)", flush=True)
            page.serve_forever()
    except KeyboardInterrupt:
        print(file=sys.stderr)
    return 0


def _listen(site, wanted):
    """On the wanted port, or on the usual one if it is free, else on any."""
    for port in [wanted] if wanted is not None else [USUAL_PORT, 0]:
        try:
            return server(site, port)
        except (OSError, OverflowError):
            continue
    raise Failure(f"--port {wanted}: taken on 127.0.0.1, or no port; 0 takes a free one")
