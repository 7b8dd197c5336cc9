"""What a suite's entry may state of a checkpoint that no plugin speaks for, where it can't be found out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from backbones.errors import UserError, unknown_name


@dataclass(frozen=True)
class Statements:
    """What is stated; None where it is to be found out.

    Attributes:
        end_token: the token that ends a report.
        image_size: side of the square that an image is made before the processor has it, in pixels.
        generation_prompt: what follows the user's turn and begins the answer, where the template has no such part.
        report_start: what stands between that and a report, e.g. a space.
        decoder: name of the module that holds the decoder's layers.
        revision: commit on the hub.
        licence: as the publisher gives it.
    """

    end_token: str | None = None
    image_size: int | None = None
    generation_prompt: str | None = None
    report_start: str | None = None
    decoder: str | None = None
    revision: str | None = None
    licence: str | None = None

    def stated(self) -> dict[str, Any]:
        """Return those that are stated, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


NAMES = tuple(field.name for field in fields(Statements))


def parse(texts: Sequence[str]) -> Statements:
    r"""Return statements given as `name=value` on a command line; `\n` in a value is a line's end.

    Raises:
        UserError: one isn't of that form, or no such name is known.
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--state {text!r}: give NAME=VALUE, with a name of {', '.join(NAMES)}.")
        values[name] = value.replace("\\n", "\n")
    return of(values, where="--state")


def of(values: Mapping[str, Any], where: str) -> Statements:
    """Return statements by name.

    Raises:
        UserError: no such name is known, or an image size isn't a number.
    """
    for name in values:
        if name not in NAMES:
            raise unknown_name("statement", name, NAMES, where)
    side = values.get("image_size")
    if isinstance(side, str):
        if not re.fullmatch(r"[1-9]\d{0,4}", side):
            raise UserError(f"{where}: image_size {side!r}: a number of pixels is expected, such as 448.")
        values = {**values, "image_size": int(side)}
    return Statements(**values)


@dataclass(frozen=True)
class Finding:
    """Something that was found out of a checkpoint.

    Attributes:
        what: it is, in a word or two.
        value: as shown to people.
        source: where it was found.
    """

    what: str
    value: str
    source: str


@dataclass(frozen=True)
class Question:
    """Something that can't be found out, and has to be stated.

    Attributes:
        what: it is.
        statement: by which name it is stated.
        candidates: what it may be, where that is known.
        why: it isn't known.
    """

    what: str
    statement: str
    candidates: Sequence[str] = ()
    why: str = ""

    def __str__(self) -> str:
        which = f"which of these? {', '.join(self.candidates)}" if self.candidates else "not known"
        why = f" ({self.why})" if self.why else ""
        return f"{self.what}: {which}{why}; state `{self.statement}:` in the suite's entry"
