"""A pack while it runs: which trials go on, what they share, and whose an error is."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmark.errors import UserError, frames, reason
from benchmark.pack.model import Pack
from benchmark.progress.events import Event, tell
from benchmark.provenance import now
from benchmark.record import FAILURE, Failure, Stage
from benchmark.scoring import predictions
from benchmark.scoring.predictions import Shown
from benchmark.store import Store, TrialFolder, write_json
from benchmark.suite import Trial
from benchmark.tuning.spent import Meter

if TYPE_CHECKING:
    from torch import Tensor

    from backbones.base import Backbone
    from benchmark.tuning.interface import Engine


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
    lesions: dict[str, str] = field(default_factory=dict)
    shown: dict[int | None, list[Shown]] = field(default_factory=dict)
    backbone: "Backbone" = None  # type: ignore[assignment]
    prompt_sha256: str = ""
    features: "dict[str, Tensor]" = field(default_factory=dict)
    trained_together: dict[str, int] = field(default_factory=dict)

    @classmethod
    def begin(cls, pack: Pack, until_the_end: ExitStack) -> "Session":
        """Return a session on what of a pack isn't done."""
        store = Store(pack.records.results)
        folders = {trial.id: store.of(trial) for trial in pack.trials}
        alive = [trial for trial in pack.trials if not folders[trial.id].is_done(lesions=pack.lesions)]
        ended: dict[str, str | None] = {trial.id: None for trial in pack.trials if trial not in alive}
        return cls(pack, folders, alive, ended, Meter(folders), until_the_end)

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
        return folder.is_trained() and predictions.is_complete(folder, self.shown[trial.fold], self.prompt_sha256)

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
                self.fail(trial, stage, self._reason(error), frames(error))

    def fail(self, trial: Trial, stage: Stage, why: str, traceback: str = "") -> None:
        """Make a trial a row of what failed."""
        self._end(trial, why)
        failure = Failure(schema_version=FAILURE, trial=trial, stage=stage, reason=why, traceback=traceback, at=now())
        write_json(self.folders[trial.id].failure, failure)
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
            except UserError:
                raise
            except Exception as error:
                why = self._reason(error)
            tell(Event("stage", f"{self.pack.entry.name}: {stage} failed, now trial by trial", detail=why))
            self._release()
            trials = [trial for trial in unfinished() if trial in trials]
        for trial in trials:
            with self.guarded(stage, [trial]):
                work([trial])

    def _end(self, trial: Trial, why: str | None) -> None:
        self.alive = [t for t in self.alive if t.id != trial.id]
        self.ended[trial.id] = why

    def _reason(self, error: Exception) -> str:
        """Return what an error says, without a word of a report."""
        return reason(error, (study.report for study in self.pack.records.studies))

    def _release(self) -> None:
        from benchmark.tuning.memory import release

        release(self.backbone.device)
