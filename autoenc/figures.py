"""The style that all plots share. Drawing takes Matplotlib: the extra `autoenc[plots]`.

Plots use only Matplotlib's Figure: no window, no pyplot, no global state. The colors are from Okabe and Ito's palette,
which color-blind readers can tell apart, and nothing is shown by color alone.
"""

from __future__ import annotations

import io
import logging
import math
import textwrap
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from autoenc.errors import MissingDependencyError
from autoenc.outputs import MARK
from autoenc.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GRAY = "#0072B2", "#D55E00", "#9AA2AE"
INK, FAINT, GRID = "#22272F", "#5B6470", "#E3E6EA"

logging.getLogger("matplotlib").addHandler(logging.NullHandler())  # else it logs about fonts to the terminal


def need_matplotlib() -> None:
    """Import Matplotlib.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"Plots need Matplotlib, which is not installed ({error}): pip install 'autoenc[plots]'"
        ) from error


def can_plot() -> bool:
    """Whether Matplotlib is there, for what is as good as whole without plots."""
    try:
        need_matplotlib()
    except MissingDependencyError:
        return False
    return True


def figure(width: float, height: float, panels: int = 1, *, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure and its panels.

    Args:
        width: of the figure, in inches.
        height: of one row of panels, in inches.
        panels: number of panels.
        columns: panels per row.

    Raises:
        MissingDependencyError: Matplotlib is not installed.
    """
    need_matplotlib()
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    rows = math.ceil(panels / columns)
    layout = ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.1)  # inches
    figure = Figure(figsize=(width, height * rows), facecolor="white", layout=layout)
    grid = list(np.ravel(figure.subplots(rows, columns, squeeze=False)))
    for spare in grid[panels:]:
        spare.remove()
    for axes in grid[:panels]:
        axes.set_axisbelow(True)
        axes.tick_params(colors=FAINT, labelsize=8, length=0)
        for side, spine in axes.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(GRID)
    return figure, grid[:panels]


def png(figure: Figure) -> bytes:
    """The figure as the bytes of a PNG file with autoenc's mark."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, metadata={"Software": MARK})
    return buffer.getvalue()


def drawable(text: str, length: int = 24) -> str:
    """Text short enough to stand beside a plot, in which "$" starts no formula and every character has a glyph."""
    known = _glyphs()
    text = "".join(char if ord(char) in known else "□" for char in printable(text))
    text = text if len(text) <= length else f"{text[: length // 2]}…{text[-(length // 2 - 1) :]}"
    return text.replace("$", r"\$")


def drawable_lines(text: str, length: int = 24) -> str:
    """Text as `drawable` makes it, but on two lines where it is too long and has spaces to break at.

    Weights such as "(1 : 0.5)" stay together.
    """
    kept = printable(text).replace(" : ", "\u00a0:\u00a0")
    lines = textwrap.wrap(kept, length, break_long_words=False, break_on_hyphens=False, max_lines=2, placeholder=" …")
    return "\n".join(drawable(line.replace("\u00a0", " "), length) for line in lines)


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    """The characters in the font of the plots."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties())).get_charmap())
