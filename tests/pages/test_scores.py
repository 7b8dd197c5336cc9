"""`scores.md`: every score of the main table and the floors, once, with its interval."""

import re
from collections import Counter

import pytest
from stored_suite import StoredSuite

from benchmark.board.collect import collect
from benchmark.board.format import with_interval
from benchmark.board.model import Board, Floor, Row
from benchmark.board.results import read_results
from benchmark.pages.leaderboard import files_of
from benchmark.pages.scores import GROUPS, names_of, scores
from metrics.registry import METRICS

pytestmark = pytest.mark.numeric


@pytest.fixture(scope="module")
def board(stored: StoredSuite) -> Board:
    return collect(read_results(stored.results, "stored"))


def test_every_score_is_in_one_group() -> None:
    assert Counter(name for group in GROUPS for name in names_of(group)) == Counter(list(METRICS))


def test_every_score_of_every_row_and_floor_is_there_with_its_interval(board: Board) -> None:
    lines = {line.split("|")[1].strip(): line for line in scores(board).splitlines() if line.startswith("|")}
    systems: list[Row | Floor] = [*board.main_rows, *board.floors]
    assert len(systems) > 2
    for name in {name for system in systems for name in system.scores}:
        cells = [cell.strip() for cell in lines[METRICS[name].label].strip("|").split("|")]
        assert cells[2:] == [with_interval(system.scores.get(name)) for system in systems], name


def test_its_links_lead_somewhere(board: Board) -> None:
    files = files_of(board)
    headings = {heading.lower() for heading in re.findall(r"^## (.+)$", files["README.md"].decode(), re.MULTILINE)}
    links = re.findall(r"\]\(([^)]+)\)", files["scores.md"].decode())
    assert links
    for target in links:
        file, _, heading = target.partition("#")
        assert file in files, target
        assert not heading or heading in headings, target


def test_a_board_without_a_score_says_so(board: Board) -> None:
    assert "Nothing was scored." in scores(board.model_copy(update={"main": (), "floors": ()}))
