"""What a suite needs before it can run, and what of that is missing on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import UserError
from benchmark.suite import DmidData, Entry, Suite

if TYPE_CHECKING:
    from backbones.base import Backbone

WITHOUT_GPU = 4.0
"""GB of weights up to which a checkpoint is run without a GPU."""
BYTES = {"float32": 4, "bfloat16": 2, "float64": 8}


def missing(suite: Suite, data: Path | None, *, gpu_memory: float | None = None) -> list[str]:
    """Everything that stops a suite from running on this machine, each with how to get it; empty where nothing does.

    Nothing heavy is imported and no network is used where all checkpoints are miniatures.

    Args:
        suite: the suite.
        data: the DMID folder, where one was given.
        gpu_memory: GB of GPU memory to plan for; None for what this machine has.
    """
    needs = _data(suite, data)
    published = [entry for entry in suite.backbones if entry.checkpoint != "miniature"]
    if not published:
        return needs
    from backbones.registry import get

    plugins: list[tuple[Entry, type[Backbone]]] = []
    for entry in published:
        try:
            plugins.append((entry, get(entry.name)))
        except UserError as error:
            needs.append(str(error))
    return [*needs, *_memory(suite, plugins, gpu_memory), *_checkpoints(plugins)]


def _data(suite: Suite, data: Path | None) -> list[str]:
    if not isinstance(suite.data, DmidData):
        return []
    if data is None:
        return [
            f"data: suite {suite.name} runs on DMID, and no folder of it was given. Give it with --data DIR; "
            "`amrg data download DIR` fetches it from figshare (about 11 GB)."
        ]
    from benchmark.data.dmid import read

    try:
        read(data)
    except UserError as error:
        return [f"data: {error}"]
    return []


def _memory(suite: Suite, plugins: "list[tuple[Entry, type[Backbone]]]", given: float | None) -> list[str]:
    from benchmark.machine import gpu_memory

    needed = {
        entry.name: need
        for entry, plugin in plugins
        if (need := memory_needed(suite, entry, plugin)) > WITHOUT_GPU
    }  # fmt: skip
    there = (gpu_memory() if given is None else given) if needed else 0.0
    seen = f"the largest GPU has {there:.0f} GB" if there else "there is no GPU"
    return [
        f"GPU memory: {name} needs {need:.0f} GB, but {seen}. Run on a larger GPU, or give it `quantization: nf4`."
        for name, need in needed.items()
        if need > there
    ]


def memory_needed(suite: Suite, entry: Entry, plugin: "type[Backbone]") -> float:
    """GB of memory to tune one trial of a backbone."""
    return plugin.checkpoint.parameters * BYTES[entry.dtype] * 1.2 / 1e9


def _checkpoints(plugins: "list[tuple[Entry, type[Backbone]]]") -> list[str]:
    from backbones.checkpoint import is_cached
    from benchmark.machine import free_disk, has_token, hub_cache

    needs, download = [], 0.0
    for entry, plugin in plugins:
        pinned = plugin.checkpoint
        if entry.checkpoint != "hub":
            if not (Path(entry.checkpoint) / "config.json").is_file():
                needs.append(
                    f"checkpoint: {entry.name}: {entry.checkpoint} is not a checkpoint: there is no config.json in it. "
                    "Give a folder in the hub's layout, or `hub`."
                )
            continue
        if is_cached(pinned):
            continue
        size = 2 * pinned.parameters / 1e9
        download += size
        needs.append(
            f"checkpoint: {entry.name}: {pinned.hub_id} at {pinned.revision[:12]} is not in the hub's cache. "
            f"`hf download {pinned.hub_id} --revision {pinned.revision}` fetches it (about {size:.0f} GB)."
        )
        if pinned.gated:
            login = "" if has_token() else " No account is logged in here: `hf auth login`."
            needs.append(
                f"licence: {entry.name}: {pinned.hub_id} is gated under '{pinned.licence}'. "
                f"Accept it at {pinned.page}, with the account that downloads.{login}"
            )
    free = free_disk(hub_cache())
    if download > free:
        needs.append(
            f"disk: the checkpoints take {download:.0f} GB and {hub_cache()} has {free:.0f} GB left. "
            "Free some, or put the cache elsewhere with HF_HOME."
        )
    return needs
