"""Where the breast is in a mammogram: what to keep of the frame, and which side the chest wall is on.

Digital mammograms are mostly black frame; scans and exports add saturated exposure bars along an edge and
burnt-in labels. All work is done on a thumbnail, so it costs milliseconds whatever the image's size. Its sums are
exact, and all else is + − × ÷, so that every processor finds the same rectangle.
"""

from typing import NamedTuple

import numpy as np
import scipy
from PIL import Image

THUMBNAIL_SIDE = 512
EXPOSURE_BAR_ZONE = 0.08  # the share of a side, from each edge, where a bar is looked for
EXPOSURE_BAR_FILL = 0.9  # a row or column is a bar when this share of it is bright, and all alike
EXPOSURE_BAR_LEVEL = 200
EXPOSURE_BAR_SPREAD = 6  # levels between its quartiles; tissue, however dense, varies more
MARGIN = 0.01  # of the frame's long side, kept around the breast
SMALLEST_BREAST = 0.02  # of the frame; anything less is no breast, and nothing is cropped


class Box(NamedTuple):
    """A rectangle in pixels; right and lower ends are exclusive."""

    left: int
    upper: int
    right: int
    lower: int


def find_breast(image: np.ndarray) -> Box:
    """Find the rectangle around the breast.

    1. Rows and columns within 8 % of an edge that are bright over 90 % of their length, and all alike, are
       exposure bars: the frame ends inside them.
    2. Tissue is brighter than a level a third of the way from the background to Otsu's threshold
       (Otsu N. IEEE Trans. Syst. Man Cybern. 1979), which keeps the dim skin line.
    3. The largest connected region after an opening is the breast; labels and marks fall away. Regions of a
       tenth of its area or more stay too (an axilla cut off by a fold).
    4. A margin of 1 % of the long side is added.

    Args:
        image: uint8 [height, width], dark background.

    Returns:
        the rectangle in pixels of `image`; the whole frame where no region is large enough to be a breast.
    """
    height, width = image.shape
    small = thumbnail(image)
    scale_y, scale_x = height / small.shape[0], width / small.shape[1]
    frame = _inside_exposure_bars(small)
    inner = small[frame.upper : frame.lower, frame.left : frame.right]
    tissue = breast_mask(inner)
    if tissue is None:
        return Box(0, 0, width, height)
    rows, columns = np.flatnonzero(tissue.any(axis=1)), np.flatnonzero(tissue.any(axis=0))
    margin = MARGIN * max(small.shape)
    left = max(frame.left + columns[0] - margin, frame.left)
    upper = max(frame.upper + rows[0] - margin, frame.upper)
    right = min(frame.left + columns[-1] + 1 + margin, frame.right)
    lower = min(frame.upper + rows[-1] + 1 + margin, frame.lower)
    return Box(
        round(left * scale_x),
        round(upper * scale_y),
        min(round(right * scale_x), width),
        min(round(lower * scale_y), height),
    )


def chest_wall_side(image: np.ndarray) -> str | None:
    """Return `left` or `right`: the side of the picture the breast is attached to; None where neither stands out.

    The half with more light is the chest wall's. Both halves within 2 % of each other tell nothing.
    """
    small = thumbnail(image).astype(np.float64)
    half = small.shape[1] // 2
    left, right = small[:, :half].sum(), small[:, small.shape[1] - half :].sum()
    if abs(left - right) <= 0.02 * (left + right):
        return None
    return "left" if left > right else "right"


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Return uint8 [height, width], the long side at most `THUMBNAIL_SIDE`, each pixel a mean of those it covers."""
    factor = -(-max(image.shape) // THUMBNAIL_SIDE)
    return np.asarray(Image.fromarray(image).reduce(factor)) if factor > 1 else image


def _inside_exposure_bars(small: np.ndarray) -> Box:
    """Return the rectangle of a thumbnail, uint8 [height, width], without the bars along its edges."""
    upper, lower = _between_bars(small)
    left, right = _between_bars(small[upper:lower].T)
    return Box(left, upper, right, lower)


def _between_bars(lines: np.ndarray) -> tuple[int, int]:
    """Return start and end of the lines between the bars at either end; of all lines where there are none."""
    count = len(lines)
    zone = max(1, round(EXPOSURE_BAR_ZONE * count))
    low, high = np.percentile(lines, (25, 75), axis=1)
    filled = (lines >= EXPOSURE_BAR_LEVEL).mean(axis=1) >= EXPOSURE_BAR_FILL
    bars = np.flatnonzero(filled & (high - low <= EXPOSURE_BAR_SPREAD))
    first, last = bars[bars < zone], bars[bars >= count - zone]
    start = int(first.max()) + 2 if first.size else 0  # one line more: a thumbnail blurs the bar's edge
    end = int(last.min()) - 1 if last.size else count
    return (start, end) if end - start > count // 2 else (0, count)


def breast_mask(inner: np.ndarray) -> np.ndarray | None:
    """Return where the breast is, bool [height, width]; None where no region is large enough to be one."""
    smooth = scipy.ndimage.uniform_filter(inner.astype(np.float32), 3)
    otsu = otsu_threshold(inner)
    background = float(np.median(inner[inner <= otsu]))
    level = max(background + (otsu - background) / 3.0, background + 3.0)
    tissue = scipy.ndimage.binary_opening(smooth > level, iterations=2)
    regions, count = scipy.ndimage.label(tissue)
    if count == 0:
        return None
    areas = np.bincount(regions.ravel())[1:]
    if areas.max() < SMALLEST_BREAST * inner.size:
        return None
    return np.isin(regions, np.flatnonzero(areas >= 0.1 * areas.max()) + 1)


def otsu_threshold(image: np.ndarray) -> int:
    """Return Otsu's threshold of a uint8 image: the level that separates two classes with the most variance."""
    counts = np.bincount(image.ravel(), minlength=256).astype(np.float64)
    below = np.cumsum(counts)
    moment = np.cumsum(counts * np.arange(256))
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (moment[-1] * below / below[-1] - moment) ** 2 / (below * above)
    return int(np.argmax(np.nan_to_num(between, nan=0.0, posinf=0.0)))
