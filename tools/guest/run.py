# SPDX-License-Identifier: MIT
"""./run: installs what is missing, builds, boots."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

import packages
import vellum
from build import ROOT, build
from console import Guest, die_with_parent, echo_to_stdout, split_commands
from image import keep_image
from machine import (
    CARDS,
    DEFAULT_VIEW,
    Machine,
    check_image,
    check_view,
    choose_cache,
    default_gdb_port,
    network_options,
    parse_harts,
    parse_memory,
    parse_port,
    preflight,
    require_free_port,
    user_port,
)
from page import run_page
from report import Failure, guarded, say
from site_of_headers import make_site
from system import build_system, choose_compiler, command_of, packages_of
from version import version

# Long enough for the slowest suites under a slow host; a hang without --timeout still ends.
DEFAULT_TIMEOUT = 1800.0
LONGEST_TIMEOUT = 1e6


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="./run",
        description="Build Bifolium and boot it. Without --exec: a shell on this terminal, Ctrl-a x leaves.",
        allow_abbrev=False,
    )
    option = parser.add_argument
    option("--view", default=DEFAULT_VIEW, metavar="V", help="shared, mirrored or unified (default %(default)s)")
    option("--machine", default="qemu", choices=("qemu", "vellum"), help="what it boots on (default %(default)s)")
    option("--image", metavar="FILE", help="boot this xv6-format image, in place")
    option("--snapshot", action="store_true", help="leave the image file untouched")
    option(
        "--fast-disk",
        action="store_true",
        help="with --image: do not wait for this machine's disk when the kernel flushes (much faster; but if this "
        "machine loses power, the image may be damaged beyond what the kernel's log repairs). The default waits; the "
        "scratch disk that is used without --image is always fast",
    )
    option("--exec", metavar="COMMANDS", help="type these commands (separated by ;) and exit 0 if all came back")
    option("--timeout", type=float, metavar="S", help="with --exec: give up S seconds after the boot began")
    option("--smp", default="3", metavar="N", help="harts, 1 to 8 (default %(default)s)")
    option("--mem", default="128M", metavar="SIZE", help="memory, 32M to 8G (default %(default)s)")
    option("--append", default="", metavar="ARGS", help="boot arguments, for example lab=2025-pgtbl")
    option("--gdb", action="store_true", help="wait for a debugger before the first instruction")
    option("--gdb-port", metavar="P", help="with --gdb: the port (default: id -u %% 5000 + 25000, as xv6 has it)")
    option("--icount", action="store_true", help="count instructions: one virtual ns each, deterministic")
    option("--legacy-virtio", action="store_true", help="virtio-mmio version 1, as QEMU offered it to xv6 of 2020")
    option("--net", action="store_true", help="a network card on QEMU's user network; packets.pcap shows its traffic")
    option("--card", default="e1000", choices=CARDS, help="with --net: which one (default %(default)s)")
    option("--explore", action="store_true", help="the page-table explorer: a page on 127.0.0.1 that updates live")
    option("--page", action="store_true", help="instead: a page on 127.0.0.1 with machine, kernel and explorer in it")
    option("--output", type=Path, metavar="DIR", help="with --page: only write the page's files into this folder")
    option("--port", type=int, metavar="P",
           help="with --explore or --page: the port (default 25180, 25190, or a free one)")
    option("--no-install", action="store_true", help="name missing packages instead of installing them")
    option("--docs", action="store_true", help="instead: make a site of the public headers, build/docs/html")
    option("--version", action="store_true", help="instead: say which Bifolium this is")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--release", dest="preset", action="store_const", const="release", default="release")
    kind.add_argument("--debug", dest="preset", action="store_const", const="debug", help="with every check on")
    kind.add_argument("--no-lto", dest="preset", action="store_const", const="no-lto",
                      help="without link-time optimisation: each address names its source line (what make boots)")
    option("--gcc", action="store_true", help="build with GCC instead of clang (also where clang is older than 19)")
    return parser.parse_args(arguments)


def main():
    options = parse_arguments(sys.argv[1:])
    if options.version:
        print(f"Bifolium {version()}")
        return 0
    if options.docs:
        packages.ensure(packages.DOCS, install=not options.no_install)
        make_site(version())
        return 0
    if options.output is not None and not options.page:
        raise Failure("--output: only with --page")
    if options.page:
        return run_page(options)
    # Everything that can be refused is refused before anything is installed or built.
    view = check_view(options.view)
    port = parse_port(options.gdb_port) if options.gdb_port is not None else default_gdb_port()
    harts, memory = parse_harts(options.smp), parse_memory(options.mem)
    image = check_image(options.image, writable=not options.snapshot) if options.image else None
    # Written so that it refuses nan too.
    if options.timeout is not None and not 0 < options.timeout < LONGEST_TIMEOUT:
        raise Failure(f"--timeout {options.timeout:g}: must be more than 0 seconds and less than {LONGEST_TIMEOUT:g}")
    if options.fast_disk and not options.image:
        raise Failure("--fast-disk: only with --image")
    if options.timeout is not None and options.exec is None:
        raise Failure("--timeout: only with --exec")
    commands = None if options.exec is None else split_commands(options.exec)

    if options.gdb:
        require_free_port(port)
    compiler = choose_compiler(options.gcc)
    if options.machine == "vellum":
        for name in ("gdb", "icount", "explore"):
            if getattr(options, name):
                raise Failure(f"--{name} is for QEMU; bin/vellum --help tells what Vellum has")
        if options.net:
            raise Failure("--net: Vellum has no network card; leave --machine vellum out to have one")
        packages.ensure(packages_of(compiler), install=not options.no_install)
    else:
        packages.ensure(packages_of(compiler), packages.BOOT, install=not options.no_install)
        preflight(command_of(compiler))
    kernel, pristine = build_system(compiler, options.preset, view, with_image=image is None)
    machine = Machine(
        kernel=kernel,
        image=image or keep_image(pristine, kept_image(pristine, options.preset)),
        harts=harts,
        memory=memory,
        append=options.append,
        snapshot=options.snapshot,
        cache=choose_cache(image is not None, options.snapshot, options.fast_disk),
        legacy_virtio=options.legacy_virtio,
        icount=options.icount,
        gdb_port=port if options.gdb else None,
        vellum=vellum.command() if options.machine == "vellum" else None,
    )
    if options.net:
        machine.extra += network_options(options.card, capture=ROOT / "packets.pcap")
        say(f"UDP ports {user_port(25999)} and {user_port(30999)} of 127.0.0.1 are the guest's 2000 and 2001")
    if options.gdb:
        prepare_gdb(kernel, port)
    if options.explore:
        return explore_it(machine, commands, options)
    if commands is None:
        command = machine.command(interactive=True)
        sys.stderr.flush()
        os.execvp(command[0], command)
    return execute(machine, commands, options.timeout or DEFAULT_TIMEOUT)


def kept_image(pristine, preset):
    """The disk of this kind of run: of the usual one it is fs.img at the root, which `make qemu` boots too."""
    return ROOT / "fs.img" if preset == "release" else pristine.with_name("disk.img")


def explore_it(machine, commands, options):
    """Boots with the explorer beside it: makes the machine one that can be looked into, and starts the server."""
    sys.path.insert(0, str(ROOT / "tools/foliowalk"))
    import explore

    packages.ensure(packages.EXPLORER, packages.BUNDLER, install=not options.no_install)
    try:
        port = explore.choose_port(options.port)
        foliowalk = build("tools", ["foliowalk"]) / "tools/foliowalk"
        explore.build_page(say)
    except explore.NoPage as reason:
        raise Failure(str(reason)) from None
    explore.link_command(foliowalk)
    exploration = explore.Exploration(machine.kernel, machine.memory)
    machine.extra += exploration.options
    exploration.serve(foliowalk, port)
    say(f"the explorer: http://127.0.0.1:{port}/   (in another terminal: {explore.COMMAND.relative_to(ROOT)} ps)")
    try:
        if commands is not None:
            return execute(machine, commands, options.timeout or DEFAULT_TIMEOUT)
        # Ctrl-c is the guest's, which has the terminal.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return subprocess.run(machine.command(interactive=True), preexec_fn=die_with_parent).returncode
    finally:
        exploration.close()


def execute(machine, commands, timeout):
    with Guest(machine.command(interactive=False), timeout, echo_to_stdout) as guest:
        try:
            guest.await_prompt()
            for command in commands:
                guest.run(command)
        finally:
            if not guest.transcript.endswith(b"\n"):
                echo_to_stdout(b"\n")
    return 0


def prepare_gdb(kernel, port):
    """Writes the .gdbinit that a gdb started in this directory reads, and says how to start it."""
    template = (ROOT / "tools/guest/gdbinit.in").read_text()
    text = template.replace("@KERNEL@", str(kernel)).replace("@PORT@", str(port)).replace("@ROOT@", str(ROOT))
    (ROOT / ".gdbinit").write_text(text)
    say(f"waiting for a debugger: gdb-multiarch -iex 'add-auto-load-safe-path {ROOT}'   (port {port})")


if __name__ == "__main__":
    guarded(main)
