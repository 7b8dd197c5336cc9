"""What is wrong with a data set, said once and in one form."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a data set.

    Attributes:
        path: the file or folder, relative to the data set where it lies inside.
        reason: what is wrong and, where it helps, what was expected. Never quotes a report.
        record: the id of the study it concerns, or None.
        fatal: the record, or with no record the data set, can't be used because of it.
    """

    path: str
    reason: str
    record: str | None = None
    fatal: bool = False

    def __str__(self) -> str:
        record = f" [{self.record}]" if self.record else ""
        return f"{self.path}{record}: {self.reason}"
