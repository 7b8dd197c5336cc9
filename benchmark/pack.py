"""A pack: trials that share a loaded backbone and run together, from image features to scores."""

import hashlib
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmark import failures
from benchmark.controls import swapped, training_images
from benchmark.data.image import ImageCache, ImageSettings
from benchmark.data.split import Split
from benchmark.data.study import Study
from benchmark.errors import UserError
from benchmark.events import Event, progress, tell
from benchmark.provenance import commit, device, machine, versions
from benchmark.scoring import METRICS, Scores, score_predictions
from benchmark.store import Store, TrialFolder, read_lines, write_json, write_lines
from benchmark.suite import Entry, Trial
from metrics.meteor_jar import warm_up
from metrics.ptb import ptb_tokenize

BLANK = "blank"


@dataclass(frozen=True)
class Records:
    """What every pack of a sweep is given: studies, split, where images and results lie."""

    studies: tuple[Study, ...]
    split: Split
    image: ImageSettings
    cache: Path
    results: Path
    command: str

    def part(self, name: str) -> list[Study]:
        """The studies of train, validation or test, in the order of the split."""
        by_id = {study.id: study for study in self.studies}
        return [by_id[i] for i in getattr(self.split, name)]


@dataclass(frozen=True)
class Pack:
    """Trials of one backbone and how to run them."""

    entry: Entry
    source: Path | None
    engine: str
    device: str
    trials: tuple[Trial, ...]
    records: Records

    def __call__(self) -> dict[str, str | None]:
        """Run what isn't done; why each trial failed, or None, by id."""
        return run(self)


def run(pack: Pack) -> dict[str, str | None]:
    """Train, write and score the trials of a pack that aren't done; what is finished is never done again."""
    import torch

    from backbones.registry import get
    from benchmark.tuning.engines import engine_named

    if pack.device == "cpu":
        torch.set_num_threads(1)
    quiet()
    store = Store(pack.records.results)
    folders = {trial.id: store.of(trial) for trial in pack.trials}
    todo = [trial for trial in pack.trials if not folders[trial.id].is_done()]
    if not todo:
        return dict.fromkeys(folders)
    warm_up()
    backbone = get(pack.entry.name).load(
        pack.source, device=pack.device, dtype=getattr(torch, pack.entry.dtype), quantization=pack.entry.quantization
    )
    started = time.perf_counter()
    keys = _image_keys(pack.records)
    features = _features(pack, backbone, keys)
    vision_seconds = time.perf_counter() - started
    engine = engine_named(pack.engine)
    ended: dict[str, str | None] = {}
    outcomes = _train(pack, engine, backbone, todo, folders, features, keys)
    for trial in todo:
        if trial.id in outcomes and (reason := outcomes[trial.id].failure):
            _fail(trial, folders[trial.id], reason, outcomes[trial.id].details)
            ended[trial.id] = reason
    alive = [trial for trial in todo if trial.id not in ended]
    shown = _shown(pack.records, keys)
    seconds: dict[str, dict[str, float]] = {trial.id: {"vision": vision_seconds} for trial in alive}
    began = time.perf_counter()
    for trial, generated in engine.generate(backbone, alive, folders, [features[key] for _, _, key in shown]):
        seconds[trial.id]["generate"] = time.perf_counter() - began
        prompt = hashlib.sha256(backbone.prompt_text(trial.protocol.prompt).encode()).hexdigest()
        rows = [
            {"set": part, "id": study, **_row(prompt, answer)}
            for (part, study, _), answer in zip(shown, generated, strict=True)
        ]
        _store_predictions(folders[trial.id], rows)
        tell(Event("progress", f"{trial.label}: reports", len(rows), len(rows)))
        began = time.perf_counter()
    # One process tokenises the predictions of all trials, not one a trial.
    ptb_tokenize([row["prediction"] for trial in alive for row in read_lines(folders[trial.id].predictions)])
    for trial in alive:
        began = time.perf_counter()
        score(pack.records, folders[trial.id])
        seconds[trial.id]["score"] = time.perf_counter() - began
        if trial.id in outcomes:
            seconds[trial.id]["train"] = outcomes[trial.id].seconds
        _finish(pack, trial, folders[trial.id], seconds[trial.id], outcomes.get(trial.id), backbone)
        ended[trial.id] = None
        tell(Event("trial", trial.label, 1, 1, "done"))
    return ended


def quiet() -> None:
    """No bars and advice of the libraries among the sweep's own lines."""
    from transformers.utils import logging

    # peft asks transformers by an old name.
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def _features(pack: Pack, backbone: Any, keys: Mapping[str, str]) -> dict[str, Any]:
    """Features of every image that the trials need, by image key, the blank one among them."""
    from benchmark.tuning.features import FeatureStore

    records = pack.records
    images = ImageCache(records.cache / "images", records.image)
    wanted: dict[str, Callable[[], np.ndarray]] = {
        keys[study.id]: partial(images.load, study.image)
        for part in ("train", "validation", "test")
        for study in records.part(part)
        if study.image is not None
    }
    side = records.image.size
    wanted[f"{BLANK}-{side}"] = lambda: np.zeros((side, side), np.uint8)
    store = FeatureStore(records.cache / "features", backbone)
    return store.get(wanted, progress(f"{pack.entry.name}: image features"))


def _image_keys(records: Records) -> dict[str, str]:
    images = ImageCache(records.cache / "images", records.image)
    return {s.id: images.key(s.image) for s in records.studies if s.image is not None}


def _shown(records: Records, keys: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """What each trial writes reports for: (set, study, image key), the grounding controls included."""
    test = records.split.test
    other = swapped(test, records.split.blocks)
    return [
        *[("validation", i, keys[i]) for i in records.split.validation],
        *[("test", i, keys[i]) for i in test],
        *[("swapped", i, keys[other[i]]) for i in test],
        *[("blank", i, f"{BLANK}-{records.image.size}") for i in test],
    ]


def _train(
    pack: Pack,
    engine: Any,
    backbone: Any,
    todo: Sequence[Trial],
    folders: Mapping[str, TrialFolder],
    features: Mapping[str, Any],
    keys: Mapping[str, str],
) -> dict[str, Any]:
    """Train what has no adapter yet; outcomes by trial id."""
    from benchmark.tuning.engine import Outcome, TrainingSet

    train = pack.records.part("train")

    def step_done(trial: Trial, done: int, total: int, loss: float) -> None:
        if done % 5 == 0 or done == total:
            tell(Event("progress", trial.label, done, total, f"loss {loss:.3f}"))

    outcomes: dict[str, Any] = {}
    for shown, trials in _by_images([t for t in todo if not folders[t.id].is_trained()], pack.records):
        data = TrainingSet([s.report for s in train], [features[keys[i]] for i in shown])
        try:
            outcomes |= engine.train(backbone, trials, folders, data, step_done)
        except UserError:
            raise
        except Exception as error:
            # A trial that can't be trained is a row of the leaderboard, not the end of the sweep.
            reason = failures.reason(error, data.reports)
            tell(Event("stage", f"{pack.entry.name}: training failed", detail=reason))
            details: dict[str, object] = {"traceback": failures.frames(error)}
            outcomes |= {trial.id: Outcome(failure=reason, details=details) for trial in trials}
    return outcomes


def _by_images(trials: Sequence[Trial], records: Records) -> Iterator[tuple[tuple[str, ...], list[Trial]]]:
    """Trials that learn the same pairs of report and image, with the study of each training report's image."""
    train, blocks = records.split.train, records.split.blocks
    groups: dict[tuple[str, ...], list[Trial]] = {}
    for trial in trials:
        image_of = training_images(trial, train, blocks)
        groups.setdefault(tuple(image_of[i] for i in train), []).append(trial)
    yield from groups.items()


def _row(prompt_sha256: str, answer: Any) -> dict[str, Any]:
    return {
        "prediction": answer.text,
        "prompt_sha256": prompt_sha256,
        "tokens": answer.tokens,
        "stop": answer.stop,
    }


def _store_predictions(folder: TrialFolder, rows: Sequence[Mapping[str, Any]]) -> None:
    def of(part: str) -> list[dict[str, Any]]:
        return [{k: v for k, v in row.items() if k != "set"} for row in rows if row["set"] == part]

    write_lines(folder.predictions, of("test"))
    write_lines(folder.validation, of("validation"))
    controls = [{"control": part, **row} for part in ("swapped", BLANK) for row in of(part)]
    write_lines(folder.controls, controls)


def score(records: Records, folder: TrialFolder) -> None:
    """Score the stored predictions of a trial: the test set in full, the validation set and controls by value."""
    train = [study.report for study in records.part("train")]
    reports = {study.id: study.report for study in records.studies}

    def scored(rows: Sequence[Mapping[str, Any]], resamples: int, names: Sequence[str] | None = None) -> Scores:
        found = {row["id"]: row["prediction"] for row in rows}
        return score_predictions(
            found,
            {i: reports[i] for i in found},
            train_reports=train,
            blocks={i: records.split.blocks[i] for i in found},
            names=names,
            resamples=resamples,
        )

    test, controls = read_lines(folder.predictions), read_lines(folder.controls)
    content = scored(test, 10_000).to_dict()
    content["length_limit_rate"] = sum(row["stop"] == "length" for row in test) / len(test)
    # Points are chosen, and controls compared, by scores that start no Java.
    quick = [name for name, metric in METRICS.items() if not metric.needs_java]
    parts = {"validation": read_lines(folder.validation)} | {
        control: [row for row in controls if row["control"] == control] for control in ("swapped", BLANK)
    }
    for part, rows in parts.items():
        found = scored(rows, 0, quick).to_dict()
        content[part] = {name: value["value"] for name, value in found["scores"].items()}
    write_json(folder.scores, content)


def _fail(trial: Trial, folder: TrialFolder, reason: str, details: Mapping[str, Any]) -> None:
    content = {"trial": trial.model_dump(mode="json"), "reason": reason, "at": _now()}
    write_json(folder.failure, content | {"details": dict(details)})
    tell(Event("trial", trial.label, 0, 1, reason))


def _finish(
    pack: Pack, trial: Trial, folder: TrialFolder, seconds: dict[str, float], outcome: Any, backbone: Any
) -> None:
    from benchmark.tuning.losses import fuses, kernels

    checkpoint = type(backbone).checkpoint
    before = folder.read(folder.trial) if folder.trial.is_file() else {}
    write_json(
        folder.trial,
        {
            "id": trial.id,
            "trial": trial.model_dump(mode="json"),
            "checkpoint": {
                "kind": "folder" if pack.source else "hub",
                "miniature": pack.entry.checkpoint == "miniature",
                "hub_id": checkpoint.hub_id,
                "revision": checkpoint.revision,
                "licence": checkpoint.licence,
                "parameters": sum(p.numel() for p in backbone.model.parameters()),
            },
            "engine": pack.engine,
            "trials_in_pack": len(pack.trials),
            **({"loss": kernels()} if fuses(backbone.model) else {}),
            "seconds": before.get("seconds", {}) | {name: round(value, 3) for name, value in seconds.items()},
            "peak_memory_bytes": outcome.peak_memory_bytes if outcome else before.get("peak_memory_bytes"),
            **device(pack.device),
            "machine": machine(),
            "versions": versions(),
            "commit": commit(),
            "command": pack.records.command,
            "finished": _now(),
        },
    )
    folder.failure.unlink(missing_ok=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
