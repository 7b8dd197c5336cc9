"""Whole blocks dealt into parts of wanted sizes and alike mixtures: local search in whole numbers.

scikit-learn's `StratifiedGroupKFold` deals into folds of equal size; here parts have the paper's sizes, and the
result must be the same on every machine, hence no floating point.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from benchmark.data.pseudorandom import shuffle_key
from benchmark.data.study import Study

_SIZE_WEIGHT, _CATEGORY_WEIGHT, _DENSITY_WEIGHT = 2000, 100, 50
VIEWS_OF_A_PATIENT = 4
"""Longer blocks may join several patients: they train where enough studies are left, so that a test part holds
many blocks, which are the units of its statistics."""

_FRACTION = 16  # wanted numbers of studies are counted in sixteenths


def deal(
    studies: Sequence[Study],
    blocks: Mapping[str, str],
    sizes: Sequence[int],
    *,
    seed: int,
    long_blocks_train: bool = True,
) -> list[list[str]]:
    """Return the ids of each part.

    The cost of a dealing is, over parts and traits (size, BI-RADS category, density), the squared distance from the
    wanted number, weighted by the inverse of that number; size counts twenty times a category, a density half of
    one. Blocks are dealt one by one, largest first, then moved and swapped for as long as the cost falls.

    Args:
        studies: all of them.
        blocks: id to the label of its block; at least as many blocks as parts.
        sizes: how many studies each part should have; they add up to the number of studies.
        seed: decides between equals.
        long_blocks_train: whether blocks of more than `VIEWS_OF_A_PATIENT` go to the first part, if the shorter ones
            hold half as many studies again as the other parts need.
    """
    members: dict[str, list[str]] = {}
    for study in studies:
        members.setdefault(blocks[study.id], []).append(study.id)
    labels = sorted(sorted(members, key=lambda b: shuffle_key(seed, b)), key=lambda b: -len(members[b]))
    table = _Table(studies, [members[b] for b in labels], sizes, long_blocks_train)
    table.deal()
    while table.step():
        pass
    return [
        [i for b, p in zip(labels, table.part, strict=True) if p == part for i in members[b]]
        for part in range(len(sizes))
    ]


class _Table:
    """The dealing as it stands. Arrays are [blocks, traits] and [parts, traits], in sixteenths of a study."""

    def __init__(
        self, studies: Sequence[Study], blocks: Sequence[Sequence[str]], sizes: Sequence[int], long_blocks_train: bool
    ) -> None:
        traits_of = {s.id: _traits(s) for s in studies}
        traits = sorted(set().union(*traits_of.values()))
        weights = {"size": _SIZE_WEIGHT, "category": _CATEGORY_WEIGHT, "density": _DENSITY_WEIGHT}
        self.counts = np.array([[sum(t in traits_of[i] for i in block) for t in traits] for block in blocks], np.int64)
        total = self.counts.sum(axis=0)
        self.counts *= _FRACTION
        targets = [[_FRACTION * int(n) * size // len(studies) for n in total] for size in sizes]
        self.off = -np.array(targets, np.int64)  # what each part has, less what it should have
        self.weight = np.array(
            [
                [max(1, weights[t[0]] * _FRACTION // max(n, _FRACTION // 2)) for t, n in zip(traits, w, strict=True)]
                for w in targets
            ],
            np.int64,
        )
        self.part = np.full(len(blocks), -1)
        self.kind = np.unique(self.counts, axis=0, return_inverse=True)[1].reshape(-1)
        short = [len(block) <= VIEWS_OF_A_PATIENT for block in blocks]
        enough = sum(len(b) for b, s in zip(blocks, short, strict=True) if s) * 2 >= sum(sizes[1:]) * 3
        self.free = np.array(short) if enough and long_blocks_train else np.ones(len(blocks), bool)

    def deal(self) -> None:
        """Place every block where it costs least; the last ones fill parts that would stay empty."""
        for block, count in enumerate(self.counts):
            costs = (self.weight * count * (2 * self.off + count)).sum(axis=1)
            empty = [p for p in range(len(self.off)) if not (self.part == p).any()]
            choice = empty if len(self.part) - block <= len(empty) else list(range(len(self.off)))
            self._put(block, min(choice, key=lambda p: costs[p]) if self.free[block] else 0)

    def step(self) -> bool:
        """Take the best move, or else the best swap; False where neither lowers the cost."""
        cost, block, part = self._best_move()
        if cost < 0:
            self._put(block, part)
            return True
        cost, first, second = self._best_swap()
        if cost < 0:
            part_of_first, part_of_second = int(self.part[first]), int(self.part[second])
            self._put(first, part_of_second)
            self._put(second, part_of_first)
            return True
        return False

    def _best_move(self) -> tuple[int, int, int]:
        """Return cost, block and part of the move that costs least."""
        count, current = self.counts, self.part
        leaving = (self.weight[current] * count * (count - 2 * self.off[current])).sum(axis=1)
        entering = (self.weight[None] * count[:, None] * (count[:, None] + 2 * self.off[None])).sum(axis=2)
        cost = leaving[:, None] + entering
        cost[np.arange(len(count)), current] = 0
        cost[~self.free] = 0
        cost[np.bincount(current, minlength=len(self.off))[current] == 1] = 0  # no part is left empty
        block, part = np.unravel_index(int(cost.argmin()), cost.shape)
        return int(cost[block, part]), int(block), int(part)

    def _best_swap(self) -> tuple[int, int, int]:
        """Return the cost and blocks of the swap that costs least; of several the first, and its first partner.

        Blocks of the same counts in the same part cost the same, so kinds of blocks are looked at instead of pairs of
        them. With a in part p and b in part q, and w = w_p + w_q, g = w_p·off_p − w_q·off_q, the cost
        Σ w(b − a)² + 2(b − a)g is Σ (wa² − 2ag) + Σ (wb² + 2bg) − 2 Σ wab, the last a product of matrices.
        """
        best = (0, 0, 0)
        for first, second in combinations(range(len(self.off)), 2):
            ours, theirs = self._kinds_in(first), self._kinds_in(second)
            if not len(ours) or not len(theirs):
                continue
            a, b = self.counts[ours], self.counts[theirs]
            weight = self.weight[first] + self.weight[second]
            pull = self.weight[first] * self.off[first] - self.weight[second] * self.off[second]
            cost = (weight * a * a - 2 * a * pull).sum(axis=1)[:, None] + (weight * b * b + 2 * b * pull).sum(axis=1)
            cost -= 2 * _product(weight * a, b)
            least = int(cost.min())
            if least > best[0] or least == 0:
                continue
            rows, columns = np.nonzero(cost == least)
            # A pair is met from either of its blocks: the one of the lower number comes first.
            pairs = [(ours[row], theirs[column]) for row, column in zip(rows, columns, strict=True)]
            chosen = min((int(min(pair)), int(max(pair))) for pair in pairs)
            best = min(best, (least, *chosen))
        return best

    def _kinds_in(self, part: int) -> np.ndarray:
        """Return the first block of each kind in a part, of those that may leave it."""
        blocks = np.flatnonzero((self.part == part) & self.free)
        return blocks[np.unique(self.kind[blocks], return_index=True)[1]]

    def _put(self, block: int, part: int) -> None:
        """Place a block in a part, out of the one where it is."""
        if self.part[block] >= 0:
            self.off[self.part[block]] -= self.counts[block]
        self.off[part] += self.counts[block]
        self.part[block] = part


def _traits(study: Study) -> tuple[tuple[str, str], ...]:
    """Return what parts should have alike shares of, as kind and value."""
    return ("size", ""), ("category", study.birads_major or ""), ("density", study.density or "")


def _product(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return first · secondᵀ of whole numbers, exact.

    numpy multiplies matrices of floating point a hundred times faster; sums of whole numbers are exact in any order as
    long as none exceeds 2⁵³.
    """
    largest = float(np.abs(first).max(initial=0)) * float(np.abs(second).max(initial=0)) * first.shape[1]
    if largest >= 2**53:
        return np.asarray(first @ second.T)
    return np.asarray((first.astype(np.float64) @ second.T.astype(np.float64)).astype(np.int64))
