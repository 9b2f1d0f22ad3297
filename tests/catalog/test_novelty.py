"""Whether a picture is unlike anything in a catalog: percentiles by each encoder, and all of them together."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import combine_pvalues

from autoenc import Encoder, Novelty, Query, Searcher, index_images, novelty, open_store, search
from autoenc.catalog.novelty import combined
from autoenc.errors import ArgumentError, ImageDecodeError, StoreMismatchError
from autoenc.store import Store
from autoenc.vectors import Images, Vectors


class Dot(Encoder):
    """The mean red and green of a picture: its direction is their ratio."""

    name, dim, input_size, fingerprint = "dot", 2, 8, "dot-1"

    def _encode(self, images: Images) -> Vectors:
        return images.mean(axis=(1, 2))[:, :2].astype(np.float32)


def paint(angle: float) -> Images:
    """A picture whose vector has this angle, in degrees."""
    color = [round(250 * math.cos(math.radians(angle))), round(250 * math.sin(math.radians(angle))), 0]
    return np.full((8, 8, 3), color, np.uint8)


@pytest.fixture
def fan() -> Iterator[Store]:
    """200 pictures, a tenth of a degree apart, from 0 to 19.9 degrees."""
    angles = np.arange(200) / 10
    with open_store(":memory:") as store:
        index_images(
            np.stack([paint(angle) for angle in angles]), store, names=[f"{angle}.png" for angle in angles],
            encoders=[Dot()], progress=False,
        )  # fmt: skip
        yield store


def test_the_percentile_is_that_of_the_catalogs_own_neighbors(fan: Store) -> None:
    scale = fan.info.scales["dot"]
    inside, outside = (novelty(fan, paint(angle), encoders=[Dot()]) for angle in (10.05, 60))
    assert inside is not None
    assert outside is not None
    assert inside.percentile == inside.percentiles["dot"] == scale.percentile(inside.cosines["dot"])
    assert not inside.unlike
    assert outside.cosines["dot"] == pytest.approx(math.cos(math.radians(60 - 19.9)), abs=0.01)
    assert outside.percentile == pytest.approx(100 / 201), "no image is this far; it counts as one of 200 and itself"
    assert outside.unlike
    assert outside.told() == (
        "Unlike anything in this catalog: only 0.498% of its own images are this far from all others (dot 0.498%)."
    )


def test_the_documents_name_every_figure() -> None:
    told = Novelty(1.5, {"learned": 40.0, "color": 0.25}, {"learned": 0.9, "color": 0.2}, {"edges": "Why."})
    assert told.to_dict() == {
        "percentile": 1.5,
        "percentiles": {"learned": 40.0, "color": 0.25},
        "cosines": {"learned": 0.9, "color": 0.2},
        "left_out": {"edges": "Why."},
        "unlike": True,
    }
    assert not Novelty(2.01, {}, {}).unlike


@given(st.lists(st.floats(0.2, 100), min_size=1, max_size=6))
def test_percentiles_are_combined_by_fishers_method(percentiles: list[float]) -> None:
    """Against SciPy's."""
    together = combined({str(number): percentile for number, percentile in enumerate(percentiles)})
    expected = 100 * combine_pvalues([percentile / 100 for percentile in percentiles], method="fisher").pvalue
    assert together == pytest.approx(expected, rel=1e-6)


def test_a_stored_picture_is_as_near_as_can_be(picture_folder: Path) -> None:
    with open_store(":memory:") as store:
        index_images(picture_folder, store, encoders=["color", "edges"], progress=False)
        answer = Searcher(store).answer(Query(picture=picture_folder / "red" / "0.png", k=3))
        assert answer.neighbors == search(store, picture_folder / "red" / "0.png", k=3)
        found = answer.novelty
        assert found is not None
        assert found.percentiles == {"color": 100, "edges": 100}
        assert found == novelty(store, picture_folder / "red" / "0.png")
        assert found.told() == "100% of the catalog's own images are this far from all others (color 100%, edges 100%)."


def test_only_a_query_by_one_picture_alone_has_a_verdict(picture_folder: Path) -> None:
    picture = picture_folder / "red" / "0.png"
    with open_store(":memory:") as store:
        index_images(picture_folder, store, encoders=["color"], products="folders", progress=False)
        searcher = Searcher(store)
        assert searcher.answer(Query(picture=picture)).novelty is not None
        (record,) = store.scroll({"path": "red/1.png"}, vectors=["color"])
        for more in (
            {"product": "red"}, {"id": record.id}, {"like": picture}, {"unlike": picture},
            {"vector": record.vectors["color"]},
        ):  # fmt: skip
            assert searcher.answer(Query(picture=picture, **more)).novelty is None


def test_encoders_that_cannot_judge_are_left_out_with_the_reason(
    picture_folder: Path, bundle_dir: Path, tmp_path: Path
) -> None:
    model = shutil.copytree(bundle_dir, tmp_path / "m")
    picture = picture_folder / "red" / "0.png"
    index_images(picture_folder, tmp_path / "s", model=model, encoders=["color", "learned"], progress=False)
    shutil.rmtree(model)
    with open_store(tmp_path / "s") as store:
        found = Searcher(store, using="color").answer(Query(picture=picture)).novelty
        assert found is not None
        assert list(found.percentiles) == ["color"]
        assert "name its new folder with model=" in found.left_out["learned"]
        index_images(picture_folder, store, encoders=["edges"], model=bundle_dir, progress=False)
        store._remember("scales", {"edges": None})
        assert "index again" in novelty(store, picture).left_out["edges"]  # type: ignore[union-attr]
        assert novelty(store, picture, encoders=["edges"]) is None


def test_an_empty_store_gives_no_verdict(fan: Store) -> None:
    fan.delete([record.id for record in fan])
    assert novelty(fan, paint(5), encoders=[Dot()]) is None


def test_errors_are_those_of_a_search(fan: Store, tmp_path: Path) -> None:
    with pytest.raises(ImageDecodeError, match="none"):
        novelty(fan, tmp_path / "none.jpg", encoders=[Dot()])
    with pytest.raises(ArgumentError, match="Expected an open store"):
        novelty("store", paint(5))  # type: ignore[arg-type]
    other = Dot()
    other.fingerprint = "dot-2"
    with pytest.raises(StoreMismatchError, match="dot-2"):
        novelty(fan, paint(5), encoders=[other])
