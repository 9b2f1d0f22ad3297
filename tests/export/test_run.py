"""Every export does what the bundle does, or it is not kept."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="exports need TensorFlow: pip install 'autoenc[train]'")

from autoenc import Bundle, ExportReport, create_encoder, export_model, load_bundle  # noqa: E402
from autoenc.cli import main  # noqa: E402
from autoenc.encoders.sidecar import sidecar_path  # noqa: E402
from autoenc.errors import ArgumentError, ExportError, MissingDependencyError, OutputError  # noqa: E402
from autoenc.export import run as exporting  # noqa: E402
from autoenc.export.parity import LIMITS, Parity, check_parity, parity, pictures  # noqa: E402
from autoenc.export.runtimes import run_file  # noqa: E402
from autoenc.files import digest_of  # noqa: E402
from autoenc.vectors import Vectors  # noqa: E402

FORMS = [
    ("onnx", None, 1.0),
    ("onnx", "float16", 0.55),
    ("onnx", "int8", 0.35),
    ("litert", None, 1.05),
    ("litert", "float16", 0.55),
    ("litert", "int8", 0.35),
    ("saved_model", None, 1.2),
    ("saved_model", "float16", 0.7),
]
"""Format, quantization, and the largest share of the original's size."""


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle("clothing-32-2")


@pytest.fixture(scope="module")
def exported(
    bundle: Bundle, drawn: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str | None], ExportReport]:
    """Every form, of the same model, compared on the same pictures."""
    folder = tmp_path_factory.mktemp("exported")
    made = {}
    for format, quantize, _ in FORMS:
        suffix = {"onnx": ".onnx", "litert": ".tflite", "saved_model": ""}[format]
        file = folder / f"{format}-{quantize}{suffix}"
        made[format, quantize] = export_model(bundle, file, format=format, quantize=quantize, images=drawn)  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize(("format", "quantize", "share"), FORMS)
def test_each_form_is_as_near_and_as_small_as_it_says(
    format: str, quantize: str | None, share: float, exported: dict[tuple[str, str | None], ExportReport]
) -> None:
    report = exported[format, quantize]
    cosine, top10 = LIMITS[quantize]  # type: ignore[index]
    assert report.cosine >= cosine
    assert report.top10 >= top10
    assert report.images == 36
    assert report.bytes <= share * report.original_bytes


@pytest.mark.parametrize("format", ["onnx", "litert"])
@pytest.mark.parametrize("quantize", [None, "float16", "int8"])
def test_the_sidecar_says_what_the_file_takes(
    format: str, quantize: str | None, exported: dict[tuple[str, str | None], ExportReport]
) -> None:
    file = exported[format, quantize].file
    said = json.loads(sidecar_path(file).read_bytes())
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    found, taken, returned = run_file(format, file, images)
    assert (said["input"], said["output"], said["checksum"]) == (taken, returned, digest_of(file.read_bytes()))
    assert (said["dim"], said["size"], said["dtype"], said["layout"]) == (32, 32, "uint8", "NHWC")
    assert found.shape == (5, 32)
    assert found.dtype == np.float32


def test_an_exported_file_is_an_encoder(exported: dict[tuple[str, str | None], ExportReport], bundle: Bundle) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    for format, name in (("onnx", "onnx-None"), ("litert", "litert-None-litert")):
        report = exported[format, None]
        encoder = create_encoder(str(report.encoder))
        assert encoder.name == name
        assert np.abs(encoder.encode(images) - bundle.encode_pixels(images)).max() < 1e-3


def test_onnx_without_quantization_is_the_bundles_own_file(
    exported: dict[tuple[str, str | None], ExportReport], bundle: Bundle
) -> None:
    assert exported["onnx", None].file.read_bytes() == (bundle.path / "encoder.onnx").read_bytes()
    assert (exported["onnx", None].cosine, exported["onnx", None].top10) == (1, 1)


def test_mirror_averaging_is_converted_too(tmp_path: Path, drawn: Path) -> None:
    """The graph of an encoder that is blind to mirroring turns pictures around and joins them."""
    from autoenc.export.tensorflow_graph import tensorflow_function
    from autoenc.training.export import export_encoder
    from autoenc.training.model import ModelConfig, build_encoder, mirror_averaged

    export_encoder(mirror_averaged(build_encoder(ModelConfig())), tmp_path / "e.onnx")
    images = pictures(drawn, 32).comparing[:8]
    found = np.asarray(tensorflow_function((tmp_path / "e.onnx").read_bytes())(tf.constant(images)))
    expected = run_file("onnx", tmp_path / "e.onnx", images)[0]
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    turned = np.asarray(tensorflow_function((tmp_path / "e.onnx").read_bytes())(tf.constant(images[:, :, ::-1])))
    assert np.abs(found - turned).max() < 1e-4 * np.abs(expected).max()


# ---- the gate ---------------------------------------------------------------------------------------


def test_the_figures_are_what_they_say() -> None:
    """Two bundles of eleven directions, each direction's top ten the others of its bundle; one of the first moves.

    It has nothing in common with its old top ten, the ten that it left have nine of ten, and the other eleven all.
    """
    degrees = np.concatenate([np.linspace(0, 1, 11), np.linspace(90, 91, 11)])
    moved = degrees.copy()
    moved[5] = 95.5
    one, other = (
        np.stack([np.cos(np.radians(each)), np.sin(np.radians(each))], axis=1).astype(np.float32)
        for each in (degrees, moved)
    )
    assert parity(one, 7 * one) == Parity(1, 1, 22)
    found = parity(one, other)
    assert found.top10 == pytest.approx((0 + 10 * 0.9 + 11) / 22, abs=1e-6)
    assert found.cosine == pytest.approx(np.cos(np.radians(95)), abs=1e-6)


def test_what_is_too_far_from_the_original_is_not_kept(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scrambled(*arguments: object) -> tuple[Vectors, str, str]:
        vectors, taken, returned = run_file(*arguments)  # type: ignore[arg-type]
        return vectors[::-1].copy(), taken, returned

    file = tmp_path / "e.onnx"
    export_model("clothing-32-2", file, format="onnx", images=drawn)
    before = file.read_bytes(), sidecar_path(file).read_bytes()
    monkeypatch.setattr(exporting, "run_file", scrambled)
    with pytest.raises(
        ExportError, match=r"too far from the original on 36 images: least cosine -?0\.\d{6} \(0\.999 or"
    ):
        export_model("clothing-32-2", file, format="onnx", quantize="float16", images=drawn)
    assert (file.read_bytes(), sidecar_path(file).read_bytes()) == before
    monkeypatch.setattr(exporting, "run_saved_model", lambda _, images: np.ones((len(images), 32), np.float32))
    with pytest.raises(ExportError, match="too far"):
        export_model("clothing-32-2", tmp_path / "saved", format="saved_model", images=drawn)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["e.onnx", "e.onnx.json"]


@pytest.mark.parametrize("quantize", LIMITS)
def test_a_limit_is_a_limit(quantize: str | None) -> None:
    cosine, top10 = LIMITS[quantize]  # type: ignore[index]
    check_parity(Parity(cosine, top10, 99), quantize, "x")  # type: ignore[arg-type]
    for found in (Parity(cosine - 1e-6, 1, 99), Parity(1, top10 - 1e-6, 99)):
        with pytest.raises(ExportError, match="on 99 images"):
            check_parity(found, quantize, "x")  # type: ignore[arg-type]


def test_the_pictures_that_calibrate_are_not_those_that_compare(drawn: Path) -> None:
    seen = pictures(drawn, 32)
    assert (len(seen.calibrating), len(seen.comparing)) == (12, 36)
    assert not {each.tobytes() for each in seen.calibrating} & {each.tobytes() for each in seen.comparing}


# ---- what is refused ----------------------------------------------------------------------------


def test_only_what_autoenc_wrote_is_replaced(drawn: Path, tmp_path: Path) -> None:
    file = tmp_path / "e.onnx"
    export_model("clothing-32-2", file, format="onnx", images=drawn)
    export_model("clothing-32-2", file, format="onnx", quantize="float16", images=drawn)
    file.write_bytes(b"mine")
    with pytest.raises(OutputError, match="autoenc did not write"):
        export_model("clothing-32-2", file, format="onnx", images=drawn)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").touch()
    with pytest.raises(OutputError, match="Name another folder"):
        export_model("clothing-32-2", tmp_path / "folder", format="saved_model", images=drawn)
    with pytest.raises(OutputError, match="where images are read"):
        export_model("clothing-32-2", drawn / "e.onnx", format="onnx", images=drawn)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"format": "tf"}, "format= is one of onnx, litert, saved_model; got 'tf'"),
        ({"format": "litert"}, r"format=litert is a \.tflite or \.litert file"),
        ({"format": "onnx", "quantize": "int4"}, "quantize= is float16 or int8; got 'int4'"),
        ({"format": "saved_model", "quantize": "int8"}, "A SavedModel has no whole numbers"),
    ],
)
def test_what_there_is_not_is_said(options: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=said):
        export_model("clothing-32-2", tmp_path / "e.onnx", **options)  # type: ignore[arg-type]


def test_too_few_pictures_are_said(picture_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="needs 22 usable images or more, so that each has 10 neighbors; got 12"):
        export_model("clothing-32-2", tmp_path / "e.onnx", format="onnx", images=picture_folder)


def test_the_command_line_tells_the_figures(drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "e.onnx"
    arguments = ["export", "clothing-32-2", "--format", "onnx", "--out", str(file), "--images", str(drawn), "--quiet"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    size = f"{file.stat().st_size / 1e6:.2f} MB"
    assert out == (
        f"{file}: {size} (the original has {size}); on 36 images the least cosine with the original is 1.000000, and "
        f"100.0% of the top 10 are the same\nAs an encoder: --encoders onnx:{file}\n"
    )
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["encoder"] == f"onnx:{file}"
    assert main([*arguments[:4], "--out", "x.onnx", "--quantize", "int8", "--format", "saved_model"]) == 2
    assert "use --format litert or onnx for --quantize int8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lacking", "options", "said"),
    [
        (
            "tensorflow",
            {"format": "saved_model"},
            r"format=saved_model needs tensorflow.* pip install 'autoenc\[train\]'",
        ),
        ("onnx", {"format": "onnx", "quantize": "float16"}, r"needs onnx: pip install 'autoenc\[train\]'"),
    ],
)
def test_a_converter_that_is_not_installed_is_named(
    lacking: str,
    options: dict[str, str],
    said: str,
    drawn: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, lacking, None)
    file = tmp_path / ("e.onnx" if options["format"] == "onnx" else "saved")
    with pytest.raises(MissingDependencyError, match=said):
        export_model("clothing-32-2", file, images=drawn, **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
