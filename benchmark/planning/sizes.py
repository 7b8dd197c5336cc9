"""How many studies a suite has, in all and in each part of its split."""

from dataclasses import dataclass

from benchmark.errors import UserError
from benchmark.forms.suite import DmidData, Suite
from benchmark.planning.folder import DmidFolder

DMID_STUDIES = 510
"""Images of the release, where no folder is given to count them in."""
SPLIT = (407, 51, 52)
"""The paper's train, validation and test, of 510; other numbers of studies are parted alike."""


@dataclass(frozen=True)
class Sizes:
    """Numbers of studies: in all, and in train, validation and test; of folds, in one of them."""

    studies: int
    train: int
    validation: int
    test: int


def sizes_of(suite: Suite, data: DmidFolder | None) -> Sizes:
    """Return a suite's sizes: of the DMID folder, where one is given and can be read, else as far as they are known."""
    total = DMID_STUDIES if isinstance(suite.data, DmidData) else suite.data.studies
    if isinstance(suite.data, DmidData) and data is not None:
        try:
            total = len(data.studies)
            if suite.split.folds is None:
                parts = data.split(suite.split)
                return Sizes(total, len(parts.train), len(parts.validation), len(parts.test))
        except UserError:
            pass  # `missing` says what is wrong with the folder
    if suite.split.folds is not None:
        tested = round(total / suite.split.folds)
        return Sizes(total, total - 2 * tested, tested, tested)
    train, validation = (round(total * part / sum(SPLIT)) for part in SPLIT[:2])
    return Sizes(total, train, validation, total - train - validation)
