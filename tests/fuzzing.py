"""Mutated inputs through every reader of files that people or earlier runs hand in: each is read, or refused in words.

`make fuzz` runs 100,000; `tests/test_fuzz.py` runs some in every test run. Where an input ends in anything but a
`UserError`, or takes longer than `SECONDS`, it is kept in a folder and told, with its number: the same seed and number
make it again.

Usage: python tests/fuzzing.py [--inputs 100000] [--seed 0] [--only suite,texts,labels,split,stored] [--keep FOLDER]
"""

import argparse
import json
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import FrameType

from benchmark.data.split_rules import load as load_split
from benchmark.data.study import Study
from benchmark.errors import UserError
from benchmark.results.store import Store, TrialFolder, read_record, read_references
from benchmark.scoring.labels import label_file
from benchmark.scoring.texts import read_texts
from benchmark.suites.load import load_suite

SECONDS = 10
"""An input that takes longer is a finding."""
MEMORY = 1 << 30
"""Bytes that the process may grow by, where limits of memory are set."""
Read = Callable[[Path], object]

WORDS = [
    "010", "0x10", "1_000", "1:30", ".inf", "-.inf", ".nan", "1e400", "9" * 5000, "-1", "0", "true", "yes", "null",
    "~", "''", "2020-01-01", "!!int 3", "!!python/object/apply:os.system [x]", "! x", "&a", "*a", "<<: *a",
    "<<: {steps: 3}", "? [a]", "---", "...", "%YAML 9.9", "[" * 3000, "{a: " * 3000, "{", "}", "[", "]", ":", ",", '"',
    "'", "|", ">", "#", "@", "`", "- ", '"\\ud800"', '"\\0"', '"\\UFFFFFFFF"', "\\ud83d", "\\u0000", "\x00",
    "\x1b[31m", "\x85", "\u2028", "\ufeff", "\ud800", "é", "NaN", "Infinity", "-Infinity", "1e999", "[]", "{}", '""',
    '"id": "x",', '"id": 5,', '"train": [],', "\t", "\r", "\r\n", "\n\n", "1.5", "-0", "1e-400", '{"a": 1, "a": 2}',
    "medgemma-4b-it", "miniature", "\\", "\\x", "<image>", "</s>",
]  # fmt: skip


@dataclass
class Findings:
    """What a run came to.

    Attributes:
        outcomes: reader and outcome (read, refused) to how many inputs.
        wrong: number, reader and error of each input that ended in neither.
        slowest: seconds of the slowest input, and its number.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[tuple[int, str, str]] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, -1)


@dataclass(frozen=True)
class Target:
    """A reader with sound inputs of it.

    Attributes:
        name: of the kind of input.
        file: the name that an input is written under.
        samples: sound inputs.
        read: raises a UserError where an input is refused.
        share: how many inputs it gets of each round.
    """

    name: str
    file: str
    samples: Sequence[bytes]
    read: Read
    share: int = 1


class TooSlow(BaseException):
    """An input took longer than it may; no `except Exception` of a reader catches it."""


def mutated(sample: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a sample with one to five changes: of bits, bytes, words, lines or its encoding."""
    content = bytearray(sample)
    for _ in range(chance.choice((1, 1, 1, 1, 2, 3, 5))):
        content = bytearray(chance.choice(CHANGES)(bytes(content), others, chance))
    return bytes(content)


def _flip(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    changed = bytearray(content or b" ")
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    start = chance.randint(0, len(content))
    return content[:start] + content[start + chance.choice((1, 3, 20, len(content))) :]


def _repeat(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    start = chance.randint(0, len(content))
    part = content[start : start + chance.choice((1, 10, 100))]
    return content[:start] + part * chance.choice((2, 2, 50)) + content[start:]


def _insert(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    word = chance.choice(WORDS).encode(errors="surrogatepass")
    start = chance.choice((0, len(content), *(chance.randint(0, len(content)) for _ in range(6))))
    return content[:start] + word + content[start:]


def _value(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Put another word in the place of a number, a word or a text."""
    places = list(re.finditer(rb'"[^"\n]*"|[A-Za-z0-9_.+-]+', content))
    if not places:
        return content
    place = chance.choice(places)
    word = chance.choice((*WORDS, *(json.dumps(word) for word in WORDS[:12]))).encode(errors="surrogatepass")
    return content[: place.start()] + word + content[place.end() :]


def _lines(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    place = chance.randrange(len(lines))
    how = chance.randrange(4)
    if how == 0:
        lines.insert(chance.randrange(len(lines)), lines[place])
    elif how == 1:
        del lines[place]
    elif how == 2:
        other = chance.randrange(len(lines))
        lines[place], lines[other] = lines[other], lines[place]
    else:
        lines[place] = chance.choice((b" ", b"\t", b"    ", b"")) + lines[place].strip()
    return b"\n".join(lines)


def _encode(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    encoding = chance.choice(("utf-16", "utf-16-le", "utf-32", "latin-1", "utf-8-sig", "cp037"))
    return content.decode("utf-8", errors="replace").encode(encoding, errors="replace")


def _splice(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(others)
    return content[: chance.randint(0, len(content))] + other[chance.randint(0, len(other)) :]


def _noise(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice((0, 1, 16, 300)))


CHANGES = (_flip, _cut, _repeat, _insert, _insert, _value, _value, _value, _lines, _lines, _splice, _encode, _noise)


def targets(folder: Path, results: Path, only: Sequence[str] = ()) -> list[Target]:
    """Return every reader with its samples.

    Args:
        folder: where inputs are written.
        results: stored results of a suite, sound ones.
        only: kinds; all if none is named.
    """
    suites = [path.read_bytes() for path in files("benchmark.suites").iterdir() if path.name.endswith(".yaml")]
    ids = [f"Img{number:03d}" for number in range(1, 9)]
    studies = [Study(i, None, f"Report of {i}. BIRADS: 2.", density=None, birads=()) for i in ids]
    split = {"train": ids[:4], "validation": ids[4:6], "test": ids[6:], "blocks": dict.fromkeys(ids, "1"), "seed": 0}
    texts = [
        "".join(
            json.dumps({"id": i, key: f"A mass, {n} mm – BI-RADS: {n % 6}."} | extra) + "\n" for n, i in enumerate(ids)
        )
        for key, extra in (("prediction", {}), ("prediction", {"block": "1"}), ("report", {"block": "2"}))
    ]
    every = [
        Target("suite", "field.yaml", suites, lambda path: load_suite(str(path)), 5),
        Target("texts", "p.jsonl", [t.encode() for t in texts], lambda path: read_texts(path, "prediction"), 4),
        Target("labels", "r.jsonl", [t.encode() for t in texts], label_file, 2),
        Target(
            "split",
            "s.json",
            [json.dumps(split, indent=n).encode() for n in (None, 1)],
            lambda p: load_split(p, studies),
            3,
        ),
        *_stored(folder, results),
    ]
    return [target for target in every if not only or target.name.split(":")[0] in only]


def _stored(folder: Path, results: Path) -> Iterator[Target]:
    """Readers of a trial's folder and of a suite's record."""
    read: dict[str, Callable[[TrialFolder], object]] = {
        "trial.json": TrialFolder.read_trial_or_floor,
        "scores.json": TrialFolder.read_scores,
        "losses.csv": TrialFolder.read_losses,
        "predictions.jsonl": TrialFolder.read_predictions,
        "draws.jsonl": TrialFolder.read_draws,
        "failure.json": TrialFolder.read_failure,
    }
    store = Store(results)
    failure = b'{"schema_version": 3, "trial": %b, "stage": "train", "reason": "x", "at": "2026-01-02T03:04:05+00:00"}'
    for name, reader in read.items():
        samples = [(one.path / name).read_bytes() for one in store.with_file(name)][:4]
        if name == "failure.json":
            trial = json.loads(next(iter(store.with_file("losses.csv"))).trial.read_bytes())["trial"]
            samples = [failure % json.dumps(trial).encode()]
        if name == "draws.jsonl":
            samples = [
                b'{"id": "Img001", "prediction": "x", "draw": 1}\n{"id": "Img001", "prediction": "y", "draw": 2}\n'
            ]
            (folder / "predictions.jsonl").write_bytes(b'{"id": "Img001", "prediction": "x"}\n')
        yield Target(f"stored:{name}", name, samples, lambda path, reader=reader: reader(TrialFolder(path.parent)))  # type: ignore[misc]
    for path, reader_of in ((store.suite("stored"), read_record), (store.references("stored"), read_references)):
        yield Target(
            f"stored:{path.name}",
            path.relative_to(results).as_posix(),
            [path.read_bytes()],
            lambda _, reader_of=reader_of: reader_of(Store(folder), "stored"),  # type: ignore[misc]
        )


def run(every: Sequence[Target], folder: Path, inputs: int, seed: int, keep: Path | None = None) -> Findings:
    """Read mutated inputs, each kind of reader in turn; the same seed and number make the same input.

    Args:
        every: the readers.
        folder: where inputs are written.
        inputs: how many.
        seed: of the changes.
        keep: where inputs go that ended wrong.
    """
    findings = Findings()
    every = [target for target in every for _ in range(target.share)]
    for number in range(inputs):
        target = every[number % len(every)]
        chance = random.Random(f"{seed} {number}")
        content = mutated(chance.choice(target.samples), target.samples, chance)
        path = folder / target.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        start = time.perf_counter()
        try:
            with limited(SECONDS):
                target.read(path)
            findings.outcomes[target.name, "read"] += 1
        except UserError:
            findings.outcomes[target.name, "refused"] += 1
        except (Exception, TooSlow) as error:
            where = traceback.format_exc().strip().split("\n")
            findings.wrong.append((number, target.name, f"{type(error).__name__}: {' | '.join(where[-4:])[:400]}"))
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{seed}-{number}-{Path(target.file).name}").write_bytes(content)
        findings.slowest = max(findings.slowest, (time.perf_counter() - start, number))
    return findings


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """End the block by `TooSlow` after so many seconds of this process's own time."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"over {seconds:g} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def main() -> int:
    """Run, print what came of it, and return the exit code: 1 where an input ended wrong."""
    from stored_suite import StoredSuite

    parser = argparse.ArgumentParser(description="Mutated inputs through every reader of files.")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="kinds, by commas: suite, texts, labels, split, stored")
    parser.add_argument("--keep", type=Path, default=Path("results/fuzz"), help="where inputs go that ended wrong")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="amrg-fuzz-") as place:
        folder = Path(place)
        results = StoredSuite(folder / "results", studies=36).write({"medgemma-4b-it": 1.0, "llava-med-7b": 0.2})
        every = targets(folder, results, [kind for kind in chosen.only.split(",") if kind])
        for target in every:  # what is imported at first use is no input's memory or time
            for sample in target.samples:
                (folder / target.file).parent.mkdir(parents=True, exist_ok=True)
                (folder / target.file).write_bytes(sample)
                try:
                    target.read(folder / target.file)
                except UserError:
                    continue
        grown = int(re.search(r"VmSize:\s+(\d+)", Path("/proc/self/status").read_text()).group(1)) * 1024 + MEMORY  # type: ignore[union-attr]
        resource.setrlimit(resource.RLIMIT_AS, (grown, resource.getrlimit(resource.RLIMIT_AS)[1]))
        findings = run(every, folder, chosen.inputs, chosen.seed, chosen.keep)
    for name in dict.fromkeys(name for name, _ in findings.outcomes):
        read, refused = (findings.outcomes[name, outcome] for outcome in ("read", "refused"))
        print(f"{name:28s} {read:7d} read {refused:7d} refused")
    print(f"slowest: {findings.slowest[0]:.2f} s, input {findings.slowest[1]}; wrong: {len(findings.wrong)}")
    for number, name, error in findings.wrong[:50]:
        print(f"input {number} ({name}): {error}")
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
