"""Predictions → a page to read them side by side: one folder that opens from disk, without a network.

The page holds reports and images of the test part, so it is written beside the results, never into `leaderboards/`.
All text reaches the page as data and is shown as text.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from benchmark.board.axes import axes_of
from benchmark.board.chosen_points import compared
from benchmark.board.done import Baseline
from benchmark.board.folds import Result
from benchmark.board.gain import untuned_references
from benchmark.board.results import SuiteResults, read_results
from benchmark.board.run import checkpoints, evaluated, name_of
from benchmark.data import dmid
from benchmark.disk.files import private_folder
from benchmark.errors import UserError
from benchmark.forms.record import ScoresRecord
from benchmark.forms.suite import PhantomData, sweep_command
from benchmark.forms.untuned import said
from benchmark.pages.environment import render
from benchmark.pages.model import Answer, ControlAnswer, GalleryColumn, GalleryPage, GalleryStudy
from benchmark.pages.sentences import NOT_A_DEVICE, nature_of
from benchmark.phantoms.folder import drawn_phantoms
from benchmark.results.store import Store, atomic_file, write_text
from benchmark.scoring.baselines import BASELINES
from benchmark.scoring.exchanged_images import swapped
from metrics.copying import is_verbatim
from metrics.labels.labeler import Label, label
from metrics.text.whitespace import collapse_whitespace

LONG_SIDE = 1200
"""Pixels of the page's images: enough to zoom into, small enough for hundreds of them."""
QUALITY = 88
MOST_COLUMNS = 8


@dataclass(frozen=True)
class Gallery:
    """A gallery on disk.

    Attributes:
        page: to open in a browser.
        studies, columns: how many are on it.
        without_image: studies whose image isn't at hand.
    """

    page: Path
    studies: int
    columns: int
    without_image: int


def write_gallery(
    results: Path,
    suite: str,
    *,
    data: Path | None = None,
    output: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Gallery:
    """Write `index.html` and `images/`.

    Args:
        results: the folder of stored results.
        suite: the name of a suite that ran.
        data: the DMID folder with the images; phantoms are found by themselves.
        output: where to; by default beside the suite's results.
        progress: told (done, total) images.

    Raises:
        UserError: no results, or the images of `data` are other ones than those the suite ran on.
    """
    stored = read_results(results, suite)
    if not stored.done:
        raise UserError(f"suite {suite} has no finished trial in {results}; run {sweep_command(suite)}.")
    folder = output or Store(results).references(suite).parent / "gallery"
    source = _images_of(stored, data)
    images = _write_images(stored, source, folder, progress) if source else {}
    content = page_data(stored, images)
    write_text(private_folder(folder) / "index.html", page(content), private=True)
    return Gallery(folder / "index.html", len(content.studies), len(content.columns), _without(content))


def _without(content: GalleryPage) -> int:
    return sum(study.image is None for study in content.studies)


def page_data(results: SuiteResults, images: Mapping[str, str]) -> GalleryPage:
    """Return what the page shows.

    Args:
        results: the results.
        images: place of each study's image in the page's folder, by id.
    """
    columns = _columns(results)
    baseline = next((b for b in results.baselines if b.name == "most_frequent_report"), None)
    heads = [
        GalleryColumn(name=name_of(done), point=_point(done, results), blind=False, shown=done.trial.untuned is None)
        for done in columns
    ]
    if baseline:
        heads.append(GalleryColumn(name=baseline.name, point=BASELINES[baseline.name], blind=True, shown=False))
    ids = results.references.parts["test"]
    # Another image of the same fold, so that the same adapter wrote for both.
    other: dict[str, str] = {}
    for part in results.parts:
        other |= swapped(part.parts["test"], part.blocks)
    sources: list[Result | Baseline] = [*columns, *([baseline] if baseline else [])]
    columns_of = [_Column(source, _copied(source.predictions, results), _rouge(source.scores)) for source in sources]
    studies = []
    for study in ids:
        reference = results.references.reports[study]
        truth = label(reference)
        studies.append(
            GalleryStudy(
                id=study,
                image=images.get(study),
                reference=reference,
                birads=truth.birads,
                major=truth.birads_major,
                density=truth.density,
                findings=tuple(sorted(_present(truth))),
                answers=tuple(_answer(column, study, truth, other[study]) for column in columns_of),
            )
        )
    return GalleryPage(
        suite=results.suite.name,
        title=results.suite.title,
        nature=nature_of(
            results.record.data, checkpoints(results), results.suite.protocol, evaluated=len(evaluated(results))
        ),
        warning=NOT_A_DEVICE,
        columns=tuple(heads),
        studies=tuple(studies),
    )


@dataclass(frozen=True)
class _Column:
    """Whose reports, and which of them are copied and what their ROUGE-L is, by study."""

    source: Result | Baseline
    copied: Mapping[str, bool]
    rouge: Mapping[str, float]


def _columns(results: SuiteResults) -> list[Result]:
    """Return the first seed of each backbone's chosen point; every point of a single backbone, or without choice.

    As far as there is room, what each backbone writes untuned comes behind.
    """
    best = [group[0] for group in compared(results)]
    untuned = list(untuned_references(results).values())
    if len(best) > 1:
        return [*best[:MOST_COLUMNS], *untuned][:MOST_COLUMNS]
    others = [d for d in results.done if d is not best[0] and d.trial.seed == best[0].trial.seed]
    tuned = [best[0], *sorted(others, key=lambda d: d.trial.setting)]
    return [*tuned[: MOST_COLUMNS - len(untuned)], *untuned]


def _point(done: Result, results: SuiteResults) -> str:
    """Return which point a column is of, or how its backbone was asked."""
    if done.trial.untuned is not None:
        return f"untuned, {said(done.trial.untuned)}"
    named: dict[str, object] = {"rank": done.trial.rank, "alpha": done.trial.alpha}
    named |= {axis.replace("_", " "): value for axis, value in axes_of(done.trial, results.suite).items()}
    return ", ".join(f"{name} {value}" for name, value in {**named, "seed": done.trial.seed}.items())


def _answer(column: _Column, study: str, truth: Label, other: str) -> Answer:
    """Return what a column says of a study, and for the `other` study's image: what it says of that study."""
    text = column.source.predictions[study]
    stated = label(text)
    asserted, expected = _present(stated), _present(truth)
    done = None if isinstance(column.source, Baseline) else column.source
    return Answer(
        text=text,
        birads=stated.birads,
        density=stated.density,
        birads_right=stated.birads == truth.birads,
        density_right=stated.density == truth.density,
        right=tuple(sorted(asserted & expected)),
        missing=tuple(sorted(expected - asserted)),
        invented=tuple(sorted(asserted - expected)),
        rouge_l=column.rouge.get(study),
        copied=column.copied.get(study, False),
        swapped=_control(text, done.predictions[other], other) if done else None,
        blank=_control(text, done.controls["blank"].get(study, "")) if done else None,
    )


def _present(report_label: Label) -> set[str]:
    """Return kinds of findings that a report asserts; an uncertain one counts, as in the scores."""
    return {kind.replace("_", " ") for kind, polarity in report_label.findings.items() if polarity != "absent"}


def _control(right: str, text: str, image_of: str | None = None) -> ControlAnswer:
    return ControlAnswer(text=text, same=collapse_whitespace(text) == collapse_whitespace(right), image_of=image_of)


def _copied(predictions: Mapping[str, str], results: SuiteResults) -> dict[str, bool]:
    copied: dict[str, bool] = {}
    for part in results.parts:
        marks = is_verbatim([predictions[i] for i in part.test_ids], part.train)
        copied |= {i: bool(mark) for i, mark in zip(part.test_ids, marks, strict=True)}
    return copied


def _rouge(scores: ScoresRecord) -> dict[str, float]:
    return {r.id: round(r.scores["rouge_l"], 4) for r in scores.reports if "rouge_l" in r.scores}


def page(content: GalleryPage) -> str:
    """Return the page with its data, style and script inside; only its own script and style may run."""
    # "<" can't end the block that holds the data, and the separators are line ends to JavaScript alone.
    data = json.dumps(content.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        data = data.replace(character, f"\\u{ord(character):04x}")
    parts = files("benchmark.pages").joinpath("templates")
    style, script = (parts.joinpath(f"gallery.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return render(
        "gallery.html.j2",
        title=f"{content.title}: reports side by side",
        data=data,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _images_of(results: SuiteResults, data: Path | None) -> Path | None:
    """Return the folder of the images, checked to be the one that the suite ran on; None where it isn't at hand."""
    if data is None:
        part, known = results.suite.data, results.record.data.fingerprint
        return drawn_phantoms(part, known) if isinstance(part, PhantomData) else None
    if dmid.read(data).fingerprint != results.record.data.fingerprint:
        raise UserError(
            f"{data}: not the data that suite {results.suite.name} ran on: other ids, reports or images. "
            "Give the folder of that run with --data, or run the sweep again."
        )
    return data


def _write_images(
    results: SuiteResults, source: Path, folder: Path, progress: Callable[[int, int], None]
) -> dict[str, str]:
    """Write a JPEG of each whole image, no larger than is of use on a screen; return their places by id."""
    from PIL import Image

    from benchmark.data.decode import decode
    from benchmark.data.grey import to_8_bits

    ids = [i for i in results.references.parts["test"] if results.references.images[i]]
    places = {}
    for done, study in enumerate(ids, start=1):
        name = f"images/{hashlib.sha256(study.encode()).hexdigest()[:12]}.jpg"
        target = folder / name
        private_folder(private_folder(folder) / "images")
        image = Image.fromarray(to_8_bits(decode(source / str(results.references.images[study]))))
        image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
        with atomic_file(target, private=True) as temporary:
            image.save(temporary, "JPEG", quality=QUALITY)
        places[study] = name
        progress(done, len(ids))
    return places
