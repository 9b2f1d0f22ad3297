"""Where a picture lies among its neighbors, as numbers that the latents are to tell."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from autoenc.errors import ArgumentError, TrainingError
from autoenc.training.objectives.base import BLOCK, Prediction
from autoenc.training.objectives.structure import EdgeComponents
from autoenc.vectors import Images, Indices, Matrix, Vectors, unit_rows

_COMPONENTS = 64
_WHITENING = 0.5
_DENSE = 1000  # pictures: a graph of so few is solved whole, which cannot fail


class Neighbors(Prediction):
    """A linear head tells, from the latents of an altered copy, where the picture lies among its neighbors.

    Pictures of like edge structure are joined to a graph. Its diffusion map gives coordinates in which two pictures are
    close if a random walk of `steps` steps leads from both to the same pictures: chains of like pictures, products of
    one kind most often, draw together, though the first and the last of a chain share few edges. A group of more near
    duplicates than `neighbors`, joined to nothing else, takes up a coordinate of its own.

    Args:
        weight: as of every objective.
        neighbors: how many of its nearest pictures each is joined to, 1 or more.
        steps: length of the walk, 1 or more.
        components: how many coordinates, 1 or more; fewer pictures have fewer.

    Source: Coifman and Lafon, "Diffusion maps", Applied and Computational Harmonic Analysis 2006; widths after
    Zelnik-Manor and Perona, "Self-tuning spectral clustering", NIPS 2004; pictures outside of the graph after Bengio
    et al., "Out-of-sample extensions for LLE, Isomap, MDS, Eigenmaps, and spectral clustering", NIPS 2003; for
    retrieval see Iscen et al., "Fast spectral ranking for similarity search", CVPR 2018. Departs from them: a
    weight's width is the median squared distance to one picture's neighbors, and weights are then made symmetric;
    coordinates are a target that a small encoder learns, so that a query needs no graph.
    """

    name = "neighbors"

    def __init__(self, weight: float = 1.0, *, neighbors: int = 20, steps: int = 4, components: int = 64) -> None:
        super().__init__(weight)
        if min(neighbors, steps, components) < 1:
            raise ArgumentError(
                f"Expected neighbors, steps and components of 1 or more; got {neighbors}, {steps} and {components}."
            )
        self.neighbors = neighbors
        self.steps = steps
        self.components = components

    def fit(self, images: Images) -> None:
        self._space = EdgeComponents(images, _COMPONENTS, _WHITENING)
        self._landmarks = unit_rows(self._space.transform(images))
        self._coordinates = diffusion_map(self._graph(), self.components, self.steps)

    def describe(self, images: Images) -> Vectors:
        found, weights = nearest(unit_rows(self._space.transform(images)), self._landmarks, self.neighbors)
        weights /= weights.sum(axis=1, keepdims=True)
        return np.asarray(np.einsum("ij,ijk->ik", weights, self._coordinates[found]), np.float32)

    def to_dict(self) -> dict[str, Any]:
        settings = {"neighbors": self.neighbors, "steps": self.steps, "components": self.components}
        return {**super().to_dict(), **settings}

    def _graph(self) -> csr_array:
        count = len(self._landmarks)
        found, weights = zip(
            *(nearest(self._landmarks[i : i + BLOCK], self._landmarks, self.neighbors) for i in range(0, count, BLOCK)),
            strict=True,
        )
        columns = np.concatenate(found)
        rows = np.repeat(np.arange(count), columns.shape[1])
        graph = coo_array((np.concatenate(weights).ravel(), (rows, columns.ravel())), shape=(count, count)).tocsr()
        return csr_array((graph + graph.T) / 2)


def nearest(queries: Vectors, landmarks: Vectors, neighbors: int) -> tuple[Indices, Matrix]:
    """The landmarks nearest to each query, itself or a duplicate of it among them if it is one, and their weights.

    Args:
        queries: (N, D) float32, each of length 1.
        landmarks: (M, D), as well.
        neighbors: beside the nearest landmark of all; all M if there are not as many.

    Returns:
        (N, K) numbers of landmarks, in no order, and (N, K) weights, exp(-d / s): d is a squared distance, s the median
        of the row's.
    """
    distances = np.maximum(2 - 2 * (queries @ landmarks.T).astype(np.float64), 0)
    kept = min(neighbors + 1, len(landmarks))
    found = np.argpartition(distances, kept - 1, axis=1)[:, :kept].copy()  # a view would keep the whole row
    distances = np.take_along_axis(distances, found, axis=1)
    return found, np.exp(-distances / np.maximum(np.median(distances, axis=1, keepdims=True), 1e-9))


def diffusion_map(graph: csr_array, components: int, steps: int) -> Vectors:
    """Coordinates of one step less than `steps`: the last is the mean over the neighbors, in the graph or not.

    Args:
        graph: (M, M), symmetric, weights of 0 or more, no empty row.
        components: how many at most; those of the slowest modes of the walk.
        steps: length of the walk.

    Returns:
        (M, K) float32, K at least 1: eigenvectors of the walk with a mean square of 1, times their eigenvalue to the
        power of steps - 1. The constant one is left out; so are those that hardly outlast a step.

    Raises:
        TrainingError: the modes could not be found.
    """
    count = graph.shape[0]
    degrees = np.asarray(graph.sum(axis=1)).ravel()
    edges = graph.tocoo()
    # Symmetric, with the eigenvalues of the walk: D^-1/2 W D^-1/2 for D^-1 W.
    affinities = edges.data / np.sqrt(degrees[edges.row] * degrees[edges.col])
    affinity = csr_array((affinities, (edges.row, edges.col)), shape=graph.shape)
    constant = np.sqrt(degrees / degrees.sum())
    if count <= _DENSE:
        values, vectors = np.linalg.eigh(affinity.toarray() - np.outer(constant, constant))
        values, vectors = values[-components:], vectors[:, -components:]
    else:
        without = LinearOperator(graph.shape, lambda v: affinity @ v - constant * (constant @ v), dtype=np.float64)
        try:
            values, vectors = eigsh(without, components, which="LA", v0=np.linspace(1, 2, count), rng=0)
        except ArpackError as error:
            raise TrainingError(
                f"The graph of neighbors has no modes that could be found ({error}). Train with fewer neighbors a "
                f"picture, or without this objective."
            ) from error
    kept = values > 0.01
    if not kept.any():
        return np.zeros((count, 1), np.float32)
    vectors = vectors[:, kept][:, ::-1] / np.sqrt(degrees)[:, None]
    coordinates = vectors / np.sqrt(np.square(vectors).mean(axis=0)) * values[kept][::-1] ** (steps - 1)
    return np.asarray(coordinates, np.float32)
