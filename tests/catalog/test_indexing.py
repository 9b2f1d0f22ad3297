"""Images -> store: everything accounted for, nothing done twice, nothing lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoenc import index_images, open_store, search
from autoenc.encoders import Encoder, create_encoder
from autoenc.errors import (
    ArgumentError,
    BundleNotFoundError,
    EncoderError,
    NoImagesError,
    OutputError,
    StoreError,
    StoreMismatchError,
)
from autoenc.images.files import load_image
from autoenc.images.finding import Pictures
from autoenc.store import Store, point_id
from autoenc.vectors import Images, Vectors

HAND = ("color", "edges")


def index(folder: Pictures, store: Store | Path, **options: object) -> tuple[int, int, int, int, int]:
    report = index_images(folder, store, **{"encoders": HAND, **options})
    return report.indexed, report.updated, report.unchanged, len(report.missing), len(report.skipped)


def copies(pictures: Path, folder: Path, count: int) -> Path:
    """So many files, each a copy of one of the pictures, the same ones again and again."""
    folder.mkdir()
    files = sorted(pictures.glob("*/*.jpg"))
    for number in range(count):
        shutil.copy(files[number % len(files)], folder / f"{number:04}.jpg")
    return folder


# ---- what is stored ---------------------------------------------------------------------------------


def test_every_image_becomes_a_point_with_a_vector_for_each_encoder(picture_folder: Path, tmp_path: Path) -> None:
    report = index_images(picture_folder, tmp_path / "s", encoders=HAND)
    assert (report.indexed, report.updated, report.unchanged, report.missing) == (12, 0, 0, [])
    assert report.ignored == 1
    assert report.skipped == []
    path = picture_folder / "red" / "2.png"
    with open_store(tmp_path / "s") as store:
        assert store.count() == 12
        (record,) = store.retrieve([point_id(str(picture_folder), "red/2.png")], vectors=HAND)
        loaded = load_image(path)
        assert record.payload == {
            "_autoenc": {
                "source": str(picture_folder),
                "path": "red/2.png",
                "folder": "red",
                "digest": loaded.digest,
                "size": path.stat().st_size,
                "mtime_ns": path.stat().st_mtime_ns,
                "width": 40,
                "height": 48,
            }
        }
        for name in HAND:
            (vector,) = create_encoder(name).encode(loaded.pixels[None])
            np.testing.assert_allclose(record.vectors[name], vector / np.linalg.norm(vector), atol=1e-5)
        assert store.facets("folder") == {"blue": 4, "green": 4, "red": 4}
        assert store.info.sources == {str(picture_folder): str(picture_folder)}


def test_an_open_store_is_used_and_left_open(picture_folder: Path) -> None:
    with open_store(":memory:", create=True) as store:
        assert index(picture_folder, store) == (12, 0, 0, 0, 0)
        assert index(picture_folder, store) == (0, 0, 12, 0, 0)
        assert store.count() == 12


def test_the_learned_encoder_is_remembered_with_its_bundle(
    picture_folder: Path, bundle_dir: Path, tmp_path: Path
) -> None:
    index_images(picture_folder, tmp_path / "s", model=bundle_dir)
    with open_store(tmp_path / "s") as store:
        assert list(store.info.vectors) == ["learned", "color", "texture", "edges"]
        assert store.info.vectors["learned"].origin == str(bundle_dir)
        assert store.info.vectors["color"].origin is None


def test_a_second_run_finds_the_model_by_itself(bundle_dir: Path, picture_folder: Path, tmp_path: Path) -> None:
    index_images(picture_folder, tmp_path / "s", model=bundle_dir)
    assert index_images(picture_folder, tmp_path / "s").unchanged == 12
    with open_store(tmp_path / "s") as store:
        assert index_images(picture_folder, store, encoders=["learned"]).unchanged == 12


def test_a_model_that_moved_is_asked_for(bundle_dir: Path, picture_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle_dir, tmp_path / "m")
    index_images(picture_folder, tmp_path / "s", model=tmp_path / "m", encoders=["learned"])
    (tmp_path / "m").rename(tmp_path / "n")
    with pytest.raises(BundleNotFoundError, match="name its new folder with model="):
        index_images(picture_folder, tmp_path / "s", encoders=["learned"])
    assert index_images(picture_folder, tmp_path / "s", encoders=["learned"], model=tmp_path / "n").unchanged == 12


def test_a_folder_is_one_source_however_it_is_named(picture_folder: Path, tmp_path: Path) -> None:
    assert index(picture_folder, tmp_path / "s") == (12, 0, 0, 0, 0)
    assert index(picture_folder / "red" / "..", tmp_path / "s") == (0, 0, 12, 0, 0)


def test_two_sources_share_a_store(picture_folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(picture_folder, tmp_path / "other")
    assert index(picture_folder, tmp_path / "s") == (12, 0, 0, 0, 0)
    report = index_images(other, tmp_path / "s", encoders=["color"], progress=False)
    said = f"{other} is a new source beside {picture_folder}: the store now has 2 sources."
    assert (report.indexed, said in report.notes) == (12, True)
    assert not any("sources" in note for note in index_images(other, tmp_path / "s", progress=False).notes)
    with open_store(tmp_path / "s") as store:
        assert store.facets("source") == {str(other): 12, str(picture_folder): 12}


def test_a_named_source_can_move(picture_folder: Path, tmp_path: Path) -> None:
    index(picture_folder, tmp_path / "s", source="shop")
    moved = picture_folder.rename(tmp_path / "moved")
    assert index(moved, tmp_path / "s", source="shop") == (0, 0, 12, 0, 0)
    with open_store(tmp_path / "s") as store:
        assert store.info.sources == {"shop": str(moved)}
        assert all(found.path.is_file() for found in search(store, id="red/1.png", using="color", k=11))


# ---- the second run ---------------------------------------------------------------------------------


def test_a_second_run_reads_nothing_that_has_not_changed(
    picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(picture_folder, tmp_path / "s")
    monkeypatch.setattr("autoenc.catalog.changes.read_item", lambda path: pytest.fail(f"{path} was read again"))
    assert index(picture_folder, tmp_path / "s") == (0, 0, 12, 0, 0)


def test_a_touched_file_is_compared_by_digest_and_not_encoded(
    picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(picture_folder, tmp_path / "s")
    os.utime(picture_folder / "red" / "0.png", ns=(10**18, 10**18))
    with monkeypatch.context() as patch:
        patch.setattr("autoenc.catalog.changes.decode_file", lambda *a: pytest.fail("decoded again"))
        assert index(picture_folder, tmp_path / "s") == (0, 0, 12, 0, 0)
    with open_store(tmp_path / "s") as store:
        (record,) = store.retrieve([point_id(str(picture_folder), "red/0.png")])
        assert record.payload["_autoenc"]["mtime_ns"] == 10**18


def test_a_changed_image_is_encoded_again(picture_folder: Path, tmp_path: Path) -> None:
    index(picture_folder, tmp_path / "s")
    path = picture_folder / "red" / "0.png"
    Image.new("RGB", (20, 20), (0, 0, 250)).save(path)
    assert index(picture_folder, tmp_path / "s") == (0, 1, 11, 0, 0)
    with open_store(tmp_path / "s") as store:
        (record,) = store.retrieve([point_id(str(picture_folder), "red/0.png")], vectors=["color"])
        (expected,) = create_encoder("color").encode(load_image(path).pixels[None])
        np.testing.assert_allclose(record.vectors["color"], expected, atol=1e-5)
        assert (record.payload["_autoenc"]["width"], record.payload["_autoenc"]["height"]) == (20, 20)


def test_a_changed_image_gets_all_its_vectors_anew_whatever_was_asked_for(picture_folder: Path, tmp_path: Path) -> None:
    """Indexed with color and edges, changed, indexed with texture: none of the old picture's vectors stays behind."""
    index(picture_folder, tmp_path / "s")
    path = picture_folder / "red" / "0.png"
    shutil.copy(picture_folder / "blue" / "3.png", path)
    assert index(picture_folder, tmp_path / "s", encoders=["texture"]) == (0, 12, 0, 0, 0)
    with open_store(tmp_path / "s") as store:
        (record,) = store.retrieve([point_id(str(picture_folder), "red/0.png")], vectors=[*HAND, "texture"])
        for name in (*HAND, "texture"):
            (vector,) = create_encoder(name).encode(load_image(path).pixels[None])
            np.testing.assert_allclose(record.vectors[name], vector / np.linalg.norm(vector), atol=1e-5)


def test_what_the_user_keeps_of_an_image_outlives_every_index(picture_folder: Path, tmp_path: Path) -> None:
    mine = {"price": 9.5, "size": "XL", "path": "aisle 3", "base color": "red", "sale": True}
    id = point_id(str(picture_folder), "red/0.png")
    index(picture_folder, tmp_path / "s", encoders=["color"])
    with open_store(tmp_path / "s") as store:
        store.set_payload(id, mine)
    Image.new("RGB", (20, 20), (0, 0, 250)).save(picture_folder / "red" / "0.png")
    index(picture_folder, tmp_path / "s", encoders=["edges"])
    os.utime(picture_folder / "red" / "0.png", ns=(10**18, 10**18))
    index(picture_folder, tmp_path / "s")
    with open_store(tmp_path / "s") as store:
        (record,) = store.retrieve([id])
        own = record.payload.pop("_autoenc")
        assert record.payload == mine
        assert (own["width"], own["mtime_ns"]) == (20, 10**18)


class Brightness(Encoder):
    """An encoder of the user's own."""

    name, dim, input_size, fingerprint = "brightness", 2, 8, "brightness-1"

    def _encode(self, images: Images) -> Vectors:
        mean = images.mean(axis=(1, 2, 3), dtype=np.float32) / 255
        return np.stack([mean, 1 - mean], axis=1)


def test_a_changed_image_is_left_and_listed_if_a_vector_cannot_be_made_anew(
    picture_folder: Path, tmp_path: Path
) -> None:
    index(picture_folder, tmp_path / "s", encoders=["color", Brightness()])
    id = point_id(str(picture_folder), "red/0.png")
    with open_store(tmp_path / "s") as store:
        before = store.retrieve([id], vectors=["color", "brightness"])[0]
    Image.new("RGB", (20, 20), (0, 0, 250)).save(picture_folder / "red" / "0.png")
    report = index_images(picture_folder, tmp_path / "s", encoders=["color"])
    assert (report.updated, report.unchanged, len(report.skipped)) == (0, 11, 1)
    assert "its vector of encoder 'brightness' cannot be replaced" in report.skipped[0].reason
    with open_store(tmp_path / "s") as store:
        after = store.retrieve([id], vectors=["color", "brightness"])[0]
    assert after.payload == before.payload
    np.testing.assert_array_equal(after.vectors["color"], before.vectors["color"])
    assert index(picture_folder, tmp_path / "s", encoders=[Brightness()]) == (0, 1, 11, 0, 0)


def test_an_encoder_of_your_own_is_indexed_and_queried_like_any_other(picture_folder: Path, tmp_path: Path) -> None:
    index(picture_folder, tmp_path / "s", encoders=[Brightness()])
    picture = picture_folder / "red" / "1.png"
    with open_store(tmp_path / "s") as store:
        assert search(store, picture, using=Brightness(), k=1)[0].path == picture
        assert len(search(store, id="red/1.png", k=3)) == 3
        with pytest.raises(EncoderError, match=r"'brightness' is not one of autoenc's own; in Python, pass the"):
            search(store, picture)


def test_an_encoder_that_is_fitted_anew_each_time_is_refused(picture_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"'pixels\+pca4' is fitted on .* Index with the encoder that it projects"):
        index(picture_folder, tmp_path / "s", encoders=["pixels+pca4"])


def test_a_list_of_files_joins_the_source_they_lie_in(picture_folder: Path, tmp_path: Path) -> None:
    index(picture_folder, tmp_path / "s")
    Image.new("RGB", (20, 20), (0, 0, 250)).save(picture_folder / "red" / "0.png")
    files = [picture_folder / "red" / "0.png", picture_folder / "red" / "1.png"]
    assert index(files, tmp_path / "s") == (0, 1, 1, 0, 0)
    with open_store(tmp_path / "s") as store:
        assert len(store) == 12
    assert index(files, tmp_path / "new") == (2, 0, 0, 0, 0)
    with open_store(tmp_path / "new") as store:
        assert store.info.sources == {str(picture_folder / "red"): str(picture_folder / "red")}


def test_pictures_in_memory_are_told_apart_by_their_names(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 3), np.uint8)
    names = ["a/1", "a/2", "b/1"]
    assert index(pictures, tmp_path / "s", names=names) == (3, 0, 0, 0, 0)
    assert index(pictures, tmp_path / "s", names=names) == (0, 0, 3, 0, 0)
    pictures[1] = 255 - pictures[1]
    as_pil = [Image.fromarray(picture) for picture in pictures]
    assert index(as_pil, tmp_path / "s", names=names) == (0, 1, 2, 0, 0)
    with open_store(tmp_path / "s") as store:
        assert store.facets("folder") == {"a": 2, "b": 1}
        nearest = search(store, pictures[1], using="color", k=1)[0]
        assert nearest.path == Path("a/2")
        assert nearest.score == pytest.approx(1, abs=1e-5)
    with pytest.raises(ArgumentError, match="need names="):
        index(pictures, tmp_path / "s")


def test_a_new_encoder_is_added_without_touching_the_others(picture_folder: Path, tmp_path: Path) -> None:
    index(picture_folder, tmp_path / "s", encoders=["color"])
    id = point_id(str(picture_folder), "green/3.png")
    with open_store(tmp_path / "s") as store:
        before = store.retrieve([id], vectors=["color"])[0]
    assert index(picture_folder, tmp_path / "s", encoders=["edges"]) == (0, 12, 0, 0, 0)
    with open_store(tmp_path / "s") as store:
        after = store.retrieve([id], vectors=["color", "edges"])[0]
    np.testing.assert_array_equal(after.vectors["color"], before.vectors["color"])
    assert after.payload == before.payload
    assert after.vectors["edges"].shape == (324,)


def test_new_and_gone_files(picture_folder: Path, tmp_path: Path) -> None:
    index(picture_folder, tmp_path / "s")
    (picture_folder / "red" / "0.png").unlink()
    Image.new("RGB", (20, 20), (0, 0, 250)).save(picture_folder / "red" / "9.png")
    report = index_images(picture_folder, tmp_path / "s")
    assert (report.indexed, report.unchanged) == (1, 11)
    assert report.missing == [picture_folder / "red" / "0.png"]
    assert report.to_dict()["missing"] == [str(picture_folder / "red" / "0.png")]
    with open_store(tmp_path / "s") as store:
        assert store.count() == 13  # those that have gone are named, not deleted


# ---- bad files --------------------------------------------------------------------------------------


def test_a_bad_file_never_stops_the_run(picture_folder: Path, tmp_path: Path) -> None:
    (picture_folder / "red" / "empty.jpg").touch()
    (picture_folder / "red" / "text.png").write_text("not a picture")
    whole = (picture_folder / "red" / "0.png").read_bytes()
    (picture_folder / "red" / "cut.png").write_bytes(whole[: len(whole) // 2])
    report = index_images(picture_folder, tmp_path / "s", encoders=HAND)
    assert report.indexed == 12
    assert {skipped.path.name: skipped.reason.split(" (")[0] for skipped in report.skipped} == {
        "cut.png": "The image is broken or truncated",
        "empty.jpg": "The file is empty",
        "text.png": "Not an image: the bytes match no known image format.",
    }


def test_an_indexed_file_that_breaks_is_listed_and_its_point_stays(picture_folder: Path, tmp_path: Path) -> None:
    index(picture_folder, tmp_path / "s")
    (picture_folder / "red" / "0.png").write_bytes(b"broken")
    assert index(picture_folder, tmp_path / "s") == (0, 0, 11, 0, 1)


def test_when_no_image_is_good_no_store_is_left_behind(tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(b"bad")
    report = index_images(folder, tmp_path / "s", encoders=HAND)
    assert report.usable == 0
    assert len(report.skipped) == 1
    assert not (tmp_path / "s").exists()


def test_mutated_photos_are_all_accounted_for(photos: list[Path], tmp_path: Path) -> None:
    rng = random.Random(1)
    folder = tmp_path / "mutated"
    folder.mkdir()
    for number, photo in enumerate(photos[:100]):
        data = bytearray(photo.read_bytes())
        at = rng.randrange(len(data))
        if number % 2:
            del data[at:]
        else:
            data[at : at + 200] = rng.randbytes(200)
        (folder / f"{number:03}.jpg").write_bytes(data)
    report = index_images(folder, tmp_path / "s", encoders=HAND)
    assert report.indexed + len(report.skipped) == 100
    assert report.indexed > 0
    with open_store(tmp_path / "s") as store:
        assert store.count() == report.indexed


# ---- errors before anything is written --------------------------------------------------------------


def test_errors_leave_nothing_behind(picture_folder: Path, tmp_path: Path) -> None:
    attempts = [
        (NoImagesError, {"images": tmp_path / "none"}),
        (EncoderError, {"encoders": ["sift"]}),
        (EncoderError, {"encoders": ["learned"]}),
        (BundleNotFoundError, {"encoders": ["learned"], "model": tmp_path / "none"}),
        (ArgumentError, {"encoders": []}),
        (ArgumentError, {"encoders": ["color", "edges", "color"]}),
    ]
    for error, options in attempts:
        with pytest.raises(error):
            index_images(**{"images": picture_folder, "store": tmp_path / "s", "encoders": HAND, **options})
        assert not (tmp_path / "s").exists()


def test_another_model_is_refused_before_anything_is_written(
    picture_folder: Path, bundle_dir: Path, tmp_path: Path
) -> None:
    index_images(picture_folder, tmp_path / "s", model=bundle_dir, encoders=["learned"])
    (picture_folder / "red" / "0.png").unlink()
    said = (
        rf"'learned' of {bundle_dir} \(.*'learned' of clothing-32 \(.*different models or trainings.*`autoenc reindex`"
    )
    with pytest.raises(StoreMismatchError, match=said):
        index_images(picture_folder, tmp_path / "s", model="clothing-32", encoders=["learned"])
    assert index(picture_folder, tmp_path / "s", model=bundle_dir, encoders=["learned"]) == (0, 0, 11, 1, 0)


def test_a_folder_that_holds_something_else_is_refused(picture_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError):
        index(picture_folder, tmp_path / "thesis")
    assert [file.name for file in (tmp_path / "thesis").iterdir()] == ["thesis.txt"]


# ---- killed at any moment ---------------------------------------------------------------------------

_INDEX = """
import sys
from autoenc import index_images
report = index_images(sys.argv[1], sys.argv[2], encoders=("color", "edges"))
print(report.indexed, flush=True)
"""


def test_kill_9_at_ten_random_moments_loses_nothing(drawn: Path, tmp_path: Path) -> None:
    """Runs are killed at random moments until one ends; then every image is there once, with both vectors."""
    folder = copies(drawn, tmp_path / "many", 800)
    command = [sys.executable, "-c", _INDEX, str(folder), str(tmp_path / "s")]
    start = time.perf_counter()
    subprocess.run([*command[:4], str(tmp_path / "whole")], check=True, capture_output=True)
    whole = time.perf_counter() - start
    rng = random.Random(5)
    held = [0]
    for _ in range(10):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            process.wait(timeout=whole * rng.uniform(0.2, 1.0))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        if (tmp_path / "s" / "images" / "autoenc.json").is_file():
            with open_store(tmp_path / "s") as store:
                held.append(store.count())
    assert held == sorted(held)  # what was stored stays stored
    report = index_images(folder, tmp_path / "s", encoders=HAND)
    assert report.usable == 800
    with open_store(tmp_path / "s") as store:
        assert store.count() == 800
        ids = [record.id for record in store.scroll()]
        assert store.having_vectors(ids, HAND) == set(ids)
    again = index_images(folder, tmp_path / "s", encoders=HAND)
    assert again.unchanged == 800


_INDEX_AND_TELL = """
import sys
from autoenc import index_images
index_images(sys.argv[1], sys.argv[2], encoders=["pixels"], progress=lambda _, done, *rest: print(done, flush=True))
"""


def test_what_was_told_as_done_is_stored_even_after_kill_9(drawn: Path, tmp_path: Path) -> None:
    folder = copies(drawn, tmp_path / "many", 700)
    for enough in (1, 257):
        process = subprocess.Popen(
            [sys.executable, "-c", _INDEX_AND_TELL, str(folder), str(tmp_path / "s")], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told = 0
        while told < enough:
            told = int(process.stdout.readline())
        process.kill()
        told = max(told, *map(int, process.communicate()[0].split()), 0)
        with open_store(tmp_path / "s") as store:
            assert store.count() >= told
    seen: list[int] = []
    index_images(folder, tmp_path / "s", encoders=["pixels"], progress=lambda _, done, *rest: seen.append(done))
    assert seen == sorted(seen)
    assert seen[-1] == 700


def test_pictures_that_wait_to_be_written_are_not_told_as_done(drawn: Path, tmp_path: Path) -> None:
    folder = copies(drawn, tmp_path / "many", 300)
    with open_store(tmp_path / "s", create=True) as store:
        told: list[tuple[int, int]] = []
        index_images(
            folder, store, encoders=["color"], progress=lambda _, done, *rest: told.append((done, store.count()))
        )
        assert [done for done, _ in told] == [64, 128, 192, 256, 300]
        assert all(done <= stored for done, stored in told)
        assert told[-1] == (300, 300)


def test_the_report_is_json(picture_folder: Path, tmp_path: Path) -> None:
    (picture_folder / "bad.png").write_text("x")
    report = json.loads(json.dumps(index_images(picture_folder, tmp_path / "s", encoders=HAND).to_dict()))
    assert report["indexed"] == 12
    assert report["skipped"] == [
        {"path": str(picture_folder / "bad.png"), "reason": "Not an image: the bytes match no known image format."}
    ]
    assert report["images_per_second"] == pytest.approx(12 / report["seconds"])


def test_another_process_that_adds_the_same_vector_with_another_model_is_noticed(drawn: Path) -> None:
    """On a server, the last of two that add a vector at the same moment wins; the other must not go unwarned."""
    with open_store(":memory:") as store:

        def other(*_: object) -> None:
            spec = {"dim": 126, "fingerprint": "other", "preprocessing": 1, "origin": None}
            store._engine.merge_record({"vectors": {"color": spec}})

        with pytest.raises(StoreMismatchError, match="color"):
            index_images(drawn, store, encoders=["color"], progress=other)


def test_a_new_store_does_not_lie_among_the_images(drawn: Path, tmp_path: Path) -> None:
    photos = shutil.copytree(drawn, tmp_path / "photos")
    with pytest.raises(OutputError, match="where images are read"):
        index_images(photos, photos / "store", encoders=["color"], progress=False)
    assert not (photos / "store").exists()
