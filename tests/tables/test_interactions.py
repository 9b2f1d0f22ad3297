"""Interactions of users with items, from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoenc.errors import TableError
from autoenc.tables.interactions import Interactions, read_interactions


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clicks.csv"


def triples(read: Interactions) -> set[tuple[str, str, float]]:
    return {
        (read.users[user], read.items[item], float(value))
        for user, item, value in zip(read.user_of, read.item_of, read.values, strict=True)
    }


def test_the_rows_of_a_user_and_an_item_are_added_up(file: Path) -> None:
    file.write_text("when,user,item,value\n1,ann,7,2\n2,bob,7,1\n3,ann,8,.5\n4,ann,7,3\n")
    read = read_interactions(file)
    assert triples(read) == {("ann", "7", 5.0), ("bob", "7", 1.0), ("ann", "8", 0.5)}
    assert (read.rows, read.left_out, read.mended) == (4, [], [])
    assert read.values.dtype == float


def test_without_values_every_row_counts_one(file: Path) -> None:
    file.write_text("user;item\nann;7\nann;7\nbob;7\n")
    assert triples(read_interactions(file)) == {("ann", "7", 2.0), ("bob", "7", 1.0)}


def test_columns_of_other_names(file: Path) -> None:
    file.write_text("customer,sku,stars,value\nann,7,4,x\n")
    read = read_interactions(file, user_column="customer", item_column="sku", value_column="stars")
    assert triples(read) == {("ann", "7", 4.0)}


def test_a_parquet_file_says_the_same(file: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow: pip install 'autoenc[tables]'")
    import pyarrow.parquet as pq

    columns = {"user": [1, 1, 2, None], "item": ["7", "8", "7", "7"], "value": [1.0, float("nan"), 2.5, 1.0]}
    pq.write_table(pa.table(columns), file.with_suffix(".parquet"))
    read = read_interactions(file.with_suffix(".parquet"))
    assert triples(read) == {("1", "7", 1.0), ("2", "7", 2.5)}
    assert read.left_out == ["row 2: it has no value: 1 | 8 | nan", "row 4: it has no user: '' | 7 | 1.0"]


def test_zero_is_no_interaction(file: Path) -> None:
    file.write_text("user,item,value\nann,7,0\nann,8,0\nann,8,2\n")
    read = read_interactions(file)
    assert triples(read) == {("ann", "8", 2.0)}
    assert read.items == ["8"]
    assert (read.rows, read.left_out) == (3, [])


def test_accents_written_in_two_ways_are_one(file: Path) -> None:
    file.write_text("user,item\nzoe\u0301,caf\u00e9\nzo\u00e9,cafe\u0301\n", encoding="utf-8")
    assert triples(read_interactions(file)) == {("zo\u00e9", "caf\u00e9", 2.0)}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("ann,7,many", "its value 'many' is no finite number: ann | 7 | many"),
        ("ann,7,inf", "its value 'inf' is no finite number: ann | 7 | inf"),
        ("ann,7,1e999", "its value '1e999' is no finite number: ann | 7 | 1e999"),
        ("ann,7,true", "its value 'true' is no finite number: ann | 7 | true"),
        ("ann,7,-2", "its value -2 is below 0: ann | 7 | -2"),
        ("ann,7,NaN", "it has no value: ann | 7 | NaN"),
        ("ann,7,", "it has no value: ann | 7 | ''"),
        (",7,1", "it has no user: '' | 7 | 1"),
        ("ann,,1", "it has no item: ann | '' | 1"),
        ("ann,7", "it has 2 cells, and the header has 3: ann | 7"),
    ],
)
def test_a_row_that_cannot_be_used_is_listed(file: Path, row: str, why: str) -> None:
    file.write_text(f"user,item,value\nbob,8,1\n{row}\nbob,7,2\n")
    read = read_interactions(file)
    assert triples(read) == {("bob", "8", 1.0), ("bob", "7", 2.0)}
    assert read.left_out == [f"line 3: {why}"]
    assert read.rows == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "first row names its columns"),
        ("user,item,value\n", "Expected a table with rows"),
        (
            "client,item\nann,7\n",
            "has no column 'user'; its columns are: client, item. Name the right one with u",
        ),
        ("user,items\nann,7\n", r"has no column 'item'; its columns are: user, items. Did you mean 'items'\?"),
        ("user,item,value\nann,7,0\n", r"has no interaction of a user with an item\.$"),
        ("user,item,value\nann,7,x\n", "The first row that was left out is line 2: its value 'x' is no finite number"),
    ],
)
def test_a_file_that_cannot_be_used(file: Path, content: str, message: str) -> None:
    file.write_text(content)
    with pytest.raises(TableError, match=message):
        read_interactions(file)


def test_a_column_of_values_that_is_named_must_be_there(file: Path) -> None:
    file.write_text("user,item\nann,7\n")
    with pytest.raises(TableError, match="has no column 'stars'; its columns are: user, item"):
        read_interactions(file, value_column="stars")
