"""Vectors on disk: what is found again, what is not, and what is done about damage."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from autoenc.comparison import vector_files
from autoenc.comparison.vector_files import Shelf, VectorFolder
from autoenc.comparison.vector_format import picture_digests
from autoenc.encoders.base import Encoder
from autoenc.errors import OutputError
from autoenc.files import TEMPORARY
from autoenc.vectors import Images, Vectors


class Numbered(Encoder):
    def __init__(self, fingerprint: str = "numbered-1", dim: int = 3, size: int = 4) -> None:
        self.name, self.dim, self.input_size, self.fingerprint = "numbered", dim, size, fingerprint

    def _encode(self, images: Images) -> Vectors:
        return np.asarray(images[:, 0, 0, :1].repeat(self.dim, axis=1), np.float32)


def pictures(*grays: int, size: int = 4) -> Images:
    return np.array(grays, np.uint8)[:, None, None, None] * np.ones((1, size, size, 3), np.uint8)


def shelf_of(folder: VectorFolder, encoder: Encoder) -> Shelf:
    shelf = folder.shelf(encoder)
    assert shelf is not None
    return shelf


def keep(folder: Path, *grays: int, seconds: float = 0.5, encoder: Encoder | None = None) -> None:
    known = VectorFolder(folder)
    images, encoder = pictures(*grays), encoder or Numbered()
    with shelf_of(known, encoder) as shelf:
        shelf.add(picture_digests(images), encoder.encode(images), seconds)
    assert list(known.notes()) == []


def find(folder: Path | VectorFolder, *grays: int, encoder: Encoder | None = None) -> tuple[list[int], Vectors]:
    """The rows that are not known, and the vectors, -1 where they are not."""
    images, encoder = pictures(*grays), encoder or Numbered()
    vectors = np.full((len(images), encoder.dim), -1, np.float32)
    known = folder if isinstance(folder, VectorFolder) else VectorFolder(folder)
    missing = shelf_of(known, encoder).fill(picture_digests(images), vectors)
    return missing.tolist(), vectors


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_a_vector_is_found_by_the_pixels_of_its_picture(tmp_path: Path) -> None:
    keep(tmp_path / "new", 7, 8)
    missing, vectors = find(tmp_path / "new", 8, 9, 7, 8)
    assert missing == [1]
    assert vectors[:, 0].tolist() == [8, -1, 7, 8], "twice the same picture has the same vector twice"


@pytest.mark.parametrize("other", [Numbered("numbered-2"), Numbered(size=5), Numbered(dim=2)])
def test_another_encoder_finds_nothing(tmp_path: Path, other: Encoder) -> None:
    keep(tmp_path, 7)
    images, vectors = pictures(7, size=other.input_size), np.zeros((1, other.dim), np.float32)
    assert shelf_of(VectorFolder(tmp_path), other).fill(picture_digests(images), vectors).tolist() == [0]


def test_files_add_up_and_tell_how_long_their_vectors_took(tmp_path: Path) -> None:
    keep(tmp_path, 1, 2, seconds=0.5)
    keep(tmp_path, 3, seconds=0.25)
    keep(tmp_path, 4, seconds=99)
    shelf = shelf_of(VectorFolder(tmp_path), Numbered())
    missing = shelf.fill(picture_digests(pictures(1, 3)), np.zeros((2, 3), np.float32))
    assert missing.tolist() == []
    assert shelf.spent == (0.75, 3), "of the files that hold one of them"


def test_vectors_that_take_more_room_than_pixels_are_not_kept(tmp_path: Path) -> None:
    folder = VectorFolder(tmp_path)
    assert folder.shelf(Numbered(dim=11, size=4)) is not None  # 44 bytes, of 48
    assert folder.shelf(Numbered(dim=12, size=4)) is None


def test_what_was_encoded_is_kept_when_the_rest_fails_or_is_interrupted(tmp_path: Path) -> None:
    def stopped() -> None:
        with shelf_of(VectorFolder(tmp_path), Numbered()) as shelf:
            shelf.add(picture_digests(pictures(5)), Numbered().encode(pictures(5)), 0.1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert find(tmp_path, 5)[0] == []


def test_many_vectors_lie_in_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_files, "PART_BYTES", 24)  # two vectors
    with shelf_of(VectorFolder(tmp_path), Numbered()) as shelf:
        for gray in range(5):
            images = pictures(gray)
            shelf.add(picture_digests(images), Numbered().encode(images), 0.1)
    assert len(files(tmp_path)) == 3
    assert find(tmp_path, *range(5))[1][:, 0].tolist() == [0, 1, 2, 3, 4]


def test_the_same_vectors_are_the_same_file(tmp_path: Path) -> None:
    keep(tmp_path, 7)
    (before,) = files(tmp_path)
    keep(tmp_path, 7)
    assert files(tmp_path) == [before]


def damaged(data: bytes) -> dict[str, bytes]:
    flipped = bytearray(data)
    flipped[-20] ^= 1  # in the vectors
    return {
        "empty": b"",
        "cut off": data[:-1],
        "a bit": bytes(flipped),
        "longer": data + b"x",
        "not ours": b"\x80\x04\x95 a pickle, perhaps" * 9,
    }


@pytest.mark.parametrize("kind", damaged(bytes(64)))
def test_a_damaged_file_is_not_used_but_removed_and_said(tmp_path: Path, kind: str) -> None:
    keep(tmp_path, 1)
    keep(tmp_path, 2)
    first, _ = files(tmp_path)
    first.write_bytes(damaged(first.read_bytes())[kind])
    folder = VectorFolder(tmp_path)
    missing, vectors = find(folder, 1, 2)
    assert len(missing) == 1
    assert vectors[1 - missing[0], 0] == [1, 2][1 - missing[0]]
    assert list(folder.notes()) == [
        f"1 file of vectors in {tmp_path} could not be used; what they held was computed anew."
    ]
    assert len(files(tmp_path)) == 1
    assert find(tmp_path, 1, 2)[0] == missing


def test_a_whole_file_under_the_name_of_another_encoder_is_not_used(tmp_path: Path) -> None:
    keep(tmp_path, 7, encoder=Numbered("other"))
    (theirs,) = files(tmp_path)
    keep(tmp_path, 8)
    (mine,) = set(files(tmp_path)) - {theirs}
    theirs.replace(tmp_path / f"{mine.name[:32]}-{'0' * 32}.vectors")
    folder = VectorFolder(tmp_path)
    assert find(folder, 7, 8)[0] == [0]
    assert len(list(folder.notes())) == 1


def test_foreign_files_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_files, "MOST_BYTES", 0)
    (tmp_path / "my.vectors").write_bytes(b"mine")
    (tmp_path / "deep").mkdir()
    (tmp_path / f"{'0' * 32}-{'0' * 32}.vectors").symlink_to(tmp_path / "my.vectors")
    with shelf_of(VectorFolder(tmp_path), Numbered()) as shelf:
        shelf.add(picture_digests(pictures(5)), Numbered().encode(pictures(5)), 0.1)
    assert (tmp_path / "my.vectors").read_bytes() == b"mine"
    assert len(files(tmp_path)) == 3


def test_what_was_used_longest_ago_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for gray in (1, 2, 3):
        keep(tmp_path, gray)
        for path in files(tmp_path):
            os.utime(path, ns=(0, path.stat().st_mtime_ns - 10**9))
    find(tmp_path, 1)  # reads, and so uses, all that this encoder has
    oldest = files(tmp_path)[0]
    os.utime(oldest, (1, 1))
    monkeypatch.setattr(vector_files, "MOST_BYTES", 2 * oldest.stat().st_size)
    folder = VectorFolder(tmp_path)
    folder.make_room()
    assert len(files(tmp_path)) == 2
    assert not oldest.exists()
    (note,) = folder.notes()
    assert note.endswith("1 file of vectors, used longest ago, removed from it.")


def test_what_a_killed_process_has_left_is_removed_after_a_day(tmp_path: Path) -> None:
    for name, age in (("old", 2), ("new", 0)):
        left = tmp_path / f"{TEMPORARY}{name}.tmp"
        left.write_bytes(b"half")
        os.utime(left, (time.time() - age * 86_400,) * 2)
    VectorFolder(tmp_path).make_room()
    assert [path.name for path in files(tmp_path)] == [f"{TEMPORARY}new.tmp"]


def test_a_full_disk_costs_the_vectors_and_not_the_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(vector_files, "replace_file", refuse)
    folder = VectorFolder(tmp_path)
    for _ in range(2):
        with shelf_of(folder, Numbered()) as shelf:
            shelf.add(picture_digests(pictures(5)), Numbered().encode(pictures(5)), 0.1)
    assert list(folder.notes()) == [f"Vectors could not be kept in {tmp_path}: No space left on device."]


def test_a_folder_that_cannot_be_written_to_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="is not a folder that you may write to"):
        VectorFolder(tmp_path / "file")
    VectorFolder(tmp_path / "new")
    assert not (tmp_path / "new").exists(), "it is made when there is something to keep"
