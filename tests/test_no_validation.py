"""A split without validation studies, which is allowed: everything runs, no point is chosen, and the board says so."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from lines import read_lines

from benchmark import sweep
from benchmark.board.chosen_points import chosen, compared
from benchmark.board.collect import collect
from benchmark.board.results import read_results
from benchmark.data import dmid
from benchmark.data.split_rules import choose
from benchmark.pages.gallery import _columns
from benchmark.pages.leaderboard import write_leaderboard
from benchmark.phantoms import write
from benchmark.suites.load import parse

SUITE = """\
name: unvalidated
title: Nothing to choose by
data: {{source: phantom, studies: 24, seed: 3, size: 64}}
image: {{size: 112}}
split: {{name: {split}}}
backbones:
  - {{name: medgemma-4b-it, checkpoint: {one}}}
  - {{name: qwen2.5-vl-3b, checkpoint: {two}}}
grid: {{rank: [2, 4], alpha: [4]}}
protocol: {{steps: 2, batch_size: 2, max_new_tokens: 4}}
"""


@pytest.fixture
def swept(miniature: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path / "cache"))
    write.write(tmp_path / "phantoms", studies=24, seed=3, size=64)
    split = choose(dmid.read(tmp_path / "phantoms").studies, "blocked")
    parts = {"train": [*split.train, *split.validation], "test": list(split.test)}
    (tmp_path / "split.json").write_text(json.dumps(parts))
    two = {"one": miniature("medgemma-4b-it"), "two": miniature("qwen2.5-vl-3b")}
    suite = parse(SUITE.format(split=tmp_path / "split.json", **two), where="unvalidated.yaml")
    summary = sweep.run(suite, data=None, results=tmp_path / "results", listener=lambda _: None, processes=1)
    assert (summary.ran, summary.failed) == (4, {})
    return tmp_path


def test_the_board_shows_every_point_and_says_why(swept: Path) -> None:
    results = read_results(swept / "results", "unvalidated")
    assert chosen(results) == []
    assert len(compared(results)) == 4
    board = collect(results)
    assert [row.best for row in board.rows] == [False] * 4
    assert sorted(board.main) == [0, 1, 2, 3]
    assert all(row.validation == {} for row in board.rows)
    assert len(_columns(results)) == 4
    write_leaderboard(swept / "results", "unvalidated", swept / "boards")
    readme = " ".join((swept / "boards/unvalidated/README.md").read_text().split())
    assert (
        "could be chosen: the split has no validation studies, and the test part has no say. All are shown." in readme
    )
    assert "that the validation part chose" not in readme
    assert not list((swept / "boards").rglob("model-cards/*"))
    for folder in (done.folder for done in results.trials):
        assert read_lines(folder.validation) == []
