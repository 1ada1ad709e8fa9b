"""Disks: the one that is kept between runs, as xv6 keeps fs.img until `make clean`, and those that are not."""

import hashlib
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from report import say


def keep_image(pristine: Path, kept: Path):
    """Makes `kept` from the freshly built image when there is none yet or when the programs changed since.

    A kept image that changed hands is never lost: the old one stays beside it as NAME.old. One that this
    function did not make (a user's own fs.img) is left alone.
    """
    record = kept.with_name(f".{kept.name}.made-from")
    digest = hashlib.sha256(pristine.read_bytes()).hexdigest()
    if kept.exists():
        if not record.exists() or record.read_text() == digest:
            return kept
        old = kept.with_name(kept.name + ".old")
        kept.replace(old)
        say(f"the programs changed: {kept.name} is made anew (the one before is kept as {old.name})")
    shutil.copyfile(pristine, kept)
    record.write_text(digest)
    return kept


@contextmanager
def private_copy(pristine: Path):
    """A copy of the image in a directory of its own; both are gone after the block."""
    with tempfile.TemporaryDirectory(prefix="bifolium-") as directory:
        image = Path(directory) / "fs.img"
        shutil.copyfile(pristine, image)
        yield image
