"""Which product an image shows: a field of its payload, the same for every photo of one product."""

from __future__ import annotations

from typing import Literal, get_args

from autoenc.errors import ArgumentError, PointNotFoundError, UnknownFieldError
from autoenc.store import Store
from autoenc.text import counted, meant

Products = Literal["folders"]
"""folders: the images in one folder show one product."""

FIELD = "product"
"""The field that names the product where folders do."""


def grouping_field(store: Store, field: str) -> str:
    """The field to group by: as it is named, or the one that names products where `product` is no field itself.

    Raises:
        UnknownFieldError: the field is not filterable.
    """
    if field == FIELD and FIELD not in store.info.fields:
        if store.info.product is None:
            raise UnknownFieldError(_nameless(store))
        return store.info.product
    try:
        store.kind_of(field)
    except UnknownFieldError as error:
        question = "" if str(error).endswith("?") else meant(field, [FIELD])
        raise UnknownFieldError(f"{error}{question}") from None
    return field


def product_photos(store: Store, product: str | int) -> list[str]:
    """The ids of all images of one product, in order.

    Raises:
        PointNotFoundError: no image shows it.
        ArgumentError: the store does not know which field names products.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     store.set_product("_autoenc.folder")
        ...     len(product_photos(store, "shoe"))
        12
    """
    field = store.info.product
    if field is None:
        raise ArgumentError(_nameless(store))
    ids = [record.id for record in store.scroll({field: product}, fields=[])]
    if not ids:
        raise PointNotFoundError(f"Collection '{store.collection}' holds no image with {field} {str(product)!r}.")
    return ids


def _nameless(store: Store) -> str:
    return (
        f"Collection '{store.collection}' does not know which field names products; index with product_column= of a "
        f"table, or with products=folders."
    )


def folder_product(path: str) -> str | None:
    """The product of an image by its folder, relative to its source; None for one that lies in no folder.

    Example:
        >>> folder_product("shoe/1163/front.jpg"), folder_product("front.jpg")
        ('shoe/1163', None)
    """
    return path.rpartition("/")[0] or None


def unnamed_note(field: str, new: int) -> str | None:
    """A sentence for a run that did not set the field that names products; None if no image is new."""
    if not new:
        return None
    return (
        f"Field '{field}' names the product that an image shows, and this run did not set it: {counted(new, 'image')} "
        f"{'is' if new == 1 else 'are'} new. Index again with metadata= and the table that has it."
    )


def check_products(products: Products | None) -> None:
    if products is not None and products not in get_args(Products):
        raise ArgumentError(f"products= must be 'folders'; got {products!r}.")
