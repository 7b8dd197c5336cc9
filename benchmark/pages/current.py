"""Whether a suite's leaderboard is current, told from digests in a fraction of the time of making it again.

With a leaderboard a record of all it was made from is written beside the results: digests of the suite's record, the
reports and every trial's files, versions of the code and of the libraries, and digests of the documents. While all
are what they were, making it again would give the same bytes.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.board.earlier import JSON, Earlier
from benchmark.board.model import DOCUMENTS
from benchmark.provenance import versions
from benchmark.store import Store, TrialFolder, write_text
from metrics.labels.labeler import signature

SCHEMA = 1
"""Version of the record; another one's is not read."""


class Current(BaseModel):
    """All that a leaderboard was made from.

    Attributes:
        schema_version: of this record.
        documents_version: of the code that makes documents.
        labeler: signature of the labeler.
        versions: of Python and the libraries.
        record, references: digests of the suite's record and of its reports.
        results: id of each trial and baseline to a digest of its files.
        documents: each file of the leaderboard, by place in its folder, to its digest.
        compared: digest of the published leaderboard that it was compared with; None where there was none.
        agreement: whether it agrees with that one, in words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int
    documents_version: int
    labeler: str
    versions: dict[str, str]
    record: str
    references: str
    results: dict[str, str]
    documents: dict[str, str]
    compared: str | None
    agreement: str | None

    @property
    def own(self) -> str:
        """The digest of the leaderboard's `results.json`."""
        return self.documents[JSON]


def place(store: Store, suite: str) -> Path:
    """Return where a suite's record of its leaderboard lies."""
    return store.references(suite).with_name("leaderboard.json")


def read(store: Store, suite: str) -> Current | None:
    """Return a suite's record of its leaderboard; None where there is none, or one that can't be used."""
    try:
        found = Current.model_validate_json(place(store, suite).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
    return found if found.schema_version == SCHEMA else None


def of(
    store: Store,
    suite: str,
    identities: Iterable[str],
    documents: Mapping[str, bytes],
    earlier: Earlier | None,
    agreement: str | None,
) -> Current:
    """Return the record of a leaderboard as everything is now.

    Args:
        store: of the results.
        suite: its name.
        identities: of its trials and baselines.
        documents: content of each file of the leaderboard, by place.
        earlier: the published leaderboard that it was compared with.
        agreement: what came of that.
    """
    return Current(
        schema_version=SCHEMA,
        documents_version=DOCUMENTS,
        labeler=signature(),
        versions=versions(),
        record=_digest([store.suite(suite)]),
        references=_digest([store.references(suite)]),
        results={identity: _of_trial(store.of(identity)) for identity in sorted(identities)},
        documents={name: hashlib.sha256(content).hexdigest() for name, content in sorted(documents.items())},
        compared=earlier.digest if earlier else None,
        agreement=agreement,
    )


def write(store: Store, suite: str, current: Current) -> None:
    """Write a suite's record of its leaderboard."""
    write_text(place(store, suite), current.model_dump_json(indent=1) + "\n")


def files_in(there: Path) -> set[str]:
    """Return what a leaderboard may have written, by place: documents, figures, cards; not what others put there."""
    found = [there / name for name in ("README.md", "scores.md", "results.csv", JSON)]
    found += [*there.glob("figures/*"), *there.glob("model-cards/*")]
    return {path.relative_to(there).as_posix() for path in found if path.is_file()}


def _of_trial(folder: TrialFolder) -> str:
    """Return a digest of a trial's files, as far as a leaderboard is made from them; of an adapter its size."""
    weights = folder.adapter / "adapter_model.safetensors"
    files = [folder.trial, folder.scores, folder.predictions, folder.controls, folder.validation, folder.losses]
    return _digest([*files, folder.failure], str(weights.stat().st_size) if weights.is_file() else "")


def _digest(paths: Iterable[Path], text: str = "") -> str:
    """Return a digest of files' names and contents, those that are missing by their names alone, and of a text."""
    total = hashlib.sha256(text.encode())
    for path in paths:
        total.update(f"\0{path.name}\0".encode())
        if path.is_file():
            with path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
