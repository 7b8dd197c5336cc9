"""What a check hands back, before it is said how it ended."""

from dataclasses import dataclass, field

from benchmark.gpu_check.model import Difference, MemoryUse, Speed


@dataclass
class Found:
    """What a check measured: see `benchmark.gpu_check.model.Finding`.

    Attributes:
        note: what is to be known of it.
        differences, memory, speeds: what it measured.
        problems: parts of it that failed, each with its reason.
        skipped: why a part of it could not be done here; empty where all was.
    """

    note: str = ""
    differences: list[Difference] = field(default_factory=list)
    memory: list[MemoryUse] = field(default_factory=list)
    speeds: list[Speed] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def wrong(self) -> str:
        """What of it is a failure, in words; empty where nothing is."""
        far = [f"difference of {difference}" for difference in self.differences if difference.exceeds]
        large = [
            f"{m.stage}: {m.measured / 1e9:.2f} GB, planned {m.planned / 1e9:.2f}" for m in self.memory if m.exceeds
        ]
        return "; ".join([*self.problems, *far, *large])
