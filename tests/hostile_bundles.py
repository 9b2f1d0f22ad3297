"""Bundles that lie, and what must become of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from autoenc import load_bundle
from autoenc.errors import BundleCorruptError, BundleError, BundleVersionError
from autoenc.models.ready import ready_folder

READY = ready_folder("clothing-32") or Path()
MANIFEST = json.loads((READY / "bundle.json").read_text())
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)


def write(folder: Path, encoder: bytes) -> Path:
    """A bundle whose checksums match, as its author would see to."""
    folder.mkdir(exist_ok=True)
    (folder / "encoder.onnx").write_bytes(encoder)
    info = {**MANIFEST, "checksums": {"encoder.onnx": hashlib.sha256(encoder).hexdigest()}}
    (folder / "bundle.json").write_text(json.dumps(info))
    return folder


def refusal(folder: Path) -> str:
    """The message of the error in which opening and encoding end: one line that says what to do."""
    with pytest.raises(BundleError) as raised:
        load_bundle(folder).encode(IMAGES)
    message = str(raised.value)
    assert message.isprintable()
    assert len(message) < 700
    assert "Train again" in message
    return message


def encodes_or_is_refused(folder: Path) -> None:
    try:
        latents = load_bundle(folder).encode_pixels(IMAGES)
    except (BundleCorruptError, BundleVersionError) as error:
        said = str(error)
    else:
        said = "encoded"
        assert latents.shape == (3, 32)
        assert np.isfinite(latents).all()
    assert said.isprintable()
