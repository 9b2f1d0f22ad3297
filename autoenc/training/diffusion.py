"""Where a row lies among its neighbors, as coordinates: a graph of nearest neighbors and its diffusion map."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from autoenc.errors import TrainingError
from autoenc.vectors import Indices, Matrix, Vectors

NEIGHBORS, STEPS, COMPONENTS = 20, 4, 64
"""Of the graph, the walk and the coordinates, where nothing else is asked for."""

_BLOCK = 256  # rows whose distances to all landmarks are held at a time
_DENSE = 1000  # rows: a graph of so few is solved with dense matrices, which cannot fail


class Diffusion:
    """Coordinates in which two rows are close if a random walk of some steps leads from both to the same landmarks.

    Args:
        landmarks: (M, D) float32, rows of length 1, which make the graph.
        neighbors: how many of its nearest landmarks each is joined to, 1 or more.
        steps: length of the walk, 1 or more.
        components: how many coordinates, 1 or more; fewer landmarks have fewer.

    Raises:
        TrainingError: the eigenvectors of the graph could not be found.

    Source: Coifman and Lafon, "Diffusion maps", Applied and Computational Harmonic Analysis 2006; widths after
    Zelnik-Manor and Perona, "Self-tuning spectral clustering", NIPS 2004; rows outside of the graph after Bengio et
    al., "Out-of-sample extensions for LLE, Isomap, MDS, Eigenmaps, and spectral clustering", NIPS 2003. Departs from
    them: a weight's width is the median squared distance to one row's neighbors, and weights are then made symmetric.

    Example:
        >>> islands = np.repeat(np.eye(2, dtype=np.float32), 3, axis=0)
        >>> diffusion = Diffusion(islands, neighbors=2, steps=4, components=5)
        >>> np.abs(diffusion.apply(islands)).round(3).ravel().tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """

    def __init__(
        self, landmarks: Vectors, *, neighbors: int = NEIGHBORS, steps: int = STEPS, components: int = COMPONENTS
    ) -> None:
        self._landmarks = landmarks
        self._neighbors = neighbors
        self._coordinates = diffusion_map(self._graph(), components, steps)

    def apply(self, rows: Vectors) -> Vectors:
        """(N, D) float32, rows of length 1 -> (N, K) float32: the last step of the walk, onto the landmarks."""
        return np.concatenate([self._step(rows[i : i + _BLOCK]) for i in range(0, len(rows), _BLOCK)])

    def _step(self, rows: Vectors) -> Vectors:
        found, weights = nearest(rows, self._landmarks, self._neighbors)
        weights /= weights.sum(axis=1, keepdims=True)
        return np.asarray(np.einsum("ij,ijk->ik", weights, self._coordinates[found]), np.float32)

    def _graph(self) -> csr_array:
        count = len(self._landmarks)
        blocks = [self._landmarks[i : i + _BLOCK] for i in range(0, count, _BLOCK)]
        found, weights = zip(*(nearest(block, self._landmarks, self._neighbors) for block in blocks), strict=True)
        columns = np.concatenate(found)
        rows = np.repeat(np.arange(count), columns.shape[1])
        graph = coo_array((np.concatenate(weights).ravel(), (rows, columns.ravel())), shape=(count, count)).tocsr()
        return csr_array((graph + graph.T) / 2)


def nearest(queries: Vectors, landmarks: Vectors, neighbors: int) -> tuple[Indices, Matrix]:
    """The landmarks nearest to each query, and their weights. A query that is a landmark finds itself.

    Args:
        queries: (N, D) float32, rows of length 1.
        landmarks: (M, D) float32, rows of length 1.
        neighbors: how many to find beside the nearest landmark; fewer if there are fewer.

    Returns:
        (N, K) indices of landmarks, in no order, and (N, K) float64 weights, exp(-d / s): d is a squared distance, s
        the median of those in the row.

    Example:
        >>> found, weights = nearest(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), neighbors=0)
        >>> found.tolist(), weights.tolist()
        ([[0], [1]], [[1.0], [1.0]])
    """
    distances = np.maximum(2 - 2 * (queries @ landmarks.T).astype(np.float64), 0)
    kept = min(neighbors + 1, len(landmarks))
    found = np.argpartition(distances, kept - 1, axis=1)[:, :kept].copy()  # a view would keep the whole row
    distances = np.take_along_axis(distances, found, axis=1)
    return found, np.exp(-distances / np.maximum(np.median(distances, axis=1, keepdims=True), 1e-9))


def diffusion_map(graph: csr_array, components: int, steps: int) -> Vectors:
    """Coordinates of the graph's nodes after `steps - 1` steps of a random walk.

    The last step is left to the caller: it is the mean over an image's neighbors, for images in the graph and others.

    Args:
        graph: (M, M), symmetric, weights of 0 or more, no empty row.
        components: how many coordinates at most: those of the slowest modes of the walk.
        steps: length of the walk.

    Returns:
        (M, K) float32, K at least 1: eigenvectors of the walk with a mean square of 1, times their eigenvalue to the
        power of steps - 1. The constant eigenvector is left out, and so are those with an eigenvalue of at most 0.01.

    Raises:
        TrainingError: the eigenvectors could not be found.

    Example:
        >>> two_islands = csr_array(np.kron(np.eye(2), np.ones((3, 3))))
        >>> np.abs(diffusion_map(two_islands, components=5, steps=4)).round(3).ravel().tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
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
            values, vectors = eigsh(without, min(components, count - 1), which="LA", v0=np.linspace(1, 2, count), rng=0)
        except ArpackError as error:
            raise TrainingError(
                f"The eigenvectors of the graph of neighbors could not be found ({error}). Train with fewer "
                f"neighbors=, or without this objective."
            ) from error
    kept = values > 0.01
    if not kept.any():
        return np.zeros((count, 1), np.float32)
    vectors = vectors[:, kept][:, ::-1] / np.sqrt(degrees)[:, None]
    coordinates = vectors / np.sqrt(np.square(vectors).mean(axis=0)) * values[kept][::-1] ** (steps - 1)
    return np.asarray(coordinates, np.float32)
