"""A failed trial is stored with what to look for, and without a word of a report."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark import sweep
from benchmark.board.results import read_results
from benchmark.errors import RunFailed, frames, reason
from benchmark.progress.events import Event
from benchmark.results.summary import check
from benchmark.scoring import floor
from benchmark.suites.load import parse
from benchmark.tuning.packed.training import PackTraining

REPORT = "Breast composition: fatty (ACR A).\nFindings: a spiculated mass in the upper outer quadrant. BIRADS: 5."
SUITE = """\
name: failing
title: A suite that fails
data: {{source: phantom, studies: 24, seed: 3, size: 64}}
image: {{size: 112}}
backbones: [{{name: medgemma-4b-it, checkpoint: {checkpoint}}}]
grid: {{rank: [2], alpha: [4]}}
protocol: {{steps: 2, batch_size: 2, max_new_tokens: 4}}
"""


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        try:
            raise cause or KeyError(REPORT)
        except Exception as first:
            raise error from first
    except Exception as caught:
        return caught


@given(st.integers(0, 10), st.integers(4, 8))
def test_a_message_that_quotes_a_report_is_left_out(start: int, length: int) -> None:
    words = REPORT.split()[start : start + length]
    for quoted in (" ".join(words), repr("\n".join(words)), " ".join(words).upper()):
        message = reason(ValueError(f"can't encode {quoted} …"), ["Normal.", REPORT])
        assert message == "ValueError (its message quotes a report, so it is left out)"


def test_another_message_is_told() -> None:
    assert reason(RuntimeError("mat1 and mat2 have other shapes"), [REPORT, ""]) == (
        "RuntimeError: mat1 and mat2 have other shapes"
    )
    assert reason(MemoryError(), [REPORT]) == "MemoryError"


def test_frames_say_where_but_not_what() -> None:
    traceback = frames(raised(ValueError(REPORT)))
    assert traceback.count(f'File "{__file__}"') == 2
    assert "in raised" in traceback
    assert traceback.index("KeyError") < traceback.index("which led to") < traceback.rindex("ValueError")
    assert "spiculated" not in traceback


def test_a_floor_fails_alone_and_the_sweep_ends_with_an_error(
    miniature: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def predict_draws(name: str, *_: object, **__: object) -> list[dict[str, str]]:
        raise ZeroDivisionError("injected")

    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "cache"))
    suite = parse(SUITE.format(checkpoint=miniature("medgemma-4b-it")), where="failing.yaml")
    run = partial(sweep.run, suite, data=None, results=tmp_path / "results", listener=lambda _: None, processes=1)
    with monkeypatch.context() as broken:
        broken.setattr(floor, "predict_draws", predict_draws)
        summary = run()
    assert (summary.ran, summary.failed) == (1, {})
    assert summary.failed_floors == {"most_frequent_report": "ZeroDivisionError: injected"}
    with pytest.raises(RunFailed, match=r"^1 of 1 floors failed"):
        check(summary)
    results = read_results(tmp_path / "results", "failing")
    assert (results.failed, results.missing) == ({"the floor most_frequent_report": "ZeroDivisionError: injected"}, ())
    summary = run()
    assert (summary.ran, summary.already, summary.failed, summary.failed_floors) == (0, 1, {}, {})
    assert read_results(tmp_path / "results", "failing").failed == {}


def test_a_failed_trial_is_stored_with_its_frames(
    miniature: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def forward(self: PackTraining, *_: object) -> None:
        raise IndexError(f"no token for {self.data.reports[0]}")

    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(PackTraining, "forward", forward)
    events: list[Event] = []
    suite = parse(SUITE.format(checkpoint=miniature("medgemma-4b-it")), where="failing.yaml")
    summary = sweep.run(suite, data=None, results=tmp_path / "results", listener=events.append, processes=1)
    [stored] = (tmp_path / "results").glob("*/failure.json")
    content = json.loads(stored.read_text())
    assert content["reason"] == "IndexError (its message quotes a report, so it is left out)"
    assert all(place in content["traceback"] for place in ("in _train", "in forward", __file__))
    lines = (tmp_path / "results/suites/failing/references.jsonl").read_text().splitlines()
    for report in [json.loads(line)["report"] for line in lines]:
        for text in (stored.read_text(), *map(repr, events), *summary.failed.values()):
            assert report[:40] not in text
