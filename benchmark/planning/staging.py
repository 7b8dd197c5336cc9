"""What a suite needs on a node without internet, gathered into one folder on a machine that has it."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distributions
from importlib.resources import files
from pathlib import Path

import yaml

from backbones.checkpoint import Checkpoint, locate
from backbones.manifest import MANIFEST, sha256, write_manifest
from benchmark.disk.files import make_folder, write_text
from benchmark.errors import UserError
from benchmark.forms.suite import DmidData, Suite
from benchmark.planning.machine import hub_cache
from benchmark.suites.load import built_in, load_suite

README = """\
# {name}, staged

What the suite `{name}` needs on a machine without internet. Copy this folder there; then, in it:

    python3 -m venv .venv && .venv/bin/pip install --no-index --find-links wheels --requirement requirements.txt
    sh run.sh {data}

`wheels/` isn't filled yet. On a machine with internet, of the same system, processor and Python ({python}), once:

    pip download --dest wheels --requirement requirements.txt
    pip wheel --no-deps --wheel-dir wheels PATH-OF-AMRG

| | |
|---|---|
| `suite.yaml` | the suite |
| `hf/` | checkpoints as the hub's client keeps them: {checkpoints} |
| `checkpoints/` | checkpoints that the suite names by folder |
| `requirements.txt` | the packages of the machine that staged this, with versions |
| `data.sha256` | the data's files; `run.sh` compares them |
| `{manifest}` | this folder's own files; `run.sh` compares them |
"""
RUN = """\
#!/bin/sh
# Run the suite with what lies here, and nothing from a network: sh run.sh {data}
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export HF_HOME="$here/hf" HF_HUB_OFFLINE=1 AMRG_CACHE_DIR="${{AMRG_CACHE_DIR:-$here/cache}}"
unset HF_HUB_CACHE
amrg="${{AMRG:-$here/.venv/bin/amrg}}"
(cd "$here" && sha256sum --check --quiet {manifest})
{check}"$amrg" doctor --results "$here/results"{option}
cd "$here"  # folders of checkpoints are named from here
exec "$amrg" sweep suite.yaml --results results --leaderboards leaderboards{option}
"""


@dataclass(frozen=True)
class Staged:
    """What was gathered.

    Attributes:
        folder: where.
        checkpoints: hub ids, and backbones whose checkpoint lies in a folder.
        files: of the data, that a digest was written for.
    """

    folder: Path
    checkpoints: tuple[str, ...]
    files: int


def stage(name: str, folder: Path, data: Path | None, progress: Callable[[str], None] = lambda what: None) -> Staged:
    """Gather checkpoints, suite, list of packages, digests of the data, and commands.

    Checkpoints that aren't in the hub's cache are fetched. What lies in the folder already, whole, is left.

    Args:
        name: of a suite that comes with amrg, or its file.
        folder: new, empty, or of an earlier call.
        data: the DMID folder, for suites on DMID; it isn't copied.
        progress: told what is done next.

    Raises:
        UserError: the suite or the data can't be read, or a checkpoint can't be had.
    """
    suite = load_suite(name)
    if isinstance(suite.data, DmidData) != (data is not None):
        wanted = "give its folder with --data" if data is None else "it runs on phantoms, so leave --data out"
        raise UserError(f"suite {suite.name}: {wanted}.")
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / "run.sh").is_file())):
        raise UserError(f"{folder}: there is something here already that isn't staged. Name a new or an empty folder.")
    make_folder(folder)
    listed = _write_data(folder, data, progress) if data else 0
    checkpoints = tuple(_checkpoints(suite, folder, progress))
    _write_suite(name, suite, folder)
    _write_texts(suite, folder, data is not None, checkpoints)
    progress("digests")
    for hidden in (folder / ".venv", folder / "cache", folder / "results"):
        if hidden.exists():
            raise UserError(f"{hidden}: is of a run; stage into another folder.")
    write_manifest(folder)
    return Staged(folder, checkpoints, listed)


def _write_data(folder: Path, data: Path, progress: Callable[[str], None]) -> int:
    from benchmark.data import dmid

    dmid.read(data)  # what can't be read here can't be there
    progress("digests of the data")
    paths = sorted(path for path in data.rglob("*") if path.is_file())
    write_text(folder / "data.sha256", "".join(f"{sha256(p)}  {p.relative_to(data).as_posix()}\n" for p in paths))
    return len(paths)


def _checkpoints(suite: Suite, folder: Path, progress: Callable[[str], None]) -> list[str]:
    from benchmark.entries.plugins import folder_name, plugin_of

    found = []
    for entry in suite.backbones:
        plugin = plugin_of(entry)
        if entry.checkpoint == "hub":
            progress(plugin.checkpoint.hub_id)
            _copy_snapshot(plugin.checkpoint, locate(None, plugin.checkpoint), folder / "hf" / "hub")
            found.append(f"{plugin.checkpoint.hub_id} at {plugin.checkpoint.revision[:12]}")
        elif entry.is_folder:
            progress(entry.checkpoint)
            target = folder / "checkpoints" / folder_name(entry.name)
            shutil.copytree(locate(Path(entry.checkpoint), plugin.checkpoint), target, dirs_exist_ok=True)
            found.append(entry.name)
    return found


def _copy_snapshot(checkpoint: Checkpoint, snapshot: Path, hub: Path) -> None:
    """Copy a snapshot of the hub's cache: its blobs, and links to them where the cache has links."""
    place = snapshot.relative_to(hub_cache())
    for source in sorted(path for path in snapshot.rglob("*") if path.is_file()):
        target = hub / place / source.relative_to(snapshot)
        target.parent.mkdir(parents=True, exist_ok=True)
        blob = source.resolve()
        copy = hub / place.parts[0] / "blobs" / blob.name if source.is_symlink() else target
        if not copy.is_file() or copy.stat().st_size != blob.stat().st_size:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(blob, copy)
        if source.is_symlink() and not target.is_symlink():
            target.symlink_to(os.path.relpath(copy, target.parent))


def _write_suite(name: str, suite: Suite, folder: Path) -> None:
    """Write the suite; where it names folders of checkpoints, by their places here."""
    source = Path(str(files("benchmark.suites").joinpath(f"{name}.yaml"))) if name in built_in() else Path(name)
    text = source.read_text(encoding="utf-8")
    if any(entry.is_folder for entry in suite.backbones):
        content = yaml.safe_load(text)
        for entry, stated in zip(suite.backbones, content["backbones"], strict=True):
            if entry.is_folder:
                stated["checkpoint"] = f"checkpoints/{entry.name}"
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    write_text(folder / "suite.yaml", text)


def _write_texts(suite: Suite, folder: Path, on_data: bool, checkpoints: tuple[str, ...]) -> None:
    import platform

    packages = sorted({f"{one.name}=={one.version}" for one in distributions() if one.name != "amrg"}, key=str.lower)
    write_text(folder / "requirements.txt", "\n".join(packages) + "\n")
    data = "/path/to/DMID" if on_data else ""
    check = '(cd "$1" && sha256sum --check --quiet "$here/data.sha256")\n' if on_data else ""
    option = ' --data "$1"' if on_data else ""
    write_text(folder / "run.sh", RUN.format(data=data, check=check, option=option, manifest=MANIFEST))
    listed = ", ".join(checkpoints) or "none, miniatures come with amrg"
    values = {"name": suite.name, "data": data, "python": platform.python_version(), "manifest": MANIFEST}
    write_text(folder / "README.md", README.format(checkpoints=listed, **values))
