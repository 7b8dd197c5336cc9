"""The blocked split of the real release, computed once and kept, so that everyone tests on the same studies.

`splits/dmid-blocked.json` holds ids, blocks, the rule, and of every report the first twelve digits of a hash: no
text. It is made by `write` from all 510 reports of figshare 24522883 v2.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from benchmark.data.blocks import label_blocks
from benchmark.data.split import Split
from benchmark.data.study import Study
from benchmark.data.text import normalise
from benchmark.forms.record import Stored
from benchmark.results.store import write_text

LEAST_SHARE = 0.9
"""How much of the release must be here for its split to be used."""


class CommittedSplit(Stored):
    """The content of `splits/dmid-blocked.json`; `reports` has of each id the first digits of its report's hash."""

    source: str
    rule: str
    seed: int
    fingerprint: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    blocks: tuple[tuple[str, ...], ...]
    reports: dict[str, str]


@cache
def read() -> CommittedSplit:
    """Return the committed file's content."""
    text = files("benchmark.data").joinpath("splits/dmid-blocked.json").read_text(encoding="utf-8")
    return CommittedSplit.model_validate_json(text)


def released() -> Split:
    """Return the committed split of the whole release."""
    release = read()
    blocks = label_blocks(release.blocks)
    return Split("blocked", release.seed, release.train, release.validation, release.test, blocks, release.rule)


def split_for(studies: Sequence[Study]) -> Split | None:
    """Return the committed split, restricted to `studies`; None where they are not the release's.

    They are when every one of them is in the release with the same report, and nine tenths of the release are here
    (one damaged image must not move every other study to another part).
    """
    release = read()
    digests = release.reports
    if len(studies) < LEAST_SHARE * len(digests) or any(digests.get(s.id) != _digest(s.report) for s in studies):
        return None
    present = {s.id for s in studies}
    parts = (release.train, release.validation, release.test)
    train, validation, test = (tuple(i for i in ids if i in present) for ids in parts)
    blocks = {i: b for i, b in label_blocks(release.blocks).items() if i in present}
    return Split("blocked", release.seed, train, validation, test, blocks, release.rule)


def write(path: Path, split: Split, studies: Sequence[Study]) -> None:
    """Write the file of a split: ids only, and hashes by which its studies are known again."""
    runs: dict[str, list[str]] = {}
    for i, block in split.blocks.items():
        runs.setdefault(block, []).append(i)
    content = {
        "source": "DMID, figshare 24522883 v2, all 510 reports",
        "rule": split.rule,
        "seed": split.seed,
        "fingerprint": split.fingerprint,
        "train": split.train,
        "validation": split.validation,
        "test": split.test,
        "blocks": list(runs.values()),
        "reports": {s.id: _digest(s.report) for s in sorted(studies, key=lambda s: s.number)},
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items()]
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def _digest(report: str) -> str:
    """Return the first twelve hexadecimal digits of the SHA-256 of a report, case and blank space aside."""
    return hashlib.sha256(normalise(report).encode()).hexdigest()[:12]
