"""The control of the control: a predictor that sees the image falls, one that doesn't shows nothing."""

from collections.abc import Callable

import numpy as np
import pytest

from metrics.clinical.clinical import score_reports
from metrics.grounding import Grounding, grounding
from metrics.labels.birads import BIRADS_SCALE
from metrics.statistics.statistics import Draws

pytestmark = pytest.mark.numeric

REPORTS = 56
BLOCKS = [str(i // 2) for i in range(REPORTS)]


def _report(category: str) -> str:
    finding = "No mass is seen." if category in "12" else "A spiculated mass is seen."
    return f"Breast composition: fatty (ACR A). BIRADS: {category}. Findings: {finding}"


def _grounding(predict: Callable[[str, np.random.Generator], str], seeds: int = 2) -> Grounding:
    """`predict` takes what the image shows and a random generator; images are swapped across blocks."""
    random = np.random.default_rng(5)
    shown = np.repeat(random.choice(BIRADS_SCALE, REPORTS // 2), 2)
    swapped = np.roll(shown, REPORTS // 2)
    references = [_report(c) for c in shown]
    texts, statistics = [], []
    for images in (shown, swapped):
        by_seed = [
            [_report(predict(c, np.random.default_rng([s, i]))) for i, c in enumerate(images)] for s in range(seeds)
        ]
        texts.append(by_seed)
        statistics.append([score_reports(references, predictions) for predictions in by_seed])
    draws = Draws(len(set(BLOCKS)), 1_000)
    return grounding("swapped", statistics[0], statistics[1], texts[0], texts[1], BLOCKS, draws)


def test_a_predictor_that_reads_the_image_falls_when_it_is_swapped() -> None:
    grounded = _grounding(lambda shown, random: shown if random.random() < 0.8 else "1")
    for score in ("birads_exact", "birads_kappa", "findings_f1_micro", "omission_rate"):
        fall = grounded.falls[score]
        assert fall.fall.value > 0, score
        assert fall.verdict == "owes to the image", score
    exact = grounded.falls["birads_exact"]
    assert exact.fall.value == pytest.approx(exact.real - exact.control_value)
    omission = grounded.falls["omission_rate"]
    assert omission.fall.value == pytest.approx(omission.control_value - omission.real)
    assert grounded.unchanged.value < 0.5


def test_a_predictor_that_guesses_owes_nothing_and_gets_no_verdict() -> None:
    grounded = _grounding(lambda shown, random: str(random.choice(BIRADS_SCALE)))
    assert {fall.verdict for fall in grounded.falls.values()} == {None}
    assert grounded.unchanged.value == 1


def test_a_predictor_that_is_right_only_without_the_image_is_said_to_be() -> None:
    order = dict(zip(BIRADS_SCALE, np.roll(BIRADS_SCALE, 3), strict=True))
    grounded = _grounding(lambda shown, random: order[shown])
    assert grounded.falls["birads_exact"].verdict == "is better without the image"


def test_scores_without_a_direction_are_left_out() -> None:
    grounded = _grounding(lambda shown, random: shown)
    assert "birads_exact" in grounded.falls
    assert not [name for name in grounded.falls if "entropy" in name or "verbatim" in name]
