"""A floor: a baseline's predictions, scored and stored as a trial's are."""

import hashlib
import json
from dataclasses import dataclass

from benchmark.data.image import ImageCache
from benchmark.data.pseudorandom import DRAWS
from benchmark.data.records import Records
from benchmark.disk.faults import fault_of
from benchmark.disk.files import private_folder
from benchmark.errors import UserError, frames, reason
from benchmark.forms.record import FLOOR_RECORD, DrawnReport, Failure, FloorInputs, FloorRecord, Report
from benchmark.forms.suite import ImagePart
from benchmark.progress.events import Event, spanned, tell
from benchmark.provenance import now, provenance
from benchmark.results.store import Store, TrialFolder, write_json, write_lines
from benchmark.scoring.baselines import RANDOM, predict_draws
from benchmark.scoring.score import score_draws
from benchmark.scoring.stored import digest


@dataclass(frozen=True)
class Floor:
    """One baseline on a suite's data and split.

    Attributes:
        name: one of `benchmark.scoring.baselines.BASELINES`.
        records: studies, split, and where images and results lie.
        fold: whose records they are, from 0; None outside of cross-validation.
    """

    name: str
    records: Records
    fold: int | None = None

    @property
    def label(self) -> str:
        """For people: its name, and which fold it is of."""
        return self.name if self.fold is None else f"{self.name} fold={self.fold + 1}"

    @property
    def id(self) -> str:
        """Return the name of its folder: a hash of what can change its predictions."""
        described = self.inputs.model_dump(mode="json")
        return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def inputs(self) -> FloorInputs:
        """Return all that can change its predictions."""
        return FloorInputs(
            baseline=self.name,
            data=self.records.data.fingerprint,
            split=self.records.split.fingerprint,
            image=ImagePart.model_validate(self.records.image.to_dict()),
            draws=DRAWS if self.name in RANDOM else 1,
        )

    def __call__(self) -> dict[str, str | None]:
        """Predict and score, unless that is done; why it failed, or None, by id, as a pack says it.

        Where another process is at it, nothing is returned.

        Raises:
            UserError: something that the user can mend.
            MachineFault: the machine failed.
        """
        store = Store(self.records.results)
        folder, lock = store.of(self.id), store.lock(self.id)
        if folder.is_done():
            return {self.id: None}
        if not lock.take():
            return {}
        try:
            with spanned("floor", self.label):
                return {self.id: None} if folder.is_done() else self._run(folder)
        finally:
            lock.release()

    def _run(self, folder: TrialFolder) -> dict[str, str | None]:
        private_folder(folder.path)
        if problems := folder.restore():
            listed = "; ".join(f"{name} {why}" for name, why in problems.items())
            tell(Event("stage", f"{self.label}: made again", detail=f"{folder.path}: {listed}"))
        try:
            self._make(folder)
        except UserError:
            raise
        except Exception as error:
            if fault := fault_of(error, memory=False):
                raise fault from error
            why = reason(error, (study.report for study in self.records.studies))
            failure = Failure(trial=self.inputs, stage="floor", reason=why, traceback=frames(error), at=now())
            write_json(folder.failure, failure)
            tell(Event("floor", self.label, 0, 1, why))
            return {self.id: why}
        folder.forget(folder.failure)
        tell(Event("floor", self.label, 1, 1, "done"))
        return {self.id: None}

    def _make(self, folder: TrialFolder) -> None:
        images = ImageCache(self.records.cache / "images", self.records.image)
        train, test = self.records.part("train"), self.records.part("test")
        draws = predict_draws(self.name, train, test, images=images.load)
        scores = score_draws(
            draws,
            {study.id: study.report for study in test},
            train_reports=[study.report for study in train],
            blocks={study.id: self.records.split.blocks[study.id] for study in test},
        )
        first, *others = draws
        write_lines(folder.predictions, [Report(id=i, prediction=text) for i, text in first.items()])
        if others:
            numbered = enumerate(others, start=1)
            write_lines(
                folder.draws,
                [DrawnReport(id=i, prediction=text, draw=n) for n, draw in numbered for i, text in draw.items()],
            )
        write_json(folder.scores, scores.to_record().model_copy(update={"predictions_sha256": digest(draws)}))
        made = {"schema_version": FLOOR_RECORD, "id": self.id, **dict(self.inputs), **dict(provenance())}
        folder.finish(FloorRecord(**made))
