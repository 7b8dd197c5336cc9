"""The swap of images is a derangement across blocks, in testing and in training."""

from collections import Counter
from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmark.forms.suite import ImagePart, Protocol, Trial
from benchmark.scoring.exchanged_images import shuffled, swapped, training_images

pytestmark = pytest.mark.numeric

blocks = st.lists(st.integers(0, 8), min_size=2, max_size=60)


@pytest.mark.parametrize("draw", [swapped, shuffled])
@given(labels=blocks, seed=st.integers(0, 3))
def test_every_image_is_shown_once_and_to_another_study(
    draw: Callable[..., dict[str, str]], labels: list[int], seed: int
) -> None:
    ids = [f"Img{i:03d}" for i in range(len(labels))]
    of = {i: str(b) for i, b in zip(ids, labels, strict=True)}
    other = draw(ids, of, seed=seed)
    assert sorted(other) == sorted(other.values()) == ids
    assert all(i != j for i, j in other.items())
    if 2 * max(Counter(labels).values()) <= len(labels):
        assert all(of[i] != of[j] for i, j in other.items())


@given(blocks)
def test_the_swap_is_fixed(labels: list[int]) -> None:
    ids = [f"Img{i:03d}" for i in range(len(labels))]
    of = {i: str(b) for i, b in zip(ids, labels, strict=True)}
    assert swapped(ids, of) == swapped(list(reversed(ids)), of)


def test_what_blocks_have_in_common_goes_together_no_more_than_by_chance() -> None:
    """Cramér's V of a property that blocks of six share has the size that independent studies would give it."""
    ids = [f"Img{i:03d}" for i in range(240)]
    of = {i: str(n // 6) for n, i in enumerate(ids)}
    density = {i: "ABCD"[int(of[i]) % 4] for i in ids}

    def squared(draw: Callable[..., dict[str, str]], seed: int) -> float:
        table = np.zeros((4, 4))
        for report, image in draw(ids, of, seed=seed).items():
            table["ABCD".index(density[report]), "ABCD".index(density[image])] += 1
        return float(stats.chi2_contingency(table).statistic)

    # Independent studies have a mean of χ² of 9, its degrees of freedom; blocks that move whole have 6 times as much.
    assert np.mean([squared(shuffled, seed) for seed in range(60)]) == pytest.approx(9, abs=2)
    assert np.mean([squared(swapped, seed) for seed in range(60)]) > 30


def trained(images: Literal["own", "shuffled"], seed: int) -> dict[str, str]:
    protocol = Protocol(steps=1, training_images=images)
    trial = Trial(
        backbone="b", checkpoint="c", quantization=None, dtype="float32", data="d", image=ImagePart(), split="s",
        protocol=protocol, rank=2, alpha=4, seed=seed,
    )  # fmt: skip
    return training_images(trial, list(OF), OF)


OF = {f"Img{i:03d}": str(i // 3) for i in range(30)}


def test_training_shows_each_report_its_own_image_unless_they_are_shuffled() -> None:
    assert trained("own", 0) == trained("own", 1) == {i: i for i in OF}
    others = trained("shuffled", 0)
    assert sorted(others.values()) == sorted(OF)
    assert all(OF[report] != OF[image] for report, image in others.items())


def test_another_seed_shuffles_in_another_way() -> None:
    assert trained("shuffled", 0) == trained("shuffled", 0) != trained("shuffled", 1)
