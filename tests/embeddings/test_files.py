"""Files of vectors: other programs read them, and what comes back is what was written, bit for bit."""

from __future__ import annotations

import csv
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autoenc.embeddings.header import Header, VectorInfo
from autoenc.embeddings.reading import Batch, open_vectors
from autoenc.embeddings.rows import ROWS, Rows, as_matrix
from autoenc.embeddings.text_files import header_file
from autoenc.embeddings.writing import FORMATS, vector_writer
from autoenc.errors import ArgumentError, VectorFileError
from autoenc.vectors import Vectors

OWN = {"width": 40, "height": 48, "digest": "0123456789abcdef" * 2, "size": 1234, "mtime_ns": 2**60 + 1}
HEADER = Header("/photos", {"learned": VectorInfo(3, "f00d", 1, 32, "clothing-32"), "a+pca2": VectorInfo(2, "x", 1)})
TINY = np.array([[0.1, -2.5, 1e-9], [3.0, 0.0, 7.25]], np.float32)
PATHS = ['with "quotes", commas\nand a line.jpg', "a\rreturn.jpg"]
LABELS = ["shoe", None]


@pytest.fixture(params=FORMATS)
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == ".parquet":
        pytest.importorskip("pyarrow", reason="Parquet needs pyarrow: pip install 'autoenc[tables]'")
    return str(request.param)


def rows(paths: list[str], learned: Vectors, labels: list[str | None] | None = None) -> Rows:
    return Rows(paths, labels, [OWN] * len(paths), {"learned": learned, "a+pca2": learned[:, 1:]})


def written(path: Path, *parts: Rows) -> Path:
    with vector_writer(path, HEADER, labels=parts[0].labels is not None) as writer:
        for part in parts:
            writer.add(part)
    return path


def read(path: Path) -> tuple[list[Any], list[str | None], dict[str, Vectors], list[Batch]]:
    batches = list(open_vectors(path).batches())
    return (
        [key for batch in batches for key in batch.keys],
        [label for batch in batches for label in batch.labels],
        {name: np.concatenate([batch.vectors[name][0] for batch in batches]) for name in batches[0].vectors},
        batches,
    )


# ---- what was written comes back ----------------------------------------------------------------


def test_what_is_written_comes_back(kind: str, tmp_path: Path) -> None:
    file = written(tmp_path / f"v{kind}", rows(PATHS, TINY, LABELS))
    opened = open_vectors(file)
    assert (opened.header, opened.key, opened.dims) == (HEADER, "path", {"learned": 3, "a+pca2": 2})
    assert list(opened.keys()) == PATHS
    keys, labels, vectors, batches = read(file)
    assert (keys, labels) == (PATHS, LABELS)
    assert [own for batch in batches for own in batch.own] == [OWN, OWN]
    assert vectors["learned"].tobytes() == TINY.tobytes()
    assert vectors["a+pca2"].tobytes() == TINY[:, 1:].tobytes()
    assert not any(wrong for batch in batches for _, wrong in batch.vectors.values())


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays(np.float32, (4, 3), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_every_float32_comes_back_bit_for_bit(kind: str, tmp_path: Path, learned: Vectors) -> None:
    _, _, vectors, _ = read(written(tmp_path / f"v{kind}", rows(list("abcd"), learned)))
    assert vectors["learned"].tobytes() == learned.tobytes()


def test_many_rows_come_in_parts_and_in_order(kind: str, tmp_path: Path) -> None:
    count = ROWS + 3
    many = np.arange(count * 3, dtype=np.float32).reshape(count, 3)
    paths = [f"{number}.jpg" for number in range(count)]
    file = written(tmp_path / f"v{kind}", rows(paths[:5], many[:5]), rows(paths[5:], many[5:]))
    keys, _, vectors, batches = read(file)
    assert keys == paths
    assert np.array_equal(vectors["learned"], many)
    assert [batch.first for batch in batches][:2] == [1, 1 + len(batches[0].keys)]
    assert max(len(batch.keys) for batch in batches) <= ROWS


def test_a_file_appears_when_it_is_complete(kind: str, tmp_path: Path) -> None:
    file = written(tmp_path / f"v{kind}", rows(["old"], TINY[:1]))
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}

    def stopped() -> None:
        with vector_writer(file, HEADER, labels=False) as writer:
            writer.add(rows(["new"], TINY[:1]))
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        stopped()
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


# ---- other programs read it ---------------------------------------------------------------------


def test_numpy_reads_the_npz_file_without_objects(tmp_path: Path) -> None:
    with np.load(written(tmp_path / "v.npz", rows(PATHS, TINY, LABELS)), allow_pickle=False) as found:
        assert found["path"].tolist() == PATHS
        assert found["label"].tolist() == ["shoe", ""]
        assert found["mtime_ns"].tolist() == [2**60 + 1] * 2
        assert np.array_equal(found["learned"], TINY)
        assert found["learned"].dtype == np.float32
        assert json.loads(str(found["autoenc"]))["vectors"]["learned"]["fingerprint"] == "f00d"


def test_arrow_reads_the_parquet_file_as_fixed_size_lists(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow: pip install 'autoenc[tables]'")
    import pyarrow.parquet as pq

    table = pq.read_table(written(tmp_path / "v.parquet", rows(PATHS, TINY, LABELS)))
    assert table.schema.field("learned").type == pa.list_(pa.float32(), 3)
    assert table.column("label").to_pylist() == LABELS
    assert np.array_equal(table.column("learned").combine_chunks().flatten().to_numpy().reshape(2, 3), TINY)
    assert json.loads(table.schema.metadata[b"autoenc"])["root"] == "/photos"


def test_csv_and_json_lines_are_plain_text(tmp_path: Path) -> None:
    with written(tmp_path / "v.csv", rows(PATHS, TINY, LABELS)).open(newline="") as file:
        first, second = csv.DictReader(file)
    assert json.loads(first["learned"]) == [0.1, -2.5, 1e-9]
    assert (first["path"], first["label"], second["path"], second["label"]) == (PATHS[0], "shoe", PATHS[1], "")
    lines = written(tmp_path / "v.jsonl", rows(PATHS, TINY, LABELS)).read_text().splitlines()
    assert [json.loads(line)["learned"] for line in lines] == [[0.1, -2.5, 1e-9], [3.0, 0.0, 7.25]]
    assert json.loads(lines[1])["label"] is None
    assert json.loads(header_file(tmp_path / "v.csv").read_text())["vectors"]["learned"]["dim"] == 3


def test_a_vector_too_long_for_a_csv_cell_is_refused(tmp_path: Path) -> None:
    header = Header(None, {"wide": VectorInfo(8001, "x", 1)})
    with pytest.raises(ArgumentError, match=r"8,000 numbers at most; a vector of 'wide' has 8,001"):
        vector_writer(tmp_path / "v.csv", header, labels=False).__enter__()


# ---- files made elsewhere -----------------------------------------------------------------------


def elsewhere(folder: Path, kind: str) -> Path:
    """Three images by id, with a vector each: the second holds NaN."""
    file = folder / f"clip{kind}"
    vectors = [[1.0, 2.0], [float("nan"), 1.0], [0.5, 0.25]]
    if kind == ".npz":
        np.savez_compressed(file, id=np.array(["a", "b", "c"]), clip=np.array(vectors), note=np.array(3))
    elif kind == ".csv":
        lines = [f'{id},"{json.dumps(vector)}",red' for id, vector in zip("abc", vectors, strict=True)]
        file.write_text("\n".join(["id,clip,color", *lines]))
    elif kind == ".jsonl":
        rows = [{"id": id, "clip": vector, "color": "red"} for id, vector in zip("abc", vectors, strict=True)]
        file.write_text("\n".join(map(json.dumps, rows)))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"id": list("abc"), "clip": vectors, "color": ["red"] * 3}), file)
    return file


def test_a_file_made_elsewhere_needs_an_id_and_vectors(kind: str, tmp_path: Path) -> None:
    opened = open_vectors(elsewhere(tmp_path, kind))
    assert (opened.header, opened.key, opened.dims) == (None, "id", {"clip": 2})
    assert opened.unread == (["note"] if kind == ".npz" else ["color"])
    (batch,) = opened.batches()
    matrix, wrong = batch.vectors["clip"]
    assert (batch.keys, wrong) == (["a", "b", "c"], {1: "NaN or infinity"})
    assert matrix.tolist() == [[1, 2], [0, 0], [0.5, 0.25]]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ([1, 2], ""),
        ([1], "1 number, where 2 are expected"),
        (None, "nothing"),
        ("1,2", "no list of numbers"),
        (["1", "2"], "no list of numbers"),
        ([None, None], "NaN or infinity"),
        ([1e39, 0], "NaN or infinity"),
        ([10**400, 0], "no list of numbers"),
        ([True, 2], "no list of numbers"),
    ],
)
def test_what_is_no_vector_is_told(cell: object, reason: str) -> None:
    matrix, wrong = as_matrix([cell], 2)
    assert wrong == ({0: reason} if reason else {})
    assert matrix.tolist() == ([[1, 2]] if not reason else [[0, 0]])


# ---- what is refused ----------------------------------------------------------------------------


class Boom:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("name", ["v.pkl", "v.npz", "objects.npz", "objects.npy", "torch.npz"])
def test_a_pickle_is_never_read_and_how_to_convert_it_is_said(name: str, tmp_path: Path) -> None:
    file, trap = tmp_path / name, tmp_path / "ran"
    objects = np.array([Boom(trap)], object)
    if name == "torch.npz":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(Boom(trap)))
    elif name == "objects.npz":
        np.savez(file, path=np.array(["a"]), clip=objects)
    elif name == "objects.npy":
        np.save(file, objects)
    else:
        file.write_bytes(pickle.dumps(Boom(trap)))
    expected = "without the names of the images" if name.endswith(".npy") else "(is a pickle|holds Python objects)"
    with pytest.raises(VectorFileError, match=expected) as raised:
        open_vectors(file)
    assert "numpy.savez('vectors.npz', path=numpy.array(paths, str)" in str(raised.value)
    assert not trap.exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("v.csv", "id,color\n1,red\n", "no column of vectors"),
        ("v.csv", 'who,clip\na,"[1, 2]"\n', "no column that names the image of each row"),
        ("v.csv", "", "no column that names"),
        ("v.csv", "id,id\n", "two of its columns have one name"),
        ("v.jsonl", "[1, 2]\n", "its first line is no JSON object"),
        ("v.jsonl", '{"id": "a", "clip": []}\n', "no vector in the first rows of column 'clip'"),
        ("v.npz", "PK", "cannot be read as one"),
        ("v.jsonl", "\xff", "no JSON object"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(name: str, content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(VectorFileError, match=said):
        open_vectors(tmp_path / name)


def test_a_file_of_no_known_format_is_named(tmp_path: Path) -> None:
    (tmp_path / "v.h5").touch()
    with pytest.raises(ArgumentError, match=r"\.parquet, \.npz, \.csv or \.jsonl file; got .*v\.h5"):
        open_vectors(tmp_path / "v.h5")
    with pytest.raises(VectorFileError, match="No such file"):
        open_vectors(tmp_path / "v.npz")


def test_an_array_that_is_cut_off_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "v.npz", "w") as archive:
        for name, dtype, shape in (("id", "<U1", (9,)), ("clip", "<f4", (9, 10**4))):
            with archive.open(f"{name}.npy", "w") as member:
                described = {"descr": dtype, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(member, described)  # type: ignore[arg-type]
                member.write(b"\0" * 99)
    with pytest.raises(VectorFileError, match="it is cut off"):
        open_vectors(tmp_path / "v.npz")


def test_a_json_file_of_another_program_beside_the_file_is_passed_over(tmp_path: Path) -> None:
    for kind in (".csv", ".jsonl"):
        file = elsewhere(tmp_path, kind)
        header_file(file).write_text('{"model": "clip"}')
        assert open_vectors(file).header is None


def test_an_npz_array_with_other_rows_than_the_names_is_told(tmp_path: Path) -> None:
    for first in ("clip", "centroids"):
        arrays = {"centroids": np.eye(5, 8), "clip": np.eye(3, 8), "dino": np.eye(2, 8), "price": np.ones(3)}
        order = {first: arrays.pop(first), **arrays}
        np.savez(tmp_path / "v.npz", **order, path=np.array(list("abc")))
        opened = open_vectors(tmp_path / "v.npz")
        assert (opened.key, opened.dims) == ("path", {"clip": 8})
        assert set(opened.unread) == {"centroids", "dino", "price"}


def with_header(file: Path, header: bytes) -> Path:
    """An npz file with an array `clip` of this npy header."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("clip.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 99)
    return file


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"{'descr': ((", "the header of its array 'clip' is damaged"),
        (b"{[]: 1}", "the header of its array 'clip' is damaged"),
        (b"-" * 20_000 + b"1", "cannot be read as one"),
        (b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, -5)}", "negative length"),
        (b"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 5)}", "negative length"),
    ],
)
def test_a_damaged_array_header_is_one_sentence(header: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(VectorFileError, match=said):
        open_vectors(with_header(tmp_path / "v.npz", header))


@pytest.mark.parametrize("kind", [zipfile.ZIP_LZMA, 99])
def test_a_compression_that_numpy_never_uses_is_refused(kind: int, tmp_path: Path) -> None:
    file = elsewhere(tmp_path, ".npz")
    marked = bytearray(file.read_bytes())
    for at in range(len(marked)):
        if marked[at : at + 4] == b"PK\x01\x02":
            marked[at + 10] = kind
    file.write_bytes(marked)
    with pytest.raises(VectorFileError, match="is compressed as numpy never does it"):
        open_vectors(file)


def test_an_encrypted_npz_file_is_refused(tmp_path: Path) -> None:
    file = elsewhere(tmp_path, ".npz")
    marked = bytearray(file.read_bytes())
    for at in range(len(marked)):
        if marked[at : at + 4] in (b"PK\x01\x02", b"PK\x03\x04"):
            marked[at + (8 if marked[at + 2] == 1 else 6)] |= 1
    file.write_bytes(marked)
    with pytest.raises(VectorFileError, match="encrypted"):
        open_vectors(file)


def test_damaged_compressed_data_is_one_sentence(tmp_path: Path) -> None:
    file = elsewhere(tmp_path, ".npz")
    with zipfile.ZipFile(file) as archive:
        (name, extra) = file.read_bytes()[26:28], file.read_bytes()[28:30]
        start = 30 + int.from_bytes(name, "little") + int.from_bytes(extra, "little")
        assert archive.infolist()[0].compress_type == zipfile.ZIP_DEFLATED
    marked = bytearray(file.read_bytes())
    marked[start] = 0xFF
    file.write_bytes(marked)
    with pytest.raises(VectorFileError, match="cannot be read as one"):
        open_vectors(file)


def test_two_columns_of_one_name_are_refused_in_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow: pip install 'autoenc[tables]'")
    import pyarrow.parquet as pq

    pq.write_table(pa.table([["a"], ["b"], [[1.0]]], names=["id", "id", "clip"]), tmp_path / "v.parquet")
    with pytest.raises(VectorFileError, match="two of its columns have one name"):
        open_vectors(tmp_path / "v.parquet")


@pytest.mark.parametrize("size", ["Infinity", "-1", str(2**63)])
def test_a_size_that_no_file_has_is_left_out(size: str, tmp_path: Path) -> None:
    file = written(tmp_path / "v.jsonl", rows(["a"], TINY[:1]))
    file.write_text(file.read_text().replace('"size": 1234', f'"size": {size}'))
    (batch,) = open_vectors(file).batches()
    assert batch.own == [{}]


@pytest.mark.parametrize("dim", [-5, 0, 10**12])
def test_a_header_with_an_impossible_length_is_refused(dim: int) -> None:
    with pytest.raises(ValueError, match="dim is a whole number from 1 to 65,535"):
        Header.from_text(Header(None, {"a": VectorInfo(dim, "x", 1)}).to_text())


@pytest.mark.parametrize(
    "text",
    [
        '["written_by"]',
        '{"written_by": "autoenc"}',
        '{"written_by": "autoenc", "format": 1, "root": "rel", "vectors": {}}',
        '{"written_by": "autoenc", "format": 1, "root": null, "vectors": {"a": {}}}',
        '{"written_by": ',
    ],
)
def test_a_header_that_says_nonsense_is_refused(text: str, tmp_path: Path) -> None:
    file = elsewhere(tmp_path, ".csv")
    header_file(file).write_text(text)
    with pytest.raises(VectorFileError, match=r"What .*clip\.csv\.json says about the vectors cannot be read"):
        open_vectors(file)
    with pytest.raises(ValueError, match=r"."):
        Header.from_text(text)


def test_a_row_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    for dtype, shape in (("<U100000000", (9,)), ("<f4", (9, 10**9))):
        with zipfile.ZipFile(tmp_path / "v.npz", "w") as archive, archive.open("clip.npy", "w") as member:
            described = {"descr": dtype, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(member, described)  # type: ignore[arg-type]
        with pytest.raises(VectorFileError, match="a row of its array 'clip' is too large"):
            open_vectors(tmp_path / "v.npz")
