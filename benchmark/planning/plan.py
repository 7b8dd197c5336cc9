"""What a suite will cost before it runs, backbone by backbone, and what it lacks on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import UserError
from benchmark.execute import default_processes
from benchmark.planning.design import design_of
from benchmark.planning.machine import GB, Gpu, gpu
from benchmark.planning.missing import missing
from benchmark.planning.model import (
    BackbonePlan,
    BackboneSize,
    Device,
    Plan,
    PlannedBytes,
    PlannedHours,
    PlannedMemory,
    PlannedOperations,
    UnfitBackbone,
)
from benchmark.suite import DmidData, Entry, Suite

if TYPE_CHECKING:
    from backbones.base import Backbone
    from backbones.structure import Structure
    from benchmark.planning.costs import Operations, Workload
    from benchmark.tuning.packed.footprint import Footprint

DMID_STUDIES = 510
"""Images of the release, where no folder is given to count them in."""
SPLIT = (407, 51, 52)
"""The paper's train, validation and test, of 510; other numbers of studies are parted alike."""
CONTROLS = 1
"""Times that the test set is written again: with a blank image."""
WRITTEN_TOGETHER = 64
"""Reports of one trial that are written at once."""


def plan(suite: Suite, data: Path | None, *, gpu_memory: float | None = None, results: Path) -> Plan:
    """Return the plan of a suite.

    Args:
        suite: the suite.
        data: the DMID folder, where one was given.
        gpu_memory: GB of GPU memory to plan for; None for what this machine has.
        results: results of earlier sweeps, whose measured rates are taken.
    """
    from backbones.registry import get

    device = gpu()
    if gpu_memory is not None:
        device = Gpu(device.name if device and abs(device.memory - gpu_memory) < 1 else "a GPU", gpu_memory)
    work = _workload(suite, data)
    rows: list[BackbonePlan | BackboneSize | UnfitBackbone] = []
    for entry in suite.backbones:
        try:
            rows.append(_row(suite, entry, get(entry.name), work, device, results))
        except UserError as error:
            rows.append(UnfitBackbone(name=entry.name, error=str(error)))
    return Plan(
        suite=suite.name,
        trials=suite.count_trials(),
        machine=Device(gpu=device.name if device else None, gpu_memory_gb=device.memory if device else 0.0),
        backbones=tuple(rows),
        design=design_of(suite, data),
        hours=_sum(rows),
        missing=tuple(missing(suite, data, gpu_memory=gpu_memory)),
    )


def _sum(rows: Sequence[BackbonePlan | BackboneSize | UnfitBackbone]) -> float | None:
    hours = [row.hours.total for row in rows if isinstance(row, BackbonePlan)]
    return round(sum(hours), 4) if len(hours) == len(rows) else None


def _workload(suite: Suite, data: Path | None) -> "Workload":
    from benchmark.planning.costs import Workload

    studies, train, validation, test = _sizes(suite, data)
    protocol = suite.protocol
    steps = protocol.total_steps(train)
    trained = steps * protocol.batch_size if protocol.epochs is None else protocol.epochs * train
    return Workload(
        images=studies + 1,
        reports_trained=trained,
        batch_size=min(protocol.micro_batch_size or protocol.batch_size, train),
        reports_written=validation + (1 + CONTROLS) * test,
        ranks=[rank for rank, _, _ in (*suite.points(), *suite.blank_points())] * len(suite.fold_numbers()),
    )


def _sizes(suite: Suite, data: Path | None) -> tuple[int, int, int, int]:
    """Return how many studies there are in all, and in train, validation and test; of folds, in one of them."""
    total = DMID_STUDIES if isinstance(suite.data, DmidData) else suite.data.studies
    if isinstance(suite.data, DmidData) and data is not None:
        from benchmark.data.dmid import read
        from benchmark.data.splitting import choose

        try:
            studies = read(data).studies
            total = len(studies)
            if suite.split.folds is None:
                parts = choose(studies, suite.split.name, seed=suite.split.seed)
                return total, len(parts.train), len(parts.validation), len(parts.test)
        except UserError:
            pass  # `missing` says what is wrong with the folder
    if suite.split.folds is not None:
        tested = round(total / suite.split.folds)
        return total, total - 2 * tested, tested, tested
    train, validation = (round(total * part / sum(SPLIT)) for part in SPLIT[:2])
    return total, train, validation, total - train - validation


def _row(
    suite: Suite, entry: Entry, plugin: "type[Backbone]", work: "Workload", device: Gpu | None, results: Path
) -> BackbonePlan | BackboneSize:
    from benchmark.planning.costs import feature_bytes, operations
    from benchmark.planning.structures import footprint_of, structure_of

    structure, needed = structure_of(entry, plugin), footprint_of(entry, plugin, suite)
    if structure is None or needed is None:
        note = "its plugin states no configuration, so only its size is known"
        return _size(entry, plugin, work, plugin.checkpoint.parameters, _bytes(entry, plugin), [note])
    counts = operations(structure, work)
    packs = _packs(suite, entry, structure, needed, work, device)
    hours, assumptions = _time(entry, structure, needed, counts, work, device, results)
    if packs.rows < work.batch_size:
        assumptions.append(f"{entry.name}: {work.batch_size} reports don't fit at once: micro_batch_size {packs.rows}")
    stored = _bytes(
        entry,
        plugin,
        features=feature_bytes(structure, work.images, entry.dtype),
        adapters=sum(map(needed.stored, work.ranks)),
        snapshots=sum(map(needed.snapshot, sorted(work.ranks)[-packs.size :])),
    )
    return BackbonePlan(
        **dict(_size(entry, plugin, work, structure.parameters, stored, assumptions)),
        trainable_parameters={rank: structure.trainable(rank) for rank in sorted(set(suite.grid.rank))},
        memory=packs.memory,
        pack_size=packs.size,
        packs=packs.number,
        micro_batch_size=packs.rows,
        operations=PlannedOperations(vision=counts.vision, train=counts.train, write=counts.write),
        hours=hours,
    )


def _size(
    entry: Entry,
    plugin: "type[Backbone]",
    work: "Workload",
    parameters: int,
    stored: PlannedBytes,
    assumptions: Sequence[str],
) -> BackboneSize:
    pinned, hub = plugin.checkpoint, entry.checkpoint == "hub"
    return BackboneSize(
        name=entry.name,
        checkpoint=pinned.hub_id if hub else str(entry.checkpoint),
        revision=pinned.revision if hub else None,
        licence=pinned.licence,
        dtype=entry.dtype,
        quantization=entry.quantization,
        trials=len(work.ranks),
        parameters=parameters,
        bytes=stored,
        assumptions=tuple(assumptions),
    )


def _bytes(
    entry: Entry, plugin: "type[Backbone]", *, features: float = 0.0, adapters: int = 0, snapshots: int = 0
) -> PlannedBytes:
    """Return bytes to download and on disk; LLaVA-Med's are there twice, as published and converted."""
    from backbones.checkpoint import is_cached

    hub = entry.checkpoint == "hub"
    weights = plugin.checkpoint.weights_bytes if hub else 0
    stored = weights * (2 if plugin.converted else 1)
    return PlannedBytes(
        download=0 if not hub or is_cached(plugin.checkpoint) else weights,
        disk=int(stored + features) + adapters + snapshots,
        features=int(features),
        adapters=adapters,
        snapshots=snapshots,
    )


@dataclass(frozen=True)
class _Packs:
    """Memory, trials per pack, number of packs, and reports per trial at once."""

    memory: PlannedMemory
    size: int
    number: int
    rows: int


def _packs(
    suite: Suite, entry: Entry, structure: "Structure", needed: "Footprint", work: "Workload", device: Gpu | None
) -> _Packs:
    """Return memory and packs; on a processor, as many trials as its caches hold."""
    from benchmark.tuning.packed.capacity import USABLE

    size, rows, greatest = 1, work.batch_size, max(work.ranks)
    if device:
        room = device.memory * USABLE * GB
        left = room - needed.pack([greatest], 0)
        rows = max(1, min(rows, int(left // needed.report(greatest))))
        fitting = needed.largest(work.ranks, rows, room)
    else:
        fitting = _cached(structure, work)
    if suite.engine != "sequential":
        size = max(1, min(fitting, len(work.ranks)))
    key_values, written = _writing(suite, entry, structure)
    memory = PlannedMemory(
        weights_gb=needed.weights / GB,
        trial_gb=needed.adapter(greatest) / GB,
        report_gb=needed.report(greatest) / GB,
        smallest_gb=needed.pack([greatest], 1) / USABLE / GB,
        pack_gb=needed.pack(sorted(work.ranks)[-size:], rows) / GB,
        key_values_gb=key_values / GB,
        writing_gb=(needed.weights + WRITTEN_TOGETHER * written) / GB,
    )
    return _Packs(memory, size, -(-len(work.ranks) // size), rows)


def _writing(suite: Suite, entry: Entry, structure: "Structure") -> tuple[int, int]:
    """Return bytes of a report in writing: of its keys and values, and in all."""
    from benchmark.planning.costs import BYTES, PROMPT_TOKENS
    from benchmark.tuning.packed.footprint import Decoder, key_values, written_report

    decoder = Decoder(
        structure.layers, structure.hidden, structure.intermediate, structure.key_value_width, structure.vocabulary
    )
    prompt, new, number = structure.image_tokens + PROMPT_TOKENS, suite.protocol.max_new_tokens, BYTES[entry.dtype]
    return key_values(decoder, prompt + new, number), written_report(decoder, prompt, new, number)


def _cached(structure: "Structure", work: "Workload") -> int:
    from benchmark.planning.costs import PROMPT_TOKENS, REPORT_TOKENS
    from benchmark.tuning.packed.capacity import cached

    return cached(
        max(structure.hidden, structure.intermediate),
        work.batch_size * (structure.image_tokens + PROMPT_TOKENS + REPORT_TOKENS),
    )


@dataclass(frozen=True)
class _Speed:
    operations: float
    bandwidth: float
    train: float
    sources: list[str]


def _speed(entry: Entry, structure: "Structure", device: Gpu | None, results: Path) -> _Speed:
    from benchmark.planning.rates import assumed, measured

    rate = assumed(device.name if device else None)
    measured_rate = measured(results, entry.name, structure, device.name if device else None, entry.quantization)
    factor = 1 if device else default_processes()
    sources = [rate.source + (f" × {factor} cores" if factor > 1 else "")]
    if measured_rate is not None:
        sources.append(
            f"training measured on this machine: {measured_rate / 1e12:.3g} TFLOP/s a process (median of its trials)"
        )
    training_rate = measured_rate or rate.operations
    return _Speed(rate.operations * factor, rate.bandwidth * factor, training_rate * factor, sources)


def _time(
    entry: Entry,
    structure: "Structure",
    needed: "Footprint",
    counts: "Operations",
    work: "Workload",
    device: Gpu | None,
    results: Path,
) -> tuple[PlannedHours, list[str]]:
    """Return hours by stage on one GPU, or on all cores, and what they assume."""
    from benchmark.planning.costs import PROMPT_TOKENS, REPORT_TOKENS

    speed = _speed(entry, structure, device, results)
    batches = len(work.ranks) * -(-work.reports_written // WRITTEN_TOGETHER)
    bytes_read = batches * REPORT_TOKENS * needed.weights
    hours = {
        "vision": counts.vision / speed.operations / 3600,
        "train": counts.train / speed.train / 3600,
        # Each token reads all weights once for a batch, unless arithmetic takes longer.
        "write": max(counts.write / speed.operations, bytes_read / speed.bandwidth) / 3600,
    }
    hours = {stage: round(value, 4) for stage, value in hours.items()}
    assumptions = [
        *speed.sources,
        f"{structure.image_tokens} image tokens, {PROMPT_TOKENS} of prompt, {REPORT_TOKENS} a report",
        "starting, loading and decoding images are not counted",
    ]
    return PlannedHours(**hours, total=round(sum(hours.values()), 4)), assumptions
