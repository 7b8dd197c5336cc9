"""Where lesions lie in what models see, where else as much is painted over, and what is painted."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from benchmark.data import dmid
from benchmark.data.decode import ImageError
from benchmark.data.image import ImageSettings, letterbox, prepare
from benchmark.data.lesion_painting import paint_over
from benchmark.data.lesion_places import LESION, OUTSIDE, PATCH, TISSUE, Marked, PlacesCache, find_places, marked_of
from benchmark.phantoms import write

SETTINGS = ImageSettings(size=112)
Found = list[tuple[Marked, np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> dmid.Release:
    folder = tmp_path_factory.mktemp("places") / "phantoms"
    write.write(folder, studies=24, seed=3, size=160, jobs=1)
    return dmid.read(folder)


@pytest.fixture(scope="module")
def found(release: dmid.Release) -> Found:
    """Studies whose lesions can be painted over, each with its image and its map."""
    studies = marked_of(release.studies, release.masks)
    each = [(one, prepare(one.image, SETTINGS), find_places(one, SETTINGS)) for one in studies]
    return [one for one in each if (one[2] == LESION).any()]


def test_most_lesions_of_phantoms_have_a_place_and_room_for_as_much(release: dmid.Release, found: Found) -> None:
    assert {one.id for one, _, _ in found} <= set(release.masks)
    assert len(found) > len(release.masks) / 2


def test_a_patch_has_the_lesions_area_and_lies_in_the_breast_beside_it(found: Found) -> None:
    for _, image, places in found:
        lesion, patch = places == LESION, places == PATCH
        assert lesion.sum() == patch.sum()
        assert not (ndimage.binary_dilation(lesion) & patch).any()
        breast = ndimage.binary_fill_holes(places != OUTSIDE)
        assert (breast == (places != OUTSIDE)).all()
        assert np.median(image[places == OUTSIDE]) < 10 < np.median(image[patch])


def test_the_map_covers_what_the_mask_marks(found: Found, release: dmid.Release) -> None:
    covered = 0
    for study, _, _ in found:
        places = find_places(study, ImageSettings(size=112, crop=False))
        marked = letterbox(np.asarray(Image.open(release.masks[study.id])), 112) > 127
        if (places == LESION).any():
            assert set(np.unique(places[marked])) <= {LESION, OUTSIDE}
            covered += 1
    assert covered > 3


@pytest.mark.parametrize("part", [LESION, PATCH])
def test_only_what_is_painted_over_changes_and_it_does(found: Found, part: int) -> None:
    for study, image, places in found:
        before = image.copy()
        painted = paint_over(image, places, part)
        assert (image == before).all()
        hole = places == part
        assert painted.dtype == np.uint8
        assert (painted[~hole] == image[~hole]).all()
        assert (painted[hole] != image[hole]).mean() > 0.5, study.id


def test_a_bright_disc_becomes_as_the_tissue_around_it_which_it_is_not_taken_from(tmp_path: Path) -> None:
    _, image, places = _disc(tmp_path)
    lesion, around = places == LESION, ndimage.binary_dilation(places == LESION, iterations=8) & (places == TISSUE)
    painted = paint_over(image, places, LESION)
    assert image[lesion].mean() > 150
    assert abs(painted[lesion].mean() - image[around].mean()) < 6
    # No flat disc: it varies as the tissue does.
    assert 0.5 < painted[lesion].std() / image[around].std() < 1.5
    patch = paint_over(image, places, PATCH)
    assert abs(patch[places == PATCH].mean() - image[places == PATCH].mean()) < 6


def test_a_ramp_goes_on_through_what_is_painted_over() -> None:
    ramp = np.tile(np.arange(50, 114, dtype=np.uint8), (64, 1))
    places = np.full(ramp.shape, TISSUE, np.uint8)
    places[20:40, 22:44] = LESION
    painted = paint_over(ramp, places, LESION)
    assert np.abs(painted.astype(int) - ramp).max() <= 1


def test_a_circle_stands_in_for_a_mask_and_another_id_chooses_another_place(tmp_path: Path) -> None:
    study, _, places = _disc(tmp_path)
    assert (find_places(study, SETTINGS) == places).all()
    others = [find_places(Marked(f"Img{n:03d}", study.image, None, study.circles), SETTINGS) for n in range(2, 6)]
    assert any((other != places).any() for other in others)
    assert all(((other == LESION) == (places == LESION)).all() for other in others)
    breast = places != OUTSIDE
    chest_wall = np.flatnonzero(breast.any(axis=0))[0]
    depth = np.zeros(breast.shape)
    depth[:, chest_wall:] = ndimage.distance_transform_edt(breast[:, chest_wall:])
    lesion = depth[places == LESION].max()
    for other in others:
        assert abs(depth[other == PATCH].max() - lesion) < 4


def test_without_room_there_is_no_place_at_all(tmp_path: Path) -> None:
    study, _, _ = _disc(tmp_path)
    large = Marked(study.id, study.image, None, ((60, 150, 90),))
    assert set(np.unique(find_places(large, SETTINGS))) == {OUTSIDE, TISSUE}
    outside = Marked(study.id, study.image, None, ((230, 10, 4),))
    assert not (find_places(outside, SETTINGS) == LESION).any()


def test_a_mask_of_other_proportions_is_named(tmp_path: Path) -> None:
    study, _, _ = _disc(tmp_path)
    mask = tmp_path / "mask.png"
    Image.fromarray(np.full((100, 100), 255, np.uint8)).save(mask)
    unfit = Marked(study.id, study.image, mask, study.circles)
    with pytest.raises(ImageError, match="other proportions"):
        find_places(unfit, SETTINGS)
    assert list(PlacesCache(tmp_path / "cache", SETTINGS).warm([unfit], jobs=1)) == [mask]


def test_a_map_is_kept_and_found_again_by_all_that_it_is_made_of(tmp_path: Path) -> None:
    study, _, places = _disc(tmp_path)
    cache = PlacesCache(tmp_path / "cache", SETTINGS)
    assert (cache.load(study) == places).all()
    [entry] = (tmp_path / "cache").rglob("*.npy")
    stamp = entry.stat().st_mtime_ns
    assert (PlacesCache(tmp_path / "cache", SETTINGS).load(study) == places).all()
    assert entry.stat().st_mtime_ns == stamp
    entry.write_bytes(entry.read_bytes()[:-9])
    assert (cache.load(study) == places).all()
    moved = Marked(study.id, study.image, None, ((60, 120, 12),))
    assert cache.key(moved) != cache.key(study)
    assert PlacesCache(tmp_path / "cache", ImageSettings(size=96)).key(study) != cache.key(study)


def _disc(folder: Path) -> tuple[Marked, np.ndarray, np.ndarray]:
    """Return a half-disc of a breast with a bright disc in it, marked by a circle; its image and map."""
    y, x = np.mgrid[:300, :240]
    breast = ((y - 150) / 140) ** 2 + (x / 200) ** 2 < 1
    texture = np.random.default_rng(0).integers(-12, 13, breast.shape)
    pixels = np.where(breast, 100 + texture, 0)
    pixels[(x - 80) ** 2 + (y - 110) ** 2 <= 20**2] = 220
    path = folder / "IMG001.png"
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    study = Marked("Img001", path, None, ((80, 110, 20),))
    return study, prepare(path, SETTINGS), find_places(study, SETTINGS)
