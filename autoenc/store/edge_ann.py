"""Settings of searches and short copies of vectors, in Qdrant Edge's terms, and what vectors take on the disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import qdrant_edge as qe

from autoenc.store.ann import is_exact
from autoenc.store.settings import Quantization, SearchSettings
from autoenc.store.space import allocated_bytes
from autoenc.store.sparse import allocated
from autoenc.store.status import VectorBytes

_CONFIG = "edge_config.json"


def search_params(settings: SearchSettings, points: int, dim: int, narrowed: bool) -> qe.SearchParams:
    """How to search vectors of this length in a store of so many points, perhaps with a filter."""
    if settings.exact or is_exact(points, dim):
        return qe.SearchParams(exact=True)
    short = settings.quantization is not None  # else ignored, should a kill have left some
    return qe.SearchParams(
        hnsw_ef=settings.ef_at(points, narrowed=narrowed),
        acorn=qe.AcornSearchParams(enable=True) if narrowed else None,
        quantization=qe.QuantizationSearchParams(ignore=not short, rescore=short, oversampling=settings.oversampling),
    )


def quantized_config(shard: Path, kinds: Mapping[str, Quantization | None]) -> qe.EdgeConfig:
    """The configuration to load a shard with so that it keeps these short copies; what it leaves out stays as it is.

    Args:
        shard: the engine's folder.
        kinds: vector -> the kind of its copies; None, as for vectors that are not named, for no copies.

    Raises:
        OSError, ValueError: the engine's own configuration cannot be read.
    """
    held = json.loads((shard / _CONFIG).read_bytes())["vectors"]
    vectors = {
        name: qe.EdgeVectorParams(
            params["size"], qe.Distance.Cosine, quantization_config=_quantization(kinds.get(name))
        )
        for name, params in held.items()
    }
    return qe.EdgeConfig(vectors=vectors)


def _quantization(kind: Quantization | None) -> qe.QuantizationConfigType | None:
    if kind == "int8":
        return qe.ScalarQuantizationConfig(qe.ScalarType.Int8)
    if kind == "turbo4":
        return qe.TurboQuantQuantizationConfig(bits=qe.TurboQuantBitSize.Bits4)
    if kind == "product16":
        return qe.ProductQuantizationConfig(qe.CompressionRatio.X16)
    return None if kind is None else qe.BinaryQuantizationConfig()


def bytes_of_vector(segments: Path, name: str) -> VectorBytes:
    """What the vectors of one name take in all segments of a shard."""
    stored = quantized = graph = 0
    for segment in segments.iterdir():
        graph += allocated_bytes(segment / f"vector_index-{name}")
        storage = segment / f"vector_storage-{name}"
        short = sum(allocated(path.stat()) for path in storage.glob("quantized.*"))
        stored += allocated_bytes(storage) - short
        quantized += short
    return VectorBytes(stored, graph, quantized)
