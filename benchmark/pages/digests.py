"""Digests by which a suite's leaderboard is known to be current, in a fraction of the time of making it again.

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
from benchmark.results.store import Store, TrialFolder, write_text
from metrics.labels.version import signature

SCHEMA = 1
"""Version of the record; another one's is not read."""


class LeaderboardDigests(BaseModel):
    """All that a leaderboard was made from, and its documents.

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
    def results_json(self) -> str:
        """The digest of the leaderboard's `results.json`."""
        return self.documents[JSON]


def digests_file(store: Store, suite: str) -> Path:
    """Return where the digests of a suite's leaderboard lie."""
    return store.references(suite).with_name("leaderboard.json")


def read_digests(store: Store, suite: str) -> LeaderboardDigests | None:
    """Return the digests of a suite's leaderboard; None where there are none, or they can't be used."""
    try:
        digests = LeaderboardDigests.model_validate_json(digests_file(store, suite).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
    return digests if digests.schema_version == SCHEMA else None


def digests_of(
    store: Store,
    suite: str,
    identities: Iterable[str],
    documents: Mapping[str, bytes],
    earlier: Earlier | None,
    agreement: str | None,
) -> LeaderboardDigests:
    """Return the digests of a leaderboard as everything is now.

    Args:
        store: of the results.
        suite: its name.
        identities: of its trials and baselines.
        documents: content of each file of the leaderboard, by place.
        earlier: the published leaderboard that it was compared with.
        agreement: what came of that.
    """
    return LeaderboardDigests(
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


def write_digests(store: Store, suite: str, digests: LeaderboardDigests) -> None:
    """Write the digests of a suite's leaderboard."""
    write_text(digests_file(store, suite), digests.model_dump_json(indent=1) + "\n")


def files_in(folder: Path) -> set[str]:
    """Return what a leaderboard may have written, by place: documents, figures, cards; not what others put there."""
    paths = [folder / name for name in ("README.md", "scores.md", "results.csv", JSON)]
    paths += [*folder.glob("results-*.csv"), *folder.glob("figures/*"), *folder.glob("model-cards/*")]
    return {path.relative_to(folder).as_posix() for path in paths if path.is_file()}


def _of_trial(folder: TrialFolder) -> str:
    """Return a digest of a trial's files, as far as a leaderboard is made from them; of an adapter its size."""
    weights = folder.adapter / "adapter_model.safetensors"
    files = [folder.trial, folder.scores, folder.predictions, folder.controls, folder.validation, folder.losses]
    # Named only where there are any, so that digests of before hold.
    files += [folder.evaluations] if folder.evaluations.is_file() else []
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
