"""Fields of compared images: from a table or a store, never those that tell the label, and scored as by a store."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import autoenc
from autoenc import Comparison, Metadata, compare, index_images, open_store, stored_fields
from autoenc.catalog.searching import Searcher
from autoenc.errors import ArgumentError, TableError
from autoenc.metrics.registry import METRICS, score_ranking
from autoenc.store import Store

KINDS = ["red level", "red upright", "blue level", "blue upright"]
ENCODERS = ["color", "edges"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 pictures in the folders of their four kinds, and a table: some fields know the kind better than others."""
    folder = tmp_path_factory.mktemp("shop")
    generator = np.random.default_rng(0)
    rows = []
    for number in range(96):
        blue, level = number % 2, number // 2 % 2
        kind = KINDS[2 * blue + 1 - level]
        ground = generator.integers(0, 160, (48, 48, 3)) * generator.random()
        stripes = np.tile((np.arange(48) + generator.integers(16)) // 8 % 2, (48, 1))
        ground[..., 2 * blue] += 60 * (stripes.T if level else stripes)
        file = folder / "photos" / kind / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8)).save(file)
        brand = f"brand {KINDS.index(kind) if generator.random() < 0.6 else generator.integers(4)}"
        rows.append(
            {
                "id": number,
                "Kind": kind.upper(),
                "brand": brand if number % 9 else "",
                "price": round(20 + 10 * KINDS.index(kind) + float(generator.normal(0, 12)), 1),
                "sale": ("yes", "no")[int(generator.integers(2))],
                "title": f"a thing of {kind} number {number}",
                "country": "Italy",
            }
        )
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def found(shop: Path) -> Comparison:
    return compare(shop / "photos", encoders=ENCODERS, metadata=shop / "table.csv")


@pytest.fixture(scope="module")
def store(shop: Path) -> Store:
    opened = open_store(":memory:")
    index_images(shop / "photos", opened, encoders=ENCODERS, metadata=shop / "table.csv")
    return opened


def test_fields_that_know_something_are_weighed_beside_encoders(found: Comparison) -> None:
    hybrid = found.hybrid
    assert hybrid is not None
    assert {part.field for part in hybrid.attributes} == {"brand", "price"}
    assert hybrid.worthwhile
    assert found.fusion is not None
    assert {each.b for each in hybrid.differences} == {*ENCODERS, found.fusion.name}
    assert found.to_dict()["hybrid"] == hybrid.to_dict()


def test_the_field_that_tells_the_label_is_left_out_and_named(found: Comparison) -> None:
    notes = " ".join(found.notes)
    assert "because it tells the label by which the results are judged: 'Kind'." in notes
    assert (
        "Not tried as a boost either: id (another number for each image, as an id), title (text), country (it tells no "
        "images apart, or all)."
    ) in notes
    assert "Tried as boosts: brand, price, sale." in notes


@pytest.mark.parametrize("boost", [["Kind"], ["brand", "Kind"]])
def test_a_field_that_tells_the_label_is_refused_by_name(shop: Path, boost: list[str]) -> None:
    with pytest.raises(ArgumentError, match=r"boost= names the field 'Kind', which tells the label of an image"):
        compare(shop / "photos", encoders=ENCODERS, metadata=shop / "table.csv", boost=boost)


def test_the_column_of_the_labels_is_refused_even_if_it_tells_little(shop: Path) -> None:
    with pytest.raises(ArgumentError, match="'brand', which tells the label"):
        compare(
            shop / "photos", encoders=ENCODERS, labels=shop / "table.csv", label_column="BRAND",
            metadata=shop / "table.csv", boost=["brand"],
        )  # fmt: skip


@pytest.mark.parametrize("labels", ["folders", "table"])
def test_the_usual_column_of_labels_is_refused_only_where_a_table_of_labels_is_read(shop: Path, labels: str) -> None:
    """What else is called `label` may tell nothing, as here."""
    rows = [f"{number},{KINDS[2 * (number % 2) + 1 - number // 2 % 2]}" for number in range(96)]
    (shop / "labels.csv").write_text("id,label\n" + "\n".join(rows) + "\n")
    (shop / "sizes.csv").write_text("id,Label\n" + "".join(f"{number},{number % 3}\n" for number in range(96)))
    given = {"encoders": ENCODERS, "metadata": shop / "sizes.csv", "boost": ["Label"]}
    if labels == "folders":
        assert compare(shop / "photos", **given).boosts_tried
    else:
        with pytest.raises(ArgumentError, match="'Label', which tells the label"):
            compare(shop / "photos", labels=shop / "labels.csv", **given)


@pytest.mark.parametrize(
    ("boost", "message"),
    [
        (["brnd"], "names a field 'brnd'; those of .*table.csv that can be filtered by are: 'Kind', 'brand'"),
        (["title"], r"cannot be tried: title \(text\)"),
        (["country"], r"cannot be tried: country \(it tells no images apart, or all\)"),
    ],
)
def test_a_field_that_cannot_be_tried_is_refused(shop: Path, boost: list[str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        compare(shop / "photos", encoders=ENCODERS, metadata=shop / "table.csv", boost=boost)


def test_only_the_fields_asked_for_are_tried(shop: Path) -> None:
    found = compare(shop / "photos", encoders=["color"], metadata=shop / "table.csv", boost=["brand", "sale"])
    assert found.fusion is None
    assert found.hybrid is not None
    assert next(iter(found.hybrid.weights)) == "color"
    assert {part.field for part in found.hybrid.attributes} == {"brand"}


def test_what_does_not_go_together_is_refused(shop: Path) -> None:
    table = shop / "table.csv"
    with pytest.raises(ArgumentError, match="say with metadata= where"):
        compare(shop / "photos", encoders=ENCODERS, boost=["brand"])
    with pytest.raises(ArgumentError, match="leave fusion= on"):
        compare(shop / "photos", encoders=ENCODERS, metadata=table, fusion=False)
    with pytest.raises(ArgumentError, match="pictures in memory have no fields"):
        compare(np.zeros((60, 8, 8, 3), np.uint8), labels=["a", "b"] * 30, encoders=ENCODERS, metadata=table)
    other = shop / "other.csv"
    other.write_text("id,brand\nx1,A\nx2,A\n")
    with pytest.raises(TableError, match=r"No row of .* belongs to any image"):
        compare(shop / "photos", encoders=ENCODERS, metadata=other)
    with pytest.raises(TableError, match="no column 'sku'"):
        compare(shop / "photos", encoders=ENCODERS, metadata=Metadata(table, id_column="sku"))


def test_a_store_tells_the_same_fields_as_the_table(shop: Path, found: Comparison, store: Store) -> None:
    fields = stored_fields(store)
    assert set(fields.kinds) == {"Kind", "brand", "country", "id", "price", "sale", "title"}
    again = compare(shop / "photos", encoders=ENCODERS, metadata=fields)
    assert found.hybrid is not None
    assert again.hybrid is not None
    assert again.hybrid.weights == found.hybrid.weights
    for metric in METRICS:
        np.testing.assert_allclose(again.hybrid.per_query[metric], found.hybrid.per_query[metric])


def test_a_store_ranks_by_the_same_score(found: Comparison, store: Store) -> None:
    hybrid = found.hybrid
    assert hybrid is not None
    labels = dict(zip(found.gallery, found.gallery_labels, strict=True))
    for row in range(0, 96, 5):
        path = found.queries[found.labeled[row]]
        options = replace(hybrid, weights=hybrid.halves[1 - hybrid.half[row]]).options
        has = {field: value for field, value in Searcher(store).stored(path).payload.items() if field == "brand"}
        if not has:
            continue  # a store refuses to boost by what the query product lacks
        neighbors = autoenc.search(store, id=path, k=96, **options)
        assert len(neighbors) == 95
        order = sorted({label for label in labels.values() if label})
        codes = np.array([order.index(str(labels[neighbor.path])) for neighbor in neighbors])
        expected = score_ranking(codes, order.index(path.parent.name))
        assert {metric: hybrid.per_query[metric][row] for metric in METRICS} == pytest.approx(expected, abs=2e-3)


def test_queries_of_their_own_have_fields_too(shop: Path) -> None:
    files = sorted((shop / "photos").rglob("*.png"), key=lambda path: int(path.stem))
    found = compare(files[:48], queries=files[48:], encoders=ENCODERS, metadata=shop / "table.csv", boost=["price"])
    assert found.hybrid is not None
    assert found.hybrid.near.startswith("price~")
    few = shop / "few.csv"
    rows = (shop / "table.csv").read_text().splitlines()
    few.write_text("\n".join([*rows[:45], *rows[50:]]) + "\n")
    found = compare(files[:48], queries=files[48:], encoders=ENCODERS, metadata=few, boost=["price"])
    lacking = [note for note in found.notes if "without fields" in note]
    assert lacking == [
        f"4 images of 48 without fields in {few}.",
        f"1 query of 48 without fields in {few}.",
    ]


def test_a_field_that_is_a_part_of_the_label_is_said_to_be(shop: Path) -> None:
    coarse = shop / "coarse.csv"
    files = sorted((shop / "photos").rglob("*.png"))
    coarse.write_text("id,hue\n" + "".join(f"{path.stem},{path.parent.name.split()[0]}\n" for path in files))
    found = compare(shop / "photos", encoders=["edges"], metadata=coarse)
    assert found.hybrid is not None
    assert "Field 'hue' is the same for all images of a label, so that its boost repeats a part" in found.notes[-1]
