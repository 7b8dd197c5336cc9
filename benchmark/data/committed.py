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
from typing import TYPE_CHECKING, Any

from benchmark.data.blocks import label_blocks
from benchmark.data.study import Study
from benchmark.data.text import normalise
from benchmark.store import write_text

if TYPE_CHECKING:
    from benchmark.data.split import Split

LEAST_SHARE = 0.9
"""How much of the release must be here for its split to be used."""


def split_for(studies: Sequence[Study]) -> dict[str, Any] | None:
    """The fields of the committed split, restricted to `studies`; None where they are not the release's.

    They are when every one of them is in the release with the same report, and nine tenths of the release are here
    (one damaged image must not move every other study to another part).
    """
    kept = _kept()
    digests: dict[str, str] = kept["reports"]
    if len(studies) < LEAST_SHARE * len(digests) or any(digests.get(s.id) != _digest(s.report) for s in studies):
        return None
    here = {s.id for s in studies}
    parts = {part: tuple(i for i in kept[part] if i in here) for part in ("train", "validation", "test")}
    blocks = {i: b for i, b in label_blocks(kept["blocks"]).items() if i in here}
    return {**parts, "blocks": blocks, "rule": kept["rule"]}


def write(path: Path, split: "Split", studies: Sequence[Study]) -> None:
    """Keep a split: ids only, and hashes by which its studies are known again."""
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
    return hashlib.sha256(normalise(report).encode()).hexdigest()[:12]


@cache
def _kept() -> dict[str, Any]:
    return json.loads(files("benchmark.data").joinpath("splits/dmid-blocked.json").read_text(encoding="utf-8"))
