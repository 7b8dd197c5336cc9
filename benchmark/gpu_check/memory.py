"""Peak memory beside the plan, stage by stage, and memory that runs out."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from benchmark.forms.suite import Trial
from benchmark.gpu_check.found import Found
from benchmark.gpu_check.model import Difference, MemoryUse
from benchmark.gpu_check.parity import ROUNDED
from benchmark.gpu_check.subject import Subject
from benchmark.rehearsal.measure import Gauge
from benchmark.tuning.encoding import encoding_bytes
from benchmark.tuning.interface import Outcome, TrainingSet
from benchmark.tuning.packed import capacity, engine
from benchmark.tuning.packed.footprint import Footprint, written_report
from benchmark.tuning.packed.stepping import Stepping
from benchmark.tuning.packed.training import PackTraining
from benchmark.tuning.snapshots import Snapshot

HELD = 0.75
"""Share of a pack's planned memory that is left to it where memory is to run out: half the trials fit into it."""


def memory(subject: Subject) -> Found:
    """Measure image features, training and writing, each beside what the engine plans with."""
    sizes, (low, high) = subject.sizes, subject.sizes.ranks
    data, device = subject.data(sizes.longest), subject.device
    trials = subject.trials([(low, 0), (high, 1)], steps=2, dropout=0.05)
    needed = engine.footprint(subject.backbone, trials, data, merge=False)
    rows = _fitting_rows(subject, needed)
    trials = subject.trials([(low, 0), (high, 1)], steps=2, dropout=0.05, batch_size=rows)
    before = _held(subject)
    found = Found(note=f"ranks {low} and {high}, {rows} reports of {sizes.longest} tokens a trial")

    def add(stage: str, measured: int, planned: float) -> None:
        # At reduced size what libraries set aside for themselves is more than what is planned.
        judged = device.type == "cuda" and not subject.small
        found.memory.append(MemoryUse(stage=stage, measured=measured, planned=int(planned), judged=judged))

    planned = encoding_bytes(subject.backbone, 1)
    gauge = Gauge(device)
    with gauge.stage() as taken:
        subject.backbone.encode_images(subject.pictures[:1])
    offset = before if device.type == "cuda" else 0
    add("image features", taken.memory - offset, planned)
    with gauge.stage() as taken:
        _steps(subject, trials, data)
    add("training", taken.memory - offset, needed.pack([low, high], rows))
    folders = subject.folders(trials)
    engine.Packed(merge=False).train(subject.backbone, trials, folders, data, lambda *_: None)
    images = subject.features
    with gauge.stage() as taken:
        list(engine.Packed(merge=False).generate(subject.backbone, trials, folders, images))
    config, prompt = subject.backbone.model.config.get_text_config(), trials[0].protocol.prompt
    tokens = len(subject.backbone.prompt_tokens(prompt))
    report = written_report(
        capacity.decoder_of(config), tokens, sizes.new_tokens, subject.backbone.model.dtype.itemsize
    )
    add("writing", taken.memory - offset, needed.writing([low, high], len(trials) * len(images), report))
    return found


def out_of_memory(subject: Subject) -> Found:
    """Leave less memory than the engine plans with; it has to go on with fewer trials at a time, with the same losses.

    On a processor, whose memory can't be held back from one part of a process, and at reduced size an error is raised
    in its place.
    """
    sizes, count = subject.sizes, subject.sizes.of_halving
    rank = sizes.ranks[0]
    trials = subject.trials([(rank, seed) for seed in range(count)], batch_size=sizes.parity_rows)
    data = subject.data(sizes.longest)
    whole, cut = (subject.folders(trials) for _ in range(2))
    train = engine.Packed(merge=False).train
    _refuse_failures(train(subject.backbone, trials, whole, data, lambda *_: None))
    subject.release()
    needed = engine.footprint(subject.backbone, trials, data, merge=False)
    limit = HELD * needed.pack([rank] * count, sizes.parity_rows)
    with _memory_held_back(subject, int(limit), count // 2):
        outcomes = train(subject.backbone, trials, cut, data, lambda *_: None)
    _refuse_failures(outcomes)
    together = max(outcome.trained_together or 1 for outcome in outcomes.values())
    if together == count:
        raise RuntimeError(f"memory for about {HELD:.0%} of {count} trials held all of them: the plan counts too much")
    pairs = [(whole[trial.id].read_losses(), cut[trial.id].read_losses()) for trial in trials]
    far = max(abs(a - b) / abs(a) for one, other in pairs for a, b in zip(one, other, strict=True))
    note = f"{count} trials, then {together} at a time"
    return Found(note=note, differences=[Difference(what="loss", value=far, allowed=10 * ROUNDED)])


def _fitting_rows(subject: Subject, needed: Footprint) -> int:
    """Return how many reports of each of the two trials fit at once.

    Raises:
        RuntimeError: not even one does.
    """
    free = capacity.USABLE * capacity.free_memory(subject.device)
    rows = subject.sizes.rows
    while rows and needed.pack(subject.sizes.ranks, rows) > free:
        rows //= 2
    if not rows:
        gigabytes = needed.pack(subject.sizes.ranks, 1) / 1e9
        raise RuntimeError(f"two trials need {gigabytes:.1f} GB beside the weights, {free / 1e9:.1f} GB are usable")
    return rows


def _steps(subject: Subject, trials: Sequence[Trial], data: TrainingSet) -> None:
    pack = Stepping(subject.backbone, [Snapshot(trial) for trial in trials], data, merge=False)
    with pack.begun():
        pack.take(range(pack.total))
        pack.look()


def _held(subject: Subject) -> int:
    subject.release()
    return torch.cuda.memory_allocated(subject.device) if subject.device.type == "cuda" else 0


def _refuse_failures(outcomes: Mapping[str, Outcome]) -> None:
    if failed := [outcome.failure for outcome in outcomes.values() if outcome.failure]:
        raise RuntimeError(f"training failed: {failed[0]}")


@contextmanager
def _memory_held_back(subject: Subject, room: int, trials: int) -> Iterator[None]:
    """Leave, within, so many bytes beside what is held now; on a processor so many trials at a time.

    At reduced size too, where all fits into what is left of a block that the device has handed out.
    """
    if subject.device.type != "cuda" or subject.small:
        with _trials_at_most(trials):
            yield
        return
    total = torch.cuda.get_device_properties(subject.device).total_memory
    held = torch.cuda.memory_reserved(subject.device)
    torch.cuda.set_per_process_memory_fraction(min(1.0, (held + room) / total), subject.device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, subject.device)


@contextmanager
def _trials_at_most(trials: int) -> Iterator[None]:
    forward = PackTraining.forward

    def limited(self: PackTraining, part: Any) -> torch.Tensor:
        if len(part.pieces) > trials:
            raise torch.OutOfMemoryError(f"more than {trials} trials at a time, which a check doesn't let pass")
        return forward(self, part)

    PackTraining.forward = limited  # type: ignore[method-assign]
    try:
        yield
    finally:
        PackTraining.forward = forward  # type: ignore[method-assign]
