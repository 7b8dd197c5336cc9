"""A suite file → a Suite: every mistake with its line, all at once, with the names that would have been understood."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from benchmark.errors import UserError, unknown_name
from benchmark.forms.grid import Grid, Stated
from benchmark.forms.suite import (
    DmidData,
    Entry,
    Halving,
    ImagePart,
    MiniaturePart,
    PhantomData,
    Protocol,
    Search,
    SplitPart,
    Suite,
)
from benchmark.forms.untuned import FewShot
from benchmark.suites.strict_yaml import Document, Location, quoted, read, read_file


def built_in() -> list[str]:
    """Return names of the suites that come with the project."""
    return sorted(p.name.removesuffix(".yaml") for p in files("benchmark.suites").iterdir()
                  if p.name.endswith(".yaml"))  # fmt: skip


def suite_name(suite: str) -> str:
    """Return the name of a suite that is given by name or by file, for verbs that read its results.

    Raises:
        UserError: it is given by file, and that isn't there or has mistakes.
    """
    return load_suite(suite).name if _is_file_name(suite) else suite


def _is_file_name(name: str) -> bool:
    return name.endswith((".yaml", ".yml")) or "/" in name


@dataclass(frozen=True)
class SuiteSource:
    """A suite and where it was read: what its messages and its commands call it.

    Attributes:
        suite: as it was read.
        argument: by which it was named, a name or a file's path.
        where: what messages call it: its file's name.
        document: content and lines of the file.
    """

    suite: Suite
    argument: str
    where: str
    document: Document

    @property
    def is_file(self) -> bool:
        """Whether it was given by file, and isn't one that comes with the project."""
        return _is_file_name(self.argument)

    @property
    def shown(self) -> str:
        """What a document calls it, by which `SUITE=` finds it again: a file without its path of this machine."""
        return Path(self.argument).name if self.is_file else self.argument

    def at(self, *location: int | str) -> str:
        """Return the file and the line of a place, as messages begin."""
        return f"{self.where}, line {self.document.line(location)}"


def load_suite(name: str) -> Suite:
    """Return a suite that comes with the project, by name, or one from a file.

    Raises:
        UserError: no such suite, or every mistake in its file, each with its line.
    """
    return read_suite(name).suite


def read_suite(name: str) -> SuiteSource:
    """Return a suite as `load_suite` does, with where it was read.

    Raises:
        UserError: as `load_suite` does.
    """
    if _is_file_name(name):
        path = Path(name)
        try:
            state = "is a folder, not a suite file" if path.is_dir() else "no such suite file"
            is_file = path.is_file()
        except (OSError, ValueError):  # too long a name, or one with a NUL
            state, is_file = "no name that a file can have", False
        if not is_file:
            raise UserError(f"{quoted(name)}: {state}. Suites that come with amrg: {', '.join(built_in())}.")
    elif name in built_in():
        path = Path(str(files("benchmark.suites").joinpath(f"{name}.yaml")))
    else:
        raise unknown_name("suite", name, built_in())
    document = read(read_file(path, where=path.name), where=path.name)
    return SuiteSource(_suite(document, path.name), name, path.name, document)


def parse(text: str, *, where: str) -> Suite:
    """Return a suite from YAML text.

    Args:
        text: the YAML.
        where: what to call it in messages.

    Raises:
        UserError: every mistake, each with its line.
    """
    return _suite(read(text, where=where), where)


def _suite(document: Document, where: str) -> Suite:
    """Return the suite of a document; raise for every mistake in it."""
    mistakes = [text for _, text in document.mistakes]
    if not isinstance(document.content, dict):
        told = "\n".join(mistakes) or f"{where}: a suite is a mapping of {', '.join(Suite.model_fields)}."
        raise UserError(told)
    try:
        # As JSON, for which strict means: numbers are numbers and no text or boolean, and lists may be tuples.
        suite = Suite.model_validate_json(json.dumps(document.content), strict=True)
    except ValidationError as error:
        errors, places = error.errors(), [place for place, _ in document.mistakes]
        # A list whose items are wrong is called too short as well.
        parents = {e["loc"][:-1] for e in errors}
        mistakes += [
            f"{where}, line {document.line(e['loc'])}: {_explain(e)}"
            for e in errors
            if not (e["type"] == "too_short" and e["loc"] in parents) and not _concerns(e["loc"], places)
        ]
    if mistakes:
        raise UserError("\n".join(mistakes))
    _check_names(suite, document, where)
    return suite


def _concerns(location: Location, mistaken: Sequence[Location]) -> bool:
    """Return whether an error's place is, lies in or holds one whose value is known to be mistaken."""
    return any(location[: len(place)] == place or place[: len(location)] == location for place in mistaken)


def _check_names(suite: Suite, document: Document, where: str) -> None:
    """Raise for unknown names whose meaning lies elsewhere: backbones, baselines, metrics, dialects, splits."""
    from backbones.published_files import is_hub_id
    from backbones.registry import locations
    from benchmark.data.split_names import RULES
    from benchmark.phantoms.dialects import DIALECTS
    from benchmark.results.evaluations import criteria
    from benchmark.scoring.baseline_names import BASELINES
    from metrics.registry import METRICS

    named: list[tuple[str, str, Collection[str], tuple[str | int, ...]]] = [
        ("backbone", entry.name, locations(), ("backbones", i, "name"))
        for i, entry in enumerate(suite.backbones)
        if not (is_hub_id(entry.name) or entry.is_folder or entry.files)
    ]
    named += [("baseline", name, BASELINES, ("baselines", i)) for i, name in enumerate(suite.baselines)]
    named += [("metric", suite.primary_metric, METRICS, ("primary_metric",))]
    named += [("criterion", suite.protocol.keep_by, criteria(), ("protocol", "keep_by"))]
    if isinstance(suite.data, PhantomData):
        named += [("dialect", suite.data.dialect, DIALECTS, ("data", "dialect"))]
    if not Path(suite.split.name).suffix:
        named += [("split", suite.split.name, RULES, ("split", "name"))]
    wrong = [
        str(unknown_name(kind, name, known, f"{where}, line {document.line(loc)}"))
        for kind, name, known, loc in named
        if name not in known
    ]
    if wrong:
        raise UserError("\n".join(wrong))


def _explain(error: ErrorDetails) -> str:
    """Return a pydantic error in the words of a suite file."""
    location = [str(part) for part in error["loc"]]
    place = ".".join(location)
    if error["type"] == "extra_forbidden":
        allowed = sorted(_fields(error["loc"]))
        near = get_close_matches(location[-1], allowed, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        return f"unknown key {place!r}.{meant} Known here: {', '.join(allowed)}."
    if error["type"] == "missing":
        return f"{place!r} is missing."
    value = error.get("input")
    contrast = f", not {_written(value)}" if isinstance(value, str | int | float | bool) else ""
    message = KINDS.get(error["type"], error["msg"].removeprefix("Value error, "))
    return f"{place!r}: {message}{contrast}."


KINDS = {
    "int_type": "a whole number is expected",
    "int_from_float": "a whole number is expected",
    "float_type": "a number is expected",
    "bool_type": "true or false is expected",
    "string_type": "text is expected",
    "finite_number": "a finite number is expected",
}
"""What pydantic's errors of type are called here."""


def _written(value: object) -> str:
    """Return a value as a suite file has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"the text {quoted(value)}" if isinstance(value, str) else quoted(value)


def _fields(location: tuple[int | str, ...]) -> set[str]:
    """Return keys that are known where an unknown one was found."""
    sections: dict[str, type[BaseModel]] = {
        "image": ImagePart, "split": SplitPart, "backbones": Entry, "grid": Grid,
        "protocol": Protocol, "miniature": MiniaturePart, "untuned": FewShot,
    }  # fmt: skip
    if len(location) == 1:
        return set(Suite.model_fields)
    if location[0] == "search":
        return set((Halving if "halving" in location[:-1] else Search).model_fields)
    if location[0] == "data":
        return set((PhantomData if "phantom" in location else DmidData).model_fields)
    if location[:2] == ("grid", "points"):
        return set(Stated.model_fields)
    return set(sections[str(location[0])].model_fields)
