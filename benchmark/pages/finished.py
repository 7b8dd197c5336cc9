"""A sweep that has nothing to do, told in a second: no torch, no worker, no figure drawn again.

The first half of a sweep is done as ever: the data are read (files by the hashes that are known of them), split and
fingerprinted, checkpoints are fingerprinted, and the grid's trials get their ids. If the record that would be written
is the one that lies there, every trial of it is done, and the leaderboard is current by its digests, a sweep would
change nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backbones.checkpoint import fingerprint, is_cached, locate
from benchmark.board.earlier import JSON, find, read_board
from benchmark.data import dmid
from benchmark.data.content import content_hash
from benchmark.data.leakage import leakage
from benchmark.data.split import RULES, Split, choose
from benchmark.errors import UserError
from benchmark.pages import current
from benchmark.pages.written import Written
from benchmark.phantoms import miniatures
from benchmark.scoring.floor import Floor
from benchmark.store import Store, read_lines, read_record
from benchmark.suite import Entry, PhantomData, Suite
from benchmark.sweep import (
    Summary,
    Weights,
    phantom_folder,
    record_of,
    records_of,
    references_of,
    split_made_of,
    trials_of,
)


@dataclass(frozen=True)
class Finished:
    """A finished sweep whose leaderboard is current.

    Attributes:
        summary: as the sweep would give it.
        written: its leaderboard, as it lies there.
    """

    summary: Summary
    written: Written


def finished(suite: Suite, *, data: Path | None, results: Path, leaderboards: Path) -> Finished | None:
    """Return a sweep's end where there is nothing to do; None where there may be something, whatever it is.

    Args:
        suite, data, results: as `benchmark.sweep.run` takes them.
        leaderboards: where the leaderboard lies.
    """
    store = Store(results)
    known = current.read(store, suite.name)
    if known is None or not store.suite(suite.name).is_file():
        return None
    before = find(store, suite.name, leaderboards, known.own)
    documents = _documents(leaderboards / suite.name)
    record = read_record(store, suite.name)
    identities = [*record["trials"], *record["baselines"].values()]
    # Cheap before dear: digests of a few megabytes, then the data, then plugins that only torch can import.
    if not all(store.of(identity).is_done() for identity in identities):
        return None
    if known != current.of(store, suite.name, identities, documents, before, known.agreement):
        return None
    try:
        summary = _summary(suite, data, store, record)
    except UserError:
        return None  # a sweep says it
    if summary is None:
        return None
    board = read_board(documents[JSON].decode(), str(leaderboards / suite.name / JSON))
    readme = leaderboards / suite.name / "README.md"
    return Finished(summary, Written(readme, board, known.agreement, before.copy if before else None))


def _documents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in current.files_in(folder)}


def _summary(suite: Suite, data: Path | None, store: Store, record: Mapping[str, Any]) -> Summary | None:
    """The end of a sweep that would write the record that is there; None where it would write another one."""
    if (data is not None) == isinstance(suite.data, PhantomData):
        return None
    folder = phantom_folder(suite.data) if isinstance(suite.data, PhantomData) else data
    if folder is None or not folder.is_dir():
        return None
    release = dmid.read(folder)
    split, leaks = _split(suite, release, record)
    records = records_of(suite, release, split, store.folder, data)
    sources = _sources(suite)
    if sources is None:
        return None
    trials = trials_of(suite, sources, release.fingerprint, split)
    floors = [Floor(name, release.fingerprint, records) for name in suite.baselines]
    again = record_of(suite, trials, sources, release, split, leaks, floors, records)
    if json.loads(json.dumps(again)) != record:
        return None
    if references_of(records, folder) != read_lines(store.references(suite.name)):
        return None
    return Summary(
        suite=suite,
        trials=trials,
        already=len(trials),
        ran=0,
        data=release.summary_line(),
        results=store.folder,
        record=store.suite(suite.name),
    )


def _split(suite: Suite, release: dmid.Release, record: Mapping[str, Any]) -> tuple[Split, Mapping[str, Any]]:
    """The split and its leakage: those of the record where the same rules would part the same studies so again.

    Comparing the reports of a thousand studies with each other takes as long as everything else.
    """
    made_of, asked = split_made_of(release.studies), suite.model_dump(mode="json")["split"]
    if suite.split.name in RULES and record.get("split_made_of") == made_of and record["suite"]["split"] == asked:
        return Split.from_dict(record["split"]), record["split"]["leakage"]
    split = choose(release.studies, suite.split.name, seed=suite.split.seed)
    return split, leakage(split, release.studies).to_dict()


def _sources(suite: Suite) -> dict[str, Weights] | None:
    """Where each checkpoint lies and its fingerprint, by backbone; None where one isn't there yet."""
    found = {}
    for entry in suite.backbones:
        folder = _folder(suite, entry)
        if folder is None or not (folder / "config.json").is_file():
            return None
        found[entry.name] = Weights(None if entry.checkpoint == "hub" else folder, fingerprint(folder, content_hash))
    return found


def _folder(suite: Suite, entry: Entry) -> Path | None:
    if entry.is_folder:
        return Path(entry.checkpoint)
    if entry.checkpoint == "miniature":
        source = miniatures.source_of(suite, entry.name)
        return source if isinstance(source, Path) else source.folder
    # Which revision is pinned, only the plugin says.
    from backbones.registry import get

    pinned = get(entry.name).checkpoint
    return locate(None, pinned) if is_cached(pinned) else None
