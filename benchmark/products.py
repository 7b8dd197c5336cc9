"""What is made once and kept in the cache: who makes it now, and whether it still is what was made."""

from collections.abc import Callable
from pathlib import Path

from backbones.locks import Holder
from backbones.manifest import MANIFEST, has_manifest, unsound
from benchmark.disk.content import content_hashes
from benchmark.disk.files import remove
from benchmark.progress.events import Event, tell

LISTED = 3
"""Files that are named, at most, of a product that is made again."""


def tell_waiting(what: str) -> Callable[[Holder | None], None]:
    """Return a callback that tells who is at a product that this process waits for."""
    return lambda who: tell(Event("stage", "waiting", detail=f"for {what}: {who or 'another process'} is at it"))


def problems_of(folder: Path) -> list[str]:
    """Return what of a product isn't as it was made, files that weren't touched by their remembered digests."""
    return unsound(folder, content_hashes)


def discard_unsound(folder: Path, what: str) -> None:
    """Remove a product that isn't what was made, and tell; whoever calls it holds its lock, and makes it again.

    Args:
        folder: of the product, which needn't be there.
        what: it is, in words.
    """
    if not folder.exists():
        return
    if folder.is_dir() and has_manifest(folder):
        problems = problems_of(folder)
    else:
        problems = [f"{folder}: has no {MANIFEST}, of another version of amrg or damaged"]
    if problems:
        more = f" and {len(problems) - LISTED} more" if len(problems) > LISTED else ""
        tell(Event("stage", f"{what}: made again", detail=f"{'; '.join(problems[:LISTED])}{more}"))
        remove(folder)
