"""The verbs of `amrg` about scores: `amrg score` and `amrg baselines`; `amrg label` is registered here."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.label import label
from benchmark.cli.output import print_json

if TYPE_CHECKING:
    from rich.console import Console

    from benchmark.data.dmid import Release
    from benchmark.forms.record import Grounding
    from benchmark.scoring.references import ReferenceSet
    from benchmark.scoring.score import Scores

AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON.")]
Seed = Annotated[
    int, typer.Option(min=0, max=2**63 - 1, help="Seed of the intervals, and of a random or blocked split.")
]
Data = Annotated[Path | None, typer.Option(metavar="DIR", help="A DMID folder; its reports are the references.")]
SplitName = Annotated[
    str | None,
    typer.Option("--split", metavar="NAME", help="With --data: whose test part was predicted; else it is found."),
]


def score(
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", help="JSON lines with id and prediction; with --rescore, results.")
    ],
    data: Data = None,
    references: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The references: JSON lines with id and report.")
    ] = None,
    split: SplitName = None,
    allow_missing: Annotated[bool, typer.Option(help="Score a missing prediction as an empty report.")] = False,
    rescore: Annotated[
        bool, typer.Option("--rescore", help="Score every trial of a results folder again, in place.")
    ] = False,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all scores, those of each report included.")
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Score anybody's predictions, without training anything.

    Intervals are over blocks of views of one patient where they are known. Ids that are missing, extra or
    duplicate are errors.

    Example: amrg score predictions.jsonl --data dmid --split sequential

    Example: amrg score results --rescore --data dmid --split blocked
    """
    from benchmark.errors import UserError

    if (data is None) == (references is None):
        raise UserError("give the references: either --data DIR, a DMID folder, or --references FILE.jsonl.")
    if split is not None and data is None:
        raise UserError("--split names a part of a DMID folder: give --data DIR with it.")
    from benchmark.data.dmid import read

    release = None if data is None else read(data, reports_only=True)
    references_for = _references(release, references, split, seed)
    if rescore:
        from benchmark.scoring.rescore import rescore as score_again

        done = score_again(predictions, references_for, data=release, seed=seed)
        if as_json:
            print_json({"rescored": done})
        else:
            typer.echo(f"{len(done)} trials scored again in {predictions}.")
        return

    from benchmark.results.store import write_json
    from benchmark.scoring.pairs import grounding_of
    from benchmark.scoring.score import score_predictions
    from benchmark.scoring.texts import read_texts

    predicted = read_texts(predictions, "prediction").by_id
    chosen = references_for(list(predicted))
    if allow_missing:
        predicted = {**dict.fromkeys(chosen.references, ""), **predicted}
    scores = score_predictions(
        predicted, chosen.references, train_reports=chosen.train_reports, blocks=chosen.blocks, seed=seed
    )
    grounding = grounding_of(predicted, chosen.references, chosen.blocks)
    if save is not None:
        write_json(save, scores.to_record().model_copy(update={"references": chosen.name}))
    if as_json:
        print_json({**_summary(scores, chosen), "grounding": grounding.model_dump(mode="json")})
    else:
        _print_scores(scores, chosen, grounding)


def baselines(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A DMID folder; reports alone will do.")],
    split: Annotated[
        str, typer.Option("--split", metavar="NAME", help="sequential, random, blocked, or a split's file.")
    ] = "blocked",
    only: Annotated[list[str] | None, typer.Option("--only", metavar="NAME", help="Only this one; repeatable.")] = None,
    clip: Annotated[
        str | None,
        typer.Option(metavar="MODEL:WEIGHTS", help="open_clip model of nearest_image; default: a trained miniature."),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Score what looks at no image, and the report of the nearest training image.

    Example: amrg baselines dmid --split sequential
    """
    from benchmark.data.dmid import read
    from benchmark.data.split_rules import choose
    from benchmark.errors import unknown_name
    from benchmark.scoring.baseline_names import BASELINES
    from benchmark.scoring.baselines import NEEDS_IMAGES, predict
    from benchmark.scoring.references import from_split, scored_studies
    from benchmark.scoring.score import score_predictions

    for name in only or ():
        if name not in BASELINES:
            raise unknown_name("baseline", name, BASELINES)
    studies = scored_studies(read(folder, reports_only=True))
    parts = choose(studies, split, seed=seed)
    train, test = parts.studies("train", studies), parts.studies("test", studies)
    chosen = from_split(studies, parts)
    without_image = sum(s.image is None for s in (*train, *test))
    by_name: dict[str, Scores] = {}
    skipped: dict[str, str] = {}
    for name in only or BASELINES:
        if name in NEEDS_IMAGES and without_image and not only:
            skipped[name] = f"{without_image} of {len(train) + len(test)} studies have no image"
            continue
        predicted = predict(name, train, test, seed=seed, clip=clip)
        by_name[name] = score_predictions(
            predicted, chosen.references, train_reports=chosen.train_reports, blocks=chosen.blocks, seed=seed
        )
    if as_json:
        rows = {name: _summary(scores, chosen) | {"predicts": BASELINES[name]} for name, scores in by_name.items()}
        print_json({"references": chosen.name, "baselines": rows, "skipped": skipped})
    else:
        _print_baselines(by_name, chosen, skipped)


def register(app: typer.Typer) -> None:
    """Add this file's verbs to `app`."""
    app.command()(score)
    app.command()(label)
    app.command()(baselines)


def _references(
    release: "Release | None", references: Path | None, split: str | None, seed: int
) -> "Callable[[Sequence[str]], ReferenceSet]":
    """From the ids of predictions to what they are scored against."""
    from benchmark.scoring.references import from_file, from_release

    if release is not None:
        return lambda predicted: from_release(release, predicted, split, seed)
    assert references is not None
    reference_set = from_file(references)
    return lambda predicted: reference_set


def _summary(scores: "Scores", chosen: "ReferenceSet") -> dict[str, object]:
    record = scores.to_record().model_copy(update={"references": chosen.name})
    return record.model_dump(mode="json", exclude={"schema_version", "reports", "statistics"})


def _print_scores(scores: "Scores", chosen: "ReferenceSet", grounding: "Grounding") -> None:
    from rich.console import Console
    from rich.table import Table

    from metrics.registry import METRICS

    table = Table(title=f"Scores against the {chosen.name}", title_justify="left")
    table.add_column("score", no_wrap=True)
    table.add_column("")
    for head in ("value", "95 % interval", "n"):
        table.add_column(head, justify="right", no_wrap=True)
    for name, scored in scores.scores.items():
        ends = f"{scored.low:.3f} – {scored.high:.3f}" if scored.low is not None and scored.high is not None else ""
        value = f"{scored.value:.4f}" if scored.undefined is None else "undefined"
        table.add_row(name, METRICS[name].label, value, ends, str(scored.n))
    console = Console()
    console.print(table)
    _print_grounding(grounding, console)
    for name, scored in scores.scores.items():
        if scored.undefined is not None:
            console.print(f"{name}: {scored.undefined}", markup=False)
        if scored.left_out:
            console.print(f"{name}: without {_ids(scored.left_out)}, too long to be aligned", markup=False)


def _ids(ids: Sequence[str], most: int = 10) -> str:
    return ", ".join(ids[:most]) + (f" and {len(ids) - most} more" if len(ids) > most else "")


def _print_grounding(grounding: "Grounding", console: "Console") -> None:
    """Print what scores lose when the report for another study stands in: what is owed to the image."""
    from rich.table import Table

    table = Table(title="Lost on another block's image, over all pairs", title_justify="left")
    table.add_column("score", no_wrap=True)
    for head in ("lost", "95 % interval", "of a perfect reader's loss"):
        table.add_column(head, justify="right", no_wrap=True)
    for name, fall in grounding.all_pairs.items():
        if fall.value is not None:
            ends = f"{fall.low:.3f} – {fall.high:.3f}" if fall.low is not None and fall.high is not None else ""
            share = f"{100 * fall.of_perfect_reader:.0f} %" if fall.of_perfect_reader is not None else ""
            table.add_row(name, f"{fall.value:.4f}", ends, share)
    console.print(table)


def _print_baselines(by_name: Mapping[str, "Scores"], chosen: "ReferenceSet", skipped: Mapping[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table

    from metrics.registry import METRICS

    columns = ["rouge_l", "meteor_nltk", "cider_coco", "birads_exact", "birads_f1_macro"]
    table = Table(title=f"Floors, on the {chosen.name}", title_justify="left")
    table.add_column("baseline", no_wrap=True)
    for name in columns:
        table.add_column(METRICS[name].label, justify="right")
    for baseline, scores in by_name.items():
        cells = [scores.scores.get(name) for name in columns]
        table.add_row(baseline, *("" if s is None or s.undefined else f"{s.value:.3f}" for s in cells))
    console = Console()
    console.print(table)
    for name, reason in skipped.items():
        console.print(f"{name} left out: {reason}.", markup=False)
