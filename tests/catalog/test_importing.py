"""A file of vectors -> a store: the one that indexing its images makes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from autoenc import embed_images, index_images, index_vectors, open_store, search
from autoenc.catalog.importing_columns import ELSEWHERE
from autoenc.embeddings.reading import VectorFile
from autoenc.encoders import Encoder
from autoenc.errors import ArgumentError, NoImagesError, StoreMismatchError, VectorFileError
from autoenc.store import Store, VectorSpec, point_id
from autoenc.store.points import Record
from autoenc.vectors import Images, Vectors

HAND = ("color", "edges")
SUFFIXES = (".parquet", ".npz", ".csv", ".jsonl")


def counts(report: object) -> tuple[int, int, int, int, int]:
    told = {name: getattr(report, name) for name in ("indexed", "updated", "unchanged", "missing", "skipped")}
    return told["indexed"], told["updated"], told["unchanged"], len(told["missing"]), len(told["skipped"])


def content(store: Store) -> dict[str, Record]:
    return {record.id: record for record in store.scroll(vectors=list(store.info.vectors))}


@pytest.fixture
def embedded(picture_folder: Path, tmp_path: Path) -> Path:
    return embed_images(picture_folder, tmp_path / "v.npz", encoders=HAND).file


# ---- a store from the file ----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_store_of_the_file_is_that_of_the_images(suffix: str, picture_folder: Path, tmp_path: Path) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="Parquet needs pyarrow: pip install 'autoenc[tables]'")
    file = embed_images(picture_folder, tmp_path / f"v{suffix}", encoders=HAND).file
    with open_store(":memory:") as straight, open_store(":memory:") as carried:
        index_images(picture_folder, straight, encoders=HAND)
        assert counts(index_vectors(file, carried)) == (12, 0, 0, 0, 0)
        one, other = content(straight), content(carried)
        assert {id: record.payload for id, record in one.items()} == {id: r.payload for id, r in other.items()}
        for id, record in one.items():
            assert all(np.array_equal(record.vectors[name], other[id].vectors[name]) for name in HAND)
        assert straight.info.vectors == carried.info.vectors
        assert straight.info.sources == carried.info.sources
        assert straight.info.fields == carried.info.fields
        assert counts(index_images(picture_folder, carried)) == (0, 0, 12, 0, 0)
        assert (
            search(carried, picture_folder / "red" / "2.png", k=1, using="edges")[0].path
            == picture_folder / "red" / "2.png"
        )


def test_a_second_run_changes_nothing_and_a_stopped_one_is_finished(embedded: Path, tmp_path: Path) -> None:
    with open_store(tmp_path / "s", create=True) as store:
        assert counts(index_vectors(embedded, store)) == (12, 0, 0, 0, 0)
        before = content(store)
        assert counts(index_vectors(embedded, store)) == (0, 0, 12, 0, 0)
        store.delete(list(before)[:5])
        assert counts(index_vectors(embedded, store)) == (5, 0, 7, 0, 0)
        assert {id: record.payload for id, record in content(store).items()} == {
            id: record.payload for id, record in before.items()
        }


def test_points_get_one_more_vector_and_keep_their_fields(picture_folder: Path, tmp_path: Path) -> None:
    with open_store(":memory:") as store:
        index_images(picture_folder, store, encoders=["edges"])
        (first, *_) = content(store)
        store.set_payload(first, {"price": 5})
        file = embed_images(picture_folder, tmp_path / "v.npz", encoders=["color"], labels="folders").file
        assert counts(index_vectors(file, store)) == (0, 12, 0, 0, 0)
        record = content(store)[first]
        assert set(record.vectors) == {"color", "edges"}
        assert record.payload["price"] == 5
        assert store.facets("label") == {"blue": 4, "green": 4, "red": 4}


def test_another_version_of_a_picture_takes_the_place_only_with_all_vectors(
    picture_folder: Path, tmp_path: Path
) -> None:
    color = embed_images(picture_folder, tmp_path / "color.npz", encoders=["color"]).file
    both = embed_images(picture_folder, tmp_path / "both.npz", encoders=HAND).file
    red, blue = (picture_folder / name / "0.png" for name in ("red", "blue"))
    red.write_bytes(blue.read_bytes())
    with open_store(":memory:") as store:
        index_images(picture_folder, store, encoders=HAND)
        report = index_vectors(color, store)
        assert counts(report) == (0, 0, 11, 0, 1)
        assert "another version of this picture, with a vector of encoder 'edges'" in str(report.skipped[0])
        assert counts(index_vectors(both, store)) == (0, 1, 11, 0, 0)
        assert counts(index_images(picture_folder, store)) == (0, 1, 11, 0, 0)  # the folder has the last word


def test_behavior_outlives_another_version_of_a_picture(embedded: Path, picture_folder: Path) -> None:
    (picture_folder / "red" / "0.png").write_bytes((picture_folder / "blue" / "0.png").read_bytes())
    with open_store(":memory:") as store:
        index_images(picture_folder, store, encoders=HAND)
        id = point_id(str(picture_folder), "red/0.png")
        store.add_vector("behavior", VectorSpec(2, "behavior x", 0))
        store.update_vectors([id], {"behavior": np.eye(1, 2, dtype=np.float32)})
        assert counts(index_vectors(embedded, store)) == (0, 1, 11, 0, 0)
        assert set(content(store)[id].vectors) == {"color", "edges", "behavior"}


def test_the_folder_may_lie_elsewhere(embedded: Path, picture_folder: Path, tmp_path: Path) -> None:
    moved = picture_folder.rename(tmp_path / "moved")
    report = index_vectors(embedded, ":memory:")
    assert counts(report) == (12, 0, 0, 0, 0)
    assert any("is not here. Give the folder of the images" in note for note in report.notes)
    (moved / "red" / "0.png").unlink()
    with open_store(":memory:") as store:
        report = index_vectors(embedded, store, images=moved)
        assert counts(report) == (12, 0, 0, 1, 0)
        assert report.missing == [moved / "red" / "0.png"]
        assert store.info.sources == {str(moved): str(moved)}
    with pytest.raises(NoImagesError, match="Expected the folder of the images"):
        index_vectors(embedded, ":memory:", images=picture_folder)


def test_a_folder_with_none_of_the_images_is_refused(embedded: Path, picture_folder: Path, tmp_path: Path) -> None:
    wrong = picture_folder / "red"
    said = rf"None of the 12 images that {embedded} names is in {wrong}\. .* the first path is blue/0\.png\."
    with pytest.raises(NoImagesError, match=said):
        index_vectors(embedded, tmp_path / "s", images=wrong)
    assert not (tmp_path / "s").exists()
    with open_store(":memory:") as store:
        index_images(picture_folder, store, encoders=["color"])
        known = saved(tmp_path / "clip.npz", id=[point_id(str(picture_folder), "red/0.png")], clip=np.eye(1, 3))
        assert counts(index_vectors(known, store, images=wrong)) == (0, 1, 0, 0, 0)  # it names an id, no path


def test_vectors_of_another_encoder_are_not_mixed_in(embedded: Path, picture_folder: Path, tmp_path: Path) -> None:
    with np.load(embedded, allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    header = json.loads(str(arrays["autoenc"]))
    header["vectors"]["edges"]["fingerprint"] = "another"
    np.savez(tmp_path / "other.npz", **{**arrays, "autoenc": np.array(json.dumps(header))})
    with open_store(":memory:") as store:
        index_vectors(embedded, store)
        before = content(store)
        with pytest.raises(StoreMismatchError, match="324-d vectors of encoder 'edges'"):
            index_vectors(tmp_path / "other.npz", store)
        assert content(store).keys() == before.keys()


class Clip(Encoder):
    """Called as vectors made elsewhere are."""

    name, dim, input_size, fingerprint = "clip", 1, 8, "clip-1"

    def _encode(self, images: Images) -> Vectors:
        return np.zeros((len(images), 1), np.float32)


# ---- files made elsewhere -----------------------------------------------------------------------


def saved(file: Path, **arrays: object) -> Path:
    np.savez(file, **{name: np.array(values) for name, values in arrays.items()})
    return file


def test_vectors_made_elsewhere_join_the_images_by_path(picture_folder: Path, tmp_path: Path) -> None:
    paths = ["red/0.png", str(picture_folder / "blue" / "1.png"), "./green/2.png", "red/gone.png"]
    file = saved(tmp_path / "clip.npz", image=paths, vectors=np.eye(4, 5))
    with open_store(":memory:") as store:
        index_images(picture_folder, store, encoders=["color"])
        report = index_vectors(file, store, images=picture_folder, name="clip")
        assert counts(report) == (1, 3, 0, 1, 0)
        assert store.info.vectors["clip"].fingerprint == "elsewhere clip"
        assert store.info.vectors["clip"].preprocessing == ELSEWHERE
        id = point_id(str(picture_folder), "blue/1.png")
        assert store.retrieve([id], vectors=["clip"])[0].vectors["clip"].tolist() == [0, 1, 0, 0, 0]
        assert [hit.id for hit in store.search([0, 1, 0, 0, 0], using="clip", k=1)] == [id]
        assert counts(index_vectors(file, store, images=picture_folder, name="clip")) == (0, 0, 4, 1, 0)


def test_a_later_index_takes_the_images_for_known(picture_folder: Path, tmp_path: Path) -> None:
    file = saved(tmp_path / "clip.npz", path=["red/0.png", "blue/1.png"], clip=np.eye(2))
    with open_store(":memory:") as store:
        index_vectors(file, store, images=picture_folder)
        report = index_images(picture_folder, store, encoders=["color"])
        assert counts(report) == (10, 2, 0, 0, 0)
        assert store.count(having=["clip", "color"]) == 2


def test_rows_without_a_folder_are_points_by_their_ids(tmp_path: Path) -> None:
    uuid = "00000000-0000-4000-8000-000000000001"
    file = saved(tmp_path / "clip.npz", id=["sku-1", uuid, "../up"], clip=np.eye(3), label=["a", "b", ""])
    with open_store(":memory:") as store:
        store.add_fields({"_autoenc.path": "keyword"})
        report = index_vectors(file, store, source="shop")
        assert counts(report) == (3, 0, 0, 0, 0)
        assert store.retrieve([point_id("shop", "sku-1")])[0].payload == {
            "label": "a",
            "_autoenc": {"source": "shop", "path": "sku-1", "folder": ""},
        }
        assert any(note.endswith("(id=, like=) or, in Python, with vectors.") for note in report.notes)
        with pytest.raises(ArgumentError, match="were not made by autoenc, so an Encoder object cannot search"):
            search(store, id="sku-1", using=Clip())
        known = point_id("shop", "sku-1")  # the id of a point finds it as it is
        more = saved(tmp_path / "more.npz", id=[known], other=np.ones((1, 2)))
        assert counts(index_vectors(more, store, source="shop")) == (0, 1, 0, 0, 0)
        assert store.count(having=["clip", "other"]) == 1


def test_a_file_that_is_replaced_while_it_is_read_is_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = saved(tmp_path / "clip.npz", id=["a", "b"], clip=np.eye(2))
    monkeypatch.setattr(VectorFile, "keys", lambda opened: iter(["a", "c"]))
    with open_store(":memory:") as store:
        assert counts(index_vectors(file, store)) == (2, 0, 0, 0, 0)


def test_a_point_is_named_once_in_whatever_spelling(picture_folder: Path, tmp_path: Path) -> None:
    with open_store(":memory:") as store:
        index_images(picture_folder, store, encoders=["color"])
        id = point_id(str(picture_folder), "red/0.png")
        file = saved(tmp_path / "clip.npz", path=[id, id.upper(), "red/0.png"], clip=np.eye(3))
        report = index_vectors(file, store, images=picture_folder)
        assert counts(report) == (0, 1, 0, 0, 2)
        assert [skipped.reason for skipped in report.skipped] == [
            "row 2: Row 1 names the same image.",
            "row 3: Row 1 names the same image.",
        ]


def test_a_row_by_id_is_not_looked_for_in_the_folder_of_other_images(picture_folder: Path, tmp_path: Path) -> None:
    with open_store(":memory:") as store:
        index_images(picture_folder / "red", store, encoders=["color"])
        index_images(picture_folder / "blue", store, encoders=["color"])
        id = point_id(str(picture_folder / "red"), "0.png")
        before = store.retrieve([id])[0].payload
        file = saved(tmp_path / "clip.npz", path=[id], clip=np.eye(1, 4))
        (picture_folder / "blue" / "0.png").unlink()
        assert counts(index_vectors(file, store, images=picture_folder / "blue")) == (0, 1, 0, 0, 0)
        assert store.retrieve([id])[0].payload == before


@pytest.mark.parametrize("where", [":memory:", "store"])
def test_a_changed_picture_loses_what_was_made_elsewhere_of_the_old_one(
    where: str, picture_folder: Path, tmp_path: Path
) -> None:
    file = saved(tmp_path / "clip.npz", path=["red/0.png", "red/1.png", "red/gone.png"], clip=np.eye(3))
    with open_store(where if where == ":memory:" else tmp_path / where, create=True) as store:
        index_images(picture_folder, store, encoders=["color", "edges"])
        index_vectors(file, store, images=picture_folder)
        id, other, gone = (point_id(str(picture_folder), f"red/{name}.png") for name in ("0", "1", "gone"))
        store.set_payload(id, {"price": 5})
        store.add_vector("behavior", VectorSpec(2, "behavior x", 0))
        store.update_vectors([id], {"behavior": np.eye(1, 2, dtype=np.float32)})
        green = (picture_folder / "green" / "0.png").read_bytes()
        for name in ("0", "gone"):
            (picture_folder / "red" / f"{name}.png").write_bytes(green)
        report = index_images(picture_folder, store)
        assert (report.updated, report.skipped) == (2, [])
        assert [note for note in report.notes if "clip" in note] == [
            "1 changed image has no vector 'clip' now: it was made elsewhere, of the picture as it was. Make it again "
            "there, and import 'clip' again."
        ]
        held = content(store)
        assert set(held[id].vectors) == {"color", "edges", "behavior"}
        assert held[id].payload["price"] == 5
        same = held[point_id(str(picture_folder), "green/0.png")].vectors
        assert all(np.array_equal(held[id].vectors[name], same[name]) for name in HAND)
        assert set(held[other].vectors) == set(held[gone].vectors) == {"color", "edges", "clip"}  # gone came later
        assert counts(index_vectors(file, store, images=picture_folder)) == (0, 1, 2, 0, 0)


def test_rows_that_cannot_be_used_are_listed_and_the_rest_is_stored(picture_folder: Path, tmp_path: Path) -> None:
    vectors = np.eye(6, 4)
    vectors[2, 0] = np.nan
    paths = ["red/0.png", "red/0.png", "red/1.png", "../red/2.png", "/etc/passwd", ""]
    file = saved(tmp_path / "clip.npz", path=paths, clip=vectors)
    with open_store(":memory:") as store:
        report = index_vectors(file, store, images=picture_folder)
        assert counts(report) == (1, 0, 0, 0, 5)
        assert [file.reason for file in report.skipped] == [
            "row 2: Row 1 names the same image.",
            "row 3: Its vector 'clip' holds NaN or infinity.",
            f"row 4: It leads out of {picture_folder}.",
            f"row 5: It does not lie in {picture_folder}.",
            "row 6: It names no image.",
        ]
        assert len(store) == 1


def test_a_file_without_a_usable_row_makes_no_store(tmp_path: Path) -> None:
    file = saved(tmp_path / "clip.npz", id=["a"], clip=np.full((1, 2), np.inf))
    assert counts(index_vectors(file, tmp_path / "s")) == (0, 0, 0, 0, 1)
    assert not (tmp_path / "s").exists()
    with pytest.raises(VectorFileError, match="cannot be read"):
        index_vectors(tmp_path / "none.npz", tmp_path / "s")
