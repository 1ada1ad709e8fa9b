# SPDX-License-Identifier: MIT
"""What `./run --explore` needs: QEMU's options for a guest that can be looked into, the page, and the server.

The guest's RAM is a file that QEMU and foliowalk share; nothing stops the guest and nothing runs in it. QEMU takes one
client on each QMP socket, so the server and the command line (`foliowalk ps`) have one each.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools/guest"))
from bundle import NoPackages, NoPage, bundle  # noqa: E402, F401

WEB = ROOT / "tools/foliowalk/web"
PAGE = ROOT / "build/explore-web"
# What `foliowalk` without options looks at.
SESSION = ROOT / "build/explore"
# Where the command is found without knowing the build trees.
COMMAND = ROOT / "build/foliowalk"
USUAL_PORT = 25180


class Exploration:
    """One guest that is to be explored. Make it before QEMU starts; `options` go on QEMU's command line."""

    def __init__(self, kernel, memory, session_directory=SESSION):
        self.session = session_directory
        self.keeper = None
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
        self.session.mkdir(parents=True, exist_ok=True)
        (self.session / "session.json").write_text(json.dumps(session, indent=2) + "\n")

    def serve(self, foliowalk, port):
        """Starts the server beside QEMU; it ends when the guest does, and takes the shared files with it.

        That is done by a shell in between, so that it is done even when whoever started the guest was killed.
        """
        command = [
            str(foliowalk), "--session", str(self.session), "--qmp", str(self.server_socket), "--wait", "30",
            "serve", "--port", str(port), "--web", str(PAGE),
        ]  # fmt: skip
        keeper = 'trap : TERM; "$@" >/dev/null; rm -rf "$0"'
        # A session of its own: Ctrl-c on the terminal is for the guest.
        self.keeper = subprocess.Popen(
            ["sh", "-c", keeper, str(self.directory), *command], stdin=subprocess.DEVNULL, start_new_session=True
        )

    def close(self):
        """Ends the server when its guest has ended; it would notice by itself a second later."""
        if not self.keeper:
            return shutil.rmtree(self.directory, ignore_errors=True)
        try:
            os.killpg(self.keeper.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass  # it has noticed already
        self.keeper.wait()


def choose_port(wanted):
    """The port for the page: `wanted`, or a free one where it is None and the usual one is taken.

    Raises NoPage when the wanted one is taken: better now than when the guest runs already.
    """
    for port in [wanted] if wanted is not None else [USUAL_PORT, 0]:
        with socket.socket() as probe:
            # As the server does: an address that was in use a moment ago may be taken again.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return probe.getsockname()[1]
    raise NoPage(f"--port {wanted}: taken on 127.0.0.1, or no port; 0 takes a free one")


def link_command(foliowalk):
    """build/foliowalk, for a second terminal."""
    COMMAND.unlink(missing_ok=True)
    COMMAND.symlink_to(os.path.relpath(foliowalk, COMMAND.parent))


def build_page(say):
    """Bundles the page, if a source is newer than it. Raises NoPage, or NoPackages where npm cannot do its part."""
    bundle(WEB, PAGE, (WEB / "src").iterdir(), say)
