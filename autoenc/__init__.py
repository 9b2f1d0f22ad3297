"""autoenc: from a folder of unlabeled product images to "show me what looks like this".

Names are resolved on first use, so importing autoenc loads nothing heavy, not even NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from autoenc.version import __version__

if TYPE_CHECKING:
    from autoenc.catalog.checking import CheckReport, check_store
    from autoenc.catalog.indexing import IndexReport, index_images
    from autoenc.catalog.novelty import Novelty, novelty
    from autoenc.catalog.queries import Query
    from autoenc.catalog.remembering import remember_comparison
    from autoenc.catalog.scales import measure_scales
    from autoenc.catalog.searching import Neighbor, Searcher, search
    from autoenc.catalog.weights import Boost, Near
    from autoenc.comparison.fusion import Fusion
    from autoenc.comparison.records import Comparison, Difference, EncoderScores
    from autoenc.comparison.run import compare
    from autoenc.encoders import ENCODER_NAMES, Encoder, create_encoder
    from autoenc.errors import AutoencError
    from autoenc.images.files import LoadedImage, load_image
    from autoenc.images.finding import SkippedFile, find_images
    from autoenc.models.bundle import Bundle, load_bundle
    from autoenc.progress import Progress
    from autoenc.report.page import write_report
    from autoenc.samples.catalog import draw_catalog
    from autoenc.store import And, Contains, Not, Or, Range, Scale, Store, list_collections, open_store
    from autoenc.training.result import TrainingResult
    from autoenc.training.run import train

_HOME = {
    "And": "store",
    "AutoencError": "errors",
    "Boost": "catalog.weights",
    "Bundle": "models.bundle",
    "CheckReport": "catalog.checking",
    "Comparison": "comparison.records",
    "Contains": "store",
    "Difference": "comparison.records",
    "ENCODER_NAMES": "encoders",
    "Encoder": "encoders",
    "EncoderScores": "comparison.records",
    "Fusion": "comparison.fusion",
    "IndexReport": "catalog.indexing",
    "LoadedImage": "images.files",
    "Near": "catalog.weights",
    "Neighbor": "catalog.searching",
    "Not": "store",
    "Novelty": "catalog.novelty",
    "Or": "store",
    "Progress": "progress",
    "Query": "catalog.queries",
    "Range": "store",
    "Scale": "store",
    "Searcher": "catalog.searching",
    "SkippedFile": "images.finding",
    "Store": "store",
    "TrainingResult": "training.result",
    "check_store": "catalog.checking",
    "compare": "comparison.run",
    "create_encoder": "encoders",
    "draw_catalog": "samples.catalog",
    "find_images": "images.finding",
    "index_images": "catalog.indexing",
    "list_collections": "store",
    "load_bundle": "models.bundle",
    "load_image": "images.files",
    "measure_scales": "catalog.scales",
    "novelty": "catalog.novelty",
    "open_store": "store",
    "remember_comparison": "catalog.remembering",
    "search": "catalog.searching",
    "train": "training.run",
    "write_report": "report.page",
}

__all__ = [
    "ENCODER_NAMES",
    "And",
    "AutoencError",
    "Boost",
    "Bundle",
    "CheckReport",
    "Comparison",
    "Contains",
    "Difference",
    "Encoder",
    "EncoderScores",
    "Fusion",
    "IndexReport",
    "LoadedImage",
    "Near",
    "Neighbor",
    "Not",
    "Novelty",
    "Or",
    "Progress",
    "Query",
    "Range",
    "Scale",
    "Searcher",
    "SkippedFile",
    "Store",
    "TrainingResult",
    "__version__",
    "check_store",
    "compare",
    "create_encoder",
    "draw_catalog",
    "find_images",
    "index_images",
    "list_collections",
    "load_bundle",
    "load_image",
    "measure_scales",
    "novelty",
    "open_store",
    "remember_comparison",
    "search",
    "train",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'autoenc' has no attribute '{name}'")
    return getattr(importlib.import_module(f"autoenc.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
