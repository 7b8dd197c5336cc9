"""From stored numbers to grey levels: the range they span, colours as luminance, values that are no numbers."""

import numpy as np

LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, the weights of Pillow's conversion to "L"
_ROWS = 256  # worked on at once: a whole image in double precision is 230 MB


def to_8_bits(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 from what `decode` gives; uint16 that spans 0 to 65535 loses its lower byte."""
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)


def least_bits(largest: int, at_least: int = 1) -> int:
    """Return the least number of bits, of at least `at_least`, that holds a value of 0 or more."""
    return max(at_least, int(largest).bit_length())


def stretch_to_16_bits(pixels: np.ndarray, bits: int | None = None) -> np.ndarray:
    """Return uint16 [height, width] spanning 0 to 65535 from stored values; colours become luminance.

    Args:
        pixels: [height, width] or [height, width, 3], integers of any width or floating-point values.
        bits: of an unsigned sample where the file states them; None where it doesn't, as 16 bits that hold 12.

    Of integers without a stated range, the range is the least of 8 to 16 bits that holds the largest value (of
    all channels; counted from the least value where that is negative), so exposure differences stay. Values
    beyond 16 bits span from 0 or the least to the greatest; floating-point values from the least to the greatest
    finite one. What is no number and −∞ become the least, +∞ the greatest.

    Raises:
        ValueError: no value is finite.
    """
    low, high = _extremes(pixels)
    if np.issubdtype(pixels.dtype, np.floating):
        reach = high - low
    elif bits is not None:
        low, reach = 0.0, 2.0**bits - 1
    else:
        low = min(0.0, low)
        reach = high - low
        held = least_bits(int(reach), 8)
        reach = 2.0**held - 1 if held <= 16 else reach
    if np.isfinite(reach):
        shrunk = 1.0
    else:  # the least and the greatest are further apart than double precision reaches
        shrunk = 0.25
        reach = high * shrunk - low * shrunk
    factor = 65535.0 / reach if reach else 0.0
    weights = np.array(LUMINANCE)
    stretched = np.empty(pixels.shape[:2], np.uint16)
    for row in range(0, len(pixels), _ROWS):
        strip = pixels[row : row + _ROWS].astype(np.float64)
        if np.issubdtype(pixels.dtype, np.floating):
            strip = np.nan_to_num(strip, nan=low, posinf=high, neginf=low)
        strip = strip * shrunk - low * shrunk
        if strip.ndim == 3:
            strip = strip @ weights
        strip = strip * factor if np.isfinite(factor) else strip / reach * 65535.0
        stretched[row : row + _ROWS] = np.rint(np.clip(strip, 0.0, 65535.0))
    return stretched


def to_grey(pixels: np.ndarray, bits: int | None = None) -> np.ndarray:
    """Return grey levels as `benchmark.data.decode.decode` gives them, of stored values in which 0 is black.

    Args:
        pixels: [height, width] or colours [height, width, 3], of any type of numbers or bool.
        bits: of a sample as the file states them, where it does.

    Returns:
        uint8 of unsigned samples of at most 8 bits, which span their own range; else uint16, see
        `stretch_to_16_bits`.
    """
    if pixels.dtype == bool:
        pixels, bits = pixels.astype(np.uint8), 1
    if pixels.dtype.kind == "u" and (bits if bits is not None else 8 * pixels.dtype.itemsize) <= 8:
        if bits is not None and bits < 8:
            pixels = np.rint(np.minimum(pixels, 2**bits - 1) * (255.0 / (2**bits - 1))).astype(np.uint8)
        pixels = pixels.astype(np.uint8, copy=False)
        return luminance(pixels) if pixels.ndim == 3 else pixels
    stated = bits if bits is not None and 8 < bits < 16 and pixels.dtype.kind == "u" else None
    return stretch_to_16_bits(pixels, stated)


def luminance(colours: np.ndarray) -> np.ndarray:
    """Return the luminance [height, width] of red, green, blue [height, width, 3], in the same type."""
    grey = np.empty(colours.shape[:2], colours.dtype)
    for row in range(0, len(colours), _ROWS):
        strip = colours[row : row + _ROWS] @ np.array(LUMINANCE)
        grey[row : row + _ROWS] = np.rint(strip) if np.issubdtype(grey.dtype, np.integer) else strip
    return grey


def _extremes(pixels: np.ndarray) -> tuple[float, float]:
    """Return the least and the greatest finite value."""
    if not np.issubdtype(pixels.dtype, np.floating):
        return float(int(pixels.min())), float(int(pixels.max()))
    low, high = np.inf, -np.inf
    for row in range(0, len(pixels), _ROWS):
        strip = pixels[row : row + _ROWS]
        finite = strip[np.isfinite(strip)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        raise ValueError("none of its values is a number")
    return low, high
