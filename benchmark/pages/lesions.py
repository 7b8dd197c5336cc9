"""What scores owe to the lesion, as a table of the leaderboard."""

from benchmark.board.format import escape, percent, table, with_interval
from benchmark.board.lesions import ALONE, LESION_SCORES, PAINTED, PATCH
from benchmark.board.model import Board
from metrics.registry import METRICS

HEAD = (
    "backbone", "score", "the lesion painted over", "as much painted over elsewhere", "the lesion alone",
    "unchanged by either", "studies (blocks)",
)  # fmt: skip


def lesion_table(board: Board) -> str:
    """Return what scores of the main table lose without the lesion; nothing where no painted image was shown."""
    cells = []
    for row in board.main_rows:
        if row.lesions is None:
            continue
        same = [percent(row.lesions.unchanged[shown].value) for shown in (PAINTED, PATCH)]
        for name in (n for n in LESION_SCORES if n in row.lesions.falls[ALONE]):
            lost = [with_interval(row.lesions.falls[shown][name], sign=True) for shown in (PAINTED, PATCH, ALONE)]
            of = f"{row.lesions.studies} ({row.lesions.blocks})"
            cells.append([escape(row.name), METRICS[name].label, *lost, " and ".join(same), of])
    return table(HEAD, cells, right=(6,)) if cells else ""
