"""Score a file of predictions: `python examples/score_file.py [PREDICTIONS] [REFERENCES]`.

Both are JSON lines: `{"id": …, "prediction": …}`, and `{"id": …, "report": …, "block": …}` where the block names what
is resampled together, the views of one patient. `amrg score` does the same at the command line.
"""

import sys
from pathlib import Path

from benchmark.scoring.references import from_file
from benchmark.scoring.score import score_predictions
from benchmark.scoring.texts import read_texts

HERE = Path(__file__).parent
SHOWN = ("rouge_l", "birads_exact", "density_accuracy", "findings_f1_micro", "hallucination_rate")
"""Some of the scores that start no Java; with `names=None` all are computed."""


def main(predictions: str = str(HERE / "predictions.jsonl"), references: str = str(HERE / "references.jsonl")) -> None:
    """Print each score with its interval, how many reports entered, and its signature."""
    predicted = read_texts(Path(predictions), "prediction")
    against = from_file(Path(references))
    scores = score_predictions(predicted.by_id, against.references, blocks=against.blocks, names=SHOWN)
    for name, score in scores.scores.items():
        interval = "" if score.low is None else f" [{score.low:.3f}, {score.high:.3f}]"
        print(f"{name} {score.value:.3f}{interval}, {score.n} reports")
        print(f"  {score.signature}")


if __name__ == "__main__":
    main(*sys.argv[1:])
