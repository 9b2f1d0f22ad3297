"""Copies of photos found by `autoenc.find_duplicates`, by each encoder, and by perceptual hashes, as a Markdown table.

python scripts/bench_duplicates.py FOLDER [--model clothing-32] [--limit N] [--every 3] [--seed 0] [--thresholds T …]
    [--bits 4 8 12]

Of every third photo (of N that are drawn at random), one copy of each kind is made: half the size, JPEG quality 30, a
crop that leaves out 5% and 15% of the area, mirrored, tinted, with a border, with a watermark. The folder and its
copies are indexed. Recall is the share of the copies that are in one group with their photo. Precision is the share of
pairs in a group that show the same photo; the photos themselves are taken to be all different.

Each encoder looks for neighbors alone, then all do, then the default ones, with the threshold that the data suggest and
with --thresholds: so the rule of the suggestion can be judged on photos that it was not chosen on. (It was chosen on
photos of clothes: give it others.) The hashes (imagehash, if it is installed) pair pictures that differ in at most
--bits of 64 bits, the best of a hash and that of the mirrored picture, and form groups around the largest picture.

python scripts/bench_duplicates.py FOLDER --many 100000

Only times the default search, among N pictures made of parts of the photos.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
from clustered import watching
from PIL import Image, ImageDraw, ImageOps

from autoenc import ENCODER_NAMES, find_duplicates, find_images, index_images, open_store

Copying = Callable[[Image.Image, np.random.Generator], Image.Image]


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return Image.open(io.BytesIO(data.getvalue())).convert("RGB")


def cropped(image: Image.Image, left_out: float, rng: np.random.Generator) -> Image.Image:
    width, height = (round(side * (1 - left_out) ** 0.5) for side in image.size)
    x, y = int(rng.integers(image.width - width + 1)), int(rng.integers(image.height - height + 1))
    return image.crop((x, y, x + width, y + height))


def tinted(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    gains = rng.uniform(0.85, 1.15, 3)
    return Image.fromarray(np.clip(np.asarray(image) * gains, 0, 255).astype(np.uint8))


def bordered(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return ImageOps.expand(image, round(0.04 * image.width), tuple(rng.integers(0, 256, 3).tolist()))


def watermarked(image: Image.Image) -> Image.Image:
    image = image.copy()
    place = (image.width * 0.1, image.height * 0.45)
    ImageDraw.Draw(image).text(place, "SAMPLE SHOP", (255, 255, 255), font_size=round(image.width * 0.12))
    return image


KINDS: dict[str, Copying] = {
    "half": lambda image, rng: image.resize((image.width // 2, image.height // 2)),
    "quality30": lambda image, rng: jpeg(image, 30),
    "crop5": lambda image, rng: cropped(image, 0.05, rng),
    "crop15": lambda image, rng: cropped(image, 0.15, rng),
    "mirror": lambda image, rng: ImageOps.mirror(image),
    "tint": tinted,
    "border": bordered,
    "watermark": lambda image, rng: watermarked(image),
}


def make(folder: Path, out: Path, limit: int | None, every: int, seed: int) -> None:
    """The photos, renamed to their numbers, and the copies: NUMBER.jpg, and KIND-NUMBER.jpg."""
    rng = np.random.default_rng(seed)
    paths = find_images(folder).paths
    if limit is not None:
        paths = [paths[at] for at in np.sort(np.random.default_rng(seed).permutation(len(paths))[:limit])]
    for number, path in enumerate(paths):
        image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        image.save(out / f"{number}.jpg", quality=92)
        if number % every == 0:
            for kind, copy in KINDS.items():
                copy(image, rng).save(out / f"{kind}-{number}.jpg", quality=92)


def make_many(folder: Path, out: Path, count: int, seed: int) -> None:
    """Parts of the photos in other colors: different pictures, but each twentieth is a copy of the one before."""
    photos = find_images(folder).paths
    kinds = [*KINDS.values()]
    for number in range(count):
        rng = np.random.default_rng((seed, number - (number % 20 == 19)))
        image = ImageOps.exif_transpose(Image.open(photos[rng.integers(len(photos))])).convert("RGB")
        image = cropped(image, rng.uniform(0.4, 0.75), rng)
        image.thumbnail((160, 160))
        gains = rng.uniform(0.6, 1.4, 3)
        image = Image.fromarray(np.clip(np.asarray(image)[..., rng.permutation(3)] * gains, 0, 255).astype(np.uint8))
        if number % 20 == 19:
            image = kinds[number // 20 % len(kinds)](image, rng)
        image.save(out / f"{number}.jpg", quality=92)


def time_many(made: Path, store: Path, model: str) -> str:
    """Time and memory of the default search, and how many copies are in one group with their picture."""
    start = time.perf_counter()
    report = index_images(made, store, model=model, encoders=["learned", "color"], progress=True)
    indexing = time.perf_counter() - start
    with open_store(store) as opened, watching() as peak:
        start, cpu = time.perf_counter(), time.process_time()
        found = find_duplicates(opened, progress=True)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    groups = [{int(Path(copy.path).stem) for copy in group if copy.path} for group in found.groups]
    group_of = {number: at for at, group in enumerate(groups) for number in group}
    copies = range(19, report.indexed, 20)
    recall = np.mean([copy in group_of and group_of[copy] == group_of.get(copy - 1) for copy in copies])
    return (
        f"{report.indexed:,} pictures, indexed in {indexing:.0f} s. "
        f"Near-duplicates: {seconds:.0f} s ({cpu:.0f} s of CPU), {peak[0] / 1e6:,.0f} MB at the peak; "
        f"{len(groups):,} groups, {recall:.3f} of {len(copies):,} copies found."
    )


def number_of(path: Path) -> str:
    return path.stem.rpartition("-")[2]


def row(name: str, groups: list[list[Path]], files: list[Path], seconds: float, note: str) -> str:
    """Recall of each kind, and the precision of all pairs."""
    group_of = {path: number for number, group in enumerate(groups) for path in group}
    recalls = []
    for kind in KINDS:
        copies = [path for path in files if path.stem.startswith(f"{kind}-")]
        photos = [path.with_name(f"{number_of(path)}.jpg") for path in copies]
        found = [
            path in group_of and group_of[path] == group_of.get(photo)
            for path, photo in zip(copies, photos, strict=True)
        ]
        recalls.append(float(np.mean(found)))
    pairs = [pair for group in groups for pair in combinations(group, 2)]
    right = [number_of(one) == number_of(other) for one, other in pairs]
    precision = f"{np.mean(right):.3f}" if right else "no pair"
    cells = [f"{recall:.2f}" for recall in (*recalls, np.mean(recalls))]
    return f"| {name} | {' | '.join(cells)} | {precision} | {seconds:.1f} | {note} |"


def hashed(files: list[Path], all_bits: list[int]) -> Iterator[tuple[str, int, list[list[Path]], float]]:
    """Groups by each perceptual hash, for each number of bits: leaders by size."""
    import imagehash

    sizes = [Image.open(path).width * Image.open(path).height for path in files]
    for name in ("phash", "dhash", "whash"):
        start = time.perf_counter()
        hashes = []
        for mirrored in (False, True):
            images = (Image.open(path) for path in files)
            both = (ImageOps.mirror(image) if mirrored else image for image in images)
            hashes.append(np.stack([getattr(imagehash, name)(image).hash.ravel() for image in both]))
        hashing = time.perf_counter() - start
        for bits in all_bits:
            start = time.perf_counter()
            groups = []
            left = sorted(range(len(files)), key=lambda number: -sizes[number])
            while left:
                leader, *others = left
                far = np.min([(hashes[0][leader] != each[others]).sum(axis=1) for each in hashes], axis=0)
                near = (far <= bits).tolist()
                joining = [files[other] for other, is_near in zip(others, near, strict=True) if is_near]
                groups.append([files[leader], *joining])
                left = [other for other, is_near in zip(others, near, strict=True) if not is_near]
            yield name, bits, [group for group in groups if len(group) > 1], hashing + time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="clothing-32")
    parser.add_argument("--limit", type=int, help="this many photos, drawn at random (default: all)")
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--thresholds", type=float, nargs="*", default=[0.82, 0.84, 0.86, 0.88, 0.9, 0.92])
    parser.add_argument("--many", type=int, metavar="N", help="only time N pictures made of parts of the photos")
    parser.add_argument("--bits", type=int, nargs="*", default=[4, 8, 12])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary, "photos")
        made.mkdir()
        if options.many:
            make_many(options.folder, made, options.many, options.seed)
            print(time_many(made, Path(temporary, "store"), options.model))
            return
        make(options.folder, made, options.limit, options.every, options.seed)
        files = sorted(made.iterdir())
        print(f"{len(files):,} pictures\n")
        print(f"| by | {' | '.join(KINDS)} | all kinds | precision | seconds | |")
        print("|---" * (len(KINDS) + 5) + "|")
        index_images(made, Path(temporary, "store"), model=options.model, encoders=ENCODER_NAMES, progress=False)
        trials: list[tuple[list[str] | None, float | None]] = [([name], None) for name in ENCODER_NAMES]
        trials += [(list(ENCODER_NAMES), None), (None, None), *((None, threshold) for threshold in options.thresholds)]
        with open_store(Path(temporary, "store")) as store:
            for names, threshold in trials:
                start = time.perf_counter()
                found = find_duplicates(store, using=names, threshold=threshold, progress=False)
                seconds = time.perf_counter() - start
                groups = [[copy.path for copy in group if copy.path is not None] for group in found.groups]
                said = (
                    "`learned` + `color`, the default" if names is None else " + ".join(f"`{name}`" for name in names)
                )
                how = "suggested" if found.suggested else "fixed" if threshold else "fixed, for want of copies"
                print(row(said, groups, files, seconds, f"threshold {found.threshold}, {how}"), flush=True)
        try:
            for name, bits, groups, seconds in hashed(files, options.bits):
                print(row(f"imagehash {name}", groups, files, seconds, f"{bits} bits of 64"), flush=True)
        except ImportError:
            print("\nimagehash is not installed, so there are no perceptual hashes: pip install imagehash")


if __name__ == "__main__":
    main()
