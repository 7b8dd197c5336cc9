"""The outline of a phantom breast: skin, nipple and pectoral muscle as curves, in units of the image's height."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmark.data.study import View
from benchmark.phantoms.maths import bell, between, cosine, power

ASPECT = 4750 / 6000  # width by height of DMID's full-field images


@dataclass(frozen=True)
class Outline:
    """Where skin, nipple and pectoral muscle run, chest wall at x = 0, top at y = 0; lengths in image heights.

    Attributes:
        view: CC or MLO.
        length: from the chest wall to the skin at the nipple.
        nipple_y: height at which the nipple lies.
        top: y where the breast meets the chest wall above (CC), or 0 (MLO, where the axilla leaves the image).
        bottom: y where it meets the chest wall below.
        shoulder: width of the axilla at the image's upper edge; 0 in CC.
        neck: how far the outline narrows between axilla and breast; 0 in CC.
        fullness: exponent of the curve; 2 is an ellipse, more is fuller.
        pectoral_x: where the muscle's edge leaves the image above; 0 in CC.
        pectoral_y: where it meets the chest wall; 0 in CC.
        retraction: how far the nipple is drawn in; 0 where it isn't.
    """

    view: View
    length: float
    nipple_y: float
    top: float
    bottom: float
    shoulder: float = 0.0
    neck: float = 0.0
    fullness: float = 2.2
    pectoral_x: float = 0.0
    pectoral_y: float = 0.0
    retraction: float = 0.0

    def edge(self, y: NDArray[np.floating] | float) -> NDArray[np.floating]:
        """Return the x of the skin at each height `y`; 0 above and below the breast."""
        y = np.asarray(y, dtype=np.float64)
        above = y < self.nipple_y
        reach = np.where(above, self.nipple_y - self.top, self.bottom - self.nipple_y)
        t = np.clip(np.abs(y - self.nipple_y) / reach, 0, 1)
        curve = np.sqrt(np.clip(1 - power(t, self.fullness), 0, None))
        if self.view == "CC":
            x = self.length * curve
        else:
            swell = 0.5 * (1 + cosine(0.5 * power(t, 0.9)))
            upper = self.shoulder + (self.length - self.shoulder) * swell
            upper = upper - self.neck * bell((y - 0.2) / 0.08)
            x = np.where(above, upper, self.length * curve)
        return x - self.retraction * bell((y - self.nipple_y) / 0.035)

    def pectoral_edge(self, y: NDArray[np.floating] | float) -> NDArray[np.floating]:
        """Return the x of the pectoral muscle's edge at each height `y`, slightly convex; 0 where there is none."""
        y = np.asarray(y, dtype=np.float64)
        if self.pectoral_y == 0:
            return np.zeros_like(y)
        t = np.clip(y / self.pectoral_y, 0, 1)
        return self.pectoral_x * (1 - t) * (1 + 0.35 * t)

    def point(
        self, quadrant: Literal["above", "below", "behind"], height: float, depth: float, radius: float
    ) -> tuple[float, float]:
        """Return a point `(x, y)` in a quadrant that keeps a lesion of `radius` under the skin.

        Args:
            quadrant: above or below the nipple's level, or right behind the nipple.
            height: 0 (near the nipple's level) to 1 (near the quadrant's far side).
            depth: 0 (near the chest wall) to 1 (near the skin).
            radius: of the lesion.
        """
        if quadrant == "behind":
            y = self.nipple_y + 0.03 * (height - 0.5)
            return self.length - self.retraction - 0.03 - radius * 1.1, y
        if quadrant == "below":
            reach = self.bottom - self.nipple_y
            y = self.nipple_y + reach * (0.36 + 0.2 * height)
        else:
            reach = self.nipple_y - (self.top if self.view == "CC" else 0.25)
            y = self.nipple_y - reach * (0.38 + 0.22 * height)
        limit = float(np.min(self.edge(np.array([y - radius, y, y + radius])))) - radius - 0.025
        floor = max(0.02 + radius * 0.9, float(self.pectoral_edge(y)) * 0.6)
        return floor + max(limit - floor, 0.0) * (0.15 + 0.8 * depth), y

    def retracted(self, depth: float) -> "Outline":
        """Return the same breast with its nipple drawn in by `depth`."""
        return replace(self, retraction=depth)


def draw_outline(rng: np.random.Generator, view: View, build: float) -> Outline:
    """Draw an outline of a breast whose size is `build` (0 small … 1 large); CC and MLO of one breast share it."""
    length = 0.33 + 0.13 * build + between(rng, -0.015, 0.015)
    if view == "CC":
        middle = 0.5 + between(rng, -0.04, 0.04)
        half = 0.27 + 0.09 * build + between(rng, -0.015, 0.015)
        return Outline(
            view="CC",
            length=length,
            nipple_y=middle,
            top=middle - half * between(rng, 0.98, 1.08),
            bottom=middle + half * between(rng, 0.95, 1.05),
            fullness=between(rng, 1.75, 2.2),
        )
    nipple_y = 0.6 + between(rng, -0.03, 0.03)
    return Outline(
        view="MLO",
        length=length,
        nipple_y=nipple_y,
        top=0.0,
        bottom=min(nipple_y + 0.21 + 0.07 * build + between(rng, -0.01, 0.02), 0.96),
        shoulder=length * between(rng, 0.58, 0.72),
        neck=between(rng, 0.0, 0.03),
        fullness=between(rng, 2.0, 2.5),
        pectoral_x=length * between(rng, 0.46, 0.6),
        pectoral_y=nipple_y * between(rng, 0.82, 1.05),
    )
