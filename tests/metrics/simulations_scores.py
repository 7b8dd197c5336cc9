"""Which score a verdict should rest on, by simulation: `make simulations` prints it beside `simulations.py`'s table.

Readers of known skill "write" reports of digital phantoms: with the probability that their skill gives, what somebody
wrote of another image of the same category and density, else of any other image. So every score, text or clinical, is
computed by the project's own code, and its true value, over all phantoms and all choices, is known. Patients are the
blocks; some patients are easier than others, for all readers and seeds.

Asked of each score, by the number of test blocks:

- how often does its interval hold the true value, and that of a difference of two equal readers 0?
- what is its bias, in hundredths?
- how well does it tell a reader of skill .5 from one of .65: the difference over its standard deviation? A score in
  which that is greater finds the same improvement with fewer patients;
- the standard deviation of the difference of two equal readers, times the root of the number of blocks: what a plan
  needs to say how small a difference it can find.

    python tests/metrics/simulations_scores.py [--repetitions 300]
"""

import argparse
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from benchmark.phantoms.cases import plan
from benchmark.phantoms.reports import report
from benchmark.scoring.score import report_statistics
from metrics.metric import Array, ReportStatistics
from metrics.registry import METRICS
from metrics.statistics.statistics import Draws, Sample, difference, interval

SCORES = (
    "rouge_l", "birads_exact", "birads_major", "birads_kappa", "birads_f1_macro", "birads_binary", "findings_f1_micro",
    "findings_f1_macro", "mammogreen_rules",
)  # fmt: skip
STUDIES, RIGHT, WRONG = 1_200, 4, 8
BLOCKS = (8, 12, 19, 40, 120)
SKILL, BETTER = 0.5, 0.65
EVENNESS = 4.0
"""Of the beta distribution of how easy a patient is: the smaller, the more patients are read all right or all wrong."""


@dataclass(frozen=True)
class Archive:
    """Phantoms and what readers may write of them.

    Attributes:
        patients: the studies of each.
        statistics: score to float64 [studies, RIGHT + WRONG, k]: of each text that may be written of a study.
        kinds: score to the statistics that they were cut from, for `combine` and names.
    """

    patients: tuple[npt.NDArray[np.int64], ...]
    statistics: dict[str, Array]
    kinds: dict[str, ReportStatistics]

    def truth(self, name: str, skill: float) -> float:
        """Return a score's value over all studies and all that a reader of this skill may write."""
        table = self.statistics[name]
        right, wrong = table[:, :RIGHT].mean(axis=1), table[:, RIGHT:].mean(axis=1)
        return float(self.kinds[name].combine((skill * right + (1 - skill) * wrong).sum(axis=0)))


@cache
def archive() -> Archive:
    """Return phantoms with their texts scored."""
    random = np.random.default_rng(0)
    truths = [case.truth for case in plan(STUDIES, seed=0, size=64)]
    references = [report(truth, "dmid", seed=0) for truth in truths]
    alike: dict[tuple[str, str], list[int]] = {}
    for place, truth in enumerate(truths):
        alike.setdefault((truth.birads, truth.density), []).append(place)
    texts: list[str] = []
    for truth in truths:
        chosen = [*random.choice(alike[truth.birads, truth.density], RIGHT), *random.choice(STUDIES, WRONG)]
        texts += [references[place] for place in chosen]
    options = RIGHT + WRONG
    keys = [f"{number:06d}" for number in range(len(texts))]
    scored = report_statistics(
        dict(zip(keys, texts, strict=True)),
        {key: references[place // options] for place, key in enumerate(keys)},
        names=SCORES,
    )
    patients: dict[int, list[int]] = {}
    for place, truth in enumerate(truths):
        patients.setdefault(truth.patient, []).append(place)
    return Archive(
        tuple(np.array(places) for places in patients.values()),
        {name: scored[name].statistics.reshape(STUDIES, options, -1) for name in SCORES},
        {name: scored[name] for name in SCORES},
    )


@dataclass(frozen=True)
class TestPart:
    """Patients drawn for a test part: their studies, the block of each, and how easy each block is (a quantile)."""

    studies: npt.NDArray[np.int64]
    blocks: npt.NDArray[np.int64]
    ease: Array

    __test__ = False  # no test, whatever pytest makes of the name

    @classmethod
    def drawn(cls, blocks: int, random: np.random.Generator) -> "TestPart":
        """Draw as many patients, any of them once or more."""
        patients = archive().patients
        chosen = random.integers(len(patients), size=blocks)
        studies = np.concatenate([patients[place] for place in chosen])
        of = np.repeat(np.arange(blocks), [len(patients[place]) for place in chosen])
        return cls(studies, of, random.random(blocks))

    def read(self, skill: float, seeds: int, random: np.random.Generator) -> dict[str, Sample]:
        """Return the scores of a reader of this skill, tuned with as many seeds."""
        from scipy.stats import beta

        easy = beta.ppf(self.ease, EVENNESS * skill, EVENNESS * (1 - skill))[self.blocks]
        shape = (seeds, len(self.studies))
        right = random.random(shape) < easy
        option = np.where(right, random.integers(RIGHT, size=shape), RIGHT + random.integers(WRONG, size=shape))
        members = np.zeros((len(self.ease), len(self.studies)))
        members[self.blocks, np.arange(len(self.studies))] = 1
        return {
            name: Sample(name, np.stack([members @ table[self.studies, row] for row in option]), one.combine)
            for (name, table), one in zip(archive().statistics.items(), archive().kinds.values(), strict=True)
        }


@dataclass
class Tally:
    """What repetitions gave for one score: how often its intervals held, its values, and gains of the better reader."""

    held: int = 0
    held_difference: int = 0
    values: list[float] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)
    differences: list[float] = field(default_factory=list)

    def shown(self, truth: float, blocks: int) -> list[str]:
        """Return the cells of a table's row."""
        repetitions, gains = len(self.values), np.array(self.gains)
        return [
            f"{100 * self.held / repetitions:.1f}",
            f"{100 * self.held_difference / repetitions:.1f}",
            f"{100 * (np.nanmean(self.values) - truth):+.1f}",
            f"{abs(np.nanmean(gains) / np.nanstd(gains)):.2f}",
            f"{np.nanstd(self.differences) * np.sqrt(blocks):.2f}",
        ]


def tallies(blocks: int, seeds: int, repetitions: int) -> dict[str, Tally]:
    """Return what repetitions give, by score."""
    random, draws = np.random.default_rng(blocks * 10 + seeds), Draws(blocks, 1_000)
    truth = {name: archive().truth(name, SKILL) for name in SCORES}
    by_score = {name: Tally() for name in SCORES}
    for _ in range(repetitions):
        part = TestPart.drawn(blocks, random)
        one, equal, better = (part.read(skill, seeds, random) for skill in (SKILL, SKILL, BETTER))
        for name, tally in by_score.items():
            bounds = METRICS[name].bounds
            ends = interval(one[name], draws, bounds=bounds)
            apart = difference(one[name], equal[name], draws)
            tally.held += bool(ends.low <= truth[name] <= ends.high)
            tally.held_difference += not apart.excludes_zero
            tally.values.append(one[name].value)
            tally.gains.append(better[name].value - one[name].value)
            tally.differences.append(equal[name].value - one[name].value)
    return by_score


def main() -> None:
    """Print all rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=300)
    repetitions = parser.parse_args().repetitions
    console = Console(width=120)
    head = ["interval holds, %", "difference holds 0, %", "bias, 1/100", "improvement, sd", "spread per block"]
    table = Table("score", "blocks", "seeds", *head, title="Which score behaves", title_justify="left")
    for blocks in BLOCKS:
        for seeds in (1, 3):
            for name, tally in tallies(blocks, seeds, repetitions).items():
                table.add_row(name, str(blocks), str(seeds), *tally.shown(archive().truth(name, SKILL), blocks))
    console.print(table)


if __name__ == "__main__":
    main()
