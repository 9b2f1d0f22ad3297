"""Show what is to be removed, and ask."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from autoenc.cli.common import list_some, say

if TYPE_CHECKING:
    from autoenc.catalog.removing import Removal


def show_removal(removal: Removal, collection: str) -> None:
    """List the images, and say how many there are."""
    from pathlib import Path

    list_some(
        "remove", [Path(path or id) for path, id in zip(removal.paths, removal.ids, strict=True)], all_with="--json"
    )
    generations = f" in {removal.generations} generations" if removal.generations > 1 else ""
    what = f"collection '{collection}'{generations}, with " if removal.whole_collection else ""
    say(f"This removes {what}{removal.told()}, from the store and not from the disk.")
    if not removal.whole_collection:
        say("Files that stay in their folder are added again when it is indexed; move or delete them, too.")


def confirmed(removal: Removal, collection: str, *, yes: bool) -> bool:
    """Whether to remove what is shown: with --yes, or if the person at the terminal agrees."""
    show_removal(removal, collection)
    if yes:
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        say("Nothing was removed. Repeat the command with --yes to remove them.")
        return False
    say("Remove them? [y/N]")
    agreed = sys.stdin.readline().strip().lower() in ("y", "yes")
    if not agreed:
        say("Nothing was removed.")
    return agreed
