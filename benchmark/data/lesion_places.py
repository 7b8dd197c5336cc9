"""Where a study's lesions lie in the square that models see, and where else in the breast as much could be painted.

By the release's pixel mask where there is one, else by the circles of its lesion rows. What is found is kept on disk,
one map an image. All of it is counting, comparing and sorting: counts of a Fourier transform are rounded to what they
are, distances are roots of whole numbers; so every processor finds the same places.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import scipy
from numpy.typing import NDArray
from PIL import Image

from benchmark.data.crop import breast_mask
from benchmark.data.decode import ImageError, decode
from benchmark.data.grey import to_8_bits
from benchmark.data.image import Frame, ImageCache, ImageSettings, fitted, is_sound, letterbox, write_entry
from benchmark.data.pseudorandom import shuffle_key
from benchmark.data.study import Study
from benchmark.data.workers import each_image
from benchmark.disk.content import content_hash

PAINTING_VERSION = 1
"""Part of every key of a map and of what is painted by it; raised whenever either comes out otherwise."""
OUTSIDE, TISSUE, LESION, PATCH = 0, 1, 2, 3
"""Values of a map: no breast, breast, its lesions with a margin, and as much of it elsewhere."""
MARGIN_PIXELS, MARGIN = 2, 0.1
"""A lesion's margin: pixels of the square, since resizing spreads it, and of the radius of a disc of its area."""
FOREGROUND = 127
"""A mask's pixels above it are the lesion."""
SAME_DEPTH = 1 / 50
"""Of the square's side: how far distances to the skin may differ that count as equal."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Marked:
    """A study's image and what marks its lesions.

    Attributes:
        id: of the study.
        image: its file.
        mask: of the release, where there is one.
        circles: centre x, y and radius of each lesion row that has all three.
    """

    id: str
    image: Path
    mask: Path | None
    circles: tuple[tuple[int, int, int], ...]


def marked_of(studies: Iterable[Study], masks: Mapping[str, Path]) -> list[Marked]:
    """Return the studies with an image on which something marks a lesion.

    Args:
        studies: of the data.
        masks: of the release, by id.
    """
    found = []
    for study in studies:
        circles = tuple(
            (row.x, row.y, row.radius)
            for row in study.lesions
            if row.x is not None and row.y is not None and row.radius is not None
        )
        if study.image is not None and (study.id in masks or circles):
            found.append(Marked(study.id, study.image, masks.get(study.id), circles))
    return found


class PlacesCache:
    """Maps on disk, one file a study, as `ImageCache` keeps images.

    Args:
        folder: where they lie.
        settings: how images become squares.
    """

    def __init__(self, folder: Path, settings: ImageSettings):
        self.folder, self.settings = Path(folder), settings

    def key(self, study: Marked) -> str:
        """Return the name of a study's map: a hash of image, settings, mask or circles, id and version.

        Raises:
            ImageError: image or mask can't be read.
        """
        image = ImageCache(self.folder, self.settings).key(study.image)
        try:
            mask = content_hash(study.mask) if study.mask else None
        except OSError as error:
            raise ImageError(study.mask or study.image, f"can't be opened: {error.strerror or error}") from None
        made_of = json.dumps([PAINTING_VERSION, image, mask, study.circles, study.id])
        return hashlib.sha256(made_of.encode()).hexdigest()[:40]

    def load(self, study: Marked) -> np.ndarray:
        """Return a study's map, uint8 [size, size]; made first where it isn't there.

        Raises:
            ImageError: image or mask can't be decoded, or they don't fit each other.
        """
        key = self.key(study)
        entry = self.folder / key[:2] / f"{key}.npy"
        if not is_sound(entry, self.settings.size):
            write_entry(entry, find_places(study, self.settings))
        return np.load(entry, mmap_mode="r", allow_pickle=False)

    def warm(
        self, studies: Sequence[Marked], *, jobs: int | None = None, progress: Callable[[int, int], None] | None = None
    ) -> dict[Path, str]:
        """Find the places of all studies.

        Args:
            studies: distinct ones.
            jobs: processes to start, as in `ImageCache.warm`.
            progress: called with how many are done and how many there are.

        Returns:
            files that can't be used, with the reason; places of all other studies are in the cache.
        """
        problems: dict[Path, str] = {}
        by_image = {study.image: study for study in studies}
        work = partial(_load, self.folder, self.settings, by_image)
        for done, (_, problem) in enumerate(each_image(work, list(by_image), jobs=jobs), start=1):
            problems |= dict([problem] if problem else [])
            if progress:
                progress(done, len(by_image))
        return dict(sorted(problems.items()))


def _load(
    folder: Path, settings: ImageSettings, by_image: Mapping[Path, Marked], image: Path
) -> tuple[Path, str] | None:
    """Make a study's map in whatever process this is; return a file that can't be used and why, or None."""
    try:
        PlacesCache(folder, settings).load(by_image[image])
    except ImageError as error:
        return error.path, error.reason
    return None


def find_places(study: Marked, settings: ImageSettings) -> np.ndarray:
    """Find a study's lesions, and as much breast of the same shape elsewhere.

    Returns:
        uint8 [size, size]; without `LESION` and `PATCH` where lesions lie outside the breast, or leave no room in it.

    Raises:
        ImageError: image or mask can't be decoded, or they don't fit each other.
    """
    pixels = to_8_bits(decode(study.image))
    frame = Frame.of(pixels, settings)
    drawn = frame.cut(_drawn(study, pixels.shape[0], pixels.shape[1]))
    inside = fitted(drawn.shape[0], drawn.shape[1], settings.size)
    # Every pixel of the square that the lesion has any part in.
    small = Image.fromarray(drawn.astype(np.uint8) * 255).resize((inside.width, inside.height), Image.Resampling.BOX)
    tissue = letterbox(frame.cut(pixels), settings.size)[inside.place]
    places = np.zeros((settings.size, settings.size), np.uint8)
    places[inside.place] = _places(tissue, np.asarray(small) > 0, study.id)
    return places


def _drawn(study: Marked, height: int, width: int) -> Mask:
    """Return a study's lesions in pixels of its image: the mask's; without one, or with an empty one, the circles'."""
    if study.mask is not None:
        mask = to_8_bits(decode(study.mask)) > FOREGROUND
        if abs(mask.shape[0] * width - mask.shape[1] * height) > 0.01 * mask.shape[0] * width:
            reason = f"has {mask.shape[1]} × {mask.shape[0]} pixels, its image {width} × {height}: other proportions"
            raise ImageError(study.mask, reason)
        if mask.any():
            whole = Image.fromarray(mask.astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
            return np.asarray(whole) > 0
    drawn = np.zeros((height, width), dtype=bool)
    for x, y, radius in study.circles:
        rows, columns = np.ogrid[:height, :width]
        drawn |= (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    return drawn


def _places(image: np.ndarray, drawn: Mask, name: str) -> np.ndarray:
    """Return the map of a resized image, uint8 [height, width] as both.

    Args:
        image: the breast.
        drawn: its lesions.
        name: of the study; chooses among places that do equally well.
    """
    found = breast_mask(image)
    breast = np.zeros(image.shape, dtype=bool) if found is None else _without_holes(found)
    places = np.where(breast, np.uint8(TISSUE), np.uint8(OUTSIDE))
    lesion = _with_margin(drawn) & breast
    around = breast & ~lesion
    free, patch = around & ~_wider(lesion), np.zeros(image.shape, dtype=bool)
    depth = scipy.ndimage.distance_transform_edt(breast)  # the image's edge, where the chest wall is, is no skin
    for number, part in enumerate(_parts(lesion)):
        at = _elsewhere(part, free, depth, shuffle_key(number, name))
        if at is None or not (scipy.ndimage.binary_dilation(part) & around).any():
            return places
        patch |= at
        free &= ~_wider(at)
    places[lesion], places[patch] = LESION, PATCH
    return places


def _without_holes(mask: Mask) -> Mask:
    filled: Mask = scipy.ndimage.binary_fill_holes(mask)
    return filled


def _wider(mask: Mask) -> Mask:
    """Return a mask with all pixels beside it."""
    wider: Mask = scipy.ndimage.binary_dilation(mask, np.ones((3, 3)))
    return wider


def _with_margin(drawn: Mask) -> Mask:
    """Return lesions with the pixels near them."""
    areas = [part.sum() for part in _parts(drawn)]
    if not areas:
        return drawn
    # The radius of a disc of the largest one's area.
    margin = MARGIN_PIXELS + MARGIN * np.sqrt(areas[0] / np.pi)
    near: Mask = scipy.ndimage.distance_transform_edt(~drawn) <= margin
    return near


def _parts(mask: Mask) -> list[Mask]:
    """Return the connected parts of a mask, the largest first."""
    numbered, count = scipy.ndimage.label(mask)
    parts = [numbered == number for number in range(1, count + 1)]
    return sorted(parts, key=lambda part: -int(part.sum()))


def _elsewhere(part: Mask, free: Mask, depth: np.ndarray, chance: bytes) -> Mask | None:
    """Return a part's shape moved to where all of it is free, as far from the skin as it is or nearly so.

    Where it fits nowhere as it is, it is mirrored: a shape along the skin fits along the skin on the other side.

    Args:
        part: bool [height, width].
        free: where it may lie.
        depth: distance to the skin.
        chance: decides among places that do equally well.

    Returns:
        bool [height, width]; None where there is no room.
    """
    [box] = scipy.ndimage.find_objects(part.astype(np.uint8))
    height, width = part[box].shape
    middle = height // 2, width // 2
    own = depth[box[0].start + middle[0], box[1].start + middle[1]]
    for shape in (part[box], part[box][::-1], part[box][:, ::-1], part[box][::-1, ::-1]):
        taken = scipy.signal.fftconvolve((~free).astype(float), shape[::-1, ::-1].astype(float), mode="valid")
        fits = np.rint(taken) == 0
        if not fits.any():
            continue
        off = np.abs(depth[middle[0] :, middle[1] :][: fits.shape[0], : fits.shape[1]] - own)
        good = np.flatnonzero(fits & (off <= off[fits].min() + SAME_DEPTH * max(free.shape)))
        row, column = np.unravel_index(good[int.from_bytes(chance, "big") % len(good)], fits.shape)
        moved = np.zeros(part.shape, dtype=bool)
        moved[row : row + height, column : column + width] = shape
        return moved
    return None
