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
    {"errors", "version", "progress", "quiet", "text", "files", "outputs", "vectors", "parallel", "figures"},
    {"images", "metrics", "tables", "embeddings"},
    {"encoders", "models", "training", "finetuning"},
    {"store"},
    {"catalog", "comparison"},
    {"report", "samples", "export"},
    {"server"},
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
    """The picture as SVG, without the arrows to the lowest floor: nearly every room uses that one."""
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch

    from autoenc.figures import BLUE, FAINT, INK

    figure = Figure(figsize=(9, 7), facecolor="white", dpi=72)  # that of SVG
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.5, len(RANKS) - 0.5)
    texts, places = {}, {}
    for floor, rooms in enumerate(RANKS):
        names = [", ".join(sorted(rooms))] if floor == 0 else sorted(rooms - {"__main__"})
        for at, name in enumerate(names):
            alone = len(names) == 1 and 0 < floor < len(RANKS) - 1
            place = 0.36 if alone else (at + 0.5) / len(names), float(floor)  # off the middle, where arrows pass
            frame = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": INK if floor else FAINT}
            texts[name] = axes.text(
                *place, name, ha="center", va="center", color=INK, fontsize=11 if floor else 9, bbox=frame
            )
            places[name] = place
    axes.text(0.5, -0.38, "used by every room above", ha="center", va="center", color=FAINT, fontsize=9)
    figure.canvas.draw()  # the boxes get their sizes
    to_pixels, to_data = axes.transData, axes.transData.inverted()

    def edge(name: str, toward: str) -> tuple[float, float]:
        """Where the line between two boxes leaves the first."""
        box = texts[name].get_window_extent()
        (x, y), (x2, y2) = to_pixels.transform([places[name], places[toward]])
        part = min((box.width / 2 + 9) / max(abs(x2 - x), 1e-9), (box.height / 2 + 9) / max(abs(y2 - y), 1e-9))
        found = to_data.transform((x + part * (x2 - x), y + part * (y2 - y)))
        return float(found[0]), float(found[1])

    for a, b in sorted((a, b) for a, b in arrows() if a in texts and b in texts):
        bend = 0.25 if rank(a) == rank(b) else 0.0
        arrow = FancyArrowPatch(
            edge(a, b), edge(b, a), arrowstyle="-|>", mutation_scale=12, color=BLUE, linewidth=1, shrinkA=0, shrinkB=0,
            connectionstyle=f"arc3,rad={bend}",
        )  # fmt: skip
        axes.add_patch(arrow)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    return buffer.getvalue()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "imports.svg")
    options = parser.parse_args()
    options.out.write_bytes(draw())
    print(f"{len(arrows())} arrows between rooms, in {options.out}")
