import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from small_release import picture

from benchmark.data.decode import ImageError
from benchmark.data.image import ImageCache, ImageSettings, prepare
from benchmark.errors import UserError

pytestmark = pytest.mark.numeric


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "IMG001.tif"
    tifffile.imwrite(path, picture(1, 400, 300))
    return path


def test_the_convention_is_a_square_of_bytes_with_a_dark_background(image: Path) -> None:
    pixels = prepare(image, ImageSettings(size=96))
    assert pixels.shape == (96, 96)
    assert pixels.dtype == np.uint8
    assert pixels.max() > 90
    assert not pixels[:, :2].any()  # taller than wide: padded at both sides


def test_without_crop_it_is_a_letterbox_of_the_whole_as_pillow_resizes(image: Path) -> None:
    original = Image.fromarray(picture(1, 400, 300))
    expected = np.asarray(original.resize((72, 96), Image.Resampling.LANCZOS, reducing_gap=3.0))
    pixels = prepare(image, ImageSettings(size=96, crop=False))
    assert np.array_equal(pixels[:, 12:84], expected)
    assert not pixels[:, :12].any()
    assert not pixels[:, 84:].any()


def test_aspect_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    y, x = np.mgrid[:400, :800]
    Image.fromarray((((x - 400) ** 2 + (y - 200) ** 2 < 120**2) * 200).astype(np.uint8)).save(path)
    for crop in (True, False):
        disc = prepare(path, ImageSettings(size=128, crop=crop)) > 100
        assert abs(int(disc.any(axis=0).sum()) - int(disc.any(axis=1).sum())) <= 2


def test_flip_turns_every_breast_to_one_side(tmp_path: Path) -> None:
    left, right = tmp_path / "l.png", tmp_path / "r.png"
    Image.fromarray(picture(1, 400, 300)).save(left)
    Image.fromarray(picture(1, 400, 300)[:, ::-1]).save(right)
    settings = ImageSettings(size=96, flip=True)
    assert np.array_equal(prepare(left, settings), prepare(right, settings))
    still = ImageSettings(size=96)
    assert np.array_equal(prepare(right, still), prepare(left, still)[:, ::-1])


def test_a_picture_without_a_side_is_not_turned(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    even = np.zeros((40, 40), np.uint8)
    even[10:20, 5:35] = 200
    even[20:30, 5:20], even[20:30, 20:35] = 180, 170
    Image.fromarray(even).save(path)
    settings = ImageSettings(size=40, crop=False, flip=True)
    assert np.array_equal(prepare(path, settings), even)


def test_sizes_out_of_range_are_refused() -> None:
    with pytest.raises(UserError, match="16 to 8192"):
        ImageSettings(size=3)


def test_the_cache_gives_what_prepare_gives(image: Path, tmp_path: Path) -> None:
    settings = ImageSettings(size=64)
    cache = ImageCache(tmp_path / "cache", settings)
    loaded = cache.load(image)
    assert isinstance(loaded, np.memmap)
    assert np.array_equal(loaded, prepare(image, settings))
    with pytest.raises(ValueError, match="read-only"):
        loaded[0, 0] = 1


def test_an_entry_is_found_by_content_not_by_name_and_made_once(image: Path, tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "cache", ImageSettings(size=64))
    cache.load(image)
    entry = next((tmp_path / "cache").rglob("*.npy"))
    written = entry.stat().st_mtime_ns
    moved = tmp_path / "elsewhere" / "IMG999.tif"
    moved.parent.mkdir()
    shutil.copy(image, moved)
    assert cache.key(moved) == cache.key(image)
    ImageCache(tmp_path / "cache", ImageSettings(size=64)).load(moved)
    assert [p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*.npy")] == [written]


@pytest.mark.parametrize("change", [{"size": 65}, {"crop": False}, {"flip": True}])
def test_other_settings_are_another_entry(image: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    first = ImageCache(tmp_path, ImageSettings(size=64)).key(image)
    assert ImageCache(tmp_path, replace(ImageSettings(size=64), **change)).key(image) != first


def test_a_changed_image_is_another_entry(image: Path, tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "cache", ImageSettings(size=64))
    before = cache.load(image).copy()
    tifffile.imwrite(image, picture(2, 400, 300))
    assert not np.array_equal(cache.load(image), before)


DAMAGE = {
    "truncated": lambda b: b[: len(b) // 2],
    "one bit": lambda b: b[:300] + bytes([b[300] ^ 1]) + b[301:],
    "empty": lambda b: b"",
    "another thing": lambda b: b"x" * len(b),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("how", ["load", "warm"])
def test_a_damaged_entry_is_made_again(image: Path, tmp_path: Path, damage: Callable[..., Any], how: str) -> None:
    settings = ImageSettings(size=64)
    sound = ImageCache(tmp_path / "cache", settings).load(image).copy()
    entry = next((tmp_path / "cache").rglob("*.npy"))
    entry.write_bytes(damage(entry.read_bytes()))
    cache = ImageCache(tmp_path / "cache", settings)
    if how == "warm":
        assert cache.warm([image], jobs=1) == {}
    assert np.array_equal(cache.load(image), sound)
    assert np.array_equal(np.load(entry), sound)


def test_warm_prepares_all_names_the_damaged_and_tells_its_progress(tmp_path: Path) -> None:
    paths = []
    for i in range(6):
        paths.append(tmp_path / f"IMG{i:03d}.tif")
        tifffile.imwrite(paths[-1], picture(i, 200, 150))
    paths[2].write_bytes(b"II*\0")
    paths[4].unlink()
    calls = []
    cache = ImageCache(tmp_path / "cache", ImageSettings(size=64))
    problems = cache.warm(paths, jobs=2, progress=lambda done, total: calls.append((done, total)))
    assert list(problems) == [paths[2], paths[4]]
    assert calls[0] == (0, 6)
    assert calls[-1] == (6, 6)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 4
    assert not list((tmp_path / "cache").rglob("*.part"))
    for path in paths[:2]:
        assert np.array_equal(cache.load(path), prepare(path, cache.settings))


def test_loading_a_damaged_image_names_it(tmp_path: Path) -> None:
    path = tmp_path / "IMG001.tif"
    path.write_bytes(b"nothing")
    with pytest.raises(ImageError, match=r"IMG001\.tif"):
        ImageCache(tmp_path / "cache", ImageSettings()).load(path)


def test_processes_give_what_one_gives(tmp_path: Path) -> None:
    paths = []
    for i in range(4):
        paths.append(tmp_path / f"IMG{i:03d}.tif")
        tifffile.imwrite(paths[-1], picture(i, 200, 150))
    sequential, parallel = (ImageCache(tmp_path / name, ImageSettings(size=64)) for name in ("one", "two"))
    sequential.warm(paths, jobs=1)
    parallel.warm(paths, jobs=2)
    assert all(np.array_equal(sequential.load(p), parallel.load(p)) for p in paths)
