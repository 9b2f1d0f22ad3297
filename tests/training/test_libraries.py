"""TensorFlow is loaded when a training starts, not before, and it does not talk."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="training needs TensorFlow: pip install 'autoenc[train]'"
)

HIDDEN = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {packages}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
import numpy as np, autoenc
try:
    {call}
except autoenc.AutoencError as error:
    print(type(error).__name__, error)
"""


def run(code: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=cwd)


@pytest.mark.parametrize("package", ["tensorflow", "scipy", "tf2onnx"])
@needs_tensorflow
def test_a_missing_package_is_named_with_the_remedy(package: str, tmp_path: Path) -> None:
    call = "autoenc.train(np.zeros((4, 32, 32, 3), np.uint8), 'model', epochs=1)"
    printed = run(HIDDEN.format(packages=(package,), call=call), tmp_path).stdout
    assert printed.startswith("MissingDependencyError Training needs ")
    assert "which is not installed: pip install 'autoenc[train]'" in printed
    assert package in printed
    assert not list(tmp_path.iterdir())


def test_objectives_of_a_package_that_is_missing(tmp_path: Path) -> None:
    printed = run(HIDDEN.format(packages=("tensorflow", "keras"), call="import autoenc.training.objectives")).stdout
    assert printed.startswith("MissingDependencyError Training needs ")


def test_values_are_checked_before_anything_is_loaded() -> None:
    printed = run(HIDDEN.format(packages=("tensorflow", "keras"), call="autoenc.train('x', 'm', epochs=0)")).stdout
    assert printed.startswith("ArgumentError epochs= must be")


TRAINING = """
import logging, sys
import numpy as np
import autoenc
from autoenc.training.objectives import Reconstruction, Structure
images = np.random.default_rng(0).integers(0, 256, (40, 40, 48, 3), dtype=np.uint8)
for number in range(3):
    objectives = [Reconstruction(), Structure()]
    autoenc.train(images, f"model{number}", epochs=2, batch_size=16, objective=objectives, progress=False)
print("trained")
"""


@needs_tensorflow
def test_trainings_write_nothing_to_standard_error(tmp_path: Path) -> None:
    """Not even the third, which makes TensorFlow warn of retracing."""
    done = run(TRAINING, tmp_path)
    assert (done.stdout, done.stderr) == ("trained\n", "")


@needs_tensorflow
def test_what_tensorflow_logs_afterwards_is_heard(tmp_path: Path) -> None:
    heard = 'logging.getLogger("tensorflow").warning("of the user\'s own"); print("heard", file=sys.stderr)'
    assert run(TRAINING.replace("range(3)", "range(1)") + heard, tmp_path).stderr.endswith("of the user's own\nheard\n")
