"""Whether the private parts that `backbones.private` and `metrics.private` name are where they say."""

import inspect
import re
import tomllib
from functools import reduce
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import metrics.private
from backbones.private import parts

ROOT = Path(__file__).parent.parent
AnyPart = parts.Part | metrics.private.Part
AnyLibrary = parts.Library | metrics.private.Library


def moved(part: AnyPart) -> str | None:
    """What is wrong with a part, with its library, version and place; None where nothing is."""
    module, _, attribute = part.place.partition(":")
    try:
        value: Any = reduce(getattr, attribute.split("."), import_module(module))
    except (ImportError, AttributeError) as error:
        return _describe(part, f"isn't there: {error}")
    if not (part.parameters or part.keywords):
        return None
    taken = [name for name in inspect.signature(value).parameters if name != "self"]
    if missing := [name for name in (*part.parameters, *part.keywords) if name not in taken]:
        return _describe(part, f"takes no {', '.join(missing)}: its parameters are {', '.join(taken)}")
    if tuple(taken[: len(part.parameters)]) != part.parameters:
        return _describe(part, f"takes its parameters in another order: {', '.join(taken)}")
    return None


def outside(library: AnyLibrary) -> str | None:
    """What is wrong with the installed version of a library; None where it was checked."""
    if SpecifierSet(library.versions).contains(version(library.name), prereleases=True):
        return None
    return f"{library.name} {version(library.name)}: its private parts were checked for {library.versions}"


def bound_in_pyproject(library: AnyLibrary) -> str:
    """The versions that pyproject.toml allows of a library."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [requirement] = [r for r in map(Requirement, project["dependencies"]) if r.name == library.name]
    return str(requirement.specifier)


def same_versions(one: str, other: str) -> bool:
    """Whether two ranges are one, written in any order."""
    return SpecifierSet(one) == SpecifierSet(other)


def uses_missing(part: AnyPart, *modules: ModuleType) -> list[str]:
    """Functions that a part's `use` names and that none of the modules has; names in `…` are of other modules."""
    named = re.split(r", ", part.use.rpartition(": ")[2])
    return [name for name in named if name.isidentifier() and not any(hasattr(m, name) for m in modules)]


def _describe(part: AnyPart, what: str) -> str:
    library = part.library
    return (
        f"{library.name} {version(library.name)}: {part.place} {what}. It is used because {part.use}; it was checked "
        f"for {library.versions}."
    )
