"""The Docker image stays small: what it installs, by the sizes of the packages in this environment."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution

import image_size
import pytest
from packaging.requirements import Requirement

pytest.importorskip("fastapi", reason="the image serves: pip install 'autoenc[serve]'")


def packages(requirements: list[str]) -> dict[str, float]:
    """Everything that these requirements bring, with its megabytes on disk."""
    found: dict[str, float] = {}
    left = [(Requirement(each), "") for each in requirements]
    while left:
        wanted, extra = left.pop()
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
            continue
        try:
            there = distribution(name)
        except PackageNotFoundError:  # of another system
            continue
        if name not in found:
            sizes = (path.stat().st_size for file in there.files or () if (path := there.locate_file(file)).is_file())  # type: ignore[attr-defined]
            found[name] = sum(sizes) / 1e6
            left += [(Requirement(each), "") for each in there.requires or ()]
        left += [(Requirement(each), more) for more in wanted.extras for each in there.requires or ()]
    return found


def test_the_image_has_what_serving_needs_and_stays_within_its_limit() -> None:
    python, extras = image_size.dockerfile()
    assert (python, extras) == ("3.13", "serve")
    found = packages(image_size.wanted(extras))
    assert {"fastapi", "uvicorn", "onnxruntime", "opencv-python-headless", "qdrant-edge-py", "numpy"} <= set(found)
    assert not {"tensorflow", "keras", "matplotlib", "pyarrow", "scipy", "pytest"} & set(found)
    assert sum(found.values()) > 200, "the sizes are those of real packages"
    assert sum(found.values()) + image_size.BASE + image_size.FONTS < image_size.LIMIT
