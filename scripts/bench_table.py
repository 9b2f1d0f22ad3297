"""Benchmark of joining a table to images: prints one JSON document.

The table has the ten columns of the Fashion Product Images, and a price and a date; one name in a thousand has a comma
in it, without quotes. Target for 1,000,000 rows: 10 CPU seconds and 500 MB. Only the calls are timed, and the paths of
the images are made one after the other, because indexing has them anyway.

    python scripts/bench_table.py --rows 1000000
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from autoenc.catalog.joining import Join
from autoenc.catalog.metadata import Metadata

TARGET = {"cpu_seconds": 10, "mb": 500}
HEADER = (
    "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,price,added,productDisplayName\n"
)
COLORS = ("Black", "White", "Blue", "Navy Blue", "Red", "Green", "Grey", "Brown", "Pink", "Silver")
TYPES = ("Shirts", "Jeans", "Watches", "Tops", "Handbags", "Heels", "Sandals", "Kurtas")
STRAY = 1000


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table (default: %(default)s)")
    parser.add_argument("--parquet", action="store_true", help="a Parquet file of the same rows; needs pyarrow")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.csv"
        with file.open("w", encoding="utf-8") as lines:
            lines.write(HEADER)
            lines.writelines(rows(options.rows))
        if options.parquet:
            file = as_parquet(file)
        print(json.dumps(measure(file, options.rows), indent=2))


def rows(count: int) -> Iterator[str]:
    """The lines of the table, in an order that no index could guess."""
    for number in range(count):
        id = number * 7919 % count
        color, type = COLORS[id % len(COLORS)], TYPES[id // 3 % len(TYPES)]
        stray = "," if id % STRAY == 0 else ""
        yield (
            f"{id},{('Men', 'Women', 'Kids')[id % 3]},Apparel,Topwear,{type},{color},"
            f"{('Fall', 'Summer', 'Winter', 'Spring')[id % 4]},{2010 + id % 15},Casual,{5 + id % 20_000 / 100:.2f},"
            f"2026-{1 + id % 12:02}-{1 + id % 28:02},Maker {id % 997}{stray} {color} {type} model {id}\n"
        )


def as_parquet(file: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from autoenc.tables.table import read_table

    table = read_table(file)
    columns = {name: [column.value(row) for row in range(len(table))] for name, column in table.columns.items()}
    pq.write_table(pa.table(columns), file.with_suffix(".parquet"))
    return file.with_suffix(".parquet")


def measure(file: Path, count: int) -> dict[str, object]:
    """Read the table, join it to as many images, and look up the fields of 10,000 of them."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now
    before, start, wall = peak_mb(), time.process_time(), time.perf_counter()
    join = Join(Metadata(file), None)
    read = time.process_time() - start
    report = join.report(f"shop/{number % 100}/{number}.jpg" for number in range(count))
    seconds = time.process_time() - start
    wall = time.perf_counter() - wall
    mb = peak_mb() - before
    start = time.process_time()
    some = range(0, count, max(1, count // 10_000))
    changed = sum(bool(join.change(f"shop/{number}.jpg", {})) for number in some)
    lookup = time.process_time() - start
    return {
        "file": file.suffix,
        "rows": report.rows,
        "mended": len(report.mended),
        "joined": report.joined,
        "kinds": report.columns,
        "cpu_seconds": {"read": round(read, 2), "read_and_join": round(seconds, 2)},
        "wall_seconds": round(wall, 2),
        "mb": round(mb),
        "microseconds_per_image_looked_up": round(lookup / changed * 1e6, 1),
        "target": TARGET,
        "met": seconds < TARGET["cpu_seconds"] and mb < TARGET["mb"],
    }


def peak_mb() -> float:
    """The most memory that this process has had in RAM, in units of 10^6 bytes (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024 / 1e6


if __name__ == "__main__":
    main()
