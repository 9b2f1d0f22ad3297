"""Which product an image shows: a field of its payload, the same for every photo of one product."""

from __future__ import annotations

from typing import Literal, get_args

from autoenc.errors import ArgumentError
from autoenc.store import Store

Products = Literal["folders"]
"""folders: the images in one folder show one product."""

FIELD = "product"
"""The field that names the product where folders do."""


def product_field(store: Store) -> str | None:
    """The filterable field that names the product of each image; None if the store remembers none.

    Example:
        >>> with autoenc.open_store(":memory:", create=True) as store:
        ...     store.add_field("sku", "keyword")
        ...     store.set_product("sku")
        ...     product_field(store)
        'sku'
    """
    return store.info.product


def folder_product(path: str) -> str | None:
    """The product of an image by its folder, relative to its source; None for one that lies in no folder.

    Example:
        >>> folder_product("shoe/1163/front.jpg"), folder_product("front.jpg")
        ('shoe/1163', None)
    """
    return path.rpartition("/")[0] or None


def check_products(products: Products | None) -> None:
    if products is not None and products not in get_args(Products):
        raise ArgumentError(f"products= must be 'folders'; got {products!r}.")
