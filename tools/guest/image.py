# SPDX-License-Identifier: MIT
"""Disks: the one that is kept between runs, as xv6 keeps fs.img until `make clean`, and those that are not."""

import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from report import say


# Block 0 of an image belongs to nobody: no kernel reads or writes it. What a kept image was made from is written there,
# in the image itself, so that no other file can claim it when somebody else's image has taken its place.
STAMP = b"Bifolium made this image from "
_STAMPED = len(STAMP) + 64  # a SHA-256 in hexadecimal


def made_from(image: Path):
    """The digest of the image that this one was made from; None when keep_image did not make it."""
    try:
        with open(image, "rb") as file:
            head = file.read(_STAMPED)
    except OSError:
        return None
    return head[len(STAMP) :].decode("ascii", "replace") if head.startswith(STAMP) else None


def keep_image(pristine: Path, kept: Path):
    """Makes `kept` from the freshly built image when there is none yet or when the programs changed since.

    A kept image that changed hands is never lost: the old one stays beside it as NAME.old. One that this
    function did not make (a user's own fs.img), by whatever way it came there, is left alone.
    """
    digest = hashlib.sha256(pristine.read_bytes()).hexdigest()
    if os.path.lexists(kept):
        if made_from(kept) in (None, digest):
            return kept
        old = kept.with_name(kept.name + ".old")
        kept.replace(old)
        say(f"the programs changed: {kept.name} is made anew (the one before is kept as {old.name})")
    unfinished = kept.with_name(f".{kept.name}.{os.getpid()}")
    shutil.copyfile(pristine, unfinished)
    with open(unfinished, "r+b") as file:
        file.write(STAMP + digest.encode())
    unfinished.replace(kept)
    return kept


def forget_image(kept: Path):
    """Removes a kept image, and the one before it; somebody else's stays, and is named."""
    if os.path.lexists(kept) and made_from(kept) is None:
        say(f"{kept.name} is not of our making: it stays")
        return
    kept.unlink(missing_ok=True)
    kept.with_name(kept.name + ".old").unlink(missing_ok=True)


@contextmanager
def private_copy(pristine: Path):
    """A copy of the image in a directory of its own; both are gone after the block."""
    with tempfile.TemporaryDirectory(prefix="bifolium-") as directory:
        image = Path(directory) / "fs.img"
        shutil.copyfile(pristine, image)
        yield image
