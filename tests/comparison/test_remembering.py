"""A store remembers which of its encoders retrieves better, if a comparison has shown it of exactly these encoders."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from comparisons import comparison, fusion, scores

from autoenc import compare, index_images, open_store, remember_comparison
from autoenc.comparison.attributes import Attribute
from autoenc.comparison.records import Comparison
from autoenc.errors import ArgumentError
from autoenc.images.files import PREPROCESSING_VERSION
from autoenc.store import Store, VectorSpec

LABELS = ["a", "b"] * 4
PATHS = [Path(f"{number}.png") for number in range(8)]
HARD = np.array([0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.3, 0.4])


@pytest.fixture
def store() -> Store:
    """Holds learned, color and edges, whose fingerprints are their names."""
    opened = open_store(":memory:")
    opened.add_vectors({name: VectorSpec(32, name, PREPROCESSING_VERSION) for name in ("edges", "color", "learned")})
    return opened


def found(**encoders: list[float] | np.ndarray[tuple[int], np.dtype[np.float64]]) -> Comparison:
    """A comparison of encoders with these AP values, whose fingerprints are their names."""
    measured = [replace(scores(name, list(aps)), fingerprint=name) for name, aps in encoders.items()]
    return comparison(PATHS, LABELS, measured)


def test_the_best_encoder_is_remembered_with_its_figures(store: Store) -> None:
    said = remember_comparison(store, found(learned=HARD, edges=HARD + 0.25, color=HARD + 0.5))
    better = store.info.better["picture"]
    assert (better.using, better.than) == ("color", "learned")
    assert better.fingerprints == {"color": "color", "learned": "learned"}
    assert (better.map, better.than_map) == pytest.approx((0.75, 0.25))
    assert (better.ci_low, better.ci_high) == pytest.approx((0.5, 0.5))
    assert better.queries == 8
    assert abs(date.fromisoformat(better.date) - datetime.now(UTC).date()).days <= 1
    assert said == (
        f"The store remembers: color retrieves better than learned (mAP .750 against .250 on 8 labeled queries, "
        f"{better.date})."
    )


def test_no_more_is_remembered_than_the_interval_shows(store: Store) -> None:
    mixed = [0.9, 0.9, 0.9, 0.0, 0.0, 0.0, 0.9, 0.0]  # ahead by .2, but not on every choice of queries
    said = remember_comparison(store, found(learned=HARD, color=mixed, edges=HARD))
    assert store.info.better == {}
    assert said == ("No encoder of the store is shown to retrieve better than learned; compared were 'color', 'edges'.")
    remember_comparison(store, found(learned=HARD, color=mixed, edges=HARD + 0.1))
    assert store.info.better["picture"].using == "edges", "color has the higher mean, but its interval holds zero"


def test_the_newest_comparison_stands(store: Store) -> None:
    remember_comparison(store, found(learned=HARD, color=HARD + 0.5))
    remember_comparison(store, found(learned=HARD, edges=HARD + 0.25))
    assert store.info.better["picture"].using == "edges"
    remember_comparison(store, found(learned=HARD, color=HARD, edges=HARD))
    assert store.info.better == {}


def test_it_is_about_the_encoder_that_the_store_is_searched_with_by_default(store: Store) -> None:
    store.drop_vector("learned")
    remember_comparison(store, found(edges=HARD, learned=HARD, color=HARD + 0.5))
    assert store.info.better == {}, "color is the default now, and it is ahead"
    remember_comparison(store, found(edges=HARD + 0.5, color=HARD))
    assert [(better.using, better.than) for better in store.info.better.values()] == [("edges", "color")]


def test_another_model_and_projections_are_not_the_stores_encoders(store: Store) -> None:
    remember_comparison(store, found(learned=HARD, color=HARD + 0.5))
    known = store.info.better
    other = found(learned=HARD, edges=HARD + 0.25, color=HARD)
    other.encoders["learned"] = replace(other.encoders["learned"], fingerprint="another model")
    lone = found(**{"learned": HARD, "edges+pca32": HARD + 0.25})
    for compared, there in ((other, "'color', 'edges'"), (lone, "'learned'")):
        said = remember_comparison(store, compared)
        assert said == (
            "The store remembers nothing of this comparison: expected 'learned', with which it is searched by default, "
            f"and another of its encoders; of those, exactly as they are, the comparison has {there}."
        )
        assert store.info.better == known


def test_of_a_store_of_one_encoder_its_attributes_are_remembered() -> None:
    store = open_store(":memory:")
    store.add_vector("learned", VectorSpec(32, "learned", PREPROCESSING_VERSION))
    store.add_field("brand", "keyword")
    boosted = replace(
        fusion({"learned": 1.0}, HARD + 0.5, {"learned": (0.5, 0.25, 0.75)}),
        weights={"learned": 1.0, Attribute("brand"): 0.5},
    )
    said = remember_comparison(store, replace(found(learned=HARD), hybrid=boosted, boosts_tried=True))
    assert list(store.info.better) == ["stored"]
    assert store.info.better["stored"].options == {"using": "learned=1", "boost": "brand=0.5"}
    assert said.startswith("No encoder of the store is shown to retrieve better than learned; compared were none. For")
    remember_comparison(store, replace(found(learned=HARD), boosts_tried=True))
    assert store.info.better == {}, "no attribute helped, this time"


def test_without_labels_nothing_is_remembered(store: Store) -> None:
    encoders = [replace(scores(name, [], count=8), fingerprint=name) for name in ("learned", "color")]
    assert "no labels" in remember_comparison(store, comparison(PATHS, [None] * 8, encoders))
    assert store.info.better == {}


def test_an_empty_store_is_told_what_it_lacks() -> None:
    said = remember_comparison(open_store(":memory:"), found(learned=HARD, color=HARD + 0.5))
    assert said.endswith("the comparison has none.")


def test_other_arguments_are_refused(store: Store) -> None:
    with pytest.raises(ArgumentError, match="Expected an open store and a comparison; got 's'"):
        remember_comparison("s", found(learned=HARD))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="and None"):
        remember_comparison(store, None)  # type: ignore[arg-type]


def test_a_comparison_of_the_images_themselves_and_another_index_run(picture_folder: Path, tmp_path: Path) -> None:
    comparison = compare(picture_folder, encoders=["color", "edges"])
    index_images(picture_folder, tmp_path / "s", encoders=["color"])
    with open_store(tmp_path / "s") as store:
        assert "has 'color'." in remember_comparison(store, comparison)
    index_images(picture_folder, tmp_path / "s", encoders=["edges", "texture"])
    gray = replace(comparison, encoders={**comparison.encoders})
    gray.encoders["edges"] = replace(gray.encoders["edges"], per_query={"map": np.ones(12)})
    gray.encoders["color"] = replace(gray.encoders["color"], per_query={"map": np.full(12, 0.5)})
    with open_store(tmp_path / "s") as store:
        remember_comparison(store, gray)
    index_images(picture_folder, tmp_path / "s")
    with open_store(tmp_path / "s") as store:
        assert store.info.better["picture"].using == "edges"
