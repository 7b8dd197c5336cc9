"""What a sweep works on: studies, their split, and where images and results lie."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.data.image import ImageSettings
from benchmark.data.split import Split
from benchmark.data.study import Study


@dataclass(frozen=True)
class Records:
    """What every pack of a sweep is given: studies, split, where images and results lie."""

    studies: tuple[Study, ...]
    split: Split
    image: ImageSettings
    cache: Path
    results: Path
    command: str

    def part(self, name: str) -> list[Study]:
        """The studies of train, validation or test, in the order of the split."""
        by_id = {study.id: study for study in self.studies}
        return [by_id[i] for i in getattr(self.split, name)]
