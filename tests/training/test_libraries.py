"""TensorFlow is loaded when a training starts, not before, and it does not talk."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from autoenc.errors import MissingDependencyError
from autoenc.training.libraries import loading_libraries

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="training needs TensorFlow: pip install 'autoenc[train]'"
)

HIDDEN = """
import sys
class Hidden:
    packages = ()
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.packages:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
hidden = Hidden()
sys.meta_path.insert(0, hidden)
import numpy as np, autoenc
for hidden.packages in {each}:
    try:
        {call}
    except autoenc.AutoencError as error:
        print(type(error).__name__, error)
"""


def run(code: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=cwd)


@needs_tensorflow
@pytest.mark.parametrize("packages", [["tensorflow"], ["scipy", "tf2onnx"]], ids=" ".join)
def test_a_missing_package_is_named_with_the_remedy(packages: list[str], tmp_path: Path) -> None:
    """Packages that are needed after TensorFlow are hidden one after the other, so that it is loaded once."""
    call = "autoenc.train(np.zeros((4, 32, 32, 3), np.uint8), 'model', epochs=1)"
    printed = run(HIDDEN.format(each=[(package,) for package in packages], call=call), tmp_path).stdout
    for line, package in zip(printed.splitlines(), packages, strict=True):
        assert line.startswith(f"MissingDependencyError Training needs {package}, which is not installed")
        assert "pip install 'autoenc[train]'" in line
    assert not list(tmp_path.iterdir())


def test_what_draws_the_plots_is_missed_before_the_training_not_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    monkeypatch.delitem(sys.modules, "autoenc.training.plots", raising=False)
    with pytest.raises(MissingDependencyError, match=r"Training needs matplotlib.*pip install 'autoenc\[train\]'"):  # noqa: SIM117
        with loading_libraries():
            importlib.import_module("autoenc.training.plots")


def test_objectives_of_a_package_that_is_missing(tmp_path: Path) -> None:
    printed = run(HIDDEN.format(each=[("tensorflow", "keras")], call="import autoenc.training.objectives")).stdout
    assert printed.startswith("MissingDependencyError Training needs ")


def test_values_are_checked_before_anything_is_loaded() -> None:
    printed = run(HIDDEN.format(each=[("tensorflow", "keras")], call="autoenc.train('x', 'm', epochs=0)")).stdout
    assert printed.startswith("ArgumentError epochs= must be")


TRAINING = """
import logging, sys
import numpy as np
import autoenc
from autoenc.training.objectives import Reconstruction
images = np.random.default_rng(0).integers(0, 256, (40, 40, 48, 3), dtype=np.uint8)
for number in range(2):
    autoenc.train(images, f"model{number}", epochs=2, batch_size=16, objective=[Reconstruction()], progress=False)
print("trained")
logging.getLogger("tensorflow").warning("of the user's own")
print("heard", file=sys.stderr)
"""


@needs_tensorflow
def test_trainings_write_nothing_to_standard_error_and_what_comes_afterwards_is_heard(tmp_path: Path) -> None:
    """Not even the second training, which makes TensorFlow warn of retracing."""
    done = run(TRAINING, tmp_path)
    assert done.stdout == "trained\n"
    assert re.fullmatch(r".*of the user's own\nheard\n", done.stderr)
