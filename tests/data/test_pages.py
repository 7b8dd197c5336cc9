"""Several frames or pages: the one of full size, or a refusal that names the file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from drawn_pictures import SHARE, levels, turned
from PIL import Image

from benchmark.data.decode import ImageError, decode, look, stored_bytes

PICTURE = levels(8)
FIVE = np.stack([np.roll(PICTURE, shift, axis=1) for shift in range(5)])
SMALL = np.ascontiguousarray(PICTURE[::4, ::4])


def pages(path: Path, *written: tuple[np.ndarray, dict[str, Any]], **options: Any) -> None:
    with tifffile.TiffWriter(path, **options) as file:
        for pixels, more in written:
            file.write(pixels, **{"photometric": "minisblack", "contiguous": False, **more})


def old_subfile_type(kind: int) -> dict[str, Any]:
    """Return the tag that TIFF 5 had for what a page is: 1 full, 2 reduced, 3 one of several."""
    return {"extratags": [(255, 3, 1, kind, True)]}


TAKEN: dict[str, Callable[[Path], Any]] = {
    "one page": lambda p: pages(p, (PICTURE, {})),
    "a thumbnail first": lambda p: pages(p, (SMALL, {"subfiletype": 1}), (PICTURE, {})),
    "a thumbnail last": lambda p: pages(p, (PICTURE, {}), (SMALL, {"subfiletype": 1})),
    "a thumbnail by the older tag": lambda p: pages(p, (SMALL, old_subfile_type(2)), (PICTURE, old_subfile_type(1))),
    "a mask first": lambda p: pages(p, (PICTURE > 0, {"subfiletype": 4}), (PICTURE, {})),
    "a mask second": lambda p: pages(p, (PICTURE, {}), (PICTURE > 0, {"subfiletype": 4})),
    "a thumbnail's mask": lambda p: pages(p, (PICTURE, {}), (SMALL > 0, {"subfiletype": 5})),
    "a page of several that is alone": lambda p: pages(p, (PICTURE, {"subfiletype": 2})),
    "a pyramid of pages": lambda p: pages(
        p, (PICTURE, {}), (PICTURE[::2, ::2].copy(), {"subfiletype": 1}), (SMALL, {"subfiletype": 1})
    ),
    "a pyramid in SubIFDs": lambda p: pages(
        p, (PICTURE, {"subifds": 2}), (PICTURE[::2, ::2].copy(), {"subfiletype": 1}), (SMALL, {"subfiletype": 1})
    ),
    "a pyramid in SubIFDs that says nothing of it": lambda p: pages(
        p, (PICTURE, {"subifds": 2}), (PICTURE[::2, ::2].copy(), {}), (SMALL, {})
    ),
    "a preview, the picture in its SubIFD": lambda p: pages(
        p, (SMALL, {"subfiletype": 1, "subifds": 1}), (PICTURE, {})
    ),
    "a preview that tells the orientation": lambda p: pages(
        p,
        (SMALL, {"subfiletype": 1, "subifds": 1, "extratags": [(274, 3, 1, 6, True)]}),
        (turned(PICTURE, 6), {}),
    ),
    "only a reduced copy": lambda p: pages(p, (PICTURE, {"subfiletype": 1})),
    "ImageJ of one": lambda p: tifffile.imwrite(p, PICTURE, imagej=True),
    "OME of one": lambda p: tifffile.imwrite(p, PICTURE, ome=True, photometric="minisblack"),
    "OME in colour": lambda p: tifffile.imwrite(p, np.dstack([PICTURE] * 3), ome=True, photometric="rgb"),
    "an OME pyramid": lambda p: pages(
        p, (PICTURE, {"subifds": 1}), (PICTURE[::2, ::2].copy(), {"subfiletype": 1}), ome=True
    ),
    "BigTIFF with a thumbnail": lambda p: pages(p, (SMALL, {"subfiletype": 1}), (PICTURE, {}), bigtiff=True),
    "GIF": lambda p: Image.fromarray(PICTURE).save(p, format="GIF"),
    "WebP": lambda p: Image.fromarray(PICTURE).save(p, format="WEBP", lossless=True),
}

REFUSED: dict[str, Callable[[Path], Any]] = {
    "pages": lambda p: pages(p, *((plane, {}) for plane in FIVE)),
    "two pages": lambda p: pages(p, (PICTURE, {}), (PICTURE, {})),
    "pages of which one is smaller without a word": lambda p: pages(p, (PICTURE, {}), (SMALL, {})),
    "pages and a thumbnail": lambda p: pages(p, (SMALL, {"subfiletype": 1}), (PICTURE, {}), (PICTURE, {})),
    "pages of several": lambda p: pages(p, (PICTURE, {"subfiletype": 2}), (PICTURE, {"subfiletype": 2})),
    "thumbnails only": lambda p: pages(p, (SMALL, {"subfiletype": 1}), (SMALL, {"subfiletype": 1})),
    "a preview of two pictures in SubIFDs": lambda p: pages(
        p, (SMALL, {"subfiletype": 1, "subifds": 2}), (PICTURE, {}), (PICTURE, {})
    ),
    "a stack": lambda p: tifffile.imwrite(p, FIVE, photometric="minisblack"),
    "a stack without a word": lambda p: tifffile.imwrite(p, FIVE, photometric="minisblack", metadata=None),
    "a stack behind one directory": lambda p: tifffile.imwrite(p, FIVE, photometric="minisblack", truncate=True),
    "a stack of 16 bits": lambda p: tifffile.imwrite(p, FIVE.astype(np.uint16), photometric="minisblack"),
    "ImageJ": lambda p: tifffile.imwrite(p, FIVE, imagej=True),
    "ImageJ of channels": lambda p: tifffile.imwrite(p, FIVE[:2], imagej=True, metadata={"axes": "CYX"}),
    "ImageJ behind one directory": lambda p: tifffile.imwrite(
        p, PICTURE, description="ImageJ=1.54f\nimages=5\nslices=5\n", metadata=None
    ),
    "OME of channels": lambda p: tifffile.imwrite(
        p, FIVE[:3], photometric="minisblack", ome=True, metadata={"axes": "CYX"}
    ),
    "OME of slices": lambda p: tifffile.imwrite(p, FIVE, photometric="minisblack", ome=True, metadata={"axes": "ZYX"}),
    "a part of an OME in several files": lambda p: tifffile.imwrite(
        p,
        PICTURE,
        metadata=None,
        description='<?xml version="1.0"?><OME><Image><Pixels SizeX="32" SizeY="48" SizeZ="60" SizeC="1" SizeT="1"/>'
        "</Image></OME>",
    ),
    "a volume": lambda p: tifffile.imwrite(p, np.stack([PICTURE] * 16), volumetric=True, tile=(16, 16, 16)),
    "a volume without tiles": lambda p: tifffile.imwrite(p, FIVE, volumetric=True, photometric="minisblack"),
    "an animated GIF": lambda p: Image.fromarray(PICTURE).save(
        p, format="GIF", save_all=True, append_images=[Image.fromarray(SMALL)]
    ),
    "an animated PNG": lambda p: Image.fromarray(PICTURE).save(
        p, format="PNG", save_all=True, append_images=[Image.fromarray(PICTURE[::-1].copy())]
    ),
    "an animated WebP": lambda p: Image.fromarray(PICTURE).save(
        p, format="WEBP", save_all=True, append_images=[Image.fromarray(PICTURE[::-1].copy())]
    ),
    "two pictures of a camera": lambda p: Image.fromarray(PICTURE).save(
        p, format="MPO", save_all=True, append_images=[Image.fromarray(PICTURE[::-1].copy())]
    ),
}


@pytest.mark.parametrize("write", TAKEN.values(), ids=TAKEN)
def test_the_one_picture_of_full_size_is_taken(tmp_path: Path, write: Callable[[Path], Any]) -> None:
    path = tmp_path / "a.tif"
    write(path)
    assert np.array_equal(decode(path), PICTURE)
    assert stored_bytes(path) in (PICTURE.size, 3 * PICTURE.size, 4 * PICTURE.size)  # as many samples as are stored


@pytest.mark.parametrize("write", REFUSED.values(), ids=REFUSED)
def test_several_are_refused_by_name(tmp_path: Path, write: Callable[[Path], Any]) -> None:
    path = tmp_path / "a.png"
    write(path)
    with pytest.raises(ImageError, match=r"a\.png: .*single mammogram was expected"):
        decode(path)
    assert look(path).shape is None


@pytest.mark.parametrize("first", ["picture", "preview"])
def test_a_smaller_picture_beside_a_cameras_own(tmp_path: Path, first: str) -> None:
    large, small = Image.fromarray(PICTURE), Image.fromarray(SMALL)
    images = [large, small] if first == "picture" else [small, large]
    images[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=images[1:], quality=100)
    assert np.abs(decode(tmp_path / "a.jpg").astype(int) - PICTURE).max() <= 2


def test_a_chain_of_directories_that_leads_back_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PICTURE, metadata=None)
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        first, entries = page.offset, len(page.tags)
    content = bytearray(path.read_bytes())
    at = first + 2 + 12 * entries
    content[at : at + 4] = first.to_bytes(4, "little")
    path.write_bytes(content)
    assert np.array_equal(decode(path), PICTURE)


def test_the_picture_itself() -> None:
    assert PICTURE.shape == SHARE.shape
    assert PICTURE.max() == 255
