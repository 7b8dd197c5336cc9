"""An adapter from elsewhere, evaluated: the same predictions, scores, controls and row as a trial of a sweep.

What was evaluated under one name becomes one leaderboard, adapter by adapter; nothing is trained.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.data.leakage import leakage
from benchmark.errors import UserError
from benchmark.executors.execute import executor
from benchmark.forms.record import SuiteRecord
from benchmark.forms.suite import DmidData, Entry, Grid, ImagePart, Protocol, SplitPart, Suite, Trial
from benchmark.forms.untuned import Untuned
from benchmark.pack.model import SETS, SETS_WITH_LESIONS, Pack
from benchmark.planning.dealing import trials_of
from benchmark.progress.events import Listener, listen
from benchmark.results.store import Store, read_record, write_record
from benchmark.sweep import (
    Planned,
    Summary,
    choose_all_examples,
    devices_of,
    floors_of,
    prepare_records,
    refuse,
    run_packs,
    settle_arithmetic,
)
from benchmark.tuning.weights import find_weights

if TYPE_CHECKING:
    from backbones.adapter import AdapterFolder
    from benchmark.data.records import Records


@dataclass(frozen=True)
class Request:
    """What is evaluated on what.

    Attributes:
        adapter: a folder, or a repository on the hub.
        revision: of the repository.
        backbone: with its weights.
        data: a folder in DMID's layout.
        split: whose test part is written for.
        image: how images are shown.
        prompt, max_new_tokens: as in a suite's protocol.
        name: of the leaderboard.
        untuned: ways in which the backbone is asked without the adapter, so that the board says what it gains.
        baselines: floors beside it.
        lesions: whether images with parts painted over are shown too.
        primary_metric: that the board is ordered by.
    """

    adapter: str
    backbone: Entry
    data: Path
    split: SplitPart = field(default_factory=SplitPart)
    image: ImagePart = field(default_factory=ImagePart)
    revision: str | None = None
    prompt: str = str(Protocol.model_fields["prompt"].default)
    max_new_tokens: int = int(Protocol.model_fields["max_new_tokens"].default)
    name: str = "adapters"
    untuned: tuple[Untuned, ...] = ()
    baselines: tuple[str, ...] = ("most_frequent_report",)
    lesions: bool = False
    primary_metric: str = str(Suite.model_fields["primary_metric"].default)


def evaluate(
    request: Request, *, results: Path, listener: Listener, allow_cpu: bool = False
) -> tuple[Summary, "AdapterFolder"]:
    """Evaluate an adapter; what is stored already is not done again.

    Args:
        request: what is evaluated on what.
        results: where results go, beside those of sweeps.
        listener: told what happens.
        allow_cpu: whether the processor may run a large checkpoint.

    Returns:
        How it ended, and what was evaluated.

    Raises:
        UserError: the adapter can't be had, doesn't fit, or changes nothing; something else is missing; or other things
            were evaluated under this name.
    """
    from backbones.adapter import find_adapter

    adapter = find_adapter(request.adapter, request.revision)
    suite, store = _suite(request, adapter), Store(results)
    refuse(suite, request.data, allow_cpu=allow_cpu)
    settle_arithmetic(suite)
    listen(listener)
    device = devices_of(suite)[0]
    with executor(1, listener) as workers:
        records = prepare_records(suite, request.data, results, workers.processes)
        weights = find_weights(suite, workers)[request.backbone.name]
        mine = _trials(suite, records, weights.fingerprint, adapter)
        planned = Planned(suite, records, {request.backbone.name: weights}, tuple(mine), floors_of(suite, records))
        record = planned.record([leakage(split, records.studies) for split in records.splits])
        merged = _merged(store, record)
        pack = Pack(
            entry=request.backbone,
            source=weights.source,
            engine=suite.engine,
            device=device,
            trials=tuple(mine),
            records=records,
            sets=SETS_WITH_LESIONS if suite.lesions else SETS,
            adapters={trial.id: adapter for trial in mine if trial.adapter is not None},
        )
        done = all(store.of(one).is_done(lesions=suite.shows_lesions_to(one)) for one in mine)
        summary = run_packs(planned, lambda _: [] if done else [pack], workers)
    # Only now: an adapter that is refused leaves no trace on a leaderboard.
    write_record(store, merged, records.references())
    return summary, adapter


def _suite(request: Request, adapter: "AdapterFolder") -> Suite:
    """Return the suite that stands for an evaluation: its grid is the adapter's rank and alpha, and it trains nothing.

    Raises:
        UserError: a part of the request isn't what a suite may have.
    """
    from pydantic import ValidationError

    try:
        return Suite(
            name=request.name,
            title=f"Adapters from elsewhere: {request.name}",
            data=DmidData(source="dmid"),
            image=request.image,
            split=request.split,
            backbones=(request.backbone,),
            grid=Grid(rank=(adapter.rank,), alpha=(_alpha(adapter),)),
            protocol=Protocol(prompt=request.prompt, max_new_tokens=request.max_new_tokens, steps=1, batch_size=1),
            primary_metric=request.primary_metric,
            baselines=request.baselines,
            lesions=request.lesions,
            untuned=request.untuned,
        )
    except ValidationError as error:
        listed = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UserError(f"can't be evaluated so: {listed}.") from None


def _alpha(adapter: "AdapterFolder") -> int:
    """Return alpha as a grid has it; what an adapter's is, if it is no whole number, stands in its own record."""
    return max(1, round(adapter.alpha))


def _trials(suite: Suite, records: "Records", checkpoint: str, adapter: "AdapterFolder") -> list[Trial]:
    """Return the adapter's trial, and those of the backbone without it."""
    [entry] = suite.backbones
    fingerprints = dict(zip(suite.fold_numbers(), (split.fingerprint for split in records.splits), strict=True))
    every = trials_of(
        suite,
        entry,
        checkpoint=checkpoint,
        data=records.data.fingerprint,
        splits=fingerprints,
        examples=choose_all_examples(suite, records),
    )
    return [
        trial.model_copy(update={"adapter": adapter.fingerprint}) if trial.untuned is None else trial for trial in every
    ]


def _merged(store: Store, record: SuiteRecord) -> SuiteRecord:
    """Return the record of all that was evaluated under a name.

    Raises:
        UserError: what was evaluated before is on other data, or was asked otherwise.
    """
    name = record.suite.name
    if not store.suite(name).is_file():
        return record
    before = read_record(store, name)
    if not before.evaluated:
        raise UserError(f"--name {name}: a suite of that name was swept here. Give the leaderboard another name.")
    if differing := _differing(before, record):
        raise UserError(
            f"--name {name}: what was evaluated under it before has another {' and '.join(differing)}, so the rows "
            "can't be compared. Give another name."
        )
    entries = {entry.name: entry for entry in (*before.suite.backbones, *record.suite.backbones)}
    trials = {**before.trials, **record.trials}
    foreign = [trial for trial in trials.values() if trial.adapter is not None]
    ways = dict.fromkeys((*before.suite.untuned, *record.suite.untuned))
    suite = record.suite.model_copy(
        update={
            "backbones": tuple(entries.values()),
            "grid": Grid(
                rank=tuple(sorted({trial.rank for trial in foreign})),
                alpha=tuple(sorted({trial.alpha for trial in foreign})),
            ),
            "untuned": tuple(ways),
        }
    )
    return record.model_copy(
        update={
            "suite": suite,
            "trials": trials,
            "baselines": {**before.baselines, **record.baselines},
            "checkpoints": {**before.checkpoints, **record.checkpoints},
        }
    )


def _differing(before: SuiteRecord, now: SuiteRecord) -> list[str]:
    """Return in words what two evaluations don't share; of a backbone that both have, its weights and numbers too."""
    ours, theirs = ({entry.name: entry for entry in one.suite.backbones} for one in (before, now))
    shared = ours.keys() & theirs.keys()
    same = {
        "data": before.data.fingerprint == now.data.fingerprint,
        "split": before.split.fingerprint == now.split.fingerprint,
        "image size or crop": before.suite.image == now.suite.image,
        "prompt or limit": before.suite.protocol == now.suite.protocol,
        "primary score": before.suite.primary_metric == now.suite.primary_metric,
        "choice of lesions": before.suite.lesions == now.suite.lesions,
        "checkpoint or dtype of the backbone": all(
            ours[name] == theirs[name] and before.checkpoints[name] == now.checkpoints[name] for name in shared
        ),
    }
    return [what for what, is_same in same.items() if not is_same]
