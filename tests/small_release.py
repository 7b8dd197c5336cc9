"""Reports and pictures in the release's manner, for tests to import."""

import numpy as np

NORMAL = (
    "Breast Composition:\nfibro fatty breast parenchyma (ACR {density})\n\nBIRADS: {birads}\n\nFindings:\n{findings}"
)


def report_text(density: str = "B", birads: str = "1", findings: str = "No abnormal soft opacity") -> str:
    """Return a report in the release's manner."""
    return NORMAL.format(density=density, birads=birads, findings=findings)


def picture(seed: int = 0, height: int = 40, width: int = 30) -> np.ndarray:
    """Return a bright half-disc at the left edge with some texture, uint8 [height, width]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    inside = ((y - height / 2) / (0.4 * height)) ** 2 + (x / (0.6 * width)) ** 2 < 1
    return np.where(inside, rng.integers(90, 200, (height, width)), 0).astype(np.uint8)
