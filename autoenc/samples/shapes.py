"""The four objects of the sample catalog, drawn with lines and curves.

Each function takes a pen, a random generator and the main color, draws one object and returns its (style, detail).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from autoenc.samples.pen import LEATHER, METALS, PAPER, RGB, RUBBER, Pen, accent, around, curve, polar, tint


def _watch(pen: Pen, rng: Random, color: RGB) -> tuple[str, str]:
    style, detail = rng.choice(("round", "square")), rng.choice(("stitched strap", "link strap", "sport strap"))
    metal = rng.choice(METALS)
    width, case = rng.uniform(0.24, 0.31), rng.uniform(0.40, 0.47)
    for side in (-1, 1):
        end = side * rng.uniform(0.92, 0.97)
        pen.shape([(-width, 0), (width, 0), (width * 0.72, end), (-width * 0.72, end)], color, 0.025)
        for step in range(6):
            y = side * (0.52 + step * 0.08)
            if detail == "link strap":
                pen.line([(-width * 0.8, y), (width * 0.8, y)], tint(color, -0.4), 0.02)
            elif detail == "sport strap" and side == 1:
                pen.disc((0, y), 0.025, tint(color, -0.5))
            elif detail == "stitched strap":
                for x in (-0.62, 0.62):
                    pen.line([(width * x, y), (width * x, y + side * 0.035)], accent(color), 0.02)
    pen.line([(case, 0), (case + 0.07, 0)], tint(metal, -0.2), 0.1)
    power = 2.0 if style == "round" else rng.uniform(4.5, 7)
    pen.shape(around((0, 0), case, power=power), metal, 0.03)
    dial = rng.choice((PAPER, RUBBER, color, tint(color, 0.6)))
    pen.shape(around((0, 0), case * 0.83, power=power), dial, 0.02)
    ink = accent(dial)
    marks = rng.choice((4, 12))
    inner, width = (0.52, 0.035) if marks == 4 else (0.62, 0.022)
    for mark in range(marks):
        pen.line([polar(mark / marks, case * inner), polar(mark / marks, case * 0.72)], ink, width)
    hour, minute = rng.random(), rng.random()
    pen.line([(0, 0), polar(hour, case * 0.38)], ink, 0.05)
    pen.line([(0, 0), polar(minute, case * 0.58)], ink, 0.033)
    pen.disc((0, 0), 0.035, metal)
    return style, detail


def _t_shirt(pen: Pen, rng: Random, color: RGB) -> tuple[str, str]:
    style, detail = rng.choice(("short sleeves", "long sleeves")), rng.choice(("plain", "stripes", "print", "pocket"))
    waist, hem, neck = rng.uniform(0.38, 0.46), rng.uniform(0.68, 0.84), rng.uniform(0.15, 0.2)
    cuff_out, cuff_in = ((0.86, 0.62), (0.68, 0.68)) if style == "long sleeves" else ((0.86, -0.22), (0.62, -0.06))
    for side in (-1, 1):
        sleeve = [(0.34, -0.66), (0.56, -0.58), cuff_out, cuff_in, (0.42, -0.22)]
        pen.shape([(side * x, y) for x, y in sleeve], tint(color, -0.06), 0.025)
    half = [(neck, -0.74), (0.46, -0.63), (0.44, -0.2), (waist, 0.3), (waist + 0.03, hem)]
    body = [*half, *[(-x, y) for x, y in reversed(half)]]
    pen.shape(body, color, 0.0)
    ink = rng.choice((accent(color), PAPER if sum(color) < 560 else RUBBER))
    if detail == "stripes":
        gap = rng.uniform(0.14, 0.2)
        rows = [-0.5 + gap * step for step in range(12)]
        with pen.inside():
            for y in rows:
                pen.line([(-1, y), (1, y)], ink, gap * 0.4)
    elif detail == "print":
        points = rng.choice((5, 6, 8))
        size, inner = rng.uniform(0.18, 0.25), rng.uniform(0.45, 0.95)
        star = [polar(i / points / 2, size * (inner if i % 2 else 1)) for i in range(points * 2)]
        pen.shape([(x, y - 0.12) for x, y in star], ink, 0.0)
    elif detail == "pocket":
        pen.shape([(0.1, -0.3), (0.33, -0.3), (0.33, -0.06), (0.21, 0), (0.1, -0.06)], tint(color, -0.12), 0.02)
    pen.line([*half[1:], *[(-x, y) for x, y in reversed(half[1:])]], tint(color, -0.3), 0.022)
    depth = rng.choice((0.1, 0.2))
    collar = curve(
        (-neck, -0.75),
        (-neck * 0.6, -0.75 + depth * 0.75),
        (0, -0.75 + depth),
        (neck * 0.6, -0.75 + depth * 0.75),
        (neck, -0.75),
        closed=False,
    )
    pen.shape(collar, tint(color, -0.45), 0.0)
    pen.line(collar, tint(color, -0.2), 0.05)
    for x in (-0.24, 0.2):
        pen.line([(x, hem - 0.32), (x * 1.25, hem - 0.06)], tint(color, -0.13), 0.018)
    return style, detail


def _bicycle(pen: Pen, rng: Random, color: RGB) -> tuple[str, str]:
    style = rng.choice(("road", "city", "mountain"))
    detail = rng.choice(("no extras", "mudguards", "basket"))
    tire = {"road": 0.045, "city": 0.06, "mountain": 0.1}[style]
    radius = rng.uniform(0.35, 0.4)
    rear, front, hub = (-0.55, 0.3), (0.55, 0.3), (-0.1, 0.32)
    seat, head = (-0.24, -0.24), (0.36, -0.3 + rng.uniform(-0.04, 0.04))
    for wheel in (rear, front):
        for spoke in range(7):
            reach = polar(spoke / 14 + 0.02, radius)
            ends = [(wheel[0] - reach[0], wheel[1] - reach[1]), (wheel[0] + reach[0], wheel[1] + reach[1])]
            pen.line(ends, (168, 170, 176), 0.012)
        pen.ring(wheel, radius, RUBBER, tire)
        pen.ring(wheel, radius - tire / 2, (176, 178, 184), 0.018)
        if detail == "mudguards":
            guard = [polar(turn / 40 - 0.28, radius + 0.075) for turn in range(17)]
            pen.line([(wheel[0] + x, wheel[1] + y) for x, y in guard], tint(color, -0.2), 0.03)
        pen.disc(wheel, 0.04, METALS[2])
    tube = 0.085 if style == "mountain" else 0.065
    pen.line([rear, hub], (96, 98, 104), 0.03)
    pen.line([rear, seat], tint(color, -0.15), tube * 0.7)
    pen.line([rear, hub], tint(color, -0.15), tube * 0.7)
    fork = (head[0] + 0.045, head[1] + 0.12)
    pen.line([head, fork, front], tint(color, -0.1), tube * 0.8)
    pen.line([hub, (seat[0] - 0.03, seat[1] - 0.1)], color, tube)
    pen.line([hub, fork], color, tube)
    low = (-0.17, 0.06) if style == "city" else (seat[0] + 0.01, seat[1] + 0.02)
    pen.line([low, (head[0] + 0.015, head[1] + 0.05)], color, tube)
    pen.line([(seat[0] - 0.03, seat[1] - 0.1), (seat[0] - 0.045, seat[1] - 0.18)], METALS[0], 0.04)
    saddle = (seat[0] - 0.05, seat[1] - 0.2)
    pen.line(
        [(saddle[0] - 0.13, saddle[1] - 0.01), (saddle[0] + 0.02, saddle[1]), (saddle[0] + 0.15, saddle[1])],
        rng.choice((RUBBER, LEATHER)),
        0.07,
    )
    top = (head[0] - 0.035, head[1] - 0.14)
    pen.line([head, top], METALS[0], 0.045)
    bars = {
        "road": [top, (0.16, 0), (0.22, 0.07), (0.19, 0.16), (0.09, 0.17)],
        "city": [top, (0.02, -0.05), (-0.1, -0.06), (-0.2, -0.01)],
        "mountain": [(top[0] - 0.09, top[1] + 0.02), (0.2, -0.03)],
    }[style]
    pen.line([bars[0], *[(top[0] + x, top[1] + y) for x, y in bars[1:]]], RUBBER, 0.05)
    if detail == "basket":
        x, y = head[0] + 0.12, head[1] - 0.06
        pen.shape([(x, y), (x + 0.32, y), (x + 0.27, y + 0.24), (x + 0.05, y + 0.24)], (186, 142, 92), 0.025)
        for step in (0.08, 0.16):
            pen.line([(x + 0.03, y + step), (x + 0.29, y + step)], (140, 100, 60), 0.015)
    pen.disc(hub, 0.085, METALS[2])
    pen.disc(hub, 0.04, METALS[0])
    crank = polar(rng.random(), 0.15)
    for side in (-1, 1):
        pedal = (hub[0] + side * crank[0], hub[1] + side * crank[1])
        pen.line([hub, pedal], METALS[0], 0.03)
        pen.line([(pedal[0] - 0.05, pedal[1]), (pedal[0] + 0.05, pedal[1])], RUBBER, 0.04)
    return style, detail


def _shoe(pen: Pen, rng: Random, color: RGB) -> tuple[str, str]:
    style = rng.choice(("sneaker", "boot", "heel"))
    return style, {"sneaker": _sneaker, "boot": _boot, "heel": _heel}[style](pen, rng, color)


def _sneaker(pen: Pen, rng: Random, color: RGB) -> str:
    detail, top = rng.choice(("plain", "side stripes", "toe cap")), rng.uniform(-0.4, -0.28)
    upper = curve(
        (-0.8, top + 0.02),
        (-0.62, top + 0.07),
        (-0.4, top + 0.1),
        (-0.16, top - 0.02),
        (0.02, top + 0.16),
        (0.3, 0.02),
        (0.62, 0.1),
        (0.86, 0.24),
        (0.9, 0.42),
        (0, 0.46),
        (-0.82, 0.42),
        (-0.78, 0.1),
    )
    pen.shape(upper, color, 0.025)
    if detail == "toe cap":
        with pen.inside():
            pen.disc((0.86, 0.42), 0.3, accent(color))
    elif detail == "side stripes":
        for x in (-0.36, -0.18, 0.0):
            pen.line([(x + 0.1, 0.06), (x - 0.06, 0.38)], accent(color), 0.06)
    pen.line(curve((-0.7, top + 0.06), (-0.62, top + 0.3), (-0.72, 0.36), closed=False), tint(color, -0.3), 0.022)
    for step in range(4):
        x, y = -0.04 + step * 0.125, top + 0.2 + step * (0.02 - top) / 4.6
        pen.line([(x - 0.1, y + 0.1), (x + 0.06, y - 0.04)], accent(color), 0.038)
    sole = rng.choice((PAPER, RUBBER, (206, 168, 118)))
    height = rng.uniform(0.1, 0.18)
    pen.shape(
        curve(
            (-0.86, 0.4),
            (0, 0.42),
            (0.9, 0.38),
            (0.96, 0.42),
            (0.9, 0.4 + height),
            (0, 0.42 + height),
            (-0.84, 0.4 + height),
        ),
        sole,
    )
    return detail


def _boot(pen: Pen, rng: Random, color: RGB) -> str:
    detail, top = rng.choice(("laces", "buckle", "elastic")), rng.uniform(-0.86, -0.5)
    leg = curve(
        (-0.66, top),
        (-0.3, top + 0.02),
        (0.06, top),
        (0.08, top + 0.2),
        (0.12, -0.06),
        (0.4, 0.12),
        (0.7, 0.2),
        (0.84, 0.4),
        (0.8, 0.56),
        (0, 0.57),
        (-0.64, 0.56),
        (-0.68, 0.2),
        (-0.62, -0.2),
    )
    pen.shape(leg, color, 0.025)
    dark = tint(color, -0.35)
    pen.line([(-0.63, top + 0.07), (0.05, top + 0.07)], dark, 0.03)
    if detail == "laces":
        for step in range(5):
            y = top + 0.2 + step * (0.1 - top - 0.2) / 5
            pen.line([(-0.08, y + 0.05), (0.1, y)], accent(color), 0.035)
    elif detail == "buckle":
        pen.line([(-0.6, 0.1), (0.2, 0.06)], dark, 0.1)
        pen.ring((0.02, 0.07), 0.07, METALS[1], 0.035)
    else:
        pen.shape([(-0.4, top + 0.08), (-0.16, top + 0.08), (-0.22, 0.1), (-0.34, 0.1)], dark, 0.0)
    sole = rng.choice((RUBBER, LEATHER, (206, 168, 118)))
    pen.shape([(-0.68, 0.55), (0.84, 0.55), (0.86, 0.63), (-0.22, 0.64), (-0.26, 0.78), (-0.68, 0.78)], sole)
    return detail


def _heel(pen: Pen, rng: Random, color: RGB) -> str:
    detail, back = rng.choice(("plain", "ankle strap", "bow")), rng.uniform(-0.3, -0.1)
    floor, thin = 0.6, rng.uniform(0.08, 0.2)
    if detail == "ankle strap":
        cuff = (-0.56, back - 0.5)
        pen.line([(-0.8, back - 0.1), (-0.78, cuff[1])], color, 0.06)
        pen.line(around(cuff, 0.22, squeeze=0.35), color, 0.055)
    heel = curve((-0.88, back), (-0.45, back + 0.3), (-0.6, 0.3), (-0.78 + thin, floor), (-0.78, floor), (-0.84, 0.2))
    pen.shape(heel, tint(color, -0.25))
    sole = [(0.9, floor), (0.25, floor - 0.01), (0.02, 0.5), (-0.22, 0.27 + back / 3), (-0.5, back + 0.27)]
    top = [(-0.84, back - 0.22), (-0.74, back - 0.18), (-0.42, back + 0.1), (-0.08, 0.22 + back / 4), (0.16, 0.33)]
    vamp = [(0.4, 0.22), (0.66, 0.32), (0.88, 0.46), (0.97, floor - 0.04)]
    pen.shape(curve(*top, *vamp, *sole, (-0.88, back + 0.14)), color, 0.025)
    pen.line(curve(*sole, closed=False), tint(color, -0.5), 0.04)
    if detail == "bow":
        for side in (-1, 1):
            pen.shape([(0.44, 0.22), (0.44 + side * 0.17, 0.1), (0.44 + side * 0.17, 0.34)], accent(color))
    return detail


DRAWERS: dict[str, Callable[[Pen, Random, RGB], tuple[str, str]]] = {
    "watch": _watch,
    "t-shirt": _t_shirt,
    "bicycle": _bicycle,
    "shoe": _shoe,
}
