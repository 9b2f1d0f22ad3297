"""Duplicates as a table or a document, in a file."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

from autoenc.catalog.copies import Duplicates
from autoenc.errors import ArgumentError
from autoenc.outputs import COPY_COLUMNS, check_output, marked_json, write_file
from autoenc.text import shown

FORMATS = (".csv", ".json")


def write_duplicates(
    found: Duplicates, file: str | os.PathLike[str], *, overwrite: bool = False, reading: Iterable[object] = ()
) -> Path:
    r"""Write what `find_duplicates` found to a file, completely or not at all.

    Args:
        found: the duplicates.
        file: a .csv file with a row for each image of a group, the best one first (columns: group, a number from 1;
            id, path, width, height, bytes, likeness, to the best one; exact, missing and worse, true or false, as
            in `Copy`), or a .json file with all that `to_dict` holds.
        overwrite: allow a file that autoenc did not write to be replaced.
        reading: what is read, which is never replaced.

    Raises:
        ArgumentError: another suffix.
        OutputError: as `autoenc.outputs.write_file`.

    Example:
        >>> with autoenc.open_store("store") as store:
        ...     found = autoenc.find_duplicates(store, threshold=0.9)
        >>> autoenc.write_duplicates(found, "copies.csv").read_text()
        'group,id,path,width,height,bytes,likeness,exact,missing,worse\n'
    """
    data = _csv(found) if _suffix(file) == ".csv" else marked_json(found.to_dict())
    return write_file(file, data, overwrite=overwrite, reading=reading)


def check_duplicates_file(
    file: str | os.PathLike[str], *, overwrite: bool = False, reading: Iterable[object] = ()
) -> None:
    """Find out before the work is done, not after it, that the file may be written; raises as `write_duplicates`."""
    _suffix(file)
    check_output(file, overwrite=overwrite, reading=reading)


def _suffix(file: str | os.PathLike[str]) -> str:
    suffix = Path(file).suffix.lower()
    if suffix not in FORMATS:
        raise ArgumentError(f"Duplicates are written to a {' or '.join(FORMATS)} file; got {shown(file)}.")
    return suffix


def _csv(found: Duplicates) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COPY_COLUMNS)
    for number, group in enumerate(found.groups, start=1):
        for copy in group:
            told = copy.to_dict()
            told |= {name: str(told[name]).lower() for name in ("exact", "missing", "worse")}
            rows.writerow([number, *(told[name] for name in COPY_COLUMNS[1:])])
    return text.getvalue().encode()
