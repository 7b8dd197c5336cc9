"""Prompts of a pack's trials, and the reports of those that aren't tuned: a prompt at a time, whatever its folds."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from benchmark.forms.suite import Trial
from benchmark.forms.untuned import prompt_of
from benchmark.pack.session import Session

if TYPE_CHECKING:
    from backbones.base import Backbone
    from benchmark.tuning.interface import Generated

    Store = Callable[[Session, Trial, Sequence[Generated]], None]


def prompts_of(trials: Sequence[Trial], reports: Mapping[str, str]) -> dict[str, str]:
    """Return what each trial asks, by its id; examples stand in it as text.

    Args:
        trials: of the pack.
        reports: of the studies, by id.
    """
    return {trial.id: prompt_of(trial.protocol.prompt, [reports[i] for i in trial.examples]) for trial in trials}


def digests_of(backbone: "Backbone", prompts: Mapping[str, str]) -> dict[str, str]:
    """Return the SHA-256, in hexadecimal, of each prompt as the backbone puts it."""
    return {name: hashlib.sha256(backbone.prompt_text(text).encode()).hexdigest() for name, text in prompts.items()}


def write_untuned(session: Session, store: "Store") -> None:
    """Write predictions of the untuned trials that have none, or not all.

    Args:
        session: of the pack.
        store: puts a trial's reports down.
    """
    by_prompt: dict[str, list[Trial]] = {}
    for trial in session.unwritten():
        if trial.untuned is not None:
            by_prompt.setdefault(session.prompts[trial.id], []).append(trial)
    for trials in by_prompt.values():
        session.together("generate", trials, partial(_write, session, store), session.unwritten)


def _write(session: Session, store: "Store", trials: Sequence[Trial]) -> None:
    """Write for trials of one prompt: each image of any of their folds once."""
    from benchmark.tuning.asked import write_untuned as write

    keys = list(dict.fromkeys(one.image for trial in trials for one in session.shown_to(trial)))
    protocol = trials[0].protocol.model_copy(update={"prompt": session.prompts[trials[0].id]})
    features, known = [session.features[key] for key in keys], session.known_to(trials[0])
    reports = dict(zip(keys, write(session.backbone, protocol, features, known), strict=True))
    names = [trial.id for trial in trials]
    session.meter.lap("generate", names)
    session.meter.keep(names)
    for trial in trials:
        store(session, trial, [reports[one.image] for one in session.shown_to(trial)])
