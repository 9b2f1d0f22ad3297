"""The pictures on the page: the queries on which the encoders disagree most, and what each encoder finds."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from autoenc.comparison.records import Comparison
from autoenc.errors import ImageError
from autoenc.images.files import load_thumbnail
from autoenc.images.finding import NamedPicture
from autoenc.report.findings import Example, disagreements
from autoenc.report.markup import data_uri, escape, name_of_encoder, section
from autoenc.report.sheets import name_of
from autoenc.text import shown

_SHOWN = 5  # neighbors per encoder
_MOST_ENCODERS = 8
_TILE = 96


def examples_section(comparison: Comparison) -> str:
    """Up to eight queries and what each encoder finds for them; empty where the encoders do not disagree."""
    examples = disagreements(comparison)
    if not examples:
        return ""
    if len(comparison.labeled):
        rival = examples[0].encoders[1]
        text = (
            f"These are the queries on which {escape(comparison.reference)} is furthest ahead of {escape(rival)}, over "
            "all queries the best of the other encoders, or furthest behind it, in average precision (AP). They show "
            "what the encoders look at, not which of them is better: extremes are not typical. A green frame and ✓ "
            "mark results with the query's label, a red frame and ✗ results with another."
        )
    else:
        text = (
            "Without labels there is no right or wrong. These are the queries for which the encoders' first results "
            "overlap least; judge for yourself."
        )
    body = "".join(_example(comparison, example) for example in examples)
    return section("Where the encoders disagree most", text, body)


def _example(comparison: Comparison, example: Example) -> str:
    query, label = comparison.query_pictures[example.query], comparison.query_labels[example.query]
    title = f"{label}: {comparison.queries[example.query].name}" if label else _name(query)
    caption = escape(label or "query")
    rows = "".join(_row(comparison, example.query, name) for name in example.encoders[:_MOST_ENCODERS])
    return (
        f'<article class="example">\n<header><h3>{_text(title)}</h3><p>{escape(example.reason)}</p></header>\n'
        f'<figure class="query">{_thumbnail(query, f"query, {title}")}<figcaption>{caption}</figcaption></figure>\n'
        f'<div class="rows">\n{rows}</div>\n</article>\n'
    )


def _row(comparison: Comparison, query: int, name: str) -> str:
    scores, label = comparison.encoders[name], comparison.query_labels[query]
    tiles = []
    for rank, index in enumerate(scores.top[query, :_SHOWN], start=1):
        picture, found = comparison.gallery_pictures[index], comparison.gallery_labels[index]
        verdict, mark = "", ""
        if label is not None and found is not None:
            verdict, mark = ("right", "✓ ") if found == label else ("wrong", "✗ ")
        words = found if found is not None else comparison.gallery[index].name
        image = _thumbnail(picture, f"{rank}: {words}")
        tiles.append(f'<figure class="{verdict}">{image}<figcaption>{mark}{_text(words)}</figcaption></figure>')
    score = ""
    at = (comparison.labeled == query).nonzero()[0]
    if len(at) and comparison.main_metric == "map":
        score = f" <small>AP {scores.scores('map')[at[0]]:.2f}</small>"
    return f'<div class="row"><p>{name_of_encoder(name)}{score}</p>{"".join(tiles)}</div>\n'


def _text(words: str) -> str:
    return escape(shown(words))


def _name(picture: Path | NamedPicture) -> str:
    return f"picture {picture.name}" if isinstance(picture, NamedPicture) else name_of(picture)


def _thumbnail(picture: Path | NamedPicture, alt: str) -> str:
    try:
        pixels = load_thumbnail(picture.picture if isinstance(picture, NamedPicture) else picture, _TILE)
    except ImageError:
        return f'<div class="gone" role="img" aria-label="{_text(alt)}, not readable">not readable</div>'
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "jpeg", quality=75)
    uri = data_uri(buffer.getvalue(), "image/jpeg")
    return f'<img src="{uri}" alt="{_text(alt)}" width="{_TILE}" height="{_TILE}" loading="lazy">'
