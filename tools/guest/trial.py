# SPDX-License-Identifier: MIT
"""A machine to try something on: what happens to its disk is forgotten."""

from contextlib import contextmanager

from console import Guest
from image import private_copy
from machine import Machine


@contextmanager
def trial(directory, view, timeout, echo=None, pristine=None, judge=None, **options):
    """A guest that boots a build tree's kernel on a copy of its image, or of another one (`pristine`).

    `judge` is called with the copy when the block has ended well and the machine is off; `options` are the Machine's.
    """
    with private_copy(pristine or directory / "fs.img") as image:
        machine = Machine(kernel=directory / f"kernel-{view}", image=image, **options)
        with Guest(machine.command(interactive=False), timeout, echo) as guest:
            yield guest
        if judge:
            judge(image)
