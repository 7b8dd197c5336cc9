"""Values of a suite that its form allows, and that would fail or mislead once it runs; found before anything begins."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.data.split_names import RULES
from benchmark.data.split_rules import read_ids
from benchmark.errors import UserError
from benchmark.forms.suite import Entry, PhantomData, Suite
from benchmark.planning.folder import DmidFolder
from benchmark.planning.sizes import sizes_of
from benchmark.suites.load import SuiteSource, built_in, load_suite

if TYPE_CHECKING:
    from backbones.base import Backbone

NARROWEST = 64
"""Width that no decoder's projection falls below; ranks up to it need no look at the structure."""
FEW_STUDIES = 40
"""Studies for each fold, from which on there are blocks enough without looking."""
FEW_TOKENS = 512
"""Tokens of an image, a prompt and a report that every decoder has positions for."""


@dataclass(frozen=True)
class Remark:
    """Something about a value of a suite.

    Attributes:
        place: of the value: the keys and indices that lead to it.
        text: what is wrong, and what to do.
        fatal: whether the suite can't run with it.
    """

    place: tuple[int | str, ...]
    text: str
    fatal: bool

    def told(self, source: SuiteSource | None) -> str:
        """Return it with the line that the value stands in, where the suite was read from a file."""
        return f"{source.at(*self.place)}: {self.text}" if source else self.text


def remarks(suite: Suite, data: Path | DmidFolder | None, source: SuiteSource | None = None) -> list[Remark]:
    """Return what is to be said of a suite's values, what stops it first.

    Args:
        suite: the suite.
        data: the DMID folder, where one was given; read already or not.
        source: where it was read.
    """
    folder = DmidFolder(data) if isinstance(data, Path) else data
    every = [
        *_name(suite, source),
        *_prompt(suite),
        *_warm_up(suite, folder),
        *_parts(suite, folder),
        *_ranks(suite),
        *_lengths(suite),
    ]
    return sorted(every, key=lambda remark: not remark.fatal)


def _name(suite: Suite, source: SuiteSource | None) -> Iterator[Remark]:
    """A file with the name of a suite that comes along takes its place among results and leaderboards."""
    if source is None or not source.is_file or suite.name not in built_in() or load_suite(suite.name) == suite:
        return
    yield Remark(
        ("name",),
        f"a suite that comes with amrg is called {suite.name!r} too: this one is run, but its results and leaderboard "
        f"take the other's place, and `amrg sweep {suite.name}` runs the other. Give it a name of its own.",
        fatal=False,
    )


def _prompt(suite: Suite) -> Iterator[Remark]:
    """A prompt that spells an image token, or a turn's marker, of any family."""
    prompt = suite.protocol.prompt
    if not any(bracket in prompt for bracket in "<["):
        return
    from backbones.registry import BUILT_IN, get
    from backbones.texts import spelt_in_prompt

    specials: set[str] = set()
    for name in dict.fromkeys([*BUILT_IN, *(entry.name for entry in suite.backbones)]):
        try:
            specials.update(get(name).known_specials())
        except UserError:
            continue  # `missing` says what is wrong with it
    if spelt := sorted(text for text in specials if text and text in prompt):
        yield Remark(("protocol", "prompt"), spelt_in_prompt(spelt), fatal=True)


def _warm_up(suite: Suite, data: DmidFolder | None) -> Iterator[Remark]:
    protocol = suite.protocol
    if not protocol.warmup_steps:
        return
    # Only epochs depend on how many studies train, for which the data have to be read.
    steps = protocol.steps or protocol.total_steps(sizes_of(suite, data).train)
    if protocol.warmup_steps >= steps:
        reached = protocol.learning_rate * steps / (protocol.warmup_steps + 1)
        yield Remark(
            ("protocol", "warmup_steps"),
            f"training ends after {steps} steps, within its warm-up of {protocol.warmup_steps}: the learning rate gets "
            f"to {reached:.2g}, never to {protocol.learning_rate:.2g}. Give fewer `warmup_steps`, or longer training.",
            fatal=False,
        )


def _parts(suite: Suite, data: DmidFolder | None) -> Iterator[Remark]:
    """A split file that isn't one, and parts that would be empty."""
    name, folds = suite.split.name, suite.split.folds
    if name not in RULES:
        try:
            read_ids(Path(name))
        except UserError as error:
            yield Remark(("split", "name"), str(error), fatal=True)
            return
    few = folds is not None and isinstance(suite.data, PhantomData) and suite.data.studies < FEW_STUDIES * folds
    if few or (name not in RULES and isinstance(suite.data, PhantomData)):
        from benchmark.planning.design import splits_of

        try:
            parts = splits_of(suite, data)
        except UserError as error:
            yield Remark(("split", "folds" if folds else "name"), str(error), fatal=True)
            return
        if any(not part.train or not part.test for part in parts):
            yield Remark(
                ("split", "folds" if folds else "name"),
                "a part that trains or tests would be empty. Give more studies, or fewer folds.",
                fatal=True,
            )


def _ranks(suite: Suite) -> Iterator[Remark]:
    """A rank beyond the narrowest projection that it adapts can say no more than that width lets it."""
    largest = max(suite.grid.ranks)
    if largest <= NARROWEST:
        return
    from benchmark.planning.structures import structure_of

    for entry, plugin in _plugins(suite):
        structure = structure_of(entry, plugin)
        width = min((min(pair) for pair in structure.adapted), default=largest) if structure else largest
        if largest > width:
            place, rank = next((place, rank) for place, rank in _places_of_ranks(suite) if rank > width)
            yield Remark(
                place,
                f"rank {rank} is beyond the narrowest projection of {entry.name}, {width} wide: such "
                "an adapter costs more than all weights of that projection, and can do no more.",
                fatal=False,
            )


def _places_of_ranks(suite: Suite) -> list[tuple[tuple[int | str, ...], int]]:
    """Return every rank of the grid with the keys and indices that lead to it."""
    points: list[tuple[tuple[int | str, ...], int]] = [
        (("grid", "points", i, "rank"), point.rank) for i, point in enumerate(suite.grid.points)
    ]
    return points or [(("grid", "rank", i), rank) for i, rank in enumerate(suite.grid.rank)]


def _lengths(suite: Suite) -> Iterator[Remark]:
    """An image, the prompt and a report have to be within the positions that a decoder was made for."""
    limit, words = suite.protocol.max_new_tokens, len(suite.protocol.prompt.split())
    if limit + words <= FEW_TOKENS:
        return
    for entry, plugin in _plugins(suite):
        positions, image = _positions(entry, plugin)
        if positions is not None and image + words + limit > positions:
            which = "prompt" if words > limit else "max_new_tokens"
            yield Remark(
                ("protocol", which),
                f"{entry.name} has positions for {positions} tokens, but an image takes {image}, the prompt at least "
                f"{words} and a report up to {limit} (`max_new_tokens`). Give fewer `max_new_tokens`, or a shorter "
                "prompt.",
                fatal=True,
            )


def _positions(entry: Entry, plugin: "type[Backbone]") -> tuple[int | None, int]:
    """Return how many positions an entry's decoder has, None where that isn't known, and the tokens of an image."""
    from benchmark.planning.structures import configuration_of, structure_of

    structure, config = structure_of(entry, plugin), configuration_of(entry, plugin)
    if structure is None or config is None:
        return None, plugin.checkpoint.image_tokens
    positions = getattr(config.get_text_config(), "max_position_embeddings", None)
    return (positions if isinstance(positions, int) else None), structure.image_tokens


def _plugins(suite: Suite) -> "Iterator[tuple[Entry, type[Backbone]]]":
    """Yield entries whose structure can be known, with their plugins; `missing` says what is wrong with others."""
    from benchmark.entries.plugins import plugin_of
    from benchmark.planning.structures import structure_of

    for entry in suite.backbones:
        try:
            plugin = plugin_of(entry)
            structure_of(entry, plugin)
        except (UserError, OSError, ValueError):
            continue
        yield entry, plugin
