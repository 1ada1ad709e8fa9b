"""What `./run --explore` needs: QEMU's options for a guest that can be looked into, the page, and the server.

The guest's RAM is a file that QEMU and foliowalk share; nothing stops the guest and nothing runs in it. QEMU takes one
client on each QMP socket, so the server and the command line (`foliowalk ps`) have one each.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "tools/foliowalk/web"
PAGE = ROOT / "build/explore-web"
SESSION = ROOT / "build/explore"


class NoPage(Exception):
    """Why the page could not be built."""


class Exploration:
    """One guest that is to be explored. Make it before QEMU starts; `options` go on QEMU's command line."""

    def __init__(self, kernel, memory):
        shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.directory = Path(tempfile.mkdtemp(prefix="bifolium-", dir=shared))
        self.ram = self.directory / "ram"
        self.server_socket = self.directory / "qmp-server"
        self.command_socket = self.directory / "qmp"
        self.trace = self.directory / "trace"
        self.trace.touch()
        self.options = [
            "-machine", "virt,memory-backend=ram0",
            "-object", f"memory-backend-file,id=ram0,size={memory},mem-path={self.ram},share=on",
            "-qmp", f"unix:{self.server_socket},server=on,wait=off",
            "-qmp", f"unix:{self.command_socket},server=on,wait=off",
            "-D", str(self.trace),
            "-msg", "timestamp=on",
        ]
        session = {
            "ram": str(self.ram),
            "qmp": str(self.command_socket),
            "kernel": str(Path(kernel).resolve()),
            "trace": str(self.trace),
        }
        SESSION.mkdir(parents=True, exist_ok=True)
        (SESSION / "session.json").write_text(json.dumps(session, indent=2) + "\n")

    def serve(self, foliowalk, port):
        """Starts the server beside QEMU; it ends when the guest does, and takes the shared files with it."""
        command = [
            str(foliowalk), "--session", str(SESSION), "--qmp", str(self.server_socket), "--wait", "30",
            "serve", "--port", str(port), "--web", str(PAGE),
        ]  # fmt: skip
        keeper = 'trap "" INT; "$@" 1>&2; rm -rf "$0"'
        return subprocess.Popen(["sh", "-c", keeper, str(self.directory), *command], stdin=subprocess.DEVNULL)


def build_page(say):
    """Bundles the page, if a source is newer than it. Needs Node and npm."""
    sources = [path for path in (*WEB.glob("*.*"), *(WEB / "src").iterdir()) if path.is_file()]
    newest = max(path.stat().st_mtime for path in sources)
    stamp = PAGE / "main.js"
    if stamp.exists() and stamp.stat().st_mtime >= newest:
        return
    npm = shutil.which("npm")
    if not npm:
        raise NoPage("the explorer's page needs Node and npm (Debian: nodejs npm)")
    lock = WEB / "package-lock.json"
    installed = WEB / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        say("installing the page's packages (npm ci)")
        _run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"])
    say("bundling the page")
    _run(["node", str(WEB / "build.mjs"), str(PAGE)])


def _run(command):
    result = subprocess.run(command, cwd=WEB, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if result.returncode != 0:
        raise NoPage(f"{' '.join(command[:2])} failed:\n{result.stdout}")
