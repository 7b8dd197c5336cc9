"""A floor: a baseline's predictions, scored and stored as a trial's are."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmark import failures
from benchmark.data.image import ImageCache
from benchmark.data.records import Records
from benchmark.errors import UserError
from benchmark.progress.events import Event, tell
from benchmark.provenance import commit, versions
from benchmark.scoring.baselines import predict
from benchmark.scoring.score import score_predictions
from benchmark.store import Store, TrialFolder, write_json, write_lines


@dataclass(frozen=True)
class Floor:
    """One baseline on a suite's data and split.

    Attributes:
        name: one of `benchmark.scoring.baselines.BASELINES`.
        data: fingerprint of the data set.
        records: studies, split, and where images and results lie.
    """

    name: str
    data: str
    records: Records

    @property
    def id(self) -> str:
        """The name of its folder: a hash of what can change its predictions."""
        return hashlib.sha256(json.dumps(self._described(), sort_keys=True).encode()).hexdigest()[:16]

    def _described(self) -> dict[str, object]:
        split, image = self.records.split.fingerprint, self.records.image.to_dict()
        return {"baseline": self.name, "data": self.data, "split": split, "image": image}

    def __call__(self) -> dict[str, str | None]:
        """Predict and score, unless that is done; why it failed, or None, by id, as a pack says it.

        Raises:
            UserError: something that the user can mend.
        """
        folder = Store(self.records.results).of(self.id)
        if folder.is_done():
            return {self.id: None}
        try:
            self._make(folder)
        except UserError:
            raise
        except Exception as error:
            reason = failures.reason(error, (study.report for study in self.records.studies))
            failure = failures.Failure(
                trial=self._described(),
                stage="floor",
                reason=reason,
                details={"traceback": failures.frames(error)},
                at=datetime.now(UTC).replace(microsecond=0),
            )
            write_json(folder.failure, failure.model_dump(mode="json"))
            tell(Event("trial", self.name, 0, 1, reason))
            return {self.id: reason}
        folder.forget(folder.failure)
        tell(Event("trial", self.name, 1, 1, "done"))
        return {self.id: None}

    def _make(self, folder: TrialFolder) -> None:
        images = ImageCache(self.records.cache / "images", self.records.image)
        train, test = self.records.part("train"), self.records.part("test")
        predicted = predict(self.name, train, test, images=images.load)
        scores = score_predictions(
            predicted,
            {study.id: study.report for study in test},
            train_reports=[study.report for study in train],
            blocks={study.id: self.records.split.blocks[study.id] for study in test},
        )
        write_lines(folder.predictions, [{"id": i, "prediction": text} for i, text in predicted.items()])
        write_json(folder.scores, scores.to_dict())
        write_json(folder.trial, {"id": self.id, **self._described(), "commit": commit(), "versions": versions()})
