"""Adapters trained on blank images: tuned as the rows are, shown nothing, and floors of the board."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lines import read_lines

from backbones.base import Backbone
from benchmark import sweep
from benchmark.board.collect import collect
from benchmark.board.done import Done
from benchmark.board.results import SuiteResults, read_results
from benchmark.errors import UserError
from benchmark.forms.suite import Trial
from benchmark.pages.leaderboard import write_leaderboard
from benchmark.planning.model import BackbonePlan
from benchmark.planning.plan import plan
from benchmark.results.store import TrialFolder
from benchmark.suites.load import parse
from benchmark.tuning.features import FeatureStore
from benchmark.tuning.interface import Outcome, TrainingSet
from benchmark.tuning.packed.engine import Packed

SUITE = """\
name: blanks
title: Floors that are trained
data: {{source: phantom, studies: 24, seed: 3, size: 64}}
image: {{size: 112}}
backbones: [{{name: medgemma-4b-it, checkpoint: {checkpoint}}}]
grid: {{rank: [2, 4], alpha: [4], seed: [0, 1]}}
protocol: {{steps: 2, batch_size: 2, max_new_tokens: 4{more}}}
blank_adapters: true
"""


Swept = tuple[SuiteResults, list[tuple[bool, list[bool]]]]
"""A suite's results; and of each trial whether it should see no image, and whether each of its images was blank."""


@pytest.fixture
def swept(miniature: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Swept:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "cache"))
    train = Packed.train
    shown: list[tuple[bool, list[bool]]] = []

    def watched(
        engine: Packed,
        backbone: Backbone,
        trials: Sequence[Trial],
        folders: Mapping[str, TrialFolder],
        data: TrainingSet,
        *rest: Any,
    ) -> dict[str, Outcome]:
        store = FeatureStore(tmp_path / "cache" / "features", backbone)
        blank = store.get({"blank-112": lambda: np.zeros((112, 112), np.uint8)})["blank-112"]
        for trial in trials:
            images = [data.features[place] for place in data.of(trial)]
            shown.append((trial.protocol.sees_no_image, [torch.equal(one, blank) for one in images]))
        return train(engine, backbone, trials, folders, data, *rest)

    monkeypatch.setattr(Packed, "train", watched)
    suite = parse(SUITE.format(checkpoint=miniature("medgemma-4b-it"), more=""), where="blanks.yaml")
    summary = sweep.run(suite, data=None, results=tmp_path / "results", listener=lambda _: None, processes=1)
    assert (summary.ran, summary.failed) == (6, {})
    return read_results(tmp_path / "results", "blanks"), shown


def test_they_see_no_image_in_training_or_writing_and_are_floors(swept: Swept, tmp_path: Path) -> None:
    results, shown = swept
    assert sorted(blind for blind, _ in shown) == [False] * 4 + [True] * 2
    for blind, blank in shown:
        assert set(blank) == {blind}
    assert (len(results.done), len(results.blind)) == (4, 2)
    for done in results.blind:
        assert isinstance(done, Done)
        rows = [*read_lines(done.folder.predictions), *read_lines(done.folder.validation)]
        assert len({row["prediction"] for row in rows}) == 1
        falls = done.pairs.falls
        assert {fall.value for scores in falls.values() for fall in scores.values()} <= {0.0, None}
    board = collect(results)
    assert len(board.rows) == 2
    assert board.planned == 6
    [floor] = [floor for floor in board.floors if floor.name == "medgemma-4b-it (own checkpoint) on blank images"]
    assert floor.blind
    assert len(floor.scores["rouge_l"].by_seed) == 2
    readme = write_leaderboard(tmp_path / "results", "blanks", tmp_path / "boards").readme.read_text()
    assert "`medgemma-4b-it (own checkpoint) on blank images`" in readme


def test_a_plan_counts_them(tmp_path: Path) -> None:
    suite = parse(SUITE.format(checkpoint="miniature", more=""), where="blanks.yaml")
    assert suite.count_trials() == 6
    [backbone] = plan(suite, None, results=tmp_path).backbones
    assert isinstance(backbone, BackbonePlan)
    assert backbone.trials == 6


def test_a_suite_of_nothing_else_is_refused() -> None:
    with pytest.raises(UserError, match="blank_adapters"):
        parse(SUITE.format(checkpoint="miniature", more=", training_images: blank"), where="blanks.yaml")
