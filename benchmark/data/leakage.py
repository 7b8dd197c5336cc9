"""What a split lets through: how much of the test set a model may have seen, and what copying would score."""

from collections import Counter
from collections.abc import Iterable, Sequence

from benchmark.data.likeness import most_alike
from benchmark.data.shuffling import shuffle_key
from benchmark.data.split import PARTS, Split
from benchmark.data.study import Study
from benchmark.data.text import normalise
from benchmark.record import Leakage
from metrics.text.rouge import rouge_l

NEAR_VERBATIM = 0.95
"""ROUGE-L from which a test report counts as near-verbatim: in forty words, two that differ."""


def leakage(split: Split, studies: Sequence[Study]) -> Leakage:
    """Measure the leakage of a split.

    Args:
        split: train and test not empty.
        studies: at least those that the split names.
    """
    parts = {part: split.studies(part, studies) for part in PARTS}
    train, test = parts["train"], parts["test"]
    trained = {s.number: s for s in train}
    seen = {normalise(s.report) for s in train}
    texts = sorted(seen)
    trained_blocks = {split.blocks[s.id] for s in train}
    neighbours = [(s, trained.get(s.number - 1) or trained.get(s.number + 1)) for s in test]
    copied = [rouge_l(n.report, s.report) for s, n in neighbours if n]
    drawn = [rouge_l(min(train, key=lambda t: shuffle_key(0, f"{s.id} {t.id}")).report, s.report) for s in test]
    return Leakage(
        test=len(test),
        verbatim_in_train=sum(normalise(s.report) in seen for s in test),
        near_verbatim_in_train=sum(
            most_alike(normalise(s.report), texts, at_least=NEAR_VERBATIM) is not None for s in test
        ),
        neighbour_in_train=len(copied),
        block_in_train=sum(split.blocks[s.id] in trained_blocks for s in test),
        rouge_l_of_neighbour=sum(copied) / len(copied) if copied else None,
        rouge_l_of_random=sum(drawn) / len(drawn),
        birads={part: _counts(s.birads_major for s in parts[part]) for part in PARTS},
        density={part: _counts(s.density for s in parts[part]) for part in PARTS},
    )


def _counts(values: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(v or "none" for v in values).items()))
