"""A suite with `lesions: true`, end to end: written again with lesions painted over, and nothing trained again."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from lines import read_lines

from benchmark import sweep
from benchmark.board.collect import collect
from benchmark.board.lesions import lesion_falls
from benchmark.board.results import SuiteResults, read_results
from benchmark.forms.suite import Suite
from benchmark.pages.leaderboard import write_leaderboard
from benchmark.pages.nothing_to_do import finished_sweep
from benchmark.progress.status import status
from benchmark.suites.load import parse

SUITE = """
name: lesions
title: Lesions painted over
data: {{source: phantom, studies: 36, seed: 3, size: 96}}
image: {{size: 112}}
split: {{name: blocked, folds: 3}}
backbones: [{{name: medgemma-4b-it, checkpoint: {checkpoint}}}]
grid: {{rank: [2], alpha: [4], seed: [0, 1]}}
protocol: {{steps: 2, batch_size: 4, max_new_tokens: 6}}
baselines: [most_frequent_report]
"""
KEPT = ("losses.csv", "predictions.jsonl", "validation.jsonl", "adapter/adapter_model.safetensors")


@dataclass(frozen=True)
class Swept:
    """A suite with lesions; what lay in its folders when it was run without them; and where."""

    suite: Suite
    results: SuiteResults
    before: dict[str, bytes]
    folder: Path


@pytest.fixture(scope="module")
def swept(miniature: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Swept:
    folder = tmp_path_factory.mktemp("lesions")
    results = folder / "results"
    plain = parse(SUITE.format(checkpoint=miniature("medgemma-4b-it")), where="lesions.yaml")
    suite = plain.model_copy(update={"lesions": True})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AMRG_CACHE_DIR", str(folder / "cache"))
        assert sweep.run(plain, data=None, results=results, listener=lambda _: None, processes=1).ran == 6
        assert collect(read_results(results, "lesions")).rows[0].lesions is None
        assert "owe to the lesion" not in _readme(results, folder / "before")
        before = {
            str(path.relative_to(results)): path.read_bytes() for path in sorted(results.rglob("*.*")) if path.is_file()
        }
        summary = sweep.run(suite, data=None, results=results, listener=lambda _: None, processes=1)
        assert (summary.already, summary.ran, dict(summary.failed)) == (0, 6, {})
    return Swept(suite, read_results(results, "lesions"), before, folder)


def test_nothing_is_trained_again_and_other_reports_stay_as_they_were(swept: Swept) -> None:
    for one in swept.results.trials:
        for name in KEPT:
            path = one.folder.path / name
            assert path.read_bytes() == swept.before[f"{one.trial.id}/{name}"], name
        old = swept.before[f"{one.trial.id}/controls.jsonl"].decode().splitlines()
        assert one.folder.controls.read_text(encoding="utf-8").splitlines()[: len(old)] == old


def test_each_lesion_of_a_test_part_is_written_for_twice_and_no_other_study(swept: Swept) -> None:
    written = []
    for one in swept.results.trials:
        by_control: dict[str, list[str]] = {}
        for line in read_lines(one.folder.controls):
            by_control.setdefault(line["control"], []).append(line["id"])
        assert list(by_control) == ["blank", "painted", "patch"]
        assert by_control["painted"] == by_control["patch"]
        assert set(by_control["painted"]) < set(by_control["blank"])
        assert one.scores.painted is not None
        if one.trial.seed == 0:
            written += by_control["painted"]
    assert len(written) == len(set(written)) > 10


def test_the_board_has_the_falls_of_all_folds(swept: Swept) -> None:
    board = collect(swept.results)
    for row in board.entries:
        group = [done for done in swept.results.done if done.ids[0] in row.trials]
        assert row.lesions == lesion_falls(group, swept.results.references)
        assert row.lesions is not None
        assert row.lesions.studies == len(group[0].controls["painted"])
        assert row.lesions.blocks > 3
        assert set(row.lesions.falls) == {"painted", "patch", "lesion"}
    readme = _readme(swept.folder / "results", swept.folder / "boards")
    assert "the lesion alone" in readme
    lesions = board.main_rows[0].lesions
    assert lesions is not None
    assert f"{lesions.studies} ({lesions.blocks})" in readme
    with (swept.folder / "boards" / "lesions" / "results.csv").open(encoding="utf-8", newline="") as file:
        kinds = {row["kind"] for row in csv.DictReader(file)}
    assert {"lost_painted", "lost_patch", "lost_lesion"} <= kinds
    stored = json.loads((swept.folder / "boards" / "lesions" / "results.json").read_text(encoding="utf-8"))
    assert stored["suite"]["lesions"] is True


def test_again_there_is_nothing_to_do_until_a_painted_report_is_lost(
    swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(swept.folder / "cache"))
    results, boards = swept.folder / "results", swept.folder / "again"
    write_leaderboard(results, "lesions", boards)
    assert finished_sweep(swept.suite, data=None, results=results, leaderboards=boards)
    trial = swept.results.trials[0]
    whole = {path: path.read_bytes() for path in (trial.folder.controls, trial.folder.scores)}
    # As another suite, which doesn't ask for lesions, would have left it.
    for path in whole:
        path.write_bytes(swept.before[str(path.relative_to(results))])
    assert not finished_sweep(swept.suite, data=None, results=results, leaderboards=boards)
    assert status(results, "lesions").count("left") == 1
    summary = sweep.run(swept.suite, data=None, results=results, listener=lambda _: None, processes=1)
    assert summary.ran == 1
    assert {path: path.read_bytes() for path in whole} == whole


def _readme(results: Path, boards: Path) -> str:
    readme = write_leaderboard(results, "lesions", boards).readme
    return " ".join(readme.read_text(encoding="utf-8").split())
