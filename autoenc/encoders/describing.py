"""Make the sidecar of an exported model: read from the model what can be read, and check pictures through it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from autoenc.encoders.exported import KINDS, open_runtime, rows_of
from autoenc.encoders.registry import ENCODERS
from autoenc.encoders.runtimes import Runtime, Tensor
from autoenc.encoders.sidecar import DTYPES, MOST_DIM, MOST_SIZE, Sidecar, parsed, sidecar_path
from autoenc.encoders.weight_files import content_digest
from autoenc.errors import ArgumentError, EncoderError, OutputError
from autoenc.images.decoding import Picture
from autoenc.images.files import load_pixels_of
from autoenc.models.graph import reason
from autoenc.outputs import check_output, marked_json, write_file
from autoenc.text import counted, shown, some
from autoenc.vectors import Images, unit_rows

Origin = Literal["read", "given", "assumed"]


@dataclass(frozen=True)
class DescribedModel:
    """A sidecar that was made.

    Attributes:
        encoder: what to name the encoder by: onnx:FILE or litert:FILE.
        file: the sidecar.
        sidecar: what it says.
        known: size, channels, range, output, … -> "read" from the model, "given", or "assumed".
        cosine: the highest between the vectors of different pictures that were tried; None if only one was.
        notes: sentences about what looks wrong.
    """

    encoder: str
    file: Path
    sidecar: Sidecar
    known: dict[str, Origin]
    cosine: float | None
    notes: list[str]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**vars(self), "file": shown(self.file), "sidecar": self.sidecar.to_dict()}


def describe_model(
    model: str | os.PathLike[str],
    *,
    name: str | None = None,
    size: int | None = None,
    range: Sequence[float] | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    channels: str | None = None,
    output: str | None = None,
    pictures: Sequence[Picture] = (),
    overwrite: bool = False,
) -> DescribedModel:
    """Write FILE.json beside an exported model, so that onnx:FILE or litert:FILE is an encoder.

    What the model itself says is read from it. What it cannot say has to be given: the range of pixels of a model that
    takes floats. Some pictures are then encoded, as a check.

    Args:
        model: an ONNX model (.onnx) or a LiteRT model (.tflite) with one input, a batch of RGB pictures.
        name: of the encoder; by default, that of the file.
        size: height and width in pixels, if the model leaves them open.
        range: what the pixels 0 and 255 become, such as (0, 1). By default what whole numbers stand for in the model;
            with `mean` and `std` that are 1 at most, (0, 1), else (0, 255).
        mean: subtracted from the three channels after that.
        std: what the three channels are then divided by.
        channels: "RGB", the default, or "BGR".
        output: the name of the output, if the model has several that could be one vector a picture. A feature map is
            averaged over its places.
        pictures: to check; by default, three that are drawn.
        overwrite: replace a sidecar that autoenc did not write.

    Raises:
        EncoderError: a model that cannot be run, that takes something else than one batch of pictures, or whose output
            is no vectors.
        ArgumentError: a value that has to be given, or that does not fit the model.
        MissingDependencyError: LiteRT is not installed.
        ImageError: one of `pictures` cannot be read.
        OutputError: the sidecar cannot be written.

    Example:
        >>> described = autoenc.describe_model("model/encoder.onnx", name="latents")
        >>> autoenc.create_encoder(described.encoder)
        <ExportedEncoder 'latents' 32x32 -> 32-d>
    """
    range, mean, std = _numbers("range", range, 2), _numbers("mean", mean, 3), _numbers("std", std, 3)
    path = Path(os.path.abspath(model))
    checksum = content_digest(path)  # first: it opens nothing but stored files
    kind = _kind(path)
    if not os.access(path.parent, os.W_OK):
        raise OutputError(
            f"The sidecar stands beside the model, and {shown(path.parent)} may not be written to. Copy {path.name!r} "
            f"to a folder of yours, and describe it there."
        )
    file = check_output(sidecar_path(path), overwrite=overwrite)
    runtime = open_runtime(kind, path, checksum)
    taken = _input(path, runtime)
    known: dict[str, Origin] = {}
    layout, side = _layout(path, taken, size, known)
    low, high = _range(path, taken, range, mean, std, known)
    returned = _output(path, runtime, output, known)
    known["channels"] = "given" if channels else "assumed"
    given = {
        "name": _name(path, name, kind),
        "dim": 1,  # until the output has been seen
        "size": side,
        "channels": channels or "RGB",
        "layout": layout,
        "dtype": taken.dtype,
        "range": [low, high],
        "mean": [0.0] * 3 if mean is None else list(mean),
        "std": [1.0] * 3 if std is None else list(std),
        "input": taken.name,
        "output": returned.name,
        "output_dtype": returned.dtype,
        "checksum": checksum,
    }
    try:
        sidecar = parsed(given)
    except ValueError as error:
        raise ArgumentError(f"Expected what a model can take: {error}.") from error
    images = np.stack([load_pixels_of(each, side) for each in pictures]) if len(pictures) else _drawn(side)
    sidecar, cosine, notes = _checked(path, sidecar, runtime, images)
    write_file(file, marked_json(sidecar.to_dict()), overwrite=overwrite)
    return DescribedModel(f"{kind}:{path}", file, sidecar, known, cosine, notes)


def _numbers(option: str, given: Sequence[float] | None, count: int) -> list[float] | None:
    """An option that is a number of numbers, if it is given."""
    if given is None:
        return None
    try:
        numbers = [] if isinstance(given, str) else [float(each) for each in given]
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if len(numbers) != count:
        raise ArgumentError(f"{option}= is {count} numbers; got {given!r}.")
    return numbers


def _kind(path: Path) -> str:
    """By the content of the file, or else by its ending: "onnx" or "litert"."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise EncoderError(f"The model {shown(path)} cannot be read: {error.strerror or error}.") from error
    return KINDS[start[4:] == b"TFL3" or path.suffix.lower() in (".tflite", ".litert")]


def _name(path: Path, name: str | None, kind: str) -> str:
    if name in ENCODERS:
        raise ArgumentError(f"'{name}' is an encoder of autoenc's own; choose another name=.")
    if name is not None:
        return name
    return default_name(path, kind)


def default_name(file: Path, kind: str) -> str:
    """What the vectors of an exported model are called: as its file, so that no other encoder has that name.

    Example:
        >>> default_name(Path("nets/my net.onnx"), "onnx"), default_name(Path("nets/my net.tflite"), "litert")
        ('my_net', 'my_net-litert')
    """
    found = re.sub(r"[^A-Za-z0-9_.-]+", "_", file.stem)[:70].strip("._-") or "model"
    return f"{found}-{kind}" if kind == "litert" or found in ENCODERS else found


def _input(path: Path, runtime: Runtime) -> Tensor:
    taken = runtime.inputs[0] if runtime.inputs else None
    if taken is None or len(runtime.inputs) > 1 or len(taken.shape) != 4 or taken.dtype not in DTYPES:
        raise EncoderError(
            f"Expected a model with one input, a batch of RGB pictures as {some(DTYPES)}; {shown(path)} takes "
            f"{some([str(each) for each in runtime.inputs]) or 'nothing'}."
        )
    return taken


def _layout(path: Path, taken: Tensor, size: int | None, known: dict[str, Origin]) -> tuple[str, int]:
    """The layout and the height and width in pixels."""
    _, first, second, third = taken.shape
    layout, height, width = ("NHWC", first, second) if third == 3 else ("NCHW", second, third)
    if third != 3 and first != 3:
        raise EncoderError(f"Expected a model of pictures with three channels; {shown(path)} takes {taken}.")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MOST_SIZE):
        raise ArgumentError(f"size= must be a whole number from 1 to {MOST_SIZE:,}; got {size!r}.")
    fixed = {each for each in (height, width) if each is not None}
    if len(fixed) > 1:
        raise EncoderError(f"Expected a model of square pictures; {shown(path)} takes {taken}.")
    if size is not None and fixed and fixed != {size}:
        raise ArgumentError(f"{shown(path)} takes {taken}; size= cannot be {size}.")
    if size is None and not fixed:
        raise ArgumentError(f"{shown(path)} takes pictures of any size; say with size= at which it was trained.")
    known["layout"] = "read"
    known["size"] = "read" if fixed else "given"
    return layout, fixed.pop() if fixed else int(size or 0)


def _range(
    path: Path,
    taken: Tensor,
    given: Sequence[float] | None,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    known: dict[str, Origin],
) -> tuple[float, float]:
    """What the pixels 0 and 255 become."""
    known["range"] = "given"
    if given is not None:
        return given[0], given[1]
    if mean is not None or std is not None:
        if mean is None or std is None:
            raise ArgumentError("mean= and std= go together; give both.")
        known["range"] = "assumed"
        return (0.0, 1.0) if max(*mean, *std) <= 1 else (0.0, 255.0)
    known["range"] = "read"
    whole = np.dtype(taken.dtype)
    if taken.scale and whole.kind in "ui":  # all whole numbers: each pixel is passed on as it is
        limits = np.iinfo(whole)
        return (limits.min - taken.zero) * taken.scale, (limits.max - taken.zero) * taken.scale
    if whole == np.uint8:
        return 0.0, 255.0
    raise ArgumentError(
        f"{shown(path)} takes {taken.dtype}, and nothing in it says of which range: say with range= what the pixels 0 "
        "and 255 become (often 0,1 or -1,1 or 0,255), or give mean= and std=."
    )


def _output(path: Path, runtime: Runtime, asked: str | None, known: dict[str, Origin]) -> Tensor:
    usable = [each for each in runtime.outputs if len(each.shape) in (2, 4) and each.dtype in DTYPES]
    vectors = [each for each in usable if len(each.shape) == 2] or usable
    known["output"] = "read" if asked is None else "given"
    for each in usable:
        if each.name == asked:
            return each
    if asked is None and len(vectors) == 1:
        return vectors[0]
    there = some([str(each) for each in runtime.outputs])
    if asked is not None:
        raise ArgumentError(f"{shown(path)} has no output '{asked}' that is vectors or a feature map; it has {there}.")
    if not usable:
        raise EncoderError(f"Expected a model whose output is vectors or a feature map; {shown(path)} has {there}.")
    raise ArgumentError(f"{shown(path)} has several outputs; name one with output=: {there}.")


def _checked(path: Path, sidecar: Sidecar, runtime: Runtime, images: Images) -> tuple[Sidecar, float | None, list[str]]:
    """The sidecar with the length of the vectors, the highest cosine of two, and what looks wrong."""
    try:
        rows = rows_of(sidecar, runtime, images)
        dim = rows.shape[1] if len(rows) == len(images) else 0
        sidecar = replace(sidecar, dim=dim)
        if not 1 <= dim <= MOST_DIM:
            raise ValueError(f"its output is not one vector of at most {MOST_DIM:,} numbers a picture")
    except MemoryError:
        raise
    except Exception as error:  # the runtimes' own exception types are not public
        raise EncoderError(f"The model {shown(path)} cannot be run on pictures: {reason(error)}.") from error
    if not np.isfinite(rows).all():
        raise EncoderError(
            f"The model {shown(path)} returned NaN or infinity for pictures: check range=, mean= and std=."
        )
    notes = []
    cosines = unit_rows(rows) @ unit_rows(rows).T
    cosine = float(cosines[~np.eye(len(rows), dtype=bool)].max()) if len(rows) > 1 else None
    if not np.abs(rows).max(axis=1).all():
        notes.append("A picture gets a vector of zeros, which is like nothing: check range= and output=.")
    elif cosine is not None and cosine > 0.9999:
        notes.append("Different pictures get the same vector: check range=, mean=, std= and output=.")
    if dim >= 10 and rows.min() >= 0 and rows.sum(axis=1).max() < 1.05:  # quantized ones add up to less
        notes.append(
            f"The output looks like the probabilities of {counted(dim, 'class', 'classes')}: features from before the "
            "classifier retrieve better."
        )
    return sidecar, cosine, notes


def _drawn(size: int) -> Images:
    """Three pictures that differ in every respect: noise, a slope of colors, and a square on white."""
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    slope = np.linspace(0, 255, size)
    colors = np.stack(np.broadcast_arrays(slope[:, None], slope[None, :], 128), axis=-1)
    square = np.full((size, size, 3), 255, np.uint8)
    square[size // 4 : size - size // 4, size // 4 : size - size // 4] = (200, 30, 30)
    return np.stack([noise, colors.astype(np.uint8), square])
