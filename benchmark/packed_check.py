"""The clause of the plugins' contract that needs the engines: packed training is sequential training."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from backbones.contract import REPORTS, Broken, Check, Subject
from benchmark.store import Store, TrialFolder
from benchmark.suite import ImagePart, Protocol, Trial
from benchmark.tuning.engine import Generated, TrainingSet
from benchmark.tuning.engines import ENGINES, engine_named

TOLERANCE = 1e-4
"""Greatest difference of two losses that count as equal, in 32-bit numbers."""


def clauses() -> Sequence[Check]:
    """The clause, where there is a packed engine to hold it against."""
    return (packed_as_sequential,) if "packed" in ENGINES else ()


def packed_as_sequential(subject: Subject) -> None:
    """trials that are packed have the losses and texts that they have alone."""
    (alone, lone), (packed, many) = (_run(name, subject) for name in ("sequential", "packed"))
    difference = max(abs(a - b) for one, two in zip(alone, packed, strict=True) for a, b in zip(one, two, strict=True))
    if difference > TOLERANCE:
        raise Broken(f"losses differ by {difference:.2g}")
    if lone != many:
        raise Broken("generated texts differ")


def _run(engine: str, subject: Subject) -> tuple[list[list[float]], list[list[Generated]]]:
    """Losses and texts of two trials."""
    backbone = subject.backbone
    protocol = Protocol(steps=4, batch_size=2, learning_rate=1e-3, warmup_steps=1, max_new_tokens=8)  # type: ignore[call-arg]
    trials = [
        Trial(
            backbone=backbone.name,
            checkpoint=backbone.fingerprint,
            quantization=None,
            dtype="float32",
            data="",
            image=ImagePart(),  # type: ignore[call-arg]
            split="",
            protocol=protocol,
            rank=rank,
            alpha=8,
            seed=seed,
        )
        for rank, seed in ((2, 0), (4, 1))
    ]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        folders = {trial.id: store.of(trial) for trial in trials}
        running = engine_named(engine)
        outcomes = running.train(
            backbone, trials, folders, TrainingSet(REPORTS, subject.features), lambda *_: None
        )  # fmt: skip
        for trial in trials:
            if reason := outcomes[trial.id].failure:
                raise Broken(f"{engine} training failed: {reason}")
        written = {t.id: texts for t, texts in running.generate(backbone, trials, folders, subject.features)}
        losses = [_losses(folders[trial.id]) for trial in trials]
    return losses, [written[trial.id] for trial in trials]


def _losses(folder: TrialFolder) -> list[float]:
    import pandas as pd

    return pd.read_csv(folder.losses)["loss"].tolist()
