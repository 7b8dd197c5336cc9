"""The one kind of error that is the user's to mend, and the sentence for a name nobody knows."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """A mistake in what the user gave. The message says what was expected and what to do next.

    The command line prints the message without a traceback and exits with `exit_code`.
    """

    exit_code = 2


def unknown_name(kind: str, name: str, allowed: Iterable[str], where: str = "") -> UserError:
    """Return the error for an unknown name: the nearest known ones first, then all of them.

    Args:
        kind: what the name stands for, e.g. "backbone".
        name: what was given.
        allowed: every name that would have been understood.
        where: the place it was read, e.g. "suite.yaml, line 4"; put before the message.
    """
    allowed = sorted(allowed)
    near = get_close_matches(name, allowed, n=3, cutoff=0.5)
    meant = f" Did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
    start = f"{where}: " if where else ""
    return UserError(f"{start}unknown {kind} {name!r}.{meant} Known: {', '.join(allowed)}.")


LINE = 240
"""Letters of a library's own message that are shown, at most: some list every name they know."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, cut where it is long; its type where there is none."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if len(line) <= LINE else f"{line[:LINE].rstrip()} …"
