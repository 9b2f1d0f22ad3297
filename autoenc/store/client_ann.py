"""Settings of searches and short copies of vectors, as a Qdrant server takes them."""

from __future__ import annotations

from collections.abc import Mapping

from qdrant_client import models

from autoenc.store.settings import Quantization, SearchSettings

UNQUANTIZED = models.SearchParams(quantization=models.QuantizationSearchParams(ignore=True))


def search_params(settings: SearchSettings, points: int, narrowed: bool) -> models.SearchParams:
    """How to search a collection of so many points, perhaps with a filter. A small one has no graph to search in."""
    if settings.exact:
        return models.SearchParams(exact=True)
    short = settings.quantization is not None
    return models.SearchParams(
        hnsw_ef=settings.ef_at(points, narrowed=narrowed),
        acorn=models.AcornSearchParams(enable=True) if narrowed else None,
        quantization=models.QuantizationSearchParams(
            ignore=not short, rescore=short, oversampling=settings.oversampling
        ),
    )


def quantization_change(kinds: Mapping[str, Quantization | None]) -> dict[str, models.VectorParamsDiff]:
    """The change of a collection's vectors that gives them these short copies, or none."""
    return {name: models.VectorParamsDiff(quantization_config=_quantization(kind)) for name, kind in kinds.items()}


def _quantization(kind: Quantization | None) -> models.QuantizationConfigDiff:
    if kind == "int8":
        return models.ScalarQuantization(scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8))
    if kind == "turbo4":
        bits = models.TurboQuantQuantizationConfig(bits=models.TurboQuantBitSize.BITS4)
        return models.TurboQuantization(turbo=bits)
    if kind == "product16":
        ratio = models.ProductQuantizationConfig(compression=models.CompressionRatio.X16)
        return models.ProductQuantization(product=ratio)
    if kind == "binary":
        return models.BinaryQuantization(binary=models.BinaryQuantizationConfig())
    return models.Disabled.DISABLED
