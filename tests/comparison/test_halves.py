"""A fusion: scaled as in a store, scored on the half that its weights have not seen."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoenc import measure_scales, open_store
from autoenc.comparison import halves
from autoenc.comparison import kept as keeping
from autoenc.comparison.fusion import Fusion
from autoenc.comparison.halves import fuse as fuse_halves
from autoenc.comparison.halves import split_halves, trial_of
from autoenc.comparison.kept import Kept, gallery_scale
from autoenc.comparison.records import EncoderScores
from autoenc.comparison.split import Split
from autoenc.metrics.registry import METRICS, score_ranking
from autoenc.progress import Progress, silent
from autoenc.store import VectorSpec, point_id
from autoenc.store.blending import Similarity
from autoenc.vectors import Indices, Vectors, unit_rows

LABELS = 4
NOISE = {"form": 0.8, "paint": 1.0, "blind": 30.0}


def clouds(codes: Indices, seed: int) -> dict[str, Vectors]:
    """Vectors around a center for each label, for encoders that see the labels more or less well."""
    generator = np.random.default_rng(seed)
    centers = np.random.default_rng(99).standard_normal((LABELS + 1, 6))  # the last is for no label
    return {
        name: unit_rows((centers[codes] + noise * generator.standard_normal((len(codes), 6))).astype(np.float32))
        for name, noise in NOISE.items()
    }


def kept(split: Split, gallery: dict[str, Vectors], queries: dict[str, Vectors] | None = None) -> Kept:
    found = Kept(split)
    for name, vectors in gallery.items():
        found.add(name, vectors, vectors if queries is None else queries[name])
    return found


def fuse(kept: Kept, scores: Mapping[str, EncoderScores], progress: Progress) -> Fusion | None:
    found = split_halves(kept)
    return None if found is None else fuse_halves(found, scores, progress)


def alone(count: int, labeled: int) -> dict[str, EncoderScores]:
    """Encoders whose scores are 0 everywhere."""
    nothing = {metric: np.zeros(labeled) for metric in METRICS}
    top = np.zeros((count, 1), np.int64)
    return {name: EncoderScores(name, 6, 0.5, nothing, {}, top) for name in (*NOISE, "blind+pca2")}


@pytest.fixture
def within() -> tuple[Split, dict[str, Vectors]]:
    """200 images, each a query, some without a label."""
    codes = np.random.default_rng(0).integers(-1, LABELS, 200)
    none = np.empty((0, 8, 8, 3), np.uint8)
    labeled = np.flatnonzero(codes >= 0)
    return Split(none, None, np.arange(200), codes, codes, labeled, np.arange(0), 5), clouds(codes, 1)


@pytest.fixture
def apart() -> tuple[Split, dict[str, Vectors], dict[str, Vectors]]:
    """120 images and 90 queries of their own, but for one that is an image too."""
    generator = np.random.default_rng(3)
    codes, asked = generator.integers(0, LABELS, 120), generator.integers(0, LABELS, 90)
    asked[7] = codes[11]
    own = np.full(90, -1)
    own[7] = 11
    none = np.empty((0, 8, 8, 3), np.uint8)
    return Split(none, none, own, codes, asked, np.arange(90), np.arange(0), 6), clouds(codes, 1), clouds(asked, 2)


def slowly(
    split: Split, gallery: dict[str, Vectors], queries: dict[str, Vectors], weights: dict[str, float], at: int
) -> dict[str, float]:
    """The scores of one query, from sums of scaled cosines, image by image."""
    scales = {name: gallery_scale(gallery[name], split.seed) for name in weights}
    sums = [
        sum(
            weight * scales[name].scaled(float(queries[name][at] @ gallery[name][image]))
            for name, weight in weights.items()
        )
        for image in range(len(split.gallery_codes))
    ]
    order = [image for image in np.argsort(sums)[::-1] if image != split.own[at] and split.gallery_codes[image] >= 0]
    return score_ranking(split.gallery_codes[order], int(split.query_codes[at]))


# ---- fuse -------------------------------------------------------------------------------------------


def test_every_query_is_scored_by_the_weights_of_the_other_half_leave_one_out(
    within: tuple[Split, dict[str, Vectors]],
) -> None:
    split, gallery = within
    found = fuse(kept(split, gallery), alone(200, len(split.labeled)), silent)
    assert found is not None
    assert set(found.weights) == {"form", "paint"}
    assert abs(int((found.half == 0).sum()) - int((found.half == 1).sum())) <= 1
    for row in range(0, len(split.labeled), 7):
        weights = found.halves[1 - found.half[row]]
        expected = slowly(split, gallery, gallery, weights, int(split.labeled[row]))
        assert {metric: found.per_query[metric][row] for metric in METRICS} == pytest.approx(expected)
    assert (found.dim, found.ms_per_image, found.bytes_per_image) == (12, 1.0, 48)


def test_every_query_is_scored_by_the_weights_of_the_other_half_with_queries_of_their_own(
    apart: tuple[Split, dict[str, Vectors], dict[str, Vectors]],
) -> None:
    split, gallery, queries = apart
    found = fuse(kept(split, gallery, queries), alone(90, 90), silent)
    assert found is not None
    for row in (0, 7, 30, 61, 89):
        expected = slowly(split, gallery, queries, found.halves[1 - found.half[row]], row)
        assert {metric: found.per_query[metric][row] for metric in METRICS} == pytest.approx(expected)


def test_the_differences_are_to_every_encoder_in_every_metric(within: tuple[Split, dict[str, Vectors]]) -> None:
    split, gallery = within
    found = fuse(kept(split, gallery), alone(200, len(split.labeled)), silent)
    assert found is not None
    pairs = {(difference.b, difference.metric): difference for difference in found.differences}
    assert set(pairs) == {(name, metric) for name in (*NOISE, "blind+pca2") for metric in METRICS}
    for metric in METRICS:
        difference = pairs["blind+pca2", metric]  # whose scores are all 0
        assert difference.a == found.name
        assert (difference.mean, difference.ci_low, difference.ci_high) == found.figures[metric]


def test_together_they_retrieve_better_than_the_best_alone(within: tuple[Split, dict[str, Vectors]]) -> None:
    split, gallery = within
    found = fuse(kept(split, gallery), alone(200, len(split.labeled)), silent)
    assert found is not None
    best = np.mean([slowly(split, gallery, gallery, {"form": 1.0}, int(at))["map"] for at in split.labeled])
    assert found.figures["map"].mean > best + 0.02


def test_vectors_in_files_give_the_same(
    within: tuple[Split, dict[str, Vectors]], monkeypatch: pytest.MonkeyPatch
) -> None:
    split, gallery = within
    in_memory = fuse(kept(split, gallery), alone(200, len(split.labeled)), silent)
    monkeypatch.setattr(keeping, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(halves, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(keeping, "_CELLS", 1000)
    in_files = kept(split, gallery)
    assert all(isinstance(in_files.gallery(name), np.memmap) for name in NOISE)
    found = fuse(in_files, alone(200, len(split.labeled)), silent)
    assert found is not None
    assert in_memory is not None
    assert found.to_dict() == in_memory.to_dict()


def test_few_queries_have_no_fusion(within: tuple[Split, dict[str, Vectors]]) -> None:
    split, gallery = within
    for count, some in ((39, False), (40, True)):
        few = replace(split, labeled=split.labeled[:count])
        assert (fuse(kept(few, gallery), alone(200, count), silent) is not None) == some
    # Each label twice: no query has another image with its label in its half, unless both are in one.
    pairs = np.arange(200) // 2
    lone = replace(split, gallery_codes=pairs, query_codes=pairs, labeled=np.arange(40))
    assert fuse(kept(lone, gallery), alone(200, 40), silent) is None


# ---- no half sees the other ------------------------------------------------------------------------


def shuffled(split: Split, half: Indices, side: int) -> Split:
    """The labels of one half's queries exchanged among them, wherever those lie."""
    asked = split.labeled[half == side]
    mixed = np.random.default_rng(8).permutation(asked)
    query_codes, gallery_codes = split.query_codes.copy(), split.gallery_codes.copy()
    query_codes[asked] = split.query_codes[mixed]
    own = split.own[asked] >= 0
    gallery_codes[split.own[asked[own]]] = query_codes[asked[own]]
    return replace(split, query_codes=query_codes, gallery_codes=gallery_codes)


@pytest.mark.parametrize("leave_one_out", [True, False])
@pytest.mark.parametrize("side", [0, 1])
def test_what_a_half_is_tried_on_does_not_depend_on_the_labels_of_the_other(
    within: tuple[Split, dict[str, Vectors]],
    apart: tuple[Split, dict[str, Vectors], dict[str, Vectors]],
    side: int,
    leave_one_out: bool,
) -> None:
    split, *vectors = within if leave_one_out else apart
    scores = alone(len(split.query_codes), len(split.labeled))
    found = fuse(kept(split, *vectors), scores, silent)
    assert found is not None
    mixed = shuffled(split, found.half, 1 - side)
    assert (mixed.query_codes != split.query_codes).sum() > 25
    again = fuse(kept(mixed, *vectors), scores, silent)
    assert again is not None
    np.testing.assert_array_equal(again.half, found.half)
    assert again.halves[side] == found.halves[side]
    spans = dict.fromkeys(NOISE, 1.0)
    before, after = (trial_of(kept(each, *vectors), found.half, side, spans) for each in (split, mixed))
    np.testing.assert_array_equal(after.relevant, before.relevant)
    for name in NOISE:
        np.testing.assert_array_equal(after.parts[name], before.parts[name])
    other = [trial_of(kept(each, *vectors), found.half, 1 - side, spans).score({"form": 1}) for each in (split, mixed)]
    assert other[1] < 0.8 * other[0], "the labels that were exchanged matter to their own half"


def test_a_trial_holds_no_image_that_is_a_query_of_the_other_half(within: tuple[Split, dict[str, Vectors]]) -> None:
    split, gallery = within
    half = np.arange(len(split.labeled)) % 2
    marked = {"form": gallery["form"], "number": np.eye(200, dtype=np.float32)}  # cosine 1 with itself alone
    for side in (0, 1):
        trial = trial_of(kept(split, marked), half, side, {"form": 1.0, "number": 1.0})
        mine = np.flatnonzero(half == side)
        assert len(trial) <= len(mine)
        assert trial.relevant.shape[1] == len(mine), "all images with a label but those of the other half"
        at = trial.parts["number"].argmax(axis=1)
        np.testing.assert_array_equal(at, trial.own)
        assert (trial.own >= 0).all()
        assert not trial.relevant[np.arange(len(trial)), trial.own].any()


# ---- bounds ------------------------------------------------------------------------------------------


def test_a_trial_is_bounded_and_prefers_images_that_can_be_found(
    apart: tuple[Split, dict[str, Vectors], dict[str, Vectors]], monkeypatch: pytest.MonkeyPatch
) -> None:
    split, gallery, queries = apart
    half = np.arange(90) % 2
    monkeypatch.setattr(halves, "QUERIES", 10)
    monkeypatch.setattr(halves, "GALLERY", 40)
    assert trial_of(kept(split, gallery, queries), half, 0, dict.fromkeys(NOISE, 1.0)).relevant.shape == (10, 40)
    lone = np.where(np.arange(120) < 20, 1, 0)  # 20 images that are relevant, among 120
    rare = replace(split, gallery_codes=lone, query_codes=np.ones(90, np.int64), own=np.full(90, -1))
    trial = trial_of(kept(rare, gallery, queries), half, 0, dict.fromkeys(NOISE, 1.0))
    assert trial.relevant.shape == (10, 40)
    assert trial.relevant.sum(axis=1).tolist() == [20] * 10


# ---- as a store -------------------------------------------------------------------------------------


def test_the_scale_is_that_of_a_store(within: tuple[Split, dict[str, Vectors]]) -> None:
    _, gallery = within
    rows = gallery["form"].copy()
    rows[50:70] = rows[20]  # more copies than it looks past
    rows[90] = rows[91]
    with open_store(":memory:") as store:
        store.add_vector("form", VectorSpec(6, "f", 1))
        store.upsert([point_id("s", str(number)) for number in range(200)], {"form": rows}, [{}] * 200)
        measured = measure_scales(store)["form"]
    scale = gallery_scale(rows, 0)
    assert (scale.median, scale.nearest) == pytest.approx((measured.median, measured.nearest), abs=2e-6)
    assert scale.percentiles == pytest.approx(measured.percentiles, abs=2e-6)


@pytest.mark.parametrize("count", [2, 5, 11])
def test_small_galleries_have_a_scale(count: int) -> None:
    rows = unit_rows(np.random.default_rng(1).standard_normal((count, 4)).astype(np.float32))
    cosines = np.sort(np.where(np.eye(count, dtype=bool), -2, rows @ rows.T), axis=1)[:, -1]
    assert gallery_scale(rows, 0).nearest == pytest.approx(np.median(cosines), abs=1e-6)
    assert gallery_scale(np.repeat(rows[:1], count, axis=0), 0).nearest == 1


def test_a_store_orders_images_by_the_same_sums(within: tuple[Split, dict[str, Vectors]]) -> None:
    split, gallery = within
    found = fuse(kept(split, gallery), alone(200, len(split.labeled)), silent)
    assert found is not None
    ids = [point_id("s", str(number)) for number in range(200)]
    with open_store(":memory:") as store:
        for name in found.weights:
            store.add_vector(name, VectorSpec(6, name, 1))
        store.upsert(ids, {name: gallery[name] for name in found.weights}, [{}] * 200)
        scales = measure_scales(store)
        for row in (0, 20, 90):
            query = int(split.labeled[row])
            weights = found.halves[1 - found.half[row]]
            if set(weights) != set(found.weights):
                continue
            parts = [Similarity(name, gallery[name][query], weight, scales[name]) for name, weight in weights.items()]
            hits = store.search_hybrid(parts, k=199, exclude=[ids[query]])
            codes = split.gallery_codes[[ids.index(hit.id) for hit in hits]]
            expected = score_ranking(codes[codes >= 0], int(split.query_codes[query]))
            assert {metric: found.per_query[metric][row] for metric in METRICS} == pytest.approx(expected, abs=0.01)


def test_vectors_in_files_leave_none_behind(
    within: tuple[Split, dict[str, Vectors]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(keeping, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(halves, "IN_MEMORY_BYTES", 0)
    held = kept(*within)
    assert isinstance(held.gallery("form"), np.memmap)
    assert list(tmp_path.iterdir()) == []
