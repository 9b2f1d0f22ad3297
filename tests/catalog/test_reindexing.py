"""Another model: a new generation of the same points beside the old one, which answers until everything is done."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
from corners import Corners
from engines import opening
from qdrant_stand_in import Qdrant, serving
from shops import check_encoded, content, draw_shop, indexed

from autoenc import (
    Searcher,
    drop_old_generations,
    index_images,
    measure_scales,
    open_store,
    reindex_store,
    roll_back,
)
from autoenc.errors import ArgumentError, EncoderError, StoreError, StoreLockedError, StoreMismatchError
from autoenc.store import Store, VectorSpec, point_id
from autoenc.vectors import Images, Vectors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return draw_shop(tmp_path / "shop")


@pytest.fixture(params=["memory", "edge", "stand-in"])
def store(request: pytest.FixtureRequest, tmp_path: Path, folder: Path) -> Iterator[Store]:
    with opening(request.param, tmp_path) as opener:
        yield indexed(opener(), folder)


@pytest.fixture
def edge(tmp_path: Path, folder: Path) -> Iterator[Store]:
    with open_store(tmp_path / "s", create=True) as opened:
        yield indexed(opened, folder)


# ---- what is taken over, and what is made -----------------------------------------------------------


def test_the_same_points_with_other_vectors(store: Store, folder: Path) -> None:
    before, info = content(store, "color"), store.info
    encoder = Corners("two", 9)
    report = reindex_store(store, encoders=[encoder, "color"])
    assert (report.before, report.generation, report.switched) == (1, 2, True)
    assert (report.points, report.encoded, report.made, report.kept) == (30, 30, ["corners"], ["color"])
    assert (report.left_out, report.missing, report.skipped, report.notes) == ([], [], [], [])
    assert store.generation == 2
    assert content(store, "color") == before
    check_encoded(store, encoder, folder)
    assert store.info.vectors["corners"] == VectorSpec(9, "corners two 9", 1)
    assert store.info.scales["color"] == info.scales["color"]
    assert store.info.scales == measure_scales(store)
    for what in ("sources", "fields", "product", "product_folders", "runs", "copy_of"):
        assert getattr(store.info, what) == getattr(info, what)
    assert store.count({"sale": True}) == 15
    assert index_images(folder, store, encoders=[encoder, "color"], source="shop").unchanged == 30


def test_the_same_encoders_leave_nothing_to_do(store: Store) -> None:
    report = reindex_store(store, encoders=["color", Corners("one")])
    assert (report.generation, report.switched, report.encoded) == (1, False, 0)
    assert report.notes == [
        "There is nothing to do: the encoders are those of this collection already ('color', 'corners')."
    ]
    assert len(store.generations()) == 1


def test_a_model_for_a_collection_whose_encoders_take_none(edge: Store) -> None:
    report = reindex_store(edge, model="clothing-32")
    assert report.notes[0].startswith("There is nothing to do: none of the encoders of this collection ('color', 'corn")


def test_encoders_are_added_and_left_out(store: Store) -> None:
    report = reindex_store(store, encoders=["corners", "edges"])
    assert (report.made, report.kept, report.left_out) == (["edges"], ["corners"], ["color"])
    assert list(store.info.vectors) == ["corners", "edges"]
    assert store.count(having=["corners", "edges"]) == 30
    assert report.agreement == {}  # there is nothing to compare it with
    report = reindex_store(store, encoders=["edges"])
    assert (report.made, report.encoded, list(store.info.vectors)) == ([], 0, ["edges"])


def test_it_can_be_built_and_compared_first_and_switched_to_later(store: Store) -> None:
    report = reindex_store(store, encoders=[Corners("two"), "color"], switch=False)
    assert (report.switched, report.encoded, store.generation) == (False, 30, 1)
    assert [(each.number, each.unfinished) for each in store.generations()] == [(1, False), (2, False)]
    report = reindex_store(store, encoders=[Corners("two"), "color"])
    assert (report.switched, report.encoded, report.generation, store.generation) == (True, 0, 2, 2)


def test_a_searcher_follows(store: Store, folder: Path) -> None:
    searcher = Searcher(store, using="color")
    picture = folder / "red" / "01.png"
    assert searcher.by_picture(picture, k=1)[0].path == picture
    reindex_store(store, encoders=[Corners("two"), "color"])
    assert searcher.by_picture(picture, k=1)[0].path == picture
    mine = Searcher(store, using=Corners("two"))
    assert mine.by_picture(picture, k=1)[0].path == picture
    reindex_store(store, encoders=[Corners("three"), "color"])
    with pytest.raises(StoreMismatchError, match="this encoder makes"):
        mine.by_picture(picture, k=1)


# ---- files that are gone, or are not what they were -------------------------------------------------


def test_a_few_images_without_a_file_are_kept_without_the_new_vector(store: Store, folder: Path) -> None:
    (folder / "red" / "01.png").unlink()
    (folder / "red" / "03.png").write_bytes(b"no picture")
    report = reindex_store(store, encoders=[Corners("two"), "color"])
    assert report.missing == [folder / "red" / "01.png"]
    assert [file.path for file in report.skipped] == [folder / "red" / "03.png"]
    assert report.notes[0] == ("2 images without a usable file have no vectors of 'corners'; all else of them is kept.")
    assert (len(store), store.count(having=["color"]), store.count(having=["corners"])) == (30, 30, 28)
    assert store.retrieve([point_id("shop", "red/01.png")])[0].payload["sale"] is True


def test_many_are_refused_before_anything_is_written(store: Store, folder: Path) -> None:
    before = content(store, "color", "corners")
    shutil.rmtree(folder / "red")
    message = r"15 images of 30 of collection .*red/01\.png among them: 50%, and missing_limit=0.2 allows 20%\. Nothing"
    with pytest.raises(StoreError, match=message):
        reindex_store(store, encoders=[Corners("two")])
    assert content(store, "color", "corners") == before
    assert len(store.generations()) == 1
    assert reindex_store(store, encoders=[Corners("two")], missing_limit=0.5).encoded == 15


def test_files_that_go_meanwhile_leave_the_old_generation_answering(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoenc.catalog.rebuilding.WORKED", 4)
    monkeypatch.setattr("autoenc.parallel._AHEAD", 4)
    away = folder.with_name("away")

    def vanish(encoded: int) -> None:
        if encoded >= 4 and folder.exists():
            folder.rename(away)

    with pytest.raises(StoreError, match=r"cannot be encoded.*Generation 2 stays unfinished, and generation 1 answers"):
        reindex_store(store, encoders=[Corners("two", before=vanish), "color"])
    assert (store.generation, len(store), store.generations()[1].unfinished) == (1, 30, True)
    away.rename(folder)
    encoder = Corners("two")
    report = reindex_store(store, encoders=[encoder, "color"])
    assert 0 < report.encoded < 30
    check_encoded(store, encoder, folder)


def test_pictures_that_were_never_files(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)
    with open_store(":memory:") as store:
        index_images(pictures, store, names=["a", "b", "c", "d"], encoders=["color"])
        with pytest.raises(StoreError, match=r"4 images of 4 .* cannot be encoded, a among them"):
            reindex_store(store, encoders=["color", "edges"])


def test_a_file_with_another_picture_is_told(edge: Store, folder: Path) -> None:
    shutil.copy(folder / "red" / "03.png", folder / "red" / "01.png")
    report = reindex_store(edge, encoders=[Corners("two"), "color"])
    assert report.notes == ["1 file holds another picture than when it was indexed: index the folder again."]
    assert index_images(folder, edge, encoders=[Corners("two"), "color"]).updated == 1


# ---- interruptions ----------------------------------------------------------------------------------


class Stopped(Exception):  # noqa: N818
    pass


def test_stopped_while_it_encodes_it_goes_on_where_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("autoenc.catalog.rebuilding.WORKED", "autoenc.catalog.rebuilding.AT_ONCE", "autoenc.parallel._AHEAD"):
        monkeypatch.setattr(name, 5)
    before = content(store, "color", "corners")

    def stop(encoded: int) -> None:
        if encoded >= 20:
            raise Stopped

    with pytest.raises(Stopped):
        reindex_store(store, encoders=[Corners("two", before=stop), "color"])
    assert content(store, "color", "corners") == before
    assert [(each.number, each.unfinished) for each in store.generations()] == [(1, False), (2, True)]
    report = reindex_store(store, encoders=[Corners("two"), "color"])
    assert (report.generation, report.points) == (2, 30)
    assert 10 <= report.encoded <= 25


def test_one_that_was_begun_with_another_model_is_dropped(store: Store, folder: Path) -> None:
    def stop(_: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        reindex_store(store, encoders=[Corners("two", before=stop), "color"])
    report = reindex_store(store, encoders=[Corners("three"), "color"])
    assert report.generation in (2, 3)
    assert [each.unfinished for each in store.generations()] == [False, False]
    check_encoded(store, Corners("three"), folder)


def test_one_whose_record_cannot_be_read_is_left_as_it_is(edge: Store, folder: Path) -> None:
    reindex_store(edge, encoders=[Corners("two"), "color"], switch=False)
    record = Path(edge.location) / "images@2" / "autoenc.json"
    for damage in ("{", json.dumps({**json.loads(record.read_text()), "version": 99})):
        record.write_text(damage)
        report = reindex_store(edge, encoders=[Corners("two"), "color"], switch=False)
        assert report.generation == 3, "the damaged one is neither filled nor taken for one that is begun"
        assert [each.unfinished for each in edge.generations()] == [False] * 3
        assert record.read_text() == damage
    assert drop_old_generations(edge) == [2, 3]


_CHILD = """
import os, signal, sys, threading, time
sys.path.insert(0, sys.argv[1])
from corners import Corners
from autoenc import open_store, reindex_store
store = open_store(sys.argv[2])
if float(sys.argv[3]):
    threading.Timer(float(sys.argv[3]), os.kill, (os.getpid(), signal.SIGKILL)).start()
start = time.perf_counter()
reindex_store(store, encoders=[Corners("two"), "color"], progress=False)
print(time.perf_counter() - start, flush=True)
os._exit(0)
"""


def killed(root: Path, after: float) -> str:
    """What a process printed that reindexes a store and is killed so many seconds after it began; 0: never."""
    arguments = [str(Path(__file__).parents[1]), str(root), str(after)]
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *arguments], timeout=120, check=False, capture_output=True, text=True
    )
    assert done.returncode in (0, -9), done.stderr
    return done.stdout


def test_killed_at_any_moment_the_collection_answers_and_the_same_call_finishes(edge: Store, folder: Path) -> None:
    before, root = content(edge, "color", "corners"), Path(edge.location)
    edge.close()
    fresh = root.with_name("fresh")
    shutil.copytree(root, fresh)
    shutil.copytree(root, root.with_name("whole"))
    seconds = float(killed(root.with_name("whole"), 0))
    rng, seen = Random(4), set()
    for _ in range(10):
        killed(root, rng.uniform(0.001, seconds))
        with open_store(root) as store:
            seen.add((store.generation, len(store.generations())))
            assert len(store.search(np.ones(12), using="corners", k=30)) == 30
            if store.generation == 1:
                assert content(store, "color", "corners") == before
                continue
            assert {id: payload for id, (payload, _) in content(store).items()} == {
                id: payload for id, (payload, _) in before.items()
            }
            check_encoded(store, Corners("two"), folder)
        shutil.rmtree(root)
        shutil.copytree(fresh, root)
    assert (1, 2) in seen, "no kill came while it was built"
    reindex_store(root, encoders=[Corners("two"), "color"])
    with open_store(root) as store:
        assert (store.generation, store.info.copy_of) == (2, "")
        check_encoded(store, Corners("two"), folder)
    assert drop_old_generations(root) == [1]


def test_what_others_write_to_a_server_meanwhile_is_taken_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(Qdrant()) as url, open_store(url, create=True) as store, open_store(url) as other:
        indexed(store, folder)
        gone, dear = point_id("shop", "red/01.png"), point_id("shop", "red/03.png")

        def meanwhile(encoded: int) -> None:
            if encoded == 0:
                other.delete([gone])
                other.set_payload(dear, {"price": 99})

        report = reindex_store(store, encoders=[Corners("two", before=meanwhile), "color"])
        assert report.points == len(store) == 29
        assert store.retrieve([dear])[0].payload["price"] == 99
        assert store.retrieve([gone]) == []


# ---- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [-0.1, 1.5, True, "half"])
def test_a_limit_that_is_no_share(edge: Store, limit: float) -> None:
    with pytest.raises(ArgumentError, match="missing_limit= is a share from 0 to 1"):
        reindex_store(edge, encoders=["edges"], missing_limit=limit)


def test_a_collection_that_is_open_elsewhere(edge: Store) -> None:
    with pytest.raises(StoreLockedError):
        reindex_store(edge.location, encoders=["edges"], wait=0)


def test_one_generation_is_no_collection(edge: Store) -> None:
    reindex_store(edge, encoders=["edges"])
    for verb in (roll_back, drop_old_generations, lambda *a, **b: reindex_store(*a, encoders=["edges"], **b)):
        with pytest.raises(
            ArgumentError, match=r"Expected a collection, such as 'images'; got images@1, one generation"
        ):
            verb(edge.location, collection="images@1")


def test_a_collection_without_generations(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Qdrant()
    server.memory.create_collection("images", vectors_config={}, metadata={"autoenc": {"version": 2}})
    with serving(server) as url:
        index_images(folder, url, encoders=["color"])
        message = "made before collections had generations. Make a backup of it with `autoenc backup`, and put it back"
        with pytest.raises(StoreError, match=message):
            reindex_store(url, encoders=["edges"])


def test_encoders_that_cannot_be_made_or_used(edge: Store) -> None:
    class Broken(Corners):
        def _encode(self, images: Images) -> Vectors:
            return np.full((len(images), self.dim), np.nan, np.float32)

    for encoders, error, message in (
        (["edges+pca4"], EncoderError, "Reindex with the encoder that it projects"),
        (["nothing"], EncoderError, "Unknown encoder 'nothing'"),
        (["edges", "edges"], ArgumentError, "named twice"),
        ([], ArgumentError, "one encoder or more"),
        ([Broken("three")], EncoderError, r"Encoder 'corners' returned a vector with NaN or infinity for .*\.png"),
    ):
        with pytest.raises(error, match=message):
            reindex_store(edge, encoders=encoders)  # type: ignore[arg-type]
        assert edge.generation == 1
