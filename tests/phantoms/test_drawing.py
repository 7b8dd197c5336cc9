"""What is true of a phantom can be seen in its image, also when it is as small as a model gets it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmark.phantoms.cases import Case, plan
from benchmark.phantoms.image import draw
from benchmark.phantoms.truth import KINDS, SIGNS, PhantomTruth
from benchmark.phantoms.write import sample

pytestmark = pytest.mark.numeric

SEEN_BY_A_MODEL = 112


def cases_with(kind: str, number: int, size: int) -> list[Case]:
    cases = []
    for case in plan(4000, seed=21, size=size):
        if kind in case.truth.kinds:
            cases.append(case)
        if len(cases) == number:
            break
    return cases


def small(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the part that holds tissue, shrunk to fit the square that a small model gets."""
    rows, columns = (np.flatnonzero((pixels > 0.1).any(axis=axis)) for axis in (1, 0))
    cut = Image.fromarray(pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    scale = SEEN_BY_A_MODEL / max(cut.size)
    return np.asarray(cut.resize((round(cut.width * scale), round(cut.height * scale)), Image.Resampling.BOX))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "nipple_retraction"])
def test_a_finding_changes_the_image_there_and_only_there_and_survives_shrinking(kind: str) -> None:
    for case in cases_with(kind, 3, size=512):
        alone = replace(case, findings=tuple(finding for finding in case.findings if finding[0] == kind))
        image, healthy = draw(alone), draw(replace(case, findings=()))
        change = np.abs(image.pixels - healthy.pixels)
        lesions = [lesion for lesion in case.truth.lesions if lesion.kind == kind]
        y, x = np.mgrid[: case.height, : case.width]
        near = np.any([np.hypot(x - row.x, y - row.y) < 2.6 * row.radius + 4 for row in lesions], axis=0)
        assert not (change > 0.02)[~near].any(), case.truth.id
        blocks = change[:512, : case.width // 4 * 4].reshape(128, 4, -1, 4).mean(axis=(1, 3))
        assert (blocks > 0.06).sum() >= 3, (case.truth.id, blocks.max())
        if kind not in SIGNS:
            assert image.mask.any()
            assert not healthy.mask.any()


def test_a_retracted_nipple_dents_the_outline() -> None:
    for case in cases_with("nipple_retraction", 4, size=256):
        dented = draw(case).pixels > 0.1
        full = draw(replace(case, outline=case.outline.retracted(0.0))).pixels > 0.1
        sign = next(row for row in case.truth.lesions if row.kind == "nipple_retraction")
        lost = full & ~dented
        y, x = np.nonzero(lost)
        assert 10 < len(x) < 0.02 * lost.size
        assert np.hypot(np.median(x) - sign.x, np.median(y) - sign.y) < 0.06 * 256


def test_a_left_breast_hangs_from_the_left_edge_and_a_muscle_shows_in_mlo_only() -> None:
    for truth, pixels in sample(40, seed=8, size=128):
        upright = pixels[6:] if truth.laterality == "left" else pixels[6:, ::-1]
        upright = upright.astype(float) / 255
        assert (upright[:, 1] > 0.15).mean() > 0.35
        assert (upright[20:, -1] < 0.05).all()
        corner = upright[2:10, :6].mean()
        assert (corner > 0.4) == (truth.view == "MLO"), truth.id


def test_the_background_is_dark_and_exposure_differs_between_images() -> None:
    levels = []
    for truth, pixels in sample(24, seed=9, size=128):
        assert np.median(pixels[pixels < 25]) <= 3, truth.id
        tissue = pixels[pixels > 25]
        assert tissue.size > 0.1 * pixels.size
        levels.append(np.quantile(tissue, 0.2))
    assert np.std(levels) > 3


@pytest.mark.parametrize("size", [96, 256, 300])
def test_any_size_shows_the_same_cases(size: int) -> None:
    for case, large in zip(plan(6, seed=1, size=size), plan(6, seed=1, size=1024), strict=True):
        assert (case.truth.id, case.truth.kinds, case.truth.density) == (
            large.truth.id,
            large.truth.kinds,
            large.truth.density,
        )
        image = draw(case)
        assert image.pixels.shape == image.mask.shape == (size, round(size * 4750 / 6000))
        assert 0 <= image.pixels.min() < image.pixels.max() <= 1


@pytest.fixture(scope="module")
def drawings() -> tuple[list[PhantomTruth], list[NDArray[np.float32]]]:
    truths, images = [], []
    for case in plan(200, seed=12, size=192):
        truths.append(case.truth)
        images.append(small(draw(case).pixels))
    return truths, images


def balanced_accuracy(predicted: NDArray[Any], expected: NDArray[Any]) -> float:
    return float(np.mean([(predicted[expected == name] == name).mean() for name in np.unique(expected)]))


def test_density_can_be_told_from_brightness(drawings: tuple[list[PhantomTruth], list[NDArray[np.float32]]]) -> None:
    truths, images = drawings
    features = np.array([np.histogram(image[image > 0.1], 20, (0.1, 1), density=True)[0] for image in images])
    letters = np.array([truth.density for truth in truths])
    patients = [truth.patient for truth in truths]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    predicted = cross_val_predict(model, features, letters, groups=patients, cv=GroupKFold(4))
    assert (predicted == letters).mean() > 0.55  # the most frequent letter has 0.4
    order = {letter: number for number, letter in enumerate("ABCD")}
    off = np.abs([order[a] - order[b] for a, b in zip(predicted, letters, strict=True)])
    assert (off <= 1).mean() > 0.95


@pytest.mark.parametrize(
    ("kinds", "share"),
    [
        ({"circumscribed_mass", "spiculated_mass"}, 0.72),
        ({"calcification_cluster"}, 0.85),
    ],
)
def test_findings_can_be_told_from_blobs(
    drawings: tuple[list[PhantomTruth], list[NDArray[np.float32]]], kinds: set[str], share: float
) -> None:
    truths, images = drawings
    features = np.array([blobs(image) for image in images])
    present = np.array([bool(truth.kinds & kinds) for truth in truths])
    patients = [truth.patient for truth in truths]
    model = ExtraTreesClassifier(200, min_samples_leaf=2, class_weight="balanced", random_state=0)
    predicted = cross_val_predict(model, features, present, groups=patients, cv=GroupKFold(4))
    assert balanced_accuracy(predicted, present) > share  # chance has 0.5


def blobs(image: NDArray[np.float32]) -> list[float]:
    """Return how bright the brightest and how dark the darkest blobs of several sizes are (Laplacian of a Gaussian)."""
    inside = ndimage.binary_erosion(image > 0.1, iterations=3)
    values: list[float] = []
    for width in (0.7, 1.4, 2.5, 4.0, 6.0):
        response = -(width**2) * ndimage.gaussian_laplace(image, width)[inside]
        values += [float(response.max()), float(np.quantile(response, 0.995)), float(-response.min())]
    return values
