"""Opening a saved model, and finding out early that it cannot be used."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from autoenc import load_bundle
from autoenc.errors import (
    ArgumentError,
    BundleCorruptError,
    BundleError,
    BundleNotFoundError,
    BundleVersionError,
    EncoderError,
    ImageDecodeError,
)
from autoenc.models.manifest import verified


@pytest.fixture
def copy(bundle_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle_dir, tmp_path / "copy"))


def change(folder: Path, **values: object) -> None:
    manifest = folder / "bundle.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **values}))


# ---- open -------------------------------------------------------------------------------------------


def test_a_bundle_tells_its_size_and_identity(bundle_dir: Path, copy: Path) -> None:
    bundle = load_bundle(bundle_dir)
    assert (bundle.latent_dim, bundle.input_size) == (32, 32)
    assert len(bundle.fingerprint) == 64
    assert load_bundle(copy).fingerprint == bundle.fingerprint  # wherever it lies
    assert load_bundle(str(copy)).path == copy


def test_its_repr_is_one_short_line(copy: Path) -> None:
    assert repr(load_bundle(copy)) == f"<Bundle {copy}, 32x32 -> 32-d>"
    assert repr(load_bundle("clothing-32")) == "<Bundle clothing-32, 32x32 -> 32-d>"


def test_a_path_without_a_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleNotFoundError, match="does not exist"):
        load_bundle(tmp_path / "none")
    with pytest.raises(BundleNotFoundError, match=r"has no bundle\.json"):
        load_bundle(tmp_path)


def test_a_changed_encoder_is_found_out(copy: Path) -> None:
    encoder = copy / "encoder.onnx"
    data = bytearray(encoder.read_bytes())
    data[len(data) // 2] ^= 1
    encoder.write_bytes(data)
    with pytest.raises(BundleCorruptError, match="has changed since it was written"):
        load_bundle(copy)


def test_a_missing_encoder_is_found_out(copy: Path) -> None:
    (copy / "encoder.onnx").unlink()
    with pytest.raises(BundleCorruptError, match=r"lacks encoder\.onnx"):
        load_bundle(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1}', '{"format": 1, "preprocessing": 1}'])
def test_a_damaged_manifest_is_found_out(copy: Path, text: str) -> None:
    (copy / "bundle.json").write_text(text)
    with pytest.raises(BundleCorruptError, match="cannot be read"):
        load_bundle(copy)


@pytest.mark.parametrize(("key", "value"), [("format", 99), ("preprocessing", 99)])
def test_another_version_is_told_apart_from_damage(copy: Path, key: str, value: int) -> None:
    change(copy, **{key: value})
    with pytest.raises(BundleVersionError, match="99"):
        load_bundle(copy)


def test_every_file_can_be_verified(copy: Path) -> None:
    bundle = load_bundle(copy)
    for name in bundle.info["checksums"]:
        assert verified(copy, bundle.info, name) == (copy / name).read_bytes()
    (copy / "history.csv").write_text("other")
    with pytest.raises(BundleCorruptError, match=r"history\.csv has changed"):
        verified(copy, bundle.info, "history.csv")


def test_what_was_verified_is_what_runs(copy: Path) -> None:
    """A model that is trained again in its folder does not change the bundles that are open."""
    bundle = load_bundle(copy)
    shutil.rmtree(copy)
    assert bundle.encode(np.zeros((32, 32, 3), np.uint8)).shape == (1, 32)


@pytest.mark.parametrize("path", [None, 5, b"model", ["model"]])
def test_what_is_no_path_is_told(path: object) -> None:
    with pytest.raises(ArgumentError, match=r"Expected the path of a trained model; got (None|5|b'model'|\['model'\])"):
        load_bundle(path)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["a\x1b[31m\nb", "a\0b", "\ud800", "a\udcffb", "x" * 5000, ""])
def test_a_path_that_cannot_be_is_one_printable_line(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleNotFoundError) as raised:
        load_bundle(path)
    assert str(raised.value).isprintable()


# ---- encode -----------------------------------------------------------------------------------------


def test_pictures_of_every_kind_have_the_same_latent(bundle_dir: Path, drawn: Path) -> None:
    bundle = load_bundle(bundle_dir)
    path = next(drawn.glob("*/*.jpg"))
    expected = bundle.encode(path)
    assert expected.shape == (1, 32)
    assert expected.dtype == np.float32
    picture = Image.open(path)
    for same in (str(path), path.read_bytes(), picture, np.asarray(picture)):
        (found,) = bundle.encode(same)
        # A picture given decoded is shrunk from its full size, a file is decoded reduced: all but the same.
        assert found @ expected[0] / np.linalg.norm(found) / np.linalg.norm(expected) > 0.99
    np.testing.assert_array_equal(bundle.encode([path, str(path)]), expected.repeat(2, axis=0))


def test_an_array_of_four_dimensions_is_many_pictures(bundle_dir: Path) -> None:
    bundle = load_bundle(bundle_dir)
    pictures = np.random.default_rng(0).integers(0, 255, (300, 32, 32, 3), dtype=np.uint8)
    together = bundle.encode(pictures)
    assert together.shape == (300, 32)
    np.testing.assert_allclose(together[257], bundle.encode(pictures[257])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("images", [np.zeros((2, 16, 16, 3), np.uint8), np.zeros((2, 32, 32, 3))])
def test_pixels_of_another_shape_or_type_are_refused(images: np.ndarray) -> None:
    with pytest.raises(EncoderError, match=r"Expected images of shape \(N, 32, 32, 3\) and dtype uint8"):
        load_bundle("clothing-32").encode_pixels(images)


def test_nothing_has_no_latents(bundle_dir: Path) -> None:
    assert load_bundle(bundle_dir).encode([]).shape == (0, 32)


def test_threads_that_encode_first_share_one_session(bundle_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = onnxruntime.InferenceSession

    def counted(*arguments: object, **options: object) -> object:
        made.append(real(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(onnxruntime, "InferenceSession", counted)
    bundle = load_bundle(bundle_dir)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(bundle.encode_pixels, [np.zeros((1, 32, 32, 3), np.uint8)] * 8))
    assert len(made) == 1


def test_a_picture_that_cannot_be_read(bundle_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageDecodeError, match="cannot be read"):
        load_bundle(bundle_dir).encode(tmp_path / "none.jpg")


def test_a_folder_out_of_reach_is_a_clear_error(out_of_reach: Path) -> None:
    with pytest.raises(BundleNotFoundError, match="out of your reach"):
        load_bundle(out_of_reach / "m")


# ---- decode -----------------------------------------------------------------------------------------


@pytest.fixture
def older(copy: Path) -> Path:
    """As a bundle was before bundles had decoders."""
    (copy / "decoder.onnx").unlink()
    info = json.loads((copy / "bundle.json").read_text())
    del info["checksums"]["decoder.onnx"]
    (copy / "bundle.json").write_text(json.dumps(info))
    return copy


def test_a_reconstruction_is_what_the_decoder_makes_of_the_latents(bundle_dir: Path, drawn: Path) -> None:
    bundle = load_bundle(bundle_dir)
    path = next(drawn.glob("*/*.jpg"))
    images = bundle.reconstruct(path)
    assert (images.shape, images.dtype) == ((1, 32, 32, 3), np.uint8)
    assert np.unique(images).size > 1
    np.testing.assert_array_equal(images, bundle.decode(bundle.encode(path)))
    np.testing.assert_array_equal(bundle.reconstruct([path, str(path)]), images.repeat(2, axis=0))


def test_large_batches_decode_as_one_by_one(bundle_dir: Path) -> None:
    bundle = load_bundle(bundle_dir)
    latents = np.random.default_rng(0).normal(size=(1500, 32))
    together = bundle.decode(latents)
    assert together.shape == (1500, 32, 32, 3)
    for at in (0, 64, 1023, 1024, 1499):
        alone = bundle.decode(latents[at : at + 1].tolist())
        np.testing.assert_allclose(together[at].astype(int), alone[0].astype(int), atol=1)  # rounded


def test_no_latents_are_no_images(bundle_dir: Path) -> None:
    assert load_bundle(bundle_dir).decode(np.empty((0, 32))).shape == (0, 32, 32, 3)
    assert load_bundle(bundle_dir).reconstruct([]).shape == (0, 32, 32, 3)


@pytest.mark.parametrize(
    ("latents", "found"),
    [
        (np.zeros(32), r"shape \(32,\)"),
        (np.zeros((2, 31)), r"shape \(2, 31\)"),
        (np.zeros((1, 2, 32)), r"shape \(1, 2, 32\)"),
        (np.full((1, 32), np.nan), r"shape \(1, 32\) with NaN or infinity"),
        (np.full((1, 32), 1e300), r"shape \(1, 32\) with NaN or infinity"),
        ([[1, 2], [3]], "list, which is no array of numbers"),
        ([[10**400] * 32], "list, which is no array of numbers"),
        ("some.jpg", "str, which is no array of numbers"),
        (None, r"shape \(\)"),
    ],
)
def test_what_is_no_latents_is_told(bundle_dir: Path, latents: object, found: str) -> None:
    with pytest.raises(ArgumentError, match=rf"Expected latents of shape \(N, 32\), finite numbers; got {found}"):
        load_bundle(bundle_dir).decode(latents)  # type: ignore[arg-type]


def test_a_bundle_without_a_decoder_says_so(older: Path) -> None:
    for bundle in (load_bundle(older), load_bundle("clothing-32")):
        assert not bundle.decodes
        assert bundle.encode(np.zeros((32, 32, 3), np.uint8)).shape == (1, 32)
        for use in (lambda b=bundle: b.decode(np.zeros((1, 32))), lambda b=bundle: b.reconstruct("none.jpg")):
            with pytest.raises(BundleError, match=r"has no decoder: .* objective= includes 'reconstruction'") as raised:
                use()
            assert bundle.location in str(raised.value)


def test_an_encoder_is_the_same_with_and_without_a_decoder(bundle_dir: Path, older: Path) -> None:
    """So that stores made with it take it."""
    assert load_bundle(bundle_dir).decodes
    assert load_bundle(older).fingerprint == load_bundle(bundle_dir).fingerprint


def test_the_decoder_is_not_read_before_it_decodes(copy: Path) -> None:
    """Neither a decoder that is missing nor one that has changed keeps anyone from encoding."""
    missing, changed = load_bundle(copy), load_bundle(copy)
    data = (copy / "decoder.onnx").read_bytes()
    (copy / "decoder.onnx").unlink()
    assert missing.decodes
    assert missing.encode(np.zeros((32, 32, 3), np.uint8)).shape == (1, 32)
    with pytest.raises(BundleCorruptError, match=r"lacks decoder\.onnx"):
        missing.reconstruct(np.zeros((32, 32, 3), np.uint8))
    (copy / "decoder.onnx").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(BundleCorruptError, match=r"decoder\.onnx has changed since it was written"):
        changed.reconstruct(np.zeros((32, 32, 3), np.uint8))
    (copy / "decoder.onnx").write_bytes(data)
    assert changed.reconstruct(np.zeros((32, 32, 3), np.uint8)).shape == (1, 32, 32, 3)


def test_a_decoder_that_has_decoded_once_needs_no_file(copy: Path) -> None:
    bundle = load_bundle(copy)
    first = bundle.decode(np.zeros((1, 32)))
    shutil.rmtree(copy)
    np.testing.assert_array_equal(bundle.decode(np.zeros((1, 32))), first)
