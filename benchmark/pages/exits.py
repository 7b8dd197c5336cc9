"""Points that left early, as a table."""

from benchmark.board.format import decimal, escape, table
from benchmark.board.model import Board
from benchmark.board.within_training import criterion_label


def exits_table(board: Board) -> str:
    """Return the points that left early; nothing where none did."""
    if not board.exits:
        return ""
    folds = any(point.fold is not None for point in board.exits)
    head = ["backbone", "rank, alpha", *(["fold"] if folds else []), "seeds", "left at step", "by", "value", "needed"]
    rows = [
        [
            escape(point.name),
            point.setting,
            *([str(point.fold)] if folds else []),
            str(len(point.seeds)),
            str(point.step),
            criterion_label(point.criterion),
            decimal(point.value),
            decimal(point.limit),
        ]
        for point in board.exits
    ]
    return table(head, rows, right=[head.index(name) for name in ("seeds", "left at step", "value", "needed")])
