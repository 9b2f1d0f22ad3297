"""What the fields of images are to be, as a table, their folders or both say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoenc.catalog.fields import UNCHANGED, Change, change_of
from autoenc.catalog.joining import Join
from autoenc.catalog.metadata import Metadata
from autoenc.catalog.products import FIELD, Products, check_products, folder_product
from autoenc.errors import ArgumentError
from autoenc.store import FieldKind, Store


class ImageFields:
    """What the fields of images are to be: from the rows of a table, from their folders, or from both.

    Attributes:
        kinds: the fields to filter by, with their kinds.
        product: the field that names the product of each image; None if nothing says which.
        folders: whether folders name products.
        join: the table.
        steady: whether an image that has not changed has its fields already.
    """

    def __init__(self, metadata: Metadata | None, products: Products | None, store: Store | None) -> None:
        """Read the table, and check it. Folders name products, too, where the store remembers that they do.

        Raises:
            TableError, StoreMismatchError, ArgumentError: as for `Join`; or folders and a column name products.
        """
        check_products(products)
        remembered = products is None and store is not None and store.info.product_folders
        self.folders = products is not None or remembered
        self.join = None if metadata is None else Join(metadata, store, folders=self.folders)
        self.kinds: dict[str, FieldKind] = {} if self.join is None else self.join.kinds
        self.product = None if self.join is None else self.join.product
        self.steady = self.join is None and remembered
        if self.folders and self.join is not None and (self.product or FIELD in self.join.table.columns):
            if not remembered:
                raise ArgumentError(
                    f"Either folders name products or a column does: leave out products=, or rename column '{FIELD}' "
                    f"and leave out product_column=."
                )
            self.folders, self.product = False, self.product or FIELD
        if self.folders:
            self.kinds, self.product = {**self.kinds, FIELD: "keyword"}, FIELD

    def sets(self, field: str) -> bool:
        """Whether this field of the images is among those that are set."""
        columns = () if self.join is None else self.join.columns
        return (self.folders and field == FIELD) or any(column.name == field for column in columns)

    def change(self, path: str, payload: Mapping[str, Any]) -> Change:
        """What has to change in a payload; `path` is the image's, relative to its source."""
        change = UNCHANGED if self.join is None else self.join.change(path, payload)
        if self.folders:
            change += change_of({FIELD: folder_product(path)}, payload)
        return change
