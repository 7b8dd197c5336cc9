"""What a suite's leaderboard will be able to decide, before it runs: blocks, pairs, and the smallest difference."""

from collections.abc import Sequence
from math import comb, sqrt
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark.data import committed_split, dmid
from benchmark.data.folds import cross_validation, pooled
from benchmark.data.split import Split
from benchmark.data.split_rules import choose
from benchmark.data.study import Study
from benchmark.errors import UserError
from benchmark.forms.suite import PhantomData, Suite
from benchmark.phantoms.places import phantom_folder
from benchmark.phantoms.write import write_texts
from benchmark.planning.folder import DmidFolder
from benchmark.planning.model import Comparison, Design
from metrics.statistics.intervals import StandardError, detectable_difference
from metrics.statistics.least_blocks import blocks_needed

SPREADS = {
    "rouge_l": 0.13,
    "birads_exact": 0.38,
    "birads_major": 0.38,
    "birads_kappa": 0.75,
    "birads_f1_macro": 0.48,
    "birads_binary": 0.33,
    "findings_f1_micro": 0.41,
    "findings_f1_macro": 0.46,
    "mammogreen_rules": 0.27,
}
"""Standard deviation, per block, of the difference of two equal predictors in a score: by simulation with texts of
phantoms (`tests/metrics/simulations_scores.py`, docs/statistics.md); ROUGE-L's is DMID's too."""
OF_SEEDS = 0.15
"""Standard deviation between seeds of one setting, as a share of that spread: for ROUGE-L .02, the middle of the range
published for DMID (.01 to .04)."""


def design_of(suite: Suite, data: DmidFolder | None) -> Design | None:
    """Return what a suite can decide; None where its data aren't at hand, or can't be read.

    Of the real release blocks are known without its folder: those of the committed split.

    Args:
        suite: the suite.
        data: the DMID folder, where one was given.
    """
    try:
        split, studies = _tested(suite, data)
    except UserError:
        return None  # `missing` says what is wrong
    blocks = len({split.blocks[i] for i in split.test})
    points, backbones = len({point.setting for point in suite.points()}), len(suite.backbones)
    rates = "learning_rate" in suite.grid.varying and suite.split.folds is None
    families = (
        ("backbones, each at the point that validation chose", comb(backbones, 2)),
        ("ranks of a backbone, each at its chosen rate", comb(len(suite.grid.ranks), 2) if rates else 0),
        ("settings of the same backbone", backbones * comb(points, 2)),
    )
    return Design(
        studies=studies,
        tested=len(split.test),
        blocks=blocks,
        folds=suite.split.folds,
        seeds=len(suite.grid.seed),
        primary=suite.primary_metric,
        spread=SPREADS.get(suite.primary_metric),
        comparisons=tuple(_comparison(suite, what, pairs, blocks) for what, pairs in families if pairs),
    )


def _comparison(suite: Suite, what: str, pairs: int, blocks: int) -> Comparison:
    needed, spread = blocks_needed(pairs), SPREADS.get(suite.primary_metric)
    detectable = None
    if spread is not None and blocks >= needed:
        # What a trained model makes of a report differs from seed to seed, so seeds average that too; and each fold is
        # trained anew.
        trained = 2 * OF_SEEDS**2 / (suite.split.folds or 1)
        error = spread * sqrt((1 / blocks + trained) / len(suite.grid.seed))
        detectable = round(detectable_difference(StandardError(error, blocks - 1), tests=pairs), 3)
    return Comparison(what=what, pairs=pairs, blocks_needed=needed, detectable=detectable)


def _tested(suite: Suite, data: DmidFolder | None) -> tuple[Split, int]:
    """Return the split that is tested, folds as one, and how many studies there are."""
    if isinstance(suite.data, PhantomData):
        studies = _phantoms(suite.data)
    elif data is not None:
        studies = data.studies
    else:
        known = committed_split.released()
        if suite.split.folds is not None:
            everything = tuple(known.blocks)
            return Split("blocked", suite.split.seed, (), (), everything, known.blocks), len(everything)
        return known, len(known.blocks)
    splits = _splits(suite, studies, data)
    return splits[0] if suite.split.folds is None else pooled(splits, studies), len(studies)


def splits_of(suite: Suite, data: DmidFolder | None) -> Sequence[Split]:
    """Return the split of each fold, or the only one, of a suite whose data are at hand.

    Raises:
        UserError: they can't be parted so.
    """
    if isinstance(suite.data, PhantomData):
        return _splits(suite, _phantoms(suite.data), None)
    return _splits(suite, data.studies, data) if data is not None else ()


def _splits(suite: Suite, studies: Sequence[Study], data: DmidFolder | None) -> Sequence[Split]:
    part = suite.split
    if part.folds is not None:
        return cross_validation(studies, part.folds, seed=part.seed)
    split = data.split(part) if data is not None else None
    return [split or choose(studies, part.name, seed=part.seed)]


def _phantoms(part: PhantomData) -> Sequence[Study]:
    """Return phantoms with their reports: those that are drawn already, else without images."""
    folder = phantom_folder(part)
    if folder.is_dir():
        return dmid.read(folder).studies
    with TemporaryDirectory(prefix="amrg-plan-") as temporary:
        write_texts(Path(temporary), studies=part.studies, seed=part.seed, size=part.size, dialect=part.dialect)
        return dmid.read(Path(temporary), reports_only=True).reports
