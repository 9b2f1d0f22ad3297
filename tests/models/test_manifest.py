"""bundle.json from anyone: every lie in it ends in one sentence."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_bundles import FILES, IMAGES, MANIFEST, READY, encodes_or_is_refused, refusal, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoenc import load_bundle
from autoenc.encoders import create_encoder
from autoenc.errors import BundleCorruptError


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(READY, tmp_path / "copy"))


@pytest.fixture
def with_decoder(tmp_path: Path) -> Path:
    """A bundle whose decoder is none; that is found out after what these tests are about."""
    return write(tmp_path / "with decoder", b"no graph", "decoder.onnx")


@pytest.mark.parametrize("name", ["input_size", "latent_dim"])
@pytest.mark.parametrize(
    "value", [0, -1, None, True, 1.5, "32", 100_000, [], [[[[[[[[1]]]]]]]], "\x1b[31m" * 99, 10**4000]
)
def test_a_size_that_cannot_be(copy: Path, name: str, value: object) -> None:
    info = {**MANIFEST, "architecture": {**MANIFEST["architecture"], name: value}}
    (copy / "bundle.json").write_text(json.dumps(info))
    assert f"expected architecture.{name} " in refusal(copy)


@pytest.mark.parametrize(("name", "declared"), [("input_size", 64), ("latent_dim", 31)])
def test_a_size_that_the_encoder_does_not_have(copy: Path, name: str, declared: int) -> None:
    info = {**MANIFEST, "architecture": {**MANIFEST["architecture"], name: declared}}
    (copy / "bundle.json").write_text(json.dumps(info))
    assert "as bundle.json says" in refusal(copy)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "recursion"),
        ('{"a":' * 100_000, "recursion"),
        ('{"format": 1, "format": 2}', "a name twice"),
        ('{"format": NaN}', "NaN is no JSON"),
        ('{"format": -Infinity}', "-Infinity is no JSON"),
        ("7", "not a JSON object"),
        ('{"format": ' + "9" * 5000 + "}", "digits"),
        ('{"format": true, "preprocessing": 1}', "expected format to be a whole number, got True"),
        ('{"format": 1, "preprocessing": 1, "architecture": 5}', "lacks architecture.input_size"),
        ("\ufeff{}", "BOM"),
    ],
)
def test_a_manifest_that_is_none(copy: Path, text: str, reason: str) -> None:
    (copy / "bundle.json").write_text(text, "utf-8")
    assert reason in refusal(copy)


def test_a_manifest_that_is_not_text(copy: Path) -> None:
    (copy / "bundle.json").write_bytes(b"\xff\xfe\0")
    assert "'utf-8' codec can't decode" in refusal(copy)


@pytest.mark.parametrize(
    "checksums", [None, [], "encoder.onnx", 5, {}, {"encoder.onnx": None}, {"encoder.onnx": "\n" * 64}]
)
def test_checksums_that_are_none(copy: Path, checksums: object) -> None:
    (copy / "bundle.json").write_text(json.dumps({**MANIFEST, "checksums": checksums}))
    refusal(copy)


@pytest.mark.parametrize("name", ["bundle.json", *FILES])
def test_a_file_too_large_is_not_read(with_decoder: Path, name: str) -> None:
    with (with_decoder / name).open("r+b") as file:
        file.truncate(2**40)  # takes no room on disk
    assert "is larger than" in refusal(with_decoder, name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes as POSIX has them")
@pytest.mark.parametrize("name", FILES)
def test_a_pipe_is_not_waited_for(with_decoder: Path, name: str) -> None:
    (with_decoder / name).unlink()
    os.mkfifo(with_decoder / name)
    assert f"lacks {name}" in refusal(with_decoder, name)


@pytest.mark.parametrize("checksum", [None, 5, ["0" * 64]])
def test_a_checksum_of_the_decoder_that_is_none(with_decoder: Path, checksum: object) -> None:
    info = json.loads((with_decoder / "bundle.json").read_text())
    info["checksums"]["decoder.onnx"] = checksum
    (with_decoder / "bundle.json").write_text(json.dumps(info))
    assert "expected checksums to be the SHA-256 of each file" in refusal(with_decoder)


# ---- the weights of what the model learned ----------------------------------------------------------


def emphasizing(folder: Path, emphasis: object) -> Path:
    info = {**MANIFEST, "training": {**MANIFEST["training"], "emphasis": emphasis}}
    (folder / "bundle.json").write_text(json.dumps(info))
    return folder


@pytest.mark.parametrize(
    "emphasis",
    [
        *(5, 0, True, "shape", [], [[]], {}, {"weights": None}, {"weights": []}, {"weights": {}}),
        {"weights": {"edges": 1, "color": 1}},
        {"weights": {"edges": 1, "color": 1, "texture": 1, "\x1b[31m": 1}},
        *(
            {"weights": {"edges": 1, "color": weight, "texture": 1}}
            for weight in (-1, -1e-9, None, True, "1", [], {}, "\x1b[31m" * 99, 10**4000)
        ),
        {"weights": {"edges": 0, "color": 0.0, "texture": 0}},
    ],
)
def test_an_emphasis_that_cannot_be(copy: Path, emphasis: object) -> None:
    assert "weights" in refusal(emphasizing(copy, emphasis))


def test_a_weight_beyond_all_numbers(copy: Path) -> None:
    text = json.dumps({**MANIFEST, "training": {"emphasis": {"weights": {"edges": 1, "color": 123456, "texture": 0}}}})
    (copy / "bundle.json").write_text(text.replace("123456", "1e999"))
    assert "weights" in refusal(copy)


def test_a_model_need_not_say_what_it_learned(copy: Path) -> None:
    for info in (
        {**MANIFEST, "training": {**MANIFEST["training"], "emphasis": None}},  # by reconstruction alone
        {**MANIFEST, "training": {}},  # before there was an emphasis
        {key: value for key, value in MANIFEST.items() if key != "training"},
    ):
        (copy / "bundle.json").write_text(json.dumps(info))
        assert load_bundle(copy).weights is None


def test_the_weights_are_those_that_the_manifest_says(copy: Path) -> None:
    weights = {"edges": 1, "color": 0.25, "texture": 0}
    assert load_bundle(emphasizing(copy, {"weights": weights, "scores": "anything"})).weights == weights


WEIGHT = st.integers(0) | st.floats(0, allow_infinity=False) | st.sampled_from([1e308, 1e-308, 1e39, 1e-50, 10**400])


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(WEIGHT, WEIGHT, WEIGHT))
def test_weights_of_any_size_make_vectors_or_are_refused(copy: Path, weights: tuple[float, float, float]) -> None:
    emphasizing(copy, {"weights": dict(zip(("edges", "color", "texture"), weights, strict=True))})
    try:
        vectors = create_encoder("handcrafted", copy).encode(IMAGES)
    except BundleCorruptError as error:
        said = str(error)
    else:
        said = "weights that can be used"
        squares = np.square(vectors).sum(axis=1)  # in float32, as a store computes cosines
        assert np.isfinite(squares).all()
        assert (squares > 0).all()
    assert "weights" in said


# ---- anything anywhere ------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
PLACES = [
    *("format", "preprocessing", "architecture", "architecture.input_size", "architecture.latent_dim", "checksums"),
    *("training", "training.emphasis"),
]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_any_value_in_the_manifest(copy: Path, place: str, value: object) -> None:
    info: Any = json.loads(json.dumps(MANIFEST))
    inside, _, name = place.rpartition(".")
    (info[inside] if inside else info)[name] = value
    (copy / "bundle.json").write_text(json.dumps(info))
    encodes_or_is_refused(copy)
