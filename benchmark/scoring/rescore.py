"""Scores of stored predictions, made again with the metrics of today: nothing is trained or generated."""

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.data.dmid import Release
from benchmark.errors import UserError
from benchmark.forms.record import ScoresRecord, TrialRecord
from benchmark.results.store import Store, TrialFolder
from benchmark.results.trial_folder import WRITTEN
from benchmark.scoring.pairs import pairs_of
from benchmark.scoring.references import ReferenceSet
from benchmark.scoring.score import check_ids, score_draws
from benchmark.scoring.stored import digest
from benchmark.scoring.texts import read_texts


def rescore(
    results: Path,
    references_for: Callable[[Sequence[str]], ReferenceSet],
    *,
    data: Release | None = None,
    seed: int = 0,
    resamples: int = 10_000,
) -> list[str]:
    """Write `scores.json` again in every trial folder of `results` that has predictions.

    What else stands in a `scores.json` (controls of grounding, for instance) is kept.

    Args:
        results: the folder that holds the trials' folders.
        references_for: ids of a trial's predictions to what they are scored against.
        data: what the references are from; the trials have to be of the same, by its fingerprint. None: a file of
            references, which has none.

    Returns:
        the ids of the trials that were scored.

    Raises:
        UserError: no folder has predictions, trials were run on other data, or ids don't fit the references;
            nothing is written then.
    """
    folders = Store(results).with_file("predictions.jsonl")
    if not folders:
        raise UserError(f"{results}: holds no trial with predictions; expected {results}/<trial id>/predictions.jsonl.")
    if data is not None:
        _check_data(folders, data)
    problems, ready = [], []
    for folder in folders:
        try:
            predictions = _sound_predictions(folder)
            chosen = references_for(list(predictions))
            check_ids(predictions, chosen.references, str(folder.predictions))
            stored = _stored_scores(folder)
            draws = [predictions, *folder.read_draws()[1:]] if folder.draws.is_file() else [predictions]
        except UserError as error:
            problems.append(str(error))
        else:
            ready.append((folder, draws, chosen, stored))
    if problems:
        raise UserError("\n".join(problems))
    for folder, draws, chosen, stored in ready:
        scores = score_draws(
            draws,
            chosen.references,
            train_reports=chosen.train_reports,
            blocks=chosen.blocks,
            seed=seed,
            resamples=resamples,
        )
        record = scores.to_record()
        if stored:
            record = stored.model_copy(update={name: getattr(record, name) for name in record.model_fields_set})
        record = record.model_copy(update={"predictions_sha256": digest(draws)})
        if record.pairs:
            blocks = chosen.blocks or {i: i for i in chosen.references}
            record = record.model_copy(update={"pairs": pairs_of(draws[0], chosen.references, blocks)})
        folder.rewrite_scores(record)
    return [folder.path.name for folder, *_ in ready]


def _sound_predictions(folder: TrialFolder) -> dict[str, str]:
    """Return a trial's predictions by the studies' ids; raise where a file of them isn't what was written."""
    if wrong := {name: why for name, why in folder.damage().items() if name in WRITTEN}:
        listed = "; ".join(f"{name} {why}" for name, why in wrong.items())
        raise UserError(f"{folder.path}: {listed}. Run its sweep, which writes it again.")
    return read_texts(folder.predictions, "prediction").by_id


def _stored_scores(folder: TrialFolder) -> ScoresRecord | None:
    """Return the scores that are there; None where there are none, or they are damaged: all of them are made again."""
    try:
        return folder.read_scores()
    except UserError:
        return None


def _check_data(folders: Sequence[TrialFolder], data: Release) -> None:
    """Raise for trials and floors that say they were run on other data."""
    others: dict[str, list[str]] = {}
    for folder in folders:
        if folder.trial.exists():
            record = folder.read_trial_or_floor()
            recorded = record.trial.data if isinstance(record, TrialRecord) else record.data
            if recorded != data.fingerprint:
                others.setdefault(recorded, []).append(folder.path.name)
    if others:
        listed = "\n".join(
            f"  - {len(names)} on data with fingerprint {recorded}: {', '.join(names[:5])}{' …' * (len(names) > 5)}"
            for recorded, names in others.items()
        )
        raise UserError(
            f"{data.folder}: its fingerprint is {data.fingerprint}, but of the trials in {folders[0].path.parent} ran\n"
            f"{listed}\nNothing was scored. Give the folder that they ran on, images included, or keep trials of "
            "other data in another results folder."
        )
