"""The swap of two blocks that costs least, found by kinds of blocks: the one that every pair looked at gives."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.data.dealing import _product, _Table
from benchmark.data.study import Study


def by_every_pair(table: _Table) -> tuple[int, int, int]:
    """The same by looking at each block with each other."""
    best = (0, 0, 0)
    for first, count in enumerate(table.counts):
        for second, other in enumerate(table.counts):
            p, q = table.part[first], table.part[second]
            if p == q or not (table.free[first] and table.free[second]):
                continue
            change = other - count
            cost = int((table.weight[p] * change * (change + 2 * table.off[p])).sum())
            cost += int((table.weight[q] * change * (change - 2 * table.off[q])).sum())
            best = min(best, (cost, first, second), key=lambda b: b[0])
    return best


@given(st.lists(st.integers(1, 6), min_size=4, max_size=16), st.integers(0, 2**32 - 1), st.booleans())
@settings(deadline=None, max_examples=200)
def test_the_best_swap_is_that_of_every_pair(sizes: list[int], seed: int, long_blocks_train: bool) -> None:
    chance = np.random.default_rng(seed)
    studies: list[Study] = []
    blocks: list[list[str]] = []
    for size in sizes:
        start = len(studies) + 1
        ids = [f"Img{number:03d}" for number in range(start, start + size)]
        blocks.append(ids)
        studies += [
            Study(i, None, "", density="ABCD"[chance.integers(2)], highest_birads=str(chance.integers(3))) for i in ids
        ]
    number = len(studies)
    parts = [number - 2 * (number // 5), number // 5, number // 5]
    table = _Table(studies, blocks, parts, long_blocks_train)
    table.deal()
    for _ in range(3):
        # Far from the best, where many swaps pay, some of them the same.
        table.part[:] = np.where(table.free, chance.permutation(np.arange(len(blocks)) % 3), 0)
        for part in range(3):
            table.off[part] = table.counts[table.part == part].sum(axis=0) - chance.integers(0, 40)
        assert table._best_swap() == by_every_pair(table)


def test_products_of_large_numbers_are_exact() -> None:
    # The sum of the squares has 61 bits, eight more than floating point holds.
    row = np.array([[2**29 + 1, 2**30 + 1]])
    assert _product(row, row).tolist() == [[sum(int(value) ** 2 for value in row[0])]]
    assert _product(np.array([[3, -5]]), np.array([[2, 7]])).tolist() == [[-29]]
