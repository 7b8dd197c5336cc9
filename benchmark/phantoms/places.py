"""Where a suite's phantoms and shipped miniatures lie; found without what draws or trains them."""

import hashlib
from pathlib import Path

from benchmark.disk.cache import cache_folder
from benchmark.forms.suite import Entry, PhantomData, Suite

PHANTOMS = 2
"""The version of everything that decides a phantom, its pixels, truth, reports and files: part of the name of whatever
is kept of phantoms, and raised with every change of them. `tests/phantoms/test_golden.py` fails where it wasn't."""


def phantom_folder(part: PhantomData) -> Path:
    """Return where a suite's phantoms lie once they are drawn: another folder for others, or for another version."""
    key = hashlib.sha256(f"{part.model_dump_json()} {PHANTOMS}".encode()).hexdigest()[:16]
    return cache_folder() / "phantoms" / key


def shipped_for(suite: Suite, entry: Entry) -> Path | None:
    """Return the folder of the miniature that comes with the project, where a suite asks for no other."""
    from backbones.checkpoint import shipped

    return shipped(entry.name) if suite.miniature is None else None
