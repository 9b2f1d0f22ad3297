"""What training minimizes, against NumPy."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("keras", reason="objectives need TensorFlow: pip install 'autoenc[train]'")

from autoenc.errors import ArgumentError
from autoenc.training.descriptors import Describer, Mix, joined
from autoenc.training.diffusion import Diffusion
from autoenc.training.model import ModelConfig
from autoenc.training.objectives import (
    DEFAULT_OBJECTIVE,
    Batch,
    Material,
    Neighbors,
    Prediction,
    Reconstruction,
    Structure,
    Supervised,
    create_objectives,
)
from autoenc.training.step import Trainer
from autoenc.vectors import unit_rows


def batch(**given: Any) -> Batch:
    return Batch(**{"pixels": None, "latents": None, "decoded": None, "targets": {}, **given})


def descriptions(count: int, seed: int = 0) -> Any:
    """Rows of length 1, each of its own, with larger and smaller axes."""
    rows = np.random.default_rng(seed).normal(size=(count, 20)) * np.linspace(2, 0.2, 20)
    return unit_rows(rows.astype(np.float32))


def prepared(objective: Any, described: Any, fitted: Any = None, latent_dim: int = 32) -> Any:
    """The targets of the images with these rows, fitted on those at `fitted`: all, or as many from the first."""
    if not isinstance(fitted, np.ndarray):
        fitted = np.arange(len(described) if fitted is None else fitted)
    images = np.zeros((len(described), 32, 32, 3), np.uint8)  # what is not described is not looked at
    return objective.prepare(Material(images, fitted, described, latent_dim))


# ---- reconstruction ---------------------------------------------------------------------------------


def test_reconstruction_is_the_mean_squared_error() -> None:
    rng = np.random.default_rng(0)
    pixels, decoded = rng.random((2, 5, 32, 32, 3), dtype=np.float32)
    loss = Reconstruction().loss(batch(pixels=pixels, decoded=decoded))
    assert float(loss) == pytest.approx(np.mean((pixels - decoded) ** 2), rel=1e-5)


def test_a_perfect_decoder_has_no_loss() -> None:
    pixels = np.full((1, 32, 32, 3), 0.25, np.float32)
    assert float(Reconstruction().loss(batch(pixels=pixels, decoded=pixels))) == 0.0


# ---- structure --------------------------------------------------------------------------------------


def slow_components(rows: Any, kept: int, whitening: float) -> Any:
    """PCA by singular values, scaled to a mean square of 1."""
    left, singular, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    components = left[:, :kept] * singular[:kept] / (singular[:kept] / np.sqrt(len(rows))) ** whitening
    return components / np.sqrt(np.square(components).mean())


@pytest.mark.parametrize("whitening", [0.0, 0.5])
def test_targets_are_the_principal_components_of_the_descriptions(whitening: float) -> None:
    rows = descriptions(60)
    found = prepared(Structure(components=3, whitening=whitening), rows)
    expected = slow_components(rows.astype(float), 3, whitening)
    assert found.dtype == np.float32
    signs = np.sign((found * expected).sum(axis=0))  # the sign of an axis is anyone's
    np.testing.assert_allclose(found, expected * signs, rtol=1e-3, atol=1e-3)


# ---- neighbors -------------------------------------------------------------------------------------


def test_targets_are_the_coordinates_of_the_diffusion_map() -> None:
    rows = descriptions(60)
    coordinates = Diffusion(rows[:50], neighbors=6, steps=3, components=5).apply(rows)
    found = prepared(Neighbors(neighbors=6, steps=3, components=5), rows, fitted=50)
    np.testing.assert_allclose(found, coordinates / np.sqrt(np.square(coordinates[:50]).mean()), rtol=1e-4, atol=1e-5)


def sliding_shapes(count: int) -> Any:
    """A disc, then a square, each in `count` places from top to bottom: the ends of a chain have no edge in common."""
    images = np.full((2 * count, 32, 32, 3), 255, np.uint8)
    for row, y in enumerate(np.linspace(6, 25, count)):
        cv2.circle(images[row], (16, round(y)), 5, (0, 0, 0), -1)
        cv2.rectangle(images[count + row], (11, round(y) - 5), (21, round(y) + 5), (0, 0, 0), -1)
    return images


def test_a_chain_of_similar_images_is_drawn_together() -> None:
    images, kinds = sliding_shapes(20), np.repeat([0, 1], 20)
    rows = joined(Describer(images)(images), Mix(edges=1))

    def share_of_the_same_kind(objective: Prediction) -> float:
        targets = prepared(objective, rows)
        targets = targets / np.linalg.norm(targets, axis=1, keepdims=True)
        near = np.argsort(-(targets @ targets.T), axis=1)[:, 1:20]
        return float((kinds[near] == kinds[:, None]).mean())

    assert share_of_the_same_kind(Neighbors(neighbors=5)) > share_of_the_same_kind(Structure()) + 0.1


# ---- what is predicted, by either kind ---------------------------------------------------------------

PREDICTIONS = pytest.mark.parametrize("kind", [Structure, Neighbors])


@PREDICTIONS
def test_images_described_alike_have_the_same_targets(kind: Any) -> None:
    rows = descriptions(20)
    targets = prepared(kind(), np.concatenate([rows, rows]), fitted=20)
    np.testing.assert_allclose(targets[:20], targets[20:], atol=1e-5)


@PREDICTIONS
def test_targets_have_a_mean_square_of_one_over_what_they_were_fitted_on(kind: Any) -> None:
    targets = prepared(kind(components=16), descriptions(70), fitted=60)
    assert targets.shape == (70, 16)
    assert targets.dtype == np.float32
    assert float(np.square(targets[:60]).mean()) == pytest.approx(1, rel=1e-4)


@PREDICTIONS
def test_what_is_not_fitted_on_changes_nothing(kind: Any) -> None:
    """Wherever it lies among the images."""
    rows = descriptions(30)
    fitted = np.setdiff1d(np.arange(30), [0, 4, 5, 11, 29])
    alone, together = prepared(kind(), rows[fitted]), prepared(kind(), rows, fitted=fitted)
    assert together.shape[0] == 30
    np.testing.assert_allclose(together[fitted], alone, atol=1e-4)


@PREDICTIONS
def test_the_loss_is_the_mean_squared_error_of_a_linear_head(kind: Any) -> None:
    objective = kind(components=4)
    targets = prepared(objective, descriptions(20), latent_dim=3)
    (head,) = objective.heads
    weights, bias = np.random.default_rng(0).normal(size=(3, 4)), np.arange(4.0)
    head.set_weights([weights, bias])
    latents = np.random.default_rng(1).normal(size=(20, 3))
    loss = objective.loss(batch(latents=latents.astype(np.float32), targets={objective.name: targets}))
    assert float(loss) == pytest.approx(np.mean((latents @ weights + bias - targets) ** 2), rel=1e-4)


@PREDICTIONS
@pytest.mark.parametrize("value", [0, 1])
def test_images_that_are_all_described_alike_have_nothing_to_predict_and_no_nan(kind: Any, value: float) -> None:
    """Such as images without any edge, where edges alone count: their rows are zero."""
    rows = np.zeros((5, 4), np.float32)
    rows[:, 0] = value
    np.testing.assert_allclose(prepared(kind(), rows), np.zeros((5, 1)), atol=1e-6)


@PREDICTIONS
@pytest.mark.parametrize("count", [1, 2, 3, 30])
def test_few_images_have_fewer_targets(kind: Any, count: int) -> None:
    targets = prepared(kind(), descriptions(37), fitted=count)
    assert len(targets) == 37
    assert 1 <= targets.shape[1] <= count
    assert np.isfinite(targets).all()


@PREDICTIONS
def test_what_is_predicted_needs_altered_copies_and_reconstruction_does_not(kind: Any) -> None:
    assert kind.altered
    assert not Reconstruction.altered
    assert Reconstruction().prepare(Material(np.zeros((2, 32, 32, 3), np.uint8), np.arange(2), None, 32)) is None


# ---- labels -----------------------------------------------------------------------------------------


def slow_proxy_anchor(latents: Any, proxies: Any, classes: Any, margin: float, sharpness: float) -> float:
    """Image by image and proxy by proxy, as in the paper; over the sharpness."""
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (latents, proxies)]
    cosines = unit[0] @ unit[1].T
    pulls, pushes = [], []
    for proxy in range(len(proxies)):
        own = [np.exp(-sharpness * (cosines[row, proxy] - margin)) for row, of in enumerate(classes) if of == proxy]
        others = [
            np.exp(sharpness * (cosines[row, proxy] + margin))
            for row, of in enumerate(classes)
            if of not in (proxy, -1)
        ]
        pushes.append(np.log1p(sum(others)))
        if own:
            pulls.append(np.log1p(sum(own)))
    return float((np.mean(pulls) + np.mean(pushes)) / sharpness)


def supervised(classes: Any, latents: Any, proxies: Any, **settings: float) -> float:
    objective = Supervised(**settings)
    count = len(classes)
    material = Material(np.zeros((count, 32, 32, 3), np.uint8), np.arange(count), None, 4, classes=classes)
    targets = objective.prepare(material)
    (head,) = objective.heads
    assert head.kernel.shape == proxies.T.shape
    head.set_weights([proxies.T])
    return float(objective.loss(batch(latents=latents, targets={"supervised": targets})))


def test_the_supervised_loss_is_that_of_proxy_anchor() -> None:
    rng = np.random.default_rng(0)
    latents, proxies = rng.normal(size=(12, 4)).astype(np.float32), rng.normal(size=(5, 4)).astype(np.float32)
    classes = np.array([0, 1, 1, 4, 2, 0, 0, 4, 1, 2, 2, 2])  # none of class 3
    for settings in ({"margin": 0.1, "sharpness": 32.0}, {"margin": 0.3, "sharpness": 4.0}):
        expected = slow_proxy_anchor(latents, proxies, classes, **settings)
        assert supervised(classes, latents, proxies, **settings) == pytest.approx(expected, rel=1e-4)


def test_images_without_a_label_do_not_count() -> None:
    rng = np.random.default_rng(0)
    latents, proxies = rng.normal(size=(6, 4)).astype(np.float32), rng.normal(size=(2, 4)).astype(np.float32)
    classes = np.array([0, -1, 1, -1, 1, 0])
    labeled = classes >= 0
    assert supervised(classes, latents, proxies) == pytest.approx(
        supervised(classes[labeled], latents[labeled], proxies), rel=1e-5
    )


def test_a_batch_without_any_label_has_no_loss() -> None:
    objective = Supervised()
    classes = np.array([0, 1, -1, -1])
    objective.prepare(Material(np.zeros((4, 32, 32, 3), np.uint8), np.arange(4), None, 3, classes=classes))
    latents = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    targets = {"supervised": np.full((2, 1), -1, np.float32)}
    assert float(objective.loss(batch(latents=latents, targets=targets))) == 0.0


def test_latents_at_their_proxies_and_away_from_the_others_have_nearly_no_loss() -> None:
    proxies = np.array([[1, 0, 0, 0], [-1, 0, 0, 0]], np.float32)
    classes = np.array([0, 1, 1])
    assert supervised(classes, 5 * proxies[classes], proxies) < 1e-6
    assert supervised(classes, 5 * proxies[1 - classes], proxies) > 2


def test_the_encoder_learns_to_draw_a_class_together() -> None:
    """Noise with labels drawn by lot: nothing but the labels says which images belong together."""
    rng = np.random.default_rng(0)
    images, classes = rng.integers(0, 256, (48, 32, 32, 3), np.uint8), rng.integers(0, 4, 48)
    objective = Supervised()
    targets = {"supervised": objective.prepare(Material(images, np.arange(48), None, 32, classes=classes))}
    trainer = Trainer(ModelConfig(), [objective], learning_rate=2e-3, steps=60)

    def gap() -> float:
        """How much larger the cosine of two images of one class is than that of two others, on average."""
        rows = unit_rows(trainer.encoder.predict_on_batch(images.astype(np.float32) / 255))
        same, cosines = classes[:, None] == classes[None], rows @ rows.T
        return float(cosines[same & ~np.eye(48, dtype=bool)].mean() - cosines[~same].mean())

    assert gap() < 0.1
    for _ in range(60):
        trainer.train_step(images, targets)
    assert gap() > 0.5


# ---- by name ----------------------------------------------------------------------------------------


def test_objectives_are_made_by_name() -> None:
    assert [term.name for term in create_objectives("structure")] == ["structure"]
    default = create_objectives(DEFAULT_OBJECTIVE)
    assert {term.name: term.weight for term in default} == {"reconstruction": 1, "structure": 1, "neighbors": 1}


def test_labels_add_their_term_unless_it_is_there() -> None:
    def names(objective: Any) -> list[str]:
        return [term.name for term in create_objectives(objective, labels=True)]

    assert names("structure") == ["structure", "supervised"]
    assert names("supervised+structure") == ["supervised", "structure"]
    assert names([Structure(), Supervised(0)]) == ["structure"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: create_objectives("magic"),
            r"objective= must be one of reconstruction, structure, .*, or several joined by '\+'; got 'magic'",
        ),
        (lambda: create_objectives("structure+neighbours"), "structure, neighbors, .*got 'neighbours'"),
        (lambda: create_objectives(""), "got ''"),
        (lambda: create_objectives("structure + structure"), "'structure' twice"),
        (lambda: create_objectives([Structure(), Structure(2)]), "'structure' twice"),
        (lambda: create_objectives(["structure"]), r"such as \[Structure\(0.5\)\]; got 'structure'"),
        (lambda: create_objectives(Structure), "must be names joined"),
        (lambda: create_objectives(None), "got None"),
        (lambda: create_objectives([]), "at least one objective with a weight above 0"),
        (lambda: create_objectives([Structure(0)]), "at least one objective with a weight above 0"),
        (lambda: Structure("1"), "must be a number, 0 or more; got '1'"),
        (lambda: Structure(True), "must be a number, 0 or more; got True"),
        (lambda: Structure(float("nan")), "weight= of objective 'structure' must be a number, 0 or more; got nan"),
        (lambda: Reconstruction(float("inf")), "must be a number, 0 or more; got inf"),
        (lambda: Reconstruction(-1), "weight= of objective 'reconstruction' must be a number, 0 or more; got -1"),
        (lambda: Structure(components=0), "components= must be a whole number, 1 or more; got 0"),
        (lambda: Structure(components=2.5), "components= must be a whole number, 1 or more; got 2.5"),
        (lambda: Structure(whitening=2), "whitening= must be a number from 0 to 1; got 2"),
        (lambda: create_objectives([Supervised()]), "'supervised', which learns from labels=; give them too"),
        (lambda: Supervised(margin=-1), "margin= must be a number from 0 to 1; got -1"),
        (lambda: Supervised(sharpness=0), "sharpness= must be a number above 0; got 0"),
        (lambda: Neighbors(neighbors=0), "neighbors= must be a whole number, 1 or more; got 0"),
        (lambda: Neighbors(steps=0), "steps= must be a whole number, 1 or more; got 0"),
        (lambda: Neighbors(components="64"), "components= must be a whole number, 1 or more; got '64'"),
    ],
)
def test_what_cannot_be_made_says_why(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
