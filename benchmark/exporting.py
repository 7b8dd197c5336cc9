"""A trial's adapter and base written as one model, proved on test images of the data that the trial was tested on."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmark.data import dmid
from benchmark.errors import UserError
from benchmark.forms.record import Stored, SuiteRecord
from benchmark.forms.suite import PhantomData
from benchmark.phantoms.folder import drawn_phantoms
from benchmark.results.store import Store, TrialFolder, read_model, read_references
from benchmark.tuning.infer import find_trial, load_base, square


class Exported(Stored):
    """A model that was written and proved.

    Attributes:
        trial: id of the trial whose adapter is in it.
        dtype: of its weights.
        reports: test reports that it writes word for word as base and adapter do.
    """

    trial: str
    dtype: str
    reports: int


def export_trial(
    results: Path,
    name: str,
    output: Path,
    *,
    data: Path | None = None,
    reports: int = 3,
    dtype: str | None = None,
    checkpoint: Path | None = None,
    device: str | None = None,
) -> Exported:
    """Write a trial's adapter and base as one model of transformers, and prove it.

    Args:
        results: where the trial lies.
        name: its id, or the beginning of it.
        output: where the model goes: a folder that isn't there yet, or is empty.
        data: the folder with the images, for trials that weren't on phantoms.
        reports: test reports on which the model is proved.
        dtype: of its weights; the trial's where None.
        checkpoint: the base's folder, where it has moved since.
        device: where it is merged and proved; a GPU where there is one.

    Raises:
        UserError: the trial, its base or its images aren't there; its base is in 4 bits; or its adapter does nothing.
        RunFailed: loaded again, the model doesn't write what base and adapter do.
    """
    folder = find_trial(results, name)
    trial = folder.read_trial().trial
    if trial.quantization is not None:
        raise UserError(
            f"trial {trial.id} was tuned on a base in {trial.quantization}; merged, it would be another model, since "
            "the rounding to 4 bits that its adapter learned to live with would be gone. Use it with such a base."
        )
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UserError(f"{output}: is there already. Name a folder that isn't, or an empty one.")
    if dtype is not None and dtype not in ("float32", "bfloat16", "float64"):
        raise UserError(f"--dtype {dtype}: expected float32, bfloat16 or float64.")
    images, texts = _tested(folder, Store(results), data, reports)
    pictures = [square(path, trial) for path in images]
    backbone = load_base(folder, checkpoint=checkpoint, device=device, dtype=dtype)
    from benchmark.tuning.merging import merge

    output.parent.mkdir(parents=True, exist_ok=True)
    place = output.with_name(f".{output.name}.unfinished")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    merge(backbone, trial, folder, place, pictures, texts)
    if output.exists():
        output.rmdir()
    place.rename(output)
    return Exported(trial=trial.id, dtype=dtype or trial.dtype, reports=len(pictures))


def _tested(folder: TrialFolder, store: Store, data: Path | None, most: int) -> tuple[list[Path], Sequence[str]]:
    """Return images and reports of the first test studies of a trial.

    Raises:
        UserError: no suite names the trial, or the images it was tested on aren't there.
    """
    identity = folder.path.name
    record, suite = _suite_of(identity, store)
    where = _images_of(record, data)
    fold = record.fold_of(identity)
    tested = set(record.split.test if fold is None else record.folds[fold].split.test)
    lines = [line for line in read_references(store, suite) if line.id in tested and line.image is not None]
    if not lines:
        raise UserError(f"trial {identity}: none of its test studies has an image to prove the model on.")
    chosen = sorted(lines, key=lambda line: line.id)[:most]
    return [where / str(line.image) for line in chosen], [line.report for line in chosen]


def _suite_of(identity: str, store: Store) -> tuple[SuiteRecord, str]:
    for path in sorted((store.folder / "suites").glob("*.json")):
        record = read_model(path, SuiteRecord)
        if identity in record.trials:
            return record, path.stem
    raise UserError(
        f"trial {identity}: no suite in {store.folder / 'suites'} names it, so its test images aren't known. Run its "
        "sweep again; nothing that is done is repeated."
    )


def _images_of(record: SuiteRecord, data: Path | None) -> Path:
    part = record.suite.data
    if data is not None:
        if dmid.read(data).fingerprint != record.data.fingerprint:
            raise UserError(f"{data}: not the data that suite {record.suite.name} ran on. Give the folder of that run.")
        return data
    drawn = drawn_phantoms(part, record.data.fingerprint) if isinstance(part, PhantomData) else None
    if drawn is None:
        raise UserError(
            f"the images that suite {record.suite.name} was tested on aren't at hand: give their folder with --data."
        )
    return drawn
