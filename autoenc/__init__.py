"""autoenc: from a folder of unlabeled product images to "show me what looks like this".

Names are resolved on first use, so importing autoenc loads nothing heavy, not even NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from autoenc.version import __version__

if TYPE_CHECKING:
    from autoenc.catalog.answers import Answer, Neighbor
    from autoenc.catalog.auditing import AuditReport, audit_store
    from autoenc.catalog.behavior import BehaviorReport, add_behavior
    from autoenc.catalog.carrying import RollbackReport
    from autoenc.catalog.checking import CheckReport, check_store
    from autoenc.catalog.copies import Copy, Duplicates
    from autoenc.catalog.duplicate_files import write_duplicates
    from autoenc.catalog.duplicates import find_duplicates
    from autoenc.catalog.embedding import EmbedReport, embed_images
    from autoenc.catalog.generations import drop_old_generations, roll_back
    from autoenc.catalog.importing import index_vectors
    from autoenc.catalog.index_report import IndexReport
    from autoenc.catalog.indexing import index_images
    from autoenc.catalog.metadata import Metadata, TableReport
    from autoenc.catalog.neighbor_files import NeighborsReport, write_neighbors
    from autoenc.catalog.neighbors import Neighborhood, neighbors
    from autoenc.catalog.novelty import Novelty, novelty
    from autoenc.catalog.queries import Query
    from autoenc.catalog.reindexing import ReindexReport, reindex_store
    from autoenc.catalog.removing import Removal, remove_images
    from autoenc.catalog.scales import measure_scales
    from autoenc.catalog.searching import Searcher, search
    from autoenc.catalog.tagging import TagReport, tag_images
    from autoenc.catalog.verdicts import mark_not_duplicates
    from autoenc.catalog.weights import Boost, Near, Words
    from autoenc.comparison.fields import StoredFields, stored_fields
    from autoenc.comparison.fusion import Fusion
    from autoenc.comparison.records import Comparison, Difference, EncoderScores
    from autoenc.comparison.remembering import remember_comparison
    from autoenc.comparison.run import compare
    from autoenc.encoders import ENCODER_NAMES, PRETRAINED_NAMES, Encoder, create_encoder
    from autoenc.encoders.describing import DescribedModel, describe_model
    from autoenc.errors import AutoencError
    from autoenc.export.run import ExportReport, export_model
    from autoenc.finetuning.result import FinetuningResult
    from autoenc.finetuning.run import finetune
    from autoenc.images.files import LoadedImage, load_image
    from autoenc.images.finding import SkippedFile, find_images
    from autoenc.models.bundle import Bundle, load_bundle
    from autoenc.models.classifying import Classification, Classified, classify
    from autoenc.progress import Progress
    from autoenc.report.page import write_report
    from autoenc.samples.catalog import draw_catalog
    from autoenc.store import And, Contains, Not, Or, Range, Scale, SearchSettings, Store, list_collections, open_store
    from autoenc.store.backup import BackupReport, backup_store
    from autoenc.store.copying import CopyReport, copy_store
    from autoenc.store.restoring import restore_store
    from autoenc.training.result import TrainingResult
    from autoenc.training.run import train

_HOME = {
    "And": "store",
    "Answer": "catalog.answers",
    "AuditReport": "catalog.auditing",
    "AutoencError": "errors",
    "BackupReport": "store.backup",
    "BehaviorReport": "catalog.behavior",
    "Boost": "catalog.weights",
    "Bundle": "models.bundle",
    "CheckReport": "catalog.checking",
    "Classification": "models.classifying",
    "Classified": "models.classifying",
    "Comparison": "comparison.records",
    "Contains": "store",
    "Copy": "catalog.copies",
    "CopyReport": "store.copying",
    "DescribedModel": "encoders.describing",
    "Difference": "comparison.records",
    "Duplicates": "catalog.copies",
    "ENCODER_NAMES": "encoders",
    "EmbedReport": "catalog.embedding",
    "Encoder": "encoders",
    "EncoderScores": "comparison.records",
    "ExportReport": "export.run",
    "FinetuningResult": "finetuning.result",
    "Fusion": "comparison.fusion",
    "IndexReport": "catalog.index_report",
    "LoadedImage": "images.files",
    "Metadata": "catalog.metadata",
    "Near": "catalog.weights",
    "Neighbor": "catalog.answers",
    "Neighborhood": "catalog.neighbors",
    "NeighborsReport": "catalog.neighbor_files",
    "Not": "store",
    "Novelty": "catalog.novelty",
    "Or": "store",
    "PRETRAINED_NAMES": "encoders",
    "Progress": "progress",
    "Query": "catalog.queries",
    "Range": "store",
    "ReindexReport": "catalog.reindexing",
    "Removal": "catalog.removing",
    "RollbackReport": "catalog.carrying",
    "Scale": "store",
    "SearchSettings": "store",
    "Searcher": "catalog.searching",
    "SkippedFile": "images.finding",
    "Store": "store",
    "StoredFields": "comparison.fields",
    "TableReport": "catalog.metadata",
    "TagReport": "catalog.tagging",
    "TrainingResult": "training.result",
    "Words": "catalog.weights",
    "add_behavior": "catalog.behavior",
    "audit_store": "catalog.auditing",
    "backup_store": "store.backup",
    "check_store": "catalog.checking",
    "classify": "models.classifying",
    "compare": "comparison.run",
    "copy_store": "store.copying",
    "create_encoder": "encoders",
    "describe_model": "encoders.describing",
    "draw_catalog": "samples.catalog",
    "drop_old_generations": "catalog.generations",
    "embed_images": "catalog.embedding",
    "export_model": "export.run",
    "find_duplicates": "catalog.duplicates",
    "find_images": "images.finding",
    "finetune": "finetuning.run",
    "index_images": "catalog.indexing",
    "index_vectors": "catalog.importing",
    "list_collections": "store",
    "load_bundle": "models.bundle",
    "load_image": "images.files",
    "mark_not_duplicates": "catalog.verdicts",
    "measure_scales": "catalog.scales",
    "neighbors": "catalog.neighbors",
    "novelty": "catalog.novelty",
    "open_store": "store",
    "reindex_store": "catalog.reindexing",
    "remember_comparison": "comparison.remembering",
    "remove_images": "catalog.removing",
    "restore_store": "store.restoring",
    "roll_back": "catalog.generations",
    "search": "catalog.searching",
    "stored_fields": "comparison.fields",
    "tag_images": "catalog.tagging",
    "train": "training.run",
    "write_duplicates": "catalog.duplicate_files",
    "write_neighbors": "catalog.neighbor_files",
    "write_report": "report.page",
}

__all__ = [
    "ENCODER_NAMES",
    "PRETRAINED_NAMES",
    "And",
    "Answer",
    "AuditReport",
    "AutoencError",
    "BackupReport",
    "BehaviorReport",
    "Boost",
    "Bundle",
    "CheckReport",
    "Classification",
    "Classified",
    "Comparison",
    "Contains",
    "Copy",
    "CopyReport",
    "DescribedModel",
    "Difference",
    "Duplicates",
    "EmbedReport",
    "Encoder",
    "EncoderScores",
    "ExportReport",
    "FinetuningResult",
    "Fusion",
    "IndexReport",
    "LoadedImage",
    "Metadata",
    "Near",
    "Neighbor",
    "Neighborhood",
    "NeighborsReport",
    "Not",
    "Novelty",
    "Or",
    "Progress",
    "Query",
    "Range",
    "ReindexReport",
    "Removal",
    "RollbackReport",
    "Scale",
    "SearchSettings",
    "Searcher",
    "SkippedFile",
    "Store",
    "StoredFields",
    "TableReport",
    "TagReport",
    "TrainingResult",
    "Words",
    "__version__",
    "add_behavior",
    "audit_store",
    "backup_store",
    "check_store",
    "classify",
    "compare",
    "copy_store",
    "create_encoder",
    "describe_model",
    "draw_catalog",
    "drop_old_generations",
    "embed_images",
    "export_model",
    "find_duplicates",
    "find_images",
    "finetune",
    "index_images",
    "index_vectors",
    "list_collections",
    "load_bundle",
    "load_image",
    "mark_not_duplicates",
    "measure_scales",
    "neighbors",
    "novelty",
    "open_store",
    "reindex_store",
    "remember_comparison",
    "remove_images",
    "restore_store",
    "roll_back",
    "search",
    "stored_fields",
    "tag_images",
    "train",
    "write_duplicates",
    "write_neighbors",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'autoenc' has no attribute '{name}'")
    return getattr(importlib.import_module(f"autoenc.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
