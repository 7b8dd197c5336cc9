"""How a sweep ended, and the error that its failures are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmark.errors import RunFailed
from benchmark.forms.suite import Suite, Trial


@dataclass(frozen=True)
class Summary:
    """How a sweep ended.

    Attributes:
        suite: which suite.
        trials: all of it.
        already: how many were done before.
        ran: how many were done now.
        elsewhere: how many another sweep of the same results did meanwhile.
        failed, failed_floors: why, by the trial's label or the floor's name.
        exited: how many exited at a rung, before or now; those now aren't among `ran`.
    """

    suite: Suite
    trials: tuple[Trial, ...]
    already: int
    ran: int
    failed: Mapping[str, str] = field(default_factory=dict)
    failed_floors: Mapping[str, str] = field(default_factory=dict)
    elsewhere: int = 0
    exited: int = 0


def check(summary: Summary) -> None:
    """Raise for failed trials, once everything else is stored and shown.

    Raises:
        RunFailed: naming each failed trial and its reason.
    """
    floors = {f"the floor {name}": why for name, why in summary.failed_floors.items()}
    if not summary.failed and not floors:
        return
    listed = "\n".join(f"  - {name}: {why}" for name, why in {**summary.failed, **floors}.items())
    counts = [f"{len(summary.failed)} of {len(summary.trials)} trials"] if summary.failed else []
    planned = len(summary.suite.baselines) * len(summary.suite.fold_numbers())
    counts += [f"{len(floors)} of {planned} floors"] if floors else []
    raise RunFailed(f"{' and '.join(counts)} failed; the others are kept:\n{listed}")
