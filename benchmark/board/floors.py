"""What predictors that see no image score on real reports: split by split, before any model is tuned.

It needs a data set's reports only. What it gives holds numbers, no text of a report.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmark.board.model import DataOfFloors, FloorRow, FloorsBoard, FloorSplit, Score
from benchmark.data.dmid import read
from benchmark.data.leakage import leakage
from benchmark.data.split import Split
from benchmark.data.split_rules import choose
from benchmark.data.study import Study
from benchmark.scoring.baseline_names import BASELINES
from benchmark.scoring.baselines import BLIND, NEEDS_IMAGES, predict_draws
from benchmark.scoring.references import from_split
from benchmark.scoring.score import Score as ScoreFound
from benchmark.scoring.score import Scores, score_draws

SPLITS: tuple[tuple[str, tuple[int, ...]], ...] = (("sequential", (0,)), ("random", (0, 1, 2)), ("blocked", (0,)))
"""Rules and the seeds that each is drawn with; the sequential one has nothing to draw."""
SCORES = (
    "rouge_1", "rouge_2", "rouge_l", "rouge_l_unseen", "meteor_nltk", "bleu_1_published", "bleu_4_published",
    "cider_published", "cider_published_frozen", "bleu_1_coco", "bleu_4_coco", "rouge_l_coco", "meteor_coco",
    "cider_coco", "cider_coco_frozen", "birads_exact", "birads_major", "birads_binary", "birads_f1_macro",
    "birads_kappa", "density_accuracy", "density_kappa", "findings_f1_micro", "hallucination_rate", "omission_rate",
    "verbatim_train_rate", "verbatim_train_rate_references",
)  # fmt: skip


def floors(data: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> FloorsBoard:
    """Return the floors of a data set in DMID's layout.

    Args:
        data: its folder; reports suffice.
        progress: told (done, total) splits.

    Raises:
        UserError: the folder can't be read, or holds no report.
    """
    release = read(data, reports_only=True)
    studies = release.reports
    signatures: dict[str, str] = {}
    labeler = ""
    splits = []
    total = sum(len(seeds) for _, seeds in SPLITS)
    done = 0
    for name, seeds in SPLITS:
        parts = [choose(studies, name, seed=seed) for seed in seeds]
        scores_of: dict[str, list[Scores]] = defaultdict(list)
        for part in parts:
            train, test = part.studies("train", studies), part.studies("test", studies)
            for baseline in BASELINES:
                if baseline in NEEDS_IMAGES:
                    continue
                scores = _score(studies, baseline, train, test, part)
                scores_of[baseline].append(scores)
                signatures |= {n: _signature(s) for n, s in scores.scores.items() if s.signature}
                labeler = scores.labeler
            done += 1
            progress(done, total)
        sizes = {key: len(getattr(parts[0], key)) for key in ("train", "validation", "test")}
        splits.append(
            FloorSplit(
                name=name,
                rule=parts[0].rule,
                seeds=seeds if len(seeds) > 1 else (),
                sizes=sizes,
                fingerprints=tuple(p.fingerprint for p in parts),
                leakage=tuple(leakage(p, studies) for p in parts),
                rows=tuple(_row(baseline, each) for baseline, each in scores_of.items()),
            )
        )
    return FloorsBoard(
        data=DataOfFloors(reports=len(studies), fingerprint=_fingerprint(studies)),
        command="make floors DMID=/path/to/DMID",
        splits=tuple(splits),
        signatures={name: signatures[name] for name in SCORES if name in signatures},
        labeler=labeler,
    )


def _score(
    studies: Sequence[Study], baseline: str, train: Sequence[Study], test: Sequence[Study], part: Split
) -> Scores:
    chosen = from_split(studies, part)
    return score_draws(
        predict_draws(baseline, train, test),
        chosen.references,
        train_reports=chosen.train_reports,
        blocks=chosen.blocks,
        names=SCORES,
    )


def _signature(score: ScoreFound) -> str:
    """Return the signature without the digest of the training reports, which every split has another of."""
    return re.sub(r",sha256:[0-9a-f]+\)", ")", score.signature)


def _row(baseline: str, by_split: Sequence[Scores]) -> FloorRow:
    scores = {}
    for name in SCORES:
        each = [scores.scores[name] for scores in by_split if name in scores.scores]
        if not each:
            continue
        values = [s.value for s in each]
        known = [v for v in values if not np.isnan(v)]
        value = float(np.mean(known)) if len(known) == len(values) else None
        low, high = each[0].low, each[0].high
        if len(each) > 1:
            low, high = (min(known), max(known)) if value is not None else (None, None)
        by_seed = tuple(None if np.isnan(v) else float(v) for v in values)
        undefined = next((s.undefined for s in each if s.undefined), None)
        scores[name] = Score(value=value, low=low, high=high, n=each[0].n, by_seed=by_seed, undefined=undefined)
    return FloorRow(
        name=baseline, says=BASELINES[baseline], blind=baseline in BLIND, seeds=len(by_split), scores=scores
    )  # fmt: skip


def _fingerprint(studies: Sequence[Study]) -> str:
    """Return the SHA-256 of ids and reports: the same whether or not the images are there."""
    digest = hashlib.sha256()
    for study in studies:
        for text in (study.id, study.report):
            digest.update(f"{len(text.encode())} {text}\n".encode())
    return digest.hexdigest()
