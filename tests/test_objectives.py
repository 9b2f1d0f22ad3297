"""What training minimises, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras", reason="objectives need TensorFlow: pip install 'autoenc[train]'")

from skimage.feature import hog
from skimage.transform import resize

from autoenc.errors import ArgumentError
from autoenc.objectives import Batch, Reconstruction, Structure, create_objectives


def batch(**given: Any) -> Batch:
    return Batch(**{"pixels": None, "latents": None, "decoded": None, "targets": {}, **given})


def pictures(count: int, seed: int = 0) -> Any:
    """Blobs: smooth enough that enlarging them in another library gives the same pixels."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3)).astype(float)
    return np.stack([resize(image, (32, 32), order=1, preserve_range=True) for image in coarse]).astype(np.uint8)


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
    centred = features - features.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    deviations = singular[:kept] / np.sqrt(len(images))
    components = left[:, :kept] * singular[:kept] / deviations**whitening
    return components / np.sqrt(np.square(components).mean())


@pytest.mark.parametrize("whitening", [0.0, 0.5])
def test_targets_are_the_principal_components_of_mirrored_hog(whitening: float) -> None:
    images = pictures(40)
    objective = Structure(components=3, whitening=whitening)
    objective.prepare(images, latent_dim=32)
    found, expected = objective.targets(images), slow_components(images, 3, whitening)
    assert found.dtype == np.float32
    cosines = np.sum(found * expected, axis=0) / np.linalg.norm(found, axis=0) / np.linalg.norm(expected, axis=0)
    np.testing.assert_allclose(np.abs(cosines), 1, atol=0.02)  # the sign of an axis is anyone's
    np.testing.assert_allclose(np.square(found).mean(axis=0), np.square(expected).mean(axis=0), rtol=0.05)


def test_a_picture_and_its_mirror_image_have_the_same_structure() -> None:
    images = pictures(20)
    objective = Structure()
    objective.prepare(images, latent_dim=32)
    np.testing.assert_allclose(objective.targets(images), objective.targets(images[:, :, ::-1]), atol=2e-3)


def test_targets_have_a_mean_square_of_one_and_no_picture_sees_another() -> None:
    images = pictures(60)
    objective = Structure(components=16)
    objective.prepare(images, latent_dim=32)
    targets = objective.targets(images)
    assert targets.shape == (60, 16)
    assert float(np.square(targets).mean()) == pytest.approx(1, rel=1e-4)
    np.testing.assert_allclose(objective.targets(images[7:9]), targets[7:9], atol=1e-4)


def test_structure_is_the_mean_squared_error_of_a_linear_head() -> None:
    images = pictures(20)
    objective = Structure(components=4)
    objective.prepare(images, latent_dim=3)
    (head,) = objective.heads
    weights, bias = np.random.default_rng(0).normal(size=(3, 4)), np.arange(4.0)
    head.set_weights([weights, bias])
    latents, targets = np.random.default_rng(1).normal(size=(20, 3)), objective.targets(images)
    loss = objective.loss(batch(latents=latents.astype(np.float32), targets={"structure": targets}))
    assert float(loss) == pytest.approx(np.mean((latents @ weights + bias - targets) ** 2), rel=1e-4)


def test_pictures_without_any_edge_have_no_structure_and_no_nan() -> None:
    images = np.full((5, 32, 32, 3), 90, np.uint8)
    objective = Structure()
    objective.prepare(images, latent_dim=32)
    np.testing.assert_allclose(objective.targets(images), np.zeros((5, 1)), atol=1e-6)


# ---- by name ----------------------------------------------------------------------------------------


def test_objectives_are_made_by_name() -> None:
    assert [term.name for term in create_objectives("structure")] == ["structure"]
    both = create_objectives("reconstruction+structure")
    assert [(term.name, term.weight) for term in both] == [("reconstruction", 1.0), ("structure", 0.15)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: create_objectives("magic"), "Unknown objective 'magic'; there are: reconstruction, structure"),
        (lambda: create_objectives("structure+structure"), "named twice"),
        (lambda: create_objectives(""), "Unknown objective ''"),
        (lambda: Reconstruction(-1), "weight of objective 'reconstruction' must be 0 or more; got -1"),
        (lambda: Structure(float("nan")), "weight"),
        (lambda: Structure(components=0), "components"),
        (lambda: Structure(whitening=2), "whitening"),
    ],
)
def test_what_cannot_be_made_says_why(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()
