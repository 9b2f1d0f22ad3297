"""Where the images of a store are, and which encoders made its vectors."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from autoenc.catalog.fields import holding, own_of
from autoenc.encoders import Encoder, Model, Weights, create_encoders, is_known
from autoenc.errors import ArgumentError, BundleError, EncoderError, PointNotFoundError
from autoenc.images.files import PREPROCESSING_VERSION
from autoenc.images.finding import Found, NamedPicture, path_of
from autoenc.store import Store, VectorSpec, point_id
from autoenc.store.points import canonical_id
from autoenc.text import is_text, shown

IN_MEMORY = "memory"
"""The default source of pictures in memory."""

_COMPARED = 100  # files, about, that show whether a folder is one that the store knows


class Place(NamedTuple):
    """The source that some images belong to.

    Attributes:
        source: its name.
        root: its folder.
        within: the part of it in which the images lie: a path relative to the root that ends in "/", or "" for all.
    """

    source: str
    root: Path
    within: str = ""


def place(found: Found, store: Store | None, source: str | None) -> Place:
    """Find the source that some images belong to.

    A folder is its own source, by default named by its path. A folder inside a source, and a list of files inside one,
    belong to it, so that each file has one point, whichever of its folders is indexed. With the name of another source,
    they may be stored a second time. A relative path names the source that is called by its absolute path.

    Raises:
        ArgumentError: these images would be stored twice: they are those of a source whose folder has gone; or no name
            is given, and the folder of a source lies among them.
    """
    if found.root is None:
        return Place(source or IN_MEMORY, Path())
    roots = {} if store is None else {name: Path(root) for name, root in store.info.sources.items() if root}
    if source is not None and source not in roots and (path := os.path.abspath(source)) in roots:
        source = path
    holding = [name for name, root in roots.items() if found.root.is_relative_to(root) and source in (None, name)]
    if holding:
        name = max(holding, key=lambda name: len(roots[name].parts))
        within = found.root.relative_to(roots[name]).as_posix()
        return Place(name, roots[name], "" if within == "." else f"{within}/")
    if source is None:
        _check_around(found.root, found.items, roots)
    if store is not None and source not in roots:
        _check_renamed(found.root, found.items, roots, store)
    return Place(source or str(found.root), found.root)


def _check_around(folder: Path, items: Sequence[Path | NamedPicture], roots: Mapping[str, Path]) -> None:
    """Raise ArgumentError if a source that the store holds lies among the images."""
    for name, root in roots.items():
        top = os.path.join(root, "")  # noqa: PTH118
        if folder in root.parents and any(str(item).startswith(top) for item in items):
            raise ArgumentError(
                f"{shown(folder)} holds the folder of source {shown(name)}, whose images would be stored twice. "
                f"Index {shown(root)} as before, remove that source from the store first, or allow it with source=NAME."
            )


def _check_renamed(folder: Path, items: Sequence[Path | NamedPicture], roots: Mapping[str, Path], store: Store) -> None:
    """Raise ArgumentError if the images are those of a source whose folder has gone: paths and sizes are compared."""
    files = [path_of(item) for item in items[:: max(1, len(items) // _COMPARED)]]
    for name, root in roots.items():
        if os.path.lexists(root):
            continue
        sizes = {point_id(name, file.relative_to(folder).as_posix()): file_size(file) for file in files}
        held = store.retrieve(list(sizes))
        same = sum(own_of(record.payload).get("size") == sizes[record.id] for record in held)
        if same > len(files) / 2:
            raise ArgumentError(
                f"{shown(folder)} holds the images of source {shown(name)}, whose folder {shown(root)} has gone; they "
                f'would be stored twice. Go on with that source by source="{shown(name)}", or remove its images from '
                f"the store first."
            )


def encoder_spec(encoder: Encoder) -> VectorSpec:
    """What a store remembers about an encoder."""
    return VectorSpec(encoder.dim, encoder.fingerprint, PREPROCESSING_VERSION, encoder.origin)


def make_encoders(
    encoders: Sequence[str | Encoder], model: Model | None, store: Store | None, weights: Weights | None = None
) -> dict[str, Encoder]:
    """Create encoders from the models that the store remembers, and check them against the vectors that it holds.

    Raises:
        EncoderError, BundleError, ArgumentError: as for `create_encoders`.
        StoreMismatchError: the store holds vectors of another encoder under one of these names.
    """
    held = {} if store is None else store.info.vectors
    for name in encoders:
        if isinstance(name, str) and name in held and not held[name].of_images:
            raise EncoderError(
                f"The vectors '{name}' are not made of pictures, so no encoder makes them. Name encoders without it."
            )
        if isinstance(name, str) and name in held and not is_known(name, held[name].origin):
            raise EncoderError(
                f"Encoder '{name}' is not one of autoenc's own; in Python, pass the Encoder object itself with "
                f"encoders= or using=."
            )
    try:
        made = create_encoders(encoders, model, origins_of(store), weights=weights)
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


def origins_of(store: Store | None) -> dict[str, str | None]:
    """Encoder's name -> where its model or its weights were, as a store remembers it."""
    return {} if store is None else {name: spec.origin for name, spec in store.info.vectors.items()}


def sources_of(store: Store | None) -> tuple[str, ...]:
    """The names of a store's sources, at this moment."""
    return () if store is None else tuple(store.info.sources)


def point_path(store: Store, payload: Mapping[str, Any]) -> Path | None:
    """The file of the image that a payload describes: the root of its source, and its path.

    Returns:
        The path; the name of a picture that was indexed from memory; None for a point that `index_images` has not
        written: one of an unknown source, or with a path that leads out of its source.
    """
    file = point_file(store, payload)
    return None if file is None else Path(file)


def point_file(store: Store, payload: Mapping[str, Any]) -> str | None:
    """`point_path` as text, in a tenth of the time."""
    own, sources = own_of(payload), store.info.sources
    source = own.get("source")
    return _below(sources[source], own.get("path")) if isinstance(source, str) and source in sources else None


def file_below(root: str | Path, path: object) -> Path | None:
    """A file of a source, given its path relative to the root; None for what is no path, or leads out of the source.

    The root of pictures in memory is empty, and their names are anything.
    """
    file = _below(str(root), path)
    return None if file is None else Path(file)


def _below(root: str, path: object) -> str | None:
    if not isinstance(path, str) or "\0" in path:
        return None
    # Only what may lead out is taken apart: a store has many paths.
    if root and (".." in path or path[:1] in "/\\" or path[1:2] == ":"):
        parsed = PurePath(path)
        if parsed.anchor or ".." in parsed.parts:
            return None
    return os.path.normpath(os.path.join(root, path)) if root else path  # noqa: PTH118


def file_size(file: Path) -> int:
    """In bytes; -1 for a file that cannot be looked at."""
    try:
        return os.stat(file).st_size  # noqa: PTH116  faster
    except OSError:
        return -1


def find_point(store: Store, name: str | os.PathLike[str]) -> str:
    """The id of a stored image, given by its id, its file, or its path relative to its source.

    Raises:
        PointNotFoundError: the store holds no such image.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise ArgumentError(f"A stored image is named by its id or its path; got {name!r}.")
    text = os.fspath(name)
    if canonical_id(text) is not None and (held := store.retrieve([text])):
        return held[0].id
    held = store.retrieve(_possible_ids(store, text))
    if not held:
        roots = ", ".join(shown(root) for root in store.info.sources.values() if root) or "none"
        raise PointNotFoundError(
            f"Collection '{store.collection}' holds no image {shown(text)}. Expected an id, a file below one of its "
            f"sources ({roots}), or a path relative to one of them.{holding(store, text)}"
        )
    return held[0].id


def _possible_ids(store: Store, name: str) -> list[str]:
    """What the id of an image with this name could be; nothing for a name that is not UTF-8, which no point has."""
    if not is_text(name):
        return []
    possible = [name]
    for source, root in store.info.sources.items():
        possible.append(point_id(source, Path(name).as_posix()))
        file = Path(os.path.abspath(name))
        if file.is_relative_to(root):
            possible.append(point_id(source, file.relative_to(root).as_posix()))
    return possible
