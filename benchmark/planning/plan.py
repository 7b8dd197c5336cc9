"""What a suite will cost before it runs, backbone by backbone, and what it lacks on this machine."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import UserError
from benchmark.forms.suite import Suite
from benchmark.planning.backbone import Planner
from benchmark.planning.design import design_of
from benchmark.planning.devices import Target, named, of_machine
from benchmark.planning.folder import DmidFolder
from benchmark.planning.missing import disk_missing, missing
from benchmark.planning.model import (
    BackbonePlan,
    BackboneSize,
    Device,
    Plan,
    PlannedDisk,
    UnfitBackbone,
)
from benchmark.planning.sizes import sizes_of
from benchmark.planning.values import remarks

if TYPE_CHECKING:
    from benchmark.planning.hours import Seconds
    from benchmark.suites.load import SuiteSource

    Row = BackbonePlan | BackboneSize | UnfitBackbone


def plan(
    suite: Suite,
    data: Path | None,
    *,
    gpu: str | None = None,
    gpu_memory: float | None = None,
    results: Path,
    source: "SuiteSource | None" = None,
) -> Plan:
    """Return the plan of a suite.

    Args:
        suite: the suite.
        data: the DMID folder, where one was given.
        gpu: the device to plan for, as `benchmark.planning.devices.named` takes it; None for this machine's.
        gpu_memory: GB of memory of each GPU, instead of the device's own.
        results: results of earlier sweeps, whose measured rates are taken.
        source: where the suite was read, for the lines of its values.

    Raises:
        UserError: no such device is known.
    """
    from benchmark.entries.plugins import plugin_of

    target = target_of(suite, gpu, gpu_memory)
    folder = None if data is None else DmidFolder(data)
    planner = Planner(suite, target, sizes_of(suite, folder), results)
    rows: list[Row] = []
    parts: list[list[Seconds]] = []
    for entry in suite.backbones:
        try:
            row, seconds = planner.row(entry, plugin_of(entry))
            rows.append(row)
            parts.append(seconds)
        except UserError as error:
            rows.append(UnfitBackbone(name=entry.name, error=str(error)))
            parts.append([])
    return _plan(suite, folder, planner, rows, parts, source)


def target_of(suite: Suite, gpu: str | None, gpu_memory: float | None) -> Target:
    """Return what a suite is planned for; suites of miniatures run on the processor.

    Raises:
        UserError: no such device is known.
    """
    target = named(gpu) if gpu else of_machine(small=suite.has_miniatures_only and gpu_memory is None)
    if gpu_memory is None or target.is_cpu:
        return target
    return replace(
        target, memory=gpu_memory, chosen=True, note="" if gpu else f"Memory as given, speed of {target.name}."
    )


def _plan(
    suite: Suite,
    folder: DmidFolder | None,
    planner: Planner,
    rows: "Sequence[Row]",
    parts: "Sequence[Sequence[Seconds]]",
    source: "SuiteSource | None",
) -> Plan:
    from benchmark.planning.disk import image_bytes
    from benchmark.planning.hours import until_done

    target, known = planner.target, [row for row in rows if isinstance(row, BackboneSize)]
    complete = all(isinstance(row, BackbonePlan) for row in rows)
    fitting = [seconds for row, seconds in zip(rows, parts, strict=True) if isinstance(row, BackbonePlan) and row.fits]
    kinds = {kind: sum(getattr(row.bytes, kind) for row in known) for kind in PlannedDisk.model_fields}
    # Of snapshots only those lie there at a time whose packs are in training.
    kinds["snapshots"] = sum(sorted((row.bytes.snapshots for row in known), reverse=True)[: planner.processes])
    disk, images = PlannedDisk(**kinds), image_bytes(planner.sizes.studies, suite.image.size)
    host = max((row.host_memory_gb for row in rows if isinstance(row, BackbonePlan)), default=0.0) * planner.processes
    memory = None if target.is_cpu or not target.chosen else target.memory
    on_values = remarks(suite, folder, source)
    return Plan(
        suite=suite.name,
        trials=suite.count_trials(),
        device=_device(target),
        backbones=tuple(rows),
        design=design_of(suite, folder),
        hours=round(until_done(fitting, target.count) / 3600, 4) if complete else None,
        images=images,
        disk=disk,
        host_memory_gb=round(host, 2),
        missing=(
            *(remark.told(source) for remark in on_values if remark.fatal),
            *missing(suite, folder, gpu_memory=memory, gpu_name=target.name, allow_cpu=target.is_cpu, source=source),
            *disk_missing(planner.results, disk.adapters + disk.snapshots, images + disk.features),
        ),
        remarks=tuple(remark.told(source) for remark in on_values if not remark.fatal),
    )


def _device(target: Target) -> Device:
    card = target.card
    return Device(
        name=None if target.is_cpu else target.name,
        memory_gb=target.memory,
        devices=target.count,
        tensor_tflops=card.tensor if card else None,
        bandwidth_tb=card.bandwidth if card else None,
        source=card.source if card else None,
        note=target.note,
    )
