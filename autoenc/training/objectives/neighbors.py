"""Where an image lies among its neighbors, as numbers that are predicted from the latents."""

from __future__ import annotations

from typing import Any

from autoenc.training.diffusion import COMPONENTS, NEIGHBORS, STEPS, Diffusion
from autoenc.training.objectives.base import Prediction
from autoenc.training.settings import check_whole
from autoenc.vectors import Vectors


class Neighbors(Prediction):
    """A linear head predicts, from the latents of an altered copy, where the image lies among its neighbors.

    Images that look alike are joined in a graph. Its diffusion map gives coordinates in which two images are close if
    a random walk of `steps` steps leads from both to the same images. Chains of similar images, most often products
    of one kind, are drawn together, even if the first and the last of a chain have little in common. A group of more
    than `neighbors` near duplicates that is joined to nothing else takes up a coordinate of its own.

    Args:
        weight: what the loss is multiplied by, 0 or more.
        neighbors: how many of its nearest images each image is joined to, 1 or more.
        steps: length of the walk, 1 or more.
        components: how many coordinates to predict, 1 or more; fewer images have fewer.

    Source: `autoenc.training.diffusion`; for retrieval see Iscen et al., "Fast spectral ranking for similarity search",
    CVPR 2018. Departs from it: coordinates are a target that a small encoder learns, so that a query needs no graph.

    Example:
        >>> Neighbors(neighbors=10).to_dict()
        {'name': 'neighbors', 'weight': 1.0, 'neighbors': 10, 'steps': 4, 'components': 64}
    """

    name = "neighbors"

    def __init__(
        self, weight: float = 1.0, *, neighbors: int = NEIGHBORS, steps: int = STEPS, components: int = COMPONENTS
    ) -> None:
        super().__init__(weight)
        for parameter, value in (("neighbors", neighbors), ("steps", steps), ("components", components)):
            check_whole(parameter, value, 1)
        self.neighbors = neighbors
        self.steps = steps
        self.components = components

    def fit(self, described: Vectors) -> None:
        self._diffusion = Diffusion(described, neighbors=self.neighbors, steps=self.steps, components=self.components)

    def predicted(self, described: Vectors) -> Vectors:
        return self._diffusion.apply(described)

    def to_dict(self) -> dict[str, Any]:
        settings = {"neighbors": self.neighbors, "steps": self.steps, "components": self.components}
        return {**super().to_dict(), **settings}
