"""What a suite takes of disks and of the host's memory, by arithmetic."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmark.planning.costs import BYTES, feature_bytes
from benchmark.planning.model import PlannedBytes
from benchmark.suite import Entry

if TYPE_CHECKING:
    from backbones.base import Backbone
    from backbones.structure import Structure

ADAPTER_BYTES = 4
"""Per trainable parameter: adapters of models in 16 bits are kept in 32."""
SNAPSHOT_BYTES = 3 * 4
"""Per trainable parameter: itself and AdamW's two moments, in 32 bits."""
PROCESS = 1.1e9
"""Bytes of host memory of a process with its libraries, measured (docs/speed.md)."""
IMAGE_EXTRA = 128 + 32
"""Bytes of a prepared image's file beside its pixels: NumPy's header and a digest."""


def bytes_of(
    entry: Entry,
    plugin: "type[Backbone]",
    structure: "Structure | None",
    images: int,
    ranks: Sequence[int],
    packs: Sequence[Sequence[int]],
) -> PlannedBytes:
    """Return bytes to download and on disk, by kind; a converted checkpoint lies there twice.

    Args:
        entry, plugin: the backbone.
        structure: of its checkpoint; None where only its size is known.
        images: whose features are kept.
        ranks: of all trials.
        packs: ranks of the trials that train together; each of those has a snapshot until the pack is trained.
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
    if structure is not None:
        wider = BYTES[entry.dtype] // 4 or 1  # adapters of a model in 64 bits are in 64 bits
        trainable = [sum(structure.trainable(rank) for rank in pack) for pack in packs]
        kinds |= {
            "features": int(feature_bytes(structure, images, entry.dtype)),
            "adapters": wider * ADAPTER_BYTES * sum(map(structure.trainable, ranks)),
            "snapshots": wider * SNAPSHOT_BYTES * max(trainable, default=0),
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
