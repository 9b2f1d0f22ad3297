"""A CSV file as published, with all that is wrong with it -> columns of one kind each, every row accounted for."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.errors import ArgumentError, TableError
from autoenc.tables.table import Table, read_table

STYLES = """\
id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName
15970,Men,Apparel,Topwear,Shirts,Navy Blue,Fall,2011,Casual,Turtle Check Men Navy Blue Shirt
39386,Men,Apparel,Bottomwear,Jeans,Blue,Summer,2012,Casual,Peter England Men Party Blue Jeans
59263,Women,Accessories,Watches,Watches,Silver,Winter,2016,NA,Titan Women Silver Watch
12369,Men,Apparel,Topwear,Shirts,Purple,Fall,2011,Formal,"Reid & Taylor Men Check, Purple Shirts"
42419,Girls,Apparel,Topwear,Tops,White,Summer,,Casual,Gini and Jony Girls Knit White Top
6044,Men,Apparel,Topwear,Tshirts,Blue,Summer,2010,Casual,Nike Men Club, Blue, T-shirt
"""


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes a table, and reads it."""

    def read(content: str | bytes, name: str = "shop.csv", **options: Any) -> Table:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, **options)

    return read


def rows(table: Table) -> list[dict[str, Any]]:
    return [
        {name: value for name, column in table.columns.items() if (value := column.value(row)) is not None}
        for row in range(len(table))
    ]


def kinds(table: Table) -> dict[str, str]:
    return {name: column.kind for name, column in table.columns.items()}


# ---- the table of the Fashion Product Images ----------------------------------------------------------


def test_the_fashion_table_as_it_is_published(written: Any) -> None:
    table = written(STYLES)
    assert kinds(table) == {
        "id": "integer",
        **dict.fromkeys(("gender", "masterCategory", "subCategory", "articleType", "baseColour", "season"), "keyword"),
        "year": "integer",
        "usage": "keyword",
        "productDisplayName": "text",
    }
    found = {row["id"]: row for row in rows(table)}
    assert len(found) == 6
    assert found[12369]["productDisplayName"] == "Reid & Taylor Men Check, Purple Shirts"
    assert "year" not in found[42419]
    assert found[59263]["usage"] == "NA"


def test_stray_commas_go_to_the_name_and_the_row_is_listed(written: Any) -> None:
    table = written(STYLES)
    assert table.mended == [
        (
            7,
            "productDisplayName",
            "6044 | Men | Apparel | Topwear | Tshirts | Blue | Summer | 2010 | Casual | Nike Men Club, Blue, T-shirt",
        )
    ]
    assert rows(table)[-1]["productDisplayName"] == "Nike Men Club, Blue, T-shirt"
    assert rows(table)[-1]["usage"] == "Casual"
    assert table.place(5) == "line 7"
    assert table.broken == []


# ---- rows that are not like the others ----------------------------------------------------------------


def test_stray_commas_in_a_column_that_is_not_the_last(written: Any) -> None:
    head = "id,title,price\n1,a nice red bag,9.5\n2,a small blue bag,7\n"
    table = written(head + "3,a bag, large, green,12\n")
    assert rows(table)[2] == {"id": 3, "title": "a bag, large, green", "price": 12.0}
    assert table.mended == [(4, "title", "3 | a bag, large, green | 12")]


def test_without_text_the_column_is_the_one_that_leaves_known_keywords_in_the_others(written: Any) -> None:
    table = written("brand,color\nNike,red\nPuma,blue\nNike,blue\nMarks, Spencer,red\n")
    assert rows(table)[3] == {"brand": "Marks, Spencer", "color": "red"}


def test_a_row_that_no_column_can_be_mended_in_is_left_out_and_told(written: Any) -> None:
    table = written("id,price\n1,2\n2,3,4\n3,5\n")
    assert [row["id"] for row in rows(table)] == [1, 3]
    assert table.broken == [
        (3, "it has 1 cell more than the header, and no column that they could belong to: 2 | 3 | 4")
    ]


PRICES = "id,title,price,stock\n1,a nice red bag,9.5,3\n2,a small blue bag,7,1\n"


@pytest.mark.parametrize(
    "row",
    [
        "3,a bag,19,90,4",  # and not a bag called "a bag,19" for 90
        "3,a bag, large, green,19,90,4",
        "3,a bag,1,299.50,4",
        "3,a bag,1,299,000.50,4",
        "3,a bag,-19,90,4",
    ],
)
def test_a_number_that_commas_may_have_cut_is_not_guessed_at(written: Any, row: str) -> None:
    table = written(f"{PRICES}{row}\n")
    assert len(table) == 2
    assert table.mended == []
    ((line, why),) = table.broken
    assert line == 4
    assert why.endswith(f"a comma that may be part of a number: {' | '.join(map(str.strip, row.split(',')))}")


@pytest.mark.parametrize(
    ("row", "title"),
    [
        ("3,a bag, 2 straps,19.90,4", "a bag, 2 straps"),  # a comma, a space and a number: not a number in two
        ("3,a bag, large,19,4", "a bag, large"),
        ("3,a bag, size 4,12.5,4", "a bag, size 4"),
    ],
)
def test_a_number_that_no_comma_can_have_cut_is_no_obstacle(written: Any, row: str, title: str) -> None:
    assert rows(written(f"{PRICES}{row}\n"))[2]["title"] == title


def test_an_amount_with_its_currency_is_a_number_too(written: Any) -> None:
    table = written("id,title,price\n1,a nice red bag,€9\n2,a small blue bag,€7\n3,a big bag,€19,90\n")
    assert "a comma that may be part of a number: 3 | a big bag | €19 | 90" in table.broken[0][1]


def test_a_row_that_two_columns_can_be_mended_in_is_left_out_unless_a_space_tells(written: Any) -> None:
    head = "id,title,about\n1,a nice red bag,holds all you need\n2,a small blue bag,for a short trip\n"
    table = written(f"{head}3,a bag,red,of soft leather\n4,a bag, green,of hard leather\n5,a bag,nice, soft, light\n")
    assert [row["title"] for row in rows(table)[2:]] == ["a bag, green", "a bag"]
    assert rows(table)[3]["about"] == "nice, soft, light"
    assert table.broken == [
        (
            4,
            "it has 1 cell more than the header, and several columns that they could belong to: 3 | a bag | red | of "
            "soft leather",
        )
    ]


def test_a_row_with_too_few_cells_is_left_out_and_told(written: Any) -> None:
    table = written("id,color\n1,red\n2\n3,blue\n")
    assert [row["id"] for row in rows(table)] == [1, 3]
    assert table.broken == [(3, "it has 1 cell, and the header has 2: 2")]
    assert table.place(1) == "line 4"


def test_empty_lines_and_separators_at_the_end_are_nothing(written: Any) -> None:
    table = written("id,color\n\n1,red,,\n,\n\n2,blue\n,,,\n")
    assert rows(table) == [{"id": 1, "color": "red"}, {}, {"id": 2, "color": "blue"}, {}]
    assert (table.mended, table.broken) == ([], [])


def test_a_header_that_fits_no_row_is_told(written: Any) -> None:
    with pytest.raises(TableError, match="names 2 columns, but the rows have 3 cells each"):
        written("id,color\n" + "".join(f"{row},red,5\n" for row in range(200)))


# ---- how a file is written ------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_byte_order_marks_and_quoted_line_breaks(written: Any, delimiter: str) -> None:
    text = "id,note,price\r\n1,'two\r\nlines, one cell',2.5\r\n2,plain,3\r\n".replace(",", delimiter).replace("'", '"')
    table = written(b"\xef\xbb\xbf" + text.encode())
    assert list(table.columns) == ["id", "note", "price"]
    assert rows(table)[0]["note"] == f"two\r\nlines{delimiter} one cell"
    assert [table.place(row) for row in range(2)] == ["line 2", "line 4"]


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6).map(str), st.text(st.characters(codec="utf-8", exclude_characters="\0"))),
        min_size=1,
    )
)
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("t") / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "word"), *cells])
    table = read_table(path, types={"word": "keyword"})
    assert [column.cells[:] for column in table.columns.values()] == [
        [number for number, _ in cells],
        [word.strip() for _, word in cells],
    ]
    lines = path.read_bytes().decode().split("\n")
    for row, (number, _) in enumerate(cells):
        if "\r" not in "".join(word for _, word in cells):
            assert lines[int(table.place(row).removeprefix("line ").replace(",", "")) - 1].startswith(number)


def test_a_column_without_a_name_is_left_out_and_told(written: Any) -> None:
    table = written(",id\n0,5\n1,6\n")
    assert rows(table) == [{"id": 5}, {"id": 6}]
    assert "without a name was left out" in table.notes[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "first row names its columns; that of .* is empty"),
        (b"id,color\n", "has only names of columns"),
        (b"id,id\n1,2\n", "two columns 'id', number 1 and 2"),
        ("id,color\n1,rot\n2,grün\n".encode("latin-1"), "line 3 of .* is in another encoding, near '2,grün'. Save it"),
        ("id,color\n1,red\n".encode("utf-16"), "is in UTF-16"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\n", r"Expected a table, a \.csv or \.parquet file; .* is a picture\."),
        (b"PK\3\4\n\xff", "is an Excel workbook"),
        (b'id,color\n1,red\n2,"blue\n3,green\n', "begins on line 3 is never closed"),
        (b'id,color\n1,"' + b"x\n" * 70_000, "in the row that begins on line 2. Perhaps a quote"),
        (b'id,"' + b"x\n" * 70_000, "in the row that begins on line 1. Perhaps a quote"),
        (b"[" + b"{}" * 70_000 + b"]", "the first line of .* is longer than 131,071 characters"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(written: Any, content: bytes, said: str) -> None:
    with pytest.raises(TableError, match=said) as caught:
        written(content)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot be read: No such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(TableError, match="cannot be read: Is a directory"):
        read_table(tmp_path)


# ---- kinds ----------------------------------------------------------------------------------------------


def test_one_cell_in_the_last_row_widens_the_column_and_is_told(written: Any) -> None:
    table = written("id,price\n" + "".join(f"{row},{row}.5\n" for row in range(5000)) + "5000,on request\n")
    assert kinds(table) == {"id": "integer", "price": "keyword"}
    assert table.notes == [
        f"Column 'price' of {table.file} holds keywords, because line 5,002 has 'on request'; the rest of it is a "
        f"number such as 12.5. Correct that or name with null_values= what counts as an empty cell, and add "
        f"types={{'price': 'float'}}."
    ]
    assert written("id,price\n1,5\n2,5.5\n").columns["price"].kind == "float"


@pytest.mark.parametrize("cell", ["48,68", "48.68 €", "$48.68", "1.299,00 EUR"])
def test_prices_that_are_written_as_in_a_shop_are_told(written: Any, cell: str) -> None:
    table = written(f'id;price\n1;12\n2;"{cell}"\n3;{cell}\n')
    assert kinds(table)["price"] == "keyword"
    assert table.notes == [
        f"Column 'price' of {table.file} holds keywords such as {cell!r}, which filters do not compare by size. If "
        f"they are numbers, write them with a decimal point and no currency, such as 12.5; if not, name "
        f"types={{'price': 'keyword'}}."
    ]
    assert written(f"id;price\n1;{cell}\n", types={"price": "keyword"}).notes == []


def test_words_and_codes_are_no_prices(written: Any) -> None:
    assert written("id;size\n1;M, L\n2;007\n3;1,2,3\n").notes == []


def test_named_cells_count_as_empty_in_every_column(written: Any) -> None:
    text = "id,title,price\n1,a nice red bag,tba\n2,tba,7.5\n3,a small blue bag,8\n4,a bag, or two,tba\n"
    table = written(text, null_values=["tba"])
    assert kinds(table) == {"id": "integer", "title": "text", "price": "float"}
    assert rows(table)[:2] == [{"id": 1, "title": "a nice red bag"}, {"id": 2, "price": 7.5}]
    assert rows(table)[3] == {"id": 4, "title": "a bag, or two"}
    assert written(text).columns["price"].kind == "keyword"


def test_a_date_that_is_none_is_told(written: Any) -> None:
    table = written("id,added\n" + "".join(f"{row},2026-01-31\n" for row in range(20)) + "20,2026-02-30\n")
    assert table.columns["added"].kind == "keyword"
    assert "line 22 has '2026-02-30'" in table.notes[0]
    with pytest.raises(TableError, match=r"'added' of .* should hold a date such as .*; line 22 has '2026-02-30'"):
        written((table.file).read_bytes(), types={"added": "datetime"})


def test_types_are_the_callers_choice(written: Any) -> None:
    table = written("id,code,tags\n1,007,red;blue\n", types={"code": "integer", "tags": "keywords"}, separator=";")
    assert rows(table) == [{"id": 1, "code": 7, "tags": ["red", "blue"]}]
    with pytest.raises(TableError, match=r"'code' .* should hold a whole number in each row; line 3 has 'x'"):
        written("id,code\n1,5\n2,x\n", types={"code": "integer"})
    with pytest.raises(ArgumentError, match=r"has no column 'prize'; its columns are: id, code\."):
        written("id,code\n1,5\n", types={"prize": "float"})
    with pytest.raises(ArgumentError, match="one of keyword, integer"):
        written("id,code\n1,5\n", types={"code": "number"})
    with pytest.raises(ArgumentError, match="list_separator= is one character"):
        written("id,code\n1,5\n", separator="")


def test_a_known_kind_is_kept_where_every_cell_allows_it(written: Any) -> None:
    text = "id,price,sold\n1,5,1\n2,6,0\n"
    known = {"id": "keyword", "price": "float", "sold": "bool"}
    assert kinds(written(text, known=known)) == known
    assert kinds(written("id,price\n1,5.5\n", known={"price": "integer"}))["price"] == "float"


def test_few_values_are_told_from_many(written: Any) -> None:
    lines = "".join(f"{row},{row % 1000},{row % 1001}\n" for row in range(2000))
    table = written("id,few,many\n" + lines, types={"few": "keyword", "many": "keyword"})
    assert (table.columns["few"].few, table.columns["many"].few) == (True, False)
