"""What predictions are scored against: the references, what the model was trained on, and the blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.data.dmid import Release
from benchmark.data.split import Split
from benchmark.data.split_names import RULES
from benchmark.data.split_rules import choose
from benchmark.data.study import Study
from benchmark.scoring.texts import read_texts

MOSTLY = 0.5


@dataclass(frozen=True)
class ReferenceSet:
    """References with their context.

    Attributes:
        references: report by id.
        train_reports: reports of the training part; empty where it isn't known.
        blocks: block by id, or None where each report is its own.
        name: what the references are, in words.
    """

    references: Mapping[str, str]
    train_reports: tuple[str, ...] = ()
    blocks: Mapping[str, str] | None = None
    name: str = ""


def from_file(path: Path) -> ReferenceSet:
    """Read the references of a file of JSON lines with `id` and `report`, and `block` where patients are known."""
    texts = read_texts(path, "report")
    return ReferenceSet(texts.by_id, (), texts.blocks, f"{path.name}: {len(texts.by_id)} reports")


def from_release(release: Release, predicted: Sequence[str], split: str | None = None, seed: int = 0) -> ReferenceSet:
    """Return the reports of a DMID folder that some predictions are for.

    Args:
        release: what the folder holds; reports alone will do.
        predicted: the ids of the predictions.
        split: the name or file of the split whose test part was predicted. None: the smallest of the sequential,
            random and blocked test parts that holds every predicted id, else all reports.
        seed: of the split.
    """
    studies = scored_studies(release)
    if split is not None:
        return from_split(studies, choose(studies, split, seed=seed))
    if len(studies) >= 3:
        candidates = [choose(studies, name, seed=seed) for name in ("sequential", *RULES)]
        holding = [candidate for candidate in candidates if set(predicted) <= set(candidate.test)]
        if holding:
            return from_split(studies, min(holding, key=lambda candidate: len(candidate.test)))
    everything = {s.id: s.report for s in studies}
    return ReferenceSet(everything, (), None, f"all {len(everything)} reports")


def from_split(studies: Sequence[Study], split: Split) -> ReferenceSet:
    """Return the test part of a split as references, with its training reports and blocks."""
    test = {s.id: s.report for s in split.studies("test", studies)}
    blocks = {i: split.blocks[i] for i in test}
    train = tuple(s.report for s in split.studies("train", studies))
    return ReferenceSet(test, train, blocks, f"test part of the {split.name} split: {len(test)} reports")


def scored_studies(release: Release) -> tuple[Study, ...]:
    """Return the studies with an image where most reports have one, as in a sweep; else every report."""
    reports = release.reports
    return release.studies if len(release.studies) > MOSTLY * len(reports) else reports
