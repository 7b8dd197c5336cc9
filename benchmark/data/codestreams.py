"""What the header of a compressed picture claims, without decoding it: JPEG of every kind, JPEG 2000, PNG, WebP, LERC.

Decoders believe such headers and reserve memory for what they claim, inside a TIFF or DICOM file too, whose own header
may say something else.
"""

import struct
from typing import NamedTuple

_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xDA)})
_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}  # starts of frames, JPEG-LS among them
_ENOUGH = 65_536


class Claim(NamedTuple):
    """What a header claims: height and width in pixels, samples of a pixel, bits of a sample."""

    height: int
    width: int
    samples: int
    bits: int


def claim_of(content: bytes) -> Claim | None:
    """Return what the picture that starts with these bytes claims; None where its kind is none of those known."""
    try:
        if content.startswith(b"\xff\xd8"):
            return _jpeg(content)
        if content.startswith(b"\xff\x4f\xff\x51"):
            return _jpeg_2000(content, 4)
        if content.startswith(b"\0\0\0\x0cjP  ") and (at := content.find(b"\xff\x4f\xff\x51", 0, _ENOUGH)) >= 0:
            return _jpeg_2000(content, at + 4)
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height, bits, colour = struct.unpack_from(">IIBB", content, 16)
            return Claim(height, width, {0: 1, 2: 3, 3: 1, 4: 2}.get(colour, 4), bits)
        if content.startswith(b"Lerc2 "):
            version = struct.unpack_from("<i", content, 6)[0]
            height, width, samples = struct.unpack_from("<iii", content, 14 if version >= 3 else 10)
            return Claim(height, width, samples if version >= 4 else 1, 64)
        if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
            return _webp(content)
    except struct.error:
        return None
    return None


def exif_of_jpeg(content: bytes) -> bytes | None:
    """Return the EXIF block of a JPEG, or None where it has none."""
    at = content.find(b"Exif\0\0", 0, _ENOUGH)
    if at < 4 or content[at - 4 : at - 2] != b"\xff\xe1":
        return None
    return content[at : at - 2 + int.from_bytes(content[at - 2 : at], "big")]


def _jpeg(content: bytes) -> Claim | None:
    """Return the claim of the first start of a frame, found by going from marker to marker."""
    at = 2
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            at += 1
            continue
        marker = content[at + 1]
        if marker in _FRAMES:
            bits, height, width, samples = struct.unpack_from(">BHHB", content, at + 4)
            return Claim(height, width, samples, bits)
        if marker == 0xFF or marker == 0x00:
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + struct.unpack_from(">H", content, at + 2)[0]
    return None


def _jpeg_2000(content: bytes, at: int) -> Claim:
    """Return the claim of a SIZ segment whose length field is at `at` (ISO/IEC 15444-1 A.5.1)."""
    right, lower, left, upper = struct.unpack_from(">IIII", content, at + 4)
    samples, bits = struct.unpack_from(">HB", content, at + 36)
    return Claim(max(0, lower - upper), max(0, right - left), samples, (bits & 0x7F) + 1)


def _webp(content: bytes) -> Claim | None:
    """Return the claim of a lossy, lossless or extended WebP."""
    kind = content[12:16]
    if kind == b"VP8X":
        return Claim(1 + int.from_bytes(content[27:30], "little"), 1 + int.from_bytes(content[24:27], "little"), 4, 8)
    if kind == b"VP8L":
        packed = int.from_bytes(content[21:25], "little")
        return Claim(1 + ((packed >> 14) & 0x3FFF), 1 + (packed & 0x3FFF), 4, 8)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return Claim(height & 0x3FFF, width & 0x3FFF, 3, 8)
    return None
