"""What this machine can run, line by line, each with its remedy. No network is asked unless that is wanted."""

import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from backbones.locks import Lock, holder
from benchmark.disk.cache import cache_folder
from benchmark.disk.faults import fault_of, try_folder
from benchmark.errors import RunFailed, UserError
from benchmark.executors.execute import available_memory, default_processes
from benchmark.planning.machine import GB, free_disk, gpu, has_token, hub_cache, is_offline
from metrics.errors import MetricUnavailable
from metrics.text.java import java

State = Literal["well", "limited", "missing"]
HUB_SECONDS = 10.0
"""How long the hub is waited for."""
SMALL_DISK = 10.0
"""GB that are soon used up: the dependencies' cache and a few adapters."""


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes:
        what: was looked at.
        state: whether all is well, something can't be done here, or nothing works without it.
        found: what is here, in words.
        remedy: what to do; empty where all is well.
    """

    what: str
    state: State
    found: str
    remedy: str = ""


def examine(results: Path, data: Path | None, *, network: bool) -> Iterator[Finding]:
    """Look at everything that a sweep needs, and yield a finding for each.

    Args:
        results: where results would go.
        data: a folder in DMID's layout; None where there is none to look at.
        network: whether to ask the hub, for `HUB_SECONDS` at most.
    """
    looks: list[Callable[[], Iterator[Finding]]] = [
        _python,
        _torch,
        _memory,
        _java,
        lambda: _folders(results),
        lambda: _locks(results),
        lambda: _hub(network),
        _checkpoints,
        lambda: _data(data),
    ]
    for look in looks:
        yield from look()


def _python() -> Iterator[Finding]:
    wanted = (3, 11)
    found = f"{platform.python_version()} in {sys.prefix}"
    if sys.version_info < wanted:
        yield Finding("Python", "missing", found, "Install Python 3.11 or later, then `make install PYTHON=…`.")
    else:
        yield Finding("Python", "well", found)


def _torch() -> Iterator[Finding]:
    try:
        import torch
    except (ImportError, OSError) as error:
        fault = fault_of(error)
        yield Finding("torch", "missing", str(fault or error), "Install it again: `make install`.")
        return
    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "the processor alone"
    yield Finding("torch", "well", f"{torch.__version__}, built for {built}")
    if found := gpu():
        yield Finding("GPU", "well", f"{found.count} × {found.name}, {found.memory:.0f} GB")
    elif Path("/dev/nvidia0").exists():
        remedy = (
            "Install a build of torch for CUDA: make install PIP_ARGS='--index-url https://download.pytorch.org/whl/…'."
            if torch.version.cuda is None
            else "The driver doesn't fit torch's CUDA: see `nvidia-smi`, and install a newer driver or an older build."
        )
        yield Finding("GPU", "limited", "there is one, and torch can't use it", remedy)
    else:
        yield Finding(
            "GPU", "limited", "none",
            "Miniatures run without one. For published checkpoints see `amrg plan paper --gpu H100`, or --allow-cpu.",
        )  # fmt: skip


def _memory() -> Iterator[Finding]:
    free, cores = available_memory() / GB, default_processes()
    found = f"{cores} cores, {free:.1f} GB of memory free"
    if free < 1.5:
        yield Finding("memory", "limited", found, "A process takes 1.1 GB: end other programs, or `--jobs 1`.")
    else:
        yield Finding("memory", "well", found)


def _java() -> Iterator[Finding]:
    try:
        yield Finding("Java", "well", java())
    except MetricUnavailable as error:
        yield Finding("Java", "limited", "none that runs, so METEOR and PTB tokens can't be had", str(error))


def _folders(results: Path) -> Iterator[Finding]:
    for what, folder, setting in (
        ("results", results, "--results"),
        ("cache", cache_folder(), "AMRG_CACHE_DIR"),
        ("checkpoints", hub_cache(), "HF_HOME"),
    ):
        place = folder
        while not place.exists():
            place = place.parent  # a look leaves nothing, no folder either
        try:
            try_folder(place, what)
        except RunFailed as error:
            yield Finding(what, "missing", str(error), f"Name another place with {setting}.")
            continue
        free = free_disk(folder)
        small = free < SMALL_DISK
        remedy = f"Free some space, or name another place with {setting}." if small else ""
        yield Finding(what, "limited" if small else "well", f"{folder.resolve()}, {free:.0f} GB free", remedy)


def _locks(results: Path) -> Iterator[Finding]:
    folder = results if results.is_dir() else cache_folder()
    if not folder.is_dir():
        return
    probe = Lock(folder / f".doctor-{os.getpid()}.lock")
    try:
        works = probe.take()
        probe.release()
    except OSError as error:
        yield Finding("locks", "missing", f"{folder}: {error.strerror}", "Put results on a disk that can lock files.")
        return
    state: State = "well" if works else "missing"
    yield Finding("locks", state, f"files can be locked in {folder.resolve()}")
    for path in sorted(results.rglob("*.lock")) if results.is_dir() else ():
        if who := holder(path):
            yield Finding("locks", "well", f"{path}: held by {who}")


def _hub(network: bool) -> Iterator[Finding]:
    from huggingface_hub import constants

    if is_offline():
        yield Finding("hub", "limited", "HF_HUB_OFFLINE is set", "Unset it to fetch checkpoints.")
    elif network:
        yield _reached(constants.ENDPOINT)
    else:
        yield Finding("hub", "well", f"{constants.ENDPOINT}, not asked", "`amrg doctor --network` asks it.")
    if has_token():
        yield Finding("account", "well", "logged in to the hub")
    else:
        remedy = "`hf auth login`; miniatures, and checkpoints that aren't gated, need no account."
        yield Finding("account", "limited", "none of the hub is logged in", remedy)


def _reached(endpoint: str) -> Finding:
    import httpx

    try:
        answer = httpx.head(endpoint, timeout=HUB_SECONDS, follow_redirects=True)
    except httpx.HTTPError as error:
        remedy = "Set HF_ENDPOINT to a mirror, or copy the hub's cache from a machine with network (HF_HOME)."
        return Finding("hub", "limited", f"{endpoint} can't be reached ({type(error).__name__})", remedy)
    return Finding("hub", "well", f"{endpoint} answers ({answer.status_code})")


def _checkpoints() -> Iterator[Finding]:
    from backbones.checkpoint import is_cached, shipped
    from backbones.registry import get, locations

    here = [name for name in sorted(locations()) if shipped(name)]
    yield Finding("miniatures", "well" if here else "limited", ", ".join(here) or "none came with amrg")
    for name in sorted(locations()):
        try:
            pinned = get(name).checkpoint
        except UserError as error:
            yield Finding(f"backbone {name}", "limited", str(error), "Install its package again, or remove it.")
            continue
        if is_cached(pinned):
            yield Finding(f"weights of {name}", "well", f"{pinned.hub_id}, in the hub's cache")
            continue
        gated = f"Accept '{pinned.licence}' at {pinned.page}, then: " if pinned.gated else ""
        fetch = f"{gated}`hf download {pinned.hub_id} --revision {pinned.revision}`"
        size = pinned.weights_bytes / GB
        yield Finding(f"weights of {name}", "limited", f"{pinned.hub_id} isn't here ({size:.0f} GB)", fetch)


def _data(folder: Path | None) -> Iterator[Finding]:
    from benchmark.data import dmid

    if folder is None:
        yield Finding("data", "limited", "none named", "`--data DIR` looks at a folder; phantoms need none.")
        return
    try:
        yield Finding("data", "well", dmid.read(folder).summary_line())
    except UserError as error:
        yield Finding("data", "missing", str(error).splitlines()[0], f"`amrg data check {folder}` says everything.")
