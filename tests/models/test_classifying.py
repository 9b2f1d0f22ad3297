"""Classifying without TensorFlow: what the classifier of a bundle makes of its latents, image by image."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from classifiers import CLASSES, likely, write

import autoenc
from autoenc import classify, load_bundle
from autoenc.errors import ArgumentError, BundleCorruptError, BundleError, NoImagesError


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("classifier") / "m")


def test_an_image_gets_the_likeliest_classes_in_order(model: Path, drawn: Path) -> None:
    bundle = load_bundle(model)
    paths = sorted(drawn.glob("*/*.jpg"))
    expected = likely(bundle.encode(paths))
    found = classify(drawn, model, k=2, progress=False)
    assert [image.path for image in found.images] == paths
    for image, row in zip(found.images, expected, strict=True):
        best = np.argsort(-row)[:2]
        assert [name for name, _ in image.labels] == [CLASSES[at] for at in best]
        np.testing.assert_allclose([value for _, value in image.labels], row[best], rtol=1e-4)
        assert (image.label, image.probability) == image.labels[0]


def test_the_accuracy_is_the_share_that_the_folders_agree_with(model: Path, drawn: Path) -> None:
    found = classify(drawn, model, progress=False)
    right = sum(image.path.parent.name == image.label for image in found.images)
    assert (found.labeled, found.accuracy) == (48, right / 48)
    assert 0 < right < 48


def test_folders_that_are_no_classes_say_nothing(model: Path, picture_folder: Path) -> None:
    found = classify(picture_folder, model, progress=False)
    assert (len(found.images), found.labeled, found.accuracy, found.ignored) == (12, 0, None, 1)


def test_one_image_several_files_and_pictures_in_memory(model: Path, drawn: Path) -> None:
    path = drawn / "shoe" / "001.jpg"
    (alone,) = classify(path, model, progress=False).images
    assert alone.folder == "shoe"
    for images in ([str(path)], [path.read_bytes()]):
        (image,) = classify(images, model, progress=False).images  # type: ignore[arg-type]
        assert image.labels == alone.labels
    assert image.folder is None


def test_more_classes_than_there_are_is_all_of_them(model: Path, drawn: Path) -> None:
    (image,) = classify(drawn / "shoe" / "001.jpg", load_bundle(model), k=99, progress=False).images
    assert sorted(name for name, _ in image.labels) == CLASSES
    assert sum(value for _, value in image.labels) == pytest.approx(1, abs=1e-5)


def test_what_cannot_be_read_is_listed_and_more_than_a_batch_stays_in_order(model: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures: list[bytes | np.ndarray] = [rng.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(130)]
    pictures[70] = b"no image"
    found = classify(pictures, model, progress=False)  # type: ignore[arg-type]
    names = [str(image.path) for image in found.images]
    assert names == [str(at) for at in range(130) if at != 70]
    assert [str(file.path) for file in found.skipped] == ["70"]
    expected = likely(load_bundle(model).encode(pictures[129])).max()  # type: ignore[arg-type]
    assert found.images[-1].probability == pytest.approx(expected, rel=1e-4)


def test_nothing_that_can_be_read_is_an_error(model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "shoe" / "broken.jpg"
    broken.parent.mkdir()
    broken.write_bytes(b"no image")
    with pytest.raises(NoImagesError, match=r"broken\.jpg: "):
        classify(broken, model, progress=False)
    with pytest.raises(NoImagesError, match="None of the images in"):
        classify(tmp_path, model, progress=False)
    with pytest.raises(NoImagesError, match="None of the images can be read; the first: "):
        classify([b"no image"], model, progress=False)
    with pytest.raises(NoImagesError, match=r"gone\.jpg: The file cannot be read"):
        classify(tmp_path / "gone.jpg", model, progress=False)


@pytest.mark.parametrize("k", [0, True, 1.5])
def test_a_k_that_cannot_be(model: Path, drawn: Path, k: object) -> None:
    with pytest.raises(ArgumentError, match="k= must be a whole number"):
        classify(drawn, model, k=k, progress=False)  # type: ignore[arg-type]


def test_a_model_without_a_classifier_says_so(drawn: Path) -> None:
    with pytest.raises(BundleError, match=r"clothing-32 has no classifier. Make one with `autoenc finetune`"):
        classify(drawn, "clothing-32", progress=False)


def test_a_classifier_has_no_decoder_and_says_so(model: Path) -> None:
    bundle = load_bundle(model)
    assert not bundle.decodes
    assert bundle.classes == tuple(CLASSES)
    with pytest.raises(BundleError, match="it was fine-tuned to classify"):
        bundle.decode(np.zeros((1, 32)))


def test_no_latents_have_no_classes(model: Path) -> None:
    assert load_bundle(model).classify(np.empty((0, 32))).shape == (0, 4)


@pytest.mark.parametrize(
    "classes", [None, [], ["one"], ["a", "a", "b", "c"], ["a", "", "b", "c"], [1, 2, 3, 4], "abcd"]
)
def test_classes_that_cannot_be(tmp_path: Path, classes: object) -> None:
    with pytest.raises(BundleCorruptError, match="classes"):
        load_bundle(write(tmp_path / "m", classes))


def test_fewer_names_than_the_classifier_has_classes(tmp_path: Path) -> None:
    bundle = load_bundle(write(tmp_path / "m", CLASSES[:3]))
    with pytest.raises(BundleCorruptError, match=r"classifier\.onnx cannot be run: expected .*probabilities float32"):
        bundle.classify(np.zeros((1, 32)))


def test_a_classifier_that_has_changed_is_not_run(tmp_path: Path, drawn: Path) -> None:
    folder = write(tmp_path / "m")
    (folder / "classifier.onnx").write_bytes(b"another")
    assert load_bundle(folder).encode(drawn / "shoe" / "001.jpg").shape == (1, 32)
    with pytest.raises(BundleCorruptError, match=r"classifier\.onnx has changed"):
        classify(drawn, folder, progress=False)


def test_it_indexes_and_searches_like_any_model(model: Path, drawn: Path, tmp_path: Path) -> None:
    autoenc.index_images(drawn, tmp_path / "store", model=model, encoders=["learned"], progress=False)
    with autoenc.open_store(tmp_path / "store") as store:
        (first, *_) = autoenc.search(store, drawn / "shoe" / "001.jpg", k=3)
    assert first.path == drawn / "shoe" / "001.jpg"


def test_classifying_loads_nothing_that_training_needs(model: Path, drawn: Path) -> None:
    code = f"import autoenc, sys; print(autoenc.classify({str(drawn)!r}, {str(model)!r}).to_dict()['labeled'])"
    run = [sys.executable, "-c", f"{code}; print(*sys.modules)"]
    labeled, loaded = subprocess.run(run, check=True, capture_output=True, text=True).stdout.splitlines()
    assert labeled == "48"
    assert not {"tensorflow", "keras", "onnx", "tf2onnx", "scipy"} & set(loaded.split())


def test_as_json(model: Path, drawn: Path) -> None:
    found = classify(drawn / "shoe" / "001.jpg", model, k=2, progress=False)
    document = json.loads(json.dumps(found.to_dict()))
    assert document["classes"] == CLASSES
    assert document["results"][0]["path"] == str(drawn / "shoe" / "001.jpg")
    assert [*document["results"][0]["labels"][0]] == ["label", "probability"]
