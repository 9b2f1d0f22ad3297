"""Models that come with the package: used when they are named, never chosen silently."""

from __future__ import annotations

import os
from pathlib import Path

READY_MODELS = {"clothing-32": "clothing photos"}
"""Name -> what each was trained on; its folder beside this file has a README.md that says more."""

_MODELS = Path(__file__).resolve().parent


def ready_folder(model: str | os.PathLike[str]) -> Path | None:
    """Where a ready model lies, or None for anything but the bare name of one: `./clothing-32` is a folder."""
    return _MODELS / model if isinstance(model, str) and model in READY_MODELS else None


def ready_name(folder: Path) -> str | None:
    """The name of the ready model in a folder, or None if the folder is somebody's own."""
    return folder.name if folder.parent == _MODELS and folder.name in READY_MODELS else None


def advice(name: str) -> str:
    """What whoever uses a ready model should know."""
    return (
        f"{name} came with autoenc and was trained on {READY_MODELS[name]}; trained on a few thousand "
        f"images of your own, a model retrieves better among them (autoenc train, then autoenc compare)."
    )
