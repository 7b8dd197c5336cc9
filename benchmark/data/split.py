"""Split: which studies train, which validate, which test, and in which blocks they hang together."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from benchmark.data.study import Study
from benchmark.forms.record import Leakage, SplitFile, SplitRecord
from benchmark.results.store import write_json

PARTS: tuple[Literal["train", "validation", "test"], ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Which studies train, which validate, which test.

    Attributes:
        name: sequential, random, blocked or file.
        seed: what the order was made from, or None where nothing is random.
        train, validation, test: ids in the order of their numbers.
        blocks: every id to the label of its block: the units of resampling.
        rule: how it came about, in words.
    """

    name: str
    seed: int | None
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    blocks: dict[str, str] = field(hash=False)
    rule: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of who is in which part and which block: all that can change a result."""
        content = [self.train, self.validation, self.test, sorted(self.blocks.items())]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def studies(self, part: str, among: Iterable[Study]) -> list[Study]:
        """Return the studies of train, validation or test, in the order of the split.

        Args:
            part: one of `PARTS`.
            among: studies in any order, those of the part among them.
        """
        by_id = {study.id: study for study in among}
        return [by_id[i] for i in getattr(self, part)]

    def part_of(self) -> dict[str, str]:
        """Return the name of each id's part."""
        return {i: part for part in PARTS for i in getattr(self, part)}

    def to_file(self) -> SplitFile:
        """Return it as a file has it, with its fingerprint."""
        return SplitFile(**vars(self), fingerprint=self.fingerprint)

    def to_record(self, leakage: Leakage) -> SplitRecord:
        """Return it as the record of a suite has it, with what it lets through."""
        return SplitRecord(**dict(self.to_file()), leakage=leakage)

    @classmethod
    def from_record(cls, record: SplitRecord) -> Self:
        """Return the split of a record."""
        return cls(record.name, record.seed, record.train, record.validation, record.test, record.blocks, record.rule)

    def save(self, path: Path) -> None:
        """Write the split as a file that `split_rules.load` reads."""
        write_json(path, self.to_file())
