"""What scores owe to the lesion, against a computation by hand."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from known import known

from benchmark.board.done import References
from benchmark.board.folds import Result
from benchmark.board.lesions import lesion_falls
from benchmark.board.model import LesionFalls

IDS = [f"Img{n:03d}" for n in range(1, 9)]
REPORTS = {i: f"BIRADS: {'2' if n % 2 else '5'}\n\nFindings:\nA mass is seen." for n, i in enumerate(IDS)}
WRONG = "BIRADS: 3\n\nFindings:\nA mass is seen."
REFERENCES = References(
    REPORTS, {"train": (), "validation": (), "test": tuple(IDS)}, {i: f"block {n // 2}" for n, i in enumerate(IDS)}, {}
)


def _result(own: str, painted: str, patch: str, ids: list[str]) -> Result:
    """Return a trial's predictions: of each study whether its category is right, `+`, or wrong, `-`."""

    def texts(marks: str, ids: list[str]) -> Mapping[str, str]:
        return {i: REPORTS[i] if mark == "+" else WRONG for i, mark in zip(ids, marks, strict=True)}

    controls = {"blank": {}, "painted": texts(painted, ids), "patch": texts(patch, ids)}
    return cast(Result, SimpleNamespace(predictions=texts(own, IDS), controls=controls))


def _falls(*group: Result) -> LesionFalls:
    falls = lesion_falls(group, REFERENCES)
    assert falls is not None
    return falls


def test_falls_are_of_the_studies_with_a_lesion_alone_and_the_lesions_own_is_their_difference() -> None:
    # The last two have no lesion: that they are wrong counts for nothing.
    falls = _falls(
        _result("+++++---", "+-----", "++++--", IDS[:6]),
        _result("++++++--", "------", "+++++-", IDS[:6]),
    )
    assert (falls.studies, falls.blocks) == (6, 3)
    exact = {shown: known(scores["birads_exact"].value) for shown, scores in falls.falls.items()}
    own, painted, patch = (5 + 6) / 12, (1 + 0) / 12, (4 + 5) / 12
    assert exact == pytest.approx({"painted": own - painted, "patch": own - patch, "lesion": patch - painted})
    for scores in falls.falls.values():
        assert set(scores) <= {"birads_exact", "birads_kappa", "findings_f1_micro", "location_accuracy", "rouge_l"}
        for name, fall in scores.items():
            if fall.value is not None and fall.low is not None:
                assert fall.low <= fall.value <= known(fall.high), name
    assert {shown: known(share.value) for shown, share in falls.unchanged.items()} == pytest.approx(
        {"painted": 2 / 12, "patch": 10 / 12}
    )


def test_studies_that_a_seed_was_not_shown_are_left_out_and_without_any_nothing_is_said() -> None:
    first, second = _result("+" * 8, "----", "++++", IDS[:4]), _result("+" * 8, "----", "++++", IDS[2:6])
    assert (_falls(first, second).studies, _falls(first, second).blocks) == (2, 1)
    none: Any = _result("+" * 8, "", "", [])
    assert lesion_falls([first, none], REFERENCES) is None


def test_one_block_has_falls_without_an_interval() -> None:
    fall = _falls(_result("+" * 8, "--", "++", IDS[:2])).falls["lesion"]["birads_exact"]
    assert (fall.value, fall.low, fall.high) == (1.0, None, None)
