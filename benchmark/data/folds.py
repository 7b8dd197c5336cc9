"""Blocked cross-validation: every study is tested once, by a model that saw nothing of its block.

A single split of DMID tests on 17 blocks, with which hardly a difference can be found after correction. Folds test on
all blocks, the long ones too, for as many times the training. The known caveat: the training sets of two folds
overlap, so their models aren't independent, and no unbiased estimate of the variance exists (Bengio and Grandvalet
2004). Intervals here are over blocks and seeds, of the procedure "tuned on the rest", with the training sets given.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from benchmark.data import blocks as block_rule
from benchmark.data.blocks import blocks_of
from benchmark.data.dealing import deal
from benchmark.data.split import Split
from benchmark.data.study import Study
from benchmark.errors import UserError
from benchmark.forms.record import Leakage

_RULE = (
    "{} folds of whole blocks, alike in BI-RADS category, then density, as far as blocks allow: each fold is tested "
    "once, by what was tuned on the others, of which the next one validates. "
)


def cross_validation(studies: Sequence[Study], folds: int, *, seed: int = 0) -> tuple[Split, ...]:
    """Return the split of each fold.

    Fold k is tested on, fold k + 1 (after the last, the first) validates, and the others train. Blocks are dealt as
    evenly as in `benchmark.data.dealing`, but for the rule that long blocks train.

    Args:
        studies: in any order.
        folds: how many; three at least.
        seed: another seed deals other folds.

    Raises:
        UserError: there are fewer blocks than folds.
    """
    ordered = sorted(studies, key=lambda study: study.number)
    blocks = blocks_of(ordered)
    if (number := len(set(blocks.values()))) < folds:
        raise UserError(
            f"{len(ordered)} studies are {number} blocks, views of one patient together, which can't be dealt into "
            f"{folds} folds. Give the suite's split fewer folds, or none."
        )
    size, more = divmod(len(ordered), folds)
    sizes = [size + (fold < more) for fold in range(folds)]
    parts = deal(ordered, blocks, sizes, seed=seed, long_blocks_train=False)
    number_of = {study.id: study.number for study in ordered}
    rule = _RULE.format(folds) + block_rule.RULE
    splits = []
    for fold in range(folds):
        validation = (fold + 1) % folds
        trained = [i for other, ids in enumerate(parts) if other not in (fold, validation) for i in ids]
        dealt = (trained, parts[validation], parts[fold])
        train, validated, test = (tuple(sorted(ids, key=number_of.__getitem__)) for ids in dealt)
        splits.append(Split("blocked", seed, train, validated, test, blocks, rule))
    return tuple(splits)


def pooled(folds: Sequence[Split], studies: Sequence[Study]) -> Split:
    """Return all folds as one: a split that only tests, on every study of every fold."""
    tested = {i for fold in folds for i in fold.test}
    ordered = sorted((study for study in studies if study.id in tested), key=lambda study: study.number)
    return replace(folds[0], train=(), validation=(), test=tuple(study.id for study in ordered))


def pooled_leakage(folds: Sequence[Leakage]) -> Leakage:
    """Return what all folds let through together: counts are sums, means are weighted by the studies behind them.

    Shares by category and density are of the parts of all folds together, so each study counts in `train` as often
    as it trains.
    """
    tested = sum(fold.test for fold in folds)
    neighbours = sum(fold.neighbour_in_train for fold in folds)
    copied = sum((fold.rouge_l_of_neighbour or 0.0) * fold.neighbour_in_train for fold in folds)
    return Leakage(
        test=tested,
        verbatim_in_train=sum(fold.verbatim_in_train for fold in folds),
        near_verbatim_in_train=sum(fold.near_verbatim_in_train for fold in folds),
        neighbour_in_train=neighbours,
        block_in_train=sum(fold.block_in_train for fold in folds),
        rouge_l_of_neighbour=copied / neighbours if neighbours else None,
        rouge_l_of_random=sum(fold.rouge_l_of_random * fold.test for fold in folds) / tested,
        birads=_summed([fold.birads for fold in folds]),
        density=_summed([fold.density for fold in folds]),
    )


def _summed(folds: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Return part to value to the number of studies, over all folds."""
    sums: dict[str, Counter[str]] = {}
    for fold in folds:
        for part, counts in fold.items():
            sums.setdefault(part, Counter()).update(counts)
    return {part: dict(sorted(counts.items())) for part, counts in sums.items()}
