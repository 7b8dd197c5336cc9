"""What a plan says can be decided: blocks and pairs by count, the smallest difference by its closed form."""

from math import sqrt
from pathlib import Path

import pytest
from scipy import stats

from benchmark.forms.suite import PhantomData, SplitPart, Suite
from benchmark.phantoms.write import write
from benchmark.planning.design import OF_SEEDS, SPREADS, design_of
from benchmark.planning.folder import DmidFolder
from benchmark.suites.load import load_suite


def test_of_the_release_blocks_and_pairs_are_known_without_its_folder() -> None:
    one, folded = (design_of(load_suite(name), None) for name in ("paper", "paper-folds"))
    assert one is not None
    assert folded is not None
    assert (one.tested, one.studies, one.blocks, one.folds) == (52, 510, 17, None)
    assert (folded.tested, folded.studies, folded.blocks, folded.folds) == (510, 510, 121, 5)
    # Five backbones; sixteen settings of each, or four.
    assert [c.pairs for c in one.comparisons] == [10, 5 * 120]
    assert [c.pairs for c in folded.comparisons] == [10, 5 * 6]
    # Two of 2^blocks flips have to stay below .05 after the correction.
    assert [c.blocks_needed for c in one.comparisons] == [9, 15]
    for before, after in zip(one.comparisons, folded.comparisons, strict=True):
        assert before.detectable is not None
        assert after.detectable is not None
        assert after.detectable < before.detectable / 2


def test_the_smallest_difference_is_that_of_students_t() -> None:
    suite = load_suite("paper-folds")
    design = design_of(suite, None)
    assert design is not None
    spread = SPREADS[suite.primary_metric]
    error = sqrt((spread**2 / 121 + 2 * (OF_SEEDS * spread) ** 2 / 5) / 3)
    t = stats.t(120)
    expected = (t.ppf(1 - 0.025 / 10) + t.ppf(0.8)) * error
    assert design.comparisons[0].detectable == pytest.approx(expected, abs=5e-4)


def test_phantoms_are_counted_without_being_drawn_and_as_when_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "cache"))
    suite = load_suite("smoke").model_copy(
        update={"data": PhantomData(source="phantom", studies=60, seed=4, size=64), "split": SplitPart(folds=4)}
    )
    undrawn = design_of(suite, None)
    assert not list(tmp_path.iterdir())
    write(tmp_path / "drawn", studies=60, seed=4, size=64, jobs=1)
    as_dmid = load_suite("paper-folds").model_copy(update={"split": suite.split, "grid": suite.grid})
    drawn = design_of(as_dmid, DmidFolder(tmp_path / "drawn"))
    assert undrawn is not None
    assert drawn is not None
    assert (undrawn.blocks, undrawn.tested, undrawn.folds) == (drawn.blocks, 60, 4)


def test_too_few_blocks_leave_no_difference_and_unreadable_data_no_design(tmp_path: Path) -> None:
    few: Suite = load_suite("paper").model_copy(update={"data": PhantomData(source="phantom", studies=30, size=64)})
    design = design_of(few, None)
    assert design is not None
    assert design.blocks < design.comparisons[-1].blocks_needed
    assert design.comparisons[-1].detectable is None
    assert design_of(load_suite("paper"), DmidFolder(tmp_path / "nothing")) is None
