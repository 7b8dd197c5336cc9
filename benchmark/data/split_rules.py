"""Studies parted into train, validation and test: sequential, random, blocked, or as a file says.

The paper's numbers are 407, 51 and 52 of 510; other numbers of studies are parted in the same proportion. What
looks random is the order of a hash of seed and id: the same on every machine and in every version.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.data import blocks as block_rule
from benchmark.data import committed_split, strict_json
from benchmark.data.blocks import blocks_of
from benchmark.data.dealing import deal
from benchmark.data.inventory import study_id
from benchmark.data.pseudorandom import shuffle_key
from benchmark.data.split import PARTS, Split
from benchmark.data.split_names import RULES
from benchmark.data.study import Study
from benchmark.errors import UserError, unknown_name

SPLITS = 2
"""Version of the rules: raised when the same studies are parted or joined to blocks otherwise, or their leakage is
measured otherwise."""
PAPER = (407, 51, 52)
SHOWN = 20
"""Wrong ids of a file that are listed, at most."""

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


def choose(studies: Sequence[Study], name: str, *, seed: int = 0) -> Split:
    """Return the split by a rule's name, or of a file: what `--split` and a suite's `split` mean.

    Raises:
        UserError: neither a rule nor a file that there is, or what `split` and `load` raise.
    """
    try:
        is_file = bool(Path(name).suffix) or Path(name).is_file()
    except (OSError, ValueError):  # no name that a file can have
        is_file = False
    if name in RULES or not is_file:
        return split(studies, name, seed=seed)
    return load(Path(name), studies)


def split(studies: Sequence[Study], name: str, *, seed: int = 0) -> Split:
    """Return the split of studies by a rule.

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
    released = committed_split.split_for(studies) if name == "blocked" and seed == 0 else None
    return released or compute(studies, name, seed=seed)


def compute(studies: Sequence[Study], name: str, *, seed: int = 0) -> Split:
    """Return the split by the rule alone, whatever is committed; arguments and errors are those of `split`."""
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
    return Split(
        name=name,
        seed=None if name == "sequential" else seed,
        train=train,
        validation=validation,
        test=test,
        blocks=blocks,
        rule=rule.format(*sizes),
    )


def sizes_for(number: int) -> tuple[int, int, int]:
    """Return how many of `number` studies train, validate and test: the paper's proportion, none of them empty."""
    test = max(1, round(number * PAPER[2] / sum(PAPER)))
    validation = max(1, round(number * PAPER[1] / sum(PAPER)))
    return number - validation - test, validation, test


def load(path: Path, studies: Sequence[Study]) -> Split:
    """Return the split of a file: JSON with lists of ids `train`, `validation` and `test`, as `Split.save` writes.

    Ids may be in the case of images or reports. `blocks` are taken from the file where it has them for every id
    it names, else inferred. Studies that the file doesn't name are left out.

    Raises:
        UserError: names the file and every id that is unknown, named twice or no id, or the part that is empty.
    """
    content = read_ids(path)
    train, validation, test = _parts_of_file(path, content, {s.id: s.number for s in studies})
    named = {*train, *validation, *test}
    chosen = [s for s in studies if s.id in named]
    seed, rule = content.get("seed"), content.get("rule")
    return Split(
        name="file",
        seed=seed,
        train=train,
        validation=validation,
        test=test,
        blocks=_blocks_of_file(content.get("blocks"), chosen) or blocks_of(chosen),
        rule=rule or "As the file of ids says.",
    )


def read_ids(path: Path) -> dict[str, Any]:
    """Return the content of a file of ids: each part a list of texts or missing, and blocks, seed and rule by type.

    Raises:
        UserError: names the file and all that is wrong with it, studies aside.
    """
    try:
        content = strict_json.parse(strict_json.read_text(path))
    except ValueError as error:
        raise UserError(
            f"{path}: {error}. Give a name ({', '.join(RULES)}), or a file with lists of ids under "
            f"{', '.join(map(repr, PARTS))}."
        ) from None
    if not isinstance(content, dict) or not all(_is_texts(content.get(p, [])) for p in PARTS):
        raise UserError(f"{path}: expected lists of ids under {', '.join(map(repr, PARTS))}.")
    blocks, seed, rule = (content.get(key) for key in ("blocks", "seed", "rule"))
    wrong = []
    if blocks is not None and not (isinstance(blocks, dict) and all(isinstance(b, str) for b in blocks.values())):
        wrong.append("'blocks' has to be an object of id to the name of its block")
    if seed is not None and type(seed) is not int:
        wrong.append("'seed' has to be a whole number")
    if rule is not None and not isinstance(rule, str):
        wrong.append("'rule' has to be text")
    if wrong:
        raise UserError(f"{path}: {'; '.join(wrong)}.")
    return content


def _parts_of_file(path: Path, content: Mapping[str, Any], numbers: Mapping[str, int]) -> list[tuple[str, ...]]:
    """Return the ids of each part, in the order of their numbers.

    Args:
        path: named in errors.
        content: of the file.
        numbers: of the studies, by id.
    """
    parts: list[tuple[str, ...]] = []
    wrong: list[str] = []
    times: Counter[str] = Counter()
    for part in PARTS:
        ids = {text: study_id(text) or text for text in content.get(part, [])}
        wrong += [
            f"{strict_json.shown(text)} ({part}) is not among the studies"
            for text, i in ids.items()
            if i not in numbers
        ]
        listed = [ids[text] for text in content.get(part, [])]
        times.update(listed)
        parts.append(tuple(sorted((i for i in listed if i in numbers), key=numbers.__getitem__)))
    wrong += [f"{strict_json.named(i)} is named {n} times" for i, n in times.items() if n > 1]
    wrong += [f"{p!r} is empty" for p, ids in zip(PARTS, parts, strict=True) if not ids and p != "validation"]
    if wrong:
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise UserError(f"{path}: {'; '.join(wrong[:SHOWN])}{more}.")
    return parts


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _blocks_of_file(blocks: Any, studies: Sequence[Study]) -> dict[str, str] | None:
    """Return the block of each study as the file has it; None where it lacks one."""
    if blocks is None:
        return None
    named = {study_id(key) or key: value for key, value in blocks.items()}
    return {s.id: named[s.id] for s in studies} if all(s.id in named for s in studies) else None
