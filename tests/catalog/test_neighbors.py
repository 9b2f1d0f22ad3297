"""The neighbors of every image: as an iterator, and as a file that a killed run leaves ready to be continued."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autoenc import Neighbor, Query, Searcher, index_images, measure_scales, neighbors, open_store, write_neighbors
from autoenc.catalog import neighbor_files
from autoenc.catalog.listing import Asked, Listing, comparable
from autoenc.catalog.neighbors import Neighborhood, search_all
from autoenc.errors import ArgumentError, MissingDependencyError, OutputError, StoreMismatchError, UnknownFieldError
from autoenc.outputs import carries_mark
from autoenc.store import Store, VectorSpec, point_id
from autoenc.vectors import unit_rows

COUNT = 23
ROWS = np.random.default_rng(1).normal(size=(COUNT, 5)).astype(np.float32)


def fill(store: Store) -> Store:
    """Points of a source at /shop, and one of another program's that has no path."""
    store.add_vectors({"paint": VectorSpec(5, "p", 1), "ink": VectorSpec(5, "i", 1)})
    store.add_source("shop", "/shop")
    payloads = [{"_autoenc": {"source": "shop", "path": f"a, {number}.jpg"}} for number in range(COUNT - 1)]
    store.upsert([point_id("shop", str(number)) for number in range(COUNT)], {"paint": ROWS}, [*payloads, {}])
    return store


@pytest.fixture
def store() -> Store:
    return fill(open_store(":memory:"))


def expected(k: int) -> dict[str, list[tuple[str, str, float]]]:
    """Path of an image -> its neighbors, by NumPy."""
    paths = [f"/shop/a, {number}.jpg" for number in range(COUNT - 1)] + [""]
    cosines = unit_rows(ROWS) @ unit_rows(ROWS).T
    np.fill_diagonal(cosines, -2)
    order = np.argsort(-cosines, axis=1)[:, :k]
    return {
        paths[row]: [(point_id("shop", str(near)), paths[near], float(cosines[row, near])) for near in order[row]]
        for row in range(COUNT)
    }


@pytest.mark.usefixtures("way")
def test_every_image_with_its_neighbors(store: Store) -> None:
    found = list(neighbors(store, k=4, using="paint"))
    assert [each.id for each in found] == sorted(each.id for each in found)
    assert len(found) == COUNT
    for each in found:
        near = expected(4)[each.path or ""]
        assert each.ids == tuple(id for id, _, _ in near)
        assert each.paths == tuple(path or None for _, path, _ in near)
        assert each.scores == pytest.approx([score for _, _, score in near], abs=1e-6)


@pytest.mark.usefixtures("way")
def test_an_image_with_copies_is_still_left_out_of_its_own_neighbors(store: Store) -> None:
    ids = [point_id("copy", str(number)) for number in range(30)]
    store.upsert(ids, {"ink": np.ones((30, 5), np.float32)}, [{}] * 30)
    for each in neighbors(store, k=5, using="ink"):
        assert len(each.ids) == 5
        assert each.id not in each.ids


@pytest.mark.usefixtures("way")
def test_fewer_images_than_neighbors(store: Store) -> None:
    assert {len(each.ids) for each in neighbors(store, k=100, using="paint")} == {COUNT - 1}
    assert list(neighbors(store, using="ink")) == []


def test_what_is_asked_is_checked_before_anything_is_read(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="k= must be"):
        neighbors(store, k=0)
    with pytest.raises(ArgumentError, match="found by their looks; name an encoder with using="):
        neighbors(store, using="none")
    with pytest.raises(UnknownFieldError, match="no filterable field 'brand'"):
        neighbors(store, using="paint", group_by="brand")
    with pytest.raises(UnknownFieldError, match="no filterable field 'brand'"):
        write_neighbors(store, tmp_path / "n.csv", using="paint", where="brand = Nike")
    with pytest.raises(StoreMismatchError, match="holds no vectors of encoder 'water'"):
        neighbors(store, using="water")
    with pytest.raises(ArgumentError, match="Expected an open store"):
        write_neighbors("store", tmp_path / "n.csv")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"a \.csv, \.jsonl or \.parquet file; got .*n\.txt"):
        write_neighbors(store, tmp_path / "n.txt")
    with pytest.raises(OutputError, match="a folder that exists"):
        write_neighbors(store, tmp_path / "none" / "n.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module", params=["memory", "folder"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """120 images of 30 products of uneven size, a few without a product, every tenth without a vector of `ink`."""
    generator = np.random.default_rng(2)
    place = ":memory:" if request.param == "memory" else tmp_path_factory.mktemp("shop") / "s"
    with open_store(place, create=True) as store:
        store.add_vectors({"paint": VectorSpec(5, "p", 1), "ink": VectorSpec(5, "i", 1)})
        store.add_fields({"sku": "keyword", "price": "float"})
        store.set_product("sku")
        for number in range(120):
            names = ("paint",) if number % 10 == 0 else ("paint", "ink")
            fields = {"price": float(number), **({} if number % 17 == 0 else {"sku": f"p{int(number**0.7)}"})}
            rows = {name: generator.normal(size=(1, 5)).astype(np.float32) for name in names}
            store.upsert([point_id("s", str(number))], rows, [fields])
        measure_scales(store)
        yield store


@pytest.mark.parametrize(
    ("using", "compared"), [("paint", True), ("paint", False), ("paint=.5", True), ("paint=1,ink=.5", True)]
)
@pytest.mark.parametrize("where", [None, "price < 40", "price < 1 or sku = p3"])
@pytest.mark.parametrize("group_by", [None, "product"])
def test_neighbors_are_what_a_query_by_each_image_finds(
    shop: Store, monkeypatch: pytest.MonkeyPatch, using: str, compared: bool, where: str | None, group_by: str | None
) -> None:
    if not compared:
        monkeypatch.setattr("autoenc.catalog.listing.COMPARED", 0)
    monkeypatch.setattr("autoenc.catalog.neighbors.POOL", 8)  # so that a first search finds too few products
    found = list(neighbors(shop, k=6, using=using, where=where, group_by=group_by))
    assert len(found) == (108 if "ink" in using else 120)
    searcher = Searcher(shop, using=using)
    for each in found[::20]:
        own = shop.retrieve([each.id])[0].payload.get("sku")
        wanted = searcher.find(Query(id=each.id, k=119, where=where))
        if group_by:  # the best of each product but its own
            skus: dict[str, Neighbor] = {}
            for near in wanted:
                skus.setdefault(near.payload.get("sku", near.id), near)
            wanted = [near for sku, near in skus.items() if sku != own]
        assert each.scores == pytest.approx([near.score for near in wanted[:6]], abs=1e-5)
        assert each.ids == tuple(near.id for near in wanted[:6])


@pytest.mark.usefixtures("way")
def test_a_filter_that_nothing_matches_leaves_no_neighbors(shop: Store) -> None:
    assert [len(each.ids) for each in neighbors(shop, using="paint", where="price < 0")] == [0] * 120


# ---- files ------------------------------------------------------------------------------------


def read(file: Path) -> dict[str, list[tuple[str, str, float]]]:
    """The same as `expected`, from a file."""
    if file.suffix == ".jsonl":
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        return {
            line["path"] or "": [(near["id"], near["path"] or "", near["score"]) for near in line["neighbors"]]
            for line in lines
        }
    if file.suffix == ".csv":
        with file.open(newline="") as opened:
            rows = list(csv.DictReader(opened))
    else:
        rows = pytest.importorskip("pyarrow.parquet").read_table(file).to_pylist()
    found: dict[str, list[tuple[str, str, float]]] = {}
    for row in rows:
        near = found.setdefault(row["path"] or "", [])
        near.append((row["neighbor_id"], row["neighbor_path"] or "", float(row["score"])))
        assert int(row["rank"]) == len(near)
    return found


def same(found: dict[str, list[tuple[str, str, float]]], k: int) -> bool:
    assert found.keys() == expected(k).keys()
    for path, near in expected(k).items():
        assert [row[:2] for row in found[path]] == [row[:2] for row in near]
        assert [row[2] for row in found[path]] == pytest.approx([row[2] for row in near], abs=2e-6)
    return True


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("part", [4, 23, 100])
def test_a_file_holds_what_the_iterator_yields(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, part: int
) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="Parquet needs pyarrow: pip install 'autoenc[tables]'")
    monkeypatch.setattr(neighbor_files, "PART", part)
    report = write_neighbors(store, tmp_path / f"n{suffix}", k=3, using="paint")
    assert (report.using, report.images, report.lacking, report.resumed) == ("paint", COUNT, 0, 0)
    assert same(read(report.file), 3)
    assert [path.name for path in tmp_path.iterdir()] == [f"n{suffix}"]
    assert carries_mark(report.file)
    write_neighbors(store, report.file, k=2, using="paint")  # its own file is replaced
    assert same(read(report.file), 2)


def test_a_store_without_such_vectors_gives_a_file_without_rows(store: Store, tmp_path: Path) -> None:
    report = write_neighbors(store, tmp_path / "n.csv", using="ink")
    assert (report.images, report.lacking) == (0, COUNT)
    assert report.file.read_text() == "id,path,rank,neighbor_id,neighbor_path,score\n"


def test_a_file_of_someone_elses_stays(store: Store, tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("id,path\n")
    with pytest.raises(OutputError, match="did not write"):
        write_neighbors(store, tmp_path / "n.csv", using="paint")
    write_neighbors(store, tmp_path / "n.csv", using="paint", overwrite=True)
    (tmp_path / ".m.csv.neighbors").mkdir()
    (tmp_path / ".m.csv.neighbors" / "thesis.txt").write_text("x")
    with pytest.raises(OutputError, match="something is there that autoenc did not write"):
        write_neighbors(store, tmp_path / "m.csv", using="paint")
    assert (tmp_path / ".m.csv.neighbors" / "thesis.txt").read_text() == "x"


def test_parquet_without_pyarrow_is_one_sentence(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'autoenc\[tables\]'"):
        write_neighbors(store, tmp_path / "n.parquet", using="paint")


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_what_is_indexed_meanwhile_has_no_neighbors_yet(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    def late(*args: object) -> Iterator[Neighborhood]:
        store.upsert([point_id("shop", "late")], {"paint": ROWS[:1], "ink": ROWS[:1]}, [{}])
        return search_all(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(neighbor_files, "search_all", late)
    report = write_neighbors(store, tmp_path / f"n{suffix}", k=3, using="paint")
    assert (report.images, report.lacking, len(store)) == (COUNT, 0, COUNT + 1)
    assert len(read(report.file)) == COUNT


def test_names_that_are_not_utf8_are_escaped(tmp_path: Path) -> None:
    with open_store(":memory:") as store:
        store.add_vector("paint", VectorSpec(2, "p", 1))
        store.add_source("shop", "/shop")
        own = {"source": "shop", "path": "caf\udce9\r\n.jpg"}
        store.upsert([point_id("s", str(n)) for n in range(2)], {"paint": np.eye(2)}, [{"_autoenc": own}] * 2)
        report = write_neighbors(store, tmp_path / "n.csv")
    with report.file.open(newline="") as opened:
        assert {row["path"] for row in csv.DictReader(opened)} == {"/shop/caf\\xe9\r\n.jpg"}


# ---- stopped runs -----------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from autoenc import open_store, write_neighbors
from autoenc.catalog import neighbor_files
from autoenc.catalog.listing import Asked, Listing

moment, store, file = int(sys.argv[1]), *sys.argv[2:]
done = 0
def counting(function):
    def counted(*args, **options):
        global done
        if done == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1
        return function(*args, **options)
    return counted

neighbor_files.PART = 4
for name in ("replace_file", "replacing", "remove_folder", "search_all"):
    setattr(neighbor_files, name, counting(getattr(neighbor_files, name)))
with open_store(store) as opened:
    write_neighbors(opened, file, k=3, using="paint")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with open_store(tmp_path / "s", create=True) as made:
        fill(made)
    return tmp_path


def killed(moment: int, folder: Path) -> None:
    """A run that ends by SIGKILL at one of the 15 moments at which it writes: a state, 6 parts, a file and its end."""
    command = [sys.executable, "-c", KILLED, str(moment), str(folder / "s"), str(folder / "n.csv")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL


@pytest.mark.parametrize("moment", [0, 1, 2, 5, 8, 11, 12, 13, 14])
def test_a_run_that_was_killed_is_continued(folder: Path, monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    killed(moment, folder)
    assert (folder / "n.csv").exists() == (moment == 14)
    monkeypatch.setattr(neighbor_files, "PART", 4)
    with open_store(folder / "s") as store:
        report = write_neighbors(store, folder / "n.csv", k=3, using="paint")
    assert report.resumed == min(COUNT, 4 * max(0, (moment - 1) // 2))
    assert same(read(report.file), 3)
    assert sorted(path.name for path in folder.iterdir()) == ["n.csv", "s"]


@pytest.mark.parametrize("change", ["vectors", "root", "state"])
def test_what_changed_meanwhile_is_begun_anew(folder: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    killed(8, folder)
    monkeypatch.setattr(neighbor_files, "PART", 4)
    with open_store(folder / "s") as store:
        if change == "vectors":
            store.update_vectors([point_id("shop", "7")], {"paint": ROWS[7:8] + 1})
        if change == "root":
            store.add_source("shop", "/moved")
        if change == "state":
            (folder / ".n.csv.neighbors" / "state.json").write_text("[" * 200_000)
        report = write_neighbors(store, folder / "n.csv", k=3, using="paint")
        assert report.resumed == 0
        if change == "root":
            assert all(path.startswith("/moved/") for path in read(report.file) if path)
        if change == "state":
            assert same(read(report.file), 3)


def test_other_settings_do_not_touch_an_unfinished_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(8, folder)
    monkeypatch.setattr(neighbor_files, "PART", 4)
    with open_store(folder / "s") as store:
        with pytest.raises(OutputError, match=r"a run with other settings is unfinished there \(k 3\)"):
            write_neighbors(store, folder / "n.csv", k=2, using="paint")
        store.add_fields({"brand": "keyword"})
        with pytest.raises(OutputError, match=r"\(where None\)"):
            write_neighbors(store, folder / "n.csv", k=3, using="paint", where="brand = Nike")
        assert write_neighbors(store, folder / "n.csv", k=3, using="paint").resumed == 12
    (folder / "n.csv").unlink()
    killed(8, folder)
    with open_store(folder / "s") as store:
        report = write_neighbors(store, folder / "n.csv", k=2, using="paint", overwrite=True)
    assert report.resumed == 0
    assert same(read(report.file), 2)


def test_short_vectors_take_as_long_to_compare_as_those_of_32(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(":memory:") as store:
        store.add_vectors({"short": VectorSpec(2, "s", 1), "long": VectorSpec(64, "l", 1)})
        rows = {"short": np.eye(2)[[0, 1, 0, 1]], "long": np.eye(64)[:4]}
        store.upsert([point_id("s", str(n)) for n in range(4)], rows, [{}] * 4)
        for numbers, names in ((127, set()), (128, {"short"}), (255, {"short"}), (256, {"short", "long"})):
            monkeypatch.setattr("autoenc.catalog.listing.COMPARED", numbers)
            assert {name for name in ("short", "long") if comparable(store, name)} == names


def test_a_field_that_counts_and_changed_begins_a_run_anew(store: Store) -> None:
    store.add_fields({"brand": "keyword"})
    id = point_id("shop", "7")

    def digests() -> list[str]:
        asked = [Asked.of(store, 3, "paint", **more) for more in ({}, {"group_by": "brand"}, {"where": "brand = Nike"})]
        return [Listing.of(each, lambda *told: None).digest for each in asked]

    before = digests()
    store.set_payload(id, {"brand": "Nike"})
    assert [new == old for new, old in zip(digests(), before, strict=True)] == [True, False, False]


def test_images_of_a_folder(picture_folder: Path, tmp_path: Path) -> None:
    index_images(picture_folder, tmp_path / "s", encoders=["color"], progress=False)
    with open_store(tmp_path / "s") as store:
        report = write_neighbors(store, tmp_path / "n.jsonl", k=1)
        with pytest.raises(OutputError, match="where images are read"):
            write_neighbors(store, picture_folder / "n.jsonl")
    assert {str(path) for path in picture_folder.glob("*/*.png")} == set(read(report.file))
