"""YAML as suites are written in it: a small part of the language, in which nothing is read otherwise than it looks.

YAML 1.1, which PyYAML reads, takes `010` for 8, `1:30` for 90, `1_000` for 1000 and `no` for false, and lets the last
of two equal keys win. Here whole numbers and fractions are plain decimals, `true` and `false` the only booleans,
everything else is text; a key that stands twice, a tag, a second document and a spelling that could be read in two ways
are mistakes, each told with its line. Anchors, aliases and merge keys mean what they mean in YAML, as long as they
aren't used to blow a file up.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import yaml

from benchmark.errors import UserError

Location = tuple[int | str, ...]
Content = dict[str, "Content"] | list["Content"] | str | int | float | bool | None

LARGEST_FILE = 100_000
"""Bytes of a suite file, at most: a hundred times what one screen has."""
DEEPEST = 20
"""Levels of a suite file, at most; a suite needs four."""
MOST_NODES = 20_000
"""Values of a file with its aliases written out, at most."""
MOST_DIGITS = 30
"""Digits of a number, at most; the largest seed has nineteen."""
SHOWN = 40
"""Letters of a value that a message quotes, at most."""

_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
# What else some reader of YAML takes for a number: leading zeros, other bases, underscores, base 60, infinity.
_OTHER_NUMBERS = re.compile(
    r"[-+]?(0[0-9_]+(\.[0-9_]*)?([eE][-+]?[0-9]+)?|0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+"
    r"|[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|[0-9]*\.[0-9]*_[0-9_.]*"
    r"|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|\.(inf|Inf|INF)|\.(nan|NaN|NAN))"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]")
_MERGE = "<<"


@dataclass(frozen=True)
class Document:
    """A file's content.

    Attributes:
        content: mappings, lists, text, numbers, booleans and None.
        lines: the line of each place, from 1; a place is the keys and indices that lead to it.
        mistakes: what isn't read as it looks, each with its place and line.
    """

    content: Content
    lines: Mapping[Location, int] = field(default_factory=dict)
    mistakes: tuple[tuple[Location, str], ...] = ()

    def line(self, location: Location) -> int:
        """Return the line of a place, or of the nearest one around it that stands in the file.

        Steps that the file doesn't have are left out: pydantic names a union's member among them.
        """
        place: Location = ()
        for step in location:
            if (*place, step) in self.lines:
                place = (*place, step)
        return self.lines.get(place, 1)


def read_file(path: Path, *, where: str) -> str:
    """Return the text of a suite file.

    Raises:
        UserError: it can't be read, is too large, or isn't UTF-8; a file that looks like UTF-16 is told to be it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}.") from None
    if len(content) > LARGEST_FILE:
        raise UserError(f"{where}: larger than {LARGEST_FILE:,} bytes, which is no suite: one has about a thousand.")
    return decode(content, where=where)


def decode(content: bytes, *, where: str) -> str:
    """Return the text of a suite file's bytes: UTF-8, with or without a byte order mark.

    Raises:
        UserError: it is in another encoding; names the line.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:4]:
        raise UserError(f"{where}, line 1: looks like UTF-16 or UTF-32, not UTF-8. Save it as UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{where}, line {line}: not UTF-8 at byte {error.start} (0x{content[error.start]:02x}). Save it as UTF-8."
        ) from None


def read(text: str, *, where: str) -> Document:
    """Return the content of YAML text with the line of each place, and with what in it isn't read as it looks.

    Args:
        text: the YAML.
        where: what to call it in messages.

    Raises:
        UserError: it isn't YAML, is more than one document, or is nested or blown up beyond what a suite is.
    """
    if bad := _CONTROL.search(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")):
        line = text.count("\n", 0, bad.start()) + 1
        raise UserError(f"{where}, line {line}: holds the control character U+{ord(bad.group()):04X}. Remove it.")
    try:
        _check_events(text, where)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UserError(_not_yaml(error, where)) from None
    except (ValueError, OverflowError):  # an escape that names no character: "\UFFFFFFFF"
        raise UserError(
            f"{where}: not YAML: an escape names a character that there isn't, or a number is too long."
        ) from None
    builder = _Builder(where)
    if root is None:
        return Document(None, {(): 1})
    content = builder.value(root, ())
    return Document(content, builder.lines, tuple(dict.fromkeys(builder.mistakes)))


def quoted(value: object) -> str:
    """Return a value as a message quotes it: cut where it is long, control characters escaped."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**SHOWN:
        return "a number of more than 40 digits"
    text = repr(value)
    return text if len(text) <= SHOWN + 2 else f"{text[:SHOWN]}…{text[-1] if isinstance(value, str) else ''}"


def _plain(text: str) -> Content:
    """Return what a value without quotes stands for.

    Raises:
        ValueError: it is a number that isn't finite, too long, or another one to other readers; says which.
    """
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if not (is_decimal := _DECIMAL.fullmatch(text) is not None) and not _OTHER_NUMBERS.fullmatch(text):
        return text
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number of {len(text)} digits; {MOST_DIGITS} are the most. Quotes make it text.")
    if not is_decimal:
        # Infinity and what is no number are the same to all readers.
        what = "no number to compute with" if ".i" in text.lower() or ".n" in text.lower() else None
        what = what or "a different number to different readers"
        raise ValueError(f"{text} is {what}: write plain decimal digits, or quotes around what is text.")
    if _WHOLE.fullmatch(text):
        return int(text)
    if math.isinf(float(text)):
        raise ValueError(f"{text} is beyond the largest number.")
    return float(text)


def _not_yaml(error: yaml.YAMLError, where: str) -> str:
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 1}" if mark else ""
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unknown"
    return f"{where}{line}: not YAML: {str(problem).splitlines()[0]}."


def _check_events(text: str, where: str) -> None:
    """Refuse a second document, tags, and what is too deep or too long, before anything is built of it.

    Events come one by one, so that a file which is deep enough to exhaust the parser is given up early.
    """
    depth = documents = nodes = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        nodes += isinstance(event, yaml.NodeEvent)
        tag = getattr(event, "tag", None)
        for wrong, what in (
            (documents > 1, "a second document begins here (---); a suite file holds one."),
            (depth > DEEPEST, f"nested more than {DEEPEST} levels deep."),
            (nodes > MOST_NODES, f"holds more than {MOST_NODES:,} values, which is no suite."),
            (tag is not None, f"the tag {quoted(tag)} isn't read here. Leave it out; quotes make a value text."),
        ):
            if wrong:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise UserError(f"{where}, line {line}: {what}")


class _Builder:
    """Makes plain content of nodes, and remembers lines and mistakes."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.lines: dict[Location, int] = {}
        self.mistakes: list[tuple[Location, str]] = []
        self._nodes = 0
        self._open: set[int] = set()

    def value(self, node: yaml.Node, place: Location) -> Content:
        """Return a node's content, and note the line of every place in it."""
        self.lines.setdefault(place, node.start_mark.line + 1)
        self._nodes += 1
        if self._nodes > MOST_NODES:
            self._stop(node, f"aliases blow this file up to more than {MOST_NODES:,} values.")
        if id(node) in self._open:
            self._stop(node, "an alias stands within what it stands for.")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                content: list[Content] = []
                for index, child in enumerate(node.value):
                    self.lines[(*place, index)] = child.start_mark.line + 1
                    content.append(self.value(child, (*place, index)))
                return content
            assert isinstance(node, yaml.MappingNode)
            return self._mapping(node, place)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, place: Location) -> dict[str, Content]:
        own: dict[str, yaml.Node] = {}
        lines: dict[str, int] = {}
        merged: list[yaml.Node] = []
        for key, child in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._add(place, line, "a key has to be a word, not a list or a mapping.")
                continue
            name = key.value
            if name in lines:
                twice = f"the key {quoted(name)} is given twice; it stands in line {lines[name]} already."
                self._add((*place, name), line, twice)
                continue
            lines[name] = line
            if name == _MERGE and key.style is None:
                merged += child.value if isinstance(child, yaml.SequenceNode) else [child]
            else:
                own[name] = child
        content = self._merged(merged, place)
        for name, child in own.items():
            for old in [known for known in self.lines if known[: len(place) + 1] == (*place, name)] if merged else ():
                del self.lines[old]
            self.lines[(*place, name)] = lines[name]
            content[name] = self.value(child, (*place, name))
        return content

    def _merged(self, nodes: list[yaml.Node], place: Location) -> dict[str, Content]:
        """Return what merge keys bring in; of several the first that has a key counts, as YAML says."""
        content: dict[str, Content] = {}
        for node in reversed(nodes):
            if not isinstance(node, yaml.MappingNode):
                self._add(place, node.start_mark.line + 1, "a merge key (<<) needs a mapping, or a list of mappings.")
                continue
            brought = self.value(node, place)
            assert isinstance(brought, dict)
            content |= brought
        return content

    def _scalar(self, node: yaml.ScalarNode, place: Location) -> Content:
        if bad := _CONTROL.search(node.value):
            what = f"a value holds the character U+{ord(bad.group()):04X}, which no text may hold."
            self._add(place, node.start_mark.line + 1, what)
            return None
        if node.style is not None:
            return node.value
        try:
            return _plain(node.value)
        except ValueError as error:
            self._add(place, node.start_mark.line + 1, str(error))
            return None

    def _add(self, place: Location, line: int, what: str) -> None:
        self.mistakes.append((place, f"{self.where}, line {line}: {what}"))

    def _stop(self, node: yaml.Node, what: str) -> NoReturn:
        raise UserError(f"{self.where}, line {node.start_mark.line + 1}: {what}")
