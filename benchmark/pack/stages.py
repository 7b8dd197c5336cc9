"""The stages of a pack, `load`, `vision`, `train`, `generate` and `score`: each does what isn't done of its work.

What a user has to mend (`UserError`) ends the sweep; any other error is the session's to give to the guilty trials.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from benchmark.errors import UserError
from benchmark.executors.execute import keep_freed_memory, prepare_worker, quiet
from benchmark.forms.record import Prediction
from benchmark.forms.suite import Trial
from benchmark.pack.asked import digests_of, prompts_of, write_untuned
from benchmark.pack.foreign import bring_in, changes_images, write_foreign
from benchmark.pack.images import (
    blank_key,
    image_features,
    image_keys,
    lesion_keys,
    pictures,
    shown_images,
    training_pairs,
)
from benchmark.pack.rungs import train_by_rungs
from benchmark.pack.session import Session
from benchmark.pack.trial_record import trial_record
from benchmark.pack.validation import validation_set
from benchmark.progress.events import Event, tell
from benchmark.provenance import provenance
from benchmark.results.store import TrialFolder, read_models
from benchmark.scoring import predictions
from benchmark.scoring.trial import is_scored, prepare, score
from metrics.text.meteor_jar import warm_up
from metrics.text.ptb import ptb_tokenize

if TYPE_CHECKING:
    from backbones.base import Backbone
    from benchmark.tuning.interface import Generated, TrainingSet

SHOWN = 5
"""Reports with a fault that a reason names, at most."""
SMALL_MODEL = 500_000_000
"""Bytes of weights below which a process may keep memory that it has freed."""
TELL_EVERY = 5
"""Steps between two that are told, beside the first and the last."""


def load_backbone(session: Session) -> None:
    """Load the backbone, once for all trials, and choose what each of them will be shown."""
    import torch

    from backbones.private.wide_products import are_bfloat16_products_slow, wide_products
    from benchmark.entries.plugins import plugin_of
    from benchmark.tuning.norms import fused_norms

    pack = session.pack
    if pack.device == "cpu":
        prepare_worker()
    else:
        quiet()
    warm_up()
    provenance()  # asked once; trials would wait for it when they end
    session.backbone = plugin_of(pack.entry).load(
        pack.source, device=pack.device, dtype=getattr(torch, pack.entry.dtype), quantization=pack.entry.quantization
    )
    if pack.device == "cpu" and session.backbone.model.get_memory_footprint() < SMALL_MODEL:
        keep_freed_memory()
    if pack.entry.dtype == "float64":
        # The models' own norms would round features and activations to 32 bits.
        session.until_the_end.enter_context(fused_norms(session.backbone.model))
    if pack.device == "cpu" and pack.entry.dtype == "bfloat16" and are_bfloat16_products_slow():
        session.until_the_end.enter_context(wide_products())
    session.prompts = prompts_of(pack.trials, {study.id: study.report for study in pack.records.studies})
    session.prompt_sha256 = digests_of(session.backbone, session.prompts)
    for prompt in dict.fromkeys(session.prompts.values()):
        check_length(session.backbone, prompt, pack.trials[0].protocol.max_new_tokens)
    forget_misfits(session)
    session.keys = image_keys(pack.records)
    session.lesions = lesion_keys(pack.records) if pack.lesions else {}
    splits = {trial.fold: pack.records.split_of(trial) for trial in pack.trials}
    session.shown = {fold: shown_images(pack, split, session.keys, session.lesions) for fold, split in splits.items()}
    bring_in(session)


def check_length(backbone: "Backbone", prompt: str, max_new_tokens: int) -> None:
    """Refuse a prompt that special tokens are spelt in, or that leaves a report too few of the decoder's positions.

    Raises:
        UserError: it is one of these.
    """
    taken = len(backbone.prompt_tokens(prompt))
    positions = getattr(backbone.model.config.get_text_config(), "max_position_embeddings", None)
    if isinstance(positions, int) and taken + max_new_tokens > positions:
        raise UserError(
            f"{backbone.name}: image and prompt take {taken} tokens and a report up to {max_new_tokens} "
            f"(max_new_tokens), but its decoder has positions for {positions}. Give fewer, or a shorter prompt."
        )


def forget_misfits(session: Session) -> None:
    """Let adapters be trained again that lie in a trial's folder and can't be its own."""
    from benchmark.tuning.adapters import misfit

    for trial in session.alive:
        folder = session.folders[trial.id]
        if trial.is_trained_here and folder.is_trained() and (wrong := misfit(folder, session.backbone, trial)):
            tell(Event("stage", trial.label, detail=f"{wrong}; it is trained again"))
            folder.forget(folder.losses)


def encode_images(session: Session) -> None:
    """Encode all images, the blank one among them, where a trial is still to be trained or to write.

    Trials that tune the vision encoder encode their images themselves, each time, and so do adapters from elsewhere
    that change it.
    """
    todo = [*session.untrained(), *session.unwritten()]
    if todo:
        session.pictures = pictures(session.pack, session.keys, session.lesions)
    if any(not trial.tunes_vision and not changes_images(session, trial) for trial in todo):
        session.features = image_features(session.pack, session.backbone, session.pictures)


def train_adapters(session: Session) -> None:
    """Train adapters of the trials that have none."""
    from benchmark.tuning.interface import TrainingSet

    records, untrained = session.pack.records, session.untrained()
    for trial in untrained:
        predictions.forget(session.folders[trial.id])
    reports = {study.id: study.report for study in records.studies}
    if untrained and (
        wrong := _unwritable(session, reports, {i for t in untrained for i in records.split_of(t).train})
    ):
        for trial in untrained:
            session.fail(trial, "train", wrong)
        return
    pairs, rows = training_pairs(untrained, records, session.keys)
    data = TrainingSet(
        [reports[study] for study, _ in pairs],
        [session.features[image] for _, image in pairs] if session.features else [],
        rows,
        [session.pictures[image] for _, image in pairs],
        validation_set(session, untrained),
    )
    _tell_alone(session, untrained)
    train = partial(_train, session, data)
    if session.pack.halving is None:
        session.by_kind("train", untrained, partial(train, None), session.untrained)
    else:
        train_by_rungs(session, session.pack.halving, train)


def _unwritable(session: Session, reports: Mapping[str, str], train: Collection[str]) -> str | None:
    """Say which reports the backbone's tokenizer can't write, by id, or return None where it can write all."""
    wrong = []
    for study in sorted(train):
        try:
            session.backbone.report_tokens(reports[study])
        except UserError as error:
            wrong.append(f"{study}: {error}")
    more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return f"{'; '.join(wrong[:SHOWN])}{more}" if wrong else None


def _tell_alone(session: Session, trials: Sequence[Trial]) -> None:
    """Tell which trials run one after another, and why."""
    for reason, alone in groupby(sorted(trials, key=lambda trial: trial.alone or ""), key=lambda trial: trial.alone):
        if reason is not None and session.pack.engine != "sequential":
            count = len(list(alone))
            detail = f"{count} {'trial' if count == 1 else 'trials'}: {reason}"
            tell(Event("stage", f"{session.pack.entry.name}: by plain peft, one after another", detail=detail))


def _train(session: Session, data: "TrainingSet", until: int | None, trials: Sequence[Trial]) -> None:
    def step_done(trial: Trial, done: int, total: int, loss: float) -> None:
        if done in (1, total) or done % TELL_EVERY == 0:
            tell(Event("progress", trial.label, done, total, f"loss {loss:.3f}", trial.id))

    outcomes = session.engine.train(session.backbone, trials, session.folders, data, step_done, session.meter, until)
    for trial in trials:
        outcome = outcomes[trial.id]
        if outcome.trained_together is not None:
            session.trained_together[trial.id] = outcome.trained_together
        if outcome.kernels is not None:
            session.kernels[trial.id] = outcome.kernels
        if outcome.failure:
            session.fail(trial, "train", outcome.failure)


def write_reports(session: Session) -> None:
    """Write predictions of the trials that have none, or not all."""
    alike = lambda trial: (trial.protocol.sees_no_image, trial.fold or 0, trial.alone or "")  # noqa: E731
    tuned = [trial for trial in session.unwritten() if trial.is_trained_here]
    write_untuned(session, _store)
    write_foreign(session, _store)
    for _, trials in groupby(sorted(tuned, key=alike), key=alike):
        session.together("generate", list(trials), partial(_write, session), session.unwritten)


def _write(session: Session, trials: Sequence[Trial]) -> None:
    """Write for trials of one fold, of which either all or none are shown a blank image in each image's place.

    For a blank image there is one report, which stands for all.
    """
    shown, blind = session.shown_to(trials[0]), trials[0].protocol.sees_no_image
    keys = [blank_key(session.pack.records)] if blind else [one.image for one in shown]
    features = [session.features[key] for key in keys] if session.features else []
    shown_anew = [session.pictures[key] for key in keys]
    known = session.known_to(trials[0])
    engine, backbone, folders = session.engine, session.backbone, session.folders
    for trial, reports in engine.generate(
        backbone, trials, folders, features, session.meter, pictures=shown_anew, known=known
    ):
        _store(session, trial, reports * len(shown) if blind else reports)


def _store(session: Session, trial: Trial, reports: "Sequence[Generated]") -> None:
    shown = session.shown_to(trial)
    lines = [
        Prediction(
            id=one.study,
            prediction=report.text,
            prompt_sha256=session.prompt_sha256[trial.id],
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
    unscored = [
        trial
        for trial in session.alive
        if not is_scored(session.folders[trial.id], records.split_of(trial), lesions=session.lesions_of(trial))
    ]
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
                    lesions=session.lesions_of(trial),
                )
                session.meter.lap("score", [trial.id])
            session.folders[trial.id].finish(trial_record(session, trial))
            session.succeed(trial)


def _tokenize(folders: Sequence[TrialFolder]) -> None:
    """Tokenise the predictions of all trials by one process, not one per trial; the results are remembered."""
    ptb_tokenize([row.prediction for folder in folders for row in read_models(folder.predictions, Prediction)])
