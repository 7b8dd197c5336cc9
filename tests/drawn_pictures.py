"""A drawn picture that shows when it is turned, mirrored or scaled, and TIFFs of it written byte by byte."""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

HEIGHT, WIDTH = 48, 32
_Y, _X = np.mgrid[:HEIGHT, :WIDTH]
_ROUND = (_X / 22) ** 2 + ((_Y - 26) / 19) ** 2
SHARE = np.where(_ROUND < 1, 0.25 + 0.45 * (1 - (_X / 22) ** 2), 0.0)
"""Shares of the brightest level, float64 [48, 32]: dark air, a half-disc at the left, one spot of 1."""
SHARE[30:35, 5:10] = 1.0


def levels(bits: int) -> np.ndarray:
    """Return the picture in levels of so many bits, uint8 or uint16."""
    return np.rint(SHARE * (2**bits - 1)).astype(np.uint8 if bits <= 8 else np.uint16)


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return a picture [height, width, ...] stored so that an orientation of TIFF 6.0 makes it upright again.

    Written from the standard's table: which side of the picture the stored first row and first column are.
    """
    first_row, first_column = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }[orientation]
    height, width = pixels.shape[:2]
    rows = {"top": range(height), "bottom": range(height - 1, -1, -1)}
    columns = {"left": range(width), "right": range(width - 1, -1, -1)}
    if first_row in rows:
        return np.array([[pixels[y, x] for x in columns[first_column]] for y in rows[first_row]])
    return np.array([[pixels[y, x] for y in rows[first_column]] for x in columns[first_row]])


def write_tiff(
    path: Path,
    pixels: np.ndarray,
    bits: int,
    photometric: int,
    *,
    tags: Mapping[int, tuple[int, Sequence[int]]] | None = None,
    exif: Mapping[int, int] | None = None,
    reversed_bits: bool = False,
    byteorder: str = "<",
) -> Path:
    """Write an uncompressed TIFF of one strip, each row of packed bits padded to whole bytes.

    Args:
        path: to be written.
        pixels: whole numbers [height, width] or [height, width, samples].
        bits: of a sample.
        photometric: the value of tag 262.
        tags: further ones, code to type (3 for 16 bits, 4 for 32 bits, 5 for pairs) and values.
        exif: short values of an EXIF directory.
        reversed_bits: store the lowest bit of each byte first, and say so.
        byteorder: "<" or ">"; of samples of 16 bits too.
    """
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    rows = []
    for row in pixels.reshape(len(pixels), -1):
        if bits in (16, 32):
            rows.append(row.astype(f"{byteorder}u{bits // 8}").tobytes())
            continue
        text = "".join(format(int(value), f"0{bits}b") for value in row)
        text += "0" * (-len(text) % 8)
        rows.append(int(text, 2).to_bytes(len(text) // 8, "big"))
    data = b"".join(rows)
    if reversed_bits:
        data = bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
    listed: dict[int, tuple[int, Sequence[int]]] = {
        256: (3, [pixels.shape[1]]),
        257: (3, [pixels.shape[0]]),
        258: (3, [bits] * samples),
        259: (3, [1]),
        262: (3, [photometric]),
        277: (3, [samples]),
        278: (3, [pixels.shape[0]]),
        279: (4, [len(data)]),
        **({266: (3, [2])} if reversed_bits else {}),
        **(tags or {}),
    }
    count = len(listed) + 1 + (exif is not None)
    start, extra = 8 + 2 + 12 * count + 4, b""
    entries = {}
    for tag, (kind, values) in listed.items():
        raw = struct.pack(byteorder + {3: "H", 4: "I", 5: "I"}[kind] * len(values), *values)
        number = len(values) // 2 if kind == 5 else len(values)
        if len(raw) > 4:
            entries[tag] = struct.pack(byteorder + "HHII", tag, kind, number, start + len(extra))
            extra += raw
        else:
            entries[tag] = struct.pack(byteorder + "HHI", tag, kind, number) + raw.ljust(4, b"\0")
    if exif is not None:
        entries[34665] = struct.pack(byteorder + "HHII", 34665, 4, 1, start + len(extra))
        extra += struct.pack(byteorder + "H", len(exif))
        for tag, value in exif.items():
            extra += struct.pack(byteorder + "HHIHH", tag, 3, 1, value, 0)
        extra += bytes(4)
    entries[273] = struct.pack(byteorder + "HHII", 273, 4, 1, start + len(extra))
    directory = struct.pack(byteorder + "H", count) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    magic = (b"II*\0" if byteorder == "<" else b"MM\0*") + struct.pack(byteorder + "I", 8)
    path.write_bytes(magic + directory + extra + data)
    return path
