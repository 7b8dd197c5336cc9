"""What `amrg bench --roofline` measures, as data."""

from pydantic import Field

from benchmark.bench.model import Measured
from benchmark.forms.record import Stored


class Peaks(Stored):
    """What one core of this machine can do at best.

    Attributes:
        operations: floating-point operations a second, by the product of two large matrices.
        bytes: a second, read and written, by adding to a vector that no cache holds.
    """

    operations: float
    bytes: float


class StepBound(Stored):
    """A training step of some trials, and what bounds it.

    Attributes:
        trials: that take it together.
        engine: `sequential` or `packed`.
        seconds: of the processor, a step of all these trials, the median.
        operations: that are dispatched.
        products: floating-point operations of products of matrices and attention.
        bytes: that operations read and write, as if nothing stayed in a cache.
    """

    trials: int
    engine: str
    seconds: float
    operations: int
    products: int
    bytes: int

    def arithmetic_seconds(self, peaks: Peaks) -> float:
        """Return the least time that its arithmetic takes."""
        return self.products / peaks.operations

    def memory_seconds(self, peaks: Peaks) -> float:
        """Return the time that its memory takes where no operation finds anything in a cache."""
        return self.bytes / peaks.bytes


class RooflineResult(Measured):
    """What `amrg bench --roofline --json` prints."""

    peaks: Peaks
    bounds: tuple[StepBound, ...] = Field(description="sequential first, then packed by number of trials")
