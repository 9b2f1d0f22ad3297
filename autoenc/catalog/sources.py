"""Where the images of a store are, and which encoders made its vectors."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from autoenc.catalog.fields import own_of
from autoenc.encoders import ENCODERS, Encoder, Model, create_encoders
from autoenc.errors import BundleError, EncoderError, PointNotFoundError
from autoenc.images.files import PREPROCESSING_VERSION
from autoenc.images.finding import Found
from autoenc.store import Store, VectorSpec, point_id
from autoenc.text import shown

IN_MEMORY = "memory"
"""The default source of pictures in memory."""


def place(found: Found, store: Store | None, source: str | None) -> tuple[str, Path]:
    """The source that some images belong to, and its root.

    A folder is its own source, by default named by its path. A list of files belongs to the source that contains them,
    if the store has one, so that the files get the same ids as when the whole folder is indexed.
    """
    if found.root is None:
        return source or IN_MEMORY, Path()
    if not found.whole and store is not None:
        roots = {name: Path(root) for name, root in store.info.sources.items() if root}
        holding = [name for name, root in roots.items() if found.root.is_relative_to(root) and source in (None, name)]
        if holding:
            name = max(holding, key=lambda name: len(roots[name].parts))
            return name, roots[name]
    return source or str(found.root), found.root


def encoder_spec(encoder: Encoder) -> VectorSpec:
    """What a store remembers about an encoder."""
    return VectorSpec(encoder.dim, encoder.fingerprint, PREPROCESSING_VERSION, encoder.origin)


def make_encoders(encoders: Sequence[str | Encoder], model: Model | None, store: Store | None) -> dict[str, Encoder]:
    """Create encoders from the models that the store remembers, and check them against the vectors that it holds.

    Raises:
        EncoderError, BundleError, ArgumentError: as for `create_encoders`.
        StoreMismatchError: the store holds vectors of another encoder under one of these names.
    """
    held = {} if store is None else store.info.vectors
    for name in encoders:
        if isinstance(name, str) and name in held and name not in ENCODERS:
            raise EncoderError(
                f"Encoder '{name}' is not one of autoenc's own; pass the Encoder object itself with encoders= or "
                f"using=."
            )
    try:
        made = create_encoders(encoders, model, {name: spec.origin for name, spec in held.items()})
    except BundleError as error:
        if model is not None or store is None:
            raise
        raise type(error)(
            f"{error} The store was built with this model; if it has moved, name its new folder with model=."
        ) from error
    for name, encoder in made.items():
        if store is not None and name in held:
            store.check_vector(name, encoder_spec(encoder))
    return made


def point_path(store: Store, payload: Mapping[str, Any]) -> Path | None:
    """The file of the image that a payload describes: the root of its source, and its path.

    Returns:
        The path; the name of a picture that was indexed from memory; None for a point that `index_images` has not
        written: one of an unknown source, or with a path that leads out of its source.
    """
    own = own_of(payload)
    source, path = own.get("source"), own.get("path")
    if not isinstance(source, str) or not isinstance(path, str) or source not in store.info.sources or "\0" in path:
        return None
    root = store.info.sources[source]
    if root and (PurePath(path).anchor or ".." in PurePath(path).parts):
        return None
    return Path(root, path)


def find_point(store: Store, name: str | os.PathLike[str]) -> str:
    """The id of a stored image, given by its id, its file, or its path relative to its source.

    Raises:
        PointNotFoundError: the store holds no such image.
    """
    text = os.fspath(name)
    candidates = [text]
    for source, root in store.info.sources.items():
        candidates.append(point_id(source, Path(text).as_posix()))
        file = Path(os.path.abspath(text))
        if file.is_relative_to(root):
            candidates.append(point_id(source, file.relative_to(root).as_posix()))
    held = store.retrieve(candidates)
    if not held:
        roots = ", ".join(shown(root) for root in store.info.sources.values() if root) or "none"
        raise PointNotFoundError(
            f"Collection '{store.collection}' holds no image {shown(text)}. Expected an id, a file below one of its "
            f"sources ({roots}), or a path relative to one of them."
        )
    return held[0].id
