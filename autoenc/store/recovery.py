"""Undo what a kill left half done in the engine's own folder, where the engine itself refuses to open it.

The engine creates or removes a vector segment by segment, and writes its own configuration last. Killed in between, it
finds segments that do not fit the configuration, and opens none of them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autoenc.files import remove_folder, replace_file

_CONFIG = "edge_config.json"
_SEGMENT = "segment.json"
_FOLDERS = ("vector_storage-", "vector_index-")


def drop_unfinished_vector(shard: Path) -> None:
    """Remove a vector that some segments or the configuration lack: its creation or its removal was cut short.

    No point has a vector that is still being created; `Store` creates it anew if its record names it. The engine does
    one such step at a time: where more than one name differs, or a document cannot be read, something else has happened
    to the files, and the engine is left to refuse them.

    Args:
        shard: the engine's folder, of a store that has no manifest.

    Raises:
        OSError: the folder cannot be read or written.
    """
    segments = [path for path in sorted((shard / "segments").glob(f"*/{_SEGMENT}")) if path.is_file()]
    try:
        documents = {path: json.loads(path.read_bytes()) for path in (shard / _CONFIG, *segments)}
        held = {path: _vectors(path, document) for path, document in documents.items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
        return
    names = {name for vectors in held.values() for name in vectors}
    unfinished = [name for name in names if not all(name in vectors for vectors in held.values())]
    if len(unfinished) != 1:
        return
    (name,) = unfinished
    for path, vectors in held.items():
        if vectors.pop(name, None) is None:
            continue
        if path.name == _SEGMENT:
            for folder in _FOLDERS:
                remove_folder(path.parent / f"{folder}{name}")
        replace_file(path, json.dumps(documents[path]).encode(), durable=True)


def _vectors(path: Path, document: Any) -> dict[str, Any]:
    """The part of a document that lists the vectors, by name."""
    vectors = document["config"]["vector_data"] if path.name == _SEGMENT else document["vectors"]
    if not isinstance(vectors, dict):
        raise TypeError(f"{path} lists no vectors")
    return vectors
