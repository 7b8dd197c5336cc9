"""What a suite takes of other machines: on which device a pack runs there, what it needs, and which folders."""

from collections.abc import Sequence
from pathlib import Path

from backbones.checkpoint import shipped
from benchmark.execute import Needs
from benchmark.executors.remote import Remote
from benchmark.planning.machine import GB, gpu_memory
from benchmark.suite import Suite


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

    Args:
        suite, data, results: as `benchmark.sweep.run` takes them.
        devices: that packs run on.
    """
    from benchmark.planning.devices import CPU
    from benchmark.planning.model import BackbonePlan
    from benchmark.planning.plan import plan

    on_cpu = devices[0] == "cpu"
    rows = plan(suite, data, gpu=CPU if on_cpu else None, results=results).backbones
    return {
        row.name: Needs(0 if on_cpu else 1, int(row.host_memory_gb * GB) if isinstance(row, BackbonePlan) else 0)
        for row in rows
    }


def folders_elsewhere(suite: Suite, data: Path | None) -> list[tuple[str, Path]]:
    """Return folders that every machine has to have beside results and cache, each with what it is."""
    folders = [] if data is None else [("data", data)]
    for entry in suite.backbones:
        if entry.is_folder:
            folders.append((entry.name, Path(entry.checkpoint).resolve()))
        elif entry.checkpoint == "miniature" and (folder := shipped(entry.name)) is not None:
            folders.append((f"the miniature of {entry.name}, which comes with amrg", folder))
    return folders
