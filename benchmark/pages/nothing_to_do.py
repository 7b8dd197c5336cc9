"""Whether a sweep has nothing to do, known in a second: no torch, no worker, no figure drawn again.

The first half of a sweep is done as ever: the data are read (files by the hashes that are known of them), split and
fingerprinted, checkpoints are fingerprinted, and the grid's trials get their ids. If the record that would be written
is the one that lies there, every trial of it is done, and the leaderboard is current by its digests, a sweep would
change nothing.

Of phantoms that is found out once: files, phantoms and checkpoints are compared with their digests each time, and where
those, the suite and amrg's own version are what they were, the record that would be written is too. In a checkout the
version is its commit; where files differ from that, no version names the code, and all is found out each time.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backbones.checkpoint import fingerprint, is_cached, locate
from backbones.manifest import MANIFEST
from benchmark.board.earlier import JSON, find, read_board
from benchmark.disk.content import content_hash, is_known, make_known
from benchmark.errors import UserError
from benchmark.forms.record import SuiteRecord
from benchmark.forms.suite import Entry, PhantomData, Suite, Trial
from benchmark.pages.digests import LeaderboardDigests, digests_of, files_in, read_digests
from benchmark.pages.written import Written
from benchmark.phantoms.places import phantom_folder, shipped_for
from benchmark.products import problems_of
from benchmark.provenance import code_version
from benchmark.results.halving import exits_of
from benchmark.results.store import Store, read_record, read_references
from benchmark.results.summary import Summary


@dataclass(frozen=True)
class FinishedSweep:
    """A finished sweep whose leaderboard is current.

    Attributes:
        summary: as the sweep would give it.
        written: its leaderboard, as it lies there.
    """

    summary: Summary
    written: Written


def finished_sweep(
    suite: Suite, *, data: Path | None, results: Path, leaderboards: Path, named: str | None = None
) -> FinishedSweep | None:
    """Return a sweep's end where there is nothing to do; None where there may be something, whatever it is.

    Args:
        suite, data, results: as `benchmark.sweep.run` takes them.
        leaderboards: where the leaderboard lies.
        named: as `benchmark.data.records.read_records` takes it.
    """
    store = Store(results)
    digests = read_digests(store, suite.name)
    if digests is None or not store.suite(suite.name).is_file():
        return None
    documents = _documents(leaderboards / suite.name)
    try:
        before = find(store, suite.name, leaderboards, digests.results_json)
        record = read_record(store, suite.name)
        exited = exits_of(store, record)
    except (UserError, UnicodeDecodeError):
        return None  # damaged: a sweep writes it anew
    identities = [*record.trials, *record.floors]
    finished = [identity for identity in identities if identity not in exited]
    # Cheap before dear: digests of a few megabytes, then the data, then plugins that only torch can import.
    shown = {one for one, trial in record.trials.items() if suite.shows_lesions_to(trial)}
    if not all(store.of(one).is_done(lesions=one in shown) for one in finished):
        return None
    if digests != digests_of(store, suite.name, identities, documents, before, digests.agreement):
        return None
    try:
        summary = _summary(suite, data, store, record, digests, named)
    except UserError:
        return None  # a sweep says it
    if summary is None:
        return None
    try:
        board = read_board(documents[JSON].decode(), str(leaderboards / suite.name / JSON))
    except (UserError, UnicodeDecodeError):
        return None
    readme = leaderboards / suite.name / "README.md"
    return FinishedSweep(summary, Written(readme, board, digests.agreement, before.copy if before else None))


def _documents(folder: Path) -> dict[str, bytes]:
    """Return the files of a leaderboard."""
    return {name: (folder / name).read_bytes() for name in files_in(folder)}


def _summary(
    suite: Suite, data: Path | None, store: Store, record: SuiteRecord, digests: LeaderboardDigests, named: str | None
) -> Summary | None:
    """Return the end of a sweep that would write the record that is there; None where it would write another one."""
    if (data is not None) == isinstance(suite.data, PhantomData):
        return None
    folder = phantom_folder(suite.data) if isinstance(suite.data, PhantomData) else data
    if folder is None or not folder.is_dir():
        return None
    if isinstance(suite.data, PhantomData) and problems_of(folder):
        return None  # they are drawn again
    places = _checkpoints(suite)
    if places is None:
        return None
    fingerprints = {name: fingerprint(place, content_hash) for name, place in places.items()}
    trials = tuple(record.trials.values())
    question = _question(suite, folder, fingerprints, digests, named)
    if question is None or not is_known(question):
        found = _planned_as_recorded(suite, folder, store, record, places, fingerprints, named)
        if found is None:
            return None
        trials = found
        if question is not None:
            make_known(question)
    return Summary(suite, trials, already=len(trials), ran=0, exited=len(exits_of(store, record)))


def _question(
    suite: Suite, folder: Path, fingerprints: Mapping[str, str], digests: LeaderboardDigests, named: str | None
) -> str | None:
    """Return a digest of all that decides whether a sweep would write the record that is there.

    None of people's data, and where no version names the code that runs.

    Args:
        suite, named: as `finished_sweep` takes them.
        folder: of the data, which are what their manifest says.
        fingerprints: of the checkpoints, by backbone.
        digests: of the record, the reports and the leaderboard, as they are; versions are among them.
    """
    code = code_version()
    if not isinstance(suite.data, PhantomData) or code is None:
        return None
    asked = [
        "would a sweep write this record?",
        code,
        suite.model_dump_json(),
        named,
        hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest(),
        dict(fingerprints),
        digests.model_dump_json(),
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _planned_as_recorded(
    suite: Suite,
    folder: Path,
    store: Store,
    record: SuiteRecord,
    places: Mapping[str, Path],
    fingerprints: Mapping[str, str],
    named: str | None,
) -> tuple[Trial, ...] | None:
    """Return the trials of a sweep that would write the record that is there; None where it would write another one."""
    from benchmark.data.leakage import leakage
    from benchmark.data.records import read_records
    from benchmark.data.split import Split
    from benchmark.data.split_names import RULES
    from benchmark.sweep import plan_trials, split_made_of
    from benchmark.tuning.weights import Weights

    same_split = suite.split.name in RULES and record.suite.split == suite.split
    parts = [fold.split for fold in record.folds] or [record.split]
    splits = [Split.from_record(part) for part in parts] if same_split else None
    records = read_records(suite, folder, store.folder, splits=splits, named=named)
    measured = [part.leakage for part in parts]
    # Comparing the reports of a thousand studies with each other takes as long as everything else, so the split and
    # its leakage are those of the record where the same rules would part the same studies so again.
    if not same_split or record.split_made_of != split_made_of(records.studies):
        records = read_records(suite, folder, store.folder, named=named)
        measured = [leakage(split, records.studies) for split in records.splits]
    weights = {
        entry.name: Weights(None if entry.checkpoint == "hub" else places[entry.name], fingerprints[entry.name])
        for entry in suite.backbones
    }
    planned = plan_trials(suite, records, weights)
    if planned.record(measured) != record or records.references() != read_references(store, suite.name):
        return None
    return planned.trials


def _checkpoints(suite: Suite) -> dict[str, Path] | None:
    """Return where each checkpoint lies, by backbone; None where one isn't stored yet, or isn't what was stored."""
    places = {}
    for entry in suite.backbones:
        folder = _folder(suite, entry)
        if folder is None or not (folder / "config.json").is_file():
            return None
        if entry.checkpoint == "miniature" and problems_of(folder):
            return None  # trained again, or refused
        places[entry.name] = folder
    return places


def _folder(suite: Suite, entry: Entry) -> Path | None:
    if entry.is_folder:
        return Path(entry.checkpoint)
    if entry.checkpoint == "miniature":
        if (folder := shipped_for(suite, entry)) is not None:
            return folder
        from benchmark.phantoms import miniatures

        source = miniatures.source_of(suite, entry)
        return source if isinstance(source, Path) else source.folder
    # Which revision is pinned, only the plugin says.
    from benchmark.entries.plugins import plugin_of

    pinned = plugin_of(entry).checkpoint
    return locate(None, pinned) if is_cached(pinned) else None
