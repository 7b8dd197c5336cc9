"""METEOR by the jar of COCO captions (meteor-1.5, English): one process, kept alive, that can't hang.

The jar gives 23 statistics per report (Denkowski and Lavie 2014, "Meteor Universal"); scores of one report and of a
corpus are the same function of their sums.
"""

import atexit
import queue
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress

import numpy as np
import psutil

from metrics.errors import MetricUnavailable
from metrics.private import meteor_jar
from metrics.text.java import java
from metrics.text.tied import tied
from metrics.text.whitespace import collapse_whitespace

SIGNATURE = "jar:meteor-1.5|flags:-l en -norm"
START_SECONDS = 120
ANSWER_SECONDS = 30
"""Seconds of the jar's own processor time, at most: by the clock, what a busy machine aligns would hang on its load."""
IDLE_TIMES = 20
"""How many times as long it may take by the clock: one that waits for ever spends no time of the processor."""
LOOK_SECONDS = 1.0
CACHED_PAIRS = 200_000
MOST_WORD_PAIRS = 1_000_000
"""Words of one text times those of the other, at most: a thousand against a thousand."""

# English parameters of Meteor 1.5 for the task "rank", the jar's default.
ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75
MODULE_WEIGHTS = np.array([1.0, 0.6, 0.8, 0.6])  # exact, stem, synonym, paraphrase
STATISTICS = 23

_statistics: dict[tuple[str, str], np.ndarray] = {}


class NotAligned(Exception):
    """A pair of texts that is too long to be aligned in bounded time."""


class MeteorProcess:
    """The jar in its line protocol: `SCORE ||| reference ||| hypothesis` in, a line of statistics out."""

    def __init__(self, *, start_seconds: float = START_SECONDS, answer_seconds: float = ANSWER_SECONDS):
        self.start_seconds = start_seconds
        self.answer_seconds = answer_seconds
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.Queue[bytes] = queue.Queue()
        self._lock = threading.Lock()

    def statistics(self, hypothesis: str, reference: str) -> np.ndarray:
        """Return the jar's statistics of one pair of tokenised texts, shape [23].

        A process that dies is replaced, once a pair; one that does not answer in time is ended.

        Raises:
            NotAligned: no answer came in time.
            MetricUnavailable: the second process died as well.
        """
        line = f"SCORE ||| {_field(reference)} ||| {_field(hypothesis)}"
        pair = f"a pair of {len(hypothesis.split())} and {len(reference.split())} words"
        with self._lock:
            for _ in range(2):
                try:
                    self._start()
                except (OSError, queue.Empty):
                    self._stop()
                    continue
                try:
                    return self._parse(self._ask(line))
                except queue.Empty:
                    self._stop()
                    raise NotAligned(f"METEOR didn't align {pair} in {self.answer_seconds:g} s") from None
                except (OSError, ValueError):
                    self._stop()
        raise MetricUnavailable(f"METEOR's process ended on {pair}, or wasn't ready in {self.start_seconds:g} s, twice")

    def evaluate(self, statistics: Sequence[str]) -> list[float]:
        """Return the jar's own scores for lines of statistics: one per report, then the corpus."""
        with self._lock:
            self._start()
            self._send("EVAL ||| " + " ||| ".join(statistics))
            return [float(self._receive(self.answer_seconds)) for _ in range(len(statistics) + 1)]

    def close(self) -> None:
        """End the process, if one runs."""
        with self._lock:
            self._stop()

    def _ask(self, line: str) -> bytes:
        self._send(line)
        return self._receive(self.answer_seconds)

    @staticmethod
    def _parse(line: bytes) -> np.ndarray:
        values = np.array(line.split(), dtype=float)
        if values.shape != (STATISTICS,):
            raise ValueError("not a line of statistics")
        return values

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._stop()
        command = tied([java(), "-Xmx2G", "-jar", meteor_jar().name, "-", "-", "-stdio", "-l", "en", "-norm"])
        started: Future[subprocess.Popen[bytes]] = Future()
        self._answers = queue.Queue()
        threading.Thread(target=_run, args=(command, started, self._answers), daemon=True).start()
        self._process = started.result()
        self.starts += 1
        # The first answer waits for the paraphrase table to load.
        self._send("SCORE ||| ready ||| ready")
        self._receive(self.start_seconds)

    def _send(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode(errors="replace"))
        self._process.stdin.flush()

    def _receive(self, seconds: float) -> bytes:
        """Return the next answer.

        Raises:
            queue.Empty: the process worked on it for so many seconds, or waited for `IDLE_TIMES` as long.
            OSError: it ended.
        """
        began, spent = time.monotonic(), self._spent()
        while True:
            try:
                answer = self._answers.get(timeout=min(LOOK_SECONDS, seconds))
                break
            except queue.Empty:
                if self._spent() - spent >= seconds or time.monotonic() - began >= IDLE_TIMES * seconds:
                    raise
        if not answer:
            raise OSError("METEOR's process ended")
        return answer

    def _spent(self) -> float:
        """Return seconds of processor time that the process has taken; 0 where it is gone, which its answers tell."""
        assert self._process is not None
        try:
            times = psutil.Process(self._process.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def _stop(self) -> None:
        if self._process is None:
            return
        with suppress(OSError):
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError, AttributeError):
                stream.close()  # type: ignore[union-attr]
        self._process = None


def _run(command: Sequence[str], started: "Future[subprocess.Popen[bytes]]", answers: "queue.Queue[bytes]") -> None:
    """Start the jar and read its answers until it ends, in one thread: the jar ends with the thread that started it."""
    try:
        process = subprocess.Popen(
            command,
            cwd=meteor_jar().parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except BaseException as error:  # it is raised where the jar is waited for
        started.set_exception(error)
        return
    started.set_result(process)
    assert process.stdout is not None
    with suppress(ValueError, OSError):
        for line in process.stdout:
            answers.put(line)
    answers.put(b"")


def _field(text: str) -> str:
    return collapse_whitespace(text.replace("|||", " "))


_shared = MeteorProcess()
atexit.register(_shared.close)


def warm_up() -> None:
    """Start the jar in the background: its tables take seconds to load, and whoever scores later needn't wait."""

    def start() -> None:
        # What is wrong with Java is said where METEOR is asked for.
        with suppress(MetricUnavailable, NotAligned, OSError):
            _shared.statistics("ready", "ready")

    threading.Thread(target=start, daemon=True).start()


def meteor_statistics(hypotheses: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """Return the jar's statistics for pairs of tokenised texts, shape [reports, 23]; pairs met before are remembered.

    A report matched whole and in one chunk has its chunks set to 0, as the jar does before it sums over a corpus. A
    pair that isn't aligned has NaN throughout: one with more than `MOST_WORD_PAIRS`, for which the jar's search takes
    minutes, on every machine alike; and one that takes it more than `ANSWER_SECONDS` all the same.

    Raises:
        MetricUnavailable: no Java, or the jar failed twice on a pair.
    """
    if len(_statistics) > CACHED_PAIRS:
        _statistics.clear()
    rows = []
    for pair in zip(hypotheses, references, strict=True):
        if pair not in _statistics:
            _statistics[pair] = _aligned(*pair)
        rows.append(_statistics[pair])
    table = np.array(rows).reshape(len(rows), STATISTICS)
    in_one_chunk = (table[:, 20] == 1) & (table[:, 21:23] == table[:, 0:2]).all(axis=1)
    table[in_one_chunk, 20] = 0
    return table


def _aligned(hypothesis: str, reference: str) -> np.ndarray:
    """Return the statistics of a pair, NaN where it can't be aligned in bounded time."""
    if len(hypothesis.split()) * len(reference.split()) <= MOST_WORD_PAIRS:
        with suppress(NotAligned):
            return _shared.statistics(hypothesis, reference)
    return np.full(STATISTICS, np.nan)


def meteor_value(statistics: np.ndarray) -> np.ndarray:
    """Return METEOR of sums of statistics, shape [..., 23] to [...]: the jar's `EVAL`, verified equal to it.

    Columns: hypothesis and reference length, their function words, then for each module (exact, stem, synonym,
    paraphrase) matched content words of hypothesis and reference and matched function words of both, then chunks and
    matched words of hypothesis and reference. An empty hypothesis or reference scores 0.
    """
    s = np.asarray(statistics, dtype=float)
    length, function = s[..., 0:2], s[..., 2:4]
    modules = s[..., 4:20].reshape(*s.shape[:-1], 4, 2, 2)  # module, content or function, hypothesis or reference
    chunks, matched = s[..., 20], s[..., 21:23]

    weighted = np.einsum("...mkt,m->...kt", modules, MODULE_WEIGHTS)
    matched_weight = DELTA * weighted[..., 0, :] + (1 - DELTA) * weighted[..., 1, :]
    total = DELTA * (length - function) + (1 - DELTA) * function
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = np.moveaxis(np.where(total > 0, matched_weight / total, 0.0), -1, 0)
        mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
        penalty = GAMMA * (chunks / (matched.sum(-1) / 2)) ** BETA
    return np.where((precision > 0) & (recall > 0), mean * (1 - penalty), 0.0)
