"""Reports for images, by a trained trial: base and adapter loaded as the trial recorded them."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.disk.cache import cache_folder
from benchmark.errors import UserError
from benchmark.forms.record import FloorRecord, SuiteRecord, TrialRecord
from benchmark.forms.suite import Entry, Trial
from benchmark.results.store import Store, TrialFolder, by_start, read_model
from benchmark.results.trial_folder import TRAINED

if TYPE_CHECKING:
    import numpy as np

    from backbones.base import Backbone
    from benchmark.tuning.interface import Generated


def write_reports(
    folder: TrialFolder,
    images: Sequence[Path],
    *,
    checkpoint: Path | None = None,
    device: str | None = None,
) -> list["Generated"]:
    """Write a report for each image, by the trial's adapter on its base.

    Args:
        folder: the trial's, from `find_trial`.
        images: image files, in any format that the data may have.
        checkpoint: the base's folder, where the trial used one that has moved since.
        device: e.g. "cuda:0"; by default a GPU where there is one.

    Raises:
        UserError: the trial's base isn't there or has changed, or an image can't be read.
    """
    described = folder.read_trial().trial
    if lacking := [str(path) for path in images if not path.is_file()]:
        raise UserError(f"no such image: {', '.join(lacking)}.")
    from benchmark.tuning.adapters import tuned
    from benchmark.tuning.generation import greedy

    squares = [square(path, described) for path in images]
    backbone = load_base(folder, checkpoint=checkpoint, device=device)
    # With the adapter in it, since one from elsewhere may change the encoder.
    with tuned(backbone, folder) as model:
        features = [tokens for picture in squares for tokens in backbone.encode_images([picture])]
        return greedy(backbone, model, described.protocol, features)


def square(path: Path, trial: Trial) -> "np.ndarray":
    """Return an image as a trial was shown it, uint8 [side, side].

    Raises:
        UserError: it can't be read.
    """
    from benchmark.data.image import ImageSettings, prepare

    return prepare(path, ImageSettings(**trial.image.model_dump()))


def load_base(
    folder: TrialFolder, *, checkpoint: Path | None = None, device: str | None = None, dtype: str | None = None
) -> "Backbone":
    """Load the backbone that a trial was tuned on.

    Args:
        folder: of the trial.
        checkpoint, device: as `write_reports` takes them.
        dtype: of the weights; the trial's where None.

    Raises:
        UserError: it isn't there, or has changed.
    """
    import torch

    from benchmark.entries.plugins import plugin_of
    from benchmark.tuning.adapters import misfit

    record = folder.read_trial()
    described = record.trial
    source = checkpoint or _source(folder, record)
    backbone = plugin_of(_entry(folder, described.backbone)).load(
        source,
        device=device or ("cuda:0" if torch.cuda.is_available() else "cpu"),
        dtype=getattr(torch, dtype or described.dtype),
        quantization=described.quantization,
    )
    if backbone.fingerprint != described.checkpoint:
        raise UserError(
            f"trial {described.id} was tuned on a checkpoint with fingerprint {described.checkpoint[:12]}…, but "
            f"{source or backbone.checkpoint.hub_id} has {backbone.fingerprint[:12]}…. "
            "Give the folder of the recorded one with --checkpoint."
        )
    if described.is_trained_here and (wrong := misfit(folder, backbone, described)):
        raise UserError(f"trial {described.id}: {wrong}. Remove {folder.path}, and run the sweep again.")
    return backbone


def find_trial(results: Path, name: str) -> TrialFolder:
    """Find the folder of a trained trial, by its id or the beginning of it.

    Raises:
        UserError: no trial, several, or an untrained one has it.
    """
    # Baselines are stored beside trials; they have nothing to write with.
    finished = Store(results).with_file("trial.json")
    # Another trial's damage is none of this one's: what can't be read is kept, and named if it is asked for.
    trained = [folder for folder in finished if not _is_floor(folder)]
    if not trained:
        raise UserError(f"{results}: no finished trial in it. `amrg sweep` makes some; --results names the folder.")
    folder = by_start(trained, name)
    if folder is None:
        near = get_close_matches(name, [f.path.name for f in trained], n=3, cutoff=0.4)
        meant = f" Nearest: {', '.join(near)}." if near else ""
        raise UserError(f"{results}: no trial {name!r} among its {len(trained)}.{meant} A leaderboard lists their ids.")
    if folder.read_trial().trial.untuned is not None:
        raise UserError(f"trial {folder.path.name} is untuned: it has no adapter to write with. Name a tuned one.")
    if not folder.has_adapter():
        raise UserError(f"trial {folder.path.name}: its adapter is missing from {folder.path}. Run the sweep again.")
    if wrong := {name: why for name, why in folder.damage(remembered=False).items() if name in TRAINED}:
        listed = "; ".join(f"{name} {why}" for name, why in wrong.items())
        raise UserError(f"{folder.path}: {listed}. Run its sweep again, which trains it anew.")
    return folder


def _is_floor(folder: TrialFolder) -> bool:
    try:
        return isinstance(folder.read_trial_or_floor(), FloorRecord)
    except UserError:
        return False


def _source(folder: TrialFolder, record: TrialRecord) -> Path | None:
    """Return where the trial's base lies; None for the hub's cache.

    Raises:
        UserError: it isn't found.
    """
    trial, how = record.trial, record.checkpoint
    if how.kind == "hub":
        return None
    from backbones.checkpoint import fingerprint, shipped
    from benchmark.entries.plugins import folder_name

    if how.miniature:
        miniature = shipped(trial.backbone)
        candidates = ([miniature] if miniature else []) + sorted(
            (cache_folder() / "miniatures").glob(f"{folder_name(trial.backbone)}-*")
        )
    else:
        candidates = [Path(entry.checkpoint) for entry in _entries(folder, trial.backbone)]
    for candidate in candidates:
        if (candidate / "config.json").is_file() and fingerprint(candidate) == trial.checkpoint:
            return candidate
    kind = "miniature" if how.miniature else "folder"
    raise UserError(
        f"trial {folder.path.name}: its {kind} with fingerprint {trial.checkpoint[:12]}… isn't found. "
        "Give its folder with --checkpoint."
    )


def _entry(folder: TrialFolder, backbone: str) -> Entry:
    """Return how a suite with this trial names its backbone; by its name alone where no suite is left."""
    return next(iter(_entries(folder, backbone)), Entry(name=backbone))


def _entries(folder: TrialFolder, backbone: str) -> list[Entry]:
    """Return the entries that suites with this trial have for its backbone."""
    entries, trial = [], folder.path.name
    for path in sorted((folder.path.parent / "suites").glob("*.json")):
        try:
            record = read_model(path, SuiteRecord)
        except UserError:
            continue  # another suite's, maybe; where none is left, the folder is asked for
        if trial in record.trials:
            entries += [entry for entry in record.suite.backbones if entry.name == backbone]
    return entries
