"""A leaderboard on disk, for those who tell of it; no figure is drawn for that."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.board.model import Board, FloorsBoard, PlanBoard
from benchmark.pages.terminal import main_table

AnyBoard = Board | FloorsBoard | PlanBoard


@dataclass(frozen=True)
class Written:
    """A leaderboard on disk.

    Attributes:
        readme: the document.
        board: what it says.
        agreement: whether it agrees with the published one, in words; None where there was none.
        published: a copy of that one's `results.json`.
    """

    readme: Path
    board: AnyBoard
    agreement: str | None = None
    published: Path | None = None

    def table(self) -> str:
        """Return the main table for a terminal, in plain text of at most 120 columns."""
        if isinstance(self.board, Board):
            return main_table(self.board)
        from benchmark.pages import floors, plan

        return floors.terminal(self.board) if isinstance(self.board, FloorsBoard) else plan.line(self.board)
