"""A part of a mammogram painted over with the tissue around it.

Two layers: brightness from the border inwards by Laplace's equation, so that no edge is left; and the texture of the
tissue around, mirrored at the border, so that no flat spot is left. Nothing flows in from outside the breast, and the
skin is no texture.

No library of the project has an inpainting. Written with one numpy call an operation of IEEE 754, in a fixed number of
steps from whole numbers, as `benchmark.phantoms.maths` says why: a library's solver would differ in last digits, and
where an exact answer lies between two grey levels so would the image.
"""

import numpy as np
import scipy
from numpy.typing import NDArray

from benchmark.data.lesion_places import LESION, OUTSIDE, Mask

Floats = NDArray[np.float64]

SWEEPS = 64
"""Of Jacobi's iteration at each level of the pyramid; coarse levels bring far borders in."""
TEXTURE = 1 / 56
"""Of the square's side: what varies over less than that is texture."""


def paint_over(image: np.ndarray, places: np.ndarray, part: int) -> np.ndarray:
    """Return an image in which a part is painted over; all other pixels are the same.

    Args:
        image: uint8 [size, size].
        places: its map, of `benchmark.data.lesion_places`.
        part: `LESION`, or `PATCH`: then the lesions stay and nothing is taken of them.

    Returns:
        uint8 [size, size].
    """
    hole = places == part
    known = (places != OUTSIDE) & (places != LESION) & ~hole
    reach = max(1, round(TEXTURE * len(image) / 2))
    deep = known & scipy.ndimage.binary_erosion(places != OUTSIDE, iterations=reach, border_value=1)
    window = _around(hole)
    values, hole, known, deep = image[window].astype(np.float64), hole[window], known[window], deep[window]
    filled = _smooth(np.where(known, values, 0.0), known, hole)
    if deep.any():
        filled = filled + _continued(_texture(values, known, reach), deep, hole)
    painted = np.array(image)
    painted[window][hole] = np.rint(np.clip(filled[hole], 0, 255)).astype(np.uint8)
    return painted


def _around(hole: Mask) -> tuple[slice, slice]:
    """Return rows and columns that hold a hole, and around it as much as its texture is taken from."""
    [box] = scipy.ndimage.find_objects(hole.astype(np.uint8))
    spare = 8 + max(side.stop - side.start for side in box)
    rows, columns = (slice(max(0, side.start - spare), side.stop + spare) for side in box)
    return rows, columns


def _smooth(values: Floats, known: Mask, hole: Mask) -> Floats:
    """Return values whose hole is filled by Laplace's equation, from coarse to fine.

    Args:
        values: float64 [height, width], 0 where not known.
        known: where they are.
        hole: where they are to be; what is neither has no part in it.
    """
    count, total, missing = _halved(known), _halved(values), _halved(hole) > 0
    coarse_known = count > 0
    coarse = np.where(coarse_known, total / np.maximum(count, 1), 0.0)
    missing &= ~coarse_known
    if missing.any() and coarse_known.any():
        coarse = _smooth(coarse, coarse_known, missing)
    upper = coarse.repeat(2, axis=0).repeat(2, axis=1)[: values.shape[0], : values.shape[1]]
    values = np.where(hole, upper, values)
    inside = (known | hole).astype(np.float64)
    neighbours = _beside(inside)
    moving = hole & (neighbours > 0)
    for _ in range(SWEEPS):
        values = np.where(moving, _beside(values * inside) / np.maximum(neighbours, 1), values)
    return values


def _halved(values: np.ndarray) -> Floats:
    """Return sums over squares of 2 × 2 pixels; beyond an odd edge there is nothing."""
    height, width = values.shape
    even = np.pad(values.astype(np.float64), ((0, height % 2), (0, width % 2)))
    return (even[::2, ::2] + even[::2, 1::2]) + (even[1::2, ::2] + even[1::2, 1::2])


def _beside(values: Floats) -> Floats:
    """Return the sum of the four pixels beside each."""
    wide = np.pad(values, 1)
    return (wide[:-2, 1:-1] + wide[2:, 1:-1]) + (wide[1:-1, :-2] + wide[1:-1, 2:])


def _texture(values: Floats, known: Mask, reach: int) -> Floats:
    """Return what known values differ by from the mean of those that are known around them, so many pixels each way."""
    ones = [1.0] * (2 * reach + 1)

    def summed(array: Floats) -> Floats:
        # Sums of whole numbers, exact in any order.
        return scipy.ndimage.correlate1d(
            scipy.ndimage.correlate1d(array, ones, axis=0, mode="constant"), ones, axis=1, mode="constant"
        )

    total, count = summed(np.where(known, values, 0.0)), summed(known.astype(np.float64))
    return np.where(known, values - total / np.maximum(count, 1), 0.0)


def _continued(texture: Floats, known: Mask, hole: Mask) -> Floats:
    """Return a texture that goes on in a hole.

    As it is as far on this side of the border; where that isn't known, as it is beside, above or below the hole; and
    where none of these is known, as it is at the border.
    """
    [box] = scipy.ndimage.find_objects(hole.astype(np.uint8))
    height, width = (side.stop - side.start for side in box)
    grid = np.indices(known.shape)
    rows, columns = grid[0], grid[1]
    border = np.asarray(scipy.ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True))
    continued, open_ = texture[border[0], border[1]], np.ones(known.shape, dtype=bool)
    sources = [
        (2 * border[0] - rows, 2 * border[1] - columns),
        (rows, columns + width),
        (rows, columns - width),
        (rows + height, columns),
        (rows - height, columns),
    ]
    for row, column in sources:
        there = open_ & (row >= 0) & (row < known.shape[0]) & (column >= 0) & (column < known.shape[1])
        there[there] = known[row[there], column[there]]
        continued[there] = texture[row[there], column[there]]
        open_ &= ~there
    return continued
