"""Leaderboards on disk: a function of what is stored, and a check that finds every difference."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stored_suite import StoredSuite
from typer.testing import CliRunner

from benchmark.board.model import Board
from benchmark.cli.verbs import app
from benchmark.data.dmid import read
from benchmark.errors import RunFailed, UserError
from benchmark.pages.leaderboard import check_leaderboard, files_of, write_leaderboard

GOLDEN = Path(__file__).parent / "golden" / "results.json"
COMMITTED = Path(__file__).parents[2] / "leaderboards"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A leaderboard that came without its results."""
    folder = tmp_path_factory.mktemp("leaderboards")
    board = Board.model_validate_json(GOLDEN.read_text(encoding="utf-8"))
    for name, content in files_of(board).items():
        path = folder / "stored" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_files_are_the_same_bytes_each_time(written: Path) -> None:
    board = Board.model_validate_json(GOLDEN.read_text(encoding="utf-8"))
    for name, content in files_of(board).items():
        assert (written / "stored" / name).read_bytes() == content, name


def test_an_untouched_leaderboard_passes_without_its_results(written: Path, tmp_path: Path) -> None:
    assert check_leaderboard(tmp_path / "nowhere", "stored", written) == "its own results.json"


@pytest.mark.parametrize(
    ("file", "change", "difference"),
    [
        ("README.md", lambda b: b.replace(b"0.", b"0.9", 1), "README.md: differs from line"),
        ("results.csv", lambda b: b + b"more\n", "results.csv: differs from line"),
        ("figures/forest.svg", lambda b: b.replace(b"#0072b2", b"#ff0000"), "figures/forest.svg: differs from line"),
        ("figures/forest.png", lambda b: b[:-40] + bytes(40), "figures/forest.png: is another picture"),
        ("figures/grid.svg", None, "figures/grid.svg: is missing"),
    ],
)
def test_the_check_names_what_differs(
    written: Path, tmp_path: Path, file: str, change: Callable[..., Any] | None, difference: str
) -> None:
    folder = Path(shutil.copytree(written, tmp_path / "leaderboards"))
    path = folder / "stored" / file
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    with pytest.raises(RunFailed) as failed:
        check_leaderboard(tmp_path / "nowhere", "stored", folder)
    assert difference in str(failed.value)


def test_the_check_finds_what_does_not_belong(written: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(written, tmp_path / "leaderboards"))
    (folder / "stored" / "figures" / "old.png").write_bytes(b"")
    with pytest.raises(RunFailed, match=r"figures/old\.png: is not of this leaderboard"):
        check_leaderboard(tmp_path / "nowhere", "stored", folder)


def test_figures_of_another_kind_of_machine_pass(written: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(written, tmp_path / "leaderboards"))
    path = folder / "stored" / "figures" / "forest.svg"
    text = path.read_text().replace(" on ", " on Another ", 1).replace("12.5", "12.6")
    path.write_text(text)
    check_leaderboard(tmp_path / "nowhere", "stored", folder)


def test_a_leaderboard_whose_results_changed_fails_its_check(stored: StoredSuite, tmp_path: Path) -> None:
    results = Path(shutil.copytree(stored.results, tmp_path / "results"))
    first = write_leaderboard(results, "stored", tmp_path / "leaderboards")
    assert "medgemma-4b-it (miniature)" in first.table()
    assert max(map(len, first.table().splitlines())) <= 120
    assert str(tmp_path) not in first.readme.read_text()
    assert check_leaderboard(results, "stored", tmp_path / "leaderboards").startswith("the results in")
    trial = next(p for p in results.glob("*/trial.json") if "seconds" in p.read_text())
    content = json.loads(trial.read_text())
    content["seconds"]["train"] += 1000
    trial.write_text(json.dumps(content))
    with pytest.raises(RunFailed, match=r"README\.md"):
        check_leaderboard(results, "stored", tmp_path / "leaderboards")


def test_the_plan_of_a_suite_that_has_not_run(tmp_path: Path) -> None:
    done = write_leaderboard(tmp_path / "results", "paper", tmp_path)
    text = done.readme.read_text()
    assert "Not yet run" in text.split("\n\n")[1]
    assert "make sweep SUITE=paper DMID=" in text
    assert check_leaderboard(tmp_path / "results", "paper", tmp_path) == "the suite's file"


def test_a_plan_never_replaces_results(written: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(written / "stored", tmp_path / "leaderboards" / "smoke")).parent
    with pytest.raises(UserError, match="holds results"):
        write_leaderboard(tmp_path / "results", "smoke", folder)


def test_unknown_and_broken_leaderboards(written: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Those in .*: stored"):
        check_leaderboard(tmp_path, "stord", written)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "results.json").write_text('{"kind": "suite", "rows": 3}')
    with pytest.raises(UserError, match="not the results of a leaderboard"):
        check_leaderboard(tmp_path, "broken", tmp_path)


def test_the_verb_checks_all(written: Path, tmp_path: Path) -> None:
    arguments = ["leaderboard", "--check", "--leaderboards", str(written), "--results", str(tmp_path)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "stored: as its own results.json would have it" in result.output


def test_the_committed_leaderboards_are_as_their_results_have_them(tmp_path: Path) -> None:
    names = sorted(p.parent.name for p in COMMITTED.glob("*/results.json"))
    assert {"dmid-floors", "paper"} <= set(names)
    for name in names:
        check_leaderboard(tmp_path / "nowhere", name, COMMITTED)


def test_no_committed_leaderboard_holds_a_report_of_dmid(dmid: Path) -> None:
    runs = set()
    for study in read(dmid, reports_only=True).reports:
        words = study.report.split()
        runs |= {" ".join(words[i : i + 8]) for i in range(len(words) - 7)}
    for path in COMMITTED.glob("**/*"):
        if path.suffix in (".md", ".csv", ".json", ".svg"):
            words = path.read_text(encoding="utf-8").split()
            assert not runs & {" ".join(words[i : i + 8]) for i in range(len(words) - 7)}, path
