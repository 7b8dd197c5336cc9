"""The findings of a phantom, painted into its tissue, each with the mask of what was painted."""

import numpy as np
from numpy.typing import NDArray

from benchmark.phantoms.anatomy import FloatImage, Tissue
from benchmark.phantoms.cases import Case
from benchmark.phantoms.maths import (
    angle,
    bell,
    between,
    cosine,
    direction,
    hypotenuse,
    logistic,
    sine,
    smooth_noise,
)
from benchmark.phantoms.truth import Kind

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
        """Paint an oval or gently lobed body with a sharp edge and a thin dark halo."""
        distance, _ = self._lobed(x, y, radius, wobble=0.05, flattening=self._between(0.72, 0.95))
        self._halo(distance, radius)
        self._body(distance, radius, level=0.76 + self.background, softness=max(1.2 * self.pixel, 0.005))
        return distance < 1

    def spiculated_mass(self, x: float, y: float, radius: float) -> Mask:
        """Paint an irregular dense core from which fine spicules radiate."""
        distance, turns = self._lobed(x, y, radius * 0.72, wobble=0.1, flattening=self._between(0.8, 1.0))
        self._spicules(distance * 0.72, turns, radius, count=30, reach=2.3, strength=0.36)
        ragged = distance + 0.1 * smooth_noise(self.rng, self.image.shape, 60)
        self._body(ragged, radius, level=0.86 + 0.5 * self.background, softness=0.3 * radius)
        return distance * 0.72 < 1

    def architectural_distortion(self, x: float, y: float, radius: float) -> Mask:
        """Paint long lines that converge on a point without a mass in it, and a lucent centre."""
        distance, turns = self._polar(x, y, radius)
        inside = np.clip(1.15 - distance, 0, 1) * self.tissue.breast
        self.image -= 0.1 * inside * bell(distance / 0.9)
        self._spicules(distance * 1.25, turns, radius * 0.8, count=21, reach=1.5, strength=0.42, hollow=0.16)
        return distance < 1

    def asymmetry(self, x: float, y: float, radius: float) -> Mask:
        """Paint a hazy patch of parenchyma where none is expected, without a border."""
        distance, _ = self._lobed(x, y, radius, wobble=0.12, flattening=0.8)
        haze = bell((distance / 0.75) ** 2) * self.tissue.breast
        texture = 1 + 0.16 * smooth_noise(self.rng, self.image.shape, 40)
        self.image += haze * (0.67 + self.background - self.image) * 0.8 * texture
        return distance < 1

    def calcification_cluster(self, x: float, y: float, radius: float) -> Mask:
        """Paint bright specks: grouped when the radius is small, strewn over a segment when it is large."""
        count = int(14 + 160 * radius)
        mask = np.zeros(self.image.shape, dtype=bool)
        distances, turns = np.sqrt(self.rng.random(count)).tolist(), self.rng.random(count).tolist()
        for distance, turn in zip(distances, turns, strict=True):
            across, down = direction(turn)
            at = x + 0.92 * radius * distance * across, y + 0.92 * radius * distance * down
            mask |= self._speck(*at, radius=self._between(0.0028, 0.0048))
        return self._polar(x, y, radius)[0] < 1 if mask.any() else mask

    def popcorn_calcification(self, x: float, y: float, radius: float) -> Mask:
        """Paint a coarse, lobed, very bright calcification, as of an old fibroadenoma."""
        mask = np.zeros(self.image.shape, dtype=bool)
        start = self._between(0, 0.16)
        for lobe in range(7):
            across, down = direction(start + lobe / 7)
            reach = radius * self._between(0.5, 0.66)
            mask |= self._speck(x + reach * across, y + reach * down, radius=radius * self._between(0.22, 0.34))
        return mask | self._speck(x, y, radius * 0.34)

    def vascular_calcification(self, x: float, y: float, radius: float) -> Mask:
        """Paint two parallel dotted lines along a winding artery."""
        along, across = self._turned(x, y, self._between(-0.08, 0.08))
        across = across - 0.009 * sine(along / 0.11 + self.rng.random())
        inside = (np.abs(along) < 0.95 * radius) & self.tissue.breast & (self.tissue.depth > 0.012)
        dots = np.clip(0.75 + 0.45 * smooth_noise(self.rng, self.image.shape, 60), 0, 1)
        walls = bell((np.abs(across) - 0.0052) / 0.0019) * dots
        walls = np.where(inside, walls, 0)
        self.image += (walls * np.clip(0.98 - self.image, 0, None)).astype(np.float32)
        return inside & (np.abs(across) < 0.0085)

    def axillary_node(self, x: float, y: float, radius: float) -> Mask:
        """Paint a bean with a fatty hilum, over the pectoral muscle."""
        along, across = self._turned(x, y, self._between(0.08, 0.175))
        distance = hypotenuse(along, across / 0.62) / radius
        self._body(distance, radius, level=0.86, softness=1.5 * self.pixel)
        hilum = hypotenuse(along / 0.5, (across - 0.22 * radius) / 0.26) / radius
        inside = np.clip((1 - hilum) * radius / (2 * self.pixel), 0, 1)
        self.image += (inside * (0.45 - self.image) * 0.85).astype(np.float32)
        return distance < 1

    def skin_thickening(self, x: float, y: float, radius: float) -> Mask:
        """Paint a stretch of skin several times as thick as elsewhere."""
        near = bell(self._polar(x, y, 1.6 * radius)[0] ** 2)
        thick = near * logistic((0.019 - self.tissue.depth) / 0.0025) * self.tissue.breast
        self.image += (thick * np.clip(0.78 - self.image, 0, None)).astype(np.float32)
        return thick > 0.5

    def nipple_retraction(self, x: float, y: float, radius: float) -> Mask:
        """Return the place of a nipple that was drawn in with the outline."""
        return (self._polar(x, y, radius)[0] < 1) & self.tissue.breast

    def _between(self, low: float, high: float) -> float:
        return between(self.rng, low, high)

    def _polar(self, x: float, y: float, radius: float) -> tuple[FloatImage, FloatImage]:
        """Return the distance from a point in radii, and angle in turns."""
        dx, dy = self.tissue.x - x, self.tissue.y - y
        return hypotenuse(dx, dy) / radius, angle(dy, dx)

    def _turned(self, x: float, y: float, turns: float) -> tuple[FloatImage, FloatImage]:
        """Return distances from a point along a direction, and across it."""
        dx, dy = self.tissue.x - x, self.tissue.y - y
        cos, sin = direction(turns)
        return dx * cos + dy * sin, dy * cos - dx * sin

    def _lobed(
        self, x: float, y: float, radius: float, wobble: float, flattening: float
    ) -> tuple[FloatImage, FloatImage]:
        """Return what `_polar` does, for an oval whose outline is wavy: the distance is 1 on the outline."""
        along, across = self._turned(x, y, self._between(0, 0.5))
        across = across / flattening
        turns = angle(across, along)
        shape = np.full_like(turns, 1 - wobble)
        for order in (2, 3, 5):
            shape = shape + wobble * self._between(0.3, 0.8) * cosine(order * turns + self.rng.random())
        return hypotenuse(along, across) / (radius * shape), turns

    def _body(self, distance: FloatImage, radius: float, level: float, softness: float) -> None:
        """Fill an outline up to a level of brightness, rounded towards its edge."""
        fill = np.clip((1 - distance) * radius / softness + 0.5, 0, 1) * self.tissue.breast
        dome = level - 0.1 * np.clip(distance, 0, 1) ** 2
        self.image += (fill * 0.88 * np.clip(dome - self.image, 0, None)).astype(np.float32)

    def _halo(self, distance: FloatImage, radius: float) -> None:
        """Paint a thin dark rim around an outline."""
        rim = bell((distance - 1) * radius / 0.006) * self.tissue.breast
        self.image -= (0.06 * rim).astype(np.float32)

    def _spicules(
        self,
        distance: FloatImage,
        turns: FloatImage,
        radius: float,
        count: int,
        reach: float,
        strength: float,
        hollow: float = 0.0,
    ) -> None:
        """Paint fine lines that leave a centre in all directions and thin out."""
        near = distance < reach
        rays = np.zeros(int(near.sum()), dtype=np.float32)
        at, towards = distance[near], turns[near]
        wave_cos, wave_sin = cosine(1.1 * at), sine(1.1 * at)
        for ray in range(count):
            heading = ray / count + self._between(-0.032, 0.032)
            length = reach * self._between(0.55, 1.0)
            cos, sin = direction(self.rng.random())
            bend = self._between(-0.019, 0.019) * at + 0.0032 * (wave_sin * cos + wave_cos * sin)
            swerve = towards - heading - bend
            swerve = np.abs(swerve - np.rint(swerve)) * (2 * np.pi)
            width = self._between(0.0018, 0.003) * (1 + 0.8 * np.clip(1 - at / length, 0, 1)) / radius
            fade = np.clip((length - at) / (0.6 * length), 0, 1) * self._between(0.7, 1.0)
            line = bell(swerve * at / width) * fade
            rays = np.maximum(rays, line * (swerve < 1.2))
        if hollow:
            rays = rays * np.clip(at / hollow - 1, 0, 1)
        values = self.image[near]
        lift = strength * rays * self.tissue.breast[near]
        self.image[near] = np.maximum(values, np.minimum(values + lift, 0.92))

    def _speck(self, x: float, y: float, radius: float) -> Mask:
        """Paint a calcification: a small disc near white."""
        radius = max(radius, 1.2 * self.pixel)
        size = self.case.height
        rows = slice(max(0, int((y - 2 * radius) * size)), max(0, int((y + 2 * radius) * size) + 2))
        columns = slice(max(0, int((x - 2 * radius) * size)), max(0, int((x + 2 * radius) * size) + 2))
        distance = hypotenuse(self.tissue.x[:, columns] - x, self.tissue.y[rows] - y) / radius
        fill = np.clip((1 - distance) * radius / self.pixel + 0.5, 0, 1) * self.tissue.breast[rows, columns]
        patch = self.image[rows, columns]
        self.image[rows, columns] = np.maximum(patch, patch + fill * (0.99 - patch))
        mask = np.zeros(self.image.shape, dtype=bool)
        mask[rows, columns] = fill > 0.5
        return mask
