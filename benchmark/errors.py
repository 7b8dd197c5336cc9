"""The errors that the command line turns into a message and an exit code, and what is kept of any other.

A message may hold whatever the code was at, a report too; no word of one is kept.
"""

import re
import traceback
from collections.abc import Iterable

from backbones.errors import UserError, unknown_name

__all__ = ["RunFailed", "UserError", "frames", "quotes", "reason", "unknown_name"]

WORDS = 4
"""So many words in a row that a message shares with a report make it a quotation."""


class RunFailed(Exception):
    """A run that could not be finished through no mistake of the user's; what was computed is kept."""

    exit_code = 1


def reason(error: BaseException, reports: Iterable[str]) -> str:
    """Return the error's type and message; its type alone where the message quotes one of the reports."""
    kind, message = type(error).__name__, str(error)
    if not message:
        return kind
    if quotes(message, reports):
        return f"{kind} (its message quotes a report, so it is left out)"
    return f"{kind}: {message}"


def frames(error: BaseException) -> str:
    """Return where the error came about, innermost frame last, as Python prints it but without any message.

    A message may hold whatever the code was at, a report too; a frame holds a file, a line and its source. Errors
    that led to this one come first.
    """
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None:
        parts.insert(0, "".join([*traceback.format_tb(link.__traceback__), type(link).__name__]))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n\nwhich led to\n\n".join(parts)


def quotes(message: str, reports: Iterable[str]) -> bool:
    """Return whether a message holds a report, or `WORDS` of its words in a row; case and punctuation don't matter."""
    normalised = f" {' '.join(_words(message))} "
    for report in reports:
        words = _words(report)
        size = min(WORDS, len(words))
        runs = {tuple(words[i : i + size]) for i in range(len(words) - size + 1)} if words else set()
        if any(f" {' '.join(run)} " in normalised for run in runs):
            return True
    return False


def _words(text: str) -> list[str]:
    # An escaped line break, as a quoted text has it, is none of the letters beside it.
    return re.findall(r"\w+", text.replace("\\n", " ").replace("\\r", " ").replace("\\t", " ").lower())
