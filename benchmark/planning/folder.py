"""The DMID folder of a plan: read once and parted once, whoever asks; where it can't be read, each is told so."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from benchmark.data import dmid
from benchmark.data.split import Split
from benchmark.data.split_rules import choose
from benchmark.data.study import Study
from benchmark.errors import UserError
from benchmark.forms.suite import SplitPart


class DmidFolder:
    """A folder that is read when it is first asked for.

    Args:
        path: in DMID's layout.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._splits: dict[SplitPart, Split] = {}

    @property
    def studies(self) -> Sequence[Study]:
        """All complete studies.

        Raises:
            UserError: it can't be read.
        """
        if isinstance(self._read, UserError):
            raise self._read
        return self._read

    def split(self, part: SplitPart) -> Split:
        """Return its studies parted by a suite's rule, which isn't one of folds.

        Raises:
            UserError: it can't be read, or can't be parted so.
        """
        if part not in self._splits:
            self._splits[part] = choose(self.studies, part.name, seed=part.seed)
        return self._splits[part]

    @cached_property
    def _read(self) -> Sequence[Study] | UserError:
        try:
            return dmid.read(self.path).studies
        except UserError as error:
            return error
