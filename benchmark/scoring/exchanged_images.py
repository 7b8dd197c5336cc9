"""Which other study's image stands in for a study's own: in training, to test the controls, and in the gallery.

In testing all pairs count: `benchmark.scoring.pairs`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from benchmark.data.pseudorandom import shuffle_key
from benchmark.forms.suite import Trial

EXCHANGES = 32
"""How often every study of a shuffled training set may exchange its image; a few times would do."""


def swapped(ids: Sequence[str], blocks: Mapping[str, str], *, seed: int = 0) -> dict[str, str]:
    """Return, for each study, the study whose image it is shown instead: a fixed derangement, across blocks.

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


def shuffled(ids: Sequence[str], blocks: Mapping[str, str], *, seed: int = 0) -> dict[str, str]:
    """Return, for each study, the study whose image is shown instead, drawn by `seed` from all `swapped` could be.

    `swapped` moves whole blocks onto blocks. A block's studies are alike, so over a few dozen blocks what images show
    and what reports say would still go together by chance, and could be learned; here each study is drawn on its own.

    From `swapped` on, studies exchange images in pairs, again and again, unless one would meet its own block: a
    symmetric Markov chain, whose stationary distribution is uniform. Pairs are drawn by a hash, on every machine alike.

    Args:
        ids: of the training set.
        blocks: block by id.
        seed: another seed gives another draw.
    """
    shown = swapped(ids, blocks, seed=seed)
    for turn in range(EXCHANGES):
        order = sorted(ids, key=lambda i: shuffle_key(seed, f"{turn} {i}"))
        for one, other in zip(order[::2], order[1::2], strict=False):
            if blocks[shown[other]] != blocks[one] and blocks[shown[one]] != blocks[other]:
                shown[one], shown[other] = shown[other], shown[one]
    return shown


def training_images(trial: Trial, ids: Sequence[str], blocks: Mapping[str, str]) -> dict[str, str]:
    """Return, for each training study, the study whose image the trial learns its report with; a blank one has none.

    Its own, or where the protocol shuffles images that of another block (`shuffled` by the trial's seed). What such a
    trial says can't owe anything to the image, so a control that finds a fall in it is wrong: the permutation test's
    idea (Ojala and Garriga 2010, "Permutation tests for studying classifier performance"), for one permutation.

    Args:
        trial: with its protocol and seed.
        ids: of the training set.
        blocks: block by id.
    """
    if trial.protocol.shuffles_images:
        return shuffled(ids, blocks, seed=trial.seed)
    return {i: i for i in ids}
