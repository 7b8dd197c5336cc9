"""TIFF: one page decoded by tifffile, and its samples brought to grey by their photometric interpretation."""

import math
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from tifffile import COMPRESSION, PHOTOMETRIC

from benchmark.data.codestreams import claim_of
from benchmark.data.grey import LUMINANCE, to_grey
from benchmark.data.limits import Refused, check_size
from benchmark.data.orientation import upright
from benchmark.data.tiff_pages import single_page

_SAMPLE_FORMATS = {1: "unsigned integer", 2: "signed integer", 3: "floating-point", 4: "undefined"}
_PHOTOMETRIC, _EXTRA_SAMPLES, _INK_SET, _REFERENCE, _NODATA = 262, 338, 332, 532, 42113
_JPEGS = frozenset({COMPRESSION.OJPEG, COMPRESSION.JPEG, COMPRESSION.ALT_JPEG})
_HEADER = 65_536  # bytes of a segment in which the header of its codestream lies


def decode(path: Path) -> np.ndarray:
    """Decode the one page of full size of a TIFF.

    Returns:
        grey levels upright, as `benchmark.data.decode.decode` says.

    Raises:
        Refused: there is no such page, it is of a kind that isn't handled, or claims more than the file can hold.
        Exception: whatever tifffile and its codecs raise for a damaged file.
    """
    with tifffile.TiffFile(path) as file:
        page, index, orientation = single_page(file)
        _check(page, path.stat().st_size)
        if _is_subsampled(page):
            return _by_libtiff(path, index)  # turned already
        return upright(_grey(page), orientation)


def stored_bytes(path: Path) -> int:
    """Return how many bytes the page takes once decoded, by its header."""
    with tifffile.TiffFile(path) as file:
        page, _, _ = single_page(file)
        return page.imagelength * page.imagewidth * _pixel_bytes(page)


def _pixel_bytes(page: tifffile.TiffPage) -> int:
    """Return the bytes of a decoded pixel, all its samples."""
    return page.samplesperpixel * (page.dtype.itemsize if page.dtype is not None else 1)


def _check(page: tifffile.TiffPage, size: int) -> None:
    """Refuse a page of a kind that isn't handled, one that claims too much, and one that isn't all there."""
    check_size(page.imagelength, page.imagewidth, _pixel_bytes(page), size)
    if page.dtype is None or page.sampleformat not in _SAMPLE_FORMATS:
        kind = _SAMPLE_FORMATS.get(page.sampleformat, f"format {page.sampleformat}")
        raise Refused(
            f"has samples of {page.bitspersample} bits, {kind}, which can't be read; export it as 16-bit grey"
        )
    rows, columns = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    rows = rows if page.is_tiled else min(rows, page.imagelength)
    check_size(rows, columns, _pixel_bytes(page), size)
    segments = math.ceil(page.imagelength / rows) * math.ceil(page.imagewidth / columns)
    if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        segments *= page.samplesperpixel
    places = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    if any(offset + count > size for offset, count in places):
        raise Refused("is truncated: its image data goes on past the end of the file")
    if len(places) < segments or not any(count for _, count in places):
        raise Refused(f"is damaged or truncated: {segments} parts of its image were expected, {len(places)} are there")
    if page.compression == COMPRESSION.NONE:
        _check_complete(page, sum(count for _, count in places[:segments] if count))
    elif page.compression in tifffile.TIFF.IMAGE_COMPRESSIONS or page.compression in _JPEGS:
        _check_claims(page, places, rows * columns)


def _check_complete(page: tifffile.TiffPage, held: int) -> None:
    """Refuse uncompressed data that is less than the image."""
    if _is_subsampled(page) or not isinstance(page.bitspersample, int):
        return
    line = page.imagewidth * (page.samplesperpixel if page.planarconfig == tifffile.PLANARCONFIG.CONTIG else 1)
    planes = 1 if page.planarconfig == tifffile.PLANARCONFIG.CONTIG else page.samplesperpixel
    needed = page.imagelength * planes * math.ceil(line * page.bitspersample / 8)
    if held < needed:
        raise Refused(f"is damaged or truncated: its image takes {needed:,} bytes, {held:,} are there")


def _check_claims(page: tifffile.TiffPage, places: list[tuple[int, int]], pixels: int) -> None:
    """Refuse a compressed part whose own header claims more pixels than the part has."""
    handle = page.parent.filehandle
    for offset, count in places:
        if not count:
            continue
        handle.seek(offset)
        claim = claim_of(handle.read(min(count, _HEADER)))
        claimed = claim.height * claim.width * max(1, claim.samples - page.samplesperpixel) if claim else 0
        if claim and not 0 <= claimed <= max(2 * pixels, 4096):
            raise Refused(
                f"is damaged: a compressed part of it claims {claim.width} × {claim.height} pixels, it has {pixels:,}"
            )


def _is_subsampled(page: tifffile.TiffPage) -> bool:
    """Return whether colour differences are stored less often than brightness, by no codec of their own."""
    return bool(page.is_subsampled) and page.compression not in _JPEGS


def _by_libtiff(path: Path, index: int) -> np.ndarray:
    """Decode a page as Pillow and libtiff do, which turn it upright: uint8 [height, width]."""
    if index < 0:
        raise Refused("has subsampled colours in a SubIFD, which can't be read; export it as 16-bit grey")
    with warnings.catch_warnings(), Image.open(path, formats=["TIFF"]) as image:
        warnings.simplefilter("ignore")
        image.seek(index)
        return np.asarray(image.convert("L"))


def _grey(page: tifffile.TiffPage) -> np.ndarray:
    """Return the grey levels of a page as stored, not turned yet."""
    samples = _samples(page)
    kind = _photometric(page, samples.shape[-1])
    handler = _HANDLERS.get(kind)
    if handler is None:
        name = kind.name if isinstance(kind, PHOTOMETRIC) else str(kind)
        raise Refused(f"is a TIFF of the photometric interpretation {name}, which isn't handled; export it as grey")
    return handler(page, _without_nodata(page, samples))


def _without_nodata(page: tifffile.TiffPage, samples: np.ndarray) -> np.ndarray:
    """Return floating-point samples with NaN where they are what GDAL's tag 42113 says stands for nothing."""
    stated = page.tags.valueof(_NODATA)
    if samples.dtype.kind != "f" or stated is None:
        return samples
    try:
        nothing = samples.dtype.type(str(stated).strip("\0 "))
    except ValueError:
        return samples
    return np.where(samples == nothing, samples.dtype.type(np.nan), samples)


def _samples(page: tifffile.TiffPage) -> np.ndarray:
    """Return the stored samples of a page, [height, width, samples]."""
    stored = page.asarray(squeeze=False)  # [planes, depth, height, width, samples]
    if stored.shape[0] > 1:
        return np.moveaxis(stored[:, 0, :, :, 0], 0, -1)
    return stored[0, 0]


def _photometric(page: tifffile.TiffPage, samples: int) -> int:
    """Return the photometric interpretation; where the tag is absent, what libtiff takes it for."""
    if page.tags.get(_PHOTOMETRIC) is None and page.compression not in _JPEGS:
        return PHOTOMETRIC.RGB if samples >= 3 else PHOTOMETRIC.MINISBLACK
    return page.photometric


def _bits(page: tifffile.TiffPage) -> int | None:
    """Return the bits of a sample; None where samples differ, which tifffile brings to one size."""
    return page.bitspersample if isinstance(page.bitspersample, int) else None


def _of_grey(page: tifffile.TiffPage, samples: np.ndarray) -> np.ndarray:
    """Return grey of samples in which 0 is black. Alpha is dropped; further channels are no one picture."""
    grey = samples[..., 0]
    extra = page.tags.valueof(_EXTRA_SAMPLES) or ()
    extra = extra if isinstance(extra, tuple) else (extra,)
    channels = samples.shape[-1] - sum(int(kind) in (1, 2) for kind in extra)
    if channels > 2 and not all(np.array_equal(grey, samples[..., i]) for i in range(1, channels)):
        raise Refused(f"has {channels} channels that it doesn't call colours; a single mammogram was expected")
    return to_grey(grey, _bits(page))


def _of_grey_inverted(page: tifffile.TiffPage, samples: np.ndarray) -> np.ndarray:
    """Return grey of samples in which 0 is white; what is no number is background there too."""
    if samples.dtype.kind == "f":
        return _of_grey(page, -samples)
    grey = _of_grey(page, samples)
    return np.iinfo(grey.dtype).max - grey


def _of_colours(page: tifffile.TiffPage, samples: np.ndarray) -> np.ndarray:
    """Return the luminance of red, green and blue; alpha is dropped."""
    if samples.shape[-1] < 3:
        raise Refused(f"calls its {samples.shape[-1]} channels red, green and blue")
    return to_grey(samples[..., :3], _bits(page))


def _of_palette(page: tifffile.TiffPage, samples: np.ndarray) -> np.ndarray:
    """Return the luminance of the colours that indices stand for, uint8: looked up first, whatever the index's bits."""
    colours = page.colormap
    if colours is None or colours.ndim != 2 or len(colours) != 3:
        raise Refused("is a TIFF with a palette, and the palette is missing")
    unused = 8 if colours.max() >= 256 else 0  # by TIFF 6.0 entries have 16 bits; some programs write 8
    table = to_grey((colours.T >> unused).astype(np.uint8)[:, None, :])[:, 0]
    index = samples[..., 0].astype(np.uint8) if samples.dtype == bool else samples[..., 0]
    if index.min() < 0 or index.max() >= len(table):
        raise Refused(f"is damaged: it points at entry {index.max()} of a palette of {len(table)}")
    return table[index]


def _of_lightness(page: tifffile.TiffPage, samples: np.ndarray) -> np.ndarray:
    """Return the lightness of CIELAB, of 0 to 100 over all values of a sample; of ICC's 16 bits, 100 is 65280."""
    lightness = samples[..., 0]
    if lightness.dtype.kind not in "ui" or lightness.dtype.itemsize > 2:
        raise Refused(f"is a TIFF in CIELAB of {page.bitspersample} bits; 8 or 16 were expected. Export it as grey")
    unsigned = lightness.view(f"u{lightness.dtype.itemsize}")  # only the colours are signed
    if unsigned.dtype == np.uint8:
        return unsigned
    top = 65280.0 if page.photometric == PHOTOMETRIC.ICCLAB else 65535.0
    return np.rint(np.minimum(unsigned * (65535.0 / top), 65535.0)).astype(np.uint16)


def _of_inks(page: tifffile.TiffPage, samples: np.ndarray) -> np.ndarray:
    """Return the luminance of cyan, magenta, yellow and black: what of the paper's light no ink takes."""
    if samples.shape[-1] < 4 or page.tags.valueof(_INK_SET, 1) != 1 or samples.dtype.kind != "u":
        raise Refused("is a TIFF of inks other than cyan, magenta, yellow and black; export it as grey")
    bits = _bits(page) or 8 * samples.dtype.itemsize
    top = 2.0**bits - 1
    levels, kind = (255.0, np.uint8) if bits <= 8 else (65535.0, np.uint16)
    grey = np.empty(samples.shape[:2], kind)
    for row in range(0, len(samples), 256):  # in strips: all inks in double precision are four times the image
        left = 1.0 - samples[row : row + 256, :, :4] / top
        light = left[..., :3] * left[..., 3:]
        grey[row : row + 256] = np.rint(np.clip(light @ np.array(LUMINANCE), 0.0, 1.0) * levels)
    return grey


def _of_brightness(page: tifffile.TiffPage, samples: np.ndarray) -> np.ndarray:
    """Return the brightness of YCbCr, which is the luminance of its colours; JPEG comes as colours already."""
    if page.compression in _JPEGS:
        return _of_colours(page, samples)
    grey = to_grey(samples[..., 0], _bits(page))
    reference = page.tags.valueof(_REFERENCE)
    if isinstance(reference, tuple) and len(reference) >= 4 and grey.dtype == np.uint8:
        black, white = (reference[i] / reference[i + 1] if reference[i + 1] else 0.0 for i in (0, 2))
        if white > black and (black, white) != (0.0, 255.0):
            grey = np.rint(np.clip((grey - black) * (255.0 / (white - black)), 0.0, 255.0)).astype(np.uint8)
    return grey


_HANDLERS: dict[int, Callable[[tifffile.TiffPage, np.ndarray], np.ndarray]] = {
    PHOTOMETRIC.MINISWHITE: _of_grey_inverted,
    PHOTOMETRIC.MINISBLACK: _of_grey,
    PHOTOMETRIC.RGB: _of_colours,
    PHOTOMETRIC.PALETTE: _of_palette,
    PHOTOMETRIC.SEPARATED: _of_inks,
    PHOTOMETRIC.YCBCR: _of_brightness,
    PHOTOMETRIC.CIELAB: _of_lightness,
    PHOTOMETRIC.ICCLAB: _of_lightness,
}
