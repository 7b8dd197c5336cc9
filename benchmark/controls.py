"""Grounding controls: which other image a study is shown, in testing and, to test the controls, in training."""

from collections import Counter
from collections.abc import Mapping, Sequence

from benchmark.data.dealing import shuffle_key
from benchmark.suite import Trial


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


def training_images(trial: Trial, ids: Sequence[str], blocks: Mapping[str, str]) -> dict[str, str]:
    """For each training study, the study whose image the trial learns its report with.

    Its own, or where the protocol shuffles images that of another block (`swapped` by the trial's seed). What such a
    trial says can't owe anything to the image, so a control that finds a fall in it is wrong: the permutation test's
    idea (Ojala and Garriga 2010, "Permutation tests for studying classifier performance"), for one permutation.

    Args:
        trial: with its protocol and seed.
        ids: of the training set.
        blocks: block by id.
    """
    if trial.protocol.shuffles_images:
        return swapped(ids, blocks, seed=trial.seed)
    return {i: i for i in ids}
