"""An engine of ours as a contender of `amrg bench`: all trials in one process, with empty caches."""

import argparse
import csv
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from benchmark.bench.task import Stages, Task, score, store
from benchmark.errors import RunFailed


def run(task: Task, engine_name: str, *, out: Path, stages: Stages) -> int:
    """Train all trials, write their test reports and score them.

    Returns:
        How many trials trained at the same time, at most.

    Raises:
        RunFailed: trials diverged or ran out of memory.
    """
    with stages.of("start"):
        import torch

        from backbones.registry import get
        from benchmark.data.image import ImageCache, ImageSettings
        from benchmark.execute import end_quickly, quiet
        from benchmark.store import Store
        from benchmark.tuning.engines import engine_named
        from benchmark.tuning.features import FeatureStore
        from benchmark.tuning.interface import TrainingSet
        from benchmark.tuning.norms import fused_norms
        from metrics.text.meteor_jar import warm_up

    quiet()
    torch.set_num_threads(1)
    end_quickly()
    if task.test:
        # As a sweep does: METEOR's tables are read beside the training.
        warm_up()
    trials, engine = task.trials(), engine_named(engine_name)
    with stages.of("load"):
        backbone = get(task.backbone).load(Path(task.checkpoint), dtype=getattr(torch, task.dtype))
    images = ImageCache(out / "images", ImageSettings(**task.image))
    paths = [Path(study["image"]) for study in (*task.train, *task.test)]
    with stages.of("decode"):
        images.warm(paths, jobs=1)
        keys = [images.key(path) for path in paths]
    # In float64 the models' own norms would round features and activations to float32.
    with fused_norms(backbone.model) if task.dtype == "float64" else nullcontext():
        with stages.of("vision"):
            found = FeatureStore(out / "features", backbone).get(
                {key: partial(images.load, path) for key, path in zip(keys, paths, strict=True)}
            )
        features = [found[key] for key in keys]
        results = Store(out / "results")
        folders = {trial.id: results.of(trial) for trial in trials}
        data = TrainingSet([study["report"] for study in task.train], features[: len(task.train)])
        with stages.of("train"):
            outcomes = engine.train(backbone, trials, folders, data, lambda *_: None)
    if failed := [f"{trial.label}: {why}" for trial in trials if (why := outcomes[trial.id].failure)]:
        raise RunFailed("trials of the bench failed: " + "; ".join(failed))
    texts: dict[str, list[str]] = {trial.id: [] for trial in trials}
    if task.test:
        with stages.of("generate"):
            for trial, written in engine.generate(backbone, trials, folders, features[len(task.train) :]):
                texts[trial.id] = [answer.text for answer in written]
        with stages.of("score"):
            for trial in trials:
                score(task, texts[trial.id])
    for trial in trials:
        with folders[trial.id].losses.open(encoding="utf-8") as file:
            losses = [float(row["loss"]) for row in csv.DictReader(file)]
        store(out, trial, losses, texts[trial.id])
    return max(int(outcome.details.get("pack", 1)) for outcome in outcomes.values())  # type: ignore[call-overload]


def main() -> None:
    """`python -m benchmark.bench.engines TASK --engine packed --out DIR --started SECONDS`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", type=Path)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--started", type=float, required=True)
    given = parser.parse_args()
    stages = Stages(given.started)
    pack = run(Task.read(given.task), given.engine, out=given.out, stages=stages)
    stages.write(given.out, "all", pack=pack)


if __name__ == "__main__":
    main()
