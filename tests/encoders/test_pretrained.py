"""The networks of Keras Applications as encoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoenc import PRETRAINED_NAMES, compare, create_encoder, index_images, load_image, novelty, open_store, search
from autoenc.encoders import Encoder, create_encoders
from autoenc.encoders.applications import APPLICATIONS, preprocess
from autoenc.encoders.building import build_base
from autoenc.encoders.weight_files import fetched, kernels
from autoenc.errors import ArgumentError, EncoderError, MissingDependencyError, StoreMismatchError
from autoenc.vectors import Images

pytest.importorskip("tensorflow", reason="pretrained encoders need TensorFlow: pip install 'autoenc[train]'")


def pictures(count: int) -> Images:
    return np.random.default_rng(5).integers(0, 256, (count, 224, 224, 3), np.uint8)


@pytest.fixture(scope="module")
def vgg16() -> Encoder:
    """With random weights: the whole of the real network, without half a gigabyte to fetch."""
    return create_encoder("vgg16", weights={"vgg16": "random"})


def test_vgg16_takes_its_layer_fc2(vgg16: Encoder) -> None:
    images = pictures(3)
    vectors = vgg16.encode(images)
    assert vectors.shape == (3, 4096)
    assert vectors.dtype == np.float32
    assert (vectors >= 0).all()  # after its ReLU
    assert (vectors > 0).any(axis=1).all()
    np.testing.assert_allclose(vgg16.encode(images[1:2]), vectors[1:2], rtol=1e-2, atol=1e-3 * vectors.max())
    assert vgg16.encode(images[:0]).shape == (0, 4096)
    assert not np.allclose(vectors[0], vectors[1])
    with pytest.raises(EncoderError, match=r"expected images of shape \(N, 224, 224, 3\)"):
        vgg16.encode(images[:, ::7, ::7])


def test_random_weights_are_said_loudly(vgg16: Encoder) -> None:
    assert vgg16.origin == "random"
    assert "RANDOM weights, which were never trained" in vgg16.advice


def test_the_size_of_a_model_is_that_of_its_parameters(vgg16: Encoder, mobilenet: Encoder) -> None:
    """As the paper counts those of VGG16 (138,357,544), without the 1000 classes after fc2."""
    assert vgg16.model_bytes == 4 * (138_357_544 - 4097 * 1000)
    assert mobilenet.model_bytes == 4 * build_base("mobilenet", "random", size=32).count_params()


@pytest.mark.parametrize("name", PRETRAINED_NAMES)
def test_pixels_are_scaled_as_keras_does(name: str) -> None:
    import keras

    modules = {"mobilenetv3": "mobilenet_v3", "efficientnetb0": "efficientnet"}
    images = pictures(1)[:, :5, :5]
    expected = getattr(keras.applications, modules.get(name, name)).preprocess_input(images.astype(np.float32))
    found = preprocess(name)(images)
    if name == "efficientnetb0":  # Keras does the rest in the network, but only where it fetches the weights itself
        means, deviations = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        expected = (expected / 255 - means) / deviations / np.sqrt(deviations)
        found = (found / 255 - means) / deviations
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_mobilenet_is_keras_own_network_and_its_average(mobilenet: Encoder) -> None:
    base = build_base("mobilenet", "random")
    images = pictures(2)
    maps = np.asarray(base(preprocess("mobilenet")(images), training=False))
    np.testing.assert_allclose(mobilenet.encode(images), maps.mean(axis=(1, 2)), rtol=1e-2, atol=1e-4)


@pytest.fixture(scope="module")
def mobilenet() -> Encoder:
    return create_encoder("mobilenet", weights={"mobilenet": "random"})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Weights as Keras writes them: of MobileNet with its classifier and without, new and old format."""
    import keras

    folder = tmp_path_factory.mktemp("weights")
    whole, base = (keras.applications.MobileNet(include_top=top, weights=None, classes=1000) for top in (True, False))
    base.set_weights(whole.get_weights()[: len(base.weights)])
    found = {"top": folder / "top.weights.h5", "notop": folder / "notop.weights.h5"}
    whole.save_weights(found["top"])
    base.save_weights(found["notop"])
    return found


def test_the_classifier_in_a_file_of_weights_makes_no_difference(files: dict[str, Path]) -> None:
    first, second = (build_base("mobilenet", str(file), size=64) for file in files.values())
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert build_base("mobilenet", str(files["top"]), include_top=True).output_shape == (None, 1000)
    with pytest.raises(EncoderError, match="holds MobileNet without its classifier, which 'mobilenet' needs"):
        build_base("mobilenet", str(files["notop"]), include_top=True)


def test_a_file_of_another_network_is_refused(files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"Expected the weights of MobileNetV3 Large, .*is of another network, with"):
        create_encoder("mobilenetv3", weights={"mobilenetv3": str(files["notop"])}).encode(pictures(1))
    (tmp_path / "no.h5").write_bytes(b"nothing of the kind")
    with pytest.raises(EncoderError, match=r"Expected a file of weights as Keras writes .*no\.h5 is not an HDF5 file"):
        build_base("mobilenet", str(tmp_path / "no.h5"))
    with pytest.raises(EncoderError, match=r"Expected a file of weights of VGG16; .*gone\.h5 is none"):
        create_encoder("vgg16", weights={"vgg16": str(tmp_path / "gone.h5")})
    with pytest.raises(EncoderError, match="Unknown network 'alexnet'"):
        build_base("alexnet")


def test_a_file_that_refers_to_others_is_refused(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "outside.h5", "w") as file:
        file["kernel"] = h5py.ExternalLink("/etc/passwd", "/")
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file.create_dataset("kernel", (2, 2), "f4", external=[(str(tmp_path / "secret"), 0, 16)])
    for name in ("outside", "raw"):
        with pytest.raises(EncoderError, match="it refers to other files"):
            build_base("mobilenet", str(tmp_path / f"{name}.h5"))


def test_a_file_that_is_no_hdf5_file_is_refused_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\x08\x07")
    with pytest.raises(EncoderError, match=r"net\.onnx is not an HDF5 file\. An exported .* onnx:.*net\.onnx\.$"):
        kernels(tmp_path / "net.onnx")


def test_a_file_that_holds_what_is_no_array_is_refused(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "empty.h5", "w") as file:
        file["kernel"] = h5py.Empty("f4")
    with h5py.File(tmp_path / "type.h5", "w") as file:
        file["kernel"] = np.dtype("f4")
    for name in ("empty", "type"):
        with pytest.raises(EncoderError, match=rf"{name}\.h5 is none: it holds what is no array"):
            kernels(tmp_path / f"{name}.h5")


def test_weights_that_change_under_an_encoder(files: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "w.weights.h5"
    file.write_bytes(files["notop"].read_bytes())
    encoder = create_encoder("mobilenet", weights={"mobilenet": str(file)})
    assert encoder.fingerprint == create_encoder("mobilenet", weights={"mobilenet": str(files["notop"])}).fingerprint
    file.write_bytes(files["top"].read_bytes())
    with pytest.raises(EncoderError, match="have changed since encoder 'mobilenet' was made"):
        encoder.encode(pictures(1))


def test_no_network_and_no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import keras

    def unreachable(*_: Any, **__: Any) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.utils, "get_file", unreachable)
    known = APPLICATIONS["resnet50"]
    with pytest.raises(EncoderError) as error:
        create_encoder("resnet50")
    said = str(error.value)
    assert f"{tmp_path}/models/{known.files[1]}" in said  # where
    assert f"get {known.url}/{known.files[1]}" in said  # how
    assert "weights=resnet50=FILE" in said


def test_a_download_that_breaks_off_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import h5py
    import keras

    with h5py.File(tmp_path / "whole.h5", "w") as file:
        file["kernel"] = np.zeros((20, 20))
    whole = (tmp_path / "whole.h5").read_bytes()
    sent = [whole[: len(whole) // 2], whole]

    def get_file(name: str, url: str, *, cache_dir: str, cache_subdir: str) -> str:
        file = Path(cache_dir, cache_subdir, name)
        file.parent.mkdir(exist_ok=True)
        if not file.exists():
            file.write_bytes(sent.pop(0))
        return str(file)

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.utils, "get_file", get_file)
    with pytest.raises(EncoderError, match="cannot be fetched"):
        fetched("https://example.org", "a.h5", "A", "weights=a=FILE")
    kept = fetched("https://example.org", "a.h5", "A", "weights=a=FILE")
    assert kept.read_bytes() == whole
    assert list((tmp_path / "models").iterdir()) == [kept]


def test_without_tensorflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"'vgg16' needs TensorFlow.*pip install 'autoenc\[train\]'"):
        create_encoder("vgg16", weights={"vgg16": "random"})


def test_a_store_makes_its_pretrained_encoder_again(
    files: dict[str, Path], tmp_path: Path, picture_folder: Path
) -> None:
    weights = {"mobilenet": str(files["notop"])}
    store = tmp_path / "s"
    index_images(picture_folder, store, encoders=["mobilenet", "color"], weights=weights, progress=False)
    picture = picture_folder / "green" / "1.png"
    with open_store(store) as opened:
        assert opened.info.vectors["mobilenet"].origin == str(files["notop"])
        found = search(opened, picture, k=1)[0]  # mobilenet comes before color
        assert found.path == picture
        assert found.score > 0.9999
        (exact,) = search(opened, picture, k=1, using="color")
        assert exact.score > 0.999999  # decoded at its own size, whatever the other encoder takes
        with pytest.raises(StoreMismatchError):
            search(opened, picture, using="mobilenet", weights={"mobilenet": "random"})
        verdict = novelty(opened, picture)  # which does not wait for TensorFlow
        assert verdict is not None
        assert list(verdict.percentiles) == ["color"]
        assert "takes seconds to load" in verdict.left_out["mobilenet"]
    assert index_images(picture_folder, store, progress=False).unchanged == 12


def test_a_comparison_holds_networks_of_several_sizes(picture_folder: Path) -> None:
    names = ["mobilenet", "mobilenet+pca4", "color"]
    with pytest.raises(ArgumentError, match="weights= names vgg16, and the encoders are color and mobilenet"):
        compare(picture_folder, encoders=names, weights={"mobilenet": "random", "vgg16": "random"}, progress=False)
    comparison = compare(picture_folder, encoders=names, weights={"mobilenet": "random"}, progress=False)
    assert list(comparison.encoders) == names
    assert comparison.encoders["mobilenet"].dim == 1024
    assert sum("RANDOM weights" in note for note in comparison.notes) == 1  # once for both


def test_the_real_mobilenet_finds_clothes_of_a_kind(data_dir: Path, photos: list[Path]) -> None:
    weights = {"mobilenet": str(data_dir / "models" / "mobilenet_1_0_224_notop.weights.h5")}
    made = create_encoders(["mobilenet", "pixels"], weights=weights)
    chosen = photos[::5]
    labels = np.array([path.parent.name for path in chosen])
    right = {}
    for name, encoder in made.items():
        images = np.stack([load_image(path, encoder.input_size).pixels for path in chosen])
        vectors = encoder.encode(images)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, -1)
        right[name] = (labels[cosines.argmax(axis=1)] == labels).mean()
    assert right["mobilenet"] > right["pixels"] + 0.1
