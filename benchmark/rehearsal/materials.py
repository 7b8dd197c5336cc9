"""What a rehearsal runs on: a few phantoms with reports as long as DMID's longest, and trials of different rank."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backbones.base import Backbone
from backbones.checkpoint import fingerprint
from benchmark.data.records import Records, decode_images, read_records
from benchmark.data.split import Split
from benchmark.forms.grid import Grid
from benchmark.forms.suite import Entry, ImagePart, PhantomData, Protocol, Suite
from benchmark.pack.model import Pack
from benchmark.phantoms.cases import plan
from benchmark.phantoms.reports import report
from benchmark.phantoms.write import write
from benchmark.planning.costs import LONGEST_REPORT_TOKENS
from benchmark.sweep import plan_trials
from benchmark.tuning.weights import Weights

STUDIES, SIZE, SEED = 12, 512, 3
TRAINED = 1
"""Studies that trials learn, in each step the same; one more is tested on."""
STEPS = 2
NEW_TOKENS = 4
"""That a report written in a rehearsal has at most."""


@dataclass(frozen=True)
class Wanted:
    """What is rehearsed.

    Attributes:
        entry: the backbone, with its published weights' plugin, and how it is held.
        device: where it runs.
        protocol: whose settings hold, but for the number of steps and of tokens written.
        ranks: of the trials.
        image: how images are shown.
        layers: None for all.
    """

    entry: Entry
    device: str
    protocol: Protocol
    ranks: tuple[int, ...]
    image: ImagePart
    layers: int | None


def texts() -> list[str]:
    """Return reports that a stand-in's tokenizer learns its words from."""
    prompt: str = Protocol.model_fields["prompt"].default
    return [prompt, *(report(case.truth, "dmid", seed=SEED) for case in plan(STUDIES, seed=SEED, size=SIZE))]


def protocol_of(wanted: Wanted) -> Protocol:
    """Return the protocol with two steps of one report each, and no validation part: a rehearsal is to be short."""
    return wanted.protocol.unevaluated.model_copy(
        update={
            "steps": STEPS,
            "epochs": None,
            "batch_size": TRAINED,
            "micro_batch_size": None,
            "warmup_steps": 1,
            "max_new_tokens": NEW_TOKENS,
        }
    )


def pack_of(wanted: Wanted, plugin: type[Backbone], checkpoint: Path, work: Path) -> Pack:
    """Return a pack of trials as a sweep deals it, on phantoms that are drawn here.

    Args:
        wanted: what is rehearsed.
        plugin: of the backbone.
        checkpoint: the folder of its weights.
        work: a folder for phantoms, caches and results.
    """
    suite = Suite(
        name="rehearsal",
        title="Rehearsal",
        data=PhantomData(source="phantom", studies=STUDIES, seed=SEED, size=SIZE),
        image=wanted.image,
        backbones=(wanted.entry.model_copy(update={"checkpoint": str(checkpoint), "files": None}),),
        grid=Grid(rank=wanted.ranks, alpha=(16,)),
        protocol=protocol_of(wanted),
    )
    records = _records(suite, plugin, checkpoint, work)
    planned = plan_trials(suite, records, {wanted.entry.name: Weights(checkpoint, fingerprint(checkpoint))})
    return Pack(
        entry=suite.backbones[0],
        source=checkpoint,
        engine=suite.engine,
        device=wanted.device,
        trials=planned.trials,
        records=records,
        sets=("test", "blank"),
        resamples=100,
    )


def _records(suite: Suite, plugin: type[Backbone], checkpoint: Path, work: Path) -> Records:
    folder = work / "phantoms"
    if not folder.is_dir():
        write(folder, studies=STUDIES, seed=SEED, size=SIZE, jobs=1)
    read = read_records(suite, folder, work / "results", splits=[_split([])])
    ids = [study.id for study in read.studies][: TRAINED + 1]
    tokenizer = plugin.load_processor(checkpoint).tokenizer
    studies = tuple(
        replace(study, report=_as_long(tokenizer, study.report)) for study in read.studies if study.id in ids
    )
    records = replace(read, studies=studies, split=_split(ids), cache=work / "cache")
    decode_images(records, processes=1)
    return records


def _split(ids: Sequence[str]) -> Split:
    return Split("random", SEED, tuple(ids[:TRAINED]), (), tuple(ids[TRAINED:]), {study: study for study in ids})


def _as_long(tokenizer: object, text: str) -> str:
    """Return the report said over again until it has as many tokens as a plan counts for the longest."""
    words = text.split(" ")
    while len(tokenizer(" ".join(words))["input_ids"]) < LONGEST_REPORT_TOKENS:  # type: ignore[operator]
        words += words[:8]
    return " ".join(words)
