"""A pen that draws with smooth lines and filled curves, for the sample catalog.

Its coordinates run from (-1, -1) at the top left to (1, 1) at the bottom right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from PIL import Image, ImageDraw

RGB = tuple[int, int, int]
Point = tuple[float, float]

CANVAS = 480  # pixels: three times the finished picture, so that shrinking smooths the edges

METALS: tuple[RGB, ...] = ((196, 200, 206), (214, 178, 106), (70, 72, 78))
RUBBER: RGB = (52, 52, 56)
LEATHER: RGB = (112, 72, 48)
PAPER: RGB = (250, 249, 245)


def tint(color: RGB, amount: float) -> RGB:
    """A color moved toward white (amount up to 1) or toward black (down to -1)."""
    target = 255 if amount > 0 else 0
    red, green, blue = (round(value + (target - value) * abs(amount)) for value in color)
    return red, green, blue


def accent(color: RGB) -> RGB:
    """A color that stands out against another."""
    return tint(color, 0.75) if sum(color) < 480 else tint(color, -0.6)


class Pen:
    """Draws on a transparent canvas."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (CANVAS, CANVAS))
        self._draw = ImageDraw.Draw(self.image)

    def _pixels(self, points: Iterable[Point]) -> list[Point]:
        return [((x + 1) * CANVAS / 2, (y + 1) * CANVAS / 2) for x, y in points]

    def line(self, points: Sequence[Point], fill: RGB, width: float) -> None:
        """A line with round joints and ends; `width` in the pen's coordinates."""
        stroke = width * CANVAS / 2
        pixels = self._pixels(points)
        self._draw.line(pixels, fill, round(stroke), joint="curve")
        for x, y in (pixels[0], pixels[-1]):
            self._draw.ellipse((x - stroke / 2, y - stroke / 2, x + stroke / 2, y + stroke / 2), fill)

    def shape(self, points: Sequence[Point], fill: RGB, edge: float = 0.02) -> None:
        """A filled outline with a darker edge."""
        self._draw.polygon(self._pixels(points), fill)
        if edge:
            self.line([*points, points[0]], tint(fill, -0.3), edge)

    def disc(self, center: Point, radius: float, fill: RGB, edge: float = 0.0, squeeze: float = 1.0) -> None:
        """A filled ellipse whose height is `squeeze` times its width."""
        self.shape(around(center, radius, squeeze=squeeze), fill, edge)

    def ring(self, center: Point, radius: float, fill: RGB, width: float) -> None:
        self.line(around(center, radius), fill, width)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """While it lasts, paint sticks only to what has been drawn already."""
        alpha = self.image.getchannel("A")
        yield
        self.image.putalpha(alpha)


def around(center: Point, radius: float, squeeze: float = 1.0, power: float = 2.0) -> list[Point]:
    """A closed curve: an ellipse for power 2, and the higher the power, the closer to a rounded rectangle."""
    points = []
    for step in range(73):
        cos, sin = math.cos(step * math.tau / 72), math.sin(step * math.tau / 72)
        x = math.copysign(abs(cos) ** (2 / power), cos)
        y = math.copysign(abs(sin) ** (2 / power), sin)
        points.append((center[0] + radius * x, center[1] + radius * squeeze * y))
    return points


def curve(*knots: Point, closed: bool = True) -> list[Point]:
    """A smooth line through the knots (Catmull-Rom)."""
    ring = [knots[-1], *knots, knots[0], knots[1]] if closed else [knots[0], *knots, knots[-1]]
    points = []
    for a, b, c, d in zip(ring, ring[1:], ring[2:], ring[3:], strict=False):
        for t in (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875):
            x, y = (
                0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)
                for p, q, r, s in zip(a, b, c, d, strict=True)
            )
            points.append((x, y))
    return points if closed else [*points, knots[-1]]


def polar(turn: float, radius: float) -> Point:
    """A point on a clock face: `turn` 0 is twelve o'clock, 0.25 is three o'clock."""
    return radius * math.sin(turn * math.tau), -radius * math.cos(turn * math.tau)
