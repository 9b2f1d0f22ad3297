"""Models that come with the package: used when they are named, never by default."""

from __future__ import annotations

import os
from pathlib import Path

READY_MODELS = {"clothing-32": "clothing photos", "clothing-32-2": "clothing photos"}
"""Name -> what it was trained on; the README.md in its folder beside this file says more."""

_MODELS = Path(__file__).resolve().parent


def ready_folder(model: str | os.PathLike[str]) -> Path | None:
    """The folder of a ready model, or None for anything but the bare name of one: `./clothing-32` is a path.

    Example:
        >>> ready_folder("clothing-32").name, ready_folder("./clothing-32")
        ('clothing-32', None)
    """
    return _MODELS / model if isinstance(model, str) and model in READY_MODELS else None


def ready_name(folder: Path) -> str | None:
    """The name of the ready model in a folder, or None if it is another folder."""
    return folder.name if folder.parent == _MODELS and folder.name in READY_MODELS else None


def advice(name: str) -> str:
    """What users of a ready model should know, in one sentence.

    Example:
        >>> advice("clothing-32")
        'clothing-32 came with autoenc and was trained on clothing photos; ...'
    """
    return (
        f"{name} came with autoenc and was trained on {READY_MODELS[name]}; a model trained on a few thousand of your "
        f"own images retrieves better among them: train one, then compare the two."
    )
