"""What a split lets through: how much of the test set a model may have seen, and what copying would score."""

from collections.abc import Sequence

from benchmark.data.pseudorandom import DRAWS, pick
from benchmark.data.report_likeness import Reports
from benchmark.data.split import PARTS, Split
from benchmark.data.study import Study, tally
from benchmark.data.text import normalise
from benchmark.forms.record import Leakage
from metrics.text.rouge import rouge_l

NEAR_VERBATIM = 0.95
"""ROUGE-L from which a test report counts as near-verbatim: in forty words, two that differ."""


def leakage(split: Split, studies: Sequence[Study]) -> Leakage:
    """Return what a split lets through.

    Args:
        split: train and test not empty.
        studies: at least those that the split names.
    """
    parts = {part: split.studies(part, studies) for part in PARTS}
    train, test = parts["train"], parts["test"]
    train_by_number = {s.number: s for s in train}
    train_texts = {normalise(s.report) for s in train}
    trained_on = Reports(sorted(train_texts))
    train_blocks = {split.blocks[s.id] for s in train}
    neighbours = [(s, train_by_number.get(s.number - 1) or train_by_number.get(s.number + 1)) for s in test]
    of_neighbour = [rouge_l(n.report, s.report) for s, n in neighbours if n]
    of_random = [rouge_l(pick(train, draw, s).report, s.report) for s in test for draw in range(DRAWS)]
    return Leakage(
        test=len(test),
        verbatim_in_train=sum(normalise(s.report) in train_texts for s in test),
        near_verbatim_in_train=sum(
            trained_on.most_alike(normalise(s.report), at_least=NEAR_VERBATIM) is not None for s in test
        ),
        neighbour_in_train=len(of_neighbour),
        block_in_train=sum(split.blocks[s.id] in train_blocks for s in test),
        rouge_l_of_neighbour=sum(of_neighbour) / len(of_neighbour) if of_neighbour else None,
        rouge_l_of_random=sum(of_random) / len(of_random),
        birads={part: tally(s.birads_major for s in parts[part]) for part in PARTS},
        density={part: tally(s.density for s in parts[part]) for part in PARTS},
    )
