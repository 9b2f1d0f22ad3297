"""How well a picture that is unlike anything in a catalog is told from one that is not, as a Markdown table.

python scripts/bench_novelty.py CATALOG --queries FOLDER [FOLDER …] --foreign FOLDER [--model clothing-32]

CATALOG and --queries hold class folders of the same kind, --foreign something else. Every encoder gets its area under
the ROC curve (AUROC), from the cosines of pictures and their nearest neighbors: the share of pairs of an unlike and a
like picture in which the unlike one is farther. Twice: foreign pictures against queries, and, as a mean over classes,
the queries of a class that was left out of the catalog against the other queries. The last rows combine encoders as
`autoenc.novelty` does, and say how many pictures it calls unlike. Where the model has a decoder, the error of its
reconstruction is measured as well: alone, and combined with all encoders.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autoenc import create_encoder, find_images, load_bundle, load_image
from autoenc.catalog.novelty import UNLIKE, combined
from autoenc.models.bundle import Bundle
from autoenc.store.scale import COPY, SAMPLE
from autoenc.vectors import Images, evenly, unit_rows

Floats = npt.NDArray[np.floating]
ENCODERS = ("learned", "color", "texture", "edges", "handcrafted", "pixels")
STORED = ("learned", "color", "texture", "edges")
COMBINED = (STORED, ("color", "texture", "edges"), ("learned", "color"))


@dataclass
class Set:
    """The pictures of some folders, at 32x32, and the folder that each lies in."""

    images: Images
    classes: npt.NDArray[np.str_]


def pictures(folders: Sequence[Path]) -> Set:
    paths = [path for folder in folders for path in find_images(folder).paths]
    images = np.stack([load_image(path, size=32).pixels for path in paths])
    return Set(images, np.array([path.parent.name for path in paths]))


def auroc(like: Floats, unlike: Floats) -> float:
    """The share of pairs in which the unlike picture has the lower number; a tie counts half."""
    below = np.searchsorted(np.sort(unlike), like, side="left") + np.searchsorted(np.sort(unlike), like, side="right")
    return float(below.mean() / 2 / len(unlike))


def percentiles(own: Floats, nearness: Floats) -> Floats:
    """As in `autoenc.novelty`: how many in a hundred of the catalog's own are this far, at least one of a sample."""
    sample = np.sort(evenly(own, SAMPLE))
    share = np.searchsorted(sample, nearness, side="right") / len(sample)
    return 100 * np.maximum(share, 1 / (len(sample) + 1))


class Nearness:
    """By one encoder, or by the reconstruction: how near each picture is to a catalog, and the catalog's own to it."""

    def __init__(self, catalog: Set, queries: Set, foreign: Set, encode: Callable[[Images], Floats]) -> None:
        vectors = unit_rows(encode(catalog.images).astype(np.float32))
        self.queries = unit_rows(encode(queries.images).astype(np.float32)) @ vectors.T
        self.foreign = unit_rows(encode(foreign.images).astype(np.float32)) @ vectors.T
        self.own = vectors @ vectors.T
        self.own[self.own >= COPY] = -1
        np.fill_diagonal(self.own, -1)

    def within(self, kept: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
        """Of the catalog's own, the queries and the foreign pictures, with a part of the catalog."""
        return tuple(rows[:, kept].max(axis=1) for rows in (self.own[kept], self.queries, self.foreign))  # type: ignore[return-value]


class Reconstruction:
    """How small the error of a picture's reconstruction is; the model stays the same whatever the catalog lacks."""

    def __init__(self, catalog: Set, queries: Set, foreign: Set, bundle: Bundle) -> None:
        self.errors = [self._errors(bundle, each.images) for each in (catalog, queries, foreign)]

    @staticmethod
    def _errors(bundle: Bundle, images: Images) -> Floats:
        return -np.square(bundle.reconstruct(images).astype(float) - images).mean(axis=(1, 2, 3))

    def within(self, kept: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
        own, queries, foreign = self.errors
        return own[kept], queries, foreign


def row(name: str, judges: Sequence[Nearness | Reconstruction], catalog: Set, queries: Set) -> str:
    """AUROC and share called unlike of foreign pictures, of the classes left out, and of the other queries."""

    def judged(kept: npt.NDArray[np.bool_]) -> list[Floats]:
        found = [judge.within(kept) for judge in judges]
        if len(judges) == 1:
            return [*found[0][1:], *(percentiles(found[0][0], nearness) for nearness in found[0][1:])]
        each = [[percentiles(own, near[place]) for own, *near in found] for place in (0, 1)]
        together = [np.array([combined(dict(enumerate(all_))) for all_ in zip(*side, strict=True)]) for side in each]  # type: ignore[arg-type]
        return [*together, *together]

    like, foreign, like_percentile, foreign_percentile = judged(np.full(len(catalog.classes), True))
    aurocs, called = [], []
    for left_out in sorted(set(queries.classes)):
        near, _, percentile, _ = judged(catalog.classes != left_out)
        unlike = queries.classes == left_out
        aurocs.append(auroc(near[~unlike], near[unlike]))
        called += (percentile[unlike] <= UNLIKE).tolist()
    shares = [np.mean(each <= UNLIKE) for each in (foreign_percentile, like_percentile)]
    cells = [f"{auroc(like, foreign):.3f}", f"{np.mean(aurocs):.3f} ({min(aurocs):.2f} to {max(aurocs):.2f})"]
    return f"| {name} | {' | '.join(cells)} | {shares[0]:.1%} | {np.mean(called):.1%} | {shares[1]:.1%} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("--queries", type=Path, nargs="+", required=True)
    parser.add_argument("--foreign", type=Path, required=True)
    parser.add_argument("--model", default="clothing-32")
    options = parser.parse_args()
    catalog, queries, foreign = (pictures(each) for each in ([options.catalog], options.queries, [options.foreign]))
    print(
        f"{len(catalog.classes):,} in the catalog, {len(queries.classes):,} queries, {len(foreign.classes):,} foreign\n"
    )
    print("| | AUROC, foreign | AUROC, class left out (range) | called unlike: foreign | class left out | others |")
    print("|---|---|---|---|---|---|")
    bundle = load_bundle(options.model)
    judges: dict[str, Nearness | Reconstruction] = {
        name: Nearness(catalog, queries, foreign, create_encoder(name, bundle).encode) for name in ENCODERS
    }
    for name, judge in judges.items():
        print(row(f"`{name}`", [judge], catalog, queries), flush=True)
    for names in COMBINED:
        print(row(" + ".join(f"`{name}`" for name in names), [judges[name] for name in names], catalog, queries))
    if bundle.decodes:
        error = Reconstruction(catalog, queries, foreign, bundle)
        print(row("reconstruction error", [error], catalog, queries))
        both = [*(judges[name] for name in STORED), error]
        print(row("all four and the error", both, catalog, queries))
    else:
        print(f"\n{options.model} has no decoder, so there is no reconstruction error.")


if __name__ == "__main__":
    main()
