"""How much is done: at full size on a GPU, and reduced so that a processor does the same lines in seconds."""

from dataclasses import dataclass

BACKBONES = ("medgemma-4b-it", "qwen2.5-vl-3b")


@dataclass(frozen=True)
class Sizes:
    """Numbers of a check.

    Attributes:
        rows: reports of a trial in a step, where memory holds them.
        report, longest: tokens of a report, and of the longest, which memory is planned for.
        images: different ones, each learned from and written for.
        parity_rows, parity_steps: reports of a trial, and steps that both engines take.
        warm, timed: steps before the clock runs, and steps timed.
        new_tokens: of a written report.
        parity_tokens: of one that both engines write.
        ranks: of trials whose parity and memory are looked at; the first is that of trials that are timed.
        trials: numbers of trials that are timed.
        of_halving: trials of which memory is made to hold half.
    """

    rows: int
    report: int
    longest: int
    images: int
    parity_rows: int
    parity_steps: int
    warm: int
    timed: int
    new_tokens: int
    parity_tokens: int
    ranks: tuple[int, int]
    trials: tuple[int, ...]
    of_halving: int = 4


FULL = Sizes(
    rows=8, report=93, longest=175, images=8, parity_rows=2, parity_steps=2, warm=2, timed=4, new_tokens=48,
    parity_tokens=16, ranks=(8, 64), trials=(1, 4, 8, 16),
)  # fmt: skip
SMALL = Sizes(
    rows=2, report=16, longest=16, images=2, parity_rows=1, parity_steps=2, warm=1, timed=1, new_tokens=2,
    parity_tokens=2, ranks=(2, 4), trials=(1, 2), of_halving=2,
)  # fmt: skip
