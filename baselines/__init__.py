"""Handcrafted descriptors of color, texture and edges: arrays in, arrays out, no state.

Each takes a batch (N, H, W, 3) uint8, RGB, and returns (N, D) float32. They need only NumPy, and their
working memory does not grow with N.
"""

from baselines._batch import ImageShapeError
from baselines.color import color_histogram
from baselines.edges import hog
from baselines.glcm import glcm_properties
from baselines.lbp import lbp_histogram
from baselines.texture import texture

__all__ = ["ImageShapeError", "color_histogram", "glcm_properties", "hog", "lbp_histogram", "texture"]
