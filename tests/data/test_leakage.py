from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known import known

from benchmark.data.dmid import read
from benchmark.data.leakage import leakage
from benchmark.data.report_likeness import Reports
from benchmark.data.split import Split
from benchmark.data.split_rules import split
from benchmark.data.study import Study
from metrics.text.rouge import rouge_l

WORDS = ["opacity", "opacities", "seen", "quadrant", "skin", "nipple", "no", "benign"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12)


@given(TEXTS, st.lists(TEXTS, max_size=6), st.floats(0.05, 1.0))
@settings(deadline=None)
def test_the_bound_of_most_alike_loses_nothing(words: list[str], texts: list[list[str]], at_least: float) -> None:
    report, others = " ".join(words), [" ".join(o) for o in texts]
    best = max((rouge_l(o, report) for o in others), default=0.0)
    assert Reports(others).most_alike(report, at_least=at_least) == (best if best >= at_least else None)


def studies(texts: Sequence[str], densities: str = "ABCDABCD") -> list[Study]:
    return [
        Study(id=f"Img{i:03d}", image=None, report=t, density=d, highest_birads=str(i % 5 + 1))
        for i, (t, d) in enumerate(zip(texts, densities, strict=False), start=1)
    ]


def by_hand(train: Sequence[str], test: Sequence[str], blocks: dict[str, str] | None = None) -> Split:
    ids = [*train, *test]
    return Split("file", None, tuple(train), (), tuple(test), blocks or {i: i for i in ids})


def test_every_figure_by_hand() -> None:
    words = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " * 2
    texts = ["a b c d", "A  b\nC d", words + "left right", words + "left wrong", "x y", "a b x y"]
    leaks = leakage(
        by_hand(
            ["Img001", "Img003", "Img005"],
            ["Img002", "Img004", "Img006"],
            {f"Img{i:03d}": f"b{i // 2}" for i in range(1, 7)},
        ),
        studies(texts),
    )
    assert leaks.test == 3
    assert leaks.verbatim_in_train == 1  # Img002 is Img001
    assert leaks.near_verbatim_in_train == 2  # and Img004 is Img003 but for one word in 34
    assert leaks.neighbour_in_train == 3
    assert leaks.block_in_train == 2  # Img002 with Img003, Img004 with Img005
    copies = [(texts[0], texts[1]), (texts[2], texts[3]), (texts[4], texts[5])]
    assert leaks.rouge_l_of_neighbour == pytest.approx(sum(rouge_l(a, b) for a, b in copies) / 3)
    assert leaks.rouge_l_of_neighbour == pytest.approx((1 + 33 / 34 + 2 * 2 / 6) / 3)
    assert leaks.density == {"train": {"A": 2, "C": 1}, "validation": {}, "test": {"B": 2, "D": 1}}
    assert sum(leaks.birads["train"].values()) == 3


def test_without_neighbours_there_is_nothing_to_copy() -> None:
    leaks = leakage(by_hand(["Img001"], ["Img004"]), studies(["a", "b", "c", "d"]))
    assert leaks.neighbour_in_train == 0
    assert leaks.rouge_l_of_neighbour is None


class TestSample:
    @pytest.fixture
    def reports(self, dmid: Path) -> tuple[Study, ...]:
        return read(dmid).reports

    def test_sequential(self, reports: tuple[Study, ...]) -> None:
        leaks = leakage(split(reports, "sequential"), reports)
        assert (leaks.test, leaks.verbatim_in_train, leaks.neighbour_in_train) == (52, 3, 0)

    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_random_leaks_as_published_and_copying_a_neighbour_scores_high(
        self, reports: tuple[Study, ...], seed: int
    ) -> None:
        leaks = leakage(split(reports, "random", seed=seed), reports)
        assert 7 <= leaks.verbatim_in_train <= 16
        assert leaks.neighbour_in_train > 40
        assert known(leaks.rouge_l_of_neighbour) > 0.65

    def test_blocked_takes_the_gain_of_copying_away(self, reports: tuple[Study, ...]) -> None:
        blocked = leakage(split(reports, "blocked"), reports)
        random = leakage(split(reports, "random"), reports)
        assert blocked.block_in_train == 0
        assert known(blocked.rouge_l_of_neighbour) < known(random.rouge_l_of_neighbour) - 0.08
        assert blocked.near_verbatim_in_train >= blocked.verbatim_in_train
        assert blocked.neighbour_in_train < random.neighbour_in_train
