"""Splits into train, validation and test: sequential, random, blocked, or those of a file.

The paper's numbers are 407, 51 and 52 of 510; other numbers of studies are parted in the same proportion. What
looks random is the order of a hash of seed and id: the same on every machine and in every version.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmark.data import blocks as block_rule
from benchmark.data import committed
from benchmark.data.blocks import blocks_of
from benchmark.data.dealing import deal, shuffle_key
from benchmark.data.inventory import study_id
from benchmark.data.study import Study
from benchmark.errors import UserError, unknown_name
from benchmark.record import Leakage, SplitFile, SplitRecord
from benchmark.store import write_json

SPLITS = 1
"""Version of the rules: raised when the same studies are parted or joined to blocks otherwise, or their leakage is
measured otherwise."""
RULES = ("blocked", "random", "sequential")
PARTS = ("train", "validation", "test")
PAPER = (407, 51, 52)

_RULE_TEXTS = {
    "sequential": "In the order of ids: the first {} train, the next {} validate, the last {} test.",
    "random": "Image by image, as in the paper: in the order of a hash of seed and id, {} train, {} validate, {} test.",
    "blocked": "Whole blocks, {} train, {} validate, {} test; stratified by BI-RADS category, then by density, "
    "as far as blocks allow; blocks of more than four, which may join patients, train where enough others are left. ",
}
_TOO_FEW_BLOCKS = (
    "The rule finds fewer than three blocks among these studies, so each study is a block of its own and views of "
    "one patient may lie in different parts."
)


@dataclass(frozen=True)
class Split:
    """Which studies train, which validate, which test.

    Attributes:
        name: sequential, random, blocked or file.
        seed: what the order was made from, or None where nothing is random.
        train, validation, test: ids in the order of their numbers.
        blocks: every id to the label of its block: the units of resampling.
        rule: how it came about, in words.
    """

    name: str
    seed: int | None
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    blocks: dict[str, str] = field(hash=False)
    rule: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hexadecimal, of who is in which part and which block: all that can change a result."""
        content = [self.train, self.validation, self.test, sorted(self.blocks.items())]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def studies(self, part: str, among: Iterable[Study]) -> list[Study]:
        """Return the studies of train, validation or test, in the order of the split.

        Args:
            part: one of `PARTS`.
            among: studies in any order, those of the part among them.
        """
        by_id = {study.id: study for study in among}
        return [by_id[i] for i in getattr(self, part)]

    def part_of(self) -> dict[str, str]:
        """Return the name of each id's part."""
        return {i: part for part in PARTS for i in getattr(self, part)}

    def to_file(self) -> SplitFile:
        """Return it as a file has it, with its fingerprint."""
        return SplitFile(**vars(self), fingerprint=self.fingerprint)

    def to_record(self, leakage: Leakage) -> SplitRecord:
        """Return it as the record of a suite has it, with what it lets through."""
        return SplitRecord(**dict(self.to_file()), leakage=leakage)

    @classmethod
    def from_record(cls, record: SplitRecord) -> Self:
        """Return the split of a record."""
        return cls(record.name, record.seed, record.train, record.validation, record.test, record.blocks, record.rule)

    def save(self, path: Path) -> None:
        """Write the split as a file that `load` reads."""
        write_json(path, self.to_file())


def split(studies: Sequence[Study], name: str, *, seed: int = 0) -> Split:
    """Part studies by a rule.

    The blocked split of the real release is committed (`splits/dmid-blocked.json`), so that everyone tests on
    the same studies: it is used, at seed 0, for every data set whose studies are the release's, by id and report,
    as long as at least nine tenths of them are here. Everything else is computed.

    Args:
        studies: at least three, in any order.
        name: sequential, random or blocked.
        seed: another seed gives another random or blocked split.

    Raises:
        UserError: an unknown name, or fewer than three studies.
    """
    if name == "blocked" and seed == 0:
        found = committed.split_for(studies)
        if found is not None:
            return Split(name, seed, found.train, found.validation, found.test, found.blocks, found.rule)
    return compute(studies, name, seed=seed)


def compute(studies: Sequence[Study], name: str, *, seed: int = 0) -> Split:
    """Split by the rule alone, whatever is committed."""
    if name not in RULES:
        raise unknown_name("split", name, RULES)
    if len(studies) < len(PARTS):
        raise UserError(f"{len(studies)} studies can't be split in train, validation and test: 3 or more are needed.")
    ordered = sorted(studies, key=lambda s: s.number)
    blocks = blocks_of(ordered)
    sizes = sizes_for(len(ordered))
    rule = _RULE_TEXTS[name]
    if name == "blocked":
        rule += block_rule.RULE
        if len(set(blocks.values())) < len(PARTS):
            blocks, rule = {s.id: s.id for s in ordered}, _RULE_TEXTS[name] + _TOO_FEW_BLOCKS
        parts = deal(ordered, blocks, sizes, seed=seed)
        sizes = (len(parts[0]), len(parts[1]), len(parts[2]))
    else:
        ids = [s.id for s in ordered]
        if name == "random":
            ids.sort(key=lambda i: shuffle_key(seed, i))
        first, second = sizes[0], sizes[0] + sizes[1]
        parts = [ids[:first], ids[first:second], ids[second:]]
    number = {s.id: s.number for s in ordered}
    train, validation, test = (tuple(sorted(p, key=number.__getitem__)) for p in parts)
    seeded = None if name == "sequential" else seed
    return Split(name, seeded, train, validation, test, blocks, rule.format(*sizes))


def choose(studies: Sequence[Study], name: str, *, seed: int = 0) -> Split:
    """Split by a rule's name, or load a split from a file: what `--split` and a suite's `split` mean.

    Raises:
        UserError: neither a rule nor a file that there is, or what `split` and `load` raise.
    """
    if name in RULES or not (Path(name).suffix or Path(name).is_file()):
        return split(studies, name, seed=seed)
    return load(Path(name), studies)


def load(path: Path, studies: Sequence[Study]) -> Split:
    """Read a split from a file: JSON with lists of ids `train`, `validation` and `test`, as `Split.save` writes.

    Ids may be in the case of images or reports. `blocks` are taken from the file where it has them for every id
    it names, else inferred. Studies that the file doesn't name are left out.

    Raises:
        UserError: names the file and every id that is unknown, named twice or no id, or the part that is empty.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"{path}: can't be read ({error.strerror}). Give a name ({', '.join(RULES)}) or a file."
        ) from None
    except ValueError as error:
        raise UserError(f"{path}: is not JSON ({error}).") from None
    if not isinstance(content, dict) or not all(_is_texts(content.get(p, [])) for p in PARTS):
        raise UserError(f"{path}: expected lists of ids under {', '.join(map(repr, PARTS))}.")
    known = {s.id: s.number for s in studies}
    parts: list[tuple[str, ...]] = []
    wrong: list[str] = []
    seen: Counter[str] = Counter()
    for part in PARTS:
        named = {text: study_id(text) or text for text in content.get(part, [])}
        wrong += [f"{text!r} ({part}) is not among the studies" for text, i in named.items() if i not in known]
        ids = [named[text] for text in content.get(part, [])]
        seen.update(ids)
        parts.append(tuple(sorted((i for i in ids if i in known), key=known.__getitem__)))
    wrong += [f"{i} is named {n} times" for i, n in seen.items() if n > 1]
    wrong += [f"{p!r} is empty" for p, ids in zip(PARTS, parts, strict=True) if not ids and p != "validation"]
    if wrong:
        raise UserError(f"{path}: " + "; ".join(wrong) + ".")
    chosen = [s for s in studies if s.id in seen]
    blocks = _blocks_of_file(content.get("blocks"), chosen) or blocks_of(chosen)
    seed = content.get("seed")
    rule = content.get("rule")
    return Split(
        name="file",
        seed=seed if isinstance(seed, int) else None,
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        blocks=blocks,
        rule=rule if isinstance(rule, str) else "As the file of ids says.",
    )


def sizes_for(number: int) -> tuple[int, int, int]:
    """Return how many of `number` studies train, validate and test: the paper's proportion, none of them empty."""
    test = max(1, round(number * PAPER[2] / sum(PAPER)))
    validation = max(1, round(number * PAPER[1] / sum(PAPER)))
    return number - validation - test, validation, test


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _blocks_of_file(blocks: Any, studies: Sequence[Study]) -> dict[str, str] | None:
    if not isinstance(blocks, dict) or not all(isinstance(v, str) for v in blocks.values()):
        return None
    named = {study_id(key) or key: value for key, value in blocks.items()}
    return {s.id: named[s.id] for s in studies} if all(s.id in named for s in studies) else None
