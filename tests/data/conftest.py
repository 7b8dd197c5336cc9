"""What tests of data share: a cache folder of their own, small releases."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tifffile
from small_release import picture, report_text


@pytest.fixture(autouse=True)
def cache_of_the_test(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a cache folder of its own: nothing is remembered in the user's, and nothing is found there."""
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def release(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a small release in figshare's layout and returns its folder."""

    def write(number: int = 6, *, folder: Path = tmp_path / "dmid", images: bool = True) -> Path:
        (folder / "Reports/Reports").mkdir(parents=True)
        (folder / "TIFF Images/TIFF Images").mkdir(parents=True)
        for i in range(1, number + 1):
            text = report_text("ABCD"[i % 4], str(i % 5 + 1), f"finding {'of sorts ' * (i % 3)}number {i}")
            (folder / f"Reports/Reports/Img{i:03d}.txt").write_text(text)
            if images:
                tifffile.imwrite(folder / f"TIFF Images/TIFF Images/IMG{i:03d}.tif", picture(i))
        return folder

    return write
