"""What a suite needs that this machine doesn't have, each with how to get it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import UserError
from benchmark.planning.machine import GB
from benchmark.suite import DmidData, Entry, Suite

if TYPE_CHECKING:
    from backbones.base import Backbone

    Plugins = Sequence[tuple[Entry, type[Backbone]]]

WITHOUT_GPU = 4.0
"""GB of weights up to which a checkpoint is run without a GPU."""


def missing(suite: Suite, data: Path | None, *, gpu_memory: float | None = None) -> list[str]:
    """Return all that stops a suite from running on this machine, each with how to get it; empty where nothing does.

    Nothing heavy is imported and no network is used where all checkpoints are miniatures.

    Args:
        suite: the suite.
        data: the DMID folder, where one was given.
        gpu_memory: GB of GPU memory to plan for; None for what this machine has.
    """
    needs = _data(suite, data)
    entries = [entry for entry in suite.backbones if entry.checkpoint != "miniature" or entry.quantization]
    if not entries:
        return needs
    from backbones.registry import get

    plugins: list[tuple[Entry, type[Backbone]]] = []
    for entry in entries:
        try:
            plugins.append((entry, get(entry.name)))
        except UserError as error:
            needs.append(str(error))
    published = [(entry, plugin) for entry, plugin in plugins if entry.checkpoint != "miniature"]
    return [*needs, *_widths(plugins), *_memory(suite, published, gpu_memory), *_checkpoints(published)]


def memory_needed(suite: Suite, entry: Entry, plugin: "type[Backbone]") -> tuple[float, float, float]:
    """Return GB of the weights, of tuning one trial of the largest rank as in the suite, and of a report at a time."""
    from benchmark.planning.costs import BYTES
    from benchmark.planning.structures import footprint_of
    from benchmark.tuning.packed.capacity import USABLE

    needed, protocol, greatest = footprint_of(entry, plugin, suite), suite.protocol, max(suite.grid.rank)
    if needed is None:
        weights = plugin.checkpoint.parameters * BYTES[entry.dtype] / GB
        return weights, 1.5 * weights / USABLE, 1.2 * weights / USABLE
    one_trial = needed.pack([greatest], protocol.micro_batch_size or protocol.batch_size)
    return needed.weights / GB, one_trial / USABLE / GB, needed.pack([greatest], 1) / USABLE / GB


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


def _widths(plugins: "Plugins") -> list[str]:
    """Return backbones whose projections can't be held in 4 bits, each with what is wrong."""
    from backbones.quantization import misfit
    from benchmark.planning.structures import structure_of

    needs = []
    for entry, plugin in plugins:
        if entry.quantization is None or not _is_present(entry):
            continue
        structure = structure_of(entry, plugin)
        if structure is not None and (wrong := misfit(structure.adapted)):
            needs.append(f"quantization: {entry.name}: {wrong}. Leave `quantization: {entry.quantization}` out.")
    return needs


def _is_present(entry: Entry) -> bool:
    """Return whether an entry's structure can be known: its folder, where it names one, holds a configuration."""
    return not entry.is_folder or (Path(entry.checkpoint) / "config.json").is_file()


def _memory(suite: Suite, plugins: "Plugins", planned_for: float | None) -> list[str]:
    from benchmark.planning.machine import gpu_memory

    needed: dict[str, tuple[float, float, Entry]] = {}
    for entry, plugin in plugins:
        if not _is_present(entry):
            continue  # `_checkpoints` says so
        weights, size, smallest = memory_needed(suite, entry, plugin)
        if weights > WITHOUT_GPU:
            needed[entry.name] = size, smallest, entry
    if not needed:
        return []
    available = gpu_memory() if planned_for is None else planned_for
    present = f"the largest GPU has {available:.0f} GB" if available else "there is no GPU"
    return [
        f"GPU memory: {name} in {entry.quantization or entry.dtype} needs {size:.0f} GB, but {present}. "
        + _advice(suite, entry, smallest, available)
        for name, (size, smallest, entry) in needed.items()
        if size > available
    ]


def _advice(suite: Suite, entry: Entry, smallest: float, available: float) -> str:
    """Return how the suite could do with less memory."""
    ways = []
    if (suite.protocol.micro_batch_size or suite.protocol.batch_size) > 1:
        ways.append(f"`micro_batch_size: 1` needs {smallest:.0f} GB and gives the same result")
    if not suite.protocol.activation_checkpointing:
        ways.append("`activation_checkpointing: true` needs less, takes longer and gives the same result")
    if entry.quantization is None:
        ways.append("`quantization: nf4` needs a quarter for the weights")
    larger = "Run on a larger GPU" if available else "Run where there is one"
    return larger + (f"; or in the suite: {'; '.join(ways)}." if ways else ".")


def _checkpoints(plugins: "Plugins") -> list[str]:
    from backbones.checkpoint import is_cached
    from benchmark.data.cache import cache_folder
    from benchmark.planning.machine import free_disk, has_token, hub_cache, is_offline

    needs, download, converted = [], 0.0, 0.0
    for entry, plugin in plugins:
        pinned = plugin.checkpoint
        if entry.checkpoint != "hub":
            if not _is_present(entry):
                needs.append(
                    f"checkpoint: {entry.name}: {entry.checkpoint} is not a checkpoint: there is no config.json in it. "
                    "Give a folder in the hub's layout, or `hub`."
                )
            continue
        if is_cached(pinned):
            continue
        size = pinned.weights_bytes / GB
        download += size
        converted += size if plugin.converted else 0.0
        offline = " HF_HUB_OFFLINE is set here: unset it, or copy the cache of another machine." if is_offline() else ""
        needs.append(
            f"checkpoint: {entry.name}: {pinned.hub_id} at {pinned.revision[:12]} is not in the hub's cache. "
            f"`hf download {pinned.hub_id} --revision {pinned.revision}` fetches it (about {size:.0f} GB).{offline}"
        )
        if pinned.gated:
            login = "" if has_token() else " No account is logged in here: `hf auth login`."
            needs.append(
                f"licence: {entry.name}: {pinned.hub_id} is gated under '{pinned.licence}'. "
                f"Accept it at {pinned.page}, with the account that downloads.{login}"
            )
    for size, kind, folder, setting in (
        (download, "checkpoints", hub_cache(), "HF_HOME"),
        (converted, "converted checkpoints", cache_folder(), "AMRG_CACHE_DIR"),
    ):
        if size > (free := free_disk(folder)):
            needs.append(
                f"disk: the {kind} take {size:.0f} GB and {folder} has {free:.0f} GB left. "
                f"Free some, or put the cache elsewhere with {setting}."
            )
    return needs
