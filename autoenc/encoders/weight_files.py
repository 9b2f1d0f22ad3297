"""Files of weights as Keras writes them (HDF5): looked at before they are loaded, and fetched where ImageNet's are."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from autoenc.errors import EncoderError
from autoenc.images.reading import kernel_devices
from autoenc.quiet import tensorflow_silenced
from autoenc.text import counted, shown

Kernels = Counter[tuple[int, ...]]
"""The shapes of a network's arrays of two axes and more, and how many it has of each: what tells one from another."""

_MOST_ARRAYS = 20_000
_MOST_NUMBERS = 100_000  # of an array of one axis
_TRAINING = ("optimizer", "optimizer_weights")  # what a training left beside the weights


def keras_home() -> Path:
    """The folder in which Keras keeps what it fetches."""
    return Path(os.environ.get("KERAS_HOME") or Path("~", ".keras")).expanduser()


def content_digest(file: Path) -> str:
    """BLAKE2b (16 bytes) of a file, in hexadecimal digits.

    Raises:
        EncoderError: it does not exist or cannot be read.
    """
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_dev in kernel_devices():
            raise EncoderError(f"Expected a file; {shown(file)} is none that is stored.")
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise EncoderError(f"{shown(file)} cannot be read: {why}.") from error


def kernels(file: Path) -> Kernels:
    """What network a file of weights is of, without loading a number.

    Raises:
        EncoderError: it is no HDF5 file, or holds what no file of weights does, such as links to other files.
    """
    import h5py

    if not h5py.is_hdf5(file):
        exported = f" An exported model is an encoder itself: onnx:{shown(file)}." if file.suffix == ".onnx" else ""
        raise EncoderError(
            f"Expected a file of weights as Keras writes them (.weights.h5 or .h5); {shown(file)} is not an HDF5 file."
            f"{exported}"
        )
    found: Kernels = Counter()
    budget = iter(range(_MOST_ARRAYS))

    def look(group: Any, *, top: bool = False) -> None:
        for key in group:
            if next(budget, None) is None:
                raise ValueError(f"it has more than {_MOST_ARRAYS:,} parts")
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise ValueError("it refers to other files")
            item = group[key]
            if isinstance(item, h5py.Group):
                if not (top and key in _TRAINING):
                    look(item)
            elif not isinstance(item, h5py.Dataset) or item.size is None:
                raise ValueError("it holds what is no array")
            elif item.is_virtual or item.external:
                raise ValueError("it refers to other files")
            elif item.ndim > 1:
                found[item.shape] += 1
            elif item.size > _MOST_NUMBERS:
                raise ValueError(f"it has an array of {item.size:,} numbers that is no layer's")

    try:
        with h5py.File(file, "r") as opened:
            look(opened, top=True)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise EncoderError(
            f"Expected a file of weights as Keras writes them (.weights.h5 or .h5); {shown(file)} is none: "
            f"{str(error)[:200].rstrip('. ')}."
        ) from error
    if not found:
        raise EncoderError(f"Expected a file of weights as Keras writes them; {shown(file)} holds no layer.")
    return found


def told(held: Kernels) -> str:
    """How large a network is, for messages: its layers and their numbers."""
    total = 0
    for shape, times in held.items():
        size = 1
        for side in shape:
            size *= side
        total += size * times
    return f"{counted(held.total(), 'layer')} with {total:,} weights"


def fetched(url: str, name: str, title: str, as_option: str) -> Path:
    """The file of ImageNet weights that Keras keeps, fetched if it is not there.

    Args:
        url: the folder that it is fetched from.
        name: of the file.
        title: of the network, for messages.
        as_option: what names a file of weights instead, for messages.

    Raises:
        EncoderError: it cannot be fetched.
    """
    kept = keras_home() / "models" / name
    if kept.is_file():
        return kept
    partial = kept.with_name(f"{os.getpid()}-{name}")  # Keras takes whatever has the name for the whole file
    with tensorflow_silenced():
        import keras
    try:
        partial.unlink(missing_ok=True)
        with redirect_stdout(io.StringIO()):  # Keras draws a progress bar there
            got = keras.utils.get_file(
                partial.name, f"{url}/{name}", cache_dir=str(keras_home()), cache_subdir=partial.parent.name
            )
        kernels(Path(got))
        return Path(got).replace(Path(got).with_name(name))  # elsewhere if that folder cannot be written
    except Exception as error:  # urllib's, http.client's and ssl's, and Keras' own
        raise EncoderError(
            f"The ImageNet weights of {title} are not on this machine and cannot be fetched ({str(error)[:200]}). "
            f"Expected them as {shown(kept)}: get {url}/{name} where there is a network and put it there, or name a "
            f"file of weights with {as_option}."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
