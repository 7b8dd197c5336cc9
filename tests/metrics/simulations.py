"""How often verdicts are wrong, intervals hold, and differences are found, by simulation: `make simulations`.

Systems are simulated as a leaderboard meets them: what a block is worth (shared by all systems), what a system makes of
it, and what a seed adds. Spreads are those of ROUGE-L on DMID: .12 between reports, .08 of a system on a block, .02
between seeds. `outlying` blocks are rare and large: one in ten is four times as far from the mean.

    python tests/metrics/simulations.py [--repetitions 400]
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from metrics.metric import mean_of
from metrics.statistics.statistics import (
    Draws,
    Sample,
    SignFlips,
    blocks_needed,
    detectable_difference,
    difference,
    difference_error,
    holm,
    interval,
    p_above_all,
    p_value,
    rank_sets,
    sample,
    seed_spread,
)

BLOCKS = (8, 12, 19, 40)
OF_BLOCKS, OF_CELLS, OF_SEEDS = 0.12, 0.08, 0.02


@dataclass(frozen=True)
class World:
    """What is simulated.

    Attributes:
        blocks, seeds: of every system.
        outlying: whether rare blocks lie far out.
        of_seeds: standard deviation between seeds of one setting.
    """

    blocks: int
    seeds: int = 1
    outlying: bool = False
    of_seeds: float = 0.0

    def system(self, random: np.random.Generator, shared: np.ndarray, better: float = 0.0) -> Sample:
        """A system that is better than others by so much in truth."""
        cells = random.normal(0, OF_CELLS, (self.seeds, self.blocks)) * self._far(random)
        seeds = random.normal(0, self.of_seeds, (self.seeds, 1)) if self.of_seeds else 0.0
        values = better + shared + seeds + cells
        names = [f"{i:03d}" for i in range(self.blocks)]
        return sample([mean_of("m", "s", row) for row in values], names)

    def shared(self, random: np.random.Generator) -> np.ndarray:
        """What the blocks are worth."""
        return random.normal(0, OF_BLOCKS, self.blocks) * self._far(random)

    def _far(self, random: np.random.Generator) -> np.ndarray:
        return np.where(random.random(self.blocks) < 0.1, 4.0, 1.0) if self.outlying else np.ones(self.blocks)


def rate(once: Callable[[np.random.Generator], bool], repetitions: int, seed: int = 0) -> float:
    """How often something happens."""
    random = np.random.default_rng(seed)
    return sum(once(random) for _ in range(repetitions)) / repetitions


def any_pair(world: World, systems: int, flips: SignFlips) -> Callable[[np.random.Generator], bool]:
    """Whether equal systems get any verdict."""

    def once(random: np.random.Generator) -> bool:
        shared = world.shared(random)
        sets = rank_sets([world.system(random, shared) for _ in range(systems)], flips)
        return bool((sets.best > 1).any() or (sets.worst < systems).any())

    return once


def any_cleared(world: World, rows: int, floors: int, flips: SignFlips) -> Callable[[np.random.Generator], bool]:
    """Whether rows that are as good as the best of equal floors are said to be above it."""

    def once(random: np.random.Generator) -> bool:
        shared = world.shared(random)
        below = [World(world.blocks, outlying=world.outlying).system(random, shared) for _ in range(floors)]
        above = [world.system(random, shared) for _ in range(rows)]
        spread = seed_spread(above)
        p = [p_above_all(row, below, flips, higher_is_better=True, spread=spread) for row in above]
        return bool((holm(p) <= 0.05).any())

    return once


def covered(world: World, draws: Draws) -> Callable[[np.random.Generator], bool]:
    """Whether the interval of a score holds the true one."""

    def once(random: np.random.Generator) -> bool:
        ends = interval(world.system(random, world.shared(random)), draws)
        return bool(ends.low <= 0 <= ends.high)

    return once


def difference_covered(world: World, draws: Draws) -> Callable[[np.random.Generator], bool]:
    """Whether the interval of a difference of equal systems holds 0."""

    def once(random: np.random.Generator) -> bool:
        shared = world.shared(random)
        return not difference(world.system(random, shared), world.system(random, shared), draws).excludes_zero

    return once


def detected(world: World, systems: int, flips: SignFlips) -> Callable[[np.random.Generator], bool]:
    """Whether, of equal systems and one that is better by the difference that is printed, that pair is found."""
    pairs = systems * (systems - 1) // 2
    of_pair = OF_CELLS * np.sqrt(2 / world.blocks / world.seeds + 2 * (world.of_seeds / OF_CELLS) ** 2 / world.seeds)

    def once(random: np.random.Generator) -> bool:
        shared = world.shared(random)
        error = difference_error(world.system(random, shared), world.system(random, shared))
        size = detectable_difference(type(error)(float(of_pair), error.degrees_of_freedom), tests=pairs)
        drawn = [world.system(random, shared, size if place == 0 else 0.0) for place in range(systems)]
        spread = seed_spread(drawn)
        p = [p_value(drawn[i], drawn[j], flips, spread) for i in range(systems) for j in range(i + 1, systems)]
        return bool(holm(p)[0] <= 0.05)

    return once


def main() -> None:
    """Print all rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=400)
    repetitions = parser.parse_args().repetitions
    console, error = Console(width=120), 2 * np.sqrt(0.05 * 0.95 / repetitions)
    console.print(f"{repetitions} repetitions: a rate of 5 % is known to ± {100 * error:.1f} %.")
    head = [
        "any of 6 pairs", "any row clears", "score held", "difference held", "found, 1 pair", "found, 6 pairs",
    ]  # fmt: skip
    table = Table("blocks", "seeds", "blocks are", *head, title="What verdicts are worth", title_justify="left")
    for blocks, seeds, outlying in track(list(product(BLOCKS, (1, 3), (False, True))), "Worlds", console=console):
        flips, draws = SignFlips(blocks), Draws(blocks, 1_000)
        world = World(blocks, seeds, outlying, OF_SEEDS if seeds > 1 else 0.0)
        cells = [
            rate(any_pair(world, 4, flips), repetitions),
            rate(any_cleared(world, 4, 3, flips), repetitions),
            rate(covered(world, draws), repetitions),
            rate(difference_covered(world, draws), repetitions),
        ]
        shown = [f"{100 * cell:.1f} %" for cell in cells]
        for systems in (2, 4):
            possible = blocks >= blocks_needed(systems * (systems - 1) // 2) and not outlying
            power = rate(detected(world, systems, flips), repetitions) if possible else None
            shown.append("–" if power is None else f"{100 * power:.0f} %")
        table.add_row(str(blocks), str(seeds), "outlying" if outlying else "normal", *shown)
    console.print(table)


if __name__ == "__main__":
    main()
