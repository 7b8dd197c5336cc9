"""Adapters from elsewhere in a pack: held against the backbone, brought in, and made to write as trials do."""

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmark.data.image import ImageCache
from benchmark.errors import UserError
from benchmark.forms.record import EvaluatedAdapter
from benchmark.forms.suite import Trial
from benchmark.pack.session import Session
from benchmark.progress.events import Event, tell
from benchmark.results.store import TrialFolder, write_json

if TYPE_CHECKING:
    from torch import Tensor

    from backbones.adapter import AdapterFolder, Fitting
    from backbones.base import Backbone
    from benchmark.tuning.interface import Generated

    Store = Callable[[Session, Trial, Sequence[Generated]], None]

LOOKED_AT = 2
"""Test reports at whose logits an adapter is looked at."""


def bring_in(session: Session) -> None:
    """Hold each adapter from elsewhere against the backbone, and store it as a trial's.

    Raises:
        UserError: one fits no module, its tensors are missing or of another shape, or it changes no logit.
    """
    from backbones.adapter import fit

    for trial in [trial for trial in session.alive if trial.adapter is not None]:
        found = session.pack.adapters[trial.id]
        fitting = fit(session.backbone, found)
        if not session.folders[trial.id].has_adapter():
            _store_adapter(session, trial, found, fitting)
        session.adapters[trial.id] = EvaluatedAdapter(
            name=found.name,
            revision=found.revision,
            base=found.base,
            rank=found.rank,
            alpha=found.alpha,
            image_modules=len(fitting.image_modules),
            renamed=fitting.renamed,
        )


def _store_adapter(session: Session, trial: Trial, found: "AdapterFolder", fitting: "Fitting") -> None:
    with TemporaryDirectory(prefix="amrg-adapter-") as temporary:
        checked = TrialFolder(Path(temporary))
        checked.adapter.mkdir()
        _write(session.backbone, found, fitting, checked.adapter)
        if not _changes_anything(session, trial, checked):
            raise UserError(
                f"{found.name} changes no logit of {session.backbone.name}: its weights are those of an adapter that "
                "was never trained, or too small for the numbers that the model computes in. Its reports would be "
                "those of the untuned backbone."
            )
        session.folders[trial.id].write_adapter(partial(_copy, checked.adapter))


def _copy(source: Path, place: str) -> None:
    shutil.copytree(source, place, dirs_exist_ok=True)


def _write(backbone: "Backbone", found: "AdapterFolder", fitting: "Fitting", place: Path) -> None:
    """Write an adapter's files, its tensors by the names of today and its base by name, without a path of anybody's."""
    from safetensors.torch import save_file

    from backbones.adapter import CONFIGURATION, WEIGHTS
    from backbones.checkpoint import read_json
    from benchmark.tuning.saving import base_name

    name, revision = base_name(backbone)
    content = read_json(found.folder / CONFIGURATION)
    write_json(place / CONFIGURATION, content | {"base_model_name_or_path": name, "revision": revision})
    save_file(
        {name: tensor.contiguous() for name, tensor in fitting.tensors.items()}, place / WEIGHTS, {"format": "pt"}
    )


def _changes_anything(session: Session, trial: Trial, folder: TrialFolder) -> bool:
    from benchmark.tuning.effect import changes_logits

    records = session.pack.records
    images = ImageCache(records.cache / "images", records.image)
    studies = records.split_of(trial).studies("test", records.studies)
    looked_at = [(study.image, study.report) for study in studies if study.image is not None][:LOOKED_AT]
    pictures, reports = [images.load(image) for image, _ in looked_at], [report for _, report in looked_at]
    return changes_logits(session.backbone, folder, session.prompts[trial.id], pictures, reports)


def changes_images(session: Session, trial: Trial) -> bool:
    """Return whether a trial's adapter changes an image's way to the decoder, so that it needs features of its own."""
    return trial.id in session.adapters and session.adapters[trial.id].image_modules > 0


def write_foreign(session: Session, store: "Store") -> None:
    """Write predictions of the trials with adapters from elsewhere that have none, or not all.

    Args:
        session: of the pack.
        store: puts a trial's reports down.
    """
    for trial in [trial for trial in session.unwritten() if trial.adapter is not None]:
        with session.guarded("generate", [trial]):
            _write_reports(session, store, trial)


def _write_reports(session: Session, store: "Store", trial: Trial) -> None:
    from benchmark.tuning.adapters import tuned
    from benchmark.tuning.generation import greedy

    shown = [one.image for one in session.shown_to(trial)]
    with tuned(session.backbone, session.folders[trial.id]) as model:
        features = _own_features(session, shown) if changes_images(session, trial) else session.features
        written = greedy(session.backbone, model, trial.protocol, [features[key] for key in shown])
    store(session, trial, written)


def _own_features(session: Session, keys: Sequence[str]) -> "dict[str, Tensor]":
    """Return features of images by the encoder as it is now, with an adapter in it; none is kept."""
    from benchmark.tuning.features import encoded_anew

    tell(Event("stage", f"{session.pack.entry.name}: image features", detail="anew: the adapter is in the encoder"))
    features = encoded_anew(session.backbone, [session.pictures[key] for key in keys])
    return dict(zip(keys, features, strict=True))
