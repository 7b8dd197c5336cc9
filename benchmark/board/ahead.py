"""What rows and floors have in common, found before them by several processes, of which each would else find it all.

Rows are made by processes of their own (`benchmark.executors.forked`), whose memory ends with them. Reports repeat from
trial to trial, so labels of all texts are found first, each once, and so is how far a perfect reader's scores fall.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from benchmark.board.done import References
from benchmark.executors.forked import forked
from benchmark.scoring.pairs import perfect_falls
from metrics.labels.labeler import Label, label
from metrics.nltk_import import import_nltk

TEXTS = 50
"""Texts whose labels are found at a time: a few tenths of a second."""


def find_ahead(texts: Iterable[str], parts: Sequence[References], processes: int) -> None:
    """Find labels of texts, and the falls of a perfect reader of the test reports; nothing by one process.

    Args:
        texts: reports and predictions, in an order that is the same each time.
        parts: references of each fold, or the only ones.
        processes: how many there are to do it.
    """
    if processes < 2:
        return
    every = [*dict.fromkeys(texts)]
    import_nltk()  # which every process needs
    chunks = [every[start : start + TEXTS] for start in range(0, len(every), TEXTS)]
    # The falls first: each takes as long as several chunks.
    pieces: list[Callable[[], Any]] = [*(partial(perfect_falls, *part.tested) for part in parts)]
    pieces += [partial(_labels, chunk) for chunk in chunks]
    found = forked(pieces, processes)
    for part in parts:
        perfect_falls.tell(next(found), *part.tested)
    for chunk, labels in zip(chunks, found, strict=True):
        for text, read in zip(chunk, labels, strict=True):
            label.tell(read, text)


def _labels(texts: Sequence[str]) -> list[Label]:
    return [label(text) for text in texts]
