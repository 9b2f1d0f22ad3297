"""What the columns of a file of vectors may be called, and what a store remembers about them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoenc import embed_images, index_vectors, open_store
from autoenc.errors import ArgumentError
from autoenc.vectors import Vectors


@pytest.mark.parametrize(
    ("arrays", "options", "said"),
    [
        ({"color": np.eye(2)}, {}, "'color' is one of autoenc's own encoders"),
        ({"behavior": np.eye(2)}, {}, "that `autoenc behavior` makes of a table"),
        ({"clip": np.eye(2)}, {"name": "edges"}, "'edges' is one of autoenc's own encoders"),
        ({"a": np.eye(2), "b": np.eye(2)}, {"name": "c"}, r"2 columns of vectors \(a and b\)"),
        ({"my vectors": np.eye(2)}, {}, "begins with a letter"),
    ],
)
def test_what_vectors_may_be_called(
    arrays: dict[str, Vectors], options: dict[str, str], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "clip.npz"
    np.savez(file, id=np.array(["a", "b"]), **arrays)
    with pytest.raises(ArgumentError, match=said):
        index_vectors(file, tmp_path / "s", **options)
    assert not (tmp_path / "s").exists()


def test_a_file_of_autoenc_keeps_its_names(picture_folder: Path, tmp_path: Path) -> None:
    embedded = embed_images(picture_folder, tmp_path / "v.npz", encoders=["color", "edges"]).file
    with pytest.raises(ArgumentError, match=r"are those of color and edges; leave name= out"):
        index_vectors(embedded, ":memory:", name="mine")


def test_several_columns_made_elsewhere_are_vectors_by_their_own_names(tmp_path: Path) -> None:
    file = tmp_path / "clip.npz"
    np.savez(file, id=np.array(["a", "b"]), clip=np.eye(2), dino=np.eye(2, 3))
    with open_store(":memory:") as store:
        report = index_vectors(file, store)
        assert {name: spec.dim for name, spec in store.info.vectors.items()} == {"clip": 2, "dino": 3}
    assert report.notes == [
        "The vectors 'clip' and 'dino' were made elsewhere. Search by them with stored images (id=, like=) or, in "
        "Python, with vectors."
    ]
