"""A pack: trials that share a loaded backbone and run together, from image features to scores.

Stage by stage, `load`, `vision`, `train`, `generate` and `score`; each finds what an earlier session finished and does
the rest. An error ends the trial that it came about in, which becomes a row of the leaderboard, and no other; one that
no single trial is guilty of ends all that were in the stage. What a user has to mend (`UserError`) ends the sweep.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmark.data.image import ImageCache
from benchmark.data.records import Records
from benchmark.errors import UserError, frames, reason
from benchmark.execute import prepare_worker, quiet
from benchmark.progress.events import Event, progress, tell
from benchmark.provenance import gpu, machine, provenance
from benchmark.record import (
    FAILURE,
    TRIAL_RECORD,
    Failure,
    Prediction,
    Set,
    Stage,
    TrialRecord,
    UsedCheckpoint,
)
from benchmark.scoring import predictions
from benchmark.scoring.controls import training_images
from benchmark.scoring.predictions import Shown
from benchmark.scoring.trial import is_scored, prepare, score
from benchmark.store import Store, TrialFolder, read_models, write_json
from benchmark.suite import Entry, Trial
from benchmark.tuning.spent import Meter
from metrics.text.meteor_jar import warm_up
from metrics.text.ptb import ptb_tokenize

if TYPE_CHECKING:
    from torch import Tensor

    from backbones.base import Backbone
    from benchmark.tuning.interface import Engine, Generated, TrainingSet

BLANK = "blank"
SETS: tuple[Set, ...] = ("validation", "test", "blank")
"""What a sweep's trials write reports for."""
TELL_EVERY = 5
"""Steps between two that are told, beside the first and the last."""


@dataclass(frozen=True)
class Pack:
    """Trials of one backbone and how to run them.

    Attributes:
        entry: the backbone as the suite names it.
        source: the folder of its weights; None for the hub's cache.
        engine: that trains and writes.
        device: as torch names it.
        trials: of the backbone.
        records: what they learn and are tested on.
        sets: what each trial writes reports for.
        resamples: of the intervals of the test set's scores.
    """

    entry: Entry
    source: Path | None
    engine: str
    device: str
    trials: tuple[Trial, ...]
    records: Records
    sets: tuple[Set, ...] = SETS
    resamples: int = 10_000

    def __call__(self) -> dict[str, str | None]:
        """Run what isn't done; why each trial failed, or None, by id."""
        return run(self)


def run(pack: Pack) -> dict[str, str | None]:
    """Train, write and score the trials of a pack that aren't done; what is finished is never done again.

    Returns:
        Why each trial failed, or None, by id.

    Raises:
        UserError: something that concerns all trials and that the user can mend.
    """
    with ExitStack() as until_the_end:
        session = Session.begin(pack, until_the_end)
        for stage, work in STAGES.items():
            if session.alive:
                with session.guarded(stage, session.alive):
                    work(session)
        return session.ended


@dataclass
class Session:
    """A pack while it runs.

    Attributes:
        pack: what runs.
        folders: of its trials, by id.
        alive: trials that go on.
        ended: of those that don't, why each failed, or None.
        meter: books the time on the trials.
        until_the_end: holds what has to hold for the rest of the session.
        shown: the images that each trial writes reports for.
        backbone: from `load` on.
        prompt_sha256: of the trials' prompt as the backbone puts it; from `load` on.
        features: of the images, by key; from `vision` on, and only where a trial needs them.
        trained_together: by id, how many trials trained at the same time, of those that did so in this session.
    """

    pack: Pack
    folders: dict[str, TrialFolder]
    alive: list[Trial]
    ended: dict[str, str | None]
    meter: Meter
    until_the_end: ExitStack
    keys: dict[str, str] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    backbone: "Backbone" = None  # type: ignore[assignment]
    prompt_sha256: str = ""
    features: "dict[str, Tensor]" = field(default_factory=dict)
    trained_together: dict[str, int] = field(default_factory=dict)

    @classmethod
    def begin(cls, pack: Pack, until_the_end: ExitStack) -> "Session":
        """Return a session on what of a pack isn't done."""
        store = Store(pack.records.results)
        folders = {trial.id: store.of(trial) for trial in pack.trials}
        alive = [trial for trial in pack.trials if not folders[trial.id].is_done()]
        ended = {trial.id: None for trial in pack.trials if trial not in alive}
        return cls(pack, folders, alive, dict(ended), Meter(folders), until_the_end)

    @property
    def engine(self) -> "Engine":
        """The engine that the suite names."""
        from benchmark.tuning.engines import engine_named

        return engine_named(self.pack.engine)

    def untrained(self) -> list[Trial]:
        """Return trials without an adapter."""
        return [trial for trial in self.alive if not self.folders[trial.id].is_trained()]

    def unwritten(self) -> list[Trial]:
        """Return trials whose predictions aren't complete."""
        return [trial for trial in self.alive if not self.is_written(trial)]

    def is_written(self, trial: Trial) -> bool:
        """Return whether a trial's predictions are complete."""
        folder = self.folders[trial.id]
        return folder.is_trained() and predictions.is_complete(folder, self.shown, self.prompt_sha256)

    @contextmanager
    def guarded(self, stage: Stage, trials: Sequence[Trial]) -> Iterator[None]:
        """Let these trials, within, share the time and an error: each that is still alive fails by it."""
        try:
            with self.meter.stage(stage, [trial.id for trial in trials]):
                yield
        except UserError:
            raise
        except Exception as error:
            for trial in [t for t in trials if t in self.alive]:
                self.fail(trial, stage, self.reason(error), frames(error))

    def reason(self, error: Exception) -> str:
        """Return what an error says, without a word of a report."""
        return reason(error, (study.report for study in self.pack.records.studies))

    def fail(self, trial: Trial, stage: Stage, why: str, traceback: str = "") -> None:
        """Make a trial a row of what failed."""
        self.alive = [t for t in self.alive if t.id != trial.id]
        self.ended[trial.id] = why
        failure = Failure(schema_version=FAILURE, trial=trial, stage=stage, reason=why, traceback=traceback, at=_now())
        write_json(self.folders[trial.id].failure, failure)
        tell(Event("trial", trial.label, 0, 1, why, trial.id))

    def together(
        self,
        stage: Stage,
        trials: Sequence[Trial],
        work: Callable[[Sequence[Trial]], None],
        left: Callable[[], list[Trial]],
    ) -> None:
        """Do work on all trials at once; where that fails, on one at a time, so that only the guilty one fails.

        Args:
            stage: what the work is.
            trials: on which.
            work: done on some of them.
            left: gives the trials on which it isn't done.
        """
        if len(trials) > 1:
            try:
                work(trials)
                return
            except UserError:
                raise
            except Exception as error:
                why = self.reason(error)
            tell(Event("stage", f"{self.pack.entry.name}: {stage} failed, now trial by trial", detail=why))
            self._release()
            trials = [trial for trial in left() if trial in trials]
        for trial in trials:
            with self.guarded(stage, [trial]):
                work([trial])

    def _release(self) -> None:
        from benchmark.tuning.memory import release

        release(self.backbone.device)


def _load(session: Session) -> None:
    """Load the backbone, once for all trials, and choose what each of them will be shown."""
    import torch

    from backbones.registry import get
    from benchmark.tuning.norms import fused_norms

    pack = session.pack
    if pack.device == "cpu":
        prepare_worker()
    else:
        quiet()
    warm_up()
    provenance()  # asked once; trials would wait for it when they end
    session.backbone = get(pack.entry.name).load(
        pack.source, device=pack.device, dtype=getattr(torch, pack.entry.dtype), quantization=pack.entry.quantization
    )
    if pack.entry.dtype == "float64":
        # The models' own norms would round features and activations to 32 bits.
        session.until_the_end.enter_context(fused_norms(session.backbone.model))
    prompt = session.backbone.prompt_text(pack.trials[0].protocol.prompt)
    session.prompt_sha256 = hashlib.sha256(prompt.encode()).hexdigest()
    session.keys = _image_keys(pack.records)
    session.shown = _shown(pack, session.keys)


def _encode(session: Session) -> None:
    """Encode all images, the blank one among them, where a trial is still to be trained or to write."""
    if session.untrained() or session.unwritten():
        session.features = _features(session.pack, session.backbone, session.keys)


def _train(session: Session) -> None:
    """Train adapters of the trials that have none."""
    from benchmark.tuning.interface import TrainingSet

    untrained = session.untrained()
    for trial in untrained:
        predictions.forget(session.folders[trial.id])
    train = session.pack.records.part("train")
    for images, trials in _by_images(untrained, session):
        data = TrainingSet([s.report for s in train], [session.features[key] for key in images])
        session.together("train", trials, partial(_train_some, session, data), session.untrained)


def _train_some(session: Session, data: "TrainingSet", trials: Sequence[Trial]) -> None:
    def step_done(trial: Trial, done: int, total: int, loss: float) -> None:
        if done in (1, total) or done % TELL_EVERY == 0:
            tell(Event("progress", trial.label, done, total, f"loss {loss:.3f}", trial.id))

    outcomes = session.engine.train(session.backbone, trials, session.folders, data, step_done, session.meter)
    for trial in trials:
        outcome = outcomes[trial.id]
        if outcome.trained_together is not None:
            session.trained_together[trial.id] = outcome.trained_together
        if outcome.failure:
            session.fail(trial, "train", outcome.failure)


def _write(session: Session) -> None:
    """Write predictions of the trials that have none, or not all."""
    for blind in (False, True):
        trials = [trial for trial in session.unwritten() if trial.protocol.sees_no_image is blind]
        work = _write_blind if blind else _write_some
        session.together("generate", trials, partial(work, session), session.unwritten)


def _write_some(session: Session, trials: Sequence[Trial]) -> None:
    features = [session.features[one.image] for one in session.shown]
    for trial, written in session.engine.generate(session.backbone, trials, session.folders, features, session.meter):
        _keep(session, trial, written)


def _write_blind(session: Session, trials: Sequence[Trial]) -> None:
    """Predictions of trials that are shown a blank image in each image's place: one report stands for all."""
    blank = [session.features[_blank_key(session.pack.records)]]
    for trial, [written] in session.engine.generate(session.backbone, trials, session.folders, blank, session.meter):
        _keep(session, trial, [written] * len(session.shown))


def _keep(session: Session, trial: Trial, written: "Sequence[Generated]") -> None:
    made = [
        Prediction(
            id=one.study,
            prediction=report.text,
            prompt_sha256=session.prompt_sha256,
            tokens=report.tokens,
            stop=report.stop,
        )
        for one, report in zip(session.shown, written, strict=True)
    ]
    predictions.store(session.folders[trial.id], session.shown, made)
    tell(Event("progress", f"{trial.label}: reports", len(made), len(made), trial=trial.id))


def _score(session: Session) -> None:
    """Score the trials that have no scores, and write each trial's record, with which it is done."""
    records = session.pack.records
    unscored = [trial for trial in session.alive if not is_scored(session.folders[trial.id], records.split)]
    if unscored:
        with session.meter.stage("score", [trial.id for trial in unscored]), suppress(Exception):
            # What goes wrong here is left to the trial that it belongs to, which meets it again when it is scored.
            prepare(records.studies, records.split)
            _tokenize([session.folders[trial.id] for trial in unscored])
    for trial in list(session.alive):
        with session.guarded("score", [trial]):
            if trial in unscored:
                score(
                    session.folders[trial.id],
                    records.studies,
                    records.split,
                    resamples=session.pack.resamples,
                    grounding="blank" in session.pack.sets,
                )
                session.meter.lap("score", [trial.id])
            _finish(session, trial)


def _tokenize(folders: Sequence[TrialFolder]) -> None:
    """Tokenise the predictions of all trials by one process, not one a trial; the results are remembered."""
    ptb_tokenize([row.prediction for folder in folders for row in read_models(folder.predictions, Prediction)])


STAGES: dict[Stage, Callable[[Session], None]] = {
    "load": _load,
    "vision": _encode,
    "train": _train,
    "generate": _write,
    "score": _score,
}


def _features(pack: Pack, backbone: "Backbone", keys: Mapping[str, str]) -> "dict[str, Tensor]":
    """Return features of every image that the trials need, by image key, the blank one among them."""
    from benchmark.tuning.features import FeatureStore

    records = pack.records
    images = ImageCache(records.cache / "images", records.image)
    wanted: dict[str, Callable[[], np.ndarray]] = {
        keys[study.id]: partial(images.load, study.image)
        for part in ("train", "validation", "test")
        for study in records.part(part)
        if study.image is not None
    }
    side = records.image.size
    if "blank" in pack.sets:
        wanted[_blank_key(records)] = lambda: np.zeros((side, side), np.uint8)
    store = FeatureStore(records.cache / "features", backbone)
    return store.get(wanted, progress(f"{pack.entry.name}: image features"))


def _image_keys(records: Records) -> dict[str, str]:
    images = ImageCache(records.cache / "images", records.image)
    return {s.id: images.key(s.image) for s in records.studies if s.image is not None}


def _shown(pack: Pack, keys: Mapping[str, str]) -> list[Shown]:
    """Return the image behind each report that a trial of the pack writes, set by set."""
    records = pack.records
    test = records.split.test
    every = [
        *[Shown("validation", i, keys[i]) for i in records.split.validation],
        *[Shown("test", i, keys[i]) for i in test],
        *[Shown("blank", i, _blank_key(records)) for i in test],
    ]
    return [one for one in every if one.set in pack.sets]


def _blank_key(records: Records) -> str:
    return f"{BLANK}-{records.image.size}"


def _by_images(trials: Sequence[Trial], session: Session) -> Iterator[tuple[tuple[str, ...], list[Trial]]]:
    """Yield trials that learn the same pairs of report and image, with the key of each training report's image."""
    records = session.pack.records
    train, blocks = records.split.train, records.split.blocks
    groups: dict[tuple[str, ...], list[Trial]] = {}
    for trial in trials:
        if trial.protocol.sees_no_image:
            images = (_blank_key(records),) * len(train)
        else:
            image_of = training_images(trial, train, blocks)
            images = tuple(session.keys[image_of[i]] for i in train)
        groups.setdefault(images, []).append(trial)
    yield from groups.items()


def _finish(session: Session, trial: Trial) -> None:
    """Write a trial's record, with which it is done."""
    write_json(session.folders[trial.id].trial, _record(session, trial))
    session.folders[trial.id].forget(session.folders[trial.id].failure)
    session.alive = [t for t in session.alive if t.id != trial.id]
    session.ended[trial.id] = None
    tell(Event("trial", trial.label, 1, 1, "done", trial.id))


def _record(session: Session, trial: Trial) -> TrialRecord:
    from backbones.quantization import parameters
    from benchmark.tuning.losses import fuses, kernels

    pack, backbone = session.pack, session.backbone
    checkpoint = type(backbone).checkpoint
    spent = session.meter.of(trial.id).rounded()
    gpu_name, gpu_memory = gpu(pack.device)
    return TrialRecord(
        schema_version=TRIAL_RECORD,
        id=trial.id,
        trial=trial,
        checkpoint=UsedCheckpoint(
            kind="folder" if pack.source else "hub",
            miniature=pack.entry.checkpoint == "miniature",
            hub_id=checkpoint.hub_id,
            revision=checkpoint.revision,
            licence=checkpoint.licence,
            parameters=parameters(backbone.model),
        ),
        engine=pack.engine,
        trials_in_pack=len(pack.trials),
        trained_together=session.trained_together.get(trial.id),
        loss=kernels() if fuses(backbone.model) else None,
        seconds=spent.seconds,
        peak_memory_bytes=spent.peak_memory_bytes,
        device=pack.device,
        gpu=gpu_name,
        gpu_memory_bytes=gpu_memory,
        machine=machine(),
        command=pack.records.command,
        finished=_now(),
        **dict(provenance()),
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
