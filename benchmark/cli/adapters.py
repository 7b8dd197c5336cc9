"""The verbs `amrg evaluate`, of an adapter from elsewhere, and `amrg export`, of one with its base as a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.cli.output import print_json

if TYPE_CHECKING:
    from benchmark.evaluation import Request
    from benchmark.forms.untuned import Untuned

Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="Where results lie.")]


def evaluate(
    adapter: Annotated[
        str,
        typer.Option("--adapter", metavar="DIR|HUB", help="A folder with a LoRA adapter in PEFT's files, or a hub id."),
    ],
    backbone: Annotated[str, typer.Option("--backbone", metavar="NAME", help="The backbone that it is for.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="A folder in DMID's layout.")],
    split: Annotated[
        str, typer.Option("--split", metavar="NAME", help="sequential, random, blocked, or a split's file.")
    ] = "blocked",
    seed: Annotated[int, typer.Option(help="Of a random or blocked split.")] = 0,
    revision: Annotated[str | None, typer.Option(help="Of the adapter on the hub: branch, tag or commit.")] = None,
    checkpoint: Annotated[
        str, typer.Option(metavar="hub|miniature|DIR", help="The backbone's weights; the pinned ones by default.")
    ] = "hub",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float64.")] = "bfloat16",
    quantization: Annotated[str | None, typer.Option(help="nf4, for a base in 4 bits.")] = None,
    prompt: Annotated[str | None, typer.Option(help="The one it was trained with; by default that of suites.")] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Of a report at most.")] = 256,
    image_size: Annotated[int, typer.Option(min=56, help="Side of the square that images become, in pixels.")] = 896,
    crop: Annotated[bool, typer.Option("--crop/--no-crop", help="Crop images to the breast.")] = True,
    untuned: Annotated[
        list[str] | None,
        typer.Option(metavar="WAY", help="Also without the adapter: prompt, instructed, or few_shot=K; repeatable."),
    ] = None,
    lesions: Annotated[bool, typer.Option("--lesions", help="Also with lesions painted over.")] = False,
    name: Annotated[str, typer.Option(help="Of the leaderboard; adapters of one name share it.")] = "adapters",
    results: Results = Path("results"),
    leaderboards: Annotated[Path, typer.Option(metavar="DIR", help="Where the leaderboard goes.")] = Path(
        "leaderboards"
    ),
    allow_cpu: Annotated[
        bool, typer.Option("--allow-cpu", help="Run a large checkpoint on the processor, where its memory holds it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Give an adapter from elsewhere the row that a trial has: predictions, scores, controls, and a leaderboard.

    One that fits no module of the backbone, lacks tensors, or changes no logit is refused. Nothing is trained; whether
    it has learned any of the tested reports can't be known here.

    Example: amrg evaluate --adapter someone/medgemma-mammo --backbone medgemma-4b-it --data dmid --split blocked
    """
    from benchmark.evaluation import evaluate as run
    from benchmark.pages.leaderboard import write_leaderboard
    from benchmark.progress.show import Show
    from benchmark.results.summary import check

    request = _request(
        adapter=adapter, revision=revision, data=data, name=name, lesions=lesions, max_new_tokens=max_new_tokens,
        backbone={"name": backbone, "checkpoint": checkpoint, "dtype": dtype, "quantization": quantization},
        split={"name": split, "seed": seed}, image={"size": image_size, "crop": crop},
        untuned=[_way(one) for one in untuned or ()], **({"prompt": prompt} if prompt is not None else {}),
    )  # fmt: skip
    with Show("quiet" if as_json else "people") as show:
        summary, found = run(request, results=results, listener=show, allow_cpu=allow_cpu)
    check(summary)
    written = write_leaderboard(results, name, leaderboards)
    [trial] = [trial for trial in summary.trials if trial.adapter is not None]
    if as_json:
        print_json({"trial": trial.id, "adapter": found.name, "leaderboard": str(written.readme)})
        return
    typer.echo(f"{written.table()}\n\nTrial {trial.id}: {found.name}.\nLeaderboard: {written.readme}")


def _request(**parts: Any) -> "Request":
    """Return what is asked for, each part checked as a suite's would be.

    Raises:
        UserError: a backbone of no known name, or a part that a suite may not have; all of them are named.
    """
    from pydantic import TypeAdapter, ValidationError

    from backbones.registry import locations
    from benchmark.errors import UserError, unknown_name
    from benchmark.evaluation import Request

    if (known := parts["backbone"]["name"]) not in locations():
        raise unknown_name("backbone", known, locations())
    try:
        return TypeAdapter(Request).validate_python(parts)
    except ValidationError as error:
        listed = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise UserError(f"{listed}.") from None


def _way(text: str) -> "Untuned | dict[str, str]":
    """Return how an untuned backbone is asked, of what stands on the command line."""
    kind, _, number = text.partition("=")
    return {"few_shot": number} if kind == "few_shot" else text  # type: ignore[return-value]


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the model goes; not there yet, or empty.")],
    trial: Annotated[str, typer.Option(metavar="ID", help="A trial's id, or its beginning; leaderboards list them.")],
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The DMID folder with the images, for trials on DMID.")
    ] = None,
    reports: Annotated[int, typer.Option(min=1, help="Test reports on which the model is proved.")] = 3,
    dtype: Annotated[
        str | None, typer.Option(help="Of the merged weights: float32 or bfloat16; the trial's by default.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The base's folder, where it has moved since the sweep.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="E.g. cuda:0; by default a GPU where there is one.")] = None,
    results: Results = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Write a trial's adapter and base as one model: merged safetensors, processor and card, and prove it.

    The model is loaded again by plain transformers, and has to write the same reports, word for word, as base and
    adapter do. An adapter that changes no logit is refused. Exit code 1: the texts differ; nothing is left then.

    Example: amrg export --trial 3f2a91c07b64d5e8 merged
    """
    from benchmark.executors.execute import quiet
    from benchmark.exporting import export_trial

    quiet()
    exported = export_trial(
        results, trial, folder, data=data, reports=reports, dtype=dtype, checkpoint=checkpoint, device=device
    )
    if as_json:
        print_json(exported.model_dump(mode="json"))
        return
    same = f"{exported.reports} test report{'s' if exported.reports > 1 else ''}"
    typer.echo(f"{folder}: trial {exported.trial} merged in {exported.dtype}; loaded again it writes the same {same}.")


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    app.command()(evaluate)
    app.command()(export)
