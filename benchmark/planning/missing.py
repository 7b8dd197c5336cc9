"""What a suite needs that this machine doesn't have, each with how to get it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import UserError
from benchmark.executors.execute import available_memory
from benchmark.forms.suite import DmidData, Entry, Suite
from benchmark.planning.machine import GB
from benchmark.suites.load import SuiteSource

if TYPE_CHECKING:
    from backbones.base import Backbone
    from benchmark.planning.folder import DmidFolder

    Plugins = Sequence[tuple[Entry, type[Backbone]]]

EVERYWHERE = {"all", "attention", "mlp", "vision+decoder"}
"""Targets that every decoder with a vision encoder has layers for."""
WITHOUT_GPU = 4.0
"""GB of weights up to which a checkpoint is run without a GPU, and without being asked to."""


def missing(
    suite: Suite,
    data: "Path | DmidFolder | None",
    *,
    gpu_memory: float | None = None,
    gpu_name: str = "the largest GPU",
    allow_cpu: bool = False,
    source: SuiteSource | None = None,
) -> list[str]:
    """Return all that stops a suite from running on this machine, each with how to get it; empty where nothing does.

    Nothing heavy is imported and no network is used where all checkpoints are miniatures.

    Args:
        suite: the suite.
        data: the DMID folder, where one was given; read already or not.
        gpu_memory: GB of GPU memory to plan for; None for what this machine has.
        gpu_name: whose memory that is.
        allow_cpu: whether the processor may do what is large, where there is no GPU.
        source: where the suite was read, for the lines of its values.
    """
    needs = [*_data(suite, data), *_roles(suite, source)]
    entries = [entry for entry in suite.backbones if entry.checkpoint != "miniature" or entry.quantization]
    if not entries:
        return needs
    from benchmark.entries.plugins import plugin_of

    plugins: list[tuple[Entry, type[Backbone]]] = []
    for entry in entries:
        try:
            plugins.append((entry, plugin_of(entry)))
        except UserError as error:
            needs.append(str(error))
    published = [(entry, plugin) for entry, plugin in plugins if entry.checkpoint != "miniature"]
    short = _memory(suite, published, gpu_memory, gpu_name, allow_cpu=allow_cpu)
    return [*needs, *_widths(plugins, suite, source), *short, *_checkpoints(published)]


def processes_in_memory(suite: Suite, most: int) -> int:
    """Return how many processes' trials fit into this machine's memory at a time, at most `most`, at least one."""
    needed = [_one_trial(suite, entry) for entry in suite.backbones if entry.checkpoint != "miniature"]
    largest = max(needed, default=0.0)
    return max(1, min(most, int(available_memory() / GB / largest))) if largest else most


def _one_trial(suite: Suite, entry: Entry) -> float:
    """Return GB of tuning one trial of the largest rank; 0 where it can't be known, which `missing` says."""
    from benchmark.entries.plugins import plugin_of

    try:
        return memory_needed(suite, entry, plugin_of(entry))[1] if _is_present(entry) else 0.0
    except UserError:
        return 0.0


def disk_missing(results: Path, stored: float, cached: float) -> list[str]:
    """Return which disks are too small for what a suite stores, each with how to get more.

    Args:
        results: the folder of results.
        stored: bytes that go there: adapters and snapshots.
        cached: bytes that go into the cache: images and features.
    """
    from benchmark.disk.cache import cache_folder

    return _short_of_disk(
        (
            (stored / GB, "adapters and snapshots", results, "--results"),
            (cached / GB, "prepared images and features", cache_folder(), "AMRG_CACHE_DIR"),
        )
    )


def memory_needed(
    suite: Suite, entry: Entry, plugin: "type[Backbone]", *, gpu: bool = False
) -> tuple[float, float, float]:
    """Return GB of the weights, of tuning one trial of the largest rank as in the suite, and of a report at a time."""
    from benchmark.planning.costs import BYTES
    from benchmark.planning.fit import Fit
    from benchmark.planning.structures import footprint_of
    from benchmark.tuning.packed.capacity import USABLE

    protocol = suite.largest_protocol
    needed = footprint_of(entry, plugin, protocol, packed=suite.engine != "sequential", gpu=gpu)
    if needed is None:
        weights = plugin.checkpoint.parameters * BYTES[entry.dtype] / GB
        return weights, 1.5 * weights / USABLE, 1.2 * weights / USABLE
    fit = Fit(needed, max(suite.grid.ranks))
    one_trial = fit.needed(protocol.micro_batch_size or protocol.batch_size)
    return fit.weights / GB, one_trial / GB, fit.needed(1) / GB


def _data(suite: Suite, data: "Path | DmidFolder | None") -> list[str]:
    if not isinstance(suite.data, DmidData):
        return []
    if data is None:
        return [
            f"data: suite {suite.name} runs on DMID, and no folder of it was given. Give it with --data DIR; "
            "`amrg data download DIR` fetches it from figshare (about 11 GB)."
        ]
    from benchmark.planning.folder import DmidFolder

    folder = DmidFolder(data) if isinstance(data, Path) else data
    try:
        folder.studies  # noqa: B018 (it is read, or says why it can't be)
    except UserError as error:
        return [f"data: {error}"]
    return []


def _widths(plugins: "Plugins", suite: Suite, source: SuiteSource | None) -> list[str]:
    """Return backbones whose projections can't be held in 4 bits, each with what is wrong."""
    from backbones.quantization import misfit
    from benchmark.planning.structures import structure_of

    needs = []
    for entry, plugin in plugins:
        if entry.quantization is None or not _is_present(entry):
            continue
        structure = structure_of(entry, plugin)
        if structure is not None and (wrong := misfit(structure.adapted)):
            start = f"{source.at('backbones', suite.backbones.index(entry), 'quantization')}: " if source else ""
            told = f"quantization: {entry.name}: {wrong}. Leave `quantization: {entry.quantization}` out."
            needs.append(start + told)
    return needs


def _roles(suite: Suite, source: SuiteSource | None) -> list[str]:
    """Return backbones whose decoder has no layers of a role that the grid's `targets` name."""
    special = sorted({point.targets for point in suite.points()} - EVERYWHERE)
    if not special:
        return []
    from backbones.registry import get
    from benchmark.planning.structures import structure_of

    needs = []
    for entry in suite.backbones:
        try:
            structure = structure_of(entry, get(entry.name)) if _is_present(entry) else None
        except UserError:
            continue  # that there is no such backbone, or no such checkpoint, is said elsewhere
        if structure is None:
            continue
        for targets in special:
            try:
                structure.projections(targets)
            except UserError as error:
                start = f"{source.at('backbones', suite.backbones.index(entry))}: " if source else ""
                needs.append(f"{start}{entry.name}: {error} Choose one of these, or leave this backbone out.")
    return needs


def _is_present(entry: Entry) -> bool:
    """Return whether an entry's structure can be known: its folder, where it names one, holds a configuration."""
    return not entry.is_folder or (Path(entry.checkpoint) / "config.json").is_file()


def _memory(suite: Suite, plugins: "Plugins", planned_for: float | None, name: str, *, allow_cpu: bool) -> list[str]:
    from benchmark.planning.machine import gpu_memory

    needed: dict[str, tuple[float, Entry]] = {}
    available = gpu_memory() if planned_for is None else planned_for
    for entry, plugin in plugins:
        if not _is_present(entry):
            continue  # `_checkpoints` says so
        weights, _, smallest = memory_needed(suite, entry, plugin, gpu=available > 0)
        if weights > WITHOUT_GPU:
            # Both engines go on with fewer reports at once where a micro-batch doesn't fit, as the plan does.
            needed[entry.name] = smallest, entry
    if not needed:
        return []
    if not available and allow_cpu:
        return _host_memory(suite, needed)
    present = f"{name} has {available:.0f} GB" if available else "there is no GPU"
    free = 0.0 if available else available_memory() / GB
    slower = " This machine's processor can: `amrg sweep --allow-cpu` says first how long it takes."
    return [
        f"GPU memory: {backbone} in {entry.quantization or entry.dtype} needs {size:.0f} GB, but {present}. "
        f"{_advice(suite, entry, available)}{slower if size <= free else ''}"
        for backbone, (size, entry) in needed.items()
        if size > available
    ]


def _host_memory(suite: Suite, needed: Mapping[str, tuple[float, Entry]]) -> list[str]:
    """Return which backbones are too large for a processor's memory."""
    free = available_memory() / GB
    return [
        f"memory: {backbone} in {entry.quantization or entry.dtype} needs {size:.0f} GB, but {free:.0f} GB are free. "
        + _advice(suite, entry, free)
        for backbone, (size, entry) in needed.items()
        if size > free
    ]


def _advice(suite: Suite, entry: Entry, available: float) -> str:
    """Return how the suite could do with less memory."""
    ways = []
    if not suite.protocol.activation_checkpointing:
        ways.append("`activation_checkpointing: true` needs less, takes longer and gives the same result")
    if entry.quantization is None:
        ways.append("`quantization: nf4` needs a quarter for the weights")
    larger = "Run on a larger GPU" if available else "Run where there is one"
    return larger + (f"; or in the suite: {'; '.join(ways)}." if ways else ".")


def _checkpoints(plugins: "Plugins") -> list[str]:
    from backbones.checkpoint import is_cached
    from benchmark.disk.cache import cache_folder
    from benchmark.planning.machine import has_token, hub_cache, is_offline

    needs, download, converted = [], 0.0, 0.0
    for entry, plugin in plugins:
        pinned = plugin.checkpoint
        if entry.checkpoint != "hub":
            if not _is_present(entry):
                needs.append(
                    f"checkpoint: {entry.name}: {entry.checkpoint} is not a checkpoint: there is no config.json in it. "
                    "Give a folder in the hub's layout, or `hub`."
                )
            elif not any(Path(entry.checkpoint).glob("*.safetensors")):
                needs.append(
                    f"checkpoint: {entry.name}: there are no weights in {entry.checkpoint}. Put the checkpoint's "
                    "*.safetensors beside its other files."
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
    return needs + _short_of_disk(
        (
            (download, "checkpoints", hub_cache(), "HF_HOME"),
            (converted, "converted checkpoints", cache_folder(), "AMRG_CACHE_DIR"),
        )
    )


def _short_of_disk(kinds: Sequence[tuple[float, str, Path, str]]) -> list[str]:
    """Return which disks are too small for (GB, what, where, the setting that moves it)."""
    from benchmark.planning.machine import free_disk

    return [
        f"disk: the {kind} take {size:.0f} GB and {folder} has {free:.0f} GB left. "
        f"Free some, or put {'them' if setting.startswith('--') else 'the cache'} elsewhere with {setting}."
        for size, kind, folder, setting in kinds
        if size > (free := free_disk(folder))
    ]
