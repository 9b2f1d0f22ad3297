"""The cache of decoded pictures."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from autoenc.images import cache as pixels
from autoenc.images.cache import load_pixels
from autoenc.images.files import load_image
from autoenc.images.finding import find_images


def test_every_picture_is_decoded_in_order(picture_folder: Path) -> None:
    paths = find_images(picture_folder).paths
    cache = load_pixels(paths, 16)
    assert cache.paths == paths
    assert len(cache) == 12
    for path, picture, digest in zip(paths, cache.images, cache.digests, strict=True):
        loaded = load_image(path, 16)
        assert (picture == loaded.pixels).all()
        assert digest == loaded.digest


def test_bad_files_leave_no_gap(picture_folder: Path) -> None:
    (picture_folder / "blue" / "1b.png").write_bytes(b"bad")
    paths = find_images(picture_folder).paths
    cache = load_pixels(paths, 16)
    assert len(cache) == 12
    assert [skipped.path.name for skipped in cache.skipped] == ["1b.png"]
    assert cache.images[-1].tolist() == load_image(paths[-1], 16).pixels.tolist()


def test_a_large_cache_is_a_file_that_leaves_nothing_behind(
    picture_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths = find_images(picture_folder).paths
    cache = load_pixels(paths, 16)
    expected = cache.images.copy()
    monkeypatch.setattr(pixels, "IN_MEMORY_BYTES", 100)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    cache = load_pixels(paths, 16)
    assert isinstance(cache.images.base, np.memmap) or isinstance(cache.images, np.memmap)
    if os.name == "posix":  # has no name from the start, so that not even kill -9 leaves it behind
        assert not list((tmp_path / "tmp").iterdir())
    assert (cache.images == expected).all()
    assert not list((tmp_path / "tmp").iterdir())


def test_it_is_read_only(picture_folder: Path) -> None:
    cache = load_pixels(find_images(picture_folder).paths, 8)
    with pytest.raises(ValueError, match="read-only"):
        cache.images[0] = 0


def test_progress_ends_at_the_total(picture_folder: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    load_pixels(find_images(picture_folder).paths, 8, progress=lambda *step: seen.append(step[:3]))
    assert seen[-1] == ("reading", 12, 12)
