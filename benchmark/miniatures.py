"""Miniature checkpoints for a suite: trained on phantoms of their own, once, and kept.

They are shown phantoms that no suite trains or tests on (another seed), with reports in dialects that no suite is
tuned to. Of the dialect that suites tune to they have read reports without images, as published checkpoints have
read much; what an image looks like that goes with one, they have to learn.
"""

import ast
import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backbones.registry import locations
from benchmark.data.content import cache_folder
from benchmark.data.crop import find_breast
from benchmark.data.image import PREPARATION_VERSION, ImageSettings, letterbox
from benchmark.data.phantom import PHANTOMS
from benchmark.data.phantom_cases import Case, plan
from benchmark.data.phantom_files import to_bytes
from benchmark.data.phantom_image import draw
from benchmark.data.phantom_reports import BASE_DIALECTS, DIALECTS, report
from benchmark.data.phantom_truth import CATEGORIES, KINDS, SIGNS, PhantomTruth
from benchmark.provenance import versions
from benchmark.suite import ImagePart, MiniaturePart

if TYPE_CHECKING:
    from backbones.pretraining import Example

SEED = 20_000
"""Seed of the phantoms that miniatures are trained on; suites' own are far from it."""
DRAWN = 160
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
    """A miniature that a suite needs: of which backbone, trained how, where it lies."""

    backbone: str
    part: MiniaturePart
    prompt: str
    folder: Path
    examples: Path


def jobs_for(backbones: Sequence[str], part: MiniaturePart, image: ImagePart, prompt: str) -> list[MiniatureJob]:
    """The miniatures of these backbones; their folders are named by everything that decides their weights."""
    drawn = _key(part.examples, image.model_dump(), SEED, DRAWN, PHANTOMS, PREPARATION_VERSION)
    root = cache_folder() / "miniatures"
    return [
        MiniatureJob(
            backbone=name,
            part=part,
            prompt=prompt,
            folder=root / f"{name}-{_key(_sources(name), part.model_dump(), prompt, drawn, versions())[:16]}",
            examples=root / f"examples-{drawn[:16]}.npz",
        )
        for name in backbones
    ]


def draw_examples(
    path: Path,
    part: MiniaturePart,
    image: ImagePart,
    *,
    processes: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Draw the phantoms that miniatures are trained on and keep them in one file."""
    if path.is_file():
        return
    cases = list(plan(part.examples, seed=SEED, size=DRAWN))
    settings = ImageSettings(**image.model_dump())
    pictures, circles = [], []
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for done, (picture, found) in enumerate(pool.map(partial(_draw, settings), cases, chunksize=16), start=1):
            pictures.append(picture)
            circles.append(found)
            progress(done, len(cases))
    described = [{"truth": case.truth.to_dict(), "circles": c} for case, c in zip(cases, circles, strict=True)]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    with temporary.open("wb") as file:
        np.savez(file, images=np.stack(pictures), truths=np.array(json.dumps(described)))
    temporary.replace(path)


def build(job: MiniatureJob, progress: Callable[[int, int], None] = lambda done, total: None) -> Path:
    """Train a miniature unless it is there already; its folder."""
    from backbones.miniature import is_miniature, write_miniature
    from backbones.pretraining import Recipe
    from backbones.registry import get

    if is_miniature(job.folder):
        return job.folder
    examples, truths = _read(job.examples)
    texts = [report(truth, dialect, seed=0) for truth in truths for dialect in DIALECTS if dialect not in BASE_DIALECTS]
    return write_miniature(
        get(job.backbone),
        job.folder,
        examples,
        prompt=job.prompt,
        texts=texts,
        recipe=Recipe(vision_steps=job.part.vision_steps, language_steps=job.part.language_steps),
        progress=progress,
    )


def _read(path: Path) -> tuple[list["Example"], list[PhantomTruth]]:
    from backbones.pretraining import Example

    with np.load(path, allow_pickle=False) as file:
        images, described = file["images"], json.loads(str(file["truths"]))
    truths = [PhantomTruth.from_dict(entry["truth"]) for entry in described]
    examples = [
        Example(
            image=image,
            reports=tuple(report(truth, dialect, seed=0) for dialect in STYLES),
            labels=labels(truth),
            regions=tuple((KINDS.index(kind) + 1, x, y, radius) for kind, x, y, radius in entry["circles"]),
        )
        for image, truth, entry in zip(images, truths, described, strict=True)
    ]
    return examples, truths


def labels(truth: PhantomTruth) -> dict[str, int]:
    """What an image shows, as class numbers by attribute; −1 where an attribute doesn't apply."""
    main = [lesion for lesion in truth.lesions if lesion.kind in MAIN_KINDS]
    return {
        "density": DENSITIES.index(truth.density),
        "birads": CATEGORIES.index(truth.birads),
        "view": int(truth.view == "MLO"),
        "kind": MAIN_KINDS.index(main[0].kind) + 1 if main else 0,
        "location": LOCATIONS.index(main[0].location) if main else -1,
        "node": int("axillary_node" in truth.kinds),
    } | {sign: int(sign in truth.kinds) for sign in SIGNS}


def _draw(settings: ImageSettings, case: Case) -> tuple[np.ndarray, list[Circle]]:
    """A phantom as models see it, and its findings as circles in parts of the square's side."""
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


def _sources(backbone: str) -> str:
    """The code that decides a miniature's weights: the plugin's, what builds and trains it, and what these import
    from their own packages; read, not imported."""
    plugin = locations()[backbone].partition(":")[0]
    own = {"backbones", plugin.partition(".")[0]}
    waiting, found = [plugin, "backbones.miniature", "backbones.pretraining"], {}
    while waiting:
        name = waiting.pop()
        if name in found or name.partition(".")[0] not in own:
            continue
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            continue
        found[name] = Path(spec.origin).read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(found[name])):
            if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                waiting.append(node.module)
            elif isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
    return "".join(found[name] for name in sorted(found))


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
