"""Falls over all pairs against their definition, closed forms, a simulation of known readers, and a published model."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known import known
from scipy import stats

from benchmark.data.dmid import read
from benchmark.data.split_rules import choose
from benchmark.scoring.pairs import MOST_STUDIES, chosen_studies, perfect_falls, seed_falls
from metrics.all_pairs import PairFall, PairStatistics, across_blocks, fall, fall_of_seed, unchanged
from metrics.clinical.clinical import score_reports
from metrics.labels.birads import BIRADS_SCALE
from metrics.metric import ratio

pytestmark = pytest.mark.numeric


def report(category: str, density: str = "A") -> str:
    finding = "No mass is seen." if category in "12" else "A spiculated mass is seen."
    return f"Breast composition: fatty (ACR {density}). BIRADS: {category}. Findings: {finding}"


def exact_matches(truth: np.ndarray, written: np.ndarray) -> PairStatistics:
    """The share of categories that are right, on every pair."""
    same = (truth[:, None] == written[None, :]).astype(float)
    return PairStatistics("exact", np.stack([same, np.ones_like(same)], axis=-1), ratio)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=14))
def test_it_is_the_difference_of_means_that_it_is_defined_as(studies: list[tuple[int, int, int]]) -> None:
    blocks = [str(block) for block, *_ in studies]
    truth, written = (np.array([one[place] for one in studies]) for place in (1, 2))
    falls = fall_of_seed(exact_matches(truth, written), blocks, across_blocks(blocks))

    def by_hand(studies_in: list[int]) -> float:
        right, others = [], []
        for i in studies_in:
            shown = [written[j] for j in studies_in if blocks[j] != blocks[i]]
            if shown:
                right.append(written[i] == truth[i])
                others.append(np.mean([one == truth[i] for one in shown]))
        return float(np.mean(right) - np.mean(others)) if right else np.nan

    assert falls.value == pytest.approx(by_hand([*range(len(studies))]), abs=1e-12, nan_ok=True)
    names = sorted(set(blocks))
    if len(names) > 1:
        expected = [by_hand([i for i, block in enumerate(blocks) if block != name]) for name in names]
        np.testing.assert_allclose(falls.without, expected, atol=1e-12)


def falls_of(predictions: list[str], references: list[str], blocks: list[str]) -> dict[str, dict[str, PairFall]]:
    ids = [f"{number:03d}" for number in range(len(references))]
    written, real, parted = (dict(zip(ids, texts, strict=True)) for texts in (predictions, references, blocks))
    perfect = perfect_falls(tuple(real.items()), tuple(blocks))
    return {
        stratum: {name: fall([one], perfect[stratum][name]) for name, one in scores.items()}
        for stratum, scores in seed_falls(written, real, parted).items()
    }


@pytest.fixture(scope="module")
def references() -> list[str]:
    random = np.random.default_rng(3)
    categories = np.repeat(random.choice(BIRADS_SCALE, 14), 2)
    return [report(category, "AB"[i % 2]) for i, category in enumerate(categories)]


BLOCKS = [str(i // 2) for i in range(28)]


def test_clinical_scores_are_those_of_all_pairs_pooled(references: list[str]) -> None:
    """A score that is no mean of reports is computed of what all pairs add up to, each study with one weight."""
    random = np.random.default_rng(4)
    written = [report(str(random.choice(BIRADS_SCALE)), "AB"[i % 3 == 0]) for i in range(28)]
    falls = falls_of(written, references, BLOCKS)["all_pairs"]
    pairs = [(i, j) for i in range(28) for j in range(28) if BLOCKS[i] != BLOCKS[j]]
    # Blocks are of one size, so every study has equally many pairs, and pooling gives each the same weight.
    right = score_reports(references, written)
    exchanged = score_reports([references[i] for i, _ in pairs], [written[j] for _, j in pairs])
    for name in ("birads_exact", "birads_kappa", "birads_f1_macro", "findings_f1_micro"):
        assert falls[name].value == pytest.approx(right[name].value - exchanged[name].value, abs=1e-12), name
    for name in ("hallucination_rate", "omission_rate"):
        assert falls[name].value == pytest.approx(exchanged[name].value - right[name].value, abs=1e-12), name


def test_a_perfect_reader_loses_all_of_it_and_one_that_never_looks_nothing(references: list[str]) -> None:
    perfect = falls_of(references, references, BLOCKS)
    assert {one.of_perfect_reader for one in perfect["all_pairs"].values()} == {1.0}
    assert known(perfect["all_pairs"]["birads_exact"].low) > 0
    constant = falls_of([references[0]] * 28, references, BLOCKS)
    assert all(one.value == pytest.approx(0, abs=1e-12) for scores in constant.values() for one in scores.values())
    assert not any(one.excludes_zero for scores in constant.values() for one in scores.values())


def test_what_only_the_category_tells_apart_falls_in_its_stratum_alone(references: list[str]) -> None:
    """A reader of categories: pairs of one category and density exchange equal reports."""
    read_categories = [text.replace("ACR B", "ACR A") for text in references]
    falls = falls_of(read_categories, references, BLOCKS)
    assert falls["another_category"]["birads_exact"].value == 1.0
    assert falls["same_category_and_density"]["birads_major"].value == 0.0
    assert falls["same_category_and_density"]["rouge_l"].value == pytest.approx(0, abs=0.05)


def test_blocks_without_a_part_in_a_fall_do_not_make_it_surer() -> None:
    """Of 20 blocks 8 have studies in the stratum: the interval is that of these 8 alone."""
    random = np.random.default_rng(5)
    truth, written = random.integers(0, 2, 40), random.integers(0, 2, 40)
    blocks = [f"{i // 2:02d}" for i in range(40)]
    inside = np.arange(40) < 16
    all_of_them = fall(
        [fall_of_seed(exact_matches(truth, written), blocks, across_blocks(blocks) & inside & inside[:, None])]
    )
    alone = fall([fall_of_seed(exact_matches(truth[:16], written[:16]), blocks[:16], across_blocks(blocks[:16]))])
    assert (all_of_them.value, all_of_them.low) == pytest.approx((alone.value, alone.low))
    few = np.arange(40) < 8
    assert np.isnan(
        fall([fall_of_seed(exact_matches(truth, written), blocks, across_blocks(blocks) & few & few[:, None])]).low
    )


def test_a_constant_text_never_falls_whatever_rounding_makes_of_it(references: list[str]) -> None:
    for start in range(6):
        constant = falls_of([references[start]] * 28, references, BLOCKS)
        assert {one.value for one in constant["all_pairs"].values() if not np.isnan(one.value)} == {0.0}
        assert not any(one.excludes_zero for one in constant["all_pairs"].values())


def test_the_share_of_unchanged_texts_counts_each_study_once() -> None:
    allowed = across_blocks(["a", "a", "b"])
    assert unchanged(["x", "y", "x "], allowed) == pytest.approx((1 + 0 + 1 / 2) / 3)
    assert np.isnan(unchanged(["x", "x"], across_blocks(["a", "a"])))


def test_intervals_cover_the_fall_of_a_reader_of_known_skill() -> None:
    """Of four categories, equally frequent, a reader names the right one with chance .4 and else any.

    It is right in .4 + .6 / 4 of the studies, and in a quarter of the pairs: its fall is .3. How many of 1 000 of the
    intervals hold that is a binomial number, held to coverages of 93 to 97 % at one in a million.
    """
    random = np.random.default_rng(7)
    blocks, repetitions, held = [str(i // 3) for i in range(60)], 1_000, 0
    allowed = across_blocks(blocks)
    for _ in range(repetitions):
        truth = random.integers(0, 4, 60)
        written = np.where(random.random(60) < 0.4, truth, random.integers(0, 4, 60))
        falls = fall([fall_of_seed(exact_matches(truth, written), blocks, allowed)])
        held += falls.low <= 0.3 <= falls.high
    assert stats.binomtest(held, repetitions, 0.93, alternative="less").pvalue > 1e-6
    assert stats.binomtest(held, repetitions, 0.97, alternative="greater").pvalue > 1e-6


def test_what_a_published_model_owes_to_the_image(dmid: Path, published_predictions: Path) -> None:
    """Reports of MedGemma-4B for the last 52 images of DMID; figures computed by another program."""
    lines = [json.loads(line) for line in published_predictions.read_text().splitlines()]
    predictions = {line["id"]: line["prediction"] for line in lines}
    studies = read(dmid, reports_only=True).reports
    split = choose(studies, "sequential")
    references = {study.id: study.report for study in studies if study.id in split.test}
    falls = seed_falls(predictions, references, split.blocks)["all_pairs"]
    expected = {"rouge_l": (0.091, 0.038, 0.144), "birads_exact": (0.201, 0.034, 0.369), "density_accuracy": (0, 0, 0)}
    for name, numbers in expected.items():
        ours = fall([falls[name]])
        assert (ours.value, ours.low, ours.high) == pytest.approx(numbers, abs=5e-4), name


def test_of_many_studies_whole_blocks_are_compared_the_same_for_everybody() -> None:
    blocks = {f"{i:04d}": f"{i // 3:04d}" for i in range(900)}
    chosen = chosen_studies(blocks, blocks)
    assert len(chosen) == MOST_STUDIES
    assert chosen == chosen_studies(dict(reversed(blocks.items())), list(reversed(blocks)))
    counts = Counter(blocks[i] for i in chosen)
    assert set(counts.values()) == {3}
    assert chosen_studies(blocks, list(blocks)[:200]) == list(blocks)[:200]
