"""What the columns of a file of vectors become: the named vectors of a store."""

from __future__ import annotations

from collections.abc import Collection

from autoenc.embeddings.reading import VectorFile
from autoenc.encoders import ENCODERS
from autoenc.errors import ArgumentError
from autoenc.store import VectorSpec
from autoenc.store.records import BEHAVIOR, check_new_vector
from autoenc.text import shown, some

ELSEWHERE = 0
"""The preprocessing version of vectors that autoenc did not make."""


def vector_specs(opened: VectorFile, name: str | None) -> dict[str, VectorSpec]:
    """What the store is to remember about each column of vectors, in the order of the file.

    Args:
        opened: the file.
        name: what its only column of vectors is to be called, if it was made elsewhere; None for the column's name.

    Raises:
        ArgumentError: a name that vectors cannot have, or one for vectors that have theirs.
    """
    if opened.header is not None:
        if name is not None:
            raise ArgumentError(
                f"{shown(opened.path)} says that its vectors are those of {some(list(opened.dims))}; leave name= out."
            )
        _check_not_behavior(opened.header.vectors, "Rename the column.")
        return {
            each: VectorSpec(info.dim, info.fingerprint, info.preprocessing, info.origin)
            for each, info in opened.header.vectors.items()
        }
    if name is not None and len(opened.dims) > 1:
        raise ArgumentError(
            f"{shown(opened.path)} has {len(opened.dims)} columns of vectors ({some(list(opened.dims))}), and each "
            f"goes by its own name; leave name= out."
        )
    names = [name] if name is not None else list(opened.dims)
    _check_not_behavior(names, "Rename the column." if len(names) > 1 else "Give these another name with name=.")
    for each in names:
        if each in ENCODERS:
            raise ArgumentError(
                f"'{each}' is one of autoenc's own encoders, and nothing says that it made the vectors of "
                f"{shown(opened.path)}. If `autoenc embed` wrote it as CSV or JSON Lines, it wrote FILE.json beside "
                f"it: copy that, too. Otherwise give the column another name."
            )
    specs = {
        each: VectorSpec(dim, f"elsewhere {each}", ELSEWHERE)
        for each, dim in zip(names, opened.dims.values(), strict=True)
    }
    for each, spec in specs.items():
        check_new_vector(each, spec)
    return specs


def _check_not_behavior(names: Collection[str], advice: str) -> None:
    if BEHAVIOR in names:
        raise ArgumentError(f"The vectors '{BEHAVIOR}' are those that `autoenc behavior` makes of a table. {advice}")
