"""What training minimizes, against NumPy."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("keras", reason="objectives need TensorFlow: pip install 'autoenc[train]'")

from scipy.sparse import block_diag, csr_array
from skimage.feature import hog
from skimage.transform import resize

from autoenc.errors import ArgumentError
from autoenc.training.objectives import (
    DEFAULT_OBJECTIVE,
    Batch,
    Neighbors,
    Prediction,
    Reconstruction,
    Structure,
    create_objectives,
)
from autoenc.training.objectives.neighbors import diffusion_map, nearest


def batch(**given: Any) -> Batch:
    return Batch(**{"pixels": None, "latents": None, "decoded": None, "targets": {}, **given})


def images_of_blobs(count: int, seed: int = 0) -> Any:
    """Smooth enough that enlarging them in another library gives the same pixels."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3)).astype(float)
    return np.stack([resize(image, (32, 32), order=1, preserve_range=True) for image in coarse]).astype(np.uint8)


def prepared(objective: Any, images: Any, training: Any = None, latent_dim: int = 32) -> Any:
    """The targets of the images after fitting on those to train on: all of them, or as many from the first."""
    rows = np.arange(len(images) if training is None else training)
    return objective.prepare(images, rows, latent_dim)


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


def slow_components(images: Any, kept: int, whitening: float) -> Any:
    """scikit-image's HOG of each picture at 48x48 and of its mirror image, then PCA by singular values."""

    def describe(image: Any) -> Any:
        enlarged = np.rint(resize(image.astype(float), (48, 48), order=1, preserve_range=True, anti_aliasing=False))
        both = [hog(side, 9, (8, 8), (2, 2), "L2-Hys", channel_axis=-1) for side in (enlarged, enlarged[:, ::-1])]
        return np.mean(both, axis=0)

    features = np.stack([describe(image) for image in images])
    centered = features - features.mean(axis=0)
    left, singular, _ = np.linalg.svd(centered, full_matrices=False)
    deviations = singular[:kept] / np.sqrt(len(images))
    components = left[:, :kept] * singular[:kept] / deviations**whitening
    return components / np.sqrt(np.square(components).mean())


@pytest.mark.parametrize("whitening", [0.0, 0.5])
def test_targets_are_the_principal_components_of_mirrored_hog(whitening: float) -> None:
    images = images_of_blobs(40)
    found = prepared(Structure(components=3, whitening=whitening), images)
    expected = slow_components(images, 3, whitening)
    assert found.dtype == np.float32
    cosines = np.sum(found * expected, axis=0) / np.linalg.norm(found, axis=0) / np.linalg.norm(expected, axis=0)
    np.testing.assert_allclose(np.abs(cosines), 1, atol=0.02)  # the sign of an axis is anyone's
    np.testing.assert_allclose(np.square(found).mean(axis=0), np.square(expected).mean(axis=0), rtol=0.05)


# ---- neighbors -------------------------------------------------------------------------------------


def walk_of(graph: Any) -> Any:
    return graph / graph.sum(axis=1, keepdims=True)


def random_graph(count: int, seed: int = 0) -> Any:
    weights = np.random.default_rng(seed).random((count, count))
    weights[weights < weights.max() * 0.7] = 0
    return weights + weights.T + np.eye(count)


@pytest.mark.parametrize("count", [12, 90])
def test_diffusion_coordinates_are_slow_modes_of_the_walk(count: int) -> None:
    graph = random_graph(count)
    found = diffusion_map(csr_array(graph), 8, steps=1).astype(float)
    values, _ = np.linalg.eig(walk_of(graph))
    slow = np.sort(values.real)[::-1][1:9]  # without the constant mode, whose eigenvalue is 1
    slow = slow[slow > 0.01]
    assert found.shape == (count, len(slow))
    np.testing.assert_allclose(walk_of(graph) @ found, found * slow, atol=1e-5)
    np.testing.assert_allclose(np.square(found).mean(axis=0), 1, rtol=1e-5)


def test_each_step_shrinks_a_mode_by_its_eigenvalue() -> None:
    graph = csr_array(random_graph(40))
    one, two, three = (diffusion_map(graph, 6, steps=steps) for steps in (1, 2, 3))
    np.testing.assert_allclose(two * (two / one), three, rtol=1e-3, atol=1e-6)


def test_distances_between_coordinates_are_those_between_walks() -> None:
    """Coifman and Lafon: with every mode, distances of coordinates are diffusion distances."""
    graph = random_graph(10) + np.eye(10) * 8  # heavy on the diagonal: no negative eigenvalue
    coordinates = diffusion_map(csr_array(graph), 10, steps=3).astype(float)
    degrees = graph.sum(axis=1) / graph.sum()
    # Modes have a mean square of 1 here, of 1 under the degrees there: a factor a mode.
    coordinates /= np.sqrt(
        (np.square(coordinates) * degrees[:, None]).sum(axis=0) / np.square(coordinates).mean(axis=0)
    )
    walked = np.linalg.matrix_power(walk_of(graph), 2) / np.sqrt(degrees)
    for i, j in ((0, 1), (2, 7), (9, 4)):
        expected = np.linalg.norm(walked[i] - walked[j])
        assert np.linalg.norm(coordinates[i] - coordinates[j]) == pytest.approx(expected, rel=1e-4)


def test_two_islands_are_told_apart_by_one_coordinate() -> None:
    graph = np.kron(np.eye(2), np.ones((4, 4)))
    (coordinate,) = diffusion_map(csr_array(graph), 5, steps=4).T
    np.testing.assert_allclose(np.abs(coordinate), 1, rtol=1e-5)
    assert len(set(np.sign(coordinate[:4]))) == len(set(np.sign(coordinate[4:]))) == 1
    assert coordinate[0] * coordinate[4] < 0


@pytest.mark.parametrize("islands", [30, 400])
def test_islands_have_the_same_coordinates_every_time(islands: int) -> None:
    """They all outlast any walk: which of their mixtures comes out must not be left to chance."""
    graph = csr_array(block_diag([np.ones((3, 3))] * islands))
    np.testing.assert_array_equal(diffusion_map(graph, 8, steps=2), diffusion_map(graph, 8, steps=2))


def test_neighbors_are_the_nearest_and_weigh_less_the_further_they_are() -> None:
    angles = np.array([0, 10, 25, 60, 180]) * np.pi / 180
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found, weights = nearest(points[:1], points, neighbors=2)
    order = np.argsort(-weights[0])
    assert found[0][order].tolist() == [0, 1, 2]
    squared = [2 - 2 * np.cos(angle) for angle in angles[:3]]
    np.testing.assert_allclose(weights[0][order], np.exp(-np.array(squared) / squared[1]), atol=1e-4)
    assert nearest(points, points, neighbors=20)[0].shape == (5, 5)


def sliding_shapes(count: int) -> Any:
    """A disc, then a square, each in `count` places from top to bottom: the ends of a chain have no edge in common."""
    images = np.full((2 * count, 32, 32, 3), 255, np.uint8)
    for row, y in enumerate(np.linspace(6, 25, count)):
        cv2.circle(images[row], (16, round(y)), 5, (0, 0, 0), -1)
        cv2.rectangle(images[count + row], (11, round(y) - 5), (21, round(y) + 5), (0, 0, 0), -1)
    return images


def test_a_chain_of_similar_images_is_drawn_together() -> None:
    images, kinds = sliding_shapes(20), np.repeat([0, 1], 20)

    def share_of_the_same_kind(objective: Prediction) -> float:
        targets = prepared(objective, images)
        targets = targets / np.linalg.norm(targets, axis=1, keepdims=True)
        near = np.argsort(-(targets @ targets.T), axis=1)[:, 1:20]
        return float((kinds[near] == kinds[:, None]).mean())

    assert share_of_the_same_kind(Neighbors(neighbors=5)) > share_of_the_same_kind(Structure()) + 0.1


# ---- what is predicted, by either kind ---------------------------------------------------------------

PREDICTIONS = pytest.mark.parametrize("kind", [Structure, Neighbors])


@PREDICTIONS
def test_an_image_and_its_mirror_image_have_the_same_targets(kind: Any) -> None:
    images = images_of_blobs(20)
    targets = prepared(kind(), np.concatenate([images, images[:, :, ::-1]]), training=20)
    np.testing.assert_allclose(targets[:20], targets[20:], atol=2e-3)


@PREDICTIONS
def test_targets_have_a_mean_square_of_one_over_what_they_were_fitted_on(kind: Any) -> None:
    targets = prepared(kind(components=16), images_of_blobs(70), training=60)
    assert targets.shape == (70, 16)
    assert targets.dtype == np.float32
    assert float(np.square(targets[:60]).mean()) == pytest.approx(1, rel=1e-4)


@PREDICTIONS
def test_what_is_held_out_changes_nothing(kind: Any) -> None:
    images = images_of_blobs(30)
    alone, together = prepared(kind(), images[:20]), prepared(kind(), images, training=20)
    np.testing.assert_allclose(together[:20], alone, atol=1e-4)


@PREDICTIONS
def test_the_order_of_the_training_images_changes_nothing(kind: Any) -> None:
    images = images_of_blobs(20)
    backward = kind().prepare(images, np.arange(20)[::-1], 32)
    np.testing.assert_array_equal(backward, prepared(kind(), images))


@PREDICTIONS
def test_the_loss_is_the_mean_squared_error_of_a_linear_head(kind: Any) -> None:
    objective = kind(components=4)
    targets = prepared(objective, images_of_blobs(20), latent_dim=3)
    (head,) = objective.heads
    weights, bias = np.random.default_rng(0).normal(size=(3, 4)), np.arange(4.0)
    head.set_weights([weights, bias])
    latents = np.random.default_rng(1).normal(size=(20, 3))
    loss = objective.loss(batch(latents=latents.astype(np.float32), targets={objective.name: targets}))
    assert float(loss) == pytest.approx(np.mean((latents @ weights + bias - targets) ** 2), rel=1e-4)


@PREDICTIONS
def test_what_is_there_many_times_counts_once(kind: Any) -> None:
    images = images_of_blobs(40)
    often = prepared(kind(), np.concatenate([images, *[images[5:6]] * 60]))
    np.testing.assert_array_equal(prepared(kind(), images), often[:40])


@PREDICTIONS
def test_of_many_images_some_are_fitted_on(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    images = images_of_blobs(80)
    those = kind().prepare(images, np.linspace(0, 79, 30).astype(int), 32)
    monkeypatch.setattr("autoenc.training.objectives.base.FITTED_ON", 30)
    np.testing.assert_array_equal(prepared(kind(), images), those)


@PREDICTIONS
def test_images_without_any_edge_have_nothing_to_predict_and_no_nan(kind: Any) -> None:
    targets = prepared(kind(), np.full((5, 32, 32, 3), 90, np.uint8))
    np.testing.assert_allclose(targets, np.zeros((5, 1)), atol=1e-6)


@PREDICTIONS
@pytest.mark.parametrize("count", [1, 2, 3, 30])
def test_few_images_have_fewer_targets(kind: Any, count: int) -> None:
    targets = prepared(kind(), images_of_blobs(37), training=count)
    assert len(targets) == 37
    assert 1 <= targets.shape[1] <= count
    assert np.isfinite(targets).all()


# ---- by name ----------------------------------------------------------------------------------------


def test_objectives_are_made_by_name() -> None:
    assert [term.name for term in create_objectives("structure")] == ["structure"]
    default = create_objectives(DEFAULT_OBJECTIVE)
    assert {term.name: term.weight for term in default} == {"reconstruction": 1, "structure": 1, "neighbors": 1}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: create_objectives("magic"),
            r"objective= must be one of reconstruction, structure, neighbors, or several joined by '\+'; got 'magic'",
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
        (lambda: Neighbors(neighbors=0), "neighbors= must be a whole number, 1 or more; got 0"),
        (lambda: Neighbors(steps=0), "steps= must be a whole number, 1 or more; got 0"),
        (lambda: Neighbors(components="64"), "components= must be a whole number, 1 or more; got '64'"),
    ],
)
def test_what_cannot_be_made_says_why(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
