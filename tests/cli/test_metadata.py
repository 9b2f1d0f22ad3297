"""Tables on the command line: index and tag, what they print, and wrong usage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoenc.cli import main
from autoenc.store import open_store

HEADER = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName\n"
STYLES = (
    HEADER
    + "0,Men,Apparel,Topwear,Shirts,Navy Blue,Fall,2011,Casual,Turtle Check Men Navy Blue Shirt\n"
    + "1,Women,Apparel,Bottomwear,Jeans,Blue,Summer,2012,Casual,Peter England Women Party Blue Jeans\n"
    + "2,Women,Accessories,Watches,Watches,Silver,Winter,2016,Casual,Titan Women Silver Watch\n"
    + "7,Men,Apparel,Topwear,Tshirts,Blue,Summer,2010,Casual,Nike Men Club, Blue, T-shirt\n"
)


@pytest.fixture
def desk(picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: pictures/ (red, green and blue, each with 0.png to 3.png) and styles.csv."""
    monkeypatch.chdir(tmp_path)
    Path("styles.csv").write_text(STYLES)
    return tmp_path


def index(*options: str) -> list[str]:
    return ["index", "pictures", "--store", "s", "--encoders", "color", "--quiet", *options]


def tag(*options: str) -> list[str]:
    return ["tag", "--store", "s", "--quiet", *options]


def test_index_shows_the_columns_and_accounts_for_every_row(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(index("--metadata", "styles.csv", "--report", "report.json")) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1:] == [
        "styles.csv: 4 rows, joined by column 'id'; id integer*, gender keyword*, masterCategory keyword*, "
        "subCategory keyword*, articleType keyword*, baseColour keyword*, season keyword*, year integer*, "
        "usage keyword*, productDisplayName text*",
        "  * can be filtered by",
        "  9 images with a row, 3 without; 1 row without an image",
    ]
    assert err.splitlines() == [
        "mended line 5: its extra cells belong to 'productDisplayName': 7 | Men | Apparel | Topwear | Tshirts | Blue | "
        "Summer | 2010 | Casual | Nike Men Club, Blue, T-shirt",
        "no row: blue/3.png, green/3.png, red/3.png",
        "no image: 7",
    ]
    table = json.loads(Path("report.json").read_text())["table"]
    assert table["rows_without_image"] == ["7"]
    assert table["images_without_row"] == ["blue/3.png", "green/3.png", "red/3.png"]
    assert main(["query", "pictures/red/0.png", "--store", "s", "--where", "year > 2011 and gender = Women"]) == 0
    assert capsys.readouterr().out.count(".png") == 5
    Path("styles.csv").write_text(STYLES.replace("2012", "2013"))
    assert main(index("--metadata", "styles.csv")) == 0
    assert "without an image; fields of 3 stored images changed\n" in capsys.readouterr().out


def test_the_column_of_paths_is_not_shown_as_a_field(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("paths.csv").write_text("path,color\nred/0.png,red\n")
    assert main(index("--metadata", "paths.csv")) == 0
    assert "paths.csv: 1 row, joined by column 'path'; color keyword*\n" in capsys.readouterr().out


def test_types_filterable_columns_and_products_are_options(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--type", "year=float", "--type", "season=keywords", "--list-separator", "m", "--filterable", "season")
    assert main(index("--metadata", "styles.csv", *options, "--product-column", "usage", "--json")) == 0
    table = json.loads(capsys.readouterr().out)["table"]
    assert (table["columns"]["year"], table["columns"]["season"]) == ("float", "keywords")
    assert table["filterable"] == ["season", "usage"]
    with open_store("s") as store:
        assert store.count({"season": "er"}) == 3  # Sum-m-er
        assert store.info.product == "usage"
    assert main(index("--products", "folders")) == 0
    assert main(["status", "--store", "s"]) == 0
    assert "  products: one for each value of product\n" in capsys.readouterr().out
    with open_store("s") as store:
        assert store.facets("product") == {"blue": 4, "green": 4, "red": 4}


def test_a_bad_cell_of_the_first_load_is_mended_as_the_note_says(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{color}/{n}.png,{n}.5\n" for color in ("red", "green", "blue") for n in range(4))
    Path("prices.csv").write_text("path,unit price\n" + rows.replace("red/0.png,0.5", "red/0.png,on request"))
    assert main(index("--metadata", "prices.csv")) == 0
    note = "Correct that or name with --null-values what counts as an empty cell, and add --type 'unit price=float'."
    assert note in capsys.readouterr().err
    mend = ("--null-values", "on request", "--type", "unit price=float")
    assert main(index("--metadata", "prices.csv", *mend)) == 0
    assert "Field 'unit price' held keyword values; they are float values now.\n" in capsys.readouterr().err
    with open_store("s") as store:
        assert store.count('"unit price" < 1') == 2


def test_tag_sets_fields_where_a_filter_matches(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(index()) == 0
    capsys.readouterr()
    asked = ("--filter", "folder=red", "--set", "price=5.5", "--set", "sale=yes")
    assert main(tag(*asked, "--dry-run")) == 0
    assert capsys.readouterr().out == "4 matched, 4 would change; nothing was written\n"
    assert main(tag(*asked)) == 0
    assert main(tag(*asked)) == 0
    assert capsys.readouterr().out == "4 matched, 4 changed\n4 matched, 0 changed\n"
    assert main(tag("--where", "folder = red and not path contains x", "--unset", "sale")) == 2
    assert main(tag("--where", "folder = red", "--unset", "sale", "--json")) == 0
    done = {"matched": 4, "changed": 4, "dry_run": False, "table": None, "notes": []}
    assert json.loads(capsys.readouterr().out) == done
    with open_store("s") as store:
        for record in store.scroll({"folder": "red"}):
            assert (record.payload["price"], "sale" in record.payload) == (5.5, False)
    assert main(tag("--all", "--set", "seen=true")) == 0
    assert capsys.readouterr().out == "12 matched, 12 changed\n"
    assert main(tag("--where", "price > 5 and seen = true", "--unset", "seen")) == 0
    assert capsys.readouterr().out == "4 matched, 4 changed\n"


def test_tag_takes_a_table(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(index()) == 0
    for path in (desk / "pictures").glob("*/*.png"):
        path.unlink()  # not needed
    assert main(tag("--metadata", "styles.csv", "--report", "r.json")) == 0
    assert "12 matched, 9 changed" in capsys.readouterr().out
    assert json.loads(Path("r.json").read_text())["table"]["updated"] == 9


def test_a_short_table_for_tag_counts_the_other_images_and_lists_rows_in_the_report(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(index()) == 0
    capsys.readouterr()
    Path("prices.csv").write_text("path,price\nred/0.png,5\n" + "".join(f"{row},5\n" for row in range(30)))
    assert main(tag("--metadata", "prices.csv", "--report", "r.json")) == 0
    out, err = capsys.readouterr()
    assert "1 image with a row, 11 without; 30 rows without an image" in out
    assert "no row" not in err
    assert "… and 10 more; r.json lists them all\n" in err
    assert len(json.loads(Path("r.json").read_text())["table"]["images_without_row"]) == 11
    assert main(tag("--metadata", "prices.csv")) == 0
    assert "; --report FILE or --json lists them all\n" in capsys.readouterr().err


def test_tag_names_the_folder_that_paths_are_relative_to(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(index()) == 0
    Path("prefix.csv").write_text("path,price\npictures/red/0.png,5\n")
    assert main(tag("--metadata", "prefix.csv")) == 1
    assert f"should hold the paths relative to {desk / 'pictures'}; the first row" in capsys.readouterr().err
    assert main(["index", "pictures/red", "--store", "s", "--source", "red", "--encoders", "color", "--quiet"]) == 0
    assert main(tag("--metadata", "prefix.csv")) == 1
    assert "should hold the paths relative to their source; the first row" in capsys.readouterr().err


def test_types_are_of_the_columns_and_of_the_fields_that_are_set(desk: Path) -> None:
    assert main(index()) == 0
    types = ("--type", "sale=keyword", "--type", "year=float")
    assert main(tag("--metadata", "styles.csv", "--set", "sale=true", *types)) == 0
    with open_store("s") as store:
        assert {record.payload["sale"] for record in store} == {"true"}
        assert store.info.fields["year"] == "float"


def test_wrong_usage_is_one_sentence(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(index()) == 0
    Path("latin.csv").write_bytes("id,Größe\n1,2\n".encode("latin-1"))
    capsys.readouterr()
    cases: dict[tuple[str, ...], tuple[int, str]] = {
        tuple(index("--metadata", "none.csv")): (1, "none.csv cannot be read: No such file or directory"),
        tuple(index("--metadata", "latin.csv")): (1, "line 1 of latin.csv is in another encoding"),
        tuple(index("--metadata", "styles.csv", "--id-column", "sku")): (1, "has no column 'sku'; its columns are: id"),
        tuple(index("--metadata", "styles.csv", "--id-column", "year")): (1, "by another column with --path-column"),
        tuple(index("--metadata", "styles.csv", "--filterable", "size")): (2, "--filterable names a column 'size'"),
        tuple(index("--metadata", "styles.csv", "--report", "styles.csv")): (1, "it is a file that is read"),
        tuple(index("--metadata", "styles.csv", "--type", "gender=float")): (
            1,
            "a number such as 12.5 in each row; line 2 has 'Men'",
        ),
        tuple(tag("--all", "--set", "a=1", "--unset", "a")): (2, "to be set and to be removed"),
        tuple(tag("--all", "--set", "a=")): (2, "remove it with --unset"),
    }
    for arguments, (code, said) in cases.items():
        assert main(list(arguments)) == code, arguments
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
    usage = {
        tuple(index("--id-column", "x")): "--id-column needs a table; name one with --metadata FILE",
        tuple(index("--type", "price")): "expected NAME=KIND",
        tuple(index("--type", "price=money")): "expected NAME=KIND",
        tuple(index("--type", "price=float")): "--type price=float needs a table; name one with --metadata FILE",
        tuple(tag("--all", "--set", "a=1", "--type", "b=float")): "--type b=float needs a table",
        tuple(tag("--set", "a=1")): "or all of them with --all",
        tuple(tag("--all")): "--set FIELD=VALUE, --unset FIELD or --metadata FILE",
        tuple(tag("--all", "--set", "a")): "expected FIELD=VALUE",
    }
    for arguments, said in usage.items():
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        assert stopped.value.code == 2
        assert said in capsys.readouterr().err
