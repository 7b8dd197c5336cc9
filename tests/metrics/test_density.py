"""Breast density in the text of a report."""

import pytest

from metrics.labels.labeler import label


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(ACR-B)", "B"),
        ("(ACR B )", "B"),
        ("ACR: c", "C"),
        ("ACR type D", "D"),
        ("ACR density II", "B"),
        ("ACR type 2", "B"),
        ("Breast density: C", "C"),
        ("breast density 3", "C"),
        ("Density type IV", "D"),
        ("Composition: d", "D"),
        ("Breast composition is category b.", "B"),
        ("Breast composition: a. The tissue is fatty.", "A"),
        ("Type C breast density", "C"),
        ("BI-RADS C", "C"),
        ("BI-RADS density B", "B"),
        ("Category A", "A"),
        ('{"density": "b"}', "B"),
        ("The breasts are entirely fatty.", "A"),
        ("Scattered fibroglandular densities.", "B"),
        ("scattered areas of fibro-glandular density", "B"),
        ("heterogenously dense tissue", "C"),
        ("The breasts are extremely dense.", "D"),
    ],
)
def test_what_states_a_density(text: str, expected: str) -> None:
    assert label(text).density == expected


@pytest.mark.parametrize(
    "text",
    [
        "Dense breasts.",
        "The breasts are not extremely dense.",
        "Dense mass.",
        "High density mass.",
        "Low density 3 mm nodule.",
        "fibro fatty and glandular parenchyma",
        "predominantly fibro fatty parenchyma",
        "ACR 3",
        "Breast composition a mass is seen",
        "Breast composition: could not be judged",
        "Entirely fat necrosis.",
        "BIRADS: 4 b",
    ],
)
def test_what_states_none(text: str) -> None:
    assert label(text).density is None


def test_words_of_dmid_are_flagged() -> None:
    assert "density_words_only" in label("fibro fatty and glandular breast parenchyma").flags
    assert "density_words_only" not in label("fibro fatty and glandular breast parenchyma (ACR B)").flags


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Extremely dense breasts (ACR C)", "C"),
        ("ACR B/C", "C"),
        ("Density B on the right, C on the left.", "C"),
        ("ACR D. Later ACR A.", "D"),
    ],
)
def test_a_letter_beats_words_and_the_denser_breast_counts(text: str, expected: str) -> None:
    labels = label(text)
    assert labels.density == expected
    assert "density_conflict" in labels.flags
