"""Real photos, small drawn folders and one trained model, shared by the whole suite."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

# Threads that wait for one another make small matrices ten times slower where other programs are running.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is loaded
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
"""Processes that share the tests of this run."""

if _WORKERS > 1:
    for _pool in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):  # read when TensorFlow is loaded
        os.environ.setdefault(_pool, str(max(1, (os.cpu_count() or 1) // _WORKERS)))

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from PIL import Image  # noqa: E402

_DATA = "AUTOENC_TEST_DATA"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets; tests that need it skip, and say so, where there is none."""
    default = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    folder = Path(os.environ.get(_DATA) or default)
    if not (folder / "clothing").is_dir():
        pytest.skip(f"no real photos: set {_DATA} to a folder that holds clothing/train/<class>/*.jpg")
    return folder.resolve()


@pytest.fixture(scope="session")
def photos_dir(data_dir: Path) -> Path:
    """Real clothing photos in train/, validation/ and test/, a folder a class."""
    return data_dir / "clothing"


@pytest.fixture(scope="session")
def photos(photos_dir: Path) -> list[Path]:
    """The 372 test photos."""
    return sorted((photos_dir / "test").glob("*/*.jpg"))


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    """Twelve small pictures that differ, in folders red/, green/ and blue/, and one file that is none."""
    folder = tmp_path / "pictures"
    rng = np.random.default_rng(7)
    for channel, name in enumerate(("red", "green", "blue")):
        (folder / name).mkdir(parents=True)
        for number in range(4):
            pixels = rng.integers(0, 80, (48, 40, 3), dtype=np.uint8)
            pixels[8 * number : 8 * number + 16, 10:30, channel] = 230
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    (folder / "notes.txt").write_text("not a picture")
    return folder


@pytest.fixture
def out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose inside may not be looked at, even by root, whom the tests may run as."""
    folder = tmp_path / "private"
    folder.mkdir()
    real = os.stat

    def guarded(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if isinstance(path, (str, os.PathLike)) and folder in Path(path).parents:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        return real(path, *args, **options)

    monkeypatch.setattr(os, "stat", guarded)
    return folder


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample catalog, 12 pictures a category."""
    from autoenc.samples.catalog import draw_catalog

    folder = tmp_path_factory.mktemp("drawn") / "catalog"
    draw_catalog(folder, per_class=12, seed=1)
    return folder


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run; processes that share the tests share it too."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "common"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def bundle_dir(common: Path, drawn: Path) -> Path:
    """A model trained for three epochs on the drawn catalog, by the first process that needs it."""
    pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install 'autoenc[train]'")
    from autoenc import train
    from autoenc.store.edge_folder import locked

    folder = common / "model"
    with locked(common, wait=600):
        if not folder.exists():
            train(drawn, folder, epochs=3, batch_size=16)
    return folder
