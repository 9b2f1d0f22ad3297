"""Handcrafted descriptors of color, texture and edges: arrays in, arrays out, no state.

Each takes a batch (N, H, W, 3) uint8, RGB, and gives (N, D) float32. They need NumPy alone and work on a
bounded number of pixels at once, whatever N.
"""

from baselines._batch import ImageShapeError
from baselines.color import color_histogram
from baselines.edges import hog
from baselines.texture import glcm_properties, lbp_histogram, texture

__all__ = ["ImageShapeError", "color_histogram", "glcm_properties", "hog", "lbp_histogram", "texture"]
