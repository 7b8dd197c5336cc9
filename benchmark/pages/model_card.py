"""Model cards in the hub's format, one for the chosen adapter of each backbone."""

import json
import re

from benchmark.board.model import Board, Checkpoint, Row
from benchmark.pages.environment import render
from benchmark.pages.sentences import NOT_A_DEVICE, nature
from metrics.registry import METRICS

SHOWN = (
    "rouge_l", "meteor_nltk", "meteor_coco", "bleu_4_coco", "cider_coco_frozen", "birads_exact", "birads_f1_macro",
    "birads_kappa", "density_accuracy", "findings_f1_micro", "hallucination_rate", "omission_rate",
)  # fmt: skip


def cards(board: Board) -> dict[str, str]:
    """Return texts by their place in the leaderboard's folder, a card for each backbone's chosen point.

    Adapters from elsewhere have cards of their own makers.
    """
    texts: dict[str, str] = {}
    if board.evaluated:
        return texts
    checkpoints = {c.backbone: c for c in board.checkpoints}
    for row in board.entries:
        if row.best:
            safe = re.sub(r"[^A-Za-z0-9._-]", "-", row.backbone)
            texts[f"model-cards/{safe}.md"] = _card(board, row, checkpoints[row.backbone])
    return texts


def _card(board: Board, row: Row, checkpoint: Checkpoint) -> str:
    names = [n for n in dict.fromkeys((board.primary, *SHOWN)) if n in row.scores and row.scores[n].value is not None]
    metrics = [
        {"type": name, "name": METRICS[name].label, "value": round(row.scores[name].value or 0.0, 4)} for name in names
    ]
    phantoms = board.data.source == "phantom"
    kinds = {"miniature": checkpoint.miniature, "shuffled-images": board.suite.protocol.shuffles_images}
    front = {
        "library_name": "peft",
        "base_model": None if checkpoint.miniature or checkpoint.folder else checkpoint.hub_id,
        "pipeline_tag": "image-text-to-text",
        "language": ["en"],
        "tags": ["lora", "mammography", "report-generation", *(kind for kind, is_one in kinds.items() if is_one)],
        "model-index": [
            {
                "name": f"{row.name}, {row.point}",
                "results": [
                    {
                        "task": {"type": "image-text-to-text", "name": "Mammography report generation"},
                        "dataset": {
                            "name": "digital phantoms" if phantoms else "DMID",
                            "type": "amrg-phantoms" if phantoms else "dmid",
                            "split": f"{board.split.name}, test",
                            "revision": board.data.fingerprint[:16],
                        },
                        "metrics": metrics,
                    }
                ],
            }
        ],
    }
    header = {key: value for key, value in front.items() if value is not None}
    return render(
        "model_card.md.j2",
        # JSON is YAML, and quotes whatever a name may hold.
        front="\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in header.items()),
        board=board,
        row=row,
        checkpoint=checkpoint,
        nature=nature(board),
        warning=NOT_A_DEVICE,
        scores=[(METRICS[n].label, row.scores[n]) for n in names],
    )
