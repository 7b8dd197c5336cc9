"""Phantoms are the same bytes on every processor, and their version changes with them."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pydicom
import pytest
import tifffile

from benchmark.data import dmid
from benchmark.data.image import PREPARATION_VERSION, ImageSettings, prepare
from benchmark.data.lesion_painting import paint_over
from benchmark.data.lesion_places import LESION, PAINTING_VERSION, PATCH, find_places, marked_of
from benchmark.phantoms import anatomy, cases, files, image, lesions, outline, reports, truth, wording, wording_dmid
from benchmark.phantoms.cases import RADII, Case, plan
from benchmark.phantoms.image import draw
from benchmark.phantoms.places import PHANTOMS
from benchmark.phantoms.reports import DIALECTS, report
from benchmark.phantoms.truth import KINDS, SIGNS
from benchmark.phantoms.write import write

pytestmark = pytest.mark.numeric

VERSIONS = {"PHANTOMS": 2, "PREPARATION_VERSION": 1, "PAINTING_VERSION": 1}
DIGESTS = {
    "truth": "2fdcedf5a02de521",
    "reports": "fd9755ee1cb9f4d8",
    "index": "9c6fc56b76cbd2c4",
    "images": "1e017bcc5cd589f9",
    "masks": "be0d184331407398",
    "DICOM": "571ecf897fcb21f7",
    "findings": "26fbaa1f8fba8ab9",
    "seen by models": "502bd95c5448b91d",
    "painted over": "4c14ea936b4f481d",
}
CHANGED = (
    "the phantoms changed: raise PHANTOMS in benchmark/phantoms/places.py (where only 'seen by models' changed, "
    "PREPARATION_VERSION in benchmark/data/image.py; where only 'painted over' did, PAINTING_VERSION in "
    "benchmark/data/lesion_places.py) and write the new versions and digests into "
    f"{Path(__file__).name}; running it prints them"
)
STUDIES, SEED, SIZE = 20, 4, 128


def instruction_sets() -> list[str]:
    """Return the instruction sets beyond its baseline that numpy uses, the plainer first; empty where it uses none."""
    return np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])


EXTENSIONS = instruction_sets()
PLAIN_C_LIBRARY = "glibc.cpu.hwcaps=-AVX,-AVX2,-FMA,-FMA4,-AVX512F"
MACHINES = {
    "plainer numpy": {"NPY_DISABLE_CPU_FEATURES": " ".join(EXTENSIONS[1:])},
    "plainest numpy": {"NPY_DISABLE_CPU_FEATURES": " ".join(EXTENSIONS)},
    "plain C library": {"GLIBC_TUNABLES": PLAIN_C_LIBRARY},
    "plainest of both": {"NPY_DISABLE_CPU_FEATURES": " ".join(EXTENSIONS), "GLIBC_TUNABLES": PLAIN_C_LIBRARY},
}


def digests() -> dict[str, str]:
    """Return what phantoms consist of, by part: digests of what files say, not of how they are encoded."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "archive"
        write(folder, studies=STUDIES, seed=SEED, size=SIZE, dicom=True, jobs=1)
        images = sorted(folder.glob("TIFF Images/*/*.tif"))
        sheet = openpyxl.load_workbook(folder / "Metadata.xlsx")["Sheet1"]
        cells = json.dumps([list(row) for row in sheet.iter_rows(values_only=True)])
        drawings = [(case, draw(case)) for case in (*one_of_each_finding(256), *one_of_each_finding(64))]
        truths = [case.truth for case in (*plan(STUDIES, seed=SEED, size=SIZE), *(case for case, _ in drawings))]
        parts: dict[str, Iterable[bytes]] = {
            "truth": ((folder / "truth.jsonl").read_bytes(), *(json.dumps(t.to_dict()).encode() for t in truths)),
            "reports": (
                *(path.read_bytes() for path in sorted(folder.glob("Reports/*/*.txt"))),
                *(report(truth, dialect, seed=SEED).encode() for truth in truths for dialect in DIALECTS),
            ),
            "index": ((folder / "TIFF Images/TIFF Images/Info.txt").read_bytes(), cells.encode()),
            "images": map(tiff, images),
            "masks": map(tiff, sorted((*folder.glob("ROI Masks/*/*.tif"), *folder.glob("Pixel-level*/*/*.tif")))),
            "DICOM": map(dicom, sorted(folder.glob("DICOM Images/*/*.dcm"))),
            "findings": (part.tobytes() for _, image in drawings for part in (image.pixels.astype("<f4"), image.mask)),
            "seen by models": (prepare(path, ImageSettings(size=80, flip=True)).tobytes() for path in images),
            "painted over": painted(folder),
        }
        return {name: digest(contents) for name, contents in parts.items()}


def painted(folder: Path) -> Iterator[bytes]:
    """Yield images with lesions, and as much elsewhere, painted over; masks and circles by turns."""
    release = dmid.read(folder)
    masks = {key: mask for number, (key, mask) in enumerate(release.masks.items()) if number % 2}
    settings = ImageSettings(size=80, flip=True)
    for study in marked_of(release.studies, masks):
        places = find_places(study, settings)
        yield places.tobytes()
        if (places == LESION).any():
            image = prepare(study.image, settings)
            yield from (paint_over(image, places, part).tobytes() for part in (LESION, PATCH))


def one_of_each_finding(size: int) -> Iterator[Case]:
    """Yield cases that show every kind of finding in every category it can have between them."""
    missing = {*RADII, *((sign, "5") for sign in SIGNS)}
    for case in plan(1000, seed=SEED + 1, size=size):
        if missing & (kinds := {(lesion.kind, lesion.birads) for lesion in case.truth.lesions}):
            missing -= kinds
            yield case
        if not missing:
            return


def digest(contents: Iterable[bytes]) -> str:
    total = hashlib.sha256()
    for content in contents:
        total.update(f"{len(content)} ".encode() + content)
    return total.hexdigest()[:16]


def tiff(path: Path) -> bytes:
    pixels = tifffile.imread(path)
    return f"{path.name} {pixels.shape} {pixels.dtype}".encode() + pixels.tobytes()


def dicom(path: Path) -> bytes:
    data = pydicom.dcmread(path)
    pixels = data.pixel_array.astype("<u2")
    del data.PixelData
    header = [f"{element.tag} {element.value}" for element in data]
    return "\n".join([data.file_meta.TransferSyntaxUID, *header]).encode() + pixels.tobytes()


def test_phantoms_are_those_of_their_version() -> None:
    assert {kind for case in one_of_each_finding(64) for kind in case.truth.kinds} == set(KINDS)
    versions = {"PHANTOMS": PHANTOMS, "PREPARATION_VERSION": PREPARATION_VERSION}
    versions |= {"PAINTING_VERSION": PAINTING_VERSION}
    assert (versions, digests()) == (VERSIONS, DIGESTS), CHANGED


@pytest.mark.parametrize("machine", MACHINES)
def test_phantoms_are_the_same_bytes_on_every_processor(machine: str) -> None:
    environment = os.environ | MACHINES[machine]
    process = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    answer = json.loads(process.stdout)
    disabled = set(environment.get("NPY_DISABLE_CPU_FEATURES", "").split())
    assert not disabled & set(answer["instruction sets"])
    assert answer["digests"] == digests(), f"a processor with fewer instructions ({machine}) draws other phantoms"


@pytest.mark.parametrize(
    ("module", "name", "value", "part"),
    [
        (anatomy, "FAT_LEVEL", 0.365, "images"),
        (cases, "PATTERNS", cases.PATTERNS[::-1], "truth"),
        (files, "RGBA_SHARE", 1.0, "images"),
        (files, "_HEADER", ("Picture", *files._HEADER[1:]), "index"),
        (image, "MARKER_SHARE", 0.0, "images"),
        (lesions, "bell", lambda x: 1.01 / (1 + x * x), "findings"),
        (outline, "bell", lambda x: 0.5 / (1 + x * x), "masks"),
        (truth, "SPREAD_CLUSTER", 0.2, "reports"),
        (wording, "_TISSUE", dict.fromkeys("ABCD", "The breasts are seen"), "reports"),
        (wording_dmid, "_SUSPICIONS", wording_dmid._SUSPICIONS | {"3": "likely benign"}, "reports"),
        (reports, "_GRAMMARS", dict.fromkeys(DIALECTS, wording.letter), "reports"),
    ],
    ids=lambda value: value.__name__.rpartition(".")[2] if hasattr(value, "__name__") else None,
)
def test_whatever_changes_a_phantom_changes_its_digest(
    module: Any, name: str, value: Any, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, value)
    assert digests()[part] != DIGESTS[part]


def test_drawing_calls_no_function_whose_rounding_is_left_to_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = list(one_of_each_finding(64))
    called: list[str] = []

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def calling(*arguments: Any, **options: Any) -> Any:
            called.append(name)
            return function(*arguments, **options)

        return calling

    for name in (
        "exp",
        "exp2",
        "expm1",
        "log",
        "sin",
        "cos",
        "tan",
        "arctan",
        "arctan2",
        "hypot",
        "power",
        "cbrt",
        "tanh",
    ):
        monkeypatch.setattr(np, name, watched(name, getattr(np, name)))
    for case in cases:
        draw(replace(case, outline=case.outline.retracted(0.03)))
        draw(case)
    np.exp(1.0)
    assert called == ["exp"]  # the one above, so that the watch is known to work


if __name__ == "__main__":
    print(json.dumps({"instruction sets": instruction_sets(), "digests": digests()}))
