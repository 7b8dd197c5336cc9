"""The table of families in docs/backbones.md, counted anew: `python tests/backbones/families_table.py --write`.

`test_families_table.py` holds the document to it.
"""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import published_families
import published_further
from further_families import FURTHER
from published_folders import write_folder

from backbones.base import Backbone
from backbones.coverage import Coverage, coverage
from backbones.published_files import in_folder
from backbones.reading import read
from backbones.registry import BUILT_IN, get
from backbones.roles import ATTENTION, MIXER, MLP, Role
from backbones.statements import Statements
from backbones.structure import build

DOCUMENT = Path(__file__).parents[2] / "docs" / "backbones.md"
BEGIN, END = "<!-- families -->", "<!-- end of families -->"
SIDE = 896
"""Side of the picture, in pixels, where a processor makes more of a larger one."""
COLUMNS: tuple[tuple[str, tuple[Role, ...]], ...] = (
    ("attention", ATTENTION), ("mixer", MIXER), ("MLP", MLP), ("experts", ("experts",)), ("other", ("other",)),
)  # fmt: skip


def table() -> str:
    """Return the table, between its marks."""
    shares = [name for name, _ in COLUMNS]
    columns = ["family", "class of transformers", "image tokens", *shares, "of all", "at r = 8", "trials", "licence"]
    lines = [_line(columns), _line(["---", "---", "---:", *["---:"] * 7, "---", "---"])]
    return "\n".join([BEGIN, *lines, *map(_line, _rows()), "", *_notes(), END])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rows() -> Iterator[list[str]]:
    seen: dict[str, str] = {}
    for name in BUILT_IN:
        plugin = get(name)
        config = plugin.full_configuration()
        if config is None or plugin.configuration in seen.values():
            continue  # the same structure, trained further
        seen[name] = str(plugin.configuration)
        model = build(config)
        licence = plugin.checkpoint.licence + (", gated" if plugin.checkpoint.gated else "")
        pinned = plugin.checkpoint
        tokens = f"{pinned.image_tokens:,} of {pinned.image_size} px"
        yield [f"`{name}`", type(model).__name__, tokens, *_cells(coverage(plugin, model)), licence]
    for name, family in FURTHER.items():
        model_class, reached = _counted(name)
        yield [name, model_class, _image_tokens(family.processor), *_cells(reached), family.licence or "see its card"]


@cache
def _counted(name: str) -> tuple[str, Coverage]:
    """Return a further family's class, and how much of its decoder adapters reach."""
    family = FURTHER[name]
    model = build(family.configuration())
    plugin = type("Further", (Backbone,), {"name": name, "decoder": family.decoder})
    return type(model).__name__, coverage(plugin, model)


@cache
def _image_tokens(processor: str) -> str:
    """Return how many tokens a family's processor, as it comes, makes of which picture, seen whole."""
    if not processor:
        return "not counted"
    family = (published_families.FAMILIES | published_further.FURTHER)[processor]
    with TemporaryDirectory() as folder:
        files = in_folder(processor, write_folder(family, Path(folder) / "files"))
        reading = read(files, Statements(**family.stated))
        if reading.image_size is not None:
            return f"{reading.image_tokens:,} of {reading.image_size} px"
        asked = read(files, Statements(**{**family.stated, "image_size": SIDE}))
        return f"{asked.image_tokens:,} of {SIDE} px, chosen"


def _cells(reached: Coverage) -> list[str]:
    """Return the share of each role, of all, parameters of an adapter, and how trials run."""
    shares = []
    for _, roles in COLUMNS:
        there = [role for role in reached.roles if role.role in roles]
        weights = sum(role.weights for role in there)
        shares.append(_percent(sum(role.adapted for role in there) / weights) if weights else "")
    how = "packed" if reached.alone is None else f"one by one: {reached.alone}"
    return [*shares, _percent(reached.share), f"{reached.trainable[8]:,}", how]


def _percent(share: float) -> str:
    """Return a share; what isn't whole is never written as 100."""
    shown = f"{share:.0%}" if share in (0, 1) else f"{min(share, 0.9999):.2%}"
    return shown.replace("%", " %")


def _notes() -> Iterator[str]:
    """Yield what is left out of whom, and where sizes are from."""
    left: dict[str, list[str]] = {}
    for name in FURTHER:
        for one in _counted(name)[1].left_out:
            left.setdefault(one.reason, []).append(f"{name} {one.weights:,} weights, such as `{one.example}`")
    yield "Left out:"
    yield ""
    for reason, whose in left.items():
        yield f"- {reason}: {'; '.join(whose)}."
    yield ""
    yield "Sizes of families without a plugin here:"
    yield ""
    for name, family in FURTHER.items():
        yield f"- {name}: {family.sizes}."
    yield ""
    yield "Their licences, where a publisher's word of it was seen; of the others their cards say it:"
    yield ""
    for name, family in FURTHER.items():
        if family.licence:
            yield f"- {name}: {family.licence}, by {family.licence_from}."
    yield ""


def renewed(document: str) -> str:
    """Return the document with the table of today."""
    before, rest = document.split(BEGIN)
    return before + table() + rest.split(END)[1]


if __name__ == "__main__":
    text = DOCUMENT.read_text(encoding="utf-8")
    new = renewed(text)
    if "--write" in sys.argv:
        DOCUMENT.write_text(new, encoding="utf-8")
    sys.exit("docs/backbones.md is stale" if new != text and "--write" not in sys.argv else 0)
