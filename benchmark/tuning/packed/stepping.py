"""A pack's steps one by one, as `PackTraining.run` takes them, but for looks at the losses: those wait for a GPU."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext

from benchmark.tuning import batches
from benchmark.tuning.fused import fused
from benchmark.tuning.packed.training import PackTraining
from benchmark.tuning.protocol import training


class Stepping(PackTraining):
    """A pack whose steps are counted out to it."""

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Let `take`, within, take steps; the adapters are out of the model when the block ends."""
        fewer_passes = fused(self.backbone.model, compiled=self.protocol.compile)
        try:
            with training(self.backbone, self.protocol), fewer_passes, self.layers.installed():
                yield
        finally:
            self.close()

    def take(self, numbers: Sequence[int], within: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """Take these steps, each within what is given; their batches are made on the host, outside of it."""
        with closing(batches.prefetched(self._on_host, numbers, self.backbone.device)) as steps:
            for step in steps:
                with within():
                    self._step(step)

    def look(self) -> list[list[float]]:
        """Bring the losses of all steps so far to the host; a list a trial.

        Raises:
            ArithmeticError: one isn't finite.
        """
        if not self._look():
            raise ArithmeticError("; ".join(self.failures.values()))
        return [[row["loss"] for row in losses] for losses in self.losses]
