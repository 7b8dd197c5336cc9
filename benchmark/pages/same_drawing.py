"""Whether two files are one figure: drawn from the same numbers, on another machine or by another processor."""

import re
from io import BytesIO

MARK = re.compile(rb"amrg:([0-9a-f]{64}) by ([ -:<-~]+);")
"""What each file says of itself: a digest of the numbers that it shows, and what drew it."""
ID = re.compile(r"(?<=[#\"])[a-z][0-9a-f]{10}\b")
"""A name that matplotlib gives to a part of a vector drawing: a digest of its coordinates, to their last bit."""
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
POINTS = 1e-3
"""By which coordinates may differ; a printer's dot is a hundred times as wide."""
LEVELS = 2
"""Of 255, by which a pixel may differ where a line's edge moved by that much."""


def same_drawing(a: bytes, b: bytes) -> bool:
    """Return whether two files are one figure.

    Their digests are equal; fonts and versions of another kind of machine may change anything else. On one kind, the
    last bits of a logarithm or a sum still depend on the processor's vectors, and nothing beyond them may differ.
    """
    first, second = MARK.search(a), MARK.search(b)
    if not (first and second and first[1] == second[1]):
        return False
    if a == b or first[2] != second[2]:
        return True
    return _same_vectors(a.decode(), b.decode()) if a.startswith(b"<?xml") else _same_pixels(a, b)


def _same_vectors(a: str, b: str) -> bool:
    first, second = _named_in_order(a), _named_in_order(b)
    numbers = zip(NUMBER.findall(first), NUMBER.findall(second), strict=True)
    return NUMBER.split(first) == NUMBER.split(second) and all(abs(float(x) - float(y)) <= POINTS for x, y in numbers)


def _named_in_order(drawing: str) -> str:
    """Return a vector drawing with its parts named by the order in which they come."""
    names: dict[str, str] = {}
    return ID.sub(lambda found: names.setdefault(found[0], f"part{len(names)}"), drawing)


def _same_pixels(a: bytes, b: bytes) -> bool:
    import numpy as np
    from PIL import Image

    try:
        for content in (a, b):
            Image.open(BytesIO(content)).verify()
        first, second = (np.asarray(Image.open(BytesIO(content)), dtype=np.int16) for content in (a, b))
    except (OSError, SyntaxError, ValueError):  # a damaged file is no drawing
        return False
    return first.shape == second.shape and bool((abs(first - second) <= LEVELS).all())
