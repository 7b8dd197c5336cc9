"""Predictions → what their scores owe to the image, by all pairs of a prediction and another block's reference."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from benchmark.data.pseudorandom import shuffle_key
from benchmark.forms.record import FallRecord, Grounding, Pairs, StoredFall
from benchmark.scoring.score import report_statistics
from metrics.all_pairs import Mask, PairStatistics, SeedFall, across_blocks, fall, fall_of_seed, unchanged
from metrics.labels.labeler import label
from metrics.remembered import remembered

GROUNDED = (
    "rouge_l",
    "birads_exact",
    "birads_major",
    "birads_f1_macro",
    "birads_kappa",
    "density_accuracy",
    "findings_f1_micro",
    "hallucination_rate",
    "omission_rate",
)
"""Scores whose fall is given; none of them needs Java or the training reports."""
MOST_STUDIES = 300
"""Studies whose pairs are compared, at most: their number grows with the square. Of more, whole blocks are taken."""
ALL = "all_pairs"
STRATA = (ALL, "another_category", "same_category_and_density")
"""All pairs of two blocks; of them those that differ in what matters most; and those that only the rest of the report
tells apart."""


def pair_statistics(
    predictions: Mapping[str, str], references: Mapping[str, str], names: Sequence[str] = GROUNDED
) -> dict[str, PairStatistics]:
    """Return each score's statistics of every pair; studies in the order of their sorted ids.

    Texts that stand several times are compared once: tuned models write the same report again and again.

    Args:
        predictions, references: text by id, the same ids.
        names: of the scores.
    """
    ids = sorted(references)
    written, predicted = np.unique([predictions[i] for i in ids], return_inverse=True)
    expected, referred = np.unique([references[i] for i in ids], return_inverse=True)
    cells = [(row, column) for row in range(len(expected)) for column in range(len(written))]
    keys = [f"{number:09d}" for number in range(len(cells))]
    statistics = report_statistics(
        {key: str(written[column]) for key, (_, column) in zip(keys, cells, strict=True)},
        {key: str(expected[row]) for key, (row, _) in zip(keys, cells, strict=True)},
        names=[*names],
    )
    grid = len(expected), len(written)
    return {
        name: PairStatistics(
            name,
            one.statistics.reshape(*grid, -1)[referred[:, None], predicted[None, :]],
            one.combine,
            one.higher_is_better is not False,
        )
        for name, one in statistics.items()
    }


def seed_falls(
    predictions: Mapping[str, str],
    references: Mapping[str, str],
    blocks: Mapping[str, str],
    names: Sequence[str] = GROUNDED,
) -> dict[str, dict[str, SeedFall]]:
    """Return the falls of one set of predictions, by stratum and score.

    Args:
        predictions, references, blocks: prediction, report and block by id.
        names: of the scores.
    """
    ids = chosen_studies(blocks, references)
    statistics = pair_statistics({i: predictions[i] for i in ids}, {i: references[i] for i in ids}, names)
    listed = [blocks[i] for i in ids]
    masks = strata([references[i] for i in ids], listed)
    return {
        stratum: {name: fall_of_seed(one, listed, allowed) for name, one in statistics.items()}
        for stratum, allowed in masks.items()
    }


def chosen_studies(blocks: Mapping[str, str], references: Iterable[str]) -> list[str]:
    """Return the sorted ids of the studies whose pairs are compared: all, or whole blocks in the order of a hash.

    The same studies on every machine, whatever their predictions, until `MOST_STUDIES` are there.
    """
    ids = sorted(references)
    if len(ids) <= MOST_STUDIES:
        return ids
    taken: list[str] = []
    for block in sorted({blocks[i] for i in ids}, key=lambda name: shuffle_key(0, name)):
        members = [i for i in ids if blocks[i] == block]
        if taken and len(taken) + len(members) > MOST_STUDIES:
            break
        taken += members
    return sorted(taken)


@remembered(4)
def perfect_falls(reports: tuple[tuple[str, str], ...], blocks: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Return how far the scores of a perfect reader fall, by stratum and score; remembered.

    Args:
        reports: id and text, in the order of the ids.
        blocks: of each.
    """
    references = dict(reports)
    falls = seed_falls(references, references, dict(zip(sorted(references), blocks, strict=True)))
    return {stratum: {name: one.value for name, one in scores.items()} for stratum, scores in falls.items()}


def strata(references: Sequence[str], blocks: Sequence[str]) -> dict[str, Mask]:
    """Return bool [n, n] by stratum: which pairs of a study's reference and another's prediction are in it."""
    apart, labels = across_blocks(blocks), [label(text) for text in references]
    category = np.array([one.birads_major or "" for one in labels])
    density = np.array([one.density or "" for one in labels])
    stated = (category != "")[:, None] & (category != "")[None, :]
    same = category[:, None] == category[None, :]
    alike = stated & same & (density[:, None] == density[None, :])
    return {ALL: apart, "another_category": apart & stated & ~same, "same_category_and_density": apart & alike}


def pairs_of(predictions: Mapping[str, str], references: Mapping[str, str], blocks: Mapping[str, str]) -> Pairs:
    """Return what one set of predictions owes to its images, as it is stored."""
    ids = chosen_studies(blocks, references)
    same = unchanged([predictions[i] for i in ids], across_blocks([blocks[i] for i in ids]))
    return Pairs(
        falls={
            stratum: {name: _stored(one) for name, one in scores.items()}
            for stratum, scores in seed_falls(predictions, references, blocks).items()
        },
        unchanged=_known(same),
    )


def grounding_of(
    predictions: Mapping[str, str], references: Mapping[str, str], blocks: Mapping[str, str] | None
) -> Grounding:
    """Return what anybody's predictions owe to their images; without blocks each report is its own."""
    blocks = blocks or {i: i for i in references}
    pairs, tested = pairs_of(predictions, references, blocks), tuple(sorted(references.items()))
    perfect = perfect_falls(tested, tuple(blocks[i] for i, _ in tested))
    strata = {
        stratum: {name: _fall(restored(one), perfect[stratum][name]) for name, one in scores.items()}
        for stratum, scores in pairs.falls.items()
    }
    return Grounding(**strata, unchanged=pairs.unchanged)


def _fall(one: SeedFall, perfect: float) -> FallRecord:
    numbers = vars(fall([one], perfect))
    return FallRecord(**{name: _known(value) for name, value in numbers.items()})


def restored(one: StoredFall) -> SeedFall:
    """Return a stored fall."""
    numbers = [np.nan if value is None else value for value in (one.value, *one.without)]
    return SeedFall(numbers[0], np.array(numbers[1:]))


def _stored(one: SeedFall) -> StoredFall:
    return StoredFall(value=_known(one.value), without=tuple(_known(float(value)) for value in one.without))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
