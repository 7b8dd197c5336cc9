"""Grounding controls: which other image a study is shown."""

from collections import Counter
from collections.abc import Mapping, Sequence

from benchmark.data.dealing import shuffle_key


def swapped(ids: Sequence[str], blocks: Mapping[str, str], *, seed: int = 0) -> dict[str, str]:
    """For each study, the study whose image it is shown instead: a fixed derangement, across blocks.

    Studies are laid in a ring, block after block in an order drawn from `seed`, and turned by the size of the
    largest block; so none meets an image of its own block as long as no block holds more than half of the studies.
    Where one does, as few as possible stay within it, and none meets its own image.

    Args:
        ids: of the test set; two at least, or a study keeps its own image.
        blocks: block by id.
    """
    sizes = Counter(blocks[i] for i in ids)
    ring = sorted(ids, key=lambda i: (-sizes[blocks[i]], shuffle_key(seed, blocks[i]), i))
    turn = max(sizes.values())
    if turn * 2 > len(ring):
        turn = max(1, len(ring) // 2)
    return {i: ring[(place + turn) % len(ring)] for place, i in enumerate(ring)}
