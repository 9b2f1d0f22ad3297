"""Contact sheets, looked at pixel by pixel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoenc.catalog.answers import Neighbor
from autoenc.errors import ArgumentError
from autoenc.files import digest_of
from autoenc.images.files import load_thumbnail
from autoenc.images.limits import MAX_PIXELS
from autoenc.report.sheets import (
    MAX_NEIGHBORS,
    PAPER,
    QUERY,
    Tile,
    contact_sheet,
    elide,
    font,
    name_of,
    plan,
    query_sheet,
    tile_of,
)

BLANK = (240, 241, 244)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for path in paths:
        Image.fromarray(rng.integers(0, 255, (40, 60, 3), dtype=np.uint8)).save(path)
    return paths


def _tile(sheet: Image.Image, place: tuple[int, int], size: int) -> np.ndarray:
    x, y = place
    return np.asarray(sheet)[y : y + size, x : x + size]


def found(path: Path, score: float) -> Neighbor:
    """A neighbor, as a search of an indexed folder returns it."""
    digest = digest_of(path.read_bytes()) if path.exists() else "0" * 32
    return Neighbor(1, "id", score, path, {"_autoenc": {"digest": digest}})


def search_sheet(query: object, *neighbors: Neighbor, **options: object) -> Image.Image:
    return query_sheet(query, neighbors, **options)  # type: ignore[arg-type]


def test_tiles_are_the_thumbnails_in_the_order_given(pictures: list[Path]) -> None:
    sheet, layout = search_sheet(pictures[0], found(pictures[2], 0.9), found(pictures[1], 0.8), tile=64), plan(tile=64)
    for column, path in enumerate((0, 2, 1)):
        assert np.array_equal(_tile(sheet, layout.place(column), 64), load_thumbnail(pictures[path], 64)), column


def test_the_sheet_is_as_large_as_its_tiles_margins_and_captions_need(pictures: list[Path]) -> None:
    two = [found(pictures[1], 1.0), found(pictures[2], 1.0)]
    sheet = search_sheet(pictures[0], *two, tile=64)
    # across: margin 20, then query, 2 gaps of 18, two tiles with a gap, each with borders of 4 in the gaps; margin 20
    assert sheet.width == 20 + 4 + 64 + 18 + 18 + 64 + 18 + 64 + 4 + 20
    assert sheet.height == 20 + 22 + 4 + 64 + 40 + 20
    assert search_sheet(pictures[0], *two, tile=64, using="edges").height == sheet.height + 34


def test_a_border_says_which_is_the_query(pictures: list[Path]) -> None:
    sheet, layout = search_sheet(pictures[0], found(pictures[1], 0.5), tile=64), plan(tile=64)
    rings = []
    for column in range(2):
        x, y = layout.place(column)
        rings.append(
            {sheet.getpixel((x - 3, y + 30)), sheet.getpixel((x + 66, y + 30)), sheet.getpixel((x + 30, y + 66))}
        )
    assert rings == [{QUERY}, {PAPER}]


def test_captions_hold_the_score(pictures: list[Path]) -> None:
    first, second = (search_sheet(pictures[0], found(pictures[1], score)) for score in (0.9131, 0.9119))
    changed = np.argwhere((np.asarray(first) != np.asarray(second)).any(axis=2))
    x, y = plan().place(1)
    assert len(changed), ".913 is not .912"
    assert changed[:, 0].min() >= y + 128
    assert changed[:, 1].min() >= x


def test_a_picture_that_is_gone_is_a_tile_that_says_so(pictures: list[Path]) -> None:
    gone = found(pictures[1], 0.5)
    pictures[1].unlink()
    tile = _tile(search_sheet(pictures[0], gone), plan().place(1), 128)
    assert (tile[:20] == BLANK).all()
    assert (tile[50:80] != BLANK).any(), "the words"


def test_a_file_that_is_not_the_one_that_was_indexed_is_not_shown(pictures: list[Path]) -> None:
    changed = found(pictures[1], 0.5)
    pictures[1].write_bytes(pictures[2].read_bytes())
    tile = _tile(search_sheet(pictures[0], changed), plan().place(1), 128)
    assert (tile[:20] == BLANK).all()


def test_a_stored_query_is_shown_only_if_it_is_the_one_that_was_indexed(pictures: list[Path]) -> None:
    stored = found(pictures[1], 1.0)
    shown = _tile(query_sheet(stored, []), plan().place(0), 128)
    pictures[1].write_bytes(pictures[2].read_bytes())
    changed = _tile(query_sheet(stored, []), plan().place(0), 128)
    assert np.array_equal(shown, load_thumbnail(pictures[2], 128)) is False
    assert (changed[:20] == BLANK).all()


def test_pictures_are_read_after_the_size_of_the_sheet_is_known(pictures: list[Path]) -> None:
    pictures[1].unlink()
    many = [found(pictures[1], 0.5)] * (MAX_NEIGHBORS + 1)
    with pytest.raises(ArgumentError, match="holds 2,000 neighbors at most"):
        query_sheet(pictures[0], many)


def test_a_point_of_another_program_has_its_id_for_a_name(pictures: list[Path]) -> None:
    foreign = Neighbor(1, "4711", 0.5, None, {})
    tile = _tile(search_sheet(pictures[0], foreign), plan().place(1), 128)
    assert (tile[:20] == BLANK).all()


def test_long_names_lose_their_middle_and_keep_both_ends() -> None:
    name = "a-very-long-name-of-a-photo-that-nobody-would-type-0017.jpg"
    short = elide(name, font(12), 120)
    head, tail = short.split("…")
    assert name.startswith(head)
    assert name.endswith(tail)
    assert len(tail) >= 4
    assert font(12).getlength(short) <= 120
    assert elide("short.jpg", font(12), 120) == "short.jpg"
    assert elide("W" * 50, font(12), 3) == "…"


@pytest.mark.parametrize(
    "name", ["ünïcødé-日本語-שלום.jpg", "bad\udcff.jpg", "lone\ud800.jpg", "line\nbreak\t.jpg", "😀.jpg"]
)
def test_any_name_can_be_drawn(pictures: list[Path], name: str) -> None:
    query = Tile(pictures[0], "query")
    sheet = contact_sheet(query, [Tile(pictures[1], name, name)], title=name)
    bare = contact_sheet(query, [Tile(pictures[1])], title=name)
    assert not np.array_equal(np.asarray(sheet), np.asarray(bare))


def test_arrays_and_images_are_pictures_too() -> None:
    pixels = np.full((32, 32, 3), (200, 10, 60), np.uint8)
    sheet = contact_sheet(Tile(pixels), [Tile(Image.fromarray(pixels))])
    for column in (0, 1):
        assert (_tile(sheet, plan().place(column), 128) == (200, 10, 60)).all()


def test_the_sheet_of_a_search_names_what_it_shows(pictures: list[Path]) -> None:
    sheet = search_sheet(pictures[0], found(pictures[2], 0.9), found(pictures[1], 0.25), using="edges")
    tiles = [
        Tile(pictures[at], words, f"{pictures[at].parent.name}/{at}.png") for at, words in ((2, "0.900"), (1, "0.250"))
    ]
    query = Tile(pictures[0], "query", f"{pictures[0].parent.name}/0.png")
    expected = contact_sheet(query, tiles, title="Nearest by edges")
    assert np.array_equal(np.asarray(sheet), np.asarray(expected))


def test_all_images_of_a_query_stand_one_below_the_other_and_are_framed(pictures: list[Path]) -> None:
    asked = [pictures[0], Tile(pictures[3], "unlike"), pictures[1]]
    sheet, layout = query_sheet(asked, [found(pictures[2], 0.9)], tile=64), plan(tile=64)
    for row, path in enumerate((0, 3, 1)):
        x, y = layout.query_place(row)
        assert np.array_equal(_tile(sheet, (x, y), 64), load_thumbnail(pictures[path], 64)), row
        assert sheet.getpixel((x - 3, y + 30)) == QUERY
    assert np.array_equal(_tile(sheet, layout.place(1), 64), load_thumbnail(pictures[2], 64))
    one = search_sheet(pictures[0], found(pictures[2], 0.9), tile=64)
    assert sheet.size == (one.width, one.height + 2 * (22 + 64 + 40 + 18))
    many = search_sheet(pictures[0], *[found(pictures[2], 0.9)] * 40, tile=64)
    assert query_sheet(asked, [found(pictures[2], 0.9)] * 40, tile=64).size == many.size, "there is room beside"


def test_the_title_says_what_else_counted(pictures: list[Path]) -> None:
    near = found(pictures[1], 0.5)
    sheet = search_sheet(pictures[0], near, using="edges", also=["boost brand=0.5", "diversity 0.2"])
    query, tile = Tile(pictures[0], "query", name_of(pictures[0])), tile_of(near, "0.500")
    expected = contact_sheet(query, [tile], title="Nearest by edges; boost brand=0.5; diversity 0.2")
    assert np.array_equal(np.asarray(sheet), np.asarray(expected))


def test_a_search_without_results_is_a_sheet_of_the_query_alone(pictures: list[Path]) -> None:
    assert search_sheet(pictures[0], tile=64).width == 20 + 4 + 64 + 4 + 20


def test_tiny_tiles_are_refused(pictures: list[Path]) -> None:
    with pytest.raises(ArgumentError, match="tile= must be 32 pixels or more; got 8"):
        search_sheet(pictures[0], tile=8)


def test_a_sheet_of_too_many_neighbors_is_refused_before_a_picture_is_read() -> None:
    nowhere = Tile(Path("nowhere.jpg"))
    with pytest.raises(ArgumentError, match=r"holds 2,000 neighbors at most; got 100,000\. Ask for fewer with k="):
        contact_sheet(nowhere, [nowhere] * 100_000)


def test_a_sheet_of_too_many_pixels_is_refused() -> None:
    nowhere = Tile(Path("nowhere.jpg"))
    # Wide: 20 + 4 + 11 tiles of 512 + 11 gaps of 18 + 4 + 20. High: 20 + 4 + 50 rows of 22 + 512 + 40,
    # 49 gaps of 18, less 4, + 20.
    with pytest.raises(
        ArgumentError, match=r"500 neighbors with tiles of 512 pixels has 5,878 x 29,626 pixels; the limit"
    ):
        contact_sheet(nowhere, [nowhere] * 500, tile=512)
    width, height = plan(tile=128).size(1 + 2000)
    assert width * height < MAX_PIXELS, "at the default size, the limit is that of neighbors"


def test_a_sheet_does_not_load_matplotlib() -> None:
    code = (
        "import sys, numpy as np; from autoenc.report.sheets import font, query_sheet;"
        "query_sheet(np.zeros((32, 32, 3), np.uint8), [], using='x');"
        "assert 'DejaVu' in font(12).getname()[0]; sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_matplotlib_the_font_is_the_system_s_or_else_pillow_s(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def truetype(path: str, size: int) -> str:
        asked.append(path)
        raise OSError("cannot open resource")

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("PIL.ImageFont.truetype", truetype)
    monkeypatch.setattr("PIL.ImageFont.load_default", lambda size: f"default of {size}")
    assert font.__wrapped__(12, bold=True) == "default of 12"
    assert asked == ["DejaVuSans-Bold.ttf"], "a bare name: Pillow looks where the system keeps its fonts"


def test_many_neighbors_go_on_in_the_next_row() -> None:
    """Ten in a row: the eleventh stands below the first, and the sheet grows downwards alone."""
    layout = plan(tile=64)
    (x1, y1), (x11, y11) = layout.place(1), layout.place(11)
    assert x11 == x1
    assert y11 == y1 + layout.heads + layout.tile + layout.text + layout.gap
    assert layout.size(24) == (layout.size(11)[0], layout.size(11)[1] + 2 * (y11 - y1))
