"""A Parquet file -> the same columns; its types are taken at their word."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autoenc.errors import MissingDependencyError, TableError
from autoenc.tables.table import read_table


def test_without_pyarrow_the_message_names_the_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'autoenc\[tables\]'"):
        read_table(tmp_path / "t.parquet")


def written(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pa = pytest.importorskip("pyarrow", reason="Parquet files need pyarrow: pip install 'autoenc[tables]'")
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path, **options)
    return path


def test_each_type_has_its_kind(tmp_path: Path) -> None:
    columns = {
        "id": [1, 2, None],
        "price": [1.5, float("nan"), 3.0],
        "cost": [Decimal("1.25"), Decimal("2.50"), None],
        "sale": [True, False, None],
        "day": [date(2026, 1, 31), None, None],
        "at": [datetime(2026, 1, 31, 12, tzinfo=UTC), None, None],
        "code": ["007", "8", "9"],
        "title": ["a red bag", "a blue bag", "a green bag"],
        "colors": [["red", "blue"], [], None],
    }
    table = read_table(written(tmp_path / "t.parquet", columns, row_group_size=2))
    assert {name: column.kind for name, column in table.columns.items()} == {
        "id": "integer",
        "price": "float",
        "cost": "float",
        "sale": "bool",
        "day": "datetime",
        "at": "datetime",
        "code": "keyword",
        "title": "text",
        "colors": "keywords",
    }
    first, second = ({name: column.value(row) for name, column in table.columns.items()} for row in (0, 1))
    assert first == {
        "id": 1,
        "price": 1.5,
        "cost": 1.25,
        "sale": True,
        "day": "2026-01-31",
        "at": "2026-01-31T12:00:00+00:00",
        "code": "007",
        "title": "a red bag",
        "colors": ["red", "blue"],
    }
    assert (second["price"], second["day"], second["colors"]) == (None, None, None)
    assert (len(table), table.place(1)) == (3, "row 2")


def test_nanoseconds_dictionaries_and_other_types(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="Parquet files need pyarrow: pip install 'autoenc[tables]'")
    columns = {
        "at": pa.array([1_700_000_000_000_000_001], pa.timestamp("ns")),
        "color": pa.array(["red"]).dictionary_encode(),
        "size": [{"w": 1}],
    }
    table = read_table(written(tmp_path / "t.parquet", columns))
    assert table.columns["at"].value(0) == "2023-11-14T22:13:20"
    assert table.columns["color"].kind == "keyword"
    assert list(table.columns) == ["at", "color"]
    assert "Column 'size' of" in table.notes[0]


def test_types_may_be_given_and_are_checked(tmp_path: Path) -> None:
    path = written(tmp_path / "t.parquet", {"id": [1, 2], "price": ["5", "x"], "n": [1.0, float("inf")]})
    assert read_table(path, types={"id": "keyword", "n": "keyword"}).columns["id"].value(0) == "1"
    with pytest.raises(TableError, match=r"'price' .* should hold a number .* row 2 has 'x'"):
        read_table(path, types={"price": "float"})
    with pytest.raises(TableError, match=r"'n' .* should hold a number .* row 2 has 'inf'"):
        read_table(path)


def test_a_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet files need pyarrow: pip install 'autoenc[tables]'")
    (tmp_path / "t.parquet").write_text("id,price\n")
    with pytest.raises(TableError, match="cannot be read as one: ") as caught:
        read_table(tmp_path / "t.parquet")
    assert "\n" not in str(caught.value)
