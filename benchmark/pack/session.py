"""A pack while it runs: which trials go on, what they share, and whose an error is."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from backbones.locks import Lock
from benchmark.disk.faults import fault_of
from benchmark.disk.files import private_folder
from benchmark.errors import UserError, frames, reason
from benchmark.forms.record import FAILURE, LESION_CONTROLS, EvaluatedAdapter, Failure, Stage
from benchmark.forms.suite import Trial
from benchmark.pack.model import Pack
from benchmark.progress.events import Event, tell
from benchmark.provenance import now
from benchmark.results.halving import exits_among, groups_of
from benchmark.results.store import Store, TrialFolder, write_json
from benchmark.scoring import predictions
from benchmark.scoring.predictions import Shown
from benchmark.tuning.spent import Meter
from benchmark.tuning.staged import settle_interrupted

if TYPE_CHECKING:
    from torch import Tensor

    from backbones.base import Backbone
    from benchmark.tuning.interface import Engine, Picture


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
        keys: of the studies' images, by study; from `load` on.
        lesions: of the maps of test studies that have a lesion with a place, by study; from `load` on.
        shown: the images that each trial of a fold writes reports for, by fold; from `load` on.
        backbone: from `load` on.
        prompts: what each trial asks, by its id; from `load` on.
        prompt_sha256: of each trial's prompt as the backbone puts it, by its id; from `load` on.
        pictures: the images that trials are shown, each as a function that gives it, by key; from `vision` on.
        features: of the images, by key; from `vision` on, and only where a trial needs them.
        adapters: what came from elsewhere, by the id of the trial that evaluates it; from `load` on.
        locks: held, by id of the trials that this session works on.
        trained_together: by id, how many trials trained at the same time, of those that did so in this session.
        kernels: by id, what trials were trained with beside torch's, of those that were in this session.
    """

    pack: Pack
    folders: dict[str, TrialFolder]
    alive: list[Trial]
    ended: dict[str, str | None]
    meter: Meter
    until_the_end: ExitStack
    keys: dict[str, str] = field(default_factory=dict)
    lesions: dict[str, str] = field(default_factory=dict)
    shown: dict[int | None, list[Shown]] = field(default_factory=dict)
    backbone: "Backbone" = None  # type: ignore[assignment]
    prompts: dict[str, str] = field(default_factory=dict)
    prompt_sha256: dict[str, str] = field(default_factory=dict)
    pictures: "dict[str, Picture]" = field(default_factory=dict)
    features: "dict[str, Tensor]" = field(default_factory=dict)
    adapters: dict[str, EvaluatedAdapter] = field(default_factory=dict)
    trained_together: dict[str, int] = field(default_factory=dict)
    kernels: dict[str, str] = field(default_factory=dict)
    locks: dict[str, Lock] = field(default_factory=dict)

    @classmethod
    def begin(cls, pack: Pack, until_the_end: ExitStack) -> "Session":
        """Return a session on what of a pack isn't done, and nobody else works on, from its deepest sound stage on.

        Of trials that compete with each other, and so wait for each other, it works on all or on none.
        """
        store = Store(pack.records.results)
        folders = {trial.id: store.of(trial) for trial in pack.trials}
        session = cls(pack, folders, [], {}, Meter(folders), until_the_end)
        left = exits_among(pack.trials, store, pack.halving)
        for together in groups_of(pack.trials, pack.halving):
            if not all(session._take(trial, store) or trial.id in left for trial in together):
                for trial in [trial for trial in together if trial in session.alive]:
                    session.alive.remove(trial)
                    session.locks.pop(trial.id).release()
        return session

    def _take(self, trial: Trial, store: Store) -> bool:
        """Work on a trial that isn't done; return whether it is done, or is this session's now."""
        lock, folder = store.lock(trial.id), self.folders[trial.id]
        lesions = self.lesions_of(trial)
        if folder.is_done(lesions=lesions):
            return True
        if not lock.take():
            return False
        self.until_the_end.callback(lock.release)
        # Whoever held the lock until now may have done it.
        if not folder.is_done(lesions=lesions):
            self.locks[trial.id] = lock
            self._restore(trial)
            self.alive.append(trial)
        return True

    def _restore(self, trial: Trial) -> None:
        """Leave of a trial what is sound, and tell what isn't."""
        folder = self.folders[trial.id]
        private_folder(folder.path)
        settle_interrupted(folder, Store(self.pack.records.results).of)
        if problems := folder.restore():
            listed = "; ".join(f"{name} {why}" for name, why in problems.items())
            tell(Event("stage", f"{trial.label}: made again from what is sound", detail=f"{folder.path}: {listed}"))

    @property
    def engine(self) -> "Engine":
        """The engine that the suite names."""
        from benchmark.tuning.engines import engine_named

        return engine_named(self.pack.engine)

    def concerned(self, stage: Stage) -> list[Trial]:
        """Return the trials that a stage is of: all that go on, but in training those that are trained here."""
        return [trial for trial in self.alive if stage != "train" or trial.is_trained_here]

    def lesions_of(self, trial: Trial) -> bool:
        """Return whether a trial writes for images with parts painted over."""
        return self.pack.lesions and trial.is_shown_lesions

    def shown_to(self, trial: Trial) -> list[Shown]:
        """Return the images that a trial writes reports for, set by set."""
        every = self.shown[trial.fold]
        return every if self.lesions_of(trial) else [one for one in every if one.set not in LESION_CONTROLS]

    def known_to(self, trial: Trial) -> list[str]:
        """Return the training reports of a trial, which what it writes may be like."""
        records = self.pack.records
        return [study.report for study in records.split_of(trial).studies("train", records.studies)]

    def untrained(self) -> list[Trial]:
        """Return trials that are trained here, and have no adapter yet."""
        return [trial for trial in self.alive if trial.is_trained_here and not self.folders[trial.id].is_trained()]

    def unwritten(self) -> list[Trial]:
        """Return trials whose predictions aren't complete."""
        return [trial for trial in self.alive if not self.is_written(trial)]

    def is_written(self, trial: Trial) -> bool:
        """Return whether a trial's predictions are complete."""
        folder, shown, prompt = self.folders[trial.id], self.shown_to(trial), self.prompt_sha256[trial.id]
        ready = folder.is_trained() or not trial.is_trained_here
        return ready and predictions.is_complete(folder, shown, prompt)

    @contextmanager
    def guarded(self, stage: Stage, trials: Sequence[Trial]) -> Iterator[None]:
        """Let these trials, within, share the time and an error: each that is still alive fails by it."""
        try:
            with self.meter.stage(stage, [trial.id for trial in trials]):
                yield
        except Exception as error:
            self._raise_for_all(stage, error)
            for trial in [t for t in trials if t in self.alive]:
                self.fail(trial, stage, self._reason(error), frames(error))

    def fail(self, trial: Trial, stage: Stage, why: str, traceback: str = "") -> None:
        """Make a trial a row of what failed."""
        failure = Failure(schema_version=FAILURE, trial=trial, stage=stage, reason=why, traceback=traceback, at=now())
        write_json(self.folders[trial.id].failure, failure)
        self._end(trial, why)
        tell(Event("trial", trial.label, 0, 1, why, trial.id))

    def succeed(self, trial: Trial) -> None:
        """End a trial whose results are all stored; that it failed before holds no more."""
        self.folders[trial.id].forget(self.folders[trial.id].failure)
        self._end(trial, None)
        tell(Event("trial", trial.label, 1, 1, "done", trial.id))

    def leave(self, trial: Trial, why: str) -> None:
        """End a trial that stays behind others of its grid: it isn't done, and nothing is left to do for it."""
        self.folders[trial.id].forget(self.folders[trial.id].failure)
        self._end(trial, None)
        tell(Event("trial", trial.label, 1, 1, why, trial.id))

    def by_kind(
        self,
        stage: Stage,
        trials: Sequence[Trial],
        work: Callable[[Sequence[Trial]], None],
        unfinished: Callable[[], list[Trial]],
    ) -> None:
        """Do work as `together` does, on those that can be packed at once, then on each other one by itself.

        One that can't be packed and fails must not part those that can.
        """
        self.together(stage, [trial for trial in trials if trial.alone is None], work, unfinished)
        for trial in trials:
            if trial.alone is not None:
                self.together(stage, [trial], work, unfinished)

    def together(
        self,
        stage: Stage,
        trials: Sequence[Trial],
        work: Callable[[Sequence[Trial]], None],
        unfinished: Callable[[], list[Trial]],
    ) -> None:
        """Do work on all trials at once; where that fails, on one at a time, so that only the guilty one fails.

        Args:
            stage: what the work is.
            trials: on which.
            work: done on some of them.
            unfinished: gives the trials on which it isn't done.
        """
        if len(trials) > 1:
            try:
                work(trials)
                return
            except Exception as error:
                self._raise_for_all(stage, error)
                why = self._reason(error)
            tell(Event("stage", f"{self.pack.entry.name}: {stage} failed, now trial by trial", detail=why))
            self._release()
            trials = [trial for trial in unfinished() if trial in trials]
        for trial in trials:
            with self.guarded(stage, [trial]):
                work([trial])

    @staticmethod
    def _raise_for_all(stage: Stage, error: Exception) -> None:
        """Raise an error that is no single trial's: the machine's, or one that the user has to mend first.

        What is wrong with one trial's files is its own.
        """
        if fault := fault_of(error, memory=False):
            raise fault from error
        if isinstance(error, UserError) and stage not in ("generate", "score"):
            raise error

    def _end(self, trial: Trial, why: str | None) -> None:
        self.alive = [t for t in self.alive if t.id != trial.id]
        self.ended[trial.id] = why
        self.locks.pop(trial.id).release()

    def _reason(self, error: Exception) -> str:
        """Return what an error says, without a word of a report."""
        return reason(error, (study.report for study in self.pack.records.studies))

    def _release(self) -> None:
        from benchmark.tuning.memory import release

        release(self.backbone.device)
