"""The part of the page that shows pictures: the queries on which the encoders disagree most."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from autoenc.comparison.records import Comparison
from autoenc.errors import ImageError
from autoenc.images.files import load_thumbnail
from autoenc.report.findings import Example, disagreements, main_metric
from autoenc.report.markup import data_uri, escape
from autoenc.text import shown

_SHOWN = 5  # neighbors a row
_MOST_ENCODERS = 8
_TILE = 96


def examples_section(comparison: Comparison) -> str:
    """Eight queries with what each encoder finds for them; nothing where no two encoders disagree."""
    examples = disagreements(comparison)
    if not examples:
        return ""
    if len(comparison.labeled):
        text = (
            "Queries chosen by the size of the disagreement: where the reference is furthest ahead, in average "
            "precision (AP), of the other encoder that is best on the whole, and where it is furthest behind. They "
            "show what the encoders look at, not which is better: extremes are not typical. A green frame with ✓ has "
            "the query's label, a red one with ✗ has not."
        )
    else:
        text = (
            "Without labels nothing says who is right. Chosen are the queries for which the encoders' first results "
            "have least in common; judge for yourself."
        )
    body = "".join(_example(comparison, example) for example in examples)
    return f"<section>\n<h2>Where the encoders disagree most</h2>\n<p>{text}</p>\n{body}</section>\n"


def _example(comparison: Comparison, example: Example) -> str:
    path = comparison.queries[example.query]
    label = comparison.query_labels[example.query]
    title = f"{label}: {path.name}" if label else f"{path.parent.name}/{path.name}"
    caption = escape(label or "query")
    rows = "".join(_row(comparison, example.query, name) for name in example.encoders[:_MOST_ENCODERS])
    return (
        f'<article class="example">\n<header><h3>{_text(title)}</h3><p>{escape(example.reason)}</p></header>\n'
        f'<figure class="query">{_picture(path, f"query, {title}")}<figcaption>{caption}</figcaption></figure>\n'
        f'<div class="rows">\n{rows}</div>\n</article>\n'
    )


def _row(comparison: Comparison, query: int, name: str) -> str:
    scores, label = comparison.encoders[name], comparison.query_labels[query]
    tiles = []
    for rank, index in enumerate(scores.top[query, :_SHOWN], start=1):
        path, found = comparison.gallery[index], comparison.gallery_labels[index]
        verdict, mark = "", ""
        if label is not None and found is not None:
            verdict, mark = ("right", "✓ ") if found == label else ("wrong", "✗ ")
        words = found if found is not None else path.name
        image = _picture(path, f"{rank}: {words}")
        tiles.append(f'<figure class="{verdict}">{image}<figcaption>{mark}{_text(words)}</figcaption></figure>')
    score = ""
    at = (comparison.labeled == query).nonzero()[0]
    if len(at) and main_metric(comparison) == "map":
        score = f" <small>AP {scores.scores('map')[at[0]]:.2f}</small>"
    return f'<div class="row"><p>{escape(name)}{score}</p>{"".join(tiles)}</div>\n'


def _text(words: str) -> str:
    return escape(shown(words))


def _picture(path: Path, alt: str) -> str:
    try:
        pixels = load_thumbnail(path, _TILE)
    except ImageError:
        return f'<div class="gone" role="img" aria-label="{_text(alt)}, not readable">not readable</div>'
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "jpeg", quality=75)
    uri = data_uri(buffer.getvalue(), "image/jpeg")
    return f'<img src="{uri}" alt="{_text(alt)}" width="{_TILE}" height="{_TILE}" loading="lazy">'
