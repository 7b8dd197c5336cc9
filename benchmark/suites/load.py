"""A suite file → a Suite: every mistake with its line, all at once, with the names that would have been understood."""

from collections.abc import Collection
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from benchmark.errors import UserError, unknown_name
from benchmark.suite import (
    DmidData,
    Entry,
    Grid,
    Halving,
    ImagePart,
    MiniaturePart,
    PhantomData,
    Protocol,
    Search,
    SplitPart,
    Suite,
)


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


def load_suite(name: str) -> Suite:
    """Return a suite that comes with the project, by name, or one from a file.

    Raises:
        UserError: no such suite, or every mistake in its file, each with its line.
    """
    if _is_file_name(name):
        path = Path(name)
        if not path.is_file():
            raise UserError(f"{name}: no such suite file. Suites that come with amrg: {', '.join(built_in())}.")
    elif name in built_in():
        path = Path(str(files("benchmark.suites").joinpath(f"{name}.yaml")))
    else:
        raise unknown_name("suite", name, built_in())
    return parse(path.read_text(encoding="utf-8"), where=path.name)


def parse(text: str, *, where: str) -> Suite:
    """Return a suite from YAML text.

    Args:
        text: the YAML.
        where: what to call it in messages.

    Raises:
        UserError: every mistake, each with its line.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"{where}{line}: not YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(content, dict):
        raise UserError(f"{where}: a suite is a mapping of {', '.join(Suite.model_fields)}.")
    try:
        suite = Suite.model_validate(content)
    except ValidationError as error:
        mistakes = [f"{where}, line {_line(node, e['loc'])}: {_explain(e)}" for e in error.errors()]
        raise UserError("\n".join(mistakes)) from None
    _check_names(suite, node, where)
    return suite


def _check_names(suite: Suite, node: yaml.Node | None, where: str) -> None:
    """Raise for unknown names whose meaning lies elsewhere: backbones, baselines, metrics, dialects, splits."""
    from backbones.registry import locations
    from benchmark.data.split_rules import RULES
    from benchmark.evaluations import criteria
    from benchmark.phantoms.reports import DIALECTS
    from benchmark.scoring.baselines import BASELINES
    from metrics.registry import METRICS

    named: list[tuple[str, str, Collection[str], tuple[str | int, ...]]] = [
        ("backbone", entry.name, locations(), ("backbones", i, "name")) for i, entry in enumerate(suite.backbones)
    ]
    named += [("baseline", name, BASELINES, ("baselines", i)) for i, name in enumerate(suite.baselines)]
    named += [("metric", suite.primary_metric, METRICS, ("primary_metric",))]
    named += [("criterion", suite.protocol.keep_by, criteria(), ("protocol", "keep_by"))]
    if isinstance(suite.data, PhantomData):
        named += [("dialect", suite.data.dialect, DIALECTS, ("data", "dialect"))]
    if not Path(suite.split.name).suffix:
        named += [("split", suite.split.name, RULES, ("split", "name"))]
    wrong = [
        str(unknown_name(kind, name, known, f"{where}, line {_line(node, loc)}"))
        for kind, name, known, loc in named
        if name not in known
    ]
    if wrong:
        raise UserError("\n".join(wrong))


def _line(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """Return the line of a place in the file, or of the nearest mapping that stands there."""
    line = 1
    for step in location:
        child = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    child, line = value, key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            child = node.value[step]
            line = child.start_mark.line + 1
        if child is None:
            # pydantic puts the name of a union's member into the location; the file has no such level.
            continue
        node = child
    return line


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
    contrast = f", not {value!r}" if isinstance(value, str | int | float | bool) else ""
    return f"{place!r}: {error['msg'].removeprefix('Value error, ')}{contrast}."


def _fields(location: tuple[int | str, ...]) -> set[str]:
    """Return keys that are known where an unknown one was found."""
    sections: dict[str, type[BaseModel]] = {
        "image": ImagePart, "split": SplitPart, "backbones": Entry, "grid": Grid,
        "protocol": Protocol, "miniature": MiniaturePart,
    }  # fmt: skip
    if len(location) == 1:
        return set(Suite.model_fields)
    if location[0] == "search":
        return set((Halving if "halving" in location[:-1] else Search).model_fields)
    if location[0] == "data":
        return set((PhantomData if "phantom" in location else DmidData).model_fields)
    return set(sections[str(location[0])].model_fields)
