"""Text scores in two named sets: `coco` (PTB tokeniser, METEOR jar) and `published` (what papers on DMID print)."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from metrics.errors import MetricUnavailable
from metrics.metric import ReportStatistics, mean_of
from metrics.text.bleu import bleu
from metrics.text.cider import cider, cider_frozen
from metrics.text.meteor_jar import SIGNATURE as METEOR_SIGNATURE
from metrics.text.meteor_jar import meteor_statistics, meteor_value
from metrics.text.meteor_nltk import meteor_nltk
from metrics.text.ptb import SIGNATURE as PTB_SIGNATURE
from metrics.text.ptb import ptb_tokenize
from metrics.text.rouge import KINDS, rouge, rouge_l_coco
from metrics.text.whitespace import collapse_whitespace
from metrics.versions import installed

UNTOKENIZED = "tok:none|case:kept"
BLEU = ("bleu_1", "bleu_2", "bleu_3", "bleu_4")

PUBLISHED = (
    *("rouge_1", "rouge_2", "rouge_l", "meteor_nltk"),
    *(f"{name}_published" for name in BLEU),
    *("cider_published", "cider_published_frozen"),
)
COCO = (
    *(f"{name}_coco" for name in BLEU),
    *("rouge_l_coco", "meteor_coco", "meteor_coco_mean", "cider_coco", "cider_coco_frozen"),
)
METEOR = ("meteor_coco", "meteor_coco_mean")
"""Scores of `COCO` that leave out pairs of texts which can't be aligned in bounded time."""
TEXT_SCORES = (*PUBLISHED, *COCO)


def text_statistics(
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    train_reports: Sequence[str] = (),
    names: Collection[str] = TEXT_SCORES,
) -> list[ReportStatistics]:
    """Return the text scores of `names`, in the order of `TEXT_SCORES`; hypotheses and references are aligned.

    Only what `names` needs is computed: without a name of `COCO`, no Java is started. Scores that freeze CIDEr's
    document frequencies from training are left out when `train_reports` is empty.

    Raises:
        MetricUnavailable: a name of `COCO` is asked for and no Java runs, or its programs fail.
    """
    if len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} hypotheses for {len(references)} references")
    wanted = set(names)
    if not wanted:
        return []
    texts = ([collapse_whitespace(t) for t in group] for group in (hypotheses, references, train_reports))
    hypotheses, references, train = texts
    by_name = {s.name: s for s in _published(hypotheses, references, train, wanted)}
    if wanted.intersection(COCO):
        by_name |= {s.name: s for s in _coco(hypotheses, references, train, wanted)}
    return [by_name[name] for name in TEXT_SCORES if name in by_name and name in wanted]


def _published(
    hypotheses: list[str], references: list[str], train: list[str], wanted: set[str]
) -> Iterator[ReportStatistics]:
    if kinds := wanted.intersection(KINDS):
        yield from rouge(hypotheses, references, kinds)
    if "meteor_nltk" in wanted:
        yield meteor_nltk(hypotheses, references)
    if wanted & {f"{name}_published" for name in BLEU}:
        yield from bleu(hypotheses, references, "published", UNTOKENIZED)
    if "cider_published" in wanted:
        yield cider(hypotheses, references, "cider_published", UNTOKENIZED)
    if "cider_published_frozen" in wanted and train:
        yield cider_frozen(hypotheses, references, train, "cider_published_frozen", UNTOKENIZED)


def _coco(
    hypotheses: list[str], references: list[str], train: list[str], wanted: set[str]
) -> Iterator[ReportStatistics]:
    frozen = bool(train) and "cider_coco_frozen" in wanted
    tokens = ptb_tokenize([*hypotheses, *references, *(train if frozen else ())])
    n = len(hypotheses)
    hypotheses, references, train = tokens[:n], tokens[n : 2 * n], tokens[2 * n :]
    if wanted & {f"{name}_coco" for name in BLEU}:
        yield from bleu(hypotheses, references, "coco", PTB_SIGNATURE)
    if "rouge_l_coco" in wanted:
        yield rouge_l_coco(hypotheses, references, PTB_SIGNATURE)
    if wanted & {"meteor_coco", "meteor_coco_mean"}:
        yield from _meteor(hypotheses, references)
    if "cider_coco" in wanted:
        yield cider(hypotheses, references, "cider_coco", PTB_SIGNATURE)
    if frozen:
        yield cider_frozen(hypotheses, references, train, "cider_coco_frozen", PTB_SIGNATURE)


def _meteor(hypotheses: list[str], references: list[str]) -> Iterator[ReportStatistics]:
    statistics = meteor_statistics(hypotheses, references)
    aligned = ~np.isnan(statistics).any(axis=1)
    if not aligned.any():
        raise MetricUnavailable("METEOR aligned none of the pairs of texts in bounded time: they are too long")
    statistics = np.where(aligned[:, None], statistics, 0.0)
    # A score of fewer reports than another is not to be compared with it.
    rest = "" if aligned.all() else f"|not-aligned:{int((~aligned).sum())}"
    start = f"meteor|impl:{installed('pycocoevalcap')}|{METEOR_SIGNATURE}|{PTB_SIGNATURE}"
    signature = f"{start}|agg:corpus|refs:1|ws:collapsed{rest}"
    yield ReportStatistics("meteor_coco", signature, statistics, meteor_value, aligned)
    mean_signature = f"{start}|agg:mean|refs:1|ws:collapsed{rest}"
    yield mean_of("meteor_coco_mean", mean_signature, meteor_value(statistics), aligned)
