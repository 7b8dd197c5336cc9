"""What tests of data share: a cache folder of their own, the real sample where there is one, small releases."""

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

NORMAL = (
    "Breast Composition:\nfibro fatty breast parenchyma (ACR {density})\n\nBIRADS: {birads}\n\nFindings:\n{findings}"
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Nothing that a test computes is remembered in the user's cache, and nothing is found there."""
    monkeypatch.setenv("AMRG_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def sample() -> Path:
    """The real sample of DMID beside the checkout."""
    shared = Path(os.environ.get("AMRG_SHARED") or Path(__file__).resolve().parents[2].parent / "shared")
    folder = shared / "dmid-sample"
    if not folder.is_dir():
        pytest.skip("the sample of DMID is not here")
    return folder


def report_text(density: str = "B", birads: str = "1", findings: str = "No abnormal soft opacity") -> str:
    """A report in the release's manner."""
    return NORMAL.format(density=density, birads=birads, findings=findings)


def picture(seed: int = 0, height: int = 40, width: int = 30) -> np.ndarray:
    """A bright half-disc at the left edge with some texture, uint8 [height, width]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    inside = ((y - height / 2) / (0.4 * height)) ** 2 + (x / (0.6 * width)) ** 2 < 1
    return np.where(inside, rng.integers(90, 200, (height, width)), 0).astype(np.uint8)


@pytest.fixture
def release(tmp_path):
    """A function that writes a small release in figshare's layout and returns its folder."""

    def write(number: int = 6, *, folder: Path = tmp_path / "dmid", images=True) -> Path:
        (folder / "Reports/Reports").mkdir(parents=True)
        (folder / "TIFF Images/TIFF Images").mkdir(parents=True)
        for i in range(1, number + 1):
            text = report_text("ABCD"[i % 4], str(i % 5 + 1), f"finding {'of sorts ' * (i % 3)}number {i}")
            (folder / f"Reports/Reports/Img{i:03d}.txt").write_text(text)
            if images:
                tifffile.imwrite(folder / f"TIFF Images/TIFF Images/IMG{i:03d}.tif", picture(i))
        return folder

    return write
