"""Vectors of items from what users did with them: items that the same users like are near to one another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from autoenc.vectors import Indices, Matrix, Vectors, unit_rows

ROUNDS = 8
"""Power iterations."""

_LEAST = 1e-6
"""Of a row that is shorter than this on the singular vectors, nothing is left but rounding errors."""


def item_factors(
    user_of: Indices, item_of: Indices, values: Matrix, shape: tuple[int, int], dim: int
) -> tuple[Vectors, npt.NDArray[np.bool_]]:
    """The vector of each item: its row in a matrix of items and users, on the leading singular vectors of the matrix.

    A cell of the matrix is log(1 + value), so that the hundredth click counts less than the first, over the square root
    of the sum of its user's: one who does something with everything tells little of any item. Then each row is scaled
    to length 1. The cosine of two whole rows tells how much two items have their users in common; on few singular
    vectors, it also tells whether their users have other items in common. Users of one item relate it to no other, and
    do not count.

    Args:
        user_of: (N,) int64, the user of each pair.
        item_of: (N,) int64, its item; no pair twice.
        values: (N,) float64, above 0.
        shape: how many items and users there are.
        dim: how many numbers an item gets at most; as many as there are items or users if that is less.

    Returns:
        (items, dim) float32, rows of length 1; and (items,) bool: whether an item has a vector. The others have zeros.

    Source: Deerwester et al., "Indexing by latent semantic analysis", JASIS 1990, with items and users for documents
    and words; Deshpande and Karypis, "Item-based top-N recommendation algorithms", ACM TOIS 2004, for users who count
    less the more they do. Departs from them: the logarithm, and the root of a sum for a length. The singular vectors
    are those of Halko, Martinsson and Tropp, "Finding structure with randomness", SIAM Review 2011.

    Example:
        >>> ann, bob = [0, 1], [2, 3]  # who like two items each, and nothing in common
        >>> rows, known = item_factors(np.array([0, 0, 1, 1]), np.array([*ann, *bob]), np.ones(4), (4, 2), 2)
        >>> np.abs(rows @ rows.T).round(3).tolist(), known.tolist()  # doctest: +NORMALIZE_WHITESPACE
        ([[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]],
         [True, True, True, True])
    """
    items, users = shape
    relating = np.bincount(user_of, minlength=users)[user_of] > 1
    user_of, item_of, cells = user_of[relating], item_of[relating], np.log1p(values[relating])
    cells /= np.sqrt(np.bincount(user_of, cells, users)[user_of])
    cells /= np.sqrt(np.bincount(item_of, cells**2, items)[item_of])

    def to_users(matrix: Matrix) -> Matrix:
        return np.stack([np.bincount(user_of, cells * column[item_of], users) for column in matrix.T], axis=1)

    def to_items(matrix: Matrix) -> Matrix:
        return np.stack([np.bincount(item_of, cells * column[user_of], items) for column in matrix.T], axis=1)

    dim = min(dim, items, users)
    wide = min(dim + max(8, dim // 2), items, users)  # a few more make those that are kept converge sooner
    basis: Matrix = np.random.default_rng(0).standard_normal((items, wide))
    for _ in range(ROUNDS):
        basis = np.linalg.qr(to_items(to_users(basis)))[0]
    image = to_users(basis)
    squares, turn = np.linalg.eigh(image.T @ image)
    rows = basis @ (turn * np.sqrt(np.maximum(squares, 0)))[:, ::-1][:, :dim]
    known = np.linalg.norm(rows, axis=1) > _LEAST
    rows[~known] = 0
    return unit_rows(rows.astype(np.float32)), known
