"""Small pieces of HTML: escaped text, tables, pictures as data URIs."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence

from autoenc.text import printable


def escape(text: str) -> str:
    """Any text, made safe to stand in an element or in a quoted attribute."""
    return html.escape(printable(text), quote=True)


def data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def table(caption: str, columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str], bool]]) -> str:
    """A table whose first column holds the names of the rows.

    Args:
        caption: as text.
        columns: the headings as text, including that of the names.
        rows: (name as text, cells as HTML, whether the row is highlighted).
    """
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        f"<tr{' class=' + chr(34) + 'reference' + chr(34) if marked else ''}>"
        f'<th scope="row">{escape(name)}</th>{"".join(cells)}</tr>\n'
        for name, cells, marked in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table>\n'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody>\n"
        "</table></div>\n"
    )
