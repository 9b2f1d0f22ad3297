"""The docstring of every public function and descriptor ends in an example, and every example runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from torturing.copies import copied

import autoenc
import baselines

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
NEEDS_TRAINING = ("autoenc.training", "autoenc.finetuning", "autoenc.encoders.building")


def modules() -> list[str]:
    return [
        info.name
        for package in (autoenc, baselines)
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not info.name.endswith("__main__")
    ]


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory, drawn: Path, bundle_dir: Path) -> Path:
    """The folder in which the examples run; it holds photos/, some.jpg, model/ and store/."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(drawn, folder / "photos")
    shutil.copy(drawn / "shoe" / "001.jpg", folder / "some.jpg")
    shutil.copytree(bundle_dir, folder / "model")
    encoders = ["learned", "color", "edges"]
    autoenc.index_images(folder / "photos", folder / "store", model=folder / "model", encoders=encoders)
    return folder


def importable(name: str) -> ModuleType:
    if name.startswith(NEEDS_TRAINING):
        pytest.importorskip("tensorflow", reason="training needs TensorFlow: pip install 'autoenc[train]'")
    if name.startswith("autoenc.server"):
        pytest.importorskip("fastapi", reason="serving needs FastAPI: pip install 'autoenc[serve]'")
    return importlib.import_module(name)


@pytest.mark.parametrize("name", modules())
def test_examples_run(name: str, desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if ">>>" not in Path(str(importlib.util.find_spec(name).origin)).read_text():  # type: ignore[union-attr]
        return
    module = importable(name)
    monkeypatch.chdir(copied(desk, tmp_path / "desk"))
    names: dict[str, Any] = {**vars(module), "np": np, "autoenc": autoenc}
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    printed: list[str] = []
    for test in finder.find(module, name, globs=names):
        runner.run(test, out=printed.append)
    assert not printed, "".join(printed)


PUBLIC = [
    *((autoenc, name) for name in autoenc.__all__),
    *((baselines, name) for name in baselines.__all__),
]


@pytest.mark.parametrize(("package", "name"), PUBLIC, ids=[name for _, name in PUBLIC])
def test_every_public_function_ends_in_an_example(package: ModuleType, name: str) -> None:
    value = getattr(package, name)
    if inspect.isfunction(value):
        assert value.__doc__
        assert "\n\nExample:\n" in inspect.cleandoc(value.__doc__), f"{name} has no example"
