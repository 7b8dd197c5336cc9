"""Trials in MLflow, Weights & Biases or TensorBoard, by those libraries' own clients: for those who live in them.

Logged are each trial's point, protocol and provenance, its losses by step and its scores; no report text.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmark.board.axes import value_of
from benchmark.board.done import Done
from benchmark.board.results import read_results
from benchmark.board.run import name_of
from benchmark.errors import UserError, unknown_name


@dataclass(frozen=True)
class Logged:
    """What is logged of a trial.

    Attributes:
        name: of the run.
        trial: the trial's id.
        settings: its point, protocol and provenance, flat.
        losses: by step.
        scores: of the test part, and of the validation part under "validation/".
    """

    name: str
    trial: str
    settings: dict[str, str | int | float]
    losses: list[tuple[int, float]]
    scores: dict[str, float]


def track(results: Path, suite: str, tracker: str, folder: Path) -> int:
    """Log every finished trial of a suite.

    Args:
        results: the folder of stored results.
        suite: the name of a suite that ran.
        tracker: one of `TRACKERS`.
        folder: where TensorBoard's files go, and MLflow's where MLFLOW_TRACKING_URI names no server, and those of
            Weights & Biases before they are sent.

    Returns:
        how many trials were logged.

    Raises:
        UserError: an unknown tracker, one that isn't installed, or no results.
    """
    if tracker not in TRACKERS:
        raise unknown_name("tracker", tracker, TRACKERS)
    package, log = TRACKERS[tracker]
    try:
        client = import_module(package)
    except ImportError as error:
        raise UserError(
            f"{tracker} isn't installed ({error}). Install it with: pip install 'amrg[tracking]', or only {package}."
        ) from None
    stored = read_results(results, suite)
    for done in stored.trials:
        log(client, _logged(done), suite, folder)
    return len(stored.trials)


def _logged(done: Done) -> Logged:
    trial = done.trial
    settings: dict[str, Any] = {"backbone": trial.backbone, "rank": trial.rank, "alpha": trial.alpha}
    settings |= {axis: value_of(trial, axis) for axis in ("scaling", "targets", "initialisation", "variant")}
    settings |= {"seed": trial.seed, "dtype": trial.dtype, "quantization": trial.quantization or "none"}
    settings |= {f"protocol.{k}": v for k, v in trial.protocol.model_dump().items() if v is not None}
    settings |= {"data": trial.data, "split": trial.split, "checkpoint": trial.checkpoint}
    settings |= {"commit": done.record.commit or "unknown", "engine": done.record.engine}
    scores = {name: score.value for name, score in done.scores.scores.items()}
    scores |= {f"validation/{name}": value for name, value in (done.scores.validation or {}).items()}
    scores |= {f"seconds/{stage}": value for stage, value in done.seconds.items()}
    return Logged(
        name=trial.label.replace(trial.backbone, name_of(done), 1),
        trial=trial.id,
        settings=settings,
        losses=done.losses,
        scores={name: float(value) for name, value in scores.items() if value is not None},
    )


def _tensorboard(client: Any, logged: Logged, suite: str, folder: Path) -> None:
    with client.SummaryWriter(str(folder / suite / logged.trial)) as writer:
        writer.add_text("trial", logged.name)
        for step, loss in logged.losses:
            writer.add_scalar("loss", loss, step)
        for name, value in logged.scores.items():
            writer.add_scalar(f"scores/{name}", value, 0)
        for name, setting in logged.settings.items():
            writer.add_text(f"settings/{name}", str(setting))


def _mlflow(client: Any, logged: Logged, suite: str, folder: Path) -> None:
    if not client.is_tracking_uri_set():
        folder.mkdir(parents=True, exist_ok=True)
        client.set_tracking_uri(f"sqlite:///{folder.resolve()}/mlflow.db")
    client.set_experiment(suite)
    earlier_runs = client.search_runs(filter_string=f"tags.trial = '{logged.trial}'", output_format="list")
    # The same trial has the same scores: logging it again adds nothing.
    if earlier_runs:
        return
    with client.start_run(run_name=logged.name, tags={"trial": logged.trial}):
        client.log_params({name: str(value)[:500] for name, value in logged.settings.items()})
        client.log_metrics(logged.scores)
        for step, loss in logged.losses:
            client.log_metric("loss", loss, step=step)


def _wandb(client: Any, logged: Logged, suite: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with _run_of(client, logged, suite, folder) as run:
        for step, loss in logged.losses:
            run.log({"loss": loss}, step=step)
        run.summary.update(logged.scores)


@contextmanager
def _run_of(client: Any, logged: Logged, suite: str, folder: Path) -> Iterator[Any]:
    run = client.init(
        project=suite, name=logged.name, id=logged.trial, resume="allow", config=logged.settings, dir=str(folder)
    )
    try:
        yield run
    finally:
        run.finish()


Log = Callable[[Any, Logged, str, Path], None]
TRACKERS: dict[str, tuple[str, Log]] = {
    "tensorboard": ("tensorboardX", _tensorboard),
    "mlflow": ("mlflow", _mlflow),
    "wandb": ("wandb", _wandb),
}
"""The package of each tracker, and how a trial is logged with it."""
