"""What a suite takes of disks and of the host's memory, by arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.forms.suite import Entry
from benchmark.planning.costs import feature_bytes
from benchmark.planning.model import PlannedBytes

if TYPE_CHECKING:
    from backbones.base import Backbone
    from backbones.structure import Structure
    from benchmark.tuning.packed.footprint import Footprint

PROCESS = 1.1e9
"""Bytes of host memory of a process with its libraries, measured (docs/speed.md)."""
IMAGE_EXTRA = 128 + 32
"""Bytes of a prepared image's file beside its pixels: NumPy's header and a digest."""


@dataclass(frozen=True)
class Trained:
    """What is trained of a backbone.

    Attributes:
        structure: of its checkpoint.
        footprint: of a trial, which knows the bytes of an adapter and of a snapshot.
        packs: ranks of the trials that train together; each of those has a snapshot until the pack is trained.
    """

    structure: "Structure"
    footprint: "Footprint"
    packs: Sequence[Sequence[int]]


def bytes_of(
    entry: Entry,
    plugin: "type[Backbone]",
    images: int,
    trained: "Trained | None",
) -> PlannedBytes:
    """Return bytes to download and on disk, by kind; a converted checkpoint lies there twice.

    Args:
        entry, plugin: the backbone.
        images: whose features are kept.
        trained: what it trains; None where only the checkpoint's size is known.
    """
    from backbones.checkpoint import is_cached

    hub = entry.checkpoint == "hub"
    weights = plugin.checkpoint.weights_bytes if hub else 0
    kinds = {
        "weights": weights,
        "converted": weights if plugin.converted else 0,
        "features": 0,
        "adapters": 0,
        "snapshots": 0,
    }
    if trained is not None:
        footprint = trained.footprint
        kinds |= {
            "features": int(feature_bytes(trained.structure, images, entry.dtype)),
            "adapters": sum(footprint.stored(rank) for pack in trained.packs for rank in pack),
            "snapshots": max(sum(map(footprint.snapshot, pack)) for pack in trained.packs),
        }
    download = 0 if not hub or is_cached(plugin.checkpoint) else weights
    return PlannedBytes(download=download, disk=sum(kinds.values()), **kinds)


def image_bytes(studies: int, size: int) -> int:
    """Return the bytes on disk of all prepared images, squares of `size` pixels."""
    return studies * (size * size + IMAGE_EXTRA)


def host_memory(planned: PlannedBytes) -> float:
    """Return the bytes of host memory that one process takes beside a GPU.

    Features stay in it, and all adapters and moments of a pack are copied there before they are written.
    """
    return PROCESS + planned.features + planned.snapshots
