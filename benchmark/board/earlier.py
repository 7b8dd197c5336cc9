"""The leaderboard that was there before these results wrote theirs: what a run is compared with at its end.

A sweep writes its leaderboard over the published one, so what was there has to be kept before it is gone, and a rerun
mustn't be compared with what it wrote itself. In a checkout the published one is that of the last commit, whatever
lies on disk; outside of one it is the file on disk, unless these results wrote it, which is known by its digest. A
copy is kept beside the results, for `amrg leaderboard SUITE --against` and for the next run.
"""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from benchmark.board.model import Board
from benchmark.errors import UserError
from benchmark.results.store import Store, write_text

JSON = "results.json"
COMMITTED = "the committed leaderboard"
BEFORE = "the leaderboard that was there before"


@dataclass(frozen=True)
class Earlier:
    """A leaderboard that these results didn't write.

    Attributes:
        what: it is, in words.
        copy: where it is kept.
        text: its `results.json`.
    """

    what: str
    copy: Path
    text: str

    @property
    def digest(self) -> str:
        """Return the SHA-256 of its text."""
        return digest(self.text)


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def find(store: Store, suite: str, folder: Path, written_digest: str | None) -> Earlier | None:
    """Return the published leaderboard of a suite, or None where there never was one. Nothing is written.

    Args:
        store: of the results.
        suite: its name.
        folder: where leaderboards lie.
        written_digest: digest of the `results.json` that these results wrote last; None where they haven't yet.
    """
    copy = store.references(suite).with_name("published.json")
    committed = _committed(folder, suite)
    if committed is not None:
        return Earlier(COMMITTED, copy, committed)
    file = folder / suite / JSON
    text = _read(file)
    if text is not None and digest(text) != written_digest:
        return Earlier(BEFORE, copy, text)
    kept = _read(copy)
    return Earlier(BEFORE, copy, kept) if kept is not None else None


def _read(file: Path) -> str | None:
    """Return a file's text; None where there is none, or it is damaged: then there is nothing to compare with."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def keep(earlier: Earlier) -> None:
    """Keep a copy of a published leaderboard, before it is written over."""
    write_text(earlier.copy, earlier.text)


def published_text(path: Path) -> str:
    """Return the text of a published leaderboard.

    Args:
        path: its `results.json`, or the folder with it.

    Raises:
        UserError: it can't be read.
    """
    file = path / JSON if path.is_dir() else path
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: can't be read ({error}). Give a leaderboard's {JSON}, or its folder.") from None


def read_board(text: str, where: str) -> Board:
    """Return a suite's leaderboard from the text of its `results.json`.

    Raises:
        UserError: it is none, or one of another version.
    """
    try:
        content = json.loads(text)
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind in ("floors", "plan"):
            raise UserError(f"{where}: holds {'floors' if kind == 'floors' else 'a plan'}, not the results of a suite.")
        return Board.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(
            f"{where}: not the results of a leaderboard of this version: {place}: {first['msg']}."
        ) from None
    except ValueError as error:
        raise UserError(f"{where}: not JSON: {error}.") from None


def _committed(folder: Path, suite: str) -> str | None:
    """Return the leaderboard's `results.json` of the last commit; None outside of a checkout, or without one."""
    if not folder.is_dir():
        return None
    command = ["git", "-C", str(folder), "show", f"HEAD:./{suite}/{JSON}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=10)
        return done.stdout.decode("utf-8") if done.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
