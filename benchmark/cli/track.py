"""The verb `amrg track`."""

from pathlib import Path
from typing import Annotated

import typer


def track(
    suite: Annotated[str, typer.Argument(help="The name of a suite that ran.")],
    tracker: Annotated[str, typer.Option("--to", help="tensorboard, mlflow or wandb.")] = "tensorboard",
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where the results lie.")] = Path("results"),
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where what is logged goes.")] = Path("results/tracking"),
) -> None:
    """Log a suite's finished trials to TensorBoard, MLflow or Weights & Biases: settings, losses and scores.

    Servers and keys are those that the libraries know from their own settings (MLFLOW_TRACKING_URI, WANDB_API_KEY,
    WANDB_MODE=offline). No report text is logged.

    Example: amrg track mini --to mlflow
    """
    from benchmark.pages.tracking import track as log

    typer.echo(f"{log(results, suite, tracker, folder)} trials of {suite} logged to {tracker}.")


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    app.command()(track)
