"""Neighbors of a picture or of a stored image."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoenc import Searcher, index_images, load_bundle, open_store, search
from autoenc.catalog.fields import unmatched
from autoenc.catalog.sources import find_point
from autoenc.encoders import create_encoder
from autoenc.errors import (
    ArgumentError,
    BundleNotFoundError,
    ImageDecodeError,
    PointNotFoundError,
    StoreMismatchError,
    UnknownFieldError,
)
from autoenc.images.files import load_image
from autoenc.images.finding import find_images
from autoenc.store import Store, VectorSpec, point_id


@pytest.fixture
def store(picture_folder: Path, tmp_path: Path) -> Iterator[Store]:
    index_images(picture_folder, tmp_path / "s", encoders=["color", "edges"])
    with open_store(tmp_path / "s") as opened:
        yield opened


def test_an_indexed_picture_finds_itself_first(store: Store, picture_folder: Path) -> None:
    path = picture_folder / "green" / "1.png"
    first, *rest = search(store, path, using="edges")
    assert (first.rank, first.path) == (1, path)
    assert first.score == pytest.approx(1.0, abs=1e-5)
    assert [neighbor.rank for neighbor in rest] == [2, 3, 4, 5]
    assert first.payload["_autoenc"]["folder"] == "green"


def test_the_ranking_is_that_of_cosine_similarity(store: Store, picture_folder: Path) -> None:
    """Against a slow reference: every vector made anew and compared with NumPy."""
    encoder = create_encoder("color")
    paths = find_images(picture_folder).paths
    vectors = encoder.encode(np.stack([load_image(path).pixels for path in paths]))
    query = picture_folder / "blue" / "2.png"
    cosine = vectors @ vectors[paths.index(query)]
    found = search(store, query, using="color", k=12)
    np.testing.assert_allclose([neighbor.score for neighbor in found], np.sort(cosine)[::-1], atol=1e-5)
    for neighbor in found:
        assert neighbor.score == pytest.approx(cosine[paths.index(neighbor.path)], abs=1e-5)


def test_searchers_by_other_encoders_share_what_was_made(store: Store, picture_folder: Path) -> None:
    searcher = Searcher(store)
    color = searcher.encoder_of("color")
    both = searcher.with_using("color=1,edges=0.5")
    assert both.using == "color=1,edges=0.5"
    assert both.encoder_of("color") is color
    assert searcher.with_using("edges").encoder_of("edges") is both.encoder_of("edges")
    own = create_encoder("color")
    assert searcher.with_using(own).encoder_of("color") is own  # the caller's, and not the one that is kept
    assert searcher.encoder_of("color") is color
    with pytest.raises(StoreMismatchError):
        searcher.with_using("learned")


def test_weights_of_an_encoder_that_the_store_does_not_hold(store: Store) -> None:
    with pytest.raises(ArgumentError, match="weights= names vgg16, and the encoders are"):
        Searcher(store, weights={"vgg16": "vgg16.h5"})
    with pytest.raises(ArgumentError, match="weights= maps names of encoders to files"):
        Searcher(store, weights=5)  # type: ignore[arg-type]


def test_by_id_leaves_the_image_itself_out(store: Store, picture_folder: Path) -> None:
    path = picture_folder / "red" / "0.png"
    expected = [neighbor.id for neighbor in search(store, path, using="color", k=4)][1:]
    id = point_id(str(picture_folder), "red/0.png")
    for name in (id, str(path), path, "red/0.png"):
        assert [neighbor.id for neighbor in search(store, id=name, using="color", k=3)] == expected


def test_a_path_relative_to_the_working_folder(
    store: Store, picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(picture_folder / "red")
    assert find_point(store, "0.png") == point_id(str(picture_folder), "red/0.png")
    assert find_point(store, "../blue/1.png") == point_id(str(picture_folder), "blue/1.png")


def test_pictures_in_memory(store: Store, picture_folder: Path) -> None:
    path = picture_folder / "red" / "3.png"
    expected = search(store, path, using="color")
    for picture in (path.read_bytes(), Image.open(path), np.asarray(Image.open(path))):
        assert search(store, picture, using="color") == expected


def test_filters_and_scores_narrow_the_result(store: Store, picture_folder: Path) -> None:
    path = picture_folder / "red" / "3.png"
    green = search(store, path, using="color", k=12, where={"folder": "green"})
    assert [neighbor.payload["_autoenc"]["folder"] for neighbor in green] == ["green"] * 4
    both = search(store, path, using="color", k=12, where={"folder": ["green", "blue"], "width": 40})
    assert len(both) == 8
    middle = (green[1].score + green[2].score) / 2
    assert len(search(store, path, using="color", k=12, where={"folder": "green"}, min_score=middle)) == 2


def test_the_encoder_defaults_to_learned_or_the_first(store: Store, picture_folder: Path, bundle_dir: Path) -> None:
    assert Searcher(store).using == "color"
    index_images(picture_folder, store, model=bundle_dir, encoders=["learned"])
    assert Searcher(store).using == "learned"


def test_the_store_remembers_the_model(picture_folder: Path, bundle_dir: Path, tmp_path: Path) -> None:
    model = shutil.copytree(bundle_dir, tmp_path / "m")
    index_images(picture_folder, tmp_path / "s", model=model, encoders=["learned"])
    query = picture_folder / "red" / "3.png"
    with open_store(tmp_path / "s") as opened:
        remembered = search(opened, query)
        moved = model.rename(tmp_path / "moved")
        with pytest.raises(BundleNotFoundError, match="name its new folder with model="):
            search(opened, query)
        assert search(opened, query, model=moved) == remembered
        shutil.rmtree(moved)
        assert len(search(opened, id="red/3.png")) == 5  # no model is needed for what is stored


def test_another_model_is_refused(picture_folder: Path, bundle_dir: Path, tmp_path: Path) -> None:
    index_images(picture_folder, tmp_path / "s", model=bundle_dir, encoders=["learned"])
    held, other = (load_bundle(model).fingerprint[:12] for model in (bundle_dir, "clothing-32"))
    with open_store(tmp_path / "s") as opened, pytest.raises(StoreMismatchError, match=f"{held}.*{other}"):
        search(opened, picture_folder / "red" / "3.png", model="clothing-32")


def test_what_is_not_there_is_named(store: Store, picture_folder: Path, tmp_path: Path) -> None:
    query = picture_folder / "red" / "3.png"
    with pytest.raises(StoreMismatchError, match="no vectors of encoder 'learned'; it holds color, edges"):
        search(store, query, using="learned")
    for using, advice in {
        "texture": r"using=, or add it by indexing with encoders=texture\.",
        "sift": "using=\\.",
    }.items():
        with pytest.raises(StoreMismatchError, match=advice + "$"):
            search(store, query, using=using)
    with pytest.raises(PointNotFoundError, match=r"holds no image nothing\.png"):
        search(store, id="nothing.png")
    with pytest.raises(PointNotFoundError, match=r"holds no image"):
        search(store, id="no UTF-8 \udcff.jpg")
    with pytest.raises(UnknownFieldError, match=r"'brand'.*'folder', 'height', 'path', 'source', 'width'"):
        search(store, query, where={"brand": "x"})
    with pytest.raises(ImageDecodeError, match=r"none\.jpg: The file cannot be read"):
        search(store, tmp_path / "none.jpg")
    with pytest.raises(ArgumentError, match="'width' has no index"):
        store.bounds("width")
    with pytest.raises(ArgumentError, match="k= must be"):
        search(store, query, k=0)
    with pytest.raises(ArgumentError, match="Expected an open store"):
        search("store", query)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Search by a picture, id=, product=, like=, words=, boost= or near="):
        search(store)


def test_by_a_vector_that_is_there_already(store: Store, picture_folder: Path) -> None:
    picture = picture_folder / "blue" / "2.png"
    vector = create_encoder("color").encode(load_image(picture).pixels[None])[0]
    assert search(store, vector=vector, using="color") == search(store, picture, using="color")


def test_a_column_of_the_users_goes_before_a_field_of_ours(store: Store, picture_folder: Path) -> None:
    id = point_id(str(picture_folder), "red/0.png")
    assert len(search(store, id="red/1.png", using="color", k=12, where={"folder": "red"})) == 3
    store.set_payload(id, {"folder": "sale"})
    store.add_field("folder", "keyword")
    (only,) = search(store, id="red/1.png", using="color", k=12, where={"folder": "sale"})
    assert only.id == id
    assert len(search(store, id="red/1.png", using="color", k=12, where={"_autoenc.folder": "red"})) == 3


def test_values_that_no_image_has_are_told_with_the_nearest(store: Store) -> None:
    assert unmatched(store, {"folder": "red"}) == []
    assert unmatched(store, {"folder": ["red", "gren"], "width": 7}) == [
        "No image has folder 'gren'. The nearest of 3 values: 'green', 'red'.",
        "No image has width 7.",
    ]


# ---- payloads that another program wrote --------------------------------------------------------------


FOREIGN: list[object] = [
    None,
    {},
    "text",
    {"source": "shop"},
    {"source": 5, "path": "a.jpg"},
    {"source": "shop", "path": 5},
    {"source": "shop", "path": ["a.jpg"]},
    {"source": "elsewhere", "path": "a.jpg"},
    {"source": "shop", "path": "../secret.jpg"},
    {"source": "shop", "path": "a/../../secret.jpg"},
    {"source": "shop", "path": "/etc/passwd"},
    {"source": "shop", "path": "a\0.jpg"},
]


@pytest.mark.parametrize("own", FOREIGN, ids=repr)
def test_a_payload_never_leads_out_of_its_source(own: object, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    with open_store(":memory:") as store:
        store.add_vector("paint", VectorSpec(2, "p", 1))
        store.add_source("shop", str(tmp_path / "shop"))
        store.upsert([point_id("s", "1")], {"paint": np.ones((1, 2), np.float32)}, [{"_autoenc": own}])
        (neighbor,) = search(store, vector=[1, 1], using="paint")
        assert neighbor.path is None
        assert neighbor.to_dict()["path"] is None
        assert neighbor.id in repr(neighbor)
        with pytest.raises(ImageDecodeError, match="has no image file"):
            neighbor.read()
        with pytest.raises(PointNotFoundError, match="has no image"):
            Searcher(store, using="paint").stored(neighbor.id)


def test_a_link_in_a_source_is_shown_only_if_it_still_leads_to_what_was_indexed(drawn: Path, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    link = tmp_path / "shop" / "link.jpg"
    link.symlink_to(drawn / "shoe" / "001.jpg")
    with open_store(":memory:") as store:
        index_images(tmp_path / "shop", store, encoders=["color"], progress=False)
        (neighbor,) = search(store, link)
        assert neighbor.read() == (drawn / "shoe" / "001.jpg").read_bytes()
        link.unlink()
        link.symlink_to(drawn / "shoe" / "002.jpg")
        with pytest.raises(ImageDecodeError, match="has changed since it was indexed"):
            neighbor.read()
        link.unlink()
        with pytest.raises(ImageDecodeError, match="cannot be read"):
            neighbor.read()
