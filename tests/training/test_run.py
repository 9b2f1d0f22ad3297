"""Unlabeled images in, a bundle out: whole, repeatable, resumable."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from kinds import gray, kinds_of_color
from PIL import Image

keras = pytest.importorskip("keras", reason="training needs TensorFlow: pip install 'autoenc[train]'")

from autoenc import load_bundle, train  # noqa: E402
from autoenc.errors import (  # noqa: E402
    ArgumentError,
    BundleError,
    BundleNotFoundError,
    NoImagesError,
    OutputError,
    TrainingError,
)
from autoenc.training import examples  # noqa: E402
from autoenc.training.checkpoint import Checkpoint  # noqa: E402
from autoenc.training.descriptors import Describer, joined  # noqa: E402
from autoenc.training.emphasis import EMPHASES  # noqa: E402
from autoenc.training.examples import split  # noqa: E402
from autoenc.training.objectives import Material, Prediction, Reconstruction, Structure  # noqa: E402
from autoenc.training.step import Trainer  # noqa: E402


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


def latents(folder: Path, pictures: Any) -> Any:
    return load_bundle(folder).encode(pictures)


# ---- the bundle -------------------------------------------------------------------------------------


def test_training_lowers_the_loss_and_writes_the_whole_bundle(pictures: Any, tmp_path: Path) -> None:
    result = train(pictures, tmp_path / "m", epochs=15, batch_size=8)
    assert result.history[-1]["loss"] < 0.9 * result.history[0]["loss"]
    assert result.history[-1]["val_loss"] < result.history[0]["val_loss"]
    assert result.epochs == 15
    assert result.val_loss == min(row["val_loss"] for row in result.history)
    assert sorted(file.name for file in (tmp_path / "m").iterdir()) == [
        "augmentations.png",
        "autoencoder.keras",
        "bundle.json",
        "decoder.onnx",
        "encoder.onnx",
        "history.csv",
        "reconstructions.png",
        "training.png",
    ]
    assert [file.name for file in tmp_path.iterdir()] == ["m"]  # nothing is left beside it
    with (tmp_path / "m" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == [row["loss"] for row in result.history]
    for name in ("training.png", "reconstructions.png"):
        with Image.open(tmp_path / "m" / name) as plot:
            assert min(plot.size) > 100


def test_losses_are_means_over_every_picture(pictures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps on 16, 16 and 1 of 33 pictures count by their pictures; val_loss is that of the model that was kept."""
    losses = iter([1.0, 2.0, 35.0])
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_step", lambda trainer, images, targets: next(losses))
        result = train(pictures, tmp_path / "a", epochs=1, batch_size=16, validation=7 / 40, objective="reconstruction")
    assert result.history[0]["loss"] == pytest.approx((16 * 1 + 16 * 2 + 1 * 35) / 33)

    held_out: list[Any] = []
    measure = Trainer.measure
    monkeypatch.setattr(
        Trainer,
        "measure",
        lambda trainer, images, targets: held_out.append(images) or measure(trainer, images, targets),
    )
    result = train(pictures, tmp_path / "b", epochs=1, batch_size=3, validation=7 / 40, objective="reconstruction")
    pixels = np.concatenate(held_out).astype(np.float32) / 255
    decoded = keras.models.load_model(tmp_path / "b" / "autoencoder.keras").predict_on_batch(pixels)
    assert [len(images) for images in held_out] == [3, 3, 1]
    assert result.val_loss == pytest.approx(np.mean((decoded - pixels) ** 2), rel=1e-4)


def test_the_manifest_says_what_the_model_is(pictures: Any, tmp_path: Path) -> None:
    result = train(pictures, tmp_path / "m", epochs=1, seed=5, latent_dim=7)
    info = json.loads((tmp_path / "m" / "bundle.json").read_text())
    assert info == result.bundle.info
    assert info["architecture"] == {"input_size": 32, "latent_dim": 7, "seed": 5}
    assert info["data"]["images"] == 40
    assert info["objective"] == "reconstruction+structure+neighbors"
    assert info["training"]["val_loss"] == result.val_loss
    assert info["training"]["optimizer"] == "muon"
    assert result.emphasis is not None
    assert info["training"]["emphasis"] == result.emphasis.to_dict()
    assert set(info["versions"]) == {"python", "autoenc", "tensorflow", "keras", "numpy", "onnx"}
    assert set(info["checksums"]) == {
        "augmentations.png",
        "autoencoder.keras",
        "decoder.onnx",
        "encoder.onnx",
        "history.csv",
        "reconstructions.png",
        "training.png",
    }


def test_the_exported_encoder_is_the_trained_one(pictures: Any, tmp_path: Path) -> None:
    train(pictures, tmp_path / "m", epochs=2, objective="reconstruction")
    autoencoder = keras.models.load_model(tmp_path / "m" / "autoencoder.keras")
    encoder = autoencoder.get_layer("encoder")
    expected = encoder.predict_on_batch(pictures.astype(np.float32) / 255)
    np.testing.assert_allclose(latents(tmp_path / "m", pictures), expected, rtol=1e-4, atol=1e-5)
    assert autoencoder.predict_on_batch(pictures[:2].astype(np.float32) / 255).shape == (2, 32, 32, 3)


@pytest.mark.parametrize("objective", ["reconstruction", "reconstruction+structure"])
def test_the_exported_decoder_is_the_trained_one(pictures: Any, tmp_path: Path, objective: str) -> None:
    """It takes what the exported encoder returns, whitened or not."""
    bundle = train(pictures, tmp_path / "m", epochs=2, objective=objective).bundle
    assert (bundle.info["whitening"] is None) == (objective == "reconstruction")
    autoencoder = keras.models.load_model(tmp_path / "m" / "autoencoder.keras")
    expected = autoencoder.predict_on_batch(pictures.astype(np.float32) / 255) * 255
    assert bundle.decodes
    np.testing.assert_allclose(bundle.reconstruct(pictures), expected, atol=0.5 + 255e-4)


def test_the_export_is_whitened_as_far_as_was_chosen(
    pictures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Axes uncorrelated over the pictures trained on, each with the standard deviation to the power 1 - strength."""
    monkeypatch.setattr("autoenc.training.selection.WHITENING", (0.25,))
    train(pictures, tmp_path / "m", epochs=2)
    trained_on = pictures[split(len(pictures), 0.1, seed=0)[0]]
    encoder = keras.models.load_model(tmp_path / "m" / "autoencoder.keras").get_layer("encoder")
    raw = encoder.predict_on_batch(trained_on.astype(np.float32) / 255).astype(np.float64)
    variances = np.linalg.eigvalsh(np.cov(raw.T, bias=True))[::-1]
    covariance = np.cov(latents(tmp_path / "m", trained_on).T.astype(np.float64), bias=True)
    kept = variances > 1e-4 * variances[0]
    np.testing.assert_allclose(np.diag(covariance)[kept], variances[kept] ** 0.75, rtol=0.02)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=0.02 * covariance.max())
    assert load_bundle(tmp_path / "m").info["whitening"] == 0.25


def test_the_strength_is_chosen_and_kept_with_what_it_was_chosen_by(pictures: Any, tmp_path: Path) -> None:
    result = train(pictures, tmp_path / "m", epochs=2)
    assert result.bundle.info["whitening"] in (0.0, 0.25, 0.5)
    assert result.bundle.info["cluster_map"] == result.cluster_map
    assert 0 < result.cluster_map <= 1


def test_plain_reconstruction_alters_and_whitens_nothing(pictures: Any, tmp_path: Path) -> None:
    train(pictures, tmp_path / "m", epochs=1, objective="reconstruction")
    assert not (tmp_path / "m" / "augmentations.png").exists()
    info = load_bundle(tmp_path / "m").info
    assert info["whitening"] is None
    assert info["training"]["emphasis"] is None


def test_objectives_with_given_weights(pictures: Any, tmp_path: Path) -> None:
    result = train(pictures, tmp_path / "m", epochs=1, objective=[Reconstruction(2.0), Structure(0.5, components=8)])
    assert result.bundle.info["training"]["objectives"] == [
        {"name": "reconstruction", "weight": 2.0},
        {"name": "structure", "weight": 0.5, "components": 8, "whitening": 0.25},
    ]
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
    assert not train(gray(pictures), tmp_path / "m", epochs=2).health.collapsed


def test_the_graph_has_stable_names_and_takes_bytes(bundle_dir: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(bundle_dir / "encoder.onnx")
    (given,), (made,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape) == ("images", "tensor(uint8)", ["N", 32, 32, 3])
    assert (made.name, made.type, made.shape) == ("latents", "tensor(float)", ["N", 32])


def test_a_folder_of_files_trains_like_its_pixels(drawn: Path, tmp_path: Path) -> None:
    """Same pictures, same order: the folder is only a way to name them."""
    from autoenc.images.cache import load_pixels
    from autoenc.images.finding import find_images

    files = find_images(drawn).paths
    images = load_pixels(files).images
    train(drawn, tmp_path / "a", epochs=1)
    train(np.array(images), tmp_path / "b", epochs=1)
    train([str(file) for file in files], tmp_path / "c", epochs=1)
    expected = latents(tmp_path / "a", images)
    np.testing.assert_array_equal(latents(tmp_path / "b", images), expected)
    np.testing.assert_array_equal(latents(tmp_path / "c", images), expected)


def test_images_in_memory_may_have_any_size_and_form(pictures: Any, tmp_path: Path) -> None:
    """The same forty, enlarged, as arrays and as PIL images: blocks of equal pixels shrink back to what they were."""
    enlarged = pictures.repeat(2, axis=1).repeat(3, axis=2)
    mixed = [Image.fromarray(image) if at % 2 else image for at, image in enumerate(enlarged)]
    for name, images in (("plain", pictures), ("one array", enlarged), ("a list", mixed)):
        assert train(images, tmp_path / name, epochs=1, objective="reconstruction").found == 40
    expected = latents(tmp_path / "plain", pictures)
    np.testing.assert_array_equal(latents(tmp_path / "one array", pictures), expected)
    np.testing.assert_array_equal(latents(tmp_path / "a list", pictures), expected)


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
    result = train(pictures, tmp_path / "m", epochs=1, emphasis=asked)
    assert result.emphasis is not None
    assert result.emphasis.mix.to_dict() == weights
    assert result.bundle.weights == weights
    recorded = result.bundle.info["training"]["emphasis"]
    assert recorded["asked"] == (asked if isinstance(asked, str) else weights)
    assert recorded["scores"] == []


def test_the_emphasis_is_found_from_the_images(tmp_path: Path) -> None:
    told: set[str] = set()
    images = kinds_of_color(240)[0]
    result = train(images, tmp_path / "m", epochs=1, progress=lambda stage, *_: told.add(stage))
    assert result.emphasis is not None
    assert result.emphasis.mix.color > result.emphasis.mix.edges
    assert result.emphasis.scores
    assert result.bundle.weights == result.emphasis.mix.to_dict()
    assert "choosing" in told


def test_few_images_are_told_why_nothing_was_chosen(pictures: Any, tmp_path: Path) -> None:
    result = train(pictures, tmp_path / "m", epochs=1)
    assert result.emphasis is not None
    assert result.emphasis.reason.startswith("there are fewer than")
    assert result.bundle.info["training"]["emphasis"]["reason"] == result.emphasis.reason


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
        train(pictures, tmp_path / str(gain), epochs=1, emphasis=asked)
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
    for most in (20_000, 10):
        monkeypatch.setattr("autoenc.training.session.FITTED_ON", most)
        train(images, tmp_path / str(most), epochs=1, objective="structure", emphasis="color")
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
    result = train(gray(pictures), tmp_path / "m", epochs=1, emphasis="color")
    assert result.bundle.weights == {"edges": 0.3, "color": 0, "texture": 0.3}
    assert result.emphasis is not None
    assert result.emphasis.reason == "the images are gray"


# ---- a sample ---------------------------------------------------------------------------------------


def test_a_sample_is_drawn_evenly_before_anything_is_read(drawn: Path, tmp_path: Path) -> None:
    """Of 48 files in the order of their paths, 4 are the first, the last and two between them."""
    from autoenc.images.cache import load_pixels
    from autoenc.images.finding import find_images

    files = find_images(drawn).paths
    seen: list[tuple[str, int, int]] = []
    result = train(drawn, tmp_path / "m", epochs=1, max_images=4, progress=lambda *told: seen.append(told[:3]))
    assert seen[0] == ("reading", 4, 4)
    assert (result.images, result.found) == (4, 48)
    assert {name: result.bundle.info["data"][name] for name in ("images", "found")} == {"images": 4, "found": 48}
    assert result.bundle.info["training"]["max_images"] == 4
    chosen = load_pixels([files[at] for at in (0, 15, 31, 47)]).images
    same = train(np.array(chosen), tmp_path / "same", epochs=1)
    assert (same.images, same.found) == (4, 4)
    np.testing.assert_array_equal(latents(tmp_path / "m", chosen), latents(tmp_path / "same", chosen))


def test_a_larger_sample_than_there_are_images_is_all_of_them(pictures: Any, tmp_path: Path) -> None:
    result = train(pictures, tmp_path / "m", epochs=1, max_images=1000)
    assert (result.images, result.found) == (40, 40)


# ---- repeatable, resumable --------------------------------------------------------------------------


def test_one_seed_gives_one_result(pictures: Any, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("again", 1), ("other", 2)):
        train(pictures, tmp_path / name, epochs=2, batch_size=16, seed=seed)
    first, again, other = (latents(tmp_path / name, pictures) for name in ("a", "again", "other"))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    (one, two, three) = (load_bundle(tmp_path / name).fingerprint for name in ("a", "again", "other"))
    decoders = [(tmp_path / name / "decoder.onnx").read_bytes() for name in ("a", "again", "other")]
    assert decoders[0] == decoders[1] != decoders[2]
    assert one == two != three  # so that a store made with one takes the other


class StopHereError(Exception):
    pass


def stop_in_epoch(epoch: int) -> Any:
    def progress(stage: str, done: int, total: int, note: str = "") -> None:
        if note.startswith(f"epoch {epoch},"):
            raise StopHereError

    return progress


def test_a_resumed_training_ends_where_an_uninterrupted_one_does(pictures: Any, tmp_path: Path) -> None:
    whole = train(pictures, tmp_path / "whole", epochs=5, batch_size=16)
    with pytest.raises(StopHereError):
        train(pictures, tmp_path / "m", epochs=5, batch_size=16, progress=stop_in_epoch(3))
    assert not (tmp_path / "m").exists()
    resumed = train(pictures, tmp_path / "m", epochs=5, batch_size=16, resume=True)
    assert (whole.resumed_after, resumed.resumed_after) == (None, 2)
    assert [row["epoch"] for row in resumed.history] == [1, 2, 3, 4, 5]
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
    np.testing.assert_array_equal(latents(tmp_path / "m", pictures), latents(tmp_path / "whole", pictures))
    assert not Checkpoint(tmp_path / "m").exists()


def test_an_unfinished_training_is_not_thrown_away(pictures: Any, tmp_path: Path) -> None:
    with pytest.raises(StopHereError):
        train(pictures, tmp_path / "m", epochs=5, progress=stop_in_epoch(2))
    with pytest.raises(TrainingError, match="Continue it with resume=True"):
        train(pictures, tmp_path / "m", epochs=5)
    with pytest.raises(BundleNotFoundError, match="its training was interrupted: train with resume=True to finish it"):
        load_bundle(tmp_path / "m")
    with pytest.raises(TrainingError, match="had seed 0; this one has seed 1"):
        train(pictures, tmp_path / "m", epochs=5, seed=1, resume=True)
    with pytest.raises(TrainingError, match="had max_images None; this one has max_images 40"):
        train(pictures, tmp_path / "m", epochs=5, max_images=40, resume=True)
    with pytest.raises(
        TrainingError,
        match=r"had objectives .*structure \(weight 1.0, components.*this one has objectives rec.*\(weight 1.0\)",
    ):
        train(pictures, tmp_path / "m", epochs=5, objective="reconstruction", resume=True)
    with pytest.raises(TrainingError, match="fingerprint"):
        train(255 - pictures, tmp_path / "m", epochs=5, resume=True)
    assert Checkpoint(tmp_path / "m").exists()


def test_an_unfinished_training_keeps_its_emphasis(pictures: Any, tmp_path: Path) -> None:
    with pytest.raises(StopHereError):
        train(pictures, tmp_path / "m", epochs=3, emphasis={"color": 1}, progress=stop_in_epoch(2))
    state = Checkpoint(tmp_path / "m").folder / "state.npz"
    before = state.read_bytes()
    for other in ("auto", "color", {"color": 1, "texture": 0.1}):
        with pytest.raises(TrainingError, match=r"had emphasis .*'color': 1.*; this one has emphasis ") as raised:
            train(pictures, tmp_path / "m", epochs=3, emphasis=other, resume=True)
        assert len(str(raised.value).splitlines()) == 1
    assert state.read_bytes() == before
    # The same weights, said in another way.
    result = train(pictures, tmp_path / "m", epochs=3, emphasis={"color": 1.0, "edges": 0}, resume=True)
    assert (result.resumed_after, result.epochs) == (1, 3)
    assert result.bundle.weights == {"edges": 0, "color": 1, "texture": 0}


def test_an_unfinished_training_of_another_version_is_told(pictures: Any, tmp_path: Path) -> None:
    """One that was started before the optimizer was written down had another one."""
    with pytest.raises(StopHereError):
        train(pictures, tmp_path / "m", epochs=5, progress=stop_in_epoch(2))
    path = Checkpoint(tmp_path / "m").folder / "state.npz"
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(arrays["header"].tobytes())
    del header["settings"]["optimizer"]
    np.savez(path, **arrays | {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)})
    with pytest.raises(TrainingError, match=r"started by another version of autoenc\. Delete that folder"):
        train(pictures, tmp_path / "m", epochs=5, resume=True)


def test_a_damaged_checkpoint_is_a_clear_error(pictures: Any, tmp_path: Path) -> None:
    with pytest.raises(StopHereError):
        train(pictures, tmp_path / "m", epochs=5, progress=stop_in_epoch(2))
    state = Checkpoint(tmp_path / "m").folder / "state.npz"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(TrainingError, match="cannot be read"):
        train(pictures, tmp_path / "m", epochs=5, resume=True)


def test_resume_without_anything_to_resume_begins(pictures: Any, tmp_path: Path) -> None:
    result = train(pictures, tmp_path / "m", epochs=1, resume=True)
    assert (result.epochs, result.resumed_after) == (1, 0)


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
    result = train(pictures, tmp_path / "m", epochs=20, patience=2)
    assert (result.epochs, result.best_epoch, result.val_loss) == (4, 2, 3.0)
    assert result.stopped_early
    kept = keras.models.load_model(tmp_path / "m" / "autoencoder.keras").get_layer("encoder").get_weights()[0]
    np.testing.assert_array_equal(kept, after[1])
    assert not np.array_equal(kept, after[3])


def test_held_out_pictures_are_not_trained_on(pictures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: set[bytes] = set()
    held_out: set[bytes] = set()
    step, measure = Trainer.train_step, Trainer.measure

    def watch(seen: set[bytes], method: Any) -> Any:
        def watched(trainer: Trainer, images: Any, targets: Any) -> float:
            seen.update(image.tobytes() for image in images)
            return float(method(trainer, images, targets))

        return watched

    monkeypatch.setattr(Trainer, "train_step", watch(trained, step))
    monkeypatch.setattr(Trainer, "measure", watch(held_out, measure))
    train(pictures, tmp_path / "m", epochs=2, validation=0.25, objective="reconstruction")
    assert (len(trained), len(held_out)) == (30, 10)
    assert not trained & held_out


# ---- where it is written ----------------------------------------------------------------------------


def test_a_bundle_is_replaced_by_a_new_one(pictures: Any, tmp_path: Path) -> None:
    train(pictures, tmp_path / "m", epochs=1, seed=1)
    before = load_bundle(tmp_path / "m").fingerprint
    train(pictures, tmp_path / "m", epochs=1, seed=2)
    assert load_bundle(tmp_path / "m").fingerprint != before
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


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
        train(pictures, tmp_path / "m", epochs=1)
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
    result = train(folder, tmp_path / "m", epochs=1)
    assert [skipped.path.name for skipped in result.skipped] == ["bad.jpg"]
    assert result.ignored == 1
    assert result.bundle.info["data"]["skipped"] == 1


def test_a_loss_that_explodes_is_a_clear_error(pictures: Any, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"became .* Train with a learning_rate= below 1e\+30"):
        train(pictures, tmp_path / "m", epochs=3, learning_rate=1e30)


def test_a_finished_training_cannot_be_resumed(pictures: Any, tmp_path: Path) -> None:
    """Rather than train from the start and replace it."""
    train(pictures, tmp_path / "m", epochs=1)
    before = load_bundle(tmp_path / "m").fingerprint
    with pytest.raises(TrainingError, match="is finished"):
        train(pictures, tmp_path / "m", epochs=5, resume=True)
    assert load_bundle(tmp_path / "m").fingerprint == before


def test_two_trainings_of_one_model_keep_out_of_each_others_way(pictures: Any, tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl", reason="locks files as POSIX does")
    checkpoint = Checkpoint(tmp_path / "m")
    checkpoint.folder.mkdir()
    with (checkpoint.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TrainingError, match="Another process is training this model"):
            train(pictures, tmp_path / "m", epochs=1)
        assert checkpoint.folder.exists()
    assert train(pictures, tmp_path / "m", epochs=1).epochs == 1


def test_what_is_put_into_the_folder_during_a_training_is_not_lost(pictures: Any, tmp_path: Path) -> None:
    model = tmp_path / "m"

    def progress(stage: str, done: int, total: int, note: str = "") -> None:
        model.mkdir(exist_ok=True)
        (model / "thesis.txt").write_text("years of work")

    with pytest.raises(OutputError, match=r"thesis\.txt"):
        train(pictures, model, epochs=1, progress=progress)
    assert [file.name for file in model.iterdir()] == ["thesis.txt"]
    (model / "thesis.txt").unlink()
    assert train(pictures, model, epochs=1, resume=True).resumed_after == 1


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
