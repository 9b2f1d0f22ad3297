"""A bundle is written whole or not at all, and never over anything that is not a bundle."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from autoenc.errors import OutputError
from autoenc.models.writing import check_target, written_whole


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    with written_whole(folder) as staging:
        (staging / "a").write_text("new")
        assert not folder.exists()
    assert (folder / "a").read_text() == "new"
    with pytest.raises(RuntimeError), written_whole(folder) as staging:  # noqa: PT012
        (staging / "a").write_text("half")
        raise RuntimeError
    assert (folder / "a").read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o755), (0o077, 0o700)])
def test_a_folder_is_as_open_as_the_umask_lets_it(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        with written_whole(tmp_path / "m"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == mode


def test_when_the_new_folder_cannot_take_its_place_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "a").write_text("old")
    real = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if target == folder and not path.name.endswith(".old"):
            raise OSError(errno.EIO, "Input/output error")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(OutputError, match="Input/output error"), written_whole(folder) as staging:
        (staging / "a").write_text("new")
    assert (folder / "a").read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


_KILLED = """
import os, sys
from pathlib import Path
from autoenc.models.writing import written_whole
real, moves = Path.rename, []
def rename(path, target):
    moves.append(path)
    if len(moves) == int(sys.argv[2]):
        os._exit(9)
    return real(path, target)
Path.rename = rename
with written_whole(Path(sys.argv[1])) as staging:
    (staging / "a").write_text("killed")
"""


@pytest.mark.parametrize("move", [1, 2])
def test_what_a_killed_writer_left_is_cleared_up(tmp_path: Path, move: int) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "a").write_text("old")
    (tmp_path / ".m.writing-mine").mkdir()
    assert subprocess.run([sys.executable, "-c", _KILLED, str(folder), str(move)], check=False).returncode == 9
    assert folder.exists() is (move == 1)
    with pytest.raises(RuntimeError), written_whole(folder):
        raise RuntimeError
    assert (folder / "a").read_text() == "old"
    assert sorted(file.name for file in tmp_path.iterdir()) == [".m.writing-mine", "m"]


def test_where_a_bundle_may_be_written(tmp_path: Path, bundle_dir: Path) -> None:
    assert check_target(tmp_path / "new" / "m") == tmp_path / "new" / "m"
    assert not (tmp_path / "new").exists()
    assert check_target(tmp_path) == tmp_path.absolute()
    assert check_target(bundle_dir) == bundle_dir
    (tmp_path / "file").touch()
    for bad in (tmp_path, tmp_path / "file", tmp_path / "file" / "m"):
        with pytest.raises(OutputError):
            check_target(bad)
    assert check_target(tmp_path / "new" / ".." / "m") == tmp_path / "m"


@pytest.mark.parametrize(
    "manifest",
    ["{}", "broken", "[]", '{"format": "zip", "checksums": {}}', '{"format": 1}', '{"format": 1, "checksums": 5}'],
)
def test_a_folder_with_a_manifest_of_another_kind_is_not_replaced(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "bundle.json").write_text(manifest)
    with pytest.raises(OutputError, match=r"\(bundle\.json\); name a new folder"):
        check_target(tmp_path)


def test_a_bundle_with_something_else_in_its_folder_is_not_replaced(bundle_dir: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle_dir, tmp_path / "copy"))
    (copy / "history.csv").unlink()
    assert check_target(copy) == copy  # a file that is missing is no loss
    (copy / "thesis").mkdir()
    with pytest.raises(OutputError, match=r"holds more than its bundle \(thesis\)"):
        check_target(copy, overwrite=True)
    (copy / "thesis").rmdir()
    (copy / "history.csv").symlink_to(bundle_dir / "history.csv")
    with pytest.raises(OutputError, match=r"holds more than its bundle \(history\.csv\)"):
        check_target(copy, overwrite=True)


def test_a_bundle_that_was_changed_is_replaced_only_if_that_is_meant(bundle_dir: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle_dir, tmp_path / "copy"))
    (copy / "training.png").write_bytes(b"a photo")
    with pytest.raises(OutputError, match=r"training\.png is not as autoenc wrote it; .* with overwrite=True"):
        check_target(copy)
    assert check_target(copy, overwrite=True) == copy


def test_a_manifest_that_another_program_wrote_is_none(tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text('{"format": 1, "checksums": {"photo.jpg": ""}, "versions": {"zip": "3"}}')
    (tmp_path / "photo.jpg").write_bytes(b"a photo")
    with pytest.raises(OutputError, match=r"holds more than its bundle \(bundle\.json\)"):
        check_target(tmp_path, overwrite=True)


def test_a_bundle_is_not_written_among_the_images(drawn: Path) -> None:
    with pytest.raises(OutputError, match="where images are read"):
        check_target(drawn / "model", reading=[drawn])
