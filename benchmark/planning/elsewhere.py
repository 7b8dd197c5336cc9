"""What a suite takes of other machines: on which device a pack runs there, what it needs, and which folders."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from backbones.checkpoint import shipped
from benchmark.executors.execute import Needs, available_memory, default_processes
from benchmark.executors.remote import Remote
from benchmark.forms.suite import Suite
from benchmark.planning.machine import GB, gpu_memory

if TYPE_CHECKING:
    from benchmark.planning.model import BackbonePlan

LEAST_ROOM = 1e9
"""Bytes that a pack on a processor is given to train and write in at least."""
MARGIN = 1.25
"""Times what the plan counts for training: it takes tokens of prompts and reports by assumption."""


def memory_elsewhere(suite: Suite, remote: Remote) -> float | None:
    """Return GB of memory of the GPUs that other machines have; None where the suite needs none."""
    if suite.has_miniatures_only:
        return None
    return remote.gpu_memory(gpu_memory) if remote.has_gpus() else 0.0


def devices_elsewhere(suite: Suite, remote: Remote) -> list[str]:
    """Return the device that a pack finds on another machine: the GPU that it was given is the first it sees."""
    return ["cpu" if suite.has_miniatures_only or not remote.has_gpus() else "cuda:0"]


def needs_of(suite: Suite, data: Path | None, results: Path, devices: Sequence[str]) -> dict[str, Needs]:
    """Return what a pack of each backbone takes of a machine, by the plan: a GPU or a core, and memory of the host.

    On a processor the room that it asks for holds the packs that this machine's processes would train: how many trials,
    and reports of each, go through the model at once decides the last digits, so they have to be the same there.

    Args:
        suite, data, results: as `benchmark.sweep.run` takes them.
        devices: that packs run on.
    """
    from benchmark.planning.devices import CPU
    from benchmark.planning.model import BackbonePlan
    from benchmark.planning.plan import plan

    on_cpu = devices[0] == "cpu"
    rows = plan(suite, data, gpu=CPU if on_cpu else None, results=results).backbones
    needs = {}
    for row in rows:
        if not isinstance(row, BackbonePlan):
            needs[row.name] = Needs(0 if on_cpu else 1)
        elif on_cpu:
            beside = row.host_memory_gb - row.memory.pack_gb + row.memory.weights_gb
            needs[row.name] = Needs(0, int(beside * GB) + (room := _room(row)), room)
        else:
            needs[row.name] = Needs(1, int(row.host_memory_gb * GB))
    return needs


def _room(row: "BackbonePlan") -> int:
    """Return bytes in which a process trains the planned packs as they are, and merges weights where it would here."""
    from benchmark.tuning.packed.capacity import MERGED, USABLE

    weights = row.memory.weights_gb * GB
    here = available_memory() / default_processes()
    merged = MERGED * weights * min(row.pack_size, int(here / (MERGED * weights)))
    training = (row.memory.pack_gb * GB - weights) / USABLE
    return int(max(LEAST_ROOM, MARGIN * max(training, merged)))


def folders_elsewhere(suite: Suite, data: Path | None) -> list[tuple[str, Path]]:
    """Return folders that every machine has to have beside results and cache, each with what it is."""
    folders = [] if data is None else [("data", data)]
    for entry in suite.backbones:
        if entry.is_folder:
            folders.append((entry.name, Path(entry.checkpoint).resolve()))
        elif entry.checkpoint == "miniature" and (folder := shipped(entry.name)) is not None:
            folders.append((f"the miniature of {entry.name}, which comes with amrg", folder))
    return folders
