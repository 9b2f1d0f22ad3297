"""Finding pictures, reading them once, and accounting for every file."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoenc.errors import ImageDecodeError, ImageTooLargeError, NoImagesError
from autoenc.images import files as images
from autoenc.images import limits
from autoenc.images.files import (
    ImageFile,
    decode_file,
    load_image,
    load_images,
    load_pixels_of,
    load_thumbnail,
    read_file,
)
from autoenc.images.finding import SkippedFile, find_images


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


# ---- find -------------------------------------------------------------------------------------------


def test_images_are_found_recursively_and_sorted(tmp_path: Path) -> None:
    expected = [touch(tmp_path / name) for name in ("a/2.PNG", "a/b/1.jpeg", "z.webp")]
    found = find_images(tmp_path)
    assert found.paths == sorted(expected)
    assert found.root == tmp_path
    assert found.ignored == 0


def test_other_files_are_ignored_and_counted(tmp_path: Path) -> None:
    touch(tmp_path / "1.jpg")
    for name in ("notes.txt", "noextension", ".hidden.jpg", ".cache/2.jpg", "a/Thumbs.db"):
        touch(tmp_path / name)
    found = find_images(tmp_path)
    assert [path.name for path in found.paths] == ["1.jpg"]
    assert found.ignored == 5


@pytest.mark.parametrize("name", ["IMG_1.HEIC", "1.heif", "1.avif", "1.jxl"])
def test_pictures_of_formats_that_are_not_read_are_found_so_that_they_are_listed(tmp_path: Path, name: str) -> None:
    assert find_images(touch(tmp_path / name).parent).paths == [tmp_path / name]


def test_links_to_folders_are_followed_and_circles_end(tmp_path: Path) -> None:
    touch(tmp_path / "other" / "1.jpg")
    root = tmp_path / "root"
    touch(root / "2.jpg")
    (root / "link").symlink_to(tmp_path / "other")
    (root / "circle").symlink_to(root)
    assert [path.relative_to(root).as_posix() for path in find_images(root).paths] == ["2.jpg", "link/1.jpg"]


def test_a_name_that_is_no_text_is_listed(tmp_path: Path) -> None:
    touch(tmp_path / "1.jpg")
    bad = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg")
    try:
        Path(bad).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    found = find_images(tmp_path)
    assert len(found.paths) == 1
    assert "not valid UTF-8" in found.skipped[0].reason


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "does not exist"),
        (lambda root: root.write_text("x"), "is a file"),
        (lambda root: root.mkdir(), "Found no image"),
        (lambda root: touch(root / "a.txt"), r"among 1 file; expected files with one of the extensions \.avif"),
    ],
    ids=["missing", "a file", "empty", "no image"],
)
def test_a_path_without_images_is_a_clear_error(tmp_path: Path, make: object, message: str) -> None:
    root = tmp_path / "root"
    make(root)  # type: ignore[operator]
    with pytest.raises(NoImagesError, match=message):
        find_images(root)


def test_a_folder_has_one_name(picture_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(picture_folder)
    for name in (".", "red/..", picture_folder / "red" / ".." / ".." / "pictures"):
        assert find_images(name).root == picture_folder
        assert find_images(name).paths == find_images(picture_folder).paths


def test_a_root_that_is_no_text_is_refused(tmp_path: Path) -> None:
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    try:
        touch(root / "1.jpg")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    with pytest.raises(NoImagesError, match=r"\\xff is not valid UTF-8.*rename it"):
        find_images(root)


def test_a_folder_that_may_not_be_looked_into_is_a_clear_error(tmp_path: Path, out_of_reach: Path) -> None:
    with pytest.raises(NoImagesError, match="is not accessible"):
        find_images(out_of_reach / "photos")


# ---- load -------------------------------------------------------------------------------------------


def test_a_loaded_image_tells_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "1.png"
    Image.new("RGB", (60, 20), (1, 2, 3)).save(path)
    loaded = load_image(path, 16)
    assert loaded.pixels.shape == (16, 16, 3)
    assert (loaded.pixels == (1, 2, 3)).all()
    assert (loaded.width, loaded.height) == (60, 20)
    assert (loaded.size, loaded.mtime_ns) == (path.stat().st_size, path.stat().st_mtime_ns)
    assert loaded.digest == images.digest_of(path.read_bytes())


def test_unusable_files_are_clear_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageDecodeError, match="cannot be read: No such file"):
        load_image(tmp_path / "none.jpg")
    with pytest.raises(ImageDecodeError, match="Not a regular file"):
        load_image(tmp_path)
    empty = tmp_path / "empty.jpg"
    empty.touch()
    with pytest.raises(ImageDecodeError, match="0 bytes"):
        load_image(empty)
    monkeypatch.setattr(limits, "MAX_BYTES", 3)
    large = tmp_path / "large.jpg"
    large.write_bytes(b"1234")
    with pytest.raises(ImageTooLargeError, match="4 bytes; the limit is 3"):
        load_image(large)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_with_the_name_of_an_image_does_not_hold_us_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageDecodeError, match="Not a regular file"):
        load_image(tmp_path / "pipe.jpg")


def test_a_file_is_named_once(tmp_path: Path) -> None:
    """By an error in front of the reason; by a `SkippedFile` beside it."""
    text = tmp_path / "text.jpg"
    text.write_text("not a picture")
    for path in (text, tmp_path / "none.jpg"):
        (skipped,) = load_images([path])
        assert isinstance(skipped, SkippedFile)
        assert path.name not in skipped.reason
        for load in (load_image, load_pixels_of, load_thumbnail):
            with pytest.raises(ImageDecodeError) as caught:
                load(path)
            assert str(caught.value) == str(skipped) == f"{path}: {skipped.reason}"
    with pytest.raises(ImageDecodeError, match=r"^Not an image"):
        load_pixels_of(b"not a picture")


def test_a_path_is_shown_on_one_line_and_told_exactly() -> None:
    skipped = SkippedFile(Path("a\x1b[31m\nb é.jpg"), "two\nlines")
    assert str(skipped) == r"a\x1b[31m\nb é.jpg: two\nlines"
    assert skipped.to_dict()["path"] == str(skipped.path)


def test_a_picture_of_several_sizes_is_each_time_what_it_is_alone(photos: list[Path]) -> None:
    for path in photos[:3]:
        loaded = decode_file(read_file(path), 32, 112, 32)
        assert sorted(loaded.others) == [112]
        for size in (32, 112):
            np.testing.assert_array_equal(loaded.at(size), load_image(path, size).pixels)
    whole = ImageFile(photos[0], load_image(photos[0], 200).pixels, "", 0, 0)
    np.testing.assert_array_equal(decode_file(whole, 32, 64).at(64), decode_file(whole, 64).pixels)


def test_many_are_loaded_in_order_with_the_bad_ones_in_their_place(picture_folder: Path) -> None:
    paths = find_images(picture_folder).paths
    bad = picture_folder / "bad.png"
    bad.write_bytes(b"no")
    loaded = list(load_images([*paths[:3], bad, *paths[3:]], 8))
    assert [result.path for result in loaded] == [*paths[:3], bad, *paths[3:]]
    assert isinstance(loaded[3], SkippedFile)
    assert "not an image" in loaded[3].reason.lower()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # the command line does not show them either
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_mutated_photos_are_each_an_image_or_a_reason(format: str, photos: list[Path], tmp_path: Path) -> None:
    """A hundred damaged copies: cut, zeroed, overwritten, with bytes put in; every second one where its header is."""
    rng = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    paths = []
    for number, photo in enumerate(photos[:100]):
        buffer = io.BytesIO()
        with Image.open(photo) as picture:
            picture.resize((90, 120)).save(buffer, format, exif=exif.tobytes())
        data = bytearray(buffer.getvalue())
        at = int(rng.integers(200 if number // 4 % 2 else len(data)))
        match number % 4:
            case 0:
                del data[at:]
            case 1:
                data[at : at + 500] = bytes(500)
            case 2:
                data[at : at + 20] = rng.bytes(20)
            case 3:
                data[at:at] = rng.bytes(300)
        paths.append(tmp_path / f"{number}.{format.lower()}")
        paths[-1].write_bytes(data)
    loaded = list(load_images(paths))
    assert [result.path for result in loaded] == paths
    skipped = [result for result in loaded if isinstance(result, SkippedFile)]
    assert 20 <= len(skipped) < 100  # most of the cut ones, and what a PNG's checksums find; others can still be shown
    assert all(result.reason for result in skipped)


def test_pictures_of_every_kind_give_the_same_pixels(tmp_path: Path) -> None:
    image = Image.fromarray(np.random.default_rng(1).integers(0, 255, (50, 40, 3), dtype=np.uint8))
    path = tmp_path / "1.png"
    image.save(path)
    expected = load_image(path).pixels
    for picture in (path, str(path), path.read_bytes(), image, np.asarray(image)):
        assert (load_pixels_of(picture) == expected).all()
        assert load_thumbnail(picture, 30).shape == (30, 30, 3)
