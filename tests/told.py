"""What a sweep tells while it runs (`--json-lines`), heard by tests that kill it at one of these moments."""

import json
import subprocess
import threading
from collections.abc import Mapping

WORK = ("loss", "training"), ("reports", "writing"), ("", "drawing, decoding, encoding")
"""What a piece of work is, by a word of what it tells of its progress; the first that fits."""

NEXT = {"load": "training", "vision": "training", "train": "writing", "generate": "scoring", "score": "between trials"}
"""What a process is at next that has told a span of its time."""


class Told:
    """The lines of a sweep that runs.

    Args:
        running: a sweep with `--json-lines` and a pipe for its standard output, which is read to its end here.
    """

    def __init__(self, running: "subprocess.Popen[str]") -> None:
        self._running = running
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._running.stdout is not None
        for line in self._running.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def __len__(self) -> int:
        """Return how much was told so far."""
        return len(self._lines)

    def wait_for(self, number: int, seconds: float) -> bool:
        """Wait until so much was told; False where the sweep ended before, or so long has passed."""
        with self._news:
            self._news.wait_for(lambda: self._ended or len(self._lines) >= number, timeout=seconds)
            return len(self._lines) >= number

    def until_the_end(self, seconds: float | None = None) -> int:
        """Wait until nothing more can be told, or so long; return how much it was.

        What a dead sweep started and lives on keeps its pipe open.
        """
        self._reader.join(seconds)
        return len(self._lines)

    @property
    def moment(self) -> str:
        """At what the sweep was when it last told anything, in words."""
        with self._news:
            last = next((line for line in reversed(self._lines) if line.startswith("{")), None)
        return "starting" if last is None else moment_of(json.loads(last))


def moment_of(event: Mapping[str, object]) -> str:
    """Return at what a sweep is that has told this last, in words."""
    kind, name = str(event["kind"]), str(event["name"])
    if kind == "progress":
        said = f"{name} {event['detail']}"
        return next(what for word, what in WORK if word in said)
    if kind == "span":
        return NEXT.get(name, "reading")
    return "between trials" if kind in ("trial", "floor") else "leaderboard" if name == "leaderboard" else "reading"
