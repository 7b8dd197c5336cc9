"""A rehearsal, run: the stages of a sweep's pack on a checkpoint of random weights, each measured beside its plan.

Nothing here does what a sweep does otherwise: stages are those of `benchmark.pack.stages`, in a session of theirs.
"""

import gc
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from backbones.base import Backbone
from backbones.random_checkpoint import RandomCheckpoint, write_random
from benchmark.entries.plugins import folder_name, is_by_name, plugin_of
from benchmark.errors import RunFailed, UserError
from benchmark.executors.execute import default_processes, prepare_worker
from benchmark.pack.images import blank_key
from benchmark.pack.model import Pack
from benchmark.pack.session import Session
from benchmark.pack.stages import encode_images, load_backbone, score_trials, train_adapters, write_reports
from benchmark.planning.devices import named, of_machine
from benchmark.planning.structures import footprint_of, structure_of
from benchmark.provenance import gpu, provenance
from benchmark.rehearsal.materials import NEW_TOKENS, STEPS, TRAINED, Wanted, pack_of, texts
from benchmark.rehearsal.measure import Gauge, Taken, bytes_below, mapped_bytes
from benchmark.rehearsal.model import Rehearsal, RehearsalStage, StageCost
from benchmark.rehearsal.planned import Planned
from benchmark.rehearsal.reload import Expected, difference, expected
from benchmark.results.store import TrialFolder
from benchmark.tuning.encoding import encoding_bytes
from benchmark.tuning.features import images_at_once
from benchmark.tuning.interface import Engine
from benchmark.tuning.packed.capacity import free_memory
from benchmark.tuning.packed.engine import Packed
from benchmark.tuning.snapshots import read_snapshot
from benchmark.tuning.spent import Meter
from metrics.text.meteor_jar import warm_up

WRITTEN = 2
"""Images that reports are written for: one of the test, a blank one."""
IMAGES = TRAINED + WRITTEN
"""That go through the encoder."""
LOGITS = {"float32": 1e-3, "bfloat16": 0.1, "float64": 1e-6}
"""Share of the largest logit by which two ways to the same logits may differ: from pixels and from kept features."""
Say = Callable[[str], None]


class _Interrupted(BaseException):
    """What stands for Ctrl-C within training."""


class _InterruptingMeter(Meter):
    """Books as another does, and interrupts training once, behind the first snapshot of all trials."""

    def __init__(self, folders: Mapping[str, TrialFolder]) -> None:
        super().__init__(folders)
        self._snapshots = [folder.snapshot for folder in folders.values()]
        self._armed = True

    def keep(self, trials: Sequence[str]) -> None:
        """Store what trials have taken; the engine does behind each snapshot."""
        super().keep(trials)
        if self._armed and all(path.is_file() for path in self._snapshots):
            self._armed = False
            raise _Interrupted


class _Session(Session):
    """A sweep's session, whose engine puts down a snapshot after each step.

    It merges no weights: those of a whole model are too large for it, those of one that is cut might not be.
    """

    @property
    def engine(self) -> Engine:
        """The packed engine."""
        return Packed(snapshot_seconds=0, merge=False)


@dataclass
class _Rehearsal:
    """A rehearsal while it runs: what it is of, the plan, the gauge, and the stages so far."""

    pack: Pack
    planned: Planned
    gauge: Gauge
    say: Say
    stages: list[StageCost] = field(default_factory=list)

    @contextmanager
    def stage(self, name: RehearsalStage, **planned: Any) -> "Iterator[dict[str, Any]]":
        """Measure a stage; what is put into the yielded dictionary stands in its line too."""
        with self.gauge.stage() as taken:
            yield planned
        self.stages.append(_line(name, taken, self.planned, **planned))
        self.say(f"{self.pack.entry.name}: {name}, {taken.seconds:.1f} s")


def rehearse(wanted: Wanted, work: Path, say: Say) -> Rehearsal:
    """Take a backbone through all stages.

    Args:
        wanted: what.
        work: a folder for the checkpoint, which mustn't be there yet, and for results.
        say: told of each stage that ends.

    Raises:
        UserError: its plugin states no configuration, or memory or disk have too little room.
        RunFailed: a stage failed, or left something other than it has to.
    """
    plugin = _plugin(wanted)
    made, lines = _checkpoint(wanted, plugin, work, say)
    pack = pack_of(wanted, plugin, made.folder, work)
    gpu_name, _ = gpu(wanted.device)
    structure = structure_of(pack.entry, plugin)
    assert structure is not None, "a checkpoint in a folder has a structure"
    protocol = pack.trials[0].protocol
    footprint = footprint_of(pack.entry, plugin, protocol, gpu=wanted.device != "cpu")
    assert footprint is not None, "a checkpoint in a folder has a structure"
    ranks = [trial.rank for trial in pack.trials]
    target = named("cpu") if wanted.device == "cpu" else of_machine(small=False)
    planned = Planned(structure, footprint, ranks, protocol.batch_size, wanted.entry.dtype, target)
    _refuse_without_room(wanted, planned)
    # What these load once is no part of the model's memory.
    prepare_worker()
    warm_up()
    provenance()
    running = _Rehearsal(pack, planned, Gauge(torch.device(wanted.device)), say, lines)
    with ExitStack() as until_the_end:
        _run(running, until_the_end)
    return Rehearsal(
        backbone=wanted.entry.name,
        layers=made.layers,
        parameters=made.parameters,
        dtype=wanted.entry.dtype,
        quantization=wanted.entry.quantization,
        device=gpu_name or wanted.device,
        ranks=wanted.ranks,
        rows=planned.rows,
        own_tokenizer=made.own_tokenizer,
        stages=tuple(running.stages),
    )


def _plugin(wanted: Wanted) -> type[Backbone]:
    """Return the plugin of the published weights, whatever the suite's entry starts from."""
    if not is_by_name(wanted.entry):
        return plugin_of(wanted.entry)
    published = wanted.entry.files or (wanted.entry.checkpoint if wanted.entry.is_folder else "hub")
    return plugin_of(wanted.entry.model_copy(update={"checkpoint": published, "files": None}))


def _checkpoint(
    wanted: Wanted, plugin: type[Backbone], work: Path, say: Say
) -> tuple[RandomCheckpoint, list[StageCost]]:
    """Write the checkpoint."""
    folder = work / folder_name(wanted.entry.name)
    say(f"{wanted.entry.name}: writing random weights to {folder}")
    with Gauge(torch.device("cpu")).stage() as taken:
        made = write_random(plugin, folder, layers=wanted.layers, texts=texts())
    line = StageCost(
        stage="checkpoint",
        **vars(taken),
        disk=made.weights_bytes,
        planned_disk=2 * made.parameters,
        note="published tokenizer" if made.own_tokenizer else "stand-in tokenizer",
    )
    return made, [line]


def _run(running: _Rehearsal, until_the_end: ExitStack) -> None:
    pack, planned = running.pack, running.planned
    session = _Session.begin(pack, until_the_end)
    session.meter = _InterruptingMeter(session.folders)
    with running.stage("load", planned_memory=planned.loaded):
        load_backbone(session)
        running.gauge.mapped = mapped_bytes(session.backbone.model)
    if pack.device == "cpu":
        torch.set_num_threads(default_processes())
    features = pack.records.cache / "features"
    images = images_at_once(session.backbone)
    seen = {"operations": planned.vision_operations(IMAGES), "note": f"{images} at once"}
    memory = planned.vision(encoding_bytes(session.backbone, images))
    with running.stage("vision", planned_memory=memory, **seen) as line:
        encode_images(session)
        line |= {"disk": bytes_below(features), "planned_disk": planned.features(len(session.features))}
    _train(running, session)
    prompt = len(session.backbone.prompt_tokens(pack.trials[0].protocol.prompt))
    memory = planned.writing(WRITTEN, NEW_TOKENS, prompt)
    with running.stage("write", operations=planned.writing_operations(WRITTEN, NEW_TOKENS), planned_memory=memory):
        write_reports(session)
    _refuse_failures(session)
    with running.stage("score"):
        score_trials(session)
    _refuse_failures(session)
    _reload(running, session)


def _train(running: _Rehearsal, session: Session) -> None:
    """Train a step, be interrupted behind its snapshot, and go on from there."""
    pack, planned = running.pack, running.planned
    folders = [session.folders[trial.id] for trial in pack.trials]
    steps = {"planned_memory": planned.training, "note": f"{planned.rows} reports a trial"}
    with running.stage("interrupted", operations=planned.training_operations(1), **steps) as line:
        with suppress(_Interrupted):
            train_adapters(session)
        files = [folder.snapshot for folder in folders]
        line |= {"disk": bytes_below(*files), "planned_disk": planned.snapshots}
    for trial, folder in zip(pack.trials, folders, strict=True):
        if (steps_kept := read_snapshot(trial, folder).steps) != 1:
            raise RunFailed(f"{trial.label}: its snapshot is of {steps_kept} steps, 1 was expected.")
    with running.stage("resume", operations=planned.training_operations(1), **steps) as line:
        train_adapters(session)
        files = [folder.adapter / "adapter_model.safetensors" for folder in folders if folder.adapter.is_dir()]
        line |= {"disk": bytes_below(*files), "planned_disk": planned.adapters}
    _refuse_failures(session)
    for trial, folder in zip(pack.trials, folders, strict=True):
        if (losses := len(folder.read_losses())) != STEPS:
            raise RunFailed(f"{trial.label}: {losses} losses of {STEPS} steps after it went on.")


def _reload(running: _Rehearsal, session: Session) -> None:
    """Compare logits of the trained adapter with those of plain transformers and peft."""
    pack = running.pack
    trial = max(pack.trials, key=lambda trial: trial.rank)
    study = pack.records.part("test")[0]
    assert session.keys[study.id] != blank_key(pack.records)
    wanted: Expected = expected(session.backbone, session.folders[trial.id], trial, pack.records, study, session)
    model = weakref.ref(session.backbone.model)
    session.backbone = None  # type: ignore[assignment]  # two full-size models don't fit
    gc.collect()
    running.gauge.mapped = 0
    if model() is not None:
        raise RunFailed(f"{pack.entry.name}: its model is still held by something when the pack has ended.")
    with running.stage("reload") as line:
        share = difference(wanted, pack)
        line["note"] = f"logits differ by {share:.1e} of the largest"
    if not share <= LOGITS[pack.entry.dtype]:
        raise RunFailed(f"{trial.label}: plain transformers and peft give logits that differ by {share:.2g}.")


def _refuse_without_room(wanted: Wanted, planned: Planned) -> None:
    free = free_memory(torch.device(wanted.device))
    if planned.training > free:
        raise UserError(
            f"{wanted.entry.name}: training is planned at {planned.training / 1e9:.1f} GB, but {wanted.device} has "
            f"{free / 1e9:.1f} GB free. Rehearse fewer layers (--layers), or in bfloat16 (--dtype)."
        )


def _refuse_failures(session: Session) -> None:
    if failed := [f"{trial.label}: {why}" for trial in session.pack.trials if (why := session.ended.get(trial.id))]:
        raise RunFailed("trials of the rehearsal failed: " + "; ".join(failed))


def _line(
    name: RehearsalStage, taken: Taken, planned: Planned, *, operations: float | None = None, **others: Any
) -> StageCost:
    rate = operations / taken.seconds if operations and taken.seconds else None
    return StageCost(
        stage=name,
        **vars(taken),
        operations=operations,
        planned_seconds=planned.seconds(operations) if operations else None,
        rate=rate,
        share_of_peak=rate / planned.peak if rate and planned.peak else None,
        **others,
    )
