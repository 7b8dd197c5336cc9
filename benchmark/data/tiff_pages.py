"""Which page of a TIFF is the picture: the one of full size, beside thumbnails, pyramids and masks.

A stack, a volume or several pictures in one file are refused: no page of them is more the mammogram than another.
"""

import math
import re
from collections.abc import Sequence

import tifffile

from benchmark.data.limits import Refused
from benchmark.data.orientation import UPRIGHT, orientation_of

_MOST_PAGES = 1000
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType, TIFF 6.0 section 8
_METAMORPH_PLANES = 33629
_ORIENTATION, _EXIF = 274, 34665
_IMAGEJ = re.compile(r"^(?:images|channels|slices|frames)=(\d+)", re.MULTILINE)
_SHAPED = re.compile(r'"shape": ?\[([\d, ]+)\]')
_OME_SIZES = re.compile(r'\bSize([ZCT])="(\d+)"')
_ONE = "a single mammogram was expected; export the one picture"


def single_page(file: tifffile.TiffFile) -> tuple[tifffile.TiffPage, int, int]:
    """Return the one page of full size, its place among the pages (-1 below one), and its orientation, 1 to 8.

    Raises:
        Refused: there are several of full size, or the page is one of a stack or a volume.
    """
    count = len(file.pages)
    if count > _MOST_PAGES:
        raise Refused(f"holds {count} pages; {_ONE}")
    pages = _listed(file.pages, count)
    full = [(page, index) for index, page in enumerate(pages) if _is_full(page)]
    orientation = None
    if not full:  # a preview first, as cameras write it: the picture is in one of its SubIFDs
        below = [(page, -1) for parent in pages for page in _below(parent) if _is_full(page)]
        full = below or [(page, index) for index, page in enumerate(pages)]
        orientation = _orientation(pages[0])
    if len(full) != 1:
        raise Refused(f"holds {len(full)} pages of full size; {_ONE}")
    page, index = full[0]
    planes = _planes(page, pages[0])
    if planes > 1:
        raise Refused(f"is a stack or a volume of {planes} planes; {_ONE}")
    return page, index, _orientation(page) or orientation or UPRIGHT


def _is_full(page: tifffile.TiffPage) -> bool:
    """Return whether a page is neither a reduced copy nor a transparency mask."""
    return not page.subfiletype & (_REDUCED | _MASK) and int(page.photometric) != tifffile.PHOTOMETRIC.MASK


def _below(page: tifffile.TiffPage) -> Sequence[tifffile.TiffPage]:
    """Return the pages of the SubIFDs of a page."""
    below = page.pages
    return [] if below is None else _listed(below, min(len(below), _MOST_PAGES))


def _listed(pages: tifffile.TiffPages, count: int) -> list[tifffile.TiffPage]:
    """Return the first pages of a series; frames, which lack tags of their own, come only where they are asked for."""
    return [page for index in range(count) if isinstance(page := pages[index], tifffile.TiffPage)]


def _orientation(page: tifffile.TiffPage) -> int | None:
    """Return the orientation that a page states, in its own tag or in its EXIF; None where it states none."""
    value = page.tags.valueof(_ORIENTATION)
    if value is None:
        exif = page.tags.valueof(_EXIF)
        if isinstance(exif, dict):
            value = exif.get("Orientation", exif.get(_ORIENTATION, exif.get(str(_ORIENTATION))))
    return None if value is None else orientation_of(value)


def _planes(page: tifffile.TiffPage, first: tifffile.TiffPage) -> int:
    """Return how many planes a page stands for, by its tags and by what ImageJ, OME and tifffile write of it."""
    found = [page.imagedepth, page.tiledepth if page.is_tiled else 1]
    planes = page.tags.get(_METAMORPH_PLANES)
    if planes is not None:
        found.append(planes.count)
    text = page.description
    if text.startswith("ImageJ="):
        found += [int(number[:9]) for number in _IMAGEJ.findall(text)]
    shaped = _SHAPED.search(text)
    if shaped and text.startswith("{"):
        elements = math.prod(int(number[:12] or 1) for number in shaped[1].replace(" ", "").split(","))
        found.append(elements // max(1, page.size))
    if "<OME" in first.description:
        found.append(_planes_of_ome(first.description, page.samplesperpixel))
    return max(found)


def _planes_of_ome(text: str, samples: int) -> int:
    """Return the planes that OME's description states of its largest image; samples of one pixel are one plane."""
    most = 1
    for pixels in re.findall(r"<(?:\w+:)?Pixels\b[^>]*>", text):
        sizes = {axis: int(number[:9]) for axis, number in _OME_SIZES.findall(pixels)}
        channels = -(-sizes.get("C", 1) // max(1, samples))
        most = max(most, sizes.get("Z", 1) * sizes.get("T", 1) * channels)
    return most
