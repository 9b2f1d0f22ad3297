"""Color: how often each hue, saturation and value occurs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from baselines._batch import Images, Vectors, check_images, count, in_pieces


def color_histogram(images: npt.ArrayLike, bins: tuple[int, int, int] = (8, 4, 4)) -> Vectors:
    """Hellinger-normalized HSV histogram of each image.

    With max and min the largest and smallest of R, G and B, and delta = max - min:

    - value = max / 255;
    - saturation = delta / max, and 0 for black;
    - hue = (G - B) / delta / 6 where R is the largest, 1/3 + (B - R) / delta / 6 where G is,
      2/3 + (R - G) / delta / 6 where B is, modulo 1; 0 for grays, which have no hue.

    Each of the three has bins of equal width over [0, 1], closed below and open above; the last bin includes 1.
    The arithmetic is exact, so that no pixel falls on the wrong side of an edge.

    Args:
        images: (N, H, W, 3) uint8, RGB.
        bins: number of bins of hue, saturation and value, each 1 to 256.

    Returns:
        (N, prod(bins)) float32, value fastest: bin (h, s, v) is at (h * bins[1] + s) * bins[2] + v. Each
        number is the square root of a bin's share of the pixels; each row's squares sum to 1, so that the dot
        product of two rows, their cosine, is the Bhattacharyya coefficient of the two histograms.

    Raises:
        ImageShapeError: not a batch of RGB uint8 images.
        ValueError: not three bin counts from 1 to 256.

    Source: Swain and Ballard, "Color indexing", IJCV 1991. Departs from it: HSV for opponent colors, the
    Hellinger kernel for histogram intersection.

    Example:
        >>> red = np.full((1, 2, 2, 3), (255, 0, 0), np.uint8)
        >>> np.flatnonzero(color_histogram(red)).tolist()  # hue 0 of 8, saturation 3 of 4, value 3 of 4
        [15]
    """
    batch = check_images(images, "color_histogram")
    if len(bins) != 3 or not all(1 <= number <= 256 for number in bins):
        raise ValueError(
            f"color_histogram expected three bin counts from 1 to 256, of hue, saturation and value; "
            f"got {tuple(bins)}. The default is (8, 4, 4)."
        )
    dim = bins[0] * bins[1] * bins[2]

    pixels = batch.shape[1] * batch.shape[2]

    def describe(piece: Images) -> npt.NDArray[Any]:
        roots: npt.NDArray[np.float64] = np.sqrt(count(_hsv_bins(piece, bins), dim) / pixels)
        return roots

    return in_pieces(describe, batch, dim)


def _hsv_bins(images: Images, bins: tuple[int, int, int]) -> npt.NDArray[np.int32]:
    """(n, H, W, 3) uint8 -> (n, H, W), the bin of each pixel."""
    planes: Images = np.moveaxis(images, -1, 0).copy()
    red, green, blue = planes
    largest = np.maximum(np.maximum(red, green), blue)
    delta = largest - np.minimum(np.minimum(red, green), blue)
    r, g, b, d = (plane.astype(np.int16) for plane in (red, green, blue, delta))
    # `sixths` / delta is the hue in sixths of the circle, -1 to 5.
    sixths = np.where(largest == red, g - b, np.where(largest == green, 2 * d + b - r, 4 * d + r - g))
    sixths += np.where(sixths < 0, 6 * d, np.int16(0))
    hue = _floor_ratio(sixths, d, bins[0], 6)
    saturation = _floor_ratio(d, largest, bins[1], 1)
    value = _floor_ratio(largest, np.uint8(255), bins[2], 1)
    number: npt.NDArray[np.int32] = (hue * bins[1] + saturation) * bins[2] + value
    return number


def _floor_ratio(
    part: npt.NDArray[Any], whole: npt.NDArray[Any] | np.uint8, bins: int, times: int
) -> npt.NDArray[np.int32]:
    """The bin of part / (whole * times), which lies in [0, 1], among `bins` of equal width; 0 / 0 is in bin 0.

    The quotient of two whole numbers this small (below 2**19) is exact in float32 where it is whole, and
    cannot round up to the next whole number where it is not. float32 divides several times faster than int32.
    """
    below = np.maximum(whole, 1).astype(np.float32) * np.float32(times)
    quotient = part.astype(np.float32) * np.float32(bins) / below
    floor: npt.NDArray[np.int32] = np.minimum(quotient.astype(np.int32), np.int32(bins - 1))
    return floor
