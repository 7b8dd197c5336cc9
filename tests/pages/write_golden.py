"""Write the golden leaderboard again, after a change that is meant: `python tests/pages/write_golden.py [--new]`.

With --new its numbers are made again too, from the stored suite that the tests use.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from stored_suite import StoredSuite

from benchmark.board.collect import collect
from benchmark.board.model import Board
from benchmark.board.results import read_results
from benchmark.pages.leaderboard import files_of

FOLDER = Path(__file__).parent / "golden"
SCORES = (
    "birads_kappa", "rouge_l", "meteor_nltk", "cider_published", "birads_exact", "birads_f1_macro", "findings_f1_micro",
    "hallucination_rate", "omission_rate", "birads_sensitivity", "birads_specificity",
)  # fmt: skip


def few(board: Board) -> Board:
    """The board with fewer scores, so that the golden files stay small."""

    def with_few_scores(part: Any) -> Any:
        return part.model_copy(update={"scores": {n: s for n, s in part.scores.items() if n in SCORES}})

    rows = [
        with_few_scores(row).model_copy(
            update={
                "validation": {"rouge_l": row.validation["rouge_l"]},
                "losses": {seed: curve[::8] for seed, curve in row.losses.items()},
            }
        )
        for row in board.rows
    ]
    signatures = {n: s for n, s in board.signatures.items() if n in SCORES}
    floors = tuple(map(with_few_scores, board.floors))
    return board.model_copy(update={"rows": tuple(rows), "floors": floors, "signatures": signatures})


if __name__ == "__main__":
    if "--new" in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            suite = StoredSuite(Path(folder) / "results")
            suite.write({"medgemma-4b-it": 1.0, "llava-med-7b": 0.2})
            board = few(collect(read_results(suite.results, "stored")))
    else:
        board = Board.model_validate_json((FOLDER / "results.json").read_text(encoding="utf-8"))
    for name, content in files_of(board).items():
        if name in ("README.md", "scores.md", "results.csv", "results.json"):
            (FOLDER / name).write_bytes(content)
