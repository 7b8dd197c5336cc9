"""The stages of a pack, `load`, `vision`, `train`, `generate` and `score`: each does what isn't done of its work.

What a user has to mend (`UserError`) ends the sweep; any other error is the session's to give to the guilty trials.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from benchmark.execute import prepare_worker, quiet
from benchmark.pack.images import blank_key, image_features, image_keys, lesion_keys, shown_images, training_pairs
from benchmark.pack.rungs import train_by_rungs
from benchmark.pack.session import Session
from benchmark.pack.trial_record import trial_record
from benchmark.pack.validation import validation_set
from benchmark.progress.events import Event, tell
from benchmark.provenance import provenance
from benchmark.record import Prediction
from benchmark.scoring import predictions
from benchmark.scoring.trial import is_scored, prepare, score
from benchmark.store import TrialFolder, read_models, write_json
from benchmark.suite import Trial
from metrics.text.meteor_jar import warm_up
from metrics.text.ptb import ptb_tokenize

if TYPE_CHECKING:
    from benchmark.tuning.interface import Generated, TrainingSet

TELL_EVERY = 5
"""Steps between two that are told, beside the first and the last."""


def load_backbone(session: Session) -> None:
    """Load the backbone, once for all trials, and choose what each of them will be shown."""
    import torch

    from backbones.registry import get
    from benchmark.tuning.norms import fused_norms

    pack = session.pack
    if pack.device == "cpu":
        prepare_worker()
    else:
        quiet()
    warm_up()
    provenance()  # asked once; trials would wait for it when they end
    session.backbone = get(pack.entry.name).load(
        pack.source, device=pack.device, dtype=getattr(torch, pack.entry.dtype), quantization=pack.entry.quantization
    )
    if pack.entry.dtype == "float64":
        # The models' own norms would round features and activations to 32 bits.
        session.until_the_end.enter_context(fused_norms(session.backbone.model))
    prompt = session.backbone.prompt_text(pack.trials[0].protocol.prompt)
    session.prompt_sha256 = hashlib.sha256(prompt.encode()).hexdigest()
    session.keys = image_keys(pack.records)
    session.lesions = lesion_keys(pack.records) if pack.lesions else {}
    splits = {trial.fold: pack.records.split_of(trial) for trial in pack.trials}
    session.shown = {fold: shown_images(pack, split, session.keys, session.lesions) for fold, split in splits.items()}


def encode_images(session: Session) -> None:
    """Encode all images, the blank one among them, where a trial is still to be trained or to write."""
    if session.untrained() or session.unwritten():
        session.features = image_features(session.pack, session.backbone, session.keys, session.lesions)


def train_adapters(session: Session) -> None:
    """Train adapters of the trials that have none."""
    from benchmark.tuning.interface import TrainingSet

    records, untrained = session.pack.records, session.untrained()
    for trial in untrained:
        predictions.forget(session.folders[trial.id])
    reports = {study.id: study.report for study in records.studies}
    pairs, rows = training_pairs(untrained, records, session.keys)
    data = TrainingSet(
        [reports[study] for study, _ in pairs],
        [session.features[image] for _, image in pairs],
        rows,
        validation_set(session, untrained),
    )
    train = partial(_train, session, data)
    if session.pack.halving is None:
        session.together("train", untrained, partial(train, None), session.untrained)
    else:
        train_by_rungs(session, session.pack.halving, train)


def _train(session: Session, data: "TrainingSet", until: int | None, trials: Sequence[Trial]) -> None:
    def step_done(trial: Trial, done: int, total: int, loss: float) -> None:
        if done in (1, total) or done % TELL_EVERY == 0:
            tell(Event("progress", trial.label, done, total, f"loss {loss:.3f}", trial.id))

    outcomes = session.engine.train(session.backbone, trials, session.folders, data, step_done, session.meter, until)
    for trial in trials:
        outcome = outcomes[trial.id]
        if outcome.trained_together is not None:
            session.trained_together[trial.id] = outcome.trained_together
        if outcome.failure:
            session.fail(trial, "train", outcome.failure)


def write_reports(session: Session) -> None:
    """Write predictions of the trials that have none, or not all."""
    alike = lambda trial: (trial.protocol.sees_no_image, trial.fold or 0)  # noqa: E731
    for _, trials in groupby(sorted(session.unwritten(), key=alike), key=alike):
        session.together("generate", list(trials), partial(_write, session), session.unwritten)


def _write(session: Session, trials: Sequence[Trial]) -> None:
    """Write for trials of one fold, of which either all or none are shown a blank image in each image's place.

    For a blank image there is one report, which stands for all.
    """
    shown, blind = session.shown[trials[0].fold], trials[0].protocol.sees_no_image
    keys = [blank_key(session.pack.records)] if blind else [one.image for one in shown]
    features = [session.features[key] for key in keys]
    for trial, reports in session.engine.generate(session.backbone, trials, session.folders, features, session.meter):
        _store(session, trial, reports * len(shown) if blind else reports)


def _store(session: Session, trial: Trial, reports: "Sequence[Generated]") -> None:
    shown = session.shown[trial.fold]
    lines = [
        Prediction(
            id=one.study,
            prediction=report.text,
            prompt_sha256=session.prompt_sha256,
            tokens=report.tokens,
            stop=report.stop,
        )
        for one, report in zip(shown, reports, strict=True)
    ]
    predictions.store(session.folders[trial.id], shown, lines)
    tell(Event("progress", f"{trial.label}: reports", len(lines), len(lines), trial=trial.id))


def score_trials(session: Session) -> None:
    """Score the trials that have no scores, and write each trial's record, with which it is done."""
    records = session.pack.records
    lesions = session.pack.lesions
    unscored = [t for t in session.alive if not is_scored(session.folders[t.id], records.split_of(t), lesions=lesions)]
    if unscored:
        with session.meter.stage("score", [trial.id for trial in unscored]), suppress(Exception):
            # What goes wrong here is left to the trial that it belongs to, which meets it again when it is scored.
            for split in {trial.fold: records.split_of(trial) for trial in unscored}.values():
                prepare(records.studies, split)
            _tokenize([session.folders[trial.id] for trial in unscored])
    for trial in list(session.alive):
        with session.guarded("score", [trial]):
            if trial in unscored:
                score(
                    session.folders[trial.id],
                    records.studies,
                    records.split_of(trial),
                    resamples=session.pack.resamples,
                    grounding="blank" in session.pack.sets,
                    lesions=lesions,
                )
                session.meter.lap("score", [trial.id])
            write_json(session.folders[trial.id].trial, trial_record(session, trial))
            session.succeed(trial)


def _tokenize(folders: Sequence[TrialFolder]) -> None:
    """Tokenise the predictions of all trials by one process, not one per trial; the results are remembered."""
    ptb_tokenize([row.prediction for folder in folders for row in read_models(folder.predictions, Prediction)])
