"""`make simulations` in small: rates are binomial numbers, held to their bounds at one in a million."""

import pytest
from scipy import stats
from simulations import World, any_cleared, any_pair, covered, detected, difference_covered, rate

from metrics.statistics.statistics import Draws, SignFlips

pytestmark = pytest.mark.numeric

REPETITIONS = 200
CHANCE = 1e-6
WORLDS = [World(8), World(12, outlying=True), World(19, 3, of_seeds=0.02)]


def could_be(found: float, bound: float, alternative: str) -> bool:
    """Whether a rate that is the bound, or on its right side, gives what was found."""
    return bool(stats.binomtest(round(found * REPETITIONS), REPETITIONS, bound, alternative).pvalue > CHANCE)


@pytest.mark.parametrize("world", WORLDS)
def test_verdicts_on_equals_are_rare_and_intervals_hold(world: World) -> None:
    flips, draws = SignFlips(world.blocks, 1_000), Draws(world.blocks, 500)
    assert could_be(rate(any_pair(world, 4, flips), REPETITIONS), 0.05, "greater")
    assert could_be(rate(any_cleared(world, 4, 3, flips), REPETITIONS), 0.05, "greater")
    assert could_be(rate(covered(world, draws), REPETITIONS), 0.93, "less")
    assert could_be(rate(difference_covered(world, draws), REPETITIONS), 0.93, "less")


@pytest.mark.parametrize("systems", [2, 4])
def test_the_printed_difference_is_found_in_most_repetitions(systems: int) -> None:
    world = World(19)
    found = rate(detected(world, systems, SignFlips(19, 1_000)), REPETITIONS)
    assert could_be(found, 0.75, "less")
    assert could_be(found, 0.9, "greater")
