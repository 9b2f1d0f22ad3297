"""Draw which rooms of autoenc import which: python scripts/draw_imports.py [--out docs/imports.svg].

A room is a folder of autoenc/ or one of its single modules; each stands on the floor that RANKS gives it. An arrow
points from a room to one whose code it uses, and may only point down: tests/test_package.py holds that.
"""

from __future__ import annotations

import argparse
import ast
import io
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

RANKS = [
    {"errors", "version", "progress", "quiet", "text", "files", "vectors", "parallel", "figures"},
    {"images", "metrics"},
    {"encoders", "models", "training"},
    {"store"},
    {"catalog", "comparison"},
    {"report", "samples"},
    {"cli", "__main__"},
]
"""The floors of the house, lowest first: a room may import from its own floor and those below."""


def modules() -> dict[str, Path]:
    """Dotted name -> file of every module of autoenc and baselines."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for package in ("autoenc", "baselines")
        for path in (ROOT / package).rglob("*.py")
    }


def imported(path: Path) -> set[str]:
    """The modules of ours that a file imports, wherever in it, but for those imported for the type checker alone."""
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body.clear()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path} imports relatively")
            found.add(node.module or "")
    return {name for name in found if name.split(".")[0] in ("autoenc", "baselines")}


def room(module: str) -> str:
    """autoenc.images.files -> images."""
    return module.split(".")[1]


def rank(name: str) -> int:
    """The floor that a room stands on, from 0."""
    return next(at for at, rooms in enumerate(RANKS) if name in rooms)


def arrows() -> set[tuple[str, str]]:
    """(room, another room that it imports from), within autoenc."""
    pairs = {
        (room(name), room(other))
        for name, path in modules().items()
        if name.startswith("autoenc.") and name != "autoenc.__init__"
        for other in imported(path)
        if other.startswith("autoenc.")
    }
    return {(a, b) for a, b in pairs if a != b}


def draw() -> bytes:
    """The picture as SVG. The lowest floor is drawn as one room: nearly everything uses it."""
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch

    from autoenc.figures import BLUE, FAINT, INK

    ground = "text, files, vectors, …"
    placed: dict[str, tuple[float, float]] = {ground: (0.5, 0.0)}
    for floor, rooms in enumerate(RANKS[1:], start=1):
        names = sorted(rooms - {"__main__"})
        for at, name in enumerate(names):
            placed[name] = ((at + 0.5) / len(names), float(floor))
    figure = Figure(figsize=(9, 8), facecolor="white")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.5, len(RANKS) - 0.5)
    drawn = {(a, ground if rank(b) == 0 else b) for a, b in arrows() if a in placed}
    for at, (a, b) in enumerate(sorted(drawn)):
        bend = 0.12 if rank(a) == (0 if b == ground else rank(b)) else 0.04 * (-1) ** at
        color = FAINT if b == ground else BLUE
        arrow = FancyArrowPatch(
            placed[a], placed[b], arrowstyle="-|>", mutation_scale=11, shrinkA=20, shrinkB=20, color=color,
            linewidth=0.8, alpha=0.7, connectionstyle=f"arc3,rad={bend}",
        )  # fmt: skip
        axes.add_patch(arrow)
    for name, (x, y) in placed.items():
        box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": INK}
        axes.text(x, y, name, ha="center", va="center", color=INK, fontsize=11, bbox=box)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    return buffer.getvalue()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "imports.svg")
    options = parser.parse_args()
    options.out.write_bytes(draw())
    print(f"{len(arrows())} arrows between rooms, in {options.out}")
