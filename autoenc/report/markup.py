"""Small pieces of HTML: escaped text, sections, tables, plots, pictures as data URIs."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence

from autoenc.text import printable


def escape(text: str) -> str:
    """Any text, made safe to stand in an element or in a quoted attribute."""
    return html.escape(printable(text), quote=True)


def name_of_encoder(name: str) -> str:
    """The name of an encoder as HTML: where it must break, it does so before "+pcaK" and not within a word."""
    return escape(name).replace("+pca", "<wbr>+pca")


def data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def table(caption: str, columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str], bool]]) -> str:
    """A table whose first column holds the names of the rows.

    Args:
        caption: as text.
        columns: the headings as text, including that of the names.
        rows: (name as text, often of an encoder, cells as HTML, whether the row is highlighted).
    """
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        f"<tr{' class=' + chr(34) + 'reference' + chr(34) if marked else ''}>"
        f'<th scope="row">{name_of_encoder(name)}</th>{"".join(cells)}</tr>\n'
        for name, cells, marked in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table>\n'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody>\n"
        "</table></div>\n"
    )


def section(title: str, text: str, *parts: str) -> str:
    """A section of a page.

    Args:
        title: its heading, as text.
        text: a paragraph below it, as HTML; empty for none.
        parts: what follows, as HTML.
    """
    intro = f"<p>{text}</p>\n" if text else ""
    return f"<section>\n<h2>{escape(title)}</h2>\n{intro}{''.join(parts)}</section>\n"


def plot(svg: bytes, alt: str, caption: str, *, fits: bool = False) -> str:
    """A figure; one that `fits` is as wide as its place, others keep their size and scroll on a narrow screen."""
    if not svg:
        return ""
    size = re.search(rb'<svg[^>]* width="([0-9.]+)pt"', svg)
    width = round(float(size[1]) * 4 / 3) if size else 1000  # Matplotlib's points in CSS pixels
    style = "" if fits else f' style="max-width:{width}px;min-width:{min(width, 640)}px"'
    image = f'<img src="{data_uri(svg, "image/svg+xml")}" alt="{escape(alt)}"{style}>'
    region = f'<div class="wide" tabindex="0" role="region" aria-label="{escape(alt)}">{image}</div>'
    kind = "plot fits" if fits else "plot"
    return f'<figure class="{kind}">{region}<figcaption>{escape(caption)}</figcaption></figure>\n'
