"""The generations of a collection: back to an older one and forward again, and the old ones removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from corners import Corners
from engines import opening
from PIL import Image
from shops import check_encoded, content, draw_shop, indexed

from autoenc import drop_old_generations, index_images, reindex_store, roll_back, tag_images
from autoenc.catalog.retyping import change_kinds
from autoenc.errors import StoreError
from autoenc.store import Store, point_id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return draw_shop(tmp_path / "shop")


@pytest.fixture(params=["memory", "edge", "stand-in"])
def store(request: pytest.FixtureRequest, tmp_path: Path, folder: Path) -> Iterator[Store]:
    with opening(request.param, tmp_path) as opener:
        yield indexed(opener(), folder)


def test_back_to_the_old_one_and_forward_again(store: Store, folder: Path) -> None:
    reindex_store(store, encoders=[Corners("two"), "color"])
    assert roll_back(store).generation == store.generation == 1
    assert store.info.vectors["corners"].fingerprint == "corners one 12"
    with pytest.raises(StoreError, match=r"has no generation before 1\. Generation 2 is newer: reindex with its model"):
        roll_back(store)
    Image.new("RGB", (24, 24), "green").save(folder / "red" / "green.png")
    index_images(folder, store, encoders=[Corners("one"), "color"], source="shop")
    report = reindex_store(store, encoders=[Corners("two"), "color"])
    assert (report.generation, report.points, report.encoded) == (2, 31, 1)
    assert drop_old_generations(store) == [1]
    assert drop_old_generations(store) == []
    with pytest.raises(StoreError, match=r"has no generation before 2\.$"):
        roll_back(store)


def test_what_was_written_since_the_switch_is_carried_back_and_forward(store: Store, folder: Path) -> None:
    encoders = [Corners("two"), "color"]
    reindex_store(store, encoders=encoders)
    tag_images(store, where={"path": "red/01.png"}, set={"price": 5}, filterable={"price": "integer"})
    tag_images(store, where={"path": "red/03.png"}, unset=["sale"])
    Image.new("RGB", (24, 24), "green").save(folder / "red" / "05.png")  # another picture
    Image.new("RGB", (24, 24), "green").save(folder / "red" / "new.png")
    index_images(folder, store, encoders=encoders, source="shop")
    tag_images(store, where={"path": "red/new.png"}, set={"price": 7})
    store.delete([point_id("shop", "blue/00.png")])
    newer = content(store)
    colors = content(store, "color")

    report = roll_back(store)
    assert (report.before, report.generation, report.carried) == (2, 1, 4)
    assert (report.lacking, report.returned) == (2, 1)
    assert report.notes == (
        "2 images have no vectors of all encoders of generation 1 ('color', 'corners'): index their folders again.",
        "1 image that was removed since the switch is there again: remove it once more.",
    )
    assert content(store).items() >= newer.items()
    assert content(store, "color").items() >= colors.items()
    assert store.count({"price": [5, 7]}) == 2
    assert store.count(having=["corners"]) == 29
    index_images(folder, store, encoders=[Corners("one"), "color"], source="shop")
    check_encoded(store, Corners("one"), folder, images=31)

    tag_images(store, where={"path": "red/01.png"}, set={"price": 6})
    store.delete([point_id("shop", "blue/00.png")])
    reindex_store(store, encoders=encoders)
    assert store.generation == 2
    assert store.count({"price": [6, 7]}) == 2
    check_encoded(store, Corners("two"), folder, images=30)


def test_a_field_that_has_become_one_of_another_kind_is_so_after_going_back(store: Store, folder: Path) -> None:
    tag_images(store, where={"folder": "red"}, set={"code": 7}, filterable={"code": "integer"})
    reindex_store(store, encoders=[Corners("two"), "color"])
    change_kinds(store, {"code": "keyword"})
    roll_back(store)
    assert (store.generation, store.info.fields["code"], store.count({"code": "7"})) == (1, "keyword", 15)
    change_kinds(store, {"code": "float"})
    reindex_store(store, encoders=[Corners("two"), "color"])  # the newer one that is there is brought up to date
    assert (store.generation, store.info.fields["code"], store.count("code < 7.5")) == (2, "float", 15)


def test_a_rollback_that_is_stopped_leaves_the_newer_one_answering_and_the_same_call_finishes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    reindex_store(store, encoders=[Corners("two"), "color"])
    tag_images(store, where={"folder": "red"}, set={"price": 5}, filterable={"price": "integer"})
    with monkeypatch.context() as patch:
        patch.setattr(Store, "switch_to", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            roll_back(store)
    assert (store.generation, store.count({"price": 5})) == (2, 15)
    store.set_payload(point_id("shop", "red/01.png"), {"price": 6})
    report = roll_back(store)
    assert (report.generation, report.carried) == (1, 1)
    assert (store.count({"price": 5}), store.count({"price": 6})) == (14, 1)
