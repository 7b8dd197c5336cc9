"""Which trials a suite has, and how they are dealt to processes: what a sweep does, and its plan counts with."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmark.forms.grid import Point
from benchmark.forms.suite import Entry, Protocol, Suite, Trial, under
from benchmark.forms.untuned import FewShot

Examples = Callable[[int | None, FewShot], tuple[str, ...]]
"""A fold and what is asked to the ids of the training reports that are shown."""

PACK_ON_CPU = 16
"""Trials that one process of several is given at a time on a CPU, at most."""


def trials_of(
    suite: Suite,
    entry: Entry,
    *,
    checkpoint: str,
    data: str,
    splits: Mapping[int | None, str],
    examples: Examples = lambda fold, asked: (),
) -> list[Trial]:
    """Return all trials of a backbone, with the ids that its weights and data give them.

    Args:
        suite, entry: the suite and its backbone.
        checkpoint, data: fingerprints.
        splits: fingerprint of each fold's split.
        examples: chooses what untuned trials are shown; a plan, which has no studies, shows none.
    """

    def trial(protocol: Protocol, point: Point, fold: int | None, **more: Any) -> Trial:
        return Trial(
            backbone=entry.name,
            checkpoint=checkpoint,
            quantization=entry.quantization,
            dtype=entry.dtype,
            data=data,
            image=suite.image,
            split=splits[fold],
            protocol=under(protocol, point),
            fold=fold,
            stated=entry.stated,
            **point.adapter(),
            **more,
        )

    trials: list[Trial] = []
    for fold in suite.fold_numbers():
        trials += [trial(suite.protocol, point, fold) for point in suite.points()]
        trials += [trial(suite.blank_protocol, point, fold) for point in suite.blank_points()]
        for way in suite.untuned:
            seed, ids = (way.seed, examples(fold, way)) if isinstance(way, FewShot) else (0, ())
            point = Point(rank=0, alpha=0, seed=seed)
            trials.append(trial(suite.untuned_protocol(way), point, fold, untuned=way, examples=ids))
    return trials


def dealt_by_fold(trials: Sequence[Trial], backbones: int, processes: int) -> list[list[Trial]]:
    """Return a backbone's trials in as many parts as keep all processes busy, those of a fold in one.

    Where points leave at rungs, those that compete have to be in one process.

    Args:
        trials: that are to run, or to be compared with those, of one backbone.
        backbones: of the suite.
        processes: that work at the same time.
    """
    folds = sorted({trial.fold or 0 for trial in trials})
    size = -(-len(folds) // -(-processes // backbones))
    groups = [set(folds[start : start + size]) for start in range(0, len(folds), size or 1)]
    return [[trial for trial in trials if (trial.fold or 0) in group] for group in groups]


def dealt(trials: Sequence[Trial], backbones: int, processes: int, *, on_cpu: bool) -> list[list[Trial]]:
    """Return a backbone's trials in as many parts as keep all processes busy.

    On a CPU a long grid is parted further, so that no process ends up alone with it; on GPUs that would load large
    checkpoints more than once. Trials that aren't trained are all in the last part, which has the fewest: those of the
    same prompt write together.

    Args:
        trials: that are to run, of one backbone.
        backbones: of the suite.
        processes: that work at the same time.
        on_cpu: whether they work on processors.
    """
    fewest = -(-processes // backbones)
    # Trials of one fold and seed see the same reports in the same order, so together they need less padding.
    ordered = sorted(
        (trial for trial in trials if trial.is_trained_here),
        key=lambda trial: (trial.fold or 0, trial.seed, trial.rank),
    )
    others = [trial for trial in trials if not trial.is_trained_here]
    finer = -(-len(ordered) // PACK_ON_CPU) if on_cpu and processes > 1 else 1
    size = -(-len(ordered) // max(fewest, finer))
    parts = [ordered[start : start + size] for start in range(0, len(ordered), size or 1)]
    if not others:
        return parts
    return [*parts[:-1], [*(parts[-1] if parts else []), *others]]
