"""The map, the duplicates and what lies between two images."""

from __future__ import annotations

import base64
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from serving import KEY, Client

from autoenc import index_images, load_bundle, open_store
from autoenc.catalog.mapping import map_images
from autoenc.errors import ArgumentError
from autoenc.store import Store, VectorSpec, point_id


def test_the_map_has_a_point_for_each_image(client: Client, store: Store) -> None:
    told = client.waited("/v1/map?using=color")
    points = np.frombuffer(base64.b64decode(told["points"]), "<f4").reshape(-1, 2)
    assert told["ids"] == [record.id for record in store.scroll()]
    assert points.shape == (48, 2)
    assert points.min() >= 0
    assert points.max() <= 1
    assert (told["using"], told["images"]) == ("color", 48)
    assert client.get("/v1/map?using=learned%3D1,color%3D1").status_code == 422
    assert client.get("/v1/map?using=nothing").status_code == 422


def test_the_map_shows_the_two_directions_of_most_variance() -> None:
    """Points that lie on a rectangle of 4 by 2 in ten dimensions lie on the corners of the map."""
    with open_store(":memory:") as store:
        store.add_vector("v", VectorSpec(10, "f", 1))
        corners = np.zeros((4, 10), np.float32)
        corners[:, 0] = 100  # so far away that unit length changes little
        corners[:, 3] = [-4, -4, 4, 4]
        corners[:, 7] = [-2, 2, -2, 2]
        ids = [point_id("s", str(number)) for number in range(4)]
        store.upsert(ids, {"v": corners}, [{}] * 4)
        found = map_images(store, using="v", progress=False)
        placed = dict(zip(found.ids, found.points, strict=True))
        across = [placed[id][0] for id in ids]
        down = [placed[id][1] for id in ids]
        assert np.allclose(across, [0, 0, 1, 1], atol=0.01)
        assert np.allclose(down, [0, 1, 0, 1], atol=0.01)
        assert found.explained == pytest.approx(1, abs=1e-3)
        assert len(map_images(store, using="v", most=3, progress=False).ids) == 3
        with pytest.raises(ArgumentError, match="one encoder"):
            map_images(store, using="none")


def test_the_map_of_an_empty_store_is_empty(serving) -> None:
    with open_store(":memory:") as store:
        store.add_vector("color", VectorSpec(126, "f", 1))
        assert map_images(store, using="color", progress=False).points.shape == (0, 2)


@pytest.fixture
def doubled(shop: Path) -> Path:
    """The shop with a smaller and a recompressed copy of one photo."""
    photo = Image.open(shop / "photos" / "shoe" / "001.jpg")
    photo.resize((120, 120)).save(shop / "photos" / "shoe" / "small.jpg", quality=90)
    photo.save(shop / "photos" / "shoe" / "worse.jpg", quality=60)
    shutil.copy(shop / "photos" / "watch" / "001.jpg", shop / "photos" / "watch" / "copy.jpg")
    index_images(shop / "photos", shop / "store", progress=False)
    return shop


def test_duplicates_stay_as_people_decided(doubled: Path, serving) -> None:
    with open_store(doubled / "store") as store:
        client = serving(store, headers={"x-api-key": KEY}, key=KEY, writable=True)

        def groups() -> list[list[str]]:
            """The paths of each group; T-shirts are drawn so much alike that they are not looked at here."""
            found = client.waited("/v1/duplicates")["groups"]
            assert all([each["better"] for each in group["images"]][:2] == [True, False] for group in found)
            paths = [sorted(each["image"]["path"] for each in group["images"]) for group in found]
            return [group for group in paths if not group[0].startswith("t-shirt")]

        watches = ["watch/001.jpg", "watch/copy.jpg"]
        assert groups() == [["shoe/001.jpg", "shoe/small.jpg", "shoe/worse.jpg"], watches]
        verdict = {"ids": ["watch/001.jpg", "watch/copy.jpg"]}
        assert client.post("/v1/duplicates/verdicts", json=verdict).status_code == 204
        assert watches not in groups()
        assert client.post("/v1/duplicates/verdicts", json={**verdict, "forget": True}).status_code == 204
        assert watches in groups()
        client.post("/v1/remove", json={"ids": ["shoe/small.jpg"]})
        assert groups() == [["shoe/001.jpg", "shoe/worse.jpg"], watches]


def test_between_two_images_lie_the_pictures_of_the_decoder(client: Client, built: Path) -> None:
    told = client.get("/v1/between?a=shoe/001.jpg&b=watch/001.jpg&steps=3").json()["steps"]
    assert [step["share"] for step in told] == [0, 0.5, 1]
    assert [len(step["nearest"]) for step in told] == [3, 3, 3]
    assert told[0]["nearest"][0]["image"]["path"] == "shoe/001.jpg"
    assert told[2]["nearest"][0]["image"]["path"] == "watch/001.jpg"
    files = [built / "photos" / name for name in ("shoe/001.jpg", "watch/001.jpg")]
    bundle = load_bundle("clothing-32-2")
    middle = bundle.decode(bundle.encode(files).mean(axis=0, keepdims=True))[0]
    shown = Image.open(io.BytesIO(base64.b64decode(told[1]["picture"].partition(",")[2])))
    assert np.abs(np.asarray(shown).astype(int) - middle).max() <= 1


def test_without_a_decoder_nothing_lies_between(shop: Path, tmp_path: Path, serving) -> None:
    index_images(shop / "photos" / "shoe", tmp_path / "bare", encoders=["color"], progress=False)
    with open_store(tmp_path / "bare") as store:
        client = serving(store)
        assert client.get("/v1/store").json()["decoder"] is False
        answer = client.get("/v1/between?a=001.jpg&b=002.jpg")
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:autoenc:problem:no-decoder")
