"""The sample catalog: what is in the folder, in the table and in the pictures."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoenc import index_images, open_store
from autoenc.errors import ArgumentError, OutputError
from autoenc.samples.catalog import CATEGORIES, COLORS, SIZE, Sample, draw_catalog


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Sample]]:
    folder = tmp_path_factory.mktemp("samples") / "new" / "catalog"
    return folder, draw_catalog(folder, per_class=24, seed=3)


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.*"))
    }


def test_every_category_has_its_folder_of_numbered_pictures(catalog: tuple[Path, list[Sample]]) -> None:
    folder, samples = catalog
    assert CATEGORIES == ("watch", "t-shirt", "bicycle", "shoe")
    for category in CATEGORIES:
        names = sorted(path.name for path in (folder / category).iterdir())
        assert names == [f"{number:03d}.jpg" for number in range(24)]
    assert len(samples) == 96


def test_one_seed_draws_one_catalog_and_another_seed_another(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        draw_catalog(tmp_path / name, per_class=2, seed=seed)
    first, again, other = (_digests(tmp_path / name) for name in "abc")
    assert first == again
    assert len(first) == 9
    assert not set(first.values()) & set(other.values())


def test_no_two_pictures_are_the_same(catalog: tuple[Path, list[Sample]]) -> None:
    digests = _digests(catalog[0])
    assert len(set(digests.values())) == len(digests) == 97


def test_the_csv_says_what_the_samples_say(catalog: tuple[Path, list[Sample]]) -> None:
    folder, samples = catalog
    with (folder / "catalog.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    read = [Sample(**{**row, "path": folder / row["path"], "price": int(row["price"])}) for row in rows]  # type: ignore[arg-type]
    assert read == samples
    assert all(sample.path.is_file() and sample.path.parent.name == sample.category for sample in read)


def test_titles_and_seasons_say_what_is_drawn(catalog: tuple[Path, list[Sample]]) -> None:
    titles = {sample.title for sample in catalog[1]}
    assert {sample.title.split(", ")[0].lower() for sample in catalog[1] if sample.category == "shoe"} == {
        f"{sample.color} {sample.style}" for sample in catalog[1] if sample.category == "shoe"
    }
    for sample in catalog[1]:
        words = sample.title.lower()
        assert sample.color in words
        assert sample.style in words
        assert (sample.detail in words) is (sample.detail not in ("plain", "no extras"))
    assert any(title.endswith("T-shirt, short sleeves, stripes") for title in titles)
    seasons = {(sample.style, sample.season) for sample in catalog[1]}
    assert {
        ("boot", "winter"),
        ("short sleeves", "summer"),
        ("long sleeves", "winter"),
        ("round", "all year"),
    } <= seasons
    assert len(seasons) == len({sample.style for sample in catalog[1]})


def test_brands_say_nothing_about_the_category(catalog: tuple[Path, list[Sample]]) -> None:
    brands = [{sample.brand for sample in catalog[1] if sample.category == category} for category in CATEGORIES]
    assert all(len(brand) == 5 for brand in brands)
    assert len(set.union(*brands)) == 5


def test_the_table_is_metadata_of_its_pictures(catalog: tuple[Path, list[Sample]]) -> None:
    folder, samples = catalog
    with open_store(":memory:", create=True) as store:
        report = index_images(folder, store, encoders=["color"], metadata=folder / "catalog.csv", progress=False).table
        assert report is not None
        assert (report.joined, report.images_without_row, report.rows_without_image) == (96, [], [])
        assert report.columns["price"] == "integer"
        red = [sample for sample in samples if sample.color == "red" and sample.price < 100]
        assert store.count("color = red and price < 100") == len(red) > 0


def test_colors_say_nothing_about_the_category(catalog: tuple[Path, list[Sample]]) -> None:
    counts = [Counter(s.color for s in catalog[1] if s.category == category) for category in CATEGORIES]
    assert counts[0] == dict.fromkeys(COLORS, 2)
    assert all(count == counts[0] for count in counts)


def test_colors_are_not_in_the_same_order_in_every_category(catalog: tuple[Path, list[Sample]]) -> None:
    orders = {tuple(s.color for s in catalog[1] if s.category == category) for category in CATEGORIES}
    assert len(orders) == 4


def test_the_named_color_is_in_the_picture(catalog: tuple[Path, list[Sample]]) -> None:
    for sample in catalog[1]:
        pixels = np.asarray(Image.open(sample.path), np.float64)
        near = np.abs(pixels - COLORS[sample.color]).max(axis=2) < 55  # light and JPEG move a color that far
        assert near.mean() > 0.012, sample


def test_pictures_have_a_light_background_at_their_edge(catalog: tuple[Path, list[Sample]]) -> None:
    for sample in catalog[1]:
        image = Image.open(sample.path)
        assert (image.mode, image.size) == ("RGB", (SIZE, SIZE))
        pixels = np.asarray(image, np.float64)
        assert np.median(np.concatenate([pixels[:4].ravel(), pixels[-4:].ravel()])) > 160, sample
        assert pixels.std(axis=(0, 1)).max() > 12, "there is something on it"


def test_shapes_and_details_vary_in_every_category(catalog: tuple[Path, list[Sample]]) -> None:
    styles = {category: {s.style for s in catalog[1] if s.category == category} for category in CATEGORIES}
    assert styles == {
        "watch": {"round", "square"},
        "t-shirt": {"short sleeves", "long sleeves"},
        "bicycle": {"road", "city", "mountain"},
        "shoe": {"sneaker", "boot", "heel"},
    }
    for category in CATEGORIES:
        assert len({s.detail for s in catalog[1] if s.category == category}) >= 3


def test_less_than_one_picture_a_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="per_class= must be 1 or more; got 0"):
        draw_catalog(tmp_path / "none", per_class=0)
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written to"):
        draw_catalog(tmp_path / "file", per_class=1)


def test_a_catalog_is_drawn_over_an_earlier_one_and_over_nothing_else(tmp_path: Path) -> None:
    draw_catalog(tmp_path, per_class=2, seed=0)
    draw_catalog(tmp_path, per_class=2, seed=1)
    (tmp_path / "shoe" / "001.jpg").write_bytes(b"a photo")
    with pytest.raises(OutputError, match=r"001\.jpg: a file is there that autoenc did not write"):
        draw_catalog(tmp_path, per_class=2)
    assert (tmp_path / "shoe" / "001.jpg").read_bytes() == b"a photo"
    draw_catalog(tmp_path, per_class=2, overwrite=True)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "catalog.csv").write_text("path,price\n")
    with pytest.raises(OutputError, match=r"catalog\.csv: a file is there"):
        draw_catalog(mine, per_class=1)
