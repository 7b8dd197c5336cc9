"""How many blocks a significant result takes at least."""

from math import ceil, log2


def blocks_needed(tests: int, alpha: float = 0.05) -> int:
    """Return how many blocks a first significant result needs, after correction for so many tests.

    With fewer, even a system that is better in every block has too large a p: 2 of 2^blocks flips reach it.
    """
    return 1 + ceil(log2(max(tests, 1) / alpha))
