"""Export a model's encoder to a format that runs elsewhere, if it does there what it does here."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from autoenc.encoders import Model
from autoenc.encoders.sidecar import sidecar_path
from autoenc.errors import ArgumentError, OutputError
from autoenc.export.onnx_forms import as_float16, as_int8
from autoenc.export.parity import LIMITS, Parity, Pictures, Quantization, check_parity, parity, pictures
from autoenc.export.runtimes import run_file, sidecar
from autoenc.export.tensorflow_forms import INPUT, OUTPUT, SIGNATURE, run_saved_model, write_litert, write_saved_model
from autoenc.files import TEMPORARY, digest_of, replace_file
from autoenc.images.finding import SkippedFile
from autoenc.models.bundle import Bundle, load_bundle
from autoenc.models.manifest import ENCODER, verified
from autoenc.models.writing import written_whole
from autoenc.outputs import carries_mark, check_apart, check_makeable, check_output, marked_json
from autoenc.progress import ProgressOption, telling
from autoenc.text import exact, shown
from autoenc.vectors import Vectors

Format = Literal["onnx", "litert", "saved_model"]

_SUFFIXES: dict[Format, tuple[str, ...]] = {"onnx": (".onnx",), "litert": (".tflite", ".litert")}
_NOTE = Path("assets.extra", "autoenc.json")
"""Where TensorFlow has room in a SavedModel for what others say about it."""


@dataclass(frozen=True)
class ExportReport:
    """What `export_model` wrote.

    Attributes:
        file: the file, or the folder of a SavedModel.
        format: "onnx", "litert" or "saved_model".
        quantize: "float16", "int8" or None.
        encoder: what to name it by as an encoder, as in "onnx:FILE"; None for a SavedModel.
        bytes: its size.
        original_bytes: the size of the bundle's encoder.
        cosine: the least cosine between its vector and the original's, over the images.
        top10: the share of the ten nearest neighbors that both agree on, on average.
        images: how many were compared.
        skipped: images that could not be used, and why.
    """

    file: Path
    format: Format
    quantize: Quantization | None
    encoder: str | None
    bytes: int
    original_bytes: int
    cosine: float
    top10: float
    images: int
    skipped: list[SkippedFile]

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "file": exact(self.file), "skipped": [each.to_dict() for each in self.skipped]}


def export_model(
    model: Model,
    file: str | os.PathLike[str],
    *,
    format: Format,
    quantize: Quantization | None = None,
    images: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: ProgressOption = None,
) -> ExportReport:
    """Write a model's encoder as a file that runs without autoenc.

    It takes RGB images uint8 (N, 32, 32, 3) and returns float32 (N, D), as the bundle does: scaling and whitening are
    inside. It is then run on images, beside the original: it is kept only if the least cosine between the two vectors
    of an image is .9999 or more, and the share of the ten nearest neighbors in common .99 or more; with float16 .999
    and .98, with int8 .98 and .90. Beside an ONNX or LiteRT file lies FILE.json, which says what it takes, so that
    onnx:FILE or litert:FILE is an encoder.

    Args:
        model: a bundle, its folder, or the name of a ready model.
        file: .onnx, .tflite or .litert; for a SavedModel a folder that does not exist, is empty, or holds another one
            that autoenc wrote.
        format: "onnx" for ONNX Runtime, "litert" for LiteRT (TensorFlow Lite), "saved_model" for TensorFlow.
        quantize: "float16" halves the size; the arithmetic stays in float32. "int8" takes a quarter, and computes with
            whole numbers (not for SavedModel).
        images: a folder of images to compare on, and to find the ranges of int8 by: such as the model is meant for. By
            default, those of the sample catalog.
        overwrite: replace a file that autoenc did not write.
        progress: as for `index_images`.

    Raises:
        BundleError: the model cannot be used.
        ExportError: the export is too far from the original, or cannot be made of this model. Nothing is written.
        MissingDependencyError: what converts to the format is not installed.
        ArgumentError: another format, another suffix, or too few images.
        NoImagesError: as for `find_images`.
        OutputError: the file cannot be written.

    Example:
        >>> report = autoenc.export_model("clothing-32-2", "encoder.onnx", format="onnx")
        >>> report.cosine, report.top10, report.encoder
        (1.0, 1.0, 'onnx:...encoder.onnx')
    """
    if format not in get_args(Format):
        raise ArgumentError(f"format= is one of {', '.join(get_args(Format))}; got {format!r}.")
    if quantize not in LIMITS:
        raise ArgumentError(f"quantize= is float16 or int8; got {quantize!r}.")
    if format == "saved_model" and quantize == "int8":
        raise ArgumentError("A SavedModel has no whole numbers: use format=litert or onnx for quantize=int8.")
    path = Path(os.path.abspath(file))
    if format in _SUFFIXES and path.suffix.lower() not in _SUFFIXES[format]:
        raise ArgumentError(f"format={format} is a {' or '.join(_SUFFIXES[format])} file; got {shown(path)}.")
    bundle = model if isinstance(model, Bundle) else load_bundle(model)
    reading = [each for each in (images, bundle.path) if each is not None]
    export = _Export(bundle, verified(bundle.path, bundle.info, ENCODER), path, format, quantize, overwrite, reading)
    export.check()
    with telling(progress) as tell:
        tell("exporting", 0, 3, "reading images")
        seen = pictures(images, bundle.input_size)
        original = bundle.encode_pixels(seen.comparing)

        def compare(vectors: Vectors) -> Parity:
            found = parity(original, vectors)
            check_parity(found, quantize, f"{bundle.location} as {format}{f' in {quantize}' if quantize else ''}")
            return found

        tell("exporting", 1, 3, "converting")
        try:
            found = (export.folder if format == "saved_model" else export.file)(seen, compare)
        except OSError as error:
            raise OutputError(f"Cannot write {shown(path)}: {error.strerror or error}.") from error
        tell("exporting", 3, 3, "")
    return ExportReport(
        file=path,
        format=format,
        quantize=quantize,
        encoder=None if format == "saved_model" else f"{format}:{path}",
        bytes=_size(path),
        original_bytes=len(export.graph),
        cosine=found.cosine,
        top10=found.top10,
        images=found.images,
        skipped=seen.skipped,
    )


@dataclass(frozen=True)
class _Export:
    """What is exported to where."""

    bundle: Bundle
    graph: bytes
    path: Path
    format: Format
    quantize: Quantization | None
    overwrite: bool
    reading: list[Any]

    def check(self) -> None:
        """Raise OutputError if the place may not be written to."""
        if self.format == "saved_model":
            check_makeable(self.path)
            check_apart(self.path, self.reading)
            empty = not os.path.lexists(self.path) or (self.path.is_dir() and not any(self.path.iterdir()))
            if not empty and not carries_mark(self.path / _NOTE):
                raise OutputError(
                    f"Cannot write {shown(self.path)}: something is there that autoenc did not write. Name another "
                    f"folder."
                )
            return
        check_output(self.path, overwrite=self.overwrite or _ours(self.path), reading=self.reading)
        check_output(sidecar_path(self.path), overwrite=self.overwrite, reading=self.reading)

    def file(self, seen: Pictures, compare: Callable[[Vectors], Parity]) -> Parity:
        """Write an ONNX or LiteRT file with its sidecar, if it compares."""
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=self.path.parent) as folder:
            staged = Path(folder, self.path.name)
            self._convert(staged, seen)
            vectors, taken, returned = run_file(self.format, staged, seen.comparing)
            found = compare(vectors)
            described = marked_json(sidecar(staged, self.bundle, taken, returned).to_dict())
            self.check()  # again: it may have taken a while
            sidecar_path(self.path).unlink(missing_ok=True)  # never the sidecar of another file, even after a kill
            replace_file(self.path, staged.read_bytes())
            replace_file(sidecar_path(self.path), described)
        return found

    def _convert(self, staged: Path, seen: Pictures) -> None:
        if self.format == "litert":
            write_litert(self.graph, self.bundle.input_size, staged, self.quantize, seen.calibrating)
        elif self.quantize == "int8":
            staged.write_bytes(as_int8(self.graph, seen.calibrating, staged.parent))
        else:
            staged.write_bytes(self.graph if self.quantize is None else as_float16(self.graph))

    def folder(self, seen: Pictures, compare: Callable[[Vectors], Parity]) -> Parity:
        """Write a SavedModel, if it compares."""
        with written_whole(self.path) as staging:
            write_saved_model(self.graph, self.bundle.input_size, staging, self.quantize)
            note = staging / _NOTE
            note.parent.mkdir()
            size = self.bundle.input_size
            note.write_bytes(
                marked_json(
                    {
                        "signature": SIGNATURE,
                        "input": {"name": INPUT, "dtype": "uint8", "shape": [None, size, size, 3], "channels": "RGB"},
                        "output": {"name": OUTPUT, "dtype": "float32", "shape": [None, self.bundle.latent_dim]},
                        "fingerprint": self.bundle.fingerprint,
                    }
                )
            )
            found = compare(run_saved_model(staging, seen.comparing))
            self.check()
        return found


def _ours(path: Path) -> bool:
    """Whether a file is as `export_model` wrote it, by the sidecar beside it."""
    sidecar = sidecar_path(path)
    try:
        if not carries_mark(sidecar):
            return False
        return bool(json.loads(sidecar.read_bytes()).get("checksum") == digest_of(path.read_bytes()))
    except (OSError, ValueError, AttributeError):
        return False


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    return path.stat().st_size
