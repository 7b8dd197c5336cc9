"""Two trials, suites or files of predictions against each other: paired differences, by score and by category."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmark.board.axes import axes_of
from benchmark.board.chosen_points import chosen, compared
from benchmark.board.done import References
from benchmark.board.model import Number
from benchmark.board.numbers import number, reach
from benchmark.board.results import read_results, references_of
from benchmark.board.run import name_of
from benchmark.errors import UserError, unknown_name
from benchmark.forms.record import SuiteRecord
from benchmark.results.store import Store, TrialFolder, by_start, read_model
from benchmark.scoring.references import ReferenceSet
from benchmark.scoring.score import check_ids, report_statistics
from benchmark.scoring.stored import stored_statistics
from benchmark.scoring.texts import read_texts
from metrics.labels.labeler import label
from metrics.metric import ReportStatistics
from metrics.registry import METRICS
from metrics.statistics.statistics import Draws, SignFlips, difference, holm, p_value, sample, seed_spread

SHOWN = (
    "rouge_l", "rouge_1", "meteor_nltk", "meteor_coco", "bleu_4_published", "bleu_4_coco", "cider_published",
    "cider_coco", "cider_coco_frozen", "birads_exact", "birads_major", "birads_f1_macro", "birads_kappa",
    "density_accuracy", "findings_f1_micro", "findings_f1_macro", "hallucination_rate", "omission_rate",
    "verbatim_train_excess",
)  # fmt: skip
"""Scores that are compared, where both have them; the tests of one family are corrected together."""


@dataclass(frozen=True)
class System:
    """One side of a comparison.

    Attributes:
        name: for tables.
        by_seed: the statistics of every score, by name, for each seed.
        predictions: of the first seed, by id.
    """

    name: str
    by_seed: Sequence[Mapping[str, ReportStatistics]]
    predictions: Mapping[str, str]


@dataclass(frozen=True)
class Compared:
    """One score, or one category of one score.

    Attributes:
        name: of the score, or of the category.
        a, b: the values.
        difference: `a` less `b`, with its interval; its sign doesn't follow which direction is better.
        p: two-sided; None where it isn't tested.
        adjusted: after Holm within the score's family; the primary score's is its p itself.
        n: reports that enter.
        better: "a" or "b" where the difference is significant, else None.
    """

    name: str
    a: float | None
    b: float | None
    difference: Number
    n: int
    p: float | None = None
    adjusted: float | None = None
    better: str | None = None


@dataclass(frozen=True)
class Differing:
    """A study on which two systems differ, by the primary score.

    Attributes:
        id: of the study.
        a, b: the scores.
        birads: category of the reference, and those said by `a` and by `b`.
        texts: reference and both predictions.
    """

    id: str
    a: float
    b: float
    birads: tuple[str | None, str | None, str | None]
    texts: tuple[str, str, str]


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same reports.

    Attributes:
        a, b: their names.
        primary: the score that is tested alone and by which studies are ordered.
        reports, blocks: how many there are of each.
        scores: one per score.
        categories: of the primary score, one per major BI-RADS category of the references.
        studies: those that differ most come first.
    """

    a: str
    b: str
    primary: str
    reports: int
    blocks: int
    scores: tuple[Compared, ...]
    categories: tuple[Compared, ...]
    studies: tuple[Differing, ...]


def compare(a: System, b: System, against: ReferenceSet, primary: str) -> Comparison:
    """Compare two systems, paired by block.

    Raises:
        UserError: the primary score is unknown, or one of them doesn't have it.
    """
    if primary not in METRICS:
        raise unknown_name("score", primary, METRICS)
    ids = sorted(against.references)
    blocks = [against.blocks[i] if against.blocks else i for i in ids]
    names = [n for n in dict.fromkeys((primary, *SHOWN)) if all(n in by_name for s in (a, b) for by_name in s.by_seed)]
    if primary not in names:
        raise UserError(f"{primary} can't be compared: {a.name} or {b.name} doesn't have it.")
    names = [name for name in names if len(_signatures_of(name, a, b)) == 1]
    if primary not in names:
        raise UserError(
            f"{primary} can't be compared: {a.name} and {b.name} were scored by other versions or settings: "
            f"{' and '.join(_signatures_of(primary, a, b))}. `amrg score RESULTS --rescore --data DIR` makes them one."
        )
    number_of_blocks = len(set(blocks))
    draws, flips = Draws(number_of_blocks), SignFlips(number_of_blocks)
    scores = _adjusted([_score(n, a, b, blocks, draws, flips) for n in names], primary)
    truths = {i: label(against.references[i]).birads_major for i in ids}
    return Comparison(
        a=a.name,
        b=b.name,
        primary=primary,
        reports=len(ids),
        blocks=number_of_blocks,
        scores=tuple(scores),
        categories=tuple(_categories(primary, a, b, ids, blocks, truths)),
        studies=tuple(_studies(primary, a, b, against.references, ids)),
    )


def _signatures_of(name: str, a: System, b: System) -> list[str]:
    """Return the signatures that a score has in two systems, each once."""
    return list(dict.fromkeys(one[name].signature for system in (a, b) for one in system.by_seed))


def _score(name: str, a: System, b: System, blocks: Sequence[str], draws: Draws, flips: SignFlips) -> Compared:
    first, second = (sample([by_name[name] for by_name in s.by_seed], blocks) for s in (a, b))
    distance = number(difference(first, second, draws), reach(name))
    p = p_value(first, second, flips, seed_spread([first, second])) if distance.value is not None else None
    return Compared(name, _known(first.value), _known(second.value), distance, a.by_seed[0][name].n, p)


def _adjusted(scores: Sequence[Compared], primary: str) -> list[Compared]:
    families = defaultdict(list)
    for place, score in enumerate(scores):
        if score.p is not None:
            families["primary" if score.name == primary else METRICS[score.name].family].append(place)
    corrected: dict[int, float] = {}
    for places in families.values():
        corrected |= dict(zip(places, holm([scores[i].p or math.nan for i in places]), strict=True))
    adjusted_scores = []
    for place, score in enumerate(scores):
        adjusted = float(corrected[place]) if place in corrected else None
        better = None
        direction = METRICS[score.name].higher_is_better
        if adjusted is not None and adjusted <= 0.05 and score.difference.value and direction is not None:
            better = "a" if (score.difference.value > 0) == direction else "b"
        adjusted_scores.append(Compared(**{**vars(score), "adjusted": adjusted, "better": better}))
    return adjusted_scores


def _categories(
    name: str, a: System, b: System, ids: Sequence[str], blocks: Sequence[str], truths: Mapping[str, str | None]
) -> list[Compared]:
    """Return the primary score within each category of the references; not tested, since each has few reports."""
    compared_categories = []
    for category in sorted({t for t in truths.values() if t is not None}):
        rows = [row for row, i in enumerate(ids) if truths[i] == category]
        within = [blocks[row] for row in rows]
        first, second = (sample([_of_rows(one[name], rows) for one in system.by_seed], within) for system in (a, b))
        ends = number(difference(first, second, Draws(len(set(within)))), reach(name))
        compared_categories.append(Compared(category, _known(first.value), _known(second.value), ends, len(rows)))
    return compared_categories


def _of_rows(score: ReportStatistics, rows: Sequence[int]) -> ReportStatistics:
    """Return a score's statistics on some of its reports."""
    return replace(score, statistics=score.statistics[rows], counted=score.counted[rows])


def _studies(name: str, a: System, b: System, references: Mapping[str, str], ids: Sequence[str]) -> list[Differing]:
    first, second = (np.mean([one[name].per_report for one in system.by_seed], axis=0) for system in (a, b))
    differing = []
    for row, study in enumerate(ids):
        if math.isnan(first[row] - second[row]):
            continue
        texts = (references[study], a.predictions[study], b.predictions[study])
        categories = (label(texts[0]).birads, label(texts[1]).birads, label(texts[2]).birads)
        differing.append(Differing(study, float(first[row]), float(second[row]), categories, texts))
    return sorted(differing, key=lambda s: (-abs(s.a - s.b), s.id))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


@dataclass(frozen=True)
class Side:
    """What was named on the command line: pairs of systems come of two of them.

    Attributes:
        systems: by backbone for a suite, else one under "".
        against: what they are scored against; None for a file, which doesn't know.
        primary: the suite's, if there is one.
        file: the predictions of a file, not yet scored.
    """

    systems: Mapping[str, System]
    against: ReferenceSet | None
    primary: str | None
    file: tuple[str, Mapping[str, str]] | None = None


def find(name: str, results: Path) -> Side:
    """Find what `name` names: a file of predictions, a suite, or a trial by its id or the start of it.

    Raises:
        UserError: nothing, or several trials.
    """
    if Path(name).is_file():
        return Side({}, None, None, (Path(name).name, read_texts(Path(name), "prediction").by_id))
    store = Store(results)
    if store.suite(name).is_file():
        return _suite(name, results)
    folders = store.with_file("predictions.jsonl")
    folder = by_start(folders, name)
    if folder is None:
        suites = [p.stem for p in sorted((results / "suites").glob("*.json"))]
        raise UserError(
            f"{name!r}: no file of predictions, no suite and no trial in {results}. Suites there: "
            f"{', '.join(suites) or 'none'}; trials: {len(folders)}. `amrg status SUITE --json` lists their ids."
        )
    return _trial(folder, store)


def _suite(name: str, results: Path) -> Side:
    stored = read_results(results, name)
    systems = {}
    best = chosen(stored)
    for group in compared(stored):
        trial = group[0].trial
        point = f"r={trial.rank} alpha={trial.alpha}"
        point += "".join(f" {axis}={value}" for axis, value in axes_of(trial, stored.suite).items())
        title = f"{name}: {name_of(group[0])} {point}"
        # Where none of its points could be chosen, a backbone is compared point by point.
        key = trial.backbone if group in best else f"{trial.backbone} {point}"
        systems[key] = System(title, [d.statistics for d in group], group[0].predictions)
    return Side(systems, _against(stored.references), stored.suite.primary_metric)


def _trial(folder: TrialFolder, store: Store) -> Side:
    identity = folder.path.name
    for path in sorted((store.folder / "suites").glob("*.json")):
        record = read_model(path, SuiteRecord)
        if identity in record.trials or identity in record.floors:
            break
    else:
        raise UserError(f"{folder.path}: belongs to no suite in {store.folder / 'suites'}.")
    references, fold = references_of(store, path.stem), record.fold_of(identity)
    if fold is not None:
        references = references.within(record.folds[fold].split)
    draws, expected = folder.read_draws(), references.of("test")
    statistics = stored_statistics(folder.read_scores(), draws, expected, train_reports=references.train)
    title = _name(identity, record)
    return Side({"": System(title, [statistics], draws[0])}, _against(references), record.suite.primary_metric)


def _name(identity: str, record: SuiteRecord) -> str:
    trial = record.trials.get(identity)
    if trial is None:
        return record.floors[identity]
    return f"{trial.label} ({identity[:6]})"


def _against(references: References) -> ReferenceSet:
    test = references.of("test")
    return ReferenceSet(test, references.train, {i: references.blocks[i] for i in test}, f"{len(test)} test reports")


def comparisons(first: Side, second: Side, against: ReferenceSet | None, primary: str | None) -> list[Comparison]:
    """Return all pairs that two sides make: one, or one a backbone where both are suites.

    Args:
        against: references for files; None where a trial or suite on the other side brings them.
        primary: the score to test alone; None for the suite's, else ROUGE-L.

    Raises:
        UserError: no references, other reports on both sides, or no backbone in common.
    """
    known = [side.against for side in (first, second) if side.against is not None]
    if len(known) == 2 and dict(known[0].references) != dict(known[1].references):
        raise UserError("The two were tested on other reports, so they can't be paired. Compare trials of one split.")
    chosen_set = known[0] if known else against
    if chosen_set is None:
        raise UserError("Files of predictions need what they are scored against: give --data or --references.")
    pairs = _pairs(_scored(first, chosen_set), _scored(second, chosen_set))
    name = primary or first.primary or second.primary or "rouge_l"
    return [compare(a, b, chosen_set, name) for a, b in pairs]


def _scored(side: Side, against: ReferenceSet) -> Mapping[str, System]:
    if side.file is None:
        return side.systems
    name, predictions = side.file
    check_ids(predictions, against.references, name)
    statistics = report_statistics(predictions, against.references, train_reports=against.train_reports)
    return {"": System(name, [statistics], predictions)}


def _pairs(first: Mapping[str, System], second: Mapping[str, System]) -> list[tuple[System, System]]:
    if "" in first or "" in second:
        ours, theirs = list(first.values()), list(second.values())
        return [(a, b) for a in ours for b in theirs]
    common = [name for name in first if name in second]
    if not common:
        raise UserError(f"No backbone is in both suites: {', '.join(first)}; {', '.join(second)}.")
    return [(first[name], second[name]) for name in common]
