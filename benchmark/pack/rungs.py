"""Training of a pack whose points leave at rungs: all train to a rung, the worst leave, the others go on together.

Between two rungs the engine packs anew what has stayed, so rows that were freed are filled by trials that waited, and
where none waits a step is cheaper by what left.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from benchmark.forms.suite import Halving, Trial
from benchmark.pack.session import Session
from benchmark.progress.events import Event, tell
from benchmark.results.halving import Decided, decide, evaluations_of
from benchmark.results.store import Store

Train = Callable[[int | None, Sequence[Trial]], None]
"""Trains trials until a step, or to the end."""


def train_by_rungs(session: Session, halving: Halving, train: Train) -> None:
    """Train what is untrained of a pack, rung by rung; what leaves ends here.

    Args:
        session: with all trials that compete with each other in its pack, also those that are done.
        halving: when and how many leave.
        train: stores evaluations of the trials that it trains, and fails those that it can't.
    """
    while True:
        decided = _decided(session, halving)
        _leave(session, decided)
        due = _due(session, decided)
        if not due:
            break
        lacking = partial(_lacking, session, decided.waited_for)
        for step, trials in due.items():
            session.by_kind("train", trials, partial(train, step), lacking)
        if left := [trial.label for trial in lacking()]:
            raise RuntimeError(f"trained to a rung, and neither evaluated there nor failed: {', '.join(left)}")
    session.by_kind("train", session.untrained(), partial(train, None), session.untrained)


def _decided(session: Session, halving: Halving) -> Decided:
    """Return what is decided: of a trial that failed in this session nothing more is waited for."""
    trials = session.pack.trials
    evaluations = evaluations_of(Store(session.pack.records.results), trials)
    return decide(trials, evaluations, halving, [i for i, why in session.ended.items() if why is not None])


def _leave(session: Session, decided: Decided) -> None:
    for trial in list(session.alive):
        if trial.id in decided.exits:
            left = decided.exits[trial.id]
            value = "none" if left.value is None else f"{left.value:.4g}"
            folder = session.folders[trial.id]
            folder.forget(folder.snapshot)
            session.leave(trial, f"left at step {left.step}: {left.criterion} {value}")


def _due(session: Session, decided: Decided) -> dict[int, list[Trial]]:
    """Return the trials that have to reach a rung, by its step."""
    due: dict[int, list[Trial]] = {}
    for trial in session.alive:
        if trial.id in decided.waited_for:
            reports = len(session.pack.records.split_of(trial).train)
            step = trial.protocol.evaluation_steps(reports)[decided.waited_for[trial.id] - 1]
            due.setdefault(step, []).append(trial)
    tell_due = sum(map(len, due.values()))
    if tell_due:
        detail = f"{tell_due} trials to step {', '.join(map(str, sorted(due)))}"
        tell(Event("stage", f"{session.pack.entry.name}: rung", detail=detail))
    return due


def _lacking(session: Session, waited_for: Mapping[str, int]) -> list[Trial]:
    """Return the trials that go on and lack the evaluation that is waited for."""
    return [
        trial
        for trial in session.alive
        if len(session.folders[trial.id].read_evaluations()) < waited_for.get(trial.id, 0)
    ]
