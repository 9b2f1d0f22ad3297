"""Diffusion maps: the modes of a walk, against dense linear algebra and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy", reason="graphs are a part of training: pip install 'autoenc[train]'")

from groups import groups
from scipy.sparse import block_diag, csr_array
from scipy.sparse.linalg import ArpackError

from autoenc.errors import TrainingError
from autoenc.training import diffusion
from autoenc.training.diffusion import Diffusion, diffusion_map, nearest
from autoenc.vectors import unit_rows


def circle(count: int) -> Any:
    """Rows of length 1 all around a circle."""
    angles = np.arange(count) * 2 * np.pi / count
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


# ---- a graph's coordinates --------------------------------------------------------------------------


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


# ---- rows as a graph, and rows beside it ------------------------------------------------------------


def slow_coordinates(rows: Any, landmarks: Any, neighbors: int, steps: int, components: int) -> Any:
    """Every weight in one dense matrix; modes of the walk by the general eigenvalue solver; one step onto them."""

    def weights_of(queries: Any) -> Any:
        weights = np.zeros((len(queries), len(landmarks)))
        for row, query in enumerate(queries.astype(float)):
            distances = np.square(landmarks.astype(float) - query).sum(axis=1)
            near = np.argsort(distances)[: neighbors + 1]
            weights[row, near] = np.exp(-distances[near] / np.median(distances[near]))
        return weights

    graph = weights_of(landmarks)
    values, modes = np.linalg.eig(walk_of((graph + graph.T) / 2))
    order = np.argsort(-values.real)[1 : components + 1]
    values, modes = values.real[order], modes.real[:, order]
    modes = modes[:, values > 0.01] / np.sqrt(np.square(modes[:, values > 0.01]).mean(axis=0))
    return walk_of(weights_of(rows)) @ (modes * values[values > 0.01] ** (steps - 1))


@pytest.mark.parametrize("steps", [1, 3])
def test_coordinates_are_those_of_a_slow_reference(steps: int) -> None:
    """Of the landmarks and of rows beside them; the sign of a mode is anyone's."""
    rows = unit_rows(np.random.default_rng(0).normal(size=(80, 6)).astype(np.float32))
    found = Diffusion(rows[:60], neighbors=7, steps=steps, components=4).apply(rows).astype(float)
    expected = slow_coordinates(rows, rows[:60], 7, steps, 4)
    assert found.shape == expected.shape == (80, 4)
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found, expected * signs, atol=1e-3 * np.abs(expected).max())


def test_neighbors_on_a_circle_have_coordinates_on_a_circle() -> None:
    """The slowest modes of a walk around it are one turn of sine and cosine."""
    found = Diffusion(circle(60), neighbors=6, steps=2, components=2).apply(circle(60))
    radii = np.linalg.norm(found, axis=1)
    np.testing.assert_allclose(radii, radii.mean(), rtol=1e-2)
    turns = np.diff(np.unwrap(np.arctan2(found[:, 1], found[:, 0])))
    np.testing.assert_allclose(np.abs(turns), 2 * np.pi / 60, rtol=0.1)


def test_a_group_has_coordinates_of_its_own() -> None:
    """Rows of one group, in the graph or beside it, are all but the same; those of two are not."""
    latents, held_out, _ = groups(0.02, count=4, each=30)
    latents, held_out = unit_rows(latents), unit_rows(held_out)
    walk = Diffusion(latents, neighbors=10, steps=4, components=3)
    inside, beside = unit_rows(walk.apply(latents)), unit_rows(walk.apply(held_out))
    kinds, of_held_out = np.repeat(range(4), 30), np.repeat(range(4), 30)[::4]
    cosines, same = beside @ inside.T, of_held_out[:, None] == kinds
    assert cosines[same].min() > 0.95
    assert cosines[~same].max() < 0.5


def test_a_row_has_its_coordinates_whatever_is_beside_it() -> None:
    """Rows are worked through in blocks."""
    rows = unit_rows(np.random.default_rng(1).normal(size=(600, 5)).astype(np.float32))
    walked = Diffusion(rows[:300], neighbors=5, steps=2, components=3)
    whole = walked.apply(rows)
    np.testing.assert_allclose(walked.apply(rows[::-1]), whole[::-1], atol=1e-5)
    np.testing.assert_allclose(walked.apply(rows[299:301]), whole[299:301], atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 30])
def test_few_landmarks_have_fewer_coordinates(count: int) -> None:
    found = Diffusion(circle(40)[:count], neighbors=20, steps=4, components=64).apply(circle(40))
    assert found.dtype == np.float32
    assert len(found) == 40
    assert 1 <= found.shape[1] <= max(1, count - 1)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("value", [0, 1])
def test_rows_that_are_all_alike_are_at_the_origin(value: float) -> None:
    rows = np.zeros((5, 3), np.float32)
    rows[:, 0] = value
    np.testing.assert_allclose(Diffusion(rows, neighbors=20, steps=4, components=64).apply(rows), 0, atol=1e-6)


def test_a_graph_that_cannot_be_solved_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ArpackError(-9999)

    monkeypatch.setattr(diffusion, "eigsh", fail)
    monkeypatch.setattr(diffusion, "_DENSE", 10)
    with pytest.raises(TrainingError, match=r"eigenvectors of the graph .*neighbors="):
        Diffusion(circle(40), neighbors=3, steps=2, components=2)
