#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A disk that fails under a real boot (docs/failures.md D6, R6): QEMU's blkdebug answers the k-th read, write or flush
with an error, once or from then on. Whatever k: no panic and no hang; the program that asked gets an error or none was
needed; after a failed commit the volume is read-only and says so; and the image is good afterwards, on a disk that
works.

usage: io_errors.py --build DIR [--view VIEW] [--stride N] [--first N]
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from power import Failed, Guest, GuestFailure, Machine, Power, guarded

# blkdebug's event that each kind of request raises, and how many of them a boot and the commands below make at least.
EVENTS = {"read": ("read_aio", 60), "write": ("write_aio", 30), "flush": ("flush_to_disk", 30)}
COMMANDS = ["echo hello > f", "cat f", "mkdir d", "cp README d/r", "ls d", "rm f", "sync", "wc d/r"]
NOTHING_TO_RUN = ("file system refused: ", "no root directory: ", "/init cannot run: ", "init: exec sh failed")
BOOT_SECONDS = 20
READ_ONLY = "file system: the disk failed; read-only from now on"


def rules(kind, k, once):
    """blkdebug counts by states: it is in state n after n - 1 requests of the kind."""
    event = EVENTS[kind][0]
    lines = []
    for state in range(1, k):
        lines += ["[set-state]", f'event = "{event}"', f'state = "{state}"', f'new_state = "{state + 1}"']
    how_often = "on" if once else "off"
    lines += ["[inject-error]", f'event = "{event}"', f'state = "{k}"', 'errno = "5"', f'once = "{how_often}"']
    return "\n".join(lines) + "\n"


def machine_with_errors(options, image, configuration):
    machine = Machine(kernel=options.build / f"kernel-{options.view}", image=image, harts=2)
    command = machine.command(interactive=False)
    drive = command.index("-drive") + 1
    command[drive] = f"file=blkdebug:{configuration}:{image},if=none,format=raw,id=x0"
    return command


def run_with_errors(options, folder, kind, k, once):
    """What the console showed, and how far the machine came: 'refused' or 'prompt'."""
    image, configuration = folder / "fs.img", folder / "rules"
    shutil.copyfile(options.build / "fs.img", image)
    configuration.write_text(rules(kind, k, once))
    reached = "refused"
    with Guest(machine_with_errors(options, image, configuration), timeout=BOOT_SECONDS) as guest:
        try:
            guest.await_prompt()
            reached = "prompt"
            guest.deadline += BOOT_SECONDS
            for command in COMMANDS:
                guest.run(command)
            if "alive\n" not in guest.run("echo alive"):
                raise Failed(f"the shell does not go on:\n{guest.text()}")
        except GuestFailure as failure:
            # A machine that cannot read its own /init or /sh has nothing to run; it must say so.
            if "panic" in str(failure) or reached == "prompt" or not any(why in guest.text() for why in NOTHING_TO_RUN):
                raise Failed(f"{failure}\n{guest.text()}") from failure
        output = guest.text()
    power = Power(options.build, options.view, image)
    power.fsck("after the errors")
    after = power.on(["ls", "echo x > new", "cat new"], "", 0.2)
    power.fsck("after the boot without errors")
    if "panic" in after or "x\n" not in after:
        raise Failed(f"the next boot, on a good disk:\n{after}")
    return output, reached


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--view", default="unified")
    parser.add_argument("--stride", type=int, default=1, help="every N-th request instead of each")
    parser.add_argument("--first", type=int, default=1, help="the first request to fail")
    options = parser.parse_args()
    runs, read_only, refused = 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for kind, (_, most) in EVENTS.items():
            for k in range(options.first, most + 1, options.stride):
                for once in (True, False):
                    where = f"{kind} {k} fails {'once' if once else 'and all after it'}"
                    try:
                        output, reached = run_with_errors(options, Path(folder), kind, k, once)
                    except (Failed, GuestFailure) as failure:
                        raise Failed(f"{where}: {failure}") from failure
                    runs += 1
                    read_only += READ_ONLY in output
                    refused += reached == "refused"
    if read_only == 0 or refused == runs:
        raise Failed(f"{runs} runs, {read_only} of them read-only, {refused} refused: the errors were not seen")
    print(f"{runs} runs with a failing disk: {read_only} ended read-only, {refused} could not boot, all images good")
    return 0


if __name__ == "__main__":
    guarded(main)
