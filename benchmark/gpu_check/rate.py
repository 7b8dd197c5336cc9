"""Seconds of a step as a speed: steps, operations and the share of the card's peak."""

from benchmark.gpu_check.model import Contender, Speed
from benchmark.gpu_check.subject import Subject
from benchmark.planning.costs import training_operations


def speed_of(
    subject: Subject,
    contender: Contender,
    number: int,
    together: int,
    seconds: float,
    *,
    reports: float | None,
    first: float | None = None,
    way: str = "",
) -> Speed:
    """Return the speed of steps that took so many seconds each, of so many trials together."""
    sizes = subject.sizes
    steps = together / seconds
    operations = steps * sizes.rows * training_operations(subject.structure, sizes.ranks[0])
    return Speed(
        contender=contender,
        way=way,
        trials=number,
        together=together,
        rows=sizes.rows,
        tokens=sizes.report,
        steps_per_second=steps,
        operations_per_second=operations,
        share_of_peak=None if subject.peak is None else operations / subject.peak,
        reports_per_second=reports,
        new_tokens=None if reports is None else sizes.new_tokens,
        first_step_seconds=first,
    )
