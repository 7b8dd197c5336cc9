"""The findings of a phantom, painted into its tissue, each with the mask of what was painted."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from benchmark.data.phantom_anatomy import FloatImage, Tissue, smooth_noise
from benchmark.data.phantom_cases import Case
from benchmark.data.phantom_truth import Kind

Mask = NDArray[np.bool_]


class Brush:
    """Paints findings onto the tissue of one case; lengths in image heights.

    Attributes:
        image: [height, width] float32, changed in place by each method.
        pixel: the side of one.
        background: how much brighter than in fat a finding has to be to be seen in the parenchyma around it.
    """

    def __init__(self, case: Case, tissue: Tissue, rng: np.random.Generator) -> None:
        self.case, self.tissue, self.rng = case, tissue, rng
        self.image = tissue.image
        self.pixel = 1 / case.height
        self.background = {"A": 0.0, "B": 0.0, "C": 0.05, "D": 0.09}[case.truth.density]

    def paint(self, kind: Kind, x: float, y: float, radius: float) -> Mask:
        """Paint a finding of `kind` and return its mask, [height, width] bool."""
        return getattr(self, kind)(x, y, radius)

    def circumscribed_mass(self, x: float, y: float, radius: float) -> Mask:
        """An oval or gently lobed body with a sharp edge and a thin dark halo."""
        distance, _ = self._lobed(x, y, radius, wobble=0.05, flattening=self.rng.uniform(0.72, 0.95))
        self._halo(distance, radius)
        self._body(distance, radius, level=0.76 + self.background, softness=max(1.2 * self.pixel, 0.005))
        return distance < 1

    def spiculated_mass(self, x: float, y: float, radius: float) -> Mask:
        """An irregular dense core from which fine spicules radiate."""
        distance, angle = self._lobed(x, y, radius * 0.72, wobble=0.1, flattening=self.rng.uniform(0.8, 1.0))
        self._spicules(distance * 0.72, angle, radius, count=30, reach=2.3, strength=0.36)
        ragged = distance + 0.1 * smooth_noise(self.rng, self.image.shape, 60)
        self._body(ragged, radius, level=0.86 + 0.5 * self.background, softness=0.3 * radius)
        return distance * 0.72 < 1

    def architectural_distortion(self, x: float, y: float, radius: float) -> Mask:
        """Long lines that converge on a point without a mass in it, and a lucent centre."""
        distance, angle = self._polar(x, y, radius)
        inside = np.clip(1.15 - distance, 0, 1) * self.tissue.breast
        self.image -= 0.1 * inside * np.exp(-((distance / 0.9) ** 2))
        self._spicules(distance * 1.25, angle, radius * 0.8, count=21, reach=1.5, strength=0.42, hollow=0.16)
        return distance < 1

    def asymmetry(self, x: float, y: float, radius: float) -> Mask:
        """A hazy patch of parenchyma where none is expected, without a border."""
        distance, _ = self._lobed(x, y, radius, wobble=0.12, flattening=0.8)
        haze = np.exp(-((distance / 0.75) ** 4)) * self.tissue.breast
        texture = 1 + 0.16 * smooth_noise(self.rng, self.image.shape, 40)
        self.image += haze * (0.67 + self.background - self.image) * 0.8 * texture
        return distance < 1

    def calcification_cluster(self, x: float, y: float, radius: float) -> Mask:
        """Bright specks: grouped when the radius is small, strewn over a segment when it is large."""
        count = int(14 + 160 * radius)
        mask = np.zeros(self.image.shape, dtype=bool)
        for distance, angle in zip(np.sqrt(self.rng.random(count)), self.rng.uniform(0, 2 * np.pi, count), strict=True):
            at = x + 0.92 * radius * distance * np.cos(angle), y + 0.92 * radius * distance * np.sin(angle)
            mask |= self._speck(*at, radius=self.rng.uniform(0.0028, 0.0048))
        return self._polar(x, y, radius)[0] < 1 if mask.any() else mask

    def popcorn_calcification(self, x: float, y: float, radius: float) -> Mask:
        """A coarse, lobed, very bright calcification, as of an old fibroadenoma."""
        mask = np.zeros(self.image.shape, dtype=bool)
        for angle in np.linspace(0, 2 * np.pi, 7, endpoint=False) + self.rng.uniform(0, 1):
            reach = radius * self.rng.uniform(0.5, 0.66)
            at = x + reach * np.cos(angle), y + reach * np.sin(angle)
            mask |= self._speck(*at, radius=radius * self.rng.uniform(0.22, 0.34))
        return mask | self._speck(x, y, radius * 0.34)

    def vascular_calcification(self, x: float, y: float, radius: float) -> Mask:
        """Two parallel dotted lines along a winding artery."""
        tilt = self.rng.uniform(-0.5, 0.5)
        along = (self.tissue.x - x) * np.cos(tilt) + (self.tissue.y - y) * np.sin(tilt)
        across = (self.tissue.y - y) * np.cos(tilt) - (self.tissue.x - x) * np.sin(tilt)
        across = across - 0.009 * np.sin(2 * np.pi * along / 0.11 + self.rng.uniform(0, 6))
        inside = (np.abs(along) < 0.95 * radius) & self.tissue.breast & (self.tissue.depth > 0.012)
        dots = np.clip(0.75 + 0.45 * smooth_noise(self.rng, self.image.shape, 60), 0, 1)
        walls = np.exp(-(((np.abs(across) - 0.0052) / 0.0019) ** 2)) * dots
        walls = np.where(inside, walls, 0)
        self.image += (walls * np.clip(0.98 - self.image, 0, None)).astype(np.float32)
        return inside & (np.abs(across) < 0.0085)

    def axillary_node(self, x: float, y: float, radius: float) -> Mask:
        """A bean with a fatty hilum, over the pectoral muscle."""
        tilt = self.rng.uniform(0.5, 1.1)
        dx, dy = self.tissue.x - x, self.tissue.y - y
        along = dx * np.cos(tilt) + dy * np.sin(tilt)
        across = dy * np.cos(tilt) - dx * np.sin(tilt)
        distance = np.hypot(along, across / 0.62) / radius
        self._body(distance, radius, level=0.86, softness=1.5 * self.pixel)
        hilum = np.hypot(along / 0.5, (across - 0.22 * radius) / 0.26) / radius
        inside = np.clip((1 - hilum) * radius / (2 * self.pixel), 0, 1)
        self.image += (inside * (0.45 - self.image) * 0.85).astype(np.float32)
        return distance < 1

    def skin_thickening(self, x: float, y: float, radius: float) -> Mask:
        """A stretch of skin several times as thick as elsewhere."""
        near = np.exp(-((np.hypot(self.tissue.x - x, self.tissue.y - y) / (1.6 * radius)) ** 4))
        thick = near * special.expit((0.019 - self.tissue.depth) / 0.0025) * self.tissue.breast
        self.image += (thick * np.clip(0.78 - self.image, 0, None)).astype(np.float32)
        return thick > 0.5

    def nipple_retraction(self, x: float, y: float, radius: float) -> Mask:
        """Drawn with the outline; here only its place is known."""
        return (self._polar(x, y, radius)[0] < 1) & self.tissue.breast

    def _polar(self, x: float, y: float, radius: float) -> tuple[FloatImage, FloatImage]:
        """Distance from a point in radii, and angle."""
        dx, dy = self.tissue.x - x, self.tissue.y - y
        return np.hypot(dx, dy) / np.float32(radius), np.arctan2(dy, dx)

    def _lobed(
        self, x: float, y: float, radius: float, wobble: float, flattening: float
    ) -> tuple[FloatImage, FloatImage]:
        """As `_polar`, for an oval whose outline is wavy: the distance is 1 on the outline."""
        tilt = self.rng.uniform(0, np.pi)
        dx, dy = self.tissue.x - x, self.tissue.y - y
        along = dx * np.cos(tilt) + dy * np.sin(tilt)
        across = (dy * np.cos(tilt) - dx * np.sin(tilt)) / flattening
        angle = np.arctan2(across, along)
        shape = 1 - wobble
        for order in (2, 3, 5):
            shape = shape + wobble * self.rng.uniform(0.3, 0.8) * np.cos(order * angle + self.rng.uniform(0, 6))
        return np.hypot(along, across) / (radius * shape), angle

    def _body(self, distance: FloatImage, radius: float, level: float, softness: float) -> None:
        """Fill an outline up to a level of brightness, rounded towards its edge."""
        fill = np.clip((1 - distance) * radius / softness + 0.5, 0, 1) * self.tissue.breast
        dome = level - 0.1 * np.clip(distance, 0, 1) ** 2
        self.image += (fill * 0.88 * np.clip(dome - self.image, 0, None)).astype(np.float32)

    def _halo(self, distance: FloatImage, radius: float) -> None:
        """A thin dark rim around an outline."""
        rim = np.exp(-(((distance - 1) * radius / 0.006) ** 2)) * self.tissue.breast
        self.image -= (0.06 * rim).astype(np.float32)

    def _spicules(
        self,
        distance: FloatImage,
        angle: FloatImage,
        radius: float,
        count: int,
        reach: float,
        strength: float,
        hollow: float = 0.0,
    ) -> None:
        """Fine lines that leave a centre in all directions and thin out."""
        near = distance < reach
        rays = np.zeros(int(near.sum()), dtype=np.float32)
        at, towards = distance[near], angle[near]
        for direction in np.linspace(0, 2 * np.pi, count, endpoint=False):
            direction = direction + self.rng.uniform(-0.2, 0.2)
            length = reach * self.rng.uniform(0.55, 1.0)
            bend = self.rng.uniform(-0.12, 0.12) * at + 0.02 * np.sin(7 * at + self.rng.uniform(0, 6))
            swerve = np.abs((towards - direction - bend + np.pi) % (2 * np.pi) - np.pi)
            width = self.rng.uniform(0.0018, 0.003) * (1 + 0.8 * np.clip(1 - at / length, 0, 1)) / radius
            fade = np.clip((length - at) / (0.6 * length), 0, 1) * self.rng.uniform(0.7, 1.0)
            line = np.exp(-((swerve * at / width) ** 2)) * fade
            rays = np.maximum(rays, line * (swerve < 1.2))
        if hollow:
            rays = rays * np.clip(at / hollow - 1, 0, 1)
        values = self.image[near]
        lift = strength * rays * self.tissue.breast[near]
        self.image[near] = np.maximum(values, np.minimum(values + lift, 0.92))

    def _speck(self, x: float, y: float, radius: float) -> Mask:
        """A calcification: a small disc near white."""
        radius = max(radius, 1.2 * self.pixel)
        size = self.case.height
        rows = slice(max(0, int((y - 2 * radius) * size)), max(0, int((y + 2 * radius) * size) + 2))
        columns = slice(max(0, int((x - 2 * radius) * size)), max(0, int((x + 2 * radius) * size) + 2))
        distance = np.hypot(self.tissue.x[:, columns] - x, self.tissue.y[rows] - y) / radius
        fill = np.clip((1 - distance) * radius / self.pixel + 0.5, 0, 1) * self.tissue.breast[rows, columns]
        patch = self.image[rows, columns]
        self.image[rows, columns] = np.maximum(patch, patch + fill * (0.99 - patch))
        mask = np.zeros(self.image.shape, dtype=bool)
        mask[rows, columns] = fill > 0.5
        return mask
