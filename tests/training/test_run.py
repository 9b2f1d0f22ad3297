"""Unlabeled images in, a bundle out: whole, repeatable, resumable."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from kinds import gray, kinds_of_color
from PIL import Image

keras = pytest.importorskip("keras", reason="training needs TensorFlow: pip install 'autoenc[train]'")

from autoenc import load_bundle, train  # noqa: E402
from autoenc.encoders import Encoder  # noqa: E402
from autoenc.errors import (  # noqa: E402
    ArgumentError,
    BundleError,
    BundleNotFoundError,
    NoImagesError,
    OutputError,
    TrainingError,
)
from autoenc.images.cache import load_pixels  # noqa: E402
from autoenc.images.finding import gather  # noqa: E402
from autoenc.training import examples  # noqa: E402
from autoenc.training.checkpoint import Checkpoint  # noqa: E402
from autoenc.training.descriptors import Describer, joined  # noqa: E402
from autoenc.training.emphasis import EMPHASES  # noqa: E402
from autoenc.training.examples import split  # noqa: E402
from autoenc.training.objectives import Material, Prediction, Reconstruction, Structure  # noqa: E402
from autoenc.training.result import TrainingResult  # noqa: E402
from autoenc.training.step import Trainer  # noqa: E402
from autoenc.training.teacher import beside, taught_rows  # noqa: E402

SETTINGS: dict[str, Any] = {"epochs": 8, "batch_size": 12}
"""Of the training that many tests look at, and of those that must end like it: of forty pictures, 36 are trained on, in
steps of one size, so that TensorFlow compiles one."""

PLAIN: dict[str, Any] = {"epochs": 2, "batch_size": 7, "validation": 0.25, "objective": "reconstruction"}
"""Of forty pictures, 30 are trained on in steps of 7, 7, 7, 7 and 2, and 10 are held out."""

QUICK: dict[str, Any] = {"epochs": 1, "objective": "reconstruction"}
"""Where it does not matter what is learned."""


@pytest.fixture(scope="module")
def pictures() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Forty images of one bright square each, somewhere on a colored ground."""
    rng = np.random.default_rng(3)
    images = np.empty((40, 32, 32, 3), np.uint8)
    for image in images:
        image[:] = rng.integers(0, 90, 3)
        y, x = rng.integers(0, 20, 2)
        image[y : y + 12, x : x + 12] = rng.integers(160, 255, 3)
    return images


@pytest.fixture(scope="module", autouse=True)
def whitened() -> Iterator[None]:
    """No strength of 0 and no head is there to choose, so that a whitening can be seen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autoenc.training.selection.WHITENING", (0.25, 0.5))
        patch.setattr("autoenc.training.selection.HEAD_POWERS", ())
        yield


@pytest.fixture(scope="module")
def trained(pictures: Any, whitened: None, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    """A training with the default objective, alone in its folder."""
    return train(pictures, tmp_path_factory.mktemp("trained") / "m", **SETTINGS)


@dataclass
class Watched:
    """A plain training, and the images and the loss of each of its steps and measurements."""

    result: TrainingResult
    steps: list[tuple[Any, float]]
    measured: list[tuple[Any, float]]


@pytest.fixture(scope="module")
def plain(pictures: Any, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    steps: list[tuple[Any, float]] = []
    measured: list[tuple[Any, float]] = []

    def watch(seen: list[tuple[Any, float]], method: Any) -> Any:
        def watched(trainer: Trainer, images: Any, targets: Any) -> float:
            seen.append((images, method(trainer, images, targets)))
            return seen[-1][1]

        return watched

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "train_step", watch(steps, Trainer.train_step))
        patch.setattr(Trainer, "measure", watch(measured, Trainer.measure))
        result = train(pictures, tmp_path_factory.mktemp("plain") / "m", **PLAIN, resume=True)
    return Watched(result, steps, measured)


def folder_of(result: TrainingResult) -> Path:
    return Path(result.bundle.location)


def latents(folder: Path, pictures: Any) -> Any:
    return load_bundle(folder).encode(pictures)


def averaged(autoencoder: Any, pictures: Any) -> Any:
    """The mean of the latents of each picture and of its mirror image, as Keras encodes them."""
    pixels = pictures.astype(np.float32) / 255
    encoder = autoencoder.get_layer("encoder")
    return (encoder.predict_on_batch(pixels) + encoder.predict_on_batch(pixels[:, :, ::-1])) / 2


# ---- the bundle -------------------------------------------------------------------------------------


def test_training_lowers_the_loss_and_writes_the_whole_bundle(trained: TrainingResult) -> None:
    folder = folder_of(trained)
    assert trained.history[-1]["loss"] < 0.9 * trained.history[0]["loss"]
    assert trained.history[-1]["val_loss"] < trained.history[0]["val_loss"]
    assert trained.epochs == 8
    assert trained.val_loss == min(row["val_loss"] for row in trained.history)
    assert sorted(file.name for file in folder.iterdir()) == [
        "MODEL_CARD.md",
        "augmentations.png",
        "autoencoder.keras",
        "bundle.json",
        "decoder.onnx",
        "encoder.onnx",
        "history.csv",
        "reconstructions.png",
        "training.png",
    ]
    assert [file.name for file in folder.parent.iterdir()] == ["m"]  # nothing is left beside it
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == [row["loss"] for row in trained.history]
    for name in ("training.png", "reconstructions.png"):
        with Image.open(folder / name) as plot:
            assert min(plot.size) > 100


def test_losses_are_means_over_every_picture(plain: Watched) -> None:
    """Steps on 7 and on 2 pictures count by their pictures; val_loss is that of the model that was kept."""
    assert [len(images) for images, _ in plain.steps] == [7, 7, 7, 7, 2] * 2
    for row, steps in zip(plain.result.history, (plain.steps[:5], plain.steps[5:]), strict=True):
        losses, counts = [loss for _, loss in steps], [len(images) for images, _ in steps]
        assert row["loss"] == pytest.approx(np.average(losses, weights=counts))
        assert row["loss"] != pytest.approx(np.mean(losses))
    assert [len(images) for images, _ in plain.measured] == [7, 3] * 2
    pixels = np.concatenate([images for images, _ in plain.measured[2:]]).astype(np.float32) / 255
    decoded = keras.models.load_model(folder_of(plain.result) / "autoencoder.keras").predict_on_batch(pixels)
    assert plain.result.val_loss == pytest.approx(np.mean((decoded - pixels) ** 2), rel=1e-4)


def test_the_manifest_says_what_the_model_is(trained: TrainingResult) -> None:
    info = json.loads((folder_of(trained) / "bundle.json").read_text())
    assert info == trained.bundle.info
    assert info["architecture"] == {"input_size": 32, "latent_dim": 32, "seed": 0}
    assert info["data"]["images"] == 40
    assert info["objective"] == "reconstruction+structure+neighbors"
    assert info["training"]["val_loss"] == trained.val_loss
    assert info["training"]["optimizer"] == "muon"
    assert trained.emphasis is not None
    assert info["training"]["emphasis"] == trained.emphasis.to_dict()
    assert set(info["versions"]) == {"python", "autoenc", "tensorflow", "keras", "numpy", "onnx"}
    assert set(info["checksums"]) == {
        "MODEL_CARD.md",
        "augmentations.png",
        "autoencoder.keras",
        "decoder.onnx",
        "encoder.onnx",
        "history.csv",
        "reconstructions.png",
        "training.png",
    }


def test_the_exported_encoder_is_the_trained_one(pictures: Any, plain: Watched) -> None:
    folder = folder_of(plain.result)
    autoencoder = keras.models.load_model(folder / "autoencoder.keras")
    encoder = autoencoder.get_layer("encoder")
    expected = encoder.predict_on_batch(pictures.astype(np.float32) / 255)
    np.testing.assert_allclose(latents(folder, pictures), expected, rtol=1e-4, atol=1e-5)
    assert autoencoder.predict_on_batch(pictures[:2].astype(np.float32) / 255).shape == (2, 32, 32, 3)


@pytest.mark.parametrize("objective", ["reconstruction", "reconstruction+structure+neighbors"])
def test_a_mirror_image_has_the_same_latents_unless_images_were_not_altered(
    plain: Watched, trained: TrainingResult, pictures: Any, objective: str
) -> None:
    bundle = (plain.result if objective == "reconstruction" else trained).bundle
    mirrored = np.ascontiguousarray(pictures[:, :, ::-1])
    same = np.allclose(bundle.encode(mirrored), bundle.encode(pictures), atol=1e-5)
    assert same == (objective != "reconstruction")


@pytest.mark.parametrize("objective", ["reconstruction", "reconstruction+structure+neighbors"])
def test_the_exported_decoder_is_the_trained_one(
    pictures: Any, plain: Watched, trained: TrainingResult, objective: str
) -> None:
    """It takes what the exported encoder returns, whitened or not."""
    result = plain.result if objective == "reconstruction" else trained
    assert (result.bundle.info["whitening"] is None) == (objective == "reconstruction")
    autoencoder = keras.models.load_model(folder_of(result) / "autoencoder.keras")
    pixels = pictures.astype(np.float32) / 255
    expected = (
        autoencoder.predict_on_batch(pixels)
        if objective == "reconstruction"
        else autoencoder.get_layer("decoder").predict_on_batch(averaged(autoencoder, pictures))
    )
    assert result.bundle.decodes
    np.testing.assert_allclose(result.bundle.reconstruct(pictures), expected * 255, atol=0.5 + 255e-4)


def test_the_export_is_whitened_as_far_as_was_chosen(pictures: Any, trained: TrainingResult) -> None:
    """Axes uncorrelated over the pictures trained on, each with the standard deviation to the power 1 - strength."""
    folder, strength = folder_of(trained), trained.bundle.info["whitening"]
    assert strength in (0.25, 0.5)
    trained_on = pictures[split(len(pictures), 0.1, seed=0)[0]]
    raw = averaged(keras.models.load_model(folder / "autoencoder.keras"), trained_on).astype(np.float64)
    variances = np.linalg.eigvalsh(np.cov(raw.T, bias=True))[::-1]
    covariance = np.cov(latents(folder, trained_on).T.astype(np.float64), bias=True)
    kept = variances > 1e-4 * variances[0]
    np.testing.assert_allclose(np.diag(covariance)[kept], variances[kept] ** (1 - strength), rtol=0.02)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=0.02 * covariance.max())


def test_what_the_strength_was_chosen_by_is_kept(trained: TrainingResult) -> None:
    assert trained.bundle.info["cluster_map"] == trained.cluster_map
    assert 0 < trained.cluster_map <= 1


def test_plain_reconstruction_alters_and_whitens_nothing(plain: Watched) -> None:
    assert not (folder_of(plain.result) / "augmentations.png").exists()
    assert plain.result.bundle.info["whitening"] is None
    assert plain.result.bundle.info["training"]["emphasis"] is None


def test_objectives_with_given_weights(pictures: Any, tmp_path: Path) -> None:
    objective = [Reconstruction(2.0), Structure(0.5, components=8)]
    info = train(pictures, tmp_path / "m", epochs=1, seed=5, latent_dim=7, objective=objective).bundle.info
    assert info["training"]["objectives"] == [
        {"name": "reconstruction", "weight": 2.0},
        {"name": "structure", "weight": 0.5, "components": 8, "whitening": 0.25},
    ]
    assert info["objective"] == "reconstruction+structure"
    assert info["architecture"] == {"input_size": 32, "latent_dim": 7, "seed": 5}
    with pytest.raises(ArgumentError, match="at least one objective"):
        train(pictures, tmp_path / "n", objective=[])


def test_structure_alone_trains_no_decoder(pictures: Any, tmp_path: Path) -> None:
    result = train(pictures, tmp_path / "m", epochs=2, objective="structure")
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    assert result.bundle.info["objective"] == "structure"
    assert_without_decoder(tmp_path / "m")


def test_a_reconstruction_that_counts_nothing_trains_no_decoder(pictures: Any, tmp_path: Path) -> None:
    train(pictures, tmp_path / "m", epochs=1, objective=[Reconstruction(0), Structure()])
    assert_without_decoder(tmp_path / "m")


def assert_without_decoder(folder: Path) -> None:
    """One that was not trained would decode to noise."""
    assert not (folder / "decoder.onnx").exists()
    bundle = load_bundle(folder)
    assert "decoder.onnx" not in bundle.info["checksums"]
    with pytest.raises(BundleError, match="has no decoder: its objective does not train one, or"):
        bundle.reconstruct(np.zeros((32, 32, 3), np.uint8))


def test_a_collapse_is_noticed(tmp_path: Path) -> None:
    """Images that are all the same have latents that are all the same."""
    result = train(np.full((8, 32, 32, 3), 90, np.uint8), tmp_path / "m", epochs=1)
    assert result.health.collapsed
    assert any("collapsed" in note for note in result.notes)
    assert result.bundle.info["latents"]["collapsed"] is True


def test_grayscale_pictures_train_like_any_other(pictures: Any, tmp_path: Path) -> None:
    assert not train(gray(pictures), tmp_path / "m", epochs=1).health.collapsed


def test_the_graph_has_stable_names_and_takes_bytes(bundle_dir: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(bundle_dir / "encoder.onnx")
    (given,), (made,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape) == ("images", "tensor(uint8)", ["N", 32, 32, 3])
    assert (made.name, made.type, made.shape) == ("latents", "tensor(float)", ["N", 32])


def test_images_in_memory_may_have_any_size_and_form(pictures: Any, plain: Watched, tmp_path: Path) -> None:
    """The same forty, enlarged, as arrays and as PIL images: blocks of equal pixels shrink back to what they were."""
    enlarged = pictures.repeat(2, axis=1).repeat(3, axis=2)
    mixed = [Image.fromarray(image) if at % 2 else image for at, image in enumerate(enlarged)]
    assert train(mixed, tmp_path / "m", **PLAIN).found == 40
    np.testing.assert_array_equal(latents(tmp_path / "m", pictures), latents(folder_of(plain.result), pictures))


def test_floats_are_refused_with_the_remedy(pictures: Any, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"float64.*\.astype\(np\.uint8\)"):
        train(pictures / 255, tmp_path / "m")


# ---- what the images are told apart by ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "weights"),
    [
        ("shape", {"edges": 1, "color": 0, "texture": 0.5}),
        ({"color": 1, "edges": 0.5}, {"edges": 0.5, "color": 1, "texture": 0}),
        (MappingProxyType({"texture": 2}), {"edges": 0, "color": 0, "texture": 2}),
    ],
)
def test_the_emphasis_that_was_asked_for_is_recorded(pictures: Any, tmp_path: Path, asked: Any, weights: Any) -> None:
    result = train(pictures, tmp_path / "m", epochs=1, objective="structure", emphasis=asked)
    assert result.emphasis is not None
    assert result.emphasis.mix.to_dict() == weights
    assert result.bundle.weights == weights
    recorded = result.bundle.info["training"]["emphasis"]
    assert recorded["asked"] == (asked if isinstance(asked, str) else weights)
    assert recorded["scores"] == []


def test_the_emphasis_is_found_from_the_images(tmp_path: Path) -> None:
    told: set[str] = set()
    images = kinds_of_color(240)[0]
    settings: dict[str, Any] = {"epochs": 1, "objective": "structure"}
    result = train(images, tmp_path / "m", **settings, progress=lambda stage, *_: told.add(stage))
    assert result.emphasis is not None
    assert result.emphasis.mix.color > result.emphasis.mix.edges
    assert result.emphasis.scores
    assert result.bundle.weights == result.emphasis.mix.to_dict()
    assert "choosing the emphasis" in told


def test_few_images_are_told_why_nothing_was_chosen(trained: TrainingResult) -> None:
    assert trained.emphasis is not None
    assert trained.emphasis.reason.startswith("only ")
    assert trained.bundle.info["training"]["emphasis"]["reason"] == trained.emphasis.reason


def test_copies_are_recolored_as_far_as_the_emphasis_allows(
    pictures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gains: set[float] = set()
    alter = examples.altered_copies

    def altered(images: Any, *, gain: float, **options: Any) -> Any:
        gains.add(gain)
        return alter(images, gain=gain, **options)

    monkeypatch.setattr(examples, "altered_copies", altered)
    for asked, gain in (("shape", 0.3), ({"color": 1}, 0.1)):
        gains.clear()
        with pytest.raises(StopHereError):
            train(pictures, tmp_path / str(gain), epochs=1, emphasis=asked, progress=stop_in_epoch(1))
        assert [*gains] == [pytest.approx(gain)]


def test_targets_are_fitted_on_different_images_that_are_trained_on(
    pictures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is there many times counts once, and of many an even sample is drawn."""
    seen: list[Material] = []

    def prepare(objective: Structure, material: Material) -> Any:
        seen.append(material)
        return Prediction.prepare(objective, material)

    monkeypatch.setattr(Structure, "prepare", prepare)
    images = np.concatenate([pictures, pictures[5:6].repeat(60, axis=0)])
    settings: dict[str, Any] = {"epochs": 1, "objective": "structure", "emphasis": "color"}
    for most in (20_000, 10):
        monkeypatch.setattr("autoenc.training.session.FITTED_ON", most)
        with pytest.raises(StopHereError):
            train(images, tmp_path / str(most), **settings, progress=stop_in_epoch(1))
    training = set(split(100, 0.1, seed=0)[0].tolist())
    for material in seen:
        np.testing.assert_array_equal(material.images, images)
        described = joined(Describer(images[material.fitted])(images), EMPHASES["color"])
        np.testing.assert_allclose(material.described, described, atol=1e-5)
        assert set(material.fitted.tolist()) <= training
        assert len({images[at].tobytes() for at in material.fitted}) == len(material.fitted)
    of_training = {images[at].tobytes() for at in training}
    assert [len(material.fitted) for material in seen] == [len(of_training), 10]


def test_gray_images_cannot_be_trained_to_be_told_apart_by_color_alone(pictures: Any, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="The images are gray"):
        train(gray(pictures), tmp_path / "m", epochs=1, emphasis={"color": 1})
    assert not list(tmp_path.iterdir())
    result = train(gray(pictures), tmp_path / "m", epochs=1, objective="structure", emphasis="color")
    assert result.bundle.weights == {"edges": 0.3, "color": 0, "texture": 0.3}
    assert result.emphasis is not None
    assert result.emphasis.reason == "the images are gray"


# ---- a teacher --------------------------------------------------------------------------------------


class Corners(Encoder):
    """The colors of the four corners at 64x64: a teacher who counts what it is asked."""

    name, dim, input_size, fingerprint = "corners", 12, 64, "corners-1"

    def __init__(self) -> None:
        self.asked = 0

    def _encode(self, images: Any) -> Any:
        self.asked += len(images)
        return images[:, ::63, ::63].reshape(len(images), 12).astype(np.float32)


STUDENT: dict[str, Any] = {"epochs": 3, "batch_size": 12, "validation": 0.1}


@pytest.fixture(scope="module")
def student(pictures: Any, whitened: None, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    return train(pictures, tmp_path_factory.mktemp("student") / "m", **STUDENT, teacher=Corners())


def test_who_taught_is_recorded(student: TrainingResult, trained: TrainingResult) -> None:
    info = student.bundle.info
    assert info["objective"] == "reconstruction+structure+neighbors"
    record = {"name": "corners", "fingerprint": "corners-1", "dim": 12, "input_size": 64, "weight": 1, "random": False}
    assert info["training"]["teacher"] == student.teacher == record
    assert (trained.teacher, trained.bundle.info["training"]["teacher"]) == (None, None)


def test_a_student_is_the_same_network(student: TrainingResult, trained: TrainingResult) -> None:
    """So that it encodes as fast: every operation and every shape is that of a model without a teacher."""
    import onnx

    def network(result: TrainingResult) -> Any:
        graph = onnx.load(folder_of(result) / "encoder.onnx").graph
        return [node.op_type for node in graph.node], [list(tensor.dims) for tensor in graph.initializer]

    assert network(student) == network(trained)


def test_a_teacher_is_asked_once_for_the_unaltered_images(
    pictures: Any, student: TrainingResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is altered in each epoch, and however often the training is interrupted."""
    seen: list[Material] = []

    def prepare(objective: Any, material: Material) -> Any:
        seen.append(material)
        return Prediction.prepare(objective, material)

    monkeypatch.setattr(Structure, "prepare", prepare)
    first, second = Corners(), Corners()
    with pytest.raises(StopHereError):
        train(pictures, tmp_path / "m", **STUDENT, teacher=first, progress=stop_in_epoch(1))
    with pytest.raises(StopHereError):
        train(pictures, tmp_path / "m", **STUDENT, teacher=second, progress=stop_in_epoch(3))
    second.fingerprint = "corners-2"
    with pytest.raises(TrainingError, match=r"had teacher 'corners \(.*\)'; this one has teacher 'corners \("):
        train(pictures, tmp_path / "m", **STUDENT, teacher=second, resume=True)
    with pytest.raises(TrainingError, match=r"had teacher 'corners \(.*; this one has teacher None, objectives"):
        train(pictures, tmp_path / "m", **STUDENT, resume=True)
    second.fingerprint = "corners-1"
    resumed = train(pictures, tmp_path / "m", **STUDENT, teacher=second, resume=True)
    assert (first.asked, second.asked) == (40, 0)
    vectors = Corners().encode(load_pixels(gather(pictures).items, 64).images)
    assert resumed.emphasis is not None
    described = joined(Describer(pictures[seen[0].fitted])(pictures), resumed.emphasis.mix)
    expected = beside(described, taught_rows(first, vectors, seen[0].fitted))
    for material in seen:
        np.testing.assert_allclose(material.described, expected, atol=1e-5)
    assert resumed.resumed_after == 2
    assert resumed.bundle.fingerprint == student.bundle.fingerprint
    assert [file.name for file in tmp_path.iterdir()] == ["m"]  # what the teacher made is gone with the checkpoint


def test_a_teacher_that_no_term_learns_from_is_refused(pictures: Any, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="teacher= needs 'structure' or 'neighbors' in objective="):
        train(pictures, tmp_path / "m", **QUICK, teacher=Corners())
    with pytest.raises(ArgumentError, match=r"weights= are those of a teacher; name it with teacher=\."):
        train(pictures, tmp_path / "m", weights={"mobilenet": "random"})
    assert not list(tmp_path.iterdir())


# ---- labels -----------------------------------------------------------------------------------------


def test_labels_add_a_term_and_follow_their_files(picture_folder: Path, tmp_path: Path) -> None:
    """Even if one of them cannot be read; and they are kept when the training is resumed."""
    (picture_folder / "blue" / "1.png").write_bytes(b"bad")
    labels = {"blue/0.png": None, "red/0.png": "warm", "red/1.png": "warm"}
    labels |= {f"green/{number}.png": "green" for number in range(4)}
    settings: dict[str, Any] = {"epochs": 2, "validation": 0.1, "objective": "reconstruction"}
    with pytest.raises(StopHereError):
        train(picture_folder, tmp_path / "m", **settings, labels=labels, progress=stop_in_epoch(2))
    for other in ("folders", {**labels, "red/2.png": "warm"}):
        with pytest.raises(TrainingError, match=r"had labels '2 labels \(.*\)'; this one has labels '. labels \("):
            train(picture_folder, tmp_path / "m", **settings, labels=other, resume=True)
    result = train(picture_folder, tmp_path / "m", **settings, labels=labels, resume=True)
    info, classes = result.bundle.info, result.classes
    assert classes is not None
    assert info["objective"] == "reconstruction+supervised"
    assert info["training"]["labels"] == classes.to_dict()
    assert classes.names == ["green", "warm"]
    assert classes.codes.tolist() == [-1] * 3 + [0] * 4 + [1] * 2 + [-1] * 2
    assert any(note.startswith("5 images without a label") for note in result.notes)


# ---- a sample ---------------------------------------------------------------------------------------


def test_a_sample_is_drawn_evenly_before_anything_is_read(drawn: Path, tmp_path: Path) -> None:
    """Of 48 files in the order of their paths, 5 are the first, the last and three between them.

    A folder is only a way to name pictures: their files in a list, and their pixels in one array of another size, give
    the same encoder.
    """
    from autoenc.images.cache import load_pixels
    from autoenc.images.finding import find_images

    settings = {**QUICK, "batch_size": 2}
    files = find_images(drawn).paths
    seen: list[tuple[str, int, int]] = []
    result = train(drawn, tmp_path / "m", max_images=5, progress=lambda *told: seen.append(told[:3]), **settings)
    assert seen[0] == ("reading", 5, 5)
    assert (result.images, result.found) == (5, 48)
    assert {name: result.bundle.info["data"][name] for name in ("images", "found")} == {"images": 5, "found": 48}
    assert result.bundle.info["training"]["max_images"] == 5

    chosen = [str(files[at]) for at in (0, 11, 23, 35, 47)]
    pixels = np.array(load_pixels(chosen).images)
    train(chosen, tmp_path / "files", **settings)
    same = train(pixels.repeat(2, axis=1).repeat(3, axis=2), tmp_path / "pixels", max_images=1000, **settings)
    assert (same.images, same.found) == (5, 5)  # a larger sample than there are is all of them
    for name in ("files", "pixels"):
        np.testing.assert_array_equal(latents(tmp_path / name, pixels), latents(tmp_path / "m", pixels))


# ---- repeatable, resumable --------------------------------------------------------------------------


def test_one_seed_gives_one_result(pictures: Any, trained: TrainingResult, tmp_path: Path) -> None:
    again = train(pictures, tmp_path / "m", **SETTINGS)
    np.testing.assert_array_equal(again.bundle.encode(pictures), trained.bundle.encode(pictures))
    first, second = (folder_of(result) / "decoder.onnx" for result in (trained, again))
    assert first.read_bytes() == second.read_bytes()
    assert again.bundle.fingerprint == trained.bundle.fingerprint  # so that a store made with one takes the other


def test_another_seed_gives_another_bundle_which_replaces_the_one_that_is_there(
    pictures: Any, trained: TrainingResult, tmp_path: Path
) -> None:
    shutil.copytree(folder_of(trained), tmp_path / "m")
    train(pictures, tmp_path / "m", **SETTINGS, seed=1)
    other = load_bundle(tmp_path / "m")
    assert not np.allclose(other.encode(pictures), trained.bundle.encode(pictures))
    assert other.fingerprint != trained.bundle.fingerprint
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


class StopHereError(Exception):
    pass


def stop_in_epoch(epoch: int) -> Any:
    def progress(stage: str, done: int, total: int, note: str = "") -> None:
        if note.startswith(f"epoch {epoch},"):
            raise StopHereError

    return progress


@pytest.fixture(scope="module")
def stopped(pictures: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.raises(StopHereError):
        train(pictures, folder / "m", **SETTINGS, progress=stop_in_epoch(3))
    assert [file.name for file in folder.iterdir()] == [".m.training"]
    return folder


@pytest.fixture
def unfinished(stopped: Path, tmp_path: Path) -> Path:
    """A model whose training was stopped in its third epoch."""
    shutil.copytree(stopped, tmp_path / "stopped")
    return tmp_path / "stopped" / "m"


def test_a_resumed_training_ends_where_an_uninterrupted_one_does(
    pictures: Any, trained: TrainingResult, unfinished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps the emphasis that was found: on another machine a near tie might fall otherwise, and the targets too."""
    monkeypatch.setattr("autoenc.training.session.decide", None)
    resumed = train(pictures, unfinished, **SETTINGS, resume=True)
    assert (trained.resumed_after, resumed.resumed_after) == (None, 2)
    assert [row["epoch"] for row in resumed.history] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in trained.history]
    np.testing.assert_array_equal(resumed.bundle.encode(pictures), trained.bundle.encode(pictures))
    assert resumed.bundle.fingerprint == trained.bundle.fingerprint
    assert resumed.emphasis == trained.emphasis
    assert resumed.bundle.info["training"]["emphasis"] == trained.bundle.info["training"]["emphasis"]
    assert not Checkpoint(unfinished).exists()


def test_an_unfinished_training_is_not_thrown_away(pictures: Any, unfinished: Path) -> None:
    with pytest.raises(TrainingError, match="Continue it with resume=True"):
        train(pictures, unfinished, **SETTINGS)
    with pytest.raises(BundleNotFoundError, match="its training was interrupted: train with resume=True to finish it"):
        load_bundle(unfinished)
    with pytest.raises(TrainingError, match="had seed 0; this one has seed 1"):
        train(pictures, unfinished, **SETTINGS, seed=1, resume=True)
    with pytest.raises(TrainingError, match="had max_images None; this one has max_images 40"):
        train(pictures, unfinished, **SETTINGS, max_images=40, resume=True)
    with pytest.raises(
        TrainingError,
        match=r"had objectives .*structure \(weight 1.0, components.*this one has objectives rec.*\(weight 1.0\)",
    ):
        train(pictures, unfinished, **SETTINGS, objective="reconstruction", resume=True)
    with pytest.raises(TrainingError, match="fingerprint"):
        train(255 - pictures, unfinished, **SETTINGS, resume=True)
    assert Checkpoint(unfinished).exists()


def test_an_unfinished_training_keeps_its_emphasis(pictures: Any, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"epochs": 3, "objective": "structure"}
    with pytest.raises(StopHereError):
        train(pictures, tmp_path / "m", **settings, emphasis={"color": 1}, progress=stop_in_epoch(2))
    state = Checkpoint(tmp_path / "m").folder / "state.npz"
    before = state.read_bytes()
    for other in ("auto", "color", {"color": 1, "texture": 0.1}):
        with pytest.raises(TrainingError, match=r"had emphasis .*'color': 1.*; this one has emphasis ") as raised:
            train(pictures, tmp_path / "m", **settings, emphasis=other, resume=True)
        assert len(str(raised.value).splitlines()) == 1
    assert state.read_bytes() == before
    # The same weights, said in another way.
    result = train(pictures, tmp_path / "m", **settings, emphasis={"color": 1.0, "edges": 0}, resume=True)
    assert (result.resumed_after, result.epochs) == (1, 3)
    assert result.bundle.weights == {"edges": 0, "color": 1, "texture": 0}


def test_an_unfinished_training_of_another_version_is_told(pictures: Any, unfinished: Path) -> None:
    """One that was started before the optimizer was written down had another one."""
    path = Checkpoint(unfinished).folder / "state.npz"
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(arrays["header"].tobytes())
    del header["settings"]["optimizer"]
    np.savez(path, **arrays | {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)})
    with pytest.raises(TrainingError, match=r"started by another version of autoenc\. Delete that folder"):
        train(pictures, unfinished, **SETTINGS, resume=True)


def test_a_damaged_checkpoint_is_a_clear_error(pictures: Any, unfinished: Path) -> None:
    state = Checkpoint(unfinished).folder / "state.npz"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(TrainingError, match="cannot be read"):
        train(pictures, unfinished, **SETTINGS, resume=True)


def test_resume_without_anything_to_resume_begins(plain: Watched) -> None:
    assert (plain.result.epochs, plain.result.resumed_after) == (2, 0)


def test_the_best_epoch_is_kept_and_training_stops_early(
    pictures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a val_loss of 5, 3, 4, 4, 4 ... and a patience of 2 there are four epochs, and the second is kept."""
    measured = iter([5.0, 3.0, 4.0, 4.0, 4.0, 4.0])
    after: list[Any] = []

    def measure(trainer: Trainer, images: Any, targets: Any) -> float:
        after.append(trainer.encoder.get_weights()[0].copy())
        return next(measured)

    monkeypatch.setattr(Trainer, "measure", measure)
    result = train(pictures, tmp_path / "m", epochs=20, patience=2, objective="reconstruction")
    assert (result.epochs, result.best_epoch, result.val_loss) == (4, 2, 3.0)
    assert result.stopped_early
    kept = keras.models.load_model(tmp_path / "m" / "autoencoder.keras").get_layer("encoder").get_weights()[0]
    np.testing.assert_array_equal(kept, after[1])
    assert not np.array_equal(kept, after[3])


def test_held_out_pictures_are_not_trained_on(plain: Watched) -> None:
    trained, held_out = (
        {image.tobytes() for images, _ in seen for image in images} for seen in (plain.steps, plain.measured)
    )
    assert (len(trained), len(held_out)) == (30, 10)
    assert not trained & held_out


# ---- where it is written ----------------------------------------------------------------------------


def test_a_folder_that_holds_something_else_is_refused_before_training(pictures: Any, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="not empty and not a bundle"):
        train(pictures, tmp_path, epochs=1)
    with pytest.raises(OutputError, match="is a file"):
        train(pictures, tmp_path / "thesis.txt", epochs=1)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_failure_while_writing_leaves_nothing(pictures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(trainer: Trainer, path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Trainer, "save", fail)
    with pytest.raises(OutputError, match="No space left"):
        train(pictures, tmp_path / "m", **QUICK)
    assert not (tmp_path / "m").exists()
    assert [file.name for file in tmp_path.iterdir()] == [".m.training"]  # so that resuming needs no epoch


# ---- bad input --------------------------------------------------------------------------------------


def test_what_cannot_be_trained_with_leaves_no_folder(pictures: Any, tmp_path: Path) -> None:
    for settings in ({"epochs": 0}, {"objective": "magic"}, {"emphasis": "form"}, {"emphasis": {"hue": 1}}):
        with pytest.raises(ArgumentError, match=rf"{next(iter(settings))}= must be"):
            train(pictures, tmp_path / "m", **settings)
    assert not list(tmp_path.iterdir())


def test_fewer_than_two_images_are_too_few(pictures: Any, tmp_path: Path) -> None:
    with pytest.raises(NoImagesError, match="at least 2 readable images; found 1"):
        train(pictures[:1], tmp_path / "m")
    assert train(pictures[:2], tmp_path / "m", epochs=1).images == 2


def test_unreadable_files_are_listed(drawn: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    shutil.copytree(drawn / "watch", folder)
    (folder / "bad.jpg").write_bytes(b"bad")
    (folder / "notes.txt").write_text("x")
    result = train(folder, tmp_path / "m", **QUICK)
    assert [skipped.path.name for skipped in result.skipped] == ["bad.jpg"]
    assert result.ignored == 1
    assert result.bundle.info["data"]["skipped"] == 1


def test_a_loss_that_explodes_is_a_clear_error(pictures: Any, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"became .* Train with learning_rate= below 1e\+30"):
        train(pictures, tmp_path / "m", epochs=3, learning_rate=1e30, objective="reconstruction")


def test_a_finished_training_cannot_be_resumed(pictures: Any, trained: TrainingResult, tmp_path: Path) -> None:
    """Rather than train from the start and replace it."""
    shutil.copytree(folder_of(trained), tmp_path / "m")
    with pytest.raises(TrainingError, match="is finished"):
        train(pictures, tmp_path / "m", epochs=9, resume=True)
    assert load_bundle(tmp_path / "m").fingerprint == trained.bundle.fingerprint


def test_two_trainings_of_one_model_keep_out_of_each_others_way(pictures: Any, tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl", reason="locks files as POSIX does")
    checkpoint = Checkpoint(tmp_path / "m")
    checkpoint.folder.mkdir()
    with (checkpoint.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TrainingError, match="Another process is training this model"):
            train(pictures, tmp_path / "m", epochs=1)
        assert checkpoint.folder.exists()
    assert train(pictures, tmp_path / "m", **QUICK).epochs == 1


def test_what_is_put_into_the_folder_during_a_training_is_not_lost(pictures: Any, tmp_path: Path) -> None:
    model = tmp_path / "m"

    def progress(stage: str, done: int, total: int, note: str = "") -> None:
        model.mkdir(exist_ok=True)
        (model / "thesis.txt").write_text("years of work")

    with pytest.raises(OutputError, match=r"thesis\.txt"):
        train(pictures, model, **QUICK, progress=progress)
    assert [file.name for file in model.iterdir()] == ["thesis.txt"]
    (model / "thesis.txt").unlink()
    assert train(pictures, model, **QUICK, resume=True).resumed_after == 1


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_the_state_is_not_saved_over_what_autoenc_did_not_write(pictures: Any, tmp_path: Path, kind: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    place = Checkpoint(tmp_path / "m").folder
    if kind == "file":
        place.touch()
    elif kind == "folder":
        (tmp_path / "mine").rename(place)
    else:
        place.symlink_to(tmp_path / "mine")
    with pytest.raises(TrainingError, match="where something else is"):
        train(pictures, tmp_path / "m", epochs=1)
    assert sum(1 for _ in tmp_path.rglob("thesis.txt")) == 1


@pytest.mark.parametrize("told", [{}, 5, {"asked": "auto", "weights": {"edges": -1}, "scores": [], "reason": ""}])
def test_an_emphasis_that_was_not_saved_so_is_told(pictures: Any, unfinished: Path, told: Any) -> None:
    path = Checkpoint(unfinished).folder / "state.npz"
    with np.load(path) as file:
        arrays = dict(file)
    header = {**json.loads(arrays["header"].tobytes()), "emphasis": told}
    np.savez(path, **{**arrays, "header": np.frombuffer(json.dumps(header).encode(), np.uint8)})
    with pytest.raises(TrainingError, match=r"cannot be read \(its emphasis is"):
        train(pictures, unfinished, **SETTINGS, resume=True)
