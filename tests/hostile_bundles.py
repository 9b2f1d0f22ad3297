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
LATENTS = np.random.default_rng(0).random((3, 32), np.float32)
FILES = ("encoder.onnx", "decoder.onnx")


def write(folder: Path, data: bytes, file: str = "encoder.onnx") -> Path:
    """A bundle with one such file, beside an honest encoder; checksums match, as its author would see to."""
    folder.mkdir(exist_ok=True)
    contents = {"encoder.onnx": (READY / "encoder.onnx").read_bytes(), file: data}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    (folder / "bundle.json").write_text(json.dumps({**MANIFEST, "checksums": checksums}))
    return folder


def refusal(folder: Path, file: str = "encoder.onnx") -> str:
    """The message of the error in which encoding ends, or else decoding: one line that says what to do.

    A decoder, whatever it is, keeps nobody from encoding.
    """
    if file == "decoder.onnx":
        bundle = load_bundle(folder)
        assert bundle.encode(IMAGES).shape == (3, 32)
    with pytest.raises(BundleError) as raised:
        bundle.decode(LATENTS) if file == "decoder.onnx" else load_bundle(folder).encode(IMAGES)
    message = str(raised.value)
    assert message.isprintable()
    assert len(message) < 700
    assert "Train again" in message
    return message


def encodes_or_is_refused(folder: Path) -> None:
    """It decodes, too, if it has a decoder."""
    try:
        bundle = load_bundle(folder)
        latents = bundle.encode_pixels(IMAGES)
        decoded = bundle.decode(LATENTS) if bundle.decodes else IMAGES
    except (BundleCorruptError, BundleVersionError) as error:
        said = str(error)
    else:
        said = "encoded"
        assert latents.shape == (3, 32)
        assert np.isfinite(latents).all()
        assert (decoded.shape, decoded.dtype) == ((3, 32, 32, 3), np.uint8)
    assert said.isprintable()
