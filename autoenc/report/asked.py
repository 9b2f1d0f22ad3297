"""What a contact sheet shows and says of a query: all of its images, and what else counted."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from autoenc.catalog.answers import Neighbor
from autoenc.catalog.products import product_photos
from autoenc.catalog.queries import Query, several
from autoenc.catalog.searching import Searcher
from autoenc.errors import PointNotFoundError
from autoenc.report.sheets import Tile, text_tile, tile_of
from autoenc.text import counted

MOST = 10
"""Images of a query on a sheet; of more, the last tile says how many."""


def query_tiles(query: Query, searcher: Searcher, reach: Callable[[Neighbor], Neighbor] | None = None) -> list[Tile]:
    """The images of a query, those that it searches away from last; or its words and attributes, if it has none.

    Args:
        query: what was searched for.
        searcher: what found it.
        reach: makes the file of a stored image one that can be read.

    Raises:
        PointNotFoundError: an image of the query is not stored.
    """

    def stored(name: Any, caption: str) -> Tile:
        image = searcher.stored(name)
        return tile_of(image if reach is None else reach(image), caption)

    def example(given: Any, caption: str) -> Tile:
        if isinstance(given, (str, os.PathLike)):
            try:
                return stored(given, caption)
            except PointNotFoundError:  # so it is a file
                pass
        return tile_of(given, caption)

    found: list[Callable[[], Tile]] = [partial(tile_of, picture) for picture in query.pictures]
    found += [partial(stored, name, "query") for name in query.ids]
    if query.product is not None:
        found += [partial(stored, name, "query") for name in product_photos(searcher.store, query.product)]
    found += [partial(example, given, "like") for given in several(query.like)]
    found += [partial(example, given, "unlike") for given in several(query.unlike)]
    if not found:
        return [text_tile(", ".join(_attributes(query)))]
    shown = found if len(found) <= MOST else found[: MOST - 1]
    tiles = [tile() for tile in shown]
    if len(shown) < len(found):
        more = f"and {len(found) - len(shown)} more"
        tiles.append(replace(text_tile(more), note=more))
    return tiles


def also_counted(query: Query) -> list[str]:
    """What the scores and their order depend on beside the looks, for the title of a sheet."""
    words = [f"words {query.wanted.text}={query.wanted.weight:g}"] if query.wanted else []
    boosts = [f"boost {_valued(each.field, each.value)}={each.weight:g}" for each in query.boosts]
    nears = [f"near {_valued(each.field, each.value)}={each.weight:g}" for each in query.nears]
    unlike = [f"unlike {counted(len(several(query.unlike)), 'image')}"] if several(query.unlike) else []
    diversity = [f"diversity {query.diversity:g}"] if query.diversity else []
    return [*words, *boosts, *nears, *unlike, *diversity]


def _attributes(query: Query) -> list[str]:
    words = [query.wanted.text] if query.wanted else []
    boosts = [each.field if each.value is None else f"{each.field}: {each.value}" for each in query.boosts]
    nears = [each.field if each.value is None else f"{each.field} near {each.value:g}" for each in query.nears]
    return [*words, *boosts, *nears]


def _valued(field: str, value: object) -> str:
    return field if value is None else f"{field}:{value:g}" if isinstance(value, float) else f"{field}:{value}"
