"""Damaged and hostile image files: each is decoded or refused in a sentence, in bounded time and memory.

`python tests/fuzz_images.py --count 20000` prints every input that ended otherwise; exit code 1 if there is any.
"""

import argparse
import io
import random
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from drawn_pictures import levels
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless, RLELossless
from written_dicom import mammogram

from benchmark.data.decode import ImageError, decode, stored_bytes

SECONDS, BYTES = 20, 1_000_000_000
"""What one input may take: a thousand times what a sound one does; address space beyond what is in use at the start."""
ENDS = (0, 1, 2, 3, 7, 16, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def seeds() -> dict[str, bytes]:
    """Return sound files of every kind, by name."""
    return {**_tiffs(), **_rasters(), **_dicoms()}


def _tiffs() -> dict[str, bytes]:
    """Return sound TIFFs by name."""
    grey, deep = levels(8), levels(12)
    ramp = np.stack([np.arange(256, dtype=np.uint16) * 257] * 3)
    written: dict[str, tuple[Any, dict[str, Any]]] = {
        "webp": (np.dstack([grey] * 3), {"compression": "webp", "photometric": "rgb"}),
        "deep": (deep, {"bitspersample": 12, "photometric": "minisblack"}),
        "float": (grey.astype("float32"), {}),
        "palette": (grey, {"photometric": "palette", "colormap": ramp}),
        "planar": (np.stack([grey] * 3), {"photometric": "rgb", "planarconfig": "separate"}),
        "big": (grey, {"bigtiff": True}),
        "ome": (np.stack([grey] * 2), {"ome": True, "photometric": "minisblack"}),
        "imagej": (np.stack([grey] * 2), {"imagej": True}),
    }
    for compression in (None, "lzw", "deflate", "packbits", "zstd", "lzma", "jpeg", "jpeg2000", "png", "lerc"):
        written[f"strips-{compression}"] = grey, {"compression": compression, "rowsperstrip": 16}
        written[f"tiles-{compression}"] = grey, {"compression": compression, "tile": (16, 16)}
    found = {}
    for name, (pixels, options) in written.items():
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, pixels, **options)
        found[f"{name}.tif"] = buffer.getvalue()
    return found


def _rasters() -> dict[str, bytes]:
    """Return sound files of what Pillow reads, by name."""
    grey, deep = levels(8), levels(12)
    exif = Image.Exif()
    exif[274] = 6
    small = Image.fromarray(grey[::2, ::2].copy())
    found = {
        "colours.png": bytes(imagecodecs.png_encode(np.dstack([deep] * 3))),
        "deep.jpg": bytes(imagecodecs.jpeg_encode(deep, bitspersample=12)),
    }
    for kind, pixels, options in (
        ("PNG", grey, {"exif": exif}),
        ("PNG", deep, {}),
        ("JPEG", grey, {"exif": exif, "progressive": True}),
        ("GIF", grey, {}),
        ("WEBP", grey, {"exif": exif}),
        ("BMP", grey, {}),
        ("PPM", grey, {}),
        ("JPEG2000", grey, {}),
        ("MPO", grey, {"save_all": True, "append_images": [small]}),
    ):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format=kind, **options)
        found[f"{pixels.dtype}.{kind.lower()}"] = buffer.getvalue()
    return found


def _dicoms() -> dict[str, bytes]:
    """Return sound DICOM files by name."""
    grey, deep = levels(8), levels(12)
    native = mammogram(deep, 12, WindowCenter="2048", WindowWidth="4096", PixelPaddingValue=0)
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4096, 0, 12], np.arange(4096, dtype="<u2").tobytes()
    native.VOILUTSequence = Sequence([table])
    packed = mammogram(deep, 12)
    packed.compress(RLELossless)
    listed = {"native": native, "colours": mammogram(np.dstack([grey] * 3), 8, "RGB"), "rle": packed}
    for name, syntax, frame in (
        ("j2k", JPEG2000Lossless, imagecodecs.jpeg2k_encode(deep, codecformat="j2k", reversible=True)),
        ("jls", JPEGLSLossless, imagecodecs.jpegls_encode(deep)),
        ("ljpeg", JPEGLosslessSV1, imagecodecs.ljpeg_encode(deep, bitspersample=12)),
        ("jpeg", JPEGBaseline8Bit, imagecodecs.jpeg_encode(grey)),
    ):
        data = mammogram(grey if name == "jpeg" else deep, 8 if name == "jpeg" else 12)
        data.PixelData = encapsulate([bytes(frame)])
        data["PixelData"].VR = "OB"
        data.file_meta.TransferSyntaxUID = syntax
        listed[name] = data
    found = {}
    for name, data in listed.items():
        buffer = io.BytesIO()
        data.save_as(buffer, enforce_file_format=True)
        found[f"{name}.dcm"] = buffer.getvalue()
    return found


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return a file that is cut, or of which some bytes are others, most of them in its header."""
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        size = len(damaged)
        if size < 8:
            break
        at = rng.randrange(min(size, rng.choice((32, 200, 600, size))) - 7 if size > 8 else 1)
        match rng.randrange(7):
            case 0:
                damaged = damaged[: rng.randrange(size)]
            case 1:
                damaged[at] ^= 1 << rng.randrange(8)
            case 2:
                damaged[at : at + 2] = (rng.choice(ENDS) & 0xFFFF).to_bytes(2, rng.choice(("little", "big")))
            case 3:
                damaged[at : at + 4] = rng.choice(ENDS).to_bytes(4, rng.choice(("little", "big")))
            case 4:
                del damaged[at : at + rng.randrange(1, 8)]
            case 5:
                damaged[at:at] = rng.randbytes(rng.randrange(1, 8))
            case _:
                source = rng.randrange(size - 7)
                damaged[at : at + 8] = damaged[source : source + 8]
    return bytes(damaged)


def inputs(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield damaged files with names, the same for the same seed."""
    rng = random.Random(seed)
    sound = seeds()
    names = sorted(sound)
    for number in range(count):
        name = names[number % len(names)]
        yield name, mutated(sound[name], rng)


def guarded(work: Callable[[], str | None]) -> str | None:
    """Return what work returns, or what ended it."""

    def ring(signum: int, frame: Any) -> None:
        raise TimeoutError(f"took more than {SECONDS} seconds of processor time")

    signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        return work()
    except BaseException:
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def outcome(path: Path) -> str | None:
    """Return what is wrong with how a file was taken; None where it was decoded, or refused in a sentence."""
    stored_bytes(path)
    try:
        pixels = decode(path)
    except ImageError as error:
        if "memory" in error.reason or "seconds" in error.reason:
            return f"refused late: {error.reason}"
        return None if error.reason.isprintable() else f"not printable: {error.reason!r}"
    return None if pixels.ndim == 2 and pixels.dtype in ("uint8", "uint16") else f"{pixels.shape} {pixels.dtype}"


def main() -> int:
    """Try the inputs; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for inputs that ended otherwise")
    options = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        listed = inputs(options.count, options.seed)
        first = next(listed)
        outcome(_written(Path(folder), *first))  # what is imported on the way doesn't count
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))
        for number, (name, content) in enumerate(listed):
            path = _written(Path(folder), name, content)
            problem = guarded(partial(outcome, path))
            if problem:
                bad += 1
                print(f"{number} {name}: {problem}", flush=True)
                if options.keep:
                    (options.keep / f"{number}-{name}").write_bytes(content)
            path.unlink()
    print(f"{options.count} inputs, {bad} of them neither decoded nor refused in a sentence")
    return 1 if bad else 0


def _written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


if __name__ == "__main__":
    sys.exit(main())
