"""The swap of images is a derangement across blocks."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from benchmark.controls import swapped

blocks = st.lists(st.integers(0, 8), min_size=2, max_size=60)


@given(blocks, st.integers(0, 3))
def test_every_image_is_shown_once_and_to_another_study(labels: list[int], seed: int) -> None:
    ids = [f"Img{i:03d}" for i in range(len(labels))]
    of = {i: str(b) for i, b in zip(ids, labels, strict=True)}
    other = swapped(ids, of, seed=seed)
    assert sorted(other) == sorted(other.values()) == ids
    assert all(i != j for i, j in other.items())
    if 2 * max(Counter(labels).values()) <= len(labels):
        assert all(of[i] != of[j] for i, j in other.items())


@given(blocks)
def test_the_swap_is_fixed(labels: list[int]) -> None:
    ids = [f"Img{i:03d}" for i in range(len(labels))]
    of = {i: str(b) for i, b in zip(ids, labels, strict=True)}
    assert swapped(ids, of) == swapped(list(reversed(ids)), of)
