"""Scores → a leaderboard: `leaderboards/<suite>/` from the stored results of a suite, and from nothing else.

The same results give the same bytes: no time of day, path or machine's name is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.board import figures
from benchmark.board.collect import collect
from benchmark.board.model import Board
from benchmark.board.results import read_results
from benchmark.board.table import results_csv
from benchmark.board.terminal import main_table
from benchmark.board.text import readme
from benchmark.store import write_text


@dataclass(frozen=True)
class Written:
    """A leaderboard on disk.

    Attributes:
        readme: the document.
        board: what it says.
    """

    readme: Path
    board: Board

    def table(self) -> str:
        """The main table for a terminal, in plain text of at most 120 columns."""
        return main_table(self.board)


def write_leaderboard(results: Path, suite: str, folder: Path) -> Written:
    """Write `<folder>/<suite>/`: `README.md`, `results.csv`, `results.json`.

    Args:
        results: the folder of stored results.
        suite: the name of a suite that ran.
        folder: where leaderboards lie.

    Raises:
        UserError: the suite has no results.
    """
    board = collect(read_results(results, suite))
    there = folder / suite
    drawn = figures.draw(board)
    figures.write(drawn, there)
    for name, text in documents(board, drawn).items():
        write_text(there / name, text)
    return Written(there / "README.md", board)


def documents(board: Board, drawn: Sequence[figures.Drawn]) -> dict[str, str]:
    """The text files of a leaderboard, by name."""
    return {
        "README.md": readme(board, drawn),
        "results.csv": results_csv(board),
        "results.json": board.model_dump_json(indent=1) + "\n",
    }
