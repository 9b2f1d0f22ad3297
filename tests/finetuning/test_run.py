"""Class folders in, a bundle that classifies out: whole, repeatable, resumable."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from finetunings import SMALL, tiny_base
from PIL import Image

keras = pytest.importorskip("keras", reason="fine-tuning needs TensorFlow: pip install 'autoenc[train]'")

from autoenc import classify, finetune, load_bundle  # noqa: E402
from autoenc.encoders.applications import APPLICATIONS, preprocess  # noqa: E402
from autoenc.encoders.building import build_base  # noqa: E402
from autoenc.errors import (  # noqa: E402
    ArgumentError,
    EncoderError,
    LabelsError,
    NoImagesError,
    OutputError,
    TrainingError,
)
from autoenc.finetuning import features, loop, network  # noqa: E402
from autoenc.finetuning.bases import TOPS  # noqa: E402
from autoenc.finetuning.network import Classifier, Phase  # noqa: E402
from autoenc.finetuning.result import FinetuningResult  # noqa: E402
from autoenc.images.cache import load_pixels  # noqa: E402
from autoenc.training.checkpoint import Checkpoint  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def base() -> Iterator[None]:
    with tiny_base():
        yield


@dataclass
class Done:
    """A finished fine-tuning, its bundle, and its checkpoint as it was after each epoch; 0 is before the features."""

    result: FinetuningResult
    folder: Path
    states: Path

    def taken_up(self, epoch: int, model: Path) -> None:
        """Leave a checkpoint as if the process had been killed after that epoch."""
        shutil.copytree(self.states / str(epoch), model.with_name(f".{model.name}.training"))


@pytest.fixture(scope="module")
def done(base: None, drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("fine")
    save = Checkpoint.save

    def keeping(checkpoint: Checkpoint, state: Any) -> None:
        save(checkpoint, state)
        shutil.copytree(checkpoint.folder, folder / "states" / str(len(state.history)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "save", keeping)
        result = finetune(drawn, folder / "m", **SMALL)
    return Done(result, folder / "m", folder / "states")


@pytest.fixture(scope="module")
def fine(done: Done) -> Path:
    """The folder of the bundle."""
    return done.folder


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open() as file:
        return [*csv.DictReader(file)]


# ---- the bundle -------------------------------------------------------------------------------------


def test_the_bundle_is_whole(fine: Path) -> None:
    pictures = {"training.png", "confusion.png"}
    networks = {"encoder.onnx", "classifier.onnx", "classifier.keras"}
    files = networks | {"bundle.json", "MODEL_CARD.md", "history.csv", "confusion.csv"}
    assert {file.name for file in fine.iterdir()} == files | pictures
    for name in pictures:
        with Image.open(fine / name) as image:
            assert image.format == "PNG"
    info = json.loads((fine / "bundle.json").read_text())
    assert info["architecture"] == {"input_size": 32, "latent_dim": 8, "seed": 0, "base": "tiny"}
    assert info["classes"] == ["bicycle", "shoe", "t-shirt", "watch"]
    assert (info["data"]["images"], info["data"]["held_out"]) == (48, 12)
    assert set(info["checksums"]) == (files | pictures) - {"bundle.json"}
    best = rows_of(fine)[info["training"]["best_epoch"] - 1]
    assert (
        float(best["val_loss"]) == info["training"]["val_loss"] == min(float(row["val_loss"]) for row in rows_of(fine))
    )
    assert [row["phase"] for row in rows_of(fine)] == ["1", "1", "2", "2"]


def test_the_confusion_matrix_holds_every_held_out_image_once(fine: Path) -> None:
    with (fine / "confusion.csv").open() as file:
        rows = [*csv.reader(file)]
    assert rows[0] == ["class", "bicycle", "shoe", "t-shirt", "watch"]
    assert [(row[0], sum(map(int, row[1:]))) for row in rows[1:]] == [(name, 3) for name in rows[0][1:]]
    right = sum(int(row[at]) for at, row in enumerate(rows) if at)
    accuracy = json.loads((fine / "bundle.json").read_text())["training"]["val_accuracy"]
    assert accuracy == pytest.approx(right / 12)


def test_what_is_exported_is_what_was_trained(fine: Path, drawn: Path) -> None:
    """Encoder and classifier, run by ONNX Runtime, give what all of it gives in Keras."""
    bundle, paths = load_bundle(fine), sorted(drawn.glob("*/*.jpg"))
    pixels = load_pixels(paths, 32).images
    model = keras.saving.load_model(fine / network.KERAS, safe_mode=True)
    latents = bundle.encode(paths)
    assert latents.std() > 0.01
    np.testing.assert_allclose(bundle.classify(latents), model.predict_on_batch(pixels), atol=1e-4)
    np.testing.assert_allclose([image.probability for image in classify(drawn, bundle, progress=False).images],
                               model.predict_on_batch(pixels).max(axis=1), atol=1e-4)  # fmt: skip


def test_the_result_tells_what_was_done(done: Done) -> None:
    result = done.result
    assert (result.epochs, result.head_epochs, result.images, result.held_out) == (4, 2, 48, 12)
    assert [row["phase"] for row in result.history] == [1, 1, 2, 2]
    assert result.val_loss == min(row["val_loss"] for row in result.history)
    assert np.trace(result.confusion) / 12 == pytest.approx(result.val_accuracy)
    assert "The weights of the base were random: it had learned nothing before." in result.notes
    assert result.notes[-1] == "The accuracy was measured on 12 held-out images: too few to rely on."
    assert json.loads(json.dumps(result.to_dict()))["classes"] == [*result.classes]
    assert repr(result).startswith("<FinetuningResult 48 images, 4 classes, val_accuracy ")
    assert not done.folder.with_name(".m.training").exists()


def test_more_epochs_are_advised_though_the_head_ended_early(done: Done) -> None:
    told = "val_loss was lowest after the last epoch: more epochs may help."
    assert told in replace(done.result, best_epoch=4, stopped_early=True).notes
    assert told not in replace(done.result, best_epoch=3, stopped_early=True).notes


# ---- what is trained --------------------------------------------------------------------------------


@pytest.mark.parametrize("top", [False, True])
def test_only_the_phase_s_own_layers_learn_and_batch_normalization_does_not(top: bool) -> None:
    classifier = Classifier("tiny", build_base("tiny", "random", size=32), 3, 8, seed=0)
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), np.uint8)
    activations, features = classifier.describe(images)
    phase = Phase(classifier, top=top, learning_rate=0.1, steps=10)

    def variables() -> dict[str, np.ndarray]:
        every = [*classifier.base.variables, *classifier.head.trainable_variables]
        return {variable.path: np.asarray(variable).copy() for variable in every}

    before = variables()
    phase.train_step(activations if top else features, np.arange(6) % 3, np.ones(6, np.float32))
    after = variables()
    head = {"latents/kernel", "latents/bias", "classes/kernel", "classes/bias"}
    changed = {path for path in before if not np.array_equal(before[path], after[path])}
    assert changed == head | ({"top_conv/kernel", "top_conv/bias"} if top else set())


@pytest.mark.parametrize("name", ["mobilenet", "mobilenetv3", "resnet50", "efficientnetb0", "vgg16", "tiny"])
def test_every_base_is_cut_where_its_top_blocks_begin(name: str) -> None:
    """What the bottom makes of images, given to the top, are the features that the whole base makes."""
    whole = build_base(name, "random", size=32)
    for layer in whole.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):  # or else next to nothing passes through many of them
            layer.kernel.assign(layer.kernel * layer.kernel.shape[2] ** 0.5)
    if APPLICATIONS[name].layer is None:
        assert whole.count_params() == APPLICATIONS[name].parameters
    classifier = Classifier(name, whole, 2, 4, seed=0)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    activations, found = classifier.describe(images)
    maps = np.asarray(whole(preprocess(name)(images), training=False))
    np.testing.assert_allclose(found, maps.mean(axis=(1, 2)), rtol=1e-3, atol=1e-5)
    again = np.asarray(classifier.top(activations.astype(np.float32), training=False))
    np.testing.assert_allclose(again, found, rtol=0.02, atol=0.01 * np.abs(found).max())
    assert found.std() > 0
    assert name in TOPS
    assert classifier.top.count_params() > 0


def test_classes_weigh_as_they_are_told() -> None:
    """The loss of a step is the mean of the images' cross-entropies, each times its weight."""
    classifier = Classifier("tiny", build_base("tiny", "random", size=32), 3, 8, seed=0)
    phase = Phase(classifier, top=False, learning_rate=1e-9, steps=1)
    given = np.random.default_rng(0).random((4, 16), np.float32)
    for layer in classifier.head.layers:
        for inner in layer.layers:
            if isinstance(inner, keras.layers.Dropout):
                inner.rate = 0.0
    labels, weights = np.array([0, 1, 2, 2]), np.array([1, 2, 3, 4], np.float32)
    logits = phase.predict(given)
    likely = loop._softmax(logits)[np.arange(4), labels]
    loss, accuracy = phase.train_step(given, labels, weights)
    assert loss == pytest.approx(float((-np.log(likely) * weights).mean()), rel=1e-4)
    assert accuracy == (logits.argmax(axis=1) == labels).mean()


def test_the_rate_of_the_top_blocks_rises_then_falls() -> None:
    classifier = Classifier("tiny", build_base("tiny", "random", size=32), 3, 8, seed=0)
    phase = Phase(classifier, top=True, learning_rate=0.1, steps=12, rising=4)
    rates = [float(phase.model.optimizer._learning_rate(step)) for step in (0, 2, 4, 8, 12)]
    assert rates == pytest.approx([0, 0.05, 0.1, 0.05, 0])
    phase = Phase(classifier, top=False, learning_rate=0.1, steps=12)
    assert float(phase.model.optimizer._learning_rate(0)) == pytest.approx(0.1)


# ---- stopping and going on --------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [0, 1, 2, 3])
def test_a_resumed_fine_tuning_ends_where_an_uninterrupted_one_does(
    done: Done, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs: int
) -> None:
    done.taken_up(epochs, tmp_path / "m")
    if epochs:  # nothing is computed again
        monkeypatch.setattr(Classifier, "describe", None)
    monkeypatch.setattr(Classifier, "export", _note_weights)
    with pytest.raises(NotedError) as noted:
        finetune(drawn, tmp_path / "m", **SMALL, resume=True)
    expected = keras.saving.load_model(done.folder / network.KERAS, safe_mode=True).get_weights()
    assert len(noted.value.weights) == len(expected)
    for mine, theirs in zip(noted.value.weights, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


class NotedError(Exception):
    """Ends a fine-tuning when it would be exported, which takes long."""

    def __init__(self, weights: list[Any]) -> None:
        self.weights = weights


def _note_weights(classifier: Classifier, folder: Path) -> None:
    raise NotedError([*classifier.bottom.get_weights(), *classifier.top.get_weights(), *_head(classifier)])


def _head(classifier: Classifier) -> list[Any]:
    return [np.asarray(variable) for variable in classifier.head.trainable_variables]


@pytest.fixture
def stopped(done: Done, drawn: Path, tmp_path: Path) -> Path:
    """A folder with a fine-tuning that was stopped after its first epoch, and a copy of its images."""
    shutil.copytree(drawn, tmp_path / "photos")
    done.taken_up(1, tmp_path / "m")
    return tmp_path


def test_an_unfinished_fine_tuning_is_not_thrown_away(stopped: Path) -> None:
    with pytest.raises(TrainingError, match="Continue it with resume=True"):
        finetune(stopped / "photos", stopped / "m", **SMALL)


def test_other_labels_are_refused(stopped: Path) -> None:
    moved = stopped / "photos" / "shoe" / "001.jpg"
    moved.rename(stopped / "photos" / "bicycle" / "901.jpg")
    with pytest.raises(TrainingError, match=r"Cannot resume: .* had .*labels .*; this one has .*labels"):
        finetune(stopped / "photos", stopped / "m", **SMALL, resume=True)


def test_another_class_is_refused_by_name(stopped: Path) -> None:
    (stopped / "photos" / "shoe").rename(stopped / "photos" / "boot")
    with pytest.raises(TrainingError, match=r"had .*'shoe'.*; this one has .*'boot'"):
        finetune(stopped / "photos", stopped / "m", **SMALL, resume=True)


@pytest.mark.parametrize(
    ("name", "value"), [("seed", 1), ("latent_dim", 9), ("copies", 3), ("class_weights", None), ("top_epochs", 3)]
)
def test_other_settings_are_refused(stopped: Path, name: str, value: object) -> None:
    with pytest.raises(TrainingError, match=f"Cannot resume: .* had .*{name} "):
        finetune(stopped / "photos", stopped / "m", **{**SMALL, name: value}, resume=True)


def test_a_damaged_state_is_told(stopped: Path) -> None:
    (stopped / ".m.training" / "state.npz").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="cannot be read"):
        finetune(stopped / "photos", stopped / "m", **SMALL, resume=True)


def test_a_finished_one_cannot_be_resumed(fine: Path, drawn: Path) -> None:
    with pytest.raises(TrainingError, match="There is nothing to resume"):
        finetune(drawn, fine, **SMALL, resume=True)


def test_a_phase_ends_early_and_the_best_epoch_is_kept(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losses from a list: the head stops after its fourth epoch, the top blocks after their second, without gain."""
    losses = iter([1.0, 0.5, 0.6, 0.7, 0.8, 0.9])
    monkeypatch.setattr(loop, "measured", lambda *_: (next(losses), 0.5))
    kept: list[list[np.ndarray]] = []
    restore = Phase.restore_weights

    def restored(phase: Phase, weights: list[Any]) -> None:
        kept.append(weights)
        restore(phase, weights)

    monkeypatch.setattr(Phase, "restore_weights", restored)
    monkeypatch.setattr(Classifier, "export", _note_weights)
    with pytest.raises(NotedError) as noted:
        finetune(drawn, tmp_path / "m", **{**SMALL, "epochs": 9, "top_epochs": 9, "patience": 2})
    state = np.load(tmp_path / ".m.training" / "state.npz", allow_pickle=False)
    history = json.loads(state["header"].tobytes())["history"]
    assert [(row["phase"], row["val_loss"]) for row in history] == [
        (1, 1.0), (1, 0.5), (1, 0.6), (1, 0.7), (2, 0.8), (2, 0.9)
    ]  # fmt: skip
    for mine, best in zip(noted.value.weights[-4:], kept[0], strict=True):  # the head of the second epoch
        np.testing.assert_array_equal(mine, best)


# ---- what cannot be done ----------------------------------------------------------------------------


def refused(error: type[Exception], match: str, images: Path, model: Path, **options: Any) -> None:
    with pytest.raises(error, match=match) as raised:
        finetune(images, model, **{**SMALL, **options})
    assert str(raised.value).isprintable()
    assert not model.exists()
    assert not model.with_name(f".{model.name}.training").exists()


def test_one_class_or_an_image_alone(drawn: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn / "shoe", tmp_path / "photos" / "shoe")
    refused(LabelsError, "found only 'shoe'", tmp_path / "photos", tmp_path / "m")
    refused(LabelsError, "found none", drawn / "shoe", tmp_path / "m")
    (tmp_path / "photos" / "bicycle").mkdir()
    shutil.copy(drawn / "bicycle" / "001.jpg", tmp_path / "photos" / "bicycle")
    refused(LabelsError, r"'bicycle' has 1\. ", tmp_path / "photos", tmp_path / "m")
    (tmp_path / "photos" / "bicycle" / "broken.jpg").write_bytes(b"no image")
    refused(LabelsError, r"'bicycle' has 1\. ", tmp_path / "photos", tmp_path / "m")


def test_a_folder_to_validate_on(drawn: Path, tmp_path: Path) -> None:
    held_out = tmp_path / "held out"
    for name in ("bicycle", "shoe", "t-shirt", "watch"):
        (held_out / name).mkdir(parents=True)
        shutil.copy(drawn / name / "002.jpg", held_out / name / "x.jpg")
    (held_out / "stray.jpg").write_bytes((drawn / "bicycle" / "001.jpg").read_bytes())
    refused(ArgumentError, "is among the images to train on and in the folder", drawn, tmp_path / "m", validation=drawn)
    result = finetune(drawn, tmp_path / "m", **{**SMALL, "validation": held_out, "top_epochs": 0, "epochs": 1})
    assert (result.images, result.held_out, result.epochs, result.head_epochs) == (52, 4, 1, 1)
    assert [file.path.name for file in result.skipped] == ["stray.jpg"]
    assert np.sum(result.confusion, axis=1).tolist() == [1, 1, 1, 1]
    shutil.rmtree(held_out / "bicycle")
    refused(LabelsError, "'bicycle' has none in the folder of validation=", drawn, tmp_path / "n", validation=held_out)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"base": "alexnet"}, r"base=: Unknown network 'alexnet'; those .* mobilenet"),
        ({"base": "MobileNet2"}, r"Did you mean 'mobilenet'\?"),
        ({"base": 5}, r"base=: Unknown network 5; those .* mobilenet"),
        ({"base": ["mobilenet"]}, r"base=: Unknown network \['mobilenet'\]; .* Did you mean 'mobilenet'\?"),
        ({"epochs": 0}, "epochs= must be a whole number, 1 or more"),
        ({"top_epochs": -1}, "top_epochs= must be"),
        ({"copies": 0}, "copies= must be"),
        ({"size": 31}, "size= must be a whole number from 32 to 256"),
        ({"size": 257}, "size= must be"),
        ({"learning_rate": 0}, "learning_rate= must be"),
        ({"top_learning_rate": float("nan")}, "top_learning_rate= must be"),
        ({"validation": 1.0}, "validation= must be a share"),
        ({"class_weights": "heavy"}, "class_weights= must be"),
        ({"class_weights": {"shoe": 1}}, "one weight for each of the 4 classes"),
        ({"latent_dim": 65_537}, "latent_dim= must be at most 65536; got 65537"),
        ({"seed": 2**32}, "seed= must be at most"),
        ({"weights": "random"}, "weights= maps names of encoders to files"),
        ({"weights": {"vgg16": "random"}}, "weights= names vgg16, and the encoders are tiny"),
    ],
)
def test_values_that_cannot_be(drawn: Path, tmp_path: Path, options: dict[str, Any], reason: str) -> None:
    refused(ArgumentError, reason, drawn, tmp_path / "m", **options)


def test_weights_of_another_network_or_none(drawn: Path, tmp_path: Path) -> None:
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    other.save_weights(tmp_path / "other.weights.h5")
    weights = {"tiny": str(tmp_path / "other.weights.h5")}
    refused(EncoderError, "Expected the weights of Tiny", drawn, tmp_path / "m", weights=weights)
    refused(EncoderError, r"gone\.h5", drawn, tmp_path / "m", weights={"tiny": str(tmp_path / "gone.h5")})


def test_images_that_are_none_and_places_that_cannot_be(drawn: Path, tmp_path: Path) -> None:
    refused(NoImagesError, "does not exist", tmp_path / "gone", tmp_path / "m")
    with pytest.raises(ArgumentError, match="Expected a folder of class folders; got"):
        finetune([drawn], tmp_path / "m", **SMALL)  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="where images are read"):
        finetune(drawn, drawn / "m", **SMALL)


def test_a_loss_that_explodes_names_the_rate_to_lower(drawn: Path, tmp_path: Path) -> None:
    options = {**SMALL, "learning_rate": 1e30, "top_epochs": 0}
    told = r"in epoch \d\. Delete .*\.m\.training, then train with learning_rate= below 1e\+30"
    with pytest.raises(TrainingError, match=told):
        finetune(drawn, tmp_path / "m", **options)
    assert (tmp_path / ".m.training").is_dir()


def test_no_room_for_the_features_leaves_nothing_so_that_fewer_copies_can_be_asked_for(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    refused(TrainingError, "GB free. Lower copies=", drawn, tmp_path / "m")


# ---- real photos ------------------------------------------------------------------------------------


def test_a_pretrained_base_tells_real_photos_apart(data_dir: Path, photos_dir: Path, tmp_path: Path) -> None:
    """Ten photos of each of four classes suffice for the frozen ImageNet MobileNet, at half its size."""
    weights = data_dir / "models" / "mobilenet_1_0_224_notop.weights.h5"
    if not weights.is_file():
        pytest.skip(f"no pretrained weights in {weights}")
    for name in ("dress", "hat", "pants", "shoes"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for file in sorted((photos_dir / "train" / name).iterdir())[:14]:
            shutil.copy(file, tmp_path / "photos" / name)
    options = {"size": 128, "batch_size": 8, "epochs": 20, "top_epochs": 1, "copies": 2, "validation": 0.3}
    own = {"mobilenet": str(weights)}
    result = finetune(tmp_path / "photos", tmp_path / "m", weights=own, progress=False, **options)
    assert result.held_out == 16
    assert result.val_accuracy >= 0.75  # chance is 0.25
