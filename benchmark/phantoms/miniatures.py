"""Miniature checkpoints for a suite: those that come with the project, or trained on phantoms, once, and kept.

They are shown phantoms that no suite trains or tests on (another seed), with reports in dialects that no suite is
tuned to. Of the dialect that suites tune to they have read reports without images, as published checkpoints have
read much; what an image looks like that goes with one, they have to learn.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from backbones.checkpoint import is_miniature
from backbones.locks import making
from backbones.manifest import has_manifest, write_manifest
from benchmark.data.crop import find_breast
from benchmark.data.image import PREPARATION_VERSION, ImageSettings, letterbox
from benchmark.disk.cache import cache_folder
from benchmark.disk.files import remove
from benchmark.executors.execute import default_processes, executor, in_order, one_thread, prepare_worker
from benchmark.forms.suite import Entry, ImagePart, MiniaturePart, Protocol, Suite
from benchmark.phantoms.cases import Case, plan
from benchmark.phantoms.dialects import BASE_DIALECTS, DIALECTS
from benchmark.phantoms.files import to_bytes
from benchmark.phantoms.image import draw
from benchmark.phantoms.places import PHANTOMS, shipped_for
from benchmark.phantoms.reports import report
from benchmark.phantoms.truth import KINDS, SIGNS, PhantomTruth
from benchmark.products import discard_unsound, problems_of, tell_waiting
from benchmark.progress.events import Event, Listener, progress, tell
from benchmark.provenance import versions
from benchmark.results.store import atomic_file
from metrics.labels.birads import BIRADS_SCALE

if TYPE_CHECKING:
    from backbones.pretraining import Example

SHIPPED = ("paligemma2-3b", "qwen2.5-vl-3b", "llava-med-7b", "medgemma-4b-it")
"""Backbones whose miniatures come with the project, one per family."""
SHIPPED_PART = MiniaturePart(examples=3000, vision_steps=900, language_steps=600)
"""How those are trained: longer than a newcomer would wait."""
SHIPPED_IMAGE = ImagePart(size=112)
"""How their phantoms are shown to them, as in the suites that come with the project."""
SEED = 20_000
"""Seed of the phantoms that miniatures are trained on; suites' own are far from it."""
DRAWN_SIZE = 160
"""Long side of those phantoms, in pixels."""
STYLES = ("impression", "structured", "acr")
"""The dialects whose reports they learn to write."""
DENSITIES = "ABCD"
LOCATIONS = ("upper", "lower", "outer", "inner", "central")
MAIN_KINDS = tuple(kind for kind in KINDS if kind not in SIGNS and kind != "axillary_node")
Circle = tuple[str, float, float, float]
"""A finding's kind, and x, y and radius in parts of the image's side."""


@dataclass(frozen=True)
class MiniatureJob:
    """A miniature that has to be trained: of which backbone, how, and where it lies then."""

    entry: Entry
    part: MiniaturePart
    image: ImagePart
    prompt: str
    folder: Path

    @property
    def backbone(self) -> str:
        """The backbone's name."""
        return self.entry.name

    @property
    def examples(self) -> Path:
        """The file of the phantoms that it is trained on."""
        key = _key(self.part.examples, self.image.model_dump(), SEED, DRAWN_SIZE, PHANTOMS, PREPARATION_VERSION)
        return cache_folder() / "miniatures" / f"examples-{key[:16]}.npz"


def source_of(suite: Suite, entry: Entry) -> Path | MiniatureJob:
    """Return the folder of a backbone's miniature where it comes with the project, else how the suite has it trained.

    The folder of one that is trained is named by what decides its weights: the versions of training, phantoms and
    libraries, the suite's settings, and what the plugin states of its miniature.
    """
    if (folder := shipped_for(suite, entry)) is not None:
        return folder
    from backbones.miniature_checkpoint import MINIATURES, specification
    from benchmark.entries.plugins import folder_name, plugin_of

    part = suite.miniature or MiniaturePart()
    prompt = suite.protocol.prompt
    specified = specification(plugin_of(entry))
    versioned = [MINIATURES, PHANTOMS, PREPARATION_VERSION, versions()]
    key = _key(*versioned, specified, part.model_dump(), suite.image.model_dump(), prompt)
    folder = cache_folder() / "miniatures" / f"{folder_name(entry.name)}-{key[:16]}"
    return MiniatureJob(entry, part, suite.image, prompt, folder)


def draw_examples(
    job: MiniatureJob, *, processes: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> None:
    """Draw the phantoms that a miniature is trained on and keep them in one file, unless it is there, and whole."""
    with making(job.examples, tell_waiting(f"phantoms of miniatures in {job.examples}")):
        if not _is_whole(job.examples):
            remove(job.examples)
            _draw_examples(job, processes, progress)


def _is_whole(path: Path) -> bool:
    """Return whether an archive of arrays is there, and every part of it as its checksum says."""
    try:
        with ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, BadZipFile, ValueError, NotImplementedError, EOFError, zlib.error):
        return False


def _draw_examples(job: MiniatureJob, processes: int, progress: Callable[[int, int], None]) -> None:
    cases = list(plan(job.part.examples, seed=SEED, size=DRAWN_SIZE))
    settings = ImageSettings(**job.image.model_dump())
    pictures, circles = [], []
    drawings = in_order(partial(_draw, settings), cases, processes=processes, chunk=16)
    for done, (picture, of_picture) in enumerate(drawings, start=1):
        pictures.append(picture)
        circles.append(of_picture)
        progress(done, len(cases))
    entries = [{"truth": case.truth.to_dict(), "circles": c} for case, c in zip(cases, circles, strict=True)]
    with atomic_file(job.examples) as temporary:
        np.savez(temporary, images=np.stack(pictures), truths=np.array(json.dumps(entries)))


def make_shipped(
    names: Sequence[str], root: Path, listener: Listener, *, examples: int | None = None, steps: int | None = None
) -> Iterator[Path]:
    """Train miniatures as those that come with the project are trained; yield the folder of each as it is written.

    Args:
        names: of backbones.
        root: the folder that their folders go into; one that is there is replaced.
        listener: told what happens.
        examples, steps: fewer phantoms and steps of either part than those are trained with, for a try.

    Raises:
        UserError: no such backbone.
    """
    from backbones.registry import get

    changed = {"examples": examples, "vision_steps": steps, "language_steps": steps}
    part = SHIPPED_PART.model_copy(update={name: value for name, value in changed.items() if value is not None})
    prompt: str = Protocol.model_fields["prompt"].default
    entries = [Entry(name=get(name).name, checkpoint="miniature") for name in names]
    jobs = [MiniatureJob(entry, part, SHIPPED_IMAGE, prompt, root / entry.name) for entry in entries]
    one_thread()
    with executor(min(len(jobs), default_processes()), listener) as workers:
        draw_examples(
            jobs[0],
            processes=default_processes(),
            progress=lambda done, total: listener(Event("progress", "phantoms", done, total)),
        )
        for index, _ in workers.run([partial(_replace, job) for job in jobs]):
            yield jobs[index].folder


def _replace(job: MiniatureJob) -> None:
    """Train a miniature, whether or not it is there, in a worker."""
    prepare_worker()
    build(job, progress(f"{job.backbone}: miniature"), again=True)


def build(
    job: MiniatureJob, progress: Callable[[int, int], None] = lambda done, total: None, *, again: bool = False
) -> Path:
    """Train a miniature on examples that are drawn already, unless it is there; return its folder.

    Args:
        job: what is trained.
        progress: called with steps done and steps in all.
        again: train it although it is there.
    """
    with making(job.folder, tell_waiting(f"the miniature in {job.folder}")):
        if not again:
            adopt(job.folder)
            discard_unsound(job.folder, f"{job.backbone}: miniature")
            if job.folder.is_dir():
                return job.folder
        return _train(job, progress)


def adopt(folder: Path) -> None:
    """Take a miniature of an earlier version of amrg, without digests, for what it was; from now on it has some."""
    if is_miniature(folder) and (folder / "config.json").is_file() and not has_manifest(folder):
        write_manifest(folder)
        tell(Event("stage", "miniatures", detail=f"{folder}: had no digests, taken as it is; its files have some now"))


def is_sound(job: MiniatureJob) -> bool:
    """Return whether a miniature is there, as it was written as far as that is known."""
    return is_miniature(job.folder) and not (has_manifest(job.folder) and problems_of(job.folder))


def _train(job: MiniatureJob, progress: Callable[[int, int], None]) -> Path:
    from backbones.miniature_checkpoint import write_miniature
    from backbones.pretraining import Recipe
    from benchmark.entries.plugins import plugin_of

    examples, truths = _read(job.examples)
    return write_miniature(
        plugin_of(job.entry),
        job.folder,
        examples,
        prompt=job.prompt,
        texts=tuned_texts(truths),
        recipe=Recipe(vision_steps=job.part.vision_steps, language_steps=job.part.language_steps),
        progress=progress,
    )


def tuned_texts(truths: Sequence[PhantomTruth]) -> list[str]:
    """Return reports in the dialects that suites tune to: what miniatures read of it without images."""
    return [report(truth, dialect, seed=0) for truth in truths for dialect in DIALECTS if dialect not in BASE_DIALECTS]


def reports_of(truth: PhantomTruth) -> tuple[str, ...]:
    """Return a phantom's report in each dialect that miniatures learn to write."""
    return tuple(report(truth, dialect, seed=0) for dialect in STYLES)


def _read(path: Path) -> tuple[list["Example"], list[PhantomTruth]]:
    """Return the examples of a file that `draw_examples` wrote, and the truth of each."""
    from backbones.pretraining import Example

    with np.load(path, allow_pickle=False) as file:
        images, entries = file["images"], json.loads(str(file["truths"]))
    truths = [PhantomTruth.from_dict(entry["truth"]) for entry in entries]
    examples = [
        Example(
            image=image,
            reports=reports_of(truth),
            labels=labels(truth),
            regions=tuple((KINDS.index(kind) + 1, x, y, radius) for kind, x, y, radius in entry["circles"]),
        )
        for image, truth, entry in zip(images, truths, entries, strict=True)
    ]
    return examples, truths


def labels(truth: PhantomTruth) -> dict[str, int]:
    """Return what an image shows, as class numbers by attribute; −1 where an attribute doesn't apply."""
    main = [lesion for lesion in truth.lesions if lesion.kind in MAIN_KINDS]
    return {
        "density": DENSITIES.index(truth.density),
        "birads": BIRADS_SCALE.index(truth.birads),
        "view": int(truth.view == "MLO"),
        "kind": MAIN_KINDS.index(main[0].kind) + 1 if main else 0,
        "location": LOCATIONS.index(main[0].location) if main else -1,
        "node": int("axillary_node" in truth.kinds),
    } | {sign: int(sign in truth.kinds) for sign in SIGNS}


def _draw(settings: ImageSettings, case: Case) -> tuple[np.ndarray, list[Circle]]:
    """Draw a phantom as models see it, and its findings as circles in parts of the square's side."""
    pixels = to_bytes(draw(case))
    left, upper, right, lower = find_breast(pixels) if settings.crop else (0, 0, pixels.shape[1], pixels.shape[0])
    width, height = right - left, lower - upper
    side = max(width, height)
    circles: list[Circle] = [
        (
            lesion.kind,
            (lesion.x - left + (side - width) / 2) / side,
            (lesion.y - upper + (side - height) / 2) / side,
            lesion.radius / side,
        )
        for lesion in case.truth.lesions
    ]
    return letterbox(pixels[upper:lower, left:right], settings.size), circles


def _key(*parts: Any) -> str:
    """Return the SHA-256, in hexadecimal, of all that decides what a file holds."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
