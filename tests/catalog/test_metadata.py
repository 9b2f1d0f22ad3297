"""A table and images -> fields of the images; every row and every image accounted for, nothing encoded again."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autoenc import Contains, IndexReport, Metadata, Range, Store, index_images, open_store
from autoenc.catalog import pipeline
from autoenc.catalog.products import product_photos
from autoenc.errors import ArgumentError, StoreMismatchError, TableError

TABLE = "id,color,price,added,title\n0,red,5,2026-01-31,a small red box\n1,blue,7,2026-02-01,a large blue box\n"


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Four pictures, 0.png to 3.png, in two folders."""
    for number in range(4):
        path = tmp_path / "shelf" / ("low" if number < 2 else "high") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((16, 16, 3), 60 * number, np.uint8)).save(path)
    return tmp_path / "shelf"


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    def write(content: str, name: str = "shop.csv") -> Path:
        (tmp_path / name).write_text(content, encoding="utf-8")
        return tmp_path / name

    return write


@pytest.fixture
def store() -> Any:
    with open_store(":memory:", create=True) as opened:
        yield opened


def index(shelf: Path, store: Store | Path, metadata: Any = None, **options: Any) -> IndexReport:
    return index_images(shelf, store, encoders=["color"], metadata=metadata, progress=False, **options)


def fields(store: Store) -> dict[str, dict[str, Any]]:
    """Path -> the user's fields."""
    return {
        record.payload["_autoenc"]["path"]: {key: value for key, value in record.payload.items() if key != "_autoenc"}
        for record in store
    }


# ---- joining ------------------------------------------------------------------------------------------


def test_rows_become_fields_of_the_images_with_their_ids(shelf: Path, store: Store, table: Any) -> None:
    report = index(shelf, store, table(TABLE + "7,green,9,2026-03-01,gone\n")).table
    assert report is not None
    assert fields(store) == {
        "low/0.png": {"id": 0, "color": "red", "price": 5, "added": "2026-01-31", "title": "a small red box"},
        "low/1.png": {"id": 1, "color": "blue", "price": 7, "added": "2026-02-01", "title": "a large blue box"},
        "high/2.png": {},
        "high/3.png": {},
    }
    assert (report.rows, report.joined_by, report.joined, report.updated) == (3, "id", 2, 0)
    assert report.images_without_row == ["high/2.png", "high/3.png"]
    assert report.rows_without_image == ["7"]
    assert report.columns["price"] == "integer"
    assert report.columns["title"] == "text"


def test_numbers_dates_texts_and_few_values_can_be_filtered_by(shelf: Path, store: Store, table: Any) -> None:
    report = index(shelf, store, table(TABLE)).table
    assert report is not None
    assert report.filterable == ["id", "color", "price", "added", "title"]
    assert store.count({"color": "red"}) == 1
    assert store.count({"price": Range(gt=5), "added": Range(gte="2026-02-01")}) == 1
    assert store.count({"title": Contains("red box")}) == 1


def test_the_columns_to_filter_by_are_the_callers_choice(shelf: Path, store: Store, table: Any) -> None:
    file = table(TABLE)
    with pytest.raises(ArgumentError, match=r"a column 'size'; the columns .* become fields are: id, color, price,"):
        index(shelf, store, Metadata(file, filterable=["size"]))
    mine = {"id", "color", "price", "added", "title"}
    index(shelf, store, Metadata(file, filterable=["color"]))
    assert set(store.info.fields) & mine == {"color"}
    index(shelf, store, Metadata(file, filterable=["title"]))
    assert set(store.info.fields) & mine == {"color", "title"}
    assert store.count({"title": Contains("red box")}) == 1


def test_a_row_may_name_its_image_by_a_path(shelf: Path, store: Store, table: Any) -> None:
    report = index(shelf, store, table("path,id,color\n./low/0.png,a,red\nhigh\\2.png,b,blue\n2.png,c,green\n")).table
    assert report is not None
    assert fields(store)["low/0.png"] == {"id": "a", "color": "red"}
    assert fields(store)["high/2.png"] == {"id": "b", "color": "blue"}
    assert report.rows_without_image == ["2.png"]
    assert report.joined_by == "path"


def test_paths_of_a_folder_inside_a_source_are_relative_to_the_source(shelf: Path, store: Store, table: Any) -> None:
    index(shelf, store)
    report = index(shelf / "low", store, table("path,color\nlow/0.png,red\n1.png,blue\n")).table
    assert report is not None
    assert (report.joined, report.rows_without_image) == (1, ["1.png"])
    assert fields(store)["low/0.png"] == {"color": "red"}


def test_of_unchanged_files_only_the_fields_are_looked_at(
    shelf: Path, store: Store, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(shelf, store, table(TABLE))
    examined: list[str] = []
    examine = pipeline.examine
    monkeypatch.setattr(pipeline, "examine", lambda task, sizes: examined.append(task.relative) or examine(task, sizes))
    assert index(shelf, store, table(TABLE)).unchanged == 4
    assert examined == []
    report = index(shelf, store, table(TABLE.replace("blue,7", "blue,8")))
    assert (report.unchanged, report.updated) == (4, 0)
    assert report.table is not None
    assert (report.table.updated, examined) == (1, ["low/1.png"])
    assert fields(store)["low/1.png"]["price"] == 8


def test_any_column_may_be_the_one_to_join_by(shelf: Path, store: Store, table: Any) -> None:
    file = table("sku,file\n0,3.png\n1,2.png\n")
    index(shelf, store, Metadata(file, id_column="file"))
    assert fields(store)["high/3.png"] == {"sku": 0, "file": "3.png"}
    index(shelf, store, Metadata(file, id_column="sku"))
    assert fields(store)["low/0.png"] == {"sku": 0, "file": "3.png"}
    with pytest.raises(ArgumentError, match="either id_column= or path_column="):
        Metadata(file, id_column="sku", path_column="file")


def test_letters_with_accents_are_the_same_however_they_are_composed(tmp_path: Path, store: Store, table: Any) -> None:
    for form in ("NFC", "NFD"):
        (tmp_path / form).mkdir()
        name = unicodedata.normalize(form, "Größe é")
        Image.new("RGB", (8, 8)).save(tmp_path / form / f"{name}.png")
        report = index(tmp_path / form, store, table("id,color\nGröße é,red\n")).table
        assert report is not None
        assert report.joined == 1


def test_pictures_in_memory_are_joined_by_their_names(store: Store, table: Any) -> None:
    pictures = np.zeros((2, 8, 8, 3), np.uint8)
    index_images(pictures, store, names=["0", "x/1.png"], encoders=["color"], metadata=table(TABLE))
    assert {path: row["color"] for path, row in fields(store).items()} == {"0": "red", "x/1.png": "blue"}


# ---- a changed table ----------------------------------------------------------------------------------


def test_a_changed_row_changes_the_fields_and_encodes_nothing(
    shelf: Path, store: Store, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(shelf, store, table(TABLE))
    monkeypatch.setattr("autoenc.catalog.changes.read_item", lambda path: pytest.fail(f"{path} was read again"))
    store.set_payloads([record.id for record in store], [{"stock": 3}] * 4)
    report = index(shelf, store, table("id,color,price\n0,red,4\n1,,7\n2,green,1\n"))
    assert report.unchanged == 4
    assert report.table is not None
    assert report.table.updated == 3
    found = fields(store)
    assert found["low/0.png"]["price"] == 4
    assert found["low/0.png"]["title"] == "a small red box"  # no column of this table
    assert "color" not in found["low/1.png"]  # an empty cell
    assert found["high/2.png"] == {"id": 2, "color": "green", "price": 1, "stock": 3}
    assert found["high/3.png"] == {"stock": 3}
    assert store.count({"color": "green"}) == 1


def test_the_same_table_again_writes_nothing(
    shelf: Path, tmp_path: Path, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = table(TABLE.replace("5,2026", "5.5,2026"))
    index(shelf, tmp_path / "s", file)
    for name in ("set_payloads", "delete_fields", "upsert", "update_vectors"):
        monkeypatch.setattr(f"autoenc.store.edge.EdgeEngine.{name}", lambda *a: pytest.fail("written again"))
    report = index(shelf, tmp_path / "s", file)
    assert report.table is not None
    assert (report.unchanged, report.table.updated) == (4, 0)


def test_without_a_table_all_fields_stay(shelf: Path, store: Store, table: Any) -> None:
    index(shelf, store, table(TABLE))
    before = fields(store)
    Image.new("RGB", (20, 20)).save(shelf / "low" / "0.png")
    assert index(shelf, store).updated == 1
    assert fields(store) == before


def test_a_changed_picture_gets_its_changed_row_too(shelf: Path, store: Store, table: Any) -> None:
    index(shelf, store, table(TABLE))
    Image.new("RGB", (20, 20)).save(shelf / "low" / "0.png")
    report = index(shelf, store, table(TABLE.replace("red,5", "red,50")))
    assert report.updated == 1
    assert fields(store)["low/0.png"]["price"] == 50


def test_a_table_for_images_that_are_there_already_makes_its_columns_filterable(
    shelf: Path, tmp_path: Path, table: Any
) -> None:
    index(shelf, tmp_path / "s")
    index(shelf, tmp_path / "s", table(TABLE))
    with open_store(tmp_path / "s") as store:
        assert store.count({"color": "blue"}) == 1


def test_a_picture_that_can_no_longer_be_read_still_gets_its_new_price(shelf: Path, store: Store, table: Any) -> None:
    index(shelf, store, table(TABLE))
    (shelf / "low" / "0.png").write_bytes(b"broken")
    report = index(shelf, store, table(TABLE.replace("red,5", "red,50")))
    assert len(report.skipped) == 1
    assert fields(store)["low/0.png"]["price"] == 50


def test_prices_may_gain_cents_and_never_lose_their_kind(shelf: Path, store: Store, table: Any) -> None:
    index(shelf, store, table("id,price,code\n0,5,a1\n1,7,b2\n"))
    index(shelf, store, table("id,price,code\n0,4.99,11\n1,7,22\n"))
    assert store.kind_of("price") == "float"
    assert store.count({"price": Range(lt=5)}) == 1
    assert fields(store)["low/0.png"] == {"id": 0, "price": 4.99, "code": "11"}  # a keyword stays one
    index(shelf, store, table("id,price\n0,3\n1,8\n"))
    assert store.kind_of("price") == "float"
    with pytest.raises(StoreMismatchError, match=r"'price' of .* should hold a number .* line 3 has 'much'\. Correct"):
        index(shelf, store, table("id,price\n0,3\n1,much\n"))
    assert fields(store)["low/0.png"]["price"] == 3


def test_cells_that_a_field_cannot_hold_are_told_with_their_lines_and_may_count_as_empty(
    shelf: Path, store: Store, table: Any
) -> None:
    index(shelf, store, table("id,stock,price\n0,3,4.99\n1,4,7\n2,5,8\n"))
    file = table("id,stock,price\n0,3,on request\n1,sold out,7\n2,5,tba\n")
    said = r"'price' .* does; line 2 has 'on request' and line 4 has 'tba'\. Correct that, name with null_values="
    with pytest.raises(StoreMismatchError, match=said):
        index(shelf, store, Metadata(file, null_values=["sold out"]))
    with pytest.raises(StoreMismatchError, match=r"'stock' .* does; line 3 has 'sold out'\."):
        index(shelf, store, Metadata(file, null_values=["on request", "tba"]))
    assert fields(store)["low/0.png"] == {"id": 0, "stock": 3, "price": 4.99}
    index(shelf, store, Metadata(file, null_values=["on request", "tba", "sold out"]))
    assert fields(store)["low/0.png"] == {"id": 0, "stock": 3}
    assert fields(store)["low/1.png"] == {"id": 1, "price": 7}
    assert store.kind_of("price") == "float"
    with pytest.raises(ArgumentError, match="null_values= is a list of cells; got 'tba'"):
        Metadata(file, null_values="tba")


def test_a_field_gets_the_kind_that_is_named_where_all_its_values_can_be_converted(
    shelf: Path, store: Store, table: Any
) -> None:
    index(shelf, store, table("id,price,code\n0,4.99,11\n1,on request,12\n2,7,13\n3,7.50,14\n"))
    assert (store.kind_of("price"), store.kind_of("code")) == ("keyword", "integer")
    some = table("id,price,code\n0,5.5,11\n")
    wanted = Metadata(some, types={"price": "float"})
    with pytest.raises(
        StoreMismatchError,
        match=r"'price' .* float values, because those of 1 image .* 'on request' of low/1\.png\. Set",
    ):
        index(shelf, store, wanted)
    assert [row.get("price") for _, row in sorted(fields(store).items())] == ["7", "7.50", "4.99", "on request"]
    report = index(shelf, store, Metadata(some, types={"price": "float"}, null_values=["on request"]))
    assert "Field 'price' held keyword values; they are float values now." in report.notes
    assert [row.get("price") for _, row in sorted(fields(store).items())] == [7.0, 7.5, 5.5, None]
    assert store.kind_of("price") == "float"
    assert store.count({"price": Range(lt=7)}) == 1
    assert not index(shelf, store, wanted).notes


def test_a_value_that_the_table_replaces_need_not_be_converted(shelf: Path, store: Store, table: Any) -> None:
    index(shelf, store, table("id,price\n0,4.99\n1,on request\n"))
    right = table("id,price\n0,4.99\n1,9\n", "right.csv")
    report = index(shelf, store, right)
    assert report.table is not None
    assert report.table.notes == [
        "Column 'price' is taken for keywords, which the store holds in this field, though each cell is a number such "
        "as 12.5. types={'price': 'float'} changes the field."
    ]
    index(shelf, store, table("id,price\n0,4.99\n1,on request\n"))
    index(shelf, store, Metadata(right, types={"price": "float"}))
    assert store.count({"price": Range(lt=50)}) == 2
    assert fields(store)["low/1.png"]["price"] == 9.0


def test_a_missing_price_beside_whole_numbers_is_noticed(shelf: Path, store: Store, table: Any) -> None:
    file = table("id,price\n0,5\n1,on request\n")
    index(shelf, store, file)
    report = index(shelf, store, Metadata(file, null_values=["on request"])).table
    assert report is not None
    assert "types={'price': 'integer'} changes the field." in report.notes[0]
    index(shelf, store, table("id,price\n0,5\n1,6\n"))
    assert index(shelf, store, table("id,price\n0,5\n1,6\n")).table.notes == []  # type: ignore[union-attr]


def test_the_field_of_products_keeps_a_kind_that_names_them(shelf: Path, store: Store, table: Any) -> None:
    file = table("id,sku\n0,1\n1,1\n")
    index(shelf, store, Metadata(file, product_column="sku"))
    with pytest.raises(StoreMismatchError, match=r"'sku' of .* holds float values, but field"):
        index(shelf, store, Metadata(file, types={"sku": "float"}))
    index(shelf, store, Metadata(file, types={"sku": "integer"}))
    assert (store.kind_of("sku"), store.info.product) == ("integer", "sku")


def photo(path: Path, color: int) -> None:
    Image.fromarray(np.full((16, 16, 3), color, np.uint8)).save(path)


def test_further_photos_of_a_product_are_noticed(shelf: Path, store: Store, table: Any) -> None:
    file = table("id,color\n0,red\n1,blue\n2,red\n3,red\n")
    assert index(shelf, store, file).table.notes == []  # type: ignore[union-attr]
    for number, name in enumerate(("0_b.png", "1-back.png", "12.png")):
        photo(shelf / name, 30 + number)
    report = index(shelf, store, file).table
    assert report is not None
    assert report.images_without_row == ["0_b.png", "1-back.png", "12.png"]
    assert report.notes == [
        "2 images without a row begin with the id of a row, such as 0_b.png, but a row names one file. For several "
        "photos of a product, give each file a row with its path in a column 'path', or name the folder of a product's "
        "photos by its id and index with products=folders."
    ]
    photo(shelf / "13.png", 99)
    assert index(shelf, store, file).table.notes == []  # type: ignore[union-attr]  # half of them may be chance
    names = Metadata(table("file,color\n0.png,red\n", "names.csv"), id_column="file")
    with pytest.raises(TableError, match=r"No row .* 1 image without a row begins"):
        index_images([shelf / "0_b.png"], store, metadata=names, progress=False)


def test_a_skipped_file_is_no_image_without_a_row(shelf: Path, store: Store, table: Any) -> None:
    (shelf / "broken.png").write_bytes(b"no picture")
    report = index(shelf, store, table(TABLE))
    assert report.table is not None
    assert [skipped.path.name for skipped in report.skipped] == ["broken.png"]
    assert report.table.images_without_row == ["high/2.png", "high/3.png"]


# ---- products -----------------------------------------------------------------------------------------


def test_a_column_names_products_and_the_store_remembers_it(shelf: Path, store: Store, table: Any) -> None:
    index(shelf, store, Metadata(table("id,sku\n0,11\n1,11\n2,12\n"), product_column="sku", filterable=[]))
    assert store.info.product == "sku"
    assert store.facets("sku") == {"11": 2, "12": 1}
    with pytest.raises(ArgumentError, match="a column of keywords or whole numbers; 'sku' is to hold others"):
        index(shelf, store, Metadata(table("id,sku\n0,1\n"), product_column="sku", types={"sku": "float"}))
    with pytest.raises(ArgumentError, match="no column 'model'"):
        index(shelf, store, Metadata(table("id,sku\n0,1\n"), product_column="model"))


def test_a_field_that_is_there_already_can_name_products(shelf: Path, store: Store, table: Any) -> None:
    file = table("id,sku,code,price,title\n0,11,a,5.5,the first box\n1,11,b,6.5,the second box\n")
    index(shelf, store, file)
    index(shelf, store, Metadata(file, product_column="code"))
    index(shelf, store, Metadata(file, product_column="sku"))
    assert (store.info.product, store.kind_of("sku")) == ("sku", "integer")
    assert len(product_photos(store, "11")) == 2
    with pytest.raises(StoreMismatchError, match=r"keywords or whole numbers; field 'price' of .* float values"):
        index(shelf, store, Metadata(file, product_column="price"))
    index(shelf, store, Metadata(table("id,code\n0,1\n1,2\n"), product_column="code"))
    assert {path: row["code"] for path, row in fields(store).items() if row} == {"low/0.png": "1", "low/1.png": "2"}


def test_folders_name_products_with_and_without_a_table(shelf: Path, store: Store, table: Any) -> None:
    Image.new("RGB", (8, 8)).save(shelf / "loose.png")
    index(shelf, store, products="folders")
    assert store.info.product == "product"
    assert store.facets("product") == {"high": 2, "low": 2}
    assert fields(store)["loose.png"] == {}
    report = index(shelf, store, table("id,price\nlow,5\n3,7\n"), products="folders").table
    assert report is not None
    assert report.joined == 3
    assert {path: row.get("price") for path, row in fields(store).items()} == {
        "low/0.png": 5,
        "low/1.png": 5,
        "high/2.png": None,
        "high/3.png": 7,
        "loose.png": None,
    }
    assert store.facets("product") == {"high": 2, "low": 2}


def test_a_store_remembers_that_folders_name_products(
    shelf: Path, store: Store, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(shelf, store, products="folders")
    assert store.info.product_folders
    Image.new("RGB", (8, 8)).save(shelf / "low" / "new.png")
    (shelf / "high" / "3.png").rename(shelf / "low" / "3.png")
    assert index(shelf, store).notes == []
    assert store.facets("product") == {"high": 1, "low": 4}
    assert index(shelf, store, table("id,price\nlow,5\n")).notes == []
    assert fields(store)["low/new.png"] == {"id": "low", "product": "low", "price": 5}
    with monkeypatch.context() as patch:  # nothing is looked up for images that have not changed
        patch.setattr("autoenc.catalog.image_fields.ImageFields.change", lambda *_: pytest.fail("it was asked for"))
        assert index(shelf, store).unchanged == 5
    assert index(shelf, store, table("id,product\n0,mine\n")).notes == []
    assert (store.info.product, store.info.product_folders) == ("product", False)
    Image.new("RGB", (9, 9)).save(shelf / "low" / "0.png")
    index(shelf, store)
    assert fields(store)["low/0.png"]["product"] == "mine", "the table named it, and no folder does now"
    index(shelf, store, Metadata(table("id,sku\n0,a\n"), product_column="sku"))
    assert (store.info.product, store.info.product_folders) == ("sku", False)


def test_products_are_named_in_one_way(shelf: Path, store: Store, table: Any) -> None:
    with pytest.raises(ArgumentError, match="products= must be 'folders'; got 'files'"):
        index(shelf, store, products="files")
    for file, options in {
        table("id,sku\n0,1\n"): {"product_column": "sku"},
        table("id,product\n0,1\n", "other.csv"): {},
    }.items():
        with pytest.raises(ArgumentError, match="Either folders name products or a column does"):
            index(shelf, store, Metadata(file, **options), products="folders")


def test_a_run_without_the_table_that_names_products_says_so(shelf: Path, store: Store, table: Any) -> None:
    metadata = Metadata(table("id,sku\n0,a\n1,a\n5,b\n"), product_column="sku")
    assert index(shelf, store, metadata).notes == []
    (shelf / "low/0.png").rename(shelf / "high/0.png")  # keeps its row
    assert index(shelf, store).notes == []
    Image.new("RGB", (8, 8)).save(shelf / "low/5.png")
    (note,) = index(shelf, store).notes
    assert "1 image is new. Index again with metadata= and" in note
    assert index(shelf, store, metadata).notes == []


# ---- what is wrong with a table -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("sku,color\n0,red\n", {}, "neither a column 'path' nor a column 'id'; its columns are: sku, color. Name the"),
        ("sku,color\n0,red\n", {"id_column": "ID"}, "has no column 'ID'; its columns are: sku, color. Name one"),
        ("sku,color\n0,red\n", {"id_column": "SKU"}, r"its columns are: sku, color\. Did you mean 'sku'\?"),
        ("id,color\n0,red\n1,x\n0,blue\n", {}, r"one row for 1 value of column 'id': '0' \(lines 2 and 4\)\."),
        ("path,c\na.png,1\n./a.png,2\n", {}, r"of column 'path': 'a\.png' \(lines 2 and 3\)"),
        ("id,color\n8,red\n", {}, r"No row .* the stems of file names; the first row has '8', .* is high/2\.png"),
        ("path,color\n/8.png,red\n", {}, r"hold the paths relative to .*shelf; the first row has '/8\.png'"),
        ("id,color\n,red\n", {}, "every cell in it is empty"),
        ("id,_autoenc\n0,red\n", {}, "'_autoenc' of .* autoenc keeps for itself. Rename it"),
        ("id,_autoenc.path\n0,red\n", {}, r"'_autoenc\.path' of .* autoenc keeps for itself"),
        ('id,"the ""best"""\n0,red\n', {}, "a name that no field can have: quotes, backslashes"),
        ("id,added\n0,2026-01-31\n1,2026-02-30\n", {"types": {"added": "datetime"}}, "line 3 has '2026-02-30'"),
    ],
)
def test_a_bad_table_is_one_sentence_and_nothing_is_written(
    shelf: Path, tmp_path: Path, table: Any, content: str, options: Any, said: str
) -> None:
    with pytest.raises(TableError, match=said) as caught:
        index(shelf, tmp_path / "s", Metadata(table(content), **options))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_all_ids_that_several_rows_have_are_told_at_once(shelf: Path, store: Store, table: Any) -> None:
    lines = "".join(f"{number},red\n" for number in [*range(12), *range(12), 3])
    listed = ", ".join(f"'{n}' (lines {n + 2} and {n + 14})" for n in range(3))
    with pytest.raises(TableError) as caught:
        index(shelf, store, table(f"id,color\n{lines}"))
    said = str(caught.value)
    assert f"more than one row for 12 values of column 'id': {listed}, '3' (lines 5, 17 and 26), '4' (" in said
    assert said.endswith("'9' (lines 11 and 23) and 2 more. Keep one row of each.")


def test_rows_that_cannot_be_used_are_listed(shelf: Path, store: Store, table: Any) -> None:
    content = (
        "id,color,title\n0,red,a nice box\n1,blue\n,green,a lost box\n,,\n2,red,a box, small\n3,red,the last box\n"
    )
    report = index(shelf, store, table(content)).table
    assert report is not None
    assert report.left_out == [
        "line 3: it has 2 cells, and the header has 3: 1 | blue",
        "line 4: its cell in column 'id' is empty: '' | green | a lost box",
    ]
    assert report.mended == ["line 6: its extra cells belong to 'title': 2 | red | a box, small"]
    assert fields(store)["high/2.png"]["title"] == "a box, small"


def test_metadata_is_a_path_or_its_options(shelf: Path, store: Store) -> None:
    with pytest.raises(ArgumentError, match=r"the path of a table or an autoenc\.Metadata; got dict"):
        index(shelf, store, {"0": {}})


def test_names_with_spaces_and_dots_are_fields_like_others(shelf: Path, tmp_path: Path, table: Any) -> None:
    index(shelf, tmp_path / "s", table("id,base color,v1.0,size\n0,red,yes,5\n1,,no,6\n"))
    index(shelf, tmp_path / "s", table("id,base color,v1.0,size\n0,,no,\n1,blue,yes,6\n"))
    with open_store(tmp_path / "s") as store:
        assert fields(store)["low/0.png"] == {"id": 0, "v1.0": False}
        assert store.count({"base color": "blue", "v1.0": True, "size": 6}) == 1
        assert store.count({"base color": "red"}) == store.count({"size": 5}) == 0
