"""Damaged and hostile images: refused in a sentence, before they cost time or memory."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from drawn_pictures import levels, write_tiff
from PIL import Image

from benchmark.data.decode import ImageError, decode
from benchmark.data.limits import FREE_BYTES, LARGEST_RATIO, Refused, check_size
from benchmark.disk import file_kinds

TESTS = Path(__file__).resolve().parents[1]


def test_thousands_of_damaged_files_are_decoded_or_refused_in_a_sentence() -> None:
    """The same with more: `python tests/fuzz_images.py --count 20000`."""
    command = [sys.executable, "-W", "ignore", str(TESTS / "fuzz_images.py"), "--count", "600", "--seed", "0"]
    root = str(TESTS.parent)
    process = subprocess.run(
        command,
        cwd=root,
        env={"PYTHONPATH": root, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stdout[-4000:] + process.stderr[-4000:]


def test_a_tiff_of_283_bytes_that_asks_for_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for height, width, bits, samples in ((38000, 38000, 16, 1), (13000, 13000, 16, 4), (30000, 6600, 64, 1)):
        tags = {
            256: (4, [width]),
            257: (4, [height]),
            277: (3, [samples]),
            258: (3, [bits] * samples),
            278: (4, [height]),
        }
        write_tiff(
            path, np.zeros((2, 2), np.uint8), 8, 1 if samples == 1 else 2, tags={**tags, 339: (3, [1] * samples)}
        )
        assert path.stat().st_size < 400
        with pytest.raises(ImageError, match=r"a\.tif: its header claims"):
            decode(path)


@pytest.mark.skipif(sys.platform != "linux", reason="the system is asked for the peak of memory as Linux tells it")
@pytest.mark.parametrize("compression", ["deflate", "zstd"])
def test_a_strip_that_becomes_far_more_than_its_image(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "a.tif"
    encode = {"deflate": imagecodecs.zlib_encode, "zstd": imagecodecs.zstd_encode}[compression]
    bomb = encode(bytes(30_000_000))
    tifffile.imwrite(path, levels(8), compression=compression)
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        at, length = page.dataoffsets[0], page.tags["StripByteCounts"]
        place = length.valueoffset
    content = bytearray(path.read_bytes())
    content[place : place + 2] = b"\xff\xff"
    path.write_bytes(bytes(content[:at]) + bomb[:65535].ljust(65535, b"\0"))
    script = f"""
import re
from pathlib import Path
from benchmark.data.decode import ImageError, decode
try:
    print(decode(Path({str(path)!r})).shape)
except ImageError as error:
    print(error)
print(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
"""
    # Not `ru_maxrss`, which begins with what the process had that started this one.
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], cwd=TESTS.parent, capture_output=True, text=True, timeout=300
    )
    assert process.returncode == 0, process.stderr
    assert int(process.stdout.split()[-1]) < 400_000  # kilobytes, the interpreter and all libraries among them


def png_of(height: int, width: int, content: bytes) -> bytes:
    """Return a grey PNG that claims a size, with this for its pixels."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", content), (b"IEND", b""))
    framed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", png_of(13_000, 13_000, zlib.compress(bytes(1000)))),
        ("b.png", png_of(2**31 - 1, 2**31 - 1, zlib.compress(bytes(1000)))),
        (
            "a.gif",
            b"GIF89a"
            + struct.pack("<HHxxx", 65535, 65535)
            + b","
            + struct.pack("<HHHHBB", 0, 0, 65535, 65535, 0, 8)
            + bytes(9),
        ),
        (
            "a.bmp",
            b"BM" + struct.pack("<IIIIiiHHIIiiII", 60, 0, 54, 40, 30000, 30000, 1, 8, 0, 0, 0, 0, 0, 0) + bytes(900),
        ),
        ("a.pgm", b"P5 40000 40000 255\n" + bytes(100)),
        (
            "a.jp2",
            imagecodecs.jpeg2k_encode(levels(8), codecformat="j2k").replace(
                struct.pack(">II", 32, 48), struct.pack(">II", 60000, 60000), 1
            ),
        ),
        (
            "a.jpg",
            imagecodecs.jpeg_encode(levels(8)).replace(struct.pack(">HH", 48, 32), struct.pack(">HH", 65000, 65000), 1),
        ),
    ],
)
def test_rasters_that_claim_too_much(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=rf"{name}: its header claims"):
        decode(tmp_path / name)


def test_a_jpeg_of_too_many_passes(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(levels(8)).save(path, progressive=True)
    content = path.read_bytes()
    scan = content[content.rindex(b"\xff\xda") : -2]
    path.write_bytes(content[:-2] + scan * 200 + content[-2:])
    with pytest.raises(ImageError, match="passes"):
        decode(path)


def test_black_mammograms_of_any_compression_are_within_the_limits() -> None:
    check_size(6000, 5000, 2, 500)  # 16 bits, all black: some codecs need no more
    check_size(20_000, 10_000, 2, 2_000_000)
    for height, width, pixel_bytes, size in (
        (6000, 6000, 2, 500),
        (0, 5, 1, 500),
        (20_000, 10_001, 1, 10**9),
        (9000, 9000, 8, 10**9),
    ):
        with pytest.raises(Refused, match="claims"):
            check_size(height, width, pixel_bytes, size)
    assert FREE_BYTES // LARGEST_RATIO < 300_000


def test_a_file_larger_than_any_image_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tif"
    with path.open("wb") as file:
        file.truncate(10**13)  # no byte of it is on the disk
    with pytest.raises(ImageError, match=r"a\.tif: has 10,000,000,000,000 bytes"):
        decode(path)
    monkeypatch.setattr(file_kinds, "LARGEST_FILE", 100)
    tifffile.imwrite(tmp_path / "b.tif", levels(8))
    with pytest.raises(ImageError, match=r"b\.tif: has"):
        decode(tmp_path / "b.tif")
