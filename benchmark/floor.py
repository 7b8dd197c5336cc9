"""A floor: a baseline's predictions, scored and stored as a trial's are."""

import hashlib
import json
from dataclasses import dataclass

from benchmark.baselines import predict
from benchmark.data.image import ImageCache
from benchmark.events import Event, tell
from benchmark.pack import Records
from benchmark.provenance import commit, versions
from benchmark.scoring import score_predictions
from benchmark.store import Store, write_json, write_lines


@dataclass(frozen=True)
class Floor:
    """One baseline on a suite's data and split.

    Attributes:
        name: one of `benchmark.baselines.BASELINES`.
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
        """Predict and score, unless that is done; nothing failed, as a pack would say it."""
        folder = Store(self.records.results).of(self.id)
        if folder.is_done():
            return {}
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
        tell(Event("trial", self.name, 1, 1, "done"))
        return {}
