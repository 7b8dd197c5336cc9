"""What a run is compared with: the committed leaderboard, or the one that was there, never its own."""

import os
import subprocess
from pathlib import Path

import pytest
from known import known
from stored_suite import StoredSuite

from benchmark.board.earlier import BEFORE, COMMITTED, digest, find, keep, read_board
from benchmark.errors import UserError
from benchmark.pages.leaderboard import write_leaderboard
from benchmark.results.store import Store


@pytest.fixture
def boards(tmp_path: Path) -> Path:
    folder = tmp_path / "leaderboards"
    (folder / "stored").mkdir(parents=True)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def git(folder: Path, *arguments: str) -> None:
    who = {f"GIT_{role}_{part}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    environment = os.environ | who | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, env=environment, timeout=60)


def write(boards: Path, text: str) -> None:
    (boards / "stored/results.json").write_text(text)


def test_there_is_none_at_first(store: Store, boards: Path) -> None:
    assert find(store, "stored", boards, None) is None
    assert find(store, "stored", boards / "nowhere", None) is None


def test_in_a_checkout_it_is_the_committed_one_whatever_lies_on_disk(
    store: Store, boards: Path, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet")
    write(boards, "committed")
    git(tmp_path, "add", "leaderboards")
    git(tmp_path, "commit", "--quiet", "--message", "a board")
    write(boards, "written by a sweep")
    earlier = find(store, "stored", boards, digest("written by a sweep"))
    assert earlier is not None
    assert (earlier.what, earlier.text) == (COMMITTED, "committed")
    (boards / "stored/results.json").unlink()
    assert find(store, "stored", boards, None) == earlier


def test_elsewhere_it_is_what_lay_there_and_never_what_these_results_wrote(store: Store, boards: Path) -> None:
    write(boards, "published")
    first = find(store, "stored", boards, None)
    assert first is not None
    assert (first.what, first.text) == (BEFORE, "published")
    assert not first.copy.exists()
    keep(first)
    write(boards, "own")
    again = find(store, "stored", boards, digest("own"))
    assert again == first
    first.copy.unlink()
    assert find(store, "stored", boards, digest("own")) is None
    write(boards, "published since")
    later = find(store, "stored", boards, digest("own"))
    assert later is not None
    assert later.text == "published since"


def test_a_leaderboard_that_is_written_twice_is_not_compared_with_itself(stored: StoredSuite, tmp_path: Path) -> None:
    import shutil

    results = Path(shutil.copytree(stored.results, tmp_path / "results"))
    boards = tmp_path / "boards"
    for _ in range(3):
        assert write_leaderboard(results, "stored", boards).agreement is None
    # Results change, so the board does; what lay there was still these results' own.
    scores = next(results.glob("*/trial.json"))
    scores.write_text(scores.read_text().replace("Example", "Another"))
    assert write_leaderboard(results, "stored", boards).agreement is None


def test_a_published_leaderboard_is_told_apart_on_every_later_run(stored: StoredSuite, tmp_path: Path) -> None:
    import json
    import shutil

    results = Path(shutil.copytree(stored.results, tmp_path / "results"))
    boards = tmp_path / "boards"
    published = json.loads((write_leaderboard(results, "stored", boards).readme.parent / "results.json").read_text())
    published["rows"][0]["by_block"] = []
    published["rows"][0]["scores"]["rouge_l"] |= {"value": 0.9, "low": 0.89, "high": 0.91}
    (boards / "stored/results.json").write_text(json.dumps(published))
    for _ in range(2):
        written = write_leaderboard(results, "stored", boards)
        assert written.agreement is not None
        assert written.agreement.startswith(f"This run does not agree with {BEFORE} in 1 of 7 rows")
        assert json.loads(known(written.published).read_text()) == published
    (boards / "stored/results.json").write_text('{"kind": "suite"}')
    assert "not compared with what was published" in known(write_leaderboard(results, "stored", boards).agreement)


def test_what_is_no_leaderboard_is_named() -> None:
    for text, message in (
        ("[]", "results of a leaderboard"),
        ('{"kind": "floors"}', "holds floors"),
        ("{", "not JSON"),
    ):
        with pytest.raises(UserError, match=message):
            read_board(text, "there.json")
