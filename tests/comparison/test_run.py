"""Comparison: worked out by hand on a few flat colors, then on real photos."""

from __future__ import annotations

import json
import math
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autoenc.comparison.records import Comparison
from autoenc.comparison.run import DEFAULT_ENCODERS, compare
from autoenc.encoders import create_encoder
from autoenc.encoders.base import Encoder
from autoenc.encoders.projection import Projection
from autoenc.errors import ArgumentError, EncoderError, LabelsError, NoImagesError
from autoenc.images.alterations import altered_copies
from autoenc.images.cache import load_pixels
from autoenc.metrics.scores import METRICS, bootstrap_intervals
from autoenc.vectors import Images, Vectors


class MeanColor(Encoder):
    """Red and green: an angle, for a picture of one color. Remembers how many pictures it was given."""

    def __init__(self, name: str = "mean", size: int = 32) -> None:
        self.name, self.dim, self.input_size, self.fingerprint = name, 2, size, "mean"
        self.seen = 0

    def _encode(self, images: Images) -> Vectors:
        self.seen += len(images)
        return np.asarray(images.mean(axis=(1, 2))[:, :2], np.float32)


class Constant(Encoder):
    def __init__(self, name: str = "constant", value: float = 1.0) -> None:
        self.name, self.dim, self.input_size, self.fingerprint, self.value = name, 3, 32, "constant", value

    def _encode(self, images: Images) -> Vectors:
        return np.full((len(images), 3), self.value, np.float32)


ANGLES = {"a/1": 0, "a/2": 20, "a/3": 80, "b/1": 90, "b/2": 52}


def draw(root: Path, angles: dict[str, float]) -> Path:
    """One flat PNG a name, its red and green at that angle in degrees."""
    for name, angle in angles.items():
        file = root / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        color = (round(250 * math.cos(math.radians(angle))), round(250 * math.sin(math.radians(angle))), 0)
        Image.new("RGB", (80, 64), color).save(file)
    return root


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    return draw(tmp_path / "gallery", ANGLES)


def stems(comparison: Comparison) -> list[list[str]]:
    names = [f"{path.parent.name}/{path.stem}" for path in comparison.gallery]
    return [[names[at] for at in row] for row in comparison.encoders["mean"].top]


def test_leave_one_out_by_hand(gallery: Path) -> None:
    comparison = compare(gallery, encoders=[MeanColor()])
    assert stems(comparison) == [
        ["a/2", "b/2", "a/3", "b/1"],  # relevant at 1 and 3
        ["a/1", "b/2", "a/3", "b/1"],  # at 1 and 3
        ["b/1", "b/2", "a/2", "a/1"],  # at 3 and 4
        ["a/3", "b/2", "a/2", "a/1"],  # at 2
        ["a/3", "a/2", "b/1", "a/1"],  # at 3
    ]
    assert comparison.leave_one_out
    assert comparison.gallery == comparison.queries
    assert comparison.query_labels == ["a", "a", "a", "b", "b"]
    scores = comparison.encoders["mean"].per_query
    assert tuple(scores) == METRICS
    assert scores["map"] == pytest.approx([5 / 6, 5 / 6, (1 / 3 + 2 / 4) / 2, 1 / 2, 1 / 3])
    assert scores["p@5"] == pytest.approx([0.4, 0.4, 0.4, 0.2, 0.2])
    assert scores["p@10"] == pytest.approx([0.2, 0.2, 0.2, 0.1, 0.1])
    assert scores["hit@5"].tolist() == scores["recall@10"].tolist() == [1] * 5
    assert scores["knn@10"].tolist() == [1, 1, 0, 0, 0]  # two votes each for the first three: the nearest decides
    assert (comparison.unlabeled, comparison.left_out, comparison.notes) == (0, 0, [])


def test_queries_of_their_own_by_hand(gallery: Path, tmp_path: Path) -> None:
    queries = draw(tmp_path / "queries", {"a/9": 10, "b/9": 87, "c/9": 40, "loose": 30})
    encoder = MeanColor()
    comparison = compare(gallery, queries=queries, encoders=[encoder])
    assert not comparison.leave_one_out
    assert comparison.query_labels == ["a", "b", "c", None]
    assert comparison.labeled.tolist() == [0, 1]
    assert (comparison.unlabeled, comparison.left_out) == (1, 1)
    assert stems(comparison)[1] == ["b/1", "a/3", "b/2", "a/2", "a/1"]
    assert stems(comparison)[3] == ["a/2", "b/2", "a/1", "a/3", "b/1"]
    scores = comparison.encoders["mean"].per_query
    assert scores["p@5"] == pytest.approx([0.6, 0.4])
    assert scores["map"] == pytest.approx([(1 + 1 + 3 / 4) / 3, (1 + 2 / 3) / 2])
    assert comparison.per_class("mean")["b"]["map"] == pytest.approx((1 + 2 / 3) / 2)
    # The gallery once, one batch to warm up, and so for queries and for altered copies.
    assert encoder.seen == 2 * (5 + 4 + 5)


def test_a_query_that_lies_in_the_gallery_does_not_find_itself(gallery: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(gallery)
    alone, both = (compare(gallery, queries=queries, encoders=[MeanColor()]) for queries in (None, link))
    assert not both.leave_one_out
    for metric, scores in alone.encoders["mean"].per_query.items():
        np.testing.assert_array_equal(both.encoders["mean"].per_query[metric], scores)
    np.testing.assert_array_equal(both.encoders["mean"].top, alone.encoders["mean"].top)


def test_images_without_a_label_are_neither_queries_nor_results(gallery: Path) -> None:
    draw(gallery, {"loose": 19})  # nearest to a/2 and a/1, were it counted
    comparison = compare(gallery, encoders=[MeanColor()])
    assert comparison.unlabeled == 1
    assert len(comparison.queries) == 6
    scores = comparison.encoders["mean"].per_query["map"]
    assert scores == pytest.approx([5 / 6, 5 / 6, 5 / 12, 1 / 2, 1 / 3])
    assert "loose" in {comparison.gallery[at].stem for at in comparison.encoders["mean"].top[0]}


def test_labels_from_a_file(gallery: Path, tmp_path: Path) -> None:
    file = tmp_path / "styles.csv"
    file.write_text("id,kind\na/1.png,x\na/2.png,y\na/3.png,y\nb/1.png,x\nb/2.png,y, and more\n")
    comparison = compare(gallery, encoders=[MeanColor()], labels=file, label_column="kind")
    assert comparison.gallery_labels == ["x", "y", "y", "x", None]
    assert comparison.notes == [f"1 rows of {file} were left out: they have too many fields or too few."]
    assert comparison.encoders["mean"].per_query["map"] == pytest.approx([1 / 3, 1 / 2, 1 / 2, 1 / 3])
    file.write_text("id,kind\nother.png,x\n")
    with pytest.raises(LabelsError, match="No row"):
        compare(gallery, encoders=[MeanColor()], labels=file, label_column="kind")


@pytest.mark.parametrize(
    ("angles", "note"),
    [
        ({"1": 0, "2": 20, "3": 40}, None),
        ({"only/1": 0, "only/2": 20, "3": 40}, "Every image with a label is 'only': there is nothing to tell apart."),
        ({"a/1": 0, "b/2": 20, "c/3": 40}, None),  # no label twice
    ],
)
def test_without_usable_labels(tmp_path: Path, angles: dict[str, float], note: str | None) -> None:
    comparison = compare(draw(tmp_path / "flat", angles), encoders=[MeanColor(), Constant()])
    assert comparison.notes[-1].startswith("No query has a label that another image shares")
    assert comparison.notes[:-1] == ([note] if note else [])
    assert comparison.encoders["mean"].per_query == {}
    assert len(comparison.labeled) == 0
    assert comparison.metrics == ("selfrecall@1", "selfrecall@5", "selfrecall@10")
    assert [difference.metric for difference in comparison.differences] == ["selfrecall@1"]
    values = comparison.to_dict()
    assert set(values["encoders"]["mean"]) == {
        "dim", "ms_per_image", "bytes_per_image",
        *(f"selfrecall@{k}{end}" for k in (1, 5, 10) for end in ("", "_ci")),
    }  # fmt: skip
    assert values["classes"] == {}


def test_selfrecall_against_a_slow_reference(photos: list[Path], tmp_path: Path) -> None:
    for path in photos[:40]:
        (tmp_path / f"{path.parent.name}-{path.name}").symlink_to(path)
    comparison = compare(tmp_path, encoders=["pixels"], seed=3)
    pictures = load_pixels(comparison.gallery).images
    encoder = create_encoder("pixels")
    vectors, copies = encoder.encode(pictures), encoder.encode(altered_copies(pictures, seed=3))
    ranks = []
    for at, copy in enumerate(copies.astype(np.float64)):
        cosines = [copy @ row / np.linalg.norm(copy) / np.linalg.norm(row) for row in vectors.astype(np.float64)]
        ranks.append(sum(cosine > cosines[at] for cosine in cosines))
    for k, found in comparison.encoders["pixels"].selfrecall.items():
        assert found.tolist() == [float(rank < k) for rank in ranks]


def test_an_encoder_that_sees_nothing_finds_nothing(gallery: Path) -> None:
    scores = compare(gallery, encoders=[Constant(), Constant("zero", 0.0)]).encoders
    for name in ("constant", "zero"):
        assert scores[name].top.tolist() == [[at for at in range(5) if at != query] for query in range(5)]
        assert scores[name].selfrecall[1].tolist() == [1, 0, 0, 0, 0]  # a tie goes to the first, once


def test_max_queries_samples(gallery: Path, tmp_path: Path) -> None:
    queries = draw(tmp_path / "queries", {f"a/{at}": at for at in range(20)})
    first, again, other = (
        compare(gallery, queries=queries, encoders=[MeanColor()], max_queries=4, seed=seed) for seed in (1, 1, 2)
    )
    assert first.queries == again.queries != other.queries
    assert len(set(first.queries)) == len(first.altered) == 4
    assert first.queries == sorted(first.queries)
    alone = compare(gallery, encoders=[MeanColor()], max_queries=3)
    assert alone.queries == [alone.gallery[at] for at in alone.altered]
    assert alone.encoders["mean"].top.shape == (3, 4)
    whole = compare(gallery, encoders=[MeanColor()])
    at = [whole.queries.index(query) for query in alone.queries]
    assert alone.encoders["mean"].per_query["map"].tolist() == whole.encoders["mean"].per_query["map"][at].tolist()


def test_what_cannot_be_read_is_listed(gallery: Path, tmp_path: Path) -> None:
    (gallery / "a" / "broken.jpg").write_bytes(b"no image")
    (gallery / "notes.txt").write_text("x")
    queries = draw(tmp_path / "queries", {"a/9": 10})
    (queries / "a" / "empty.png").touch()
    comparison = compare(gallery, queries=queries, encoders=[MeanColor()])
    assert [file.path.name for file in comparison.skipped] == ["broken.jpg", "empty.png"]
    assert comparison.ignored == 1
    assert len(comparison.gallery) == 5
    assert comparison.to_dict()["skipped"][1] == {
        "path": str(queries / "a" / "empty.png"), "reason": comparison.skipped[1].reason
    }  # fmt: skip


def test_differences_are_paired(gallery: Path) -> None:
    comparison = compare(gallery, encoders=[Constant("zero", 0.0), MeanColor("learned"), Constant()])
    firsts = comparison.differences[:: len(METRICS) + 1]
    assert [(d.a, d.b) for d in firsts] == [("learned", "zero"), ("learned", "constant")]
    a, b = comparison.encoders["learned"], comparison.encoders["constant"]
    for difference in comparison.differences[len(METRICS) + 1 :]:
        (expected,) = bootstrap_intervals([a.scores(difference.metric) - b.scores(difference.metric)])
        assert (difference.mean, difference.ci_low, difference.ci_high) == expected
    assert comparison.differences[-1].metric == "selfrecall@1"
    assert {d.a for d in compare(gallery, encoders=[MeanColor(), Constant()]).differences} == {"mean"}


def test_to_dict_is_the_document_of_the_command_line(gallery: Path) -> None:
    comparison = compare(gallery, encoders=[MeanColor(), Constant()])
    values = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    encoder = values["encoders"]["mean"]
    assert encoder["dim"] == 2
    assert encoder["bytes_per_image"] == 8
    assert encoder["ms_per_image"] > 0
    for metric in (*METRICS, "selfrecall@1", "selfrecall@5", "selfrecall@10"):
        (interval,) = bootstrap_intervals([comparison.encoders["mean"].scores(metric)])
        assert (encoder[metric], *encoder[f"{metric}_ci"]) == interval
    assert encoder["per_class"]["b"]["map"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert values["classes"] == {"a": 3, "b": 2}
    assert {key: values[key] for key in ("gallery", "queries", "labeled", "altered", "unlabeled")} == {
        "gallery": 5, "queries": 5, "labeled": 5, "altered": 5, "unlabeled": 0
    }  # fmt: skip
    assert (values["leave_one_out"], values["ignored"], values["skipped"], values["bundle"]) == (True, 0, [], None)
    assert values["seconds"] > 0
    assert {"a", "b", "metric", "mean", "ci_low", "ci_high"} <= set(values["differences"][0])


def test_encoders_of_several_sizes_share_one_reading(gallery: Path) -> None:
    small, large = MeanColor("small", 16), MeanColor("large", 64)
    scores = compare(gallery, encoders=[small, large]).encoders
    assert scores["small"].per_query["map"].tolist() == scores["large"].per_query["map"].tolist()


def test_projections_by_name_and_by_hand(photos: list[Path], tmp_path: Path) -> None:
    for at, path in enumerate(photos[:40]):
        folder = tmp_path / str(at % 2)
        folder.mkdir(exist_ok=True)
        (folder / f"{at}.jpg").symlink_to(path)
    fitted = Projection(create_encoder("pixels"), 5).fit([load_pixels(sorted(photos[:40])).images])
    comparison = compare(tmp_path, encoders=["pixels+pca4", fitted, Projection(create_encoder("edges"), 4)])
    assert {name: scores.dim for name, scores in comparison.encoders.items()} == {
        "pixels+pca4": 4, "pixels+pca5": 5, "edges+pca4": 4
    }  # fmt: skip
    with pytest.raises(EncoderError, match=r"'edges\+pca41' expected 41 images or more"):
        compare(tmp_path, encoders=["edges+pca41"])


def test_few_images_leave_default_projections_out(gallery: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(name: str, *, model: object = None) -> Encoder:
        return MeanColor("learned") if name == "learned" else create_encoder(name)

    monkeypatch.setattr("autoenc.comparison.run.create_encoder", fake)
    monkeypatch.setattr("autoenc.comparison.run.load_bundle", lambda model: model)
    comparison = compare(gallery, model="bundle")
    assert tuple(comparison.encoders) == DEFAULT_ENCODERS[:-2]
    with pytest.raises(EncoderError, match=r"'pixels\+pca32' expected 32 images or more"):
        compare(gallery, model="bundle", encoders=list(DEFAULT_ENCODERS))  # asked for by name
    assert comparison.notes == [
        f"{name}+pca32 is left out: it needs 32 images or more, and there are 5." for name in ("pixels", "edges")
    ]


def test_progress(gallery: Path) -> None:
    calls: list[tuple[str, int, int, str]] = []
    compare(gallery, queries=gallery, encoders=[MeanColor()], progress=lambda *call: calls.append(call))
    assert list(dict.fromkeys(stage for stage, *_ in calls)) == [
        "reading images", "reading queries", "mean: encoding", "mean: ranking"
    ]  # fmt: skip
    assert all(0 < done <= total for _, done, total, _ in calls)
    assert calls[-1][1] == calls[-1][2]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, EncoderError, r"'learned' needs a trained model: .*model="),
        ({"encoders": ["learned+pca8"]}, EncoderError, "'learned' needs a trained model"),
        ({"encoders": "color"}, ArgumentError, "list of one encoder or more; got 'color'"),
        ({"encoders": []}, ArgumentError, "one encoder or more"),
        ({"encoders": ["color", "edges", "color"]}, ArgumentError, "'color' is named twice"),
        ({"encoders": ["hue"]}, EncoderError, "Unknown encoder 'hue'"),
        ({"encoders": ["pixels+pcaX"]}, EncoderError, r"NAME\+pcaK"),
        ({"encoders": ["pixels+pca9999"]}, EncoderError, "1 to 3072 components"),
        ({"encoders": ["pixels+pca6"]}, EncoderError, "expected 6 images or more.*got 5"),
        ({"encoders": [Constant(value=math.nan)]}, EncoderError, "'constant' gave a vector with NaN"),
        ({"max_queries": 0}, ArgumentError, "max_queries from 1; got 0"),
        ({"seed": -1}, ArgumentError, "seed from 0; got -1"),
        ({"labels": "x.csv"}, ArgumentError, "--label-column.* is missing"),
        ({"label_column": "kind"}, ArgumentError, "--labels.* is missing"),
        ({"encoders": ["color"], "labels": "none.csv", "label_column": "kind"}, LabelsError, "none.csv cannot be read"),
        ({"encoders": ["color"], "queries": "nowhere"}, NoImagesError, "does not exist"),
    ],
)
def test_one_clear_sentence(gallery: Path, options: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        compare(gallery, **options)  # type: ignore[arg-type]


def test_too_few_images_that_can_be_read(tmp_path: Path, gallery: Path) -> None:
    one = draw(tmp_path / "one", {"a/1": 0})
    (one / "a" / "broken.png").write_bytes(b"no image")
    with pytest.raises(NoImagesError, match=r"2 or more images.*1 of 2"):
        compare(one, encoders=[MeanColor()])
    (one / "a" / "1.png").unlink()
    with pytest.raises(NoImagesError, match=r"1 or more images.*0 of 1 could be read\. The first"):
        compare(gallery, queries=one, encoders=[MeanColor()])


def test_nothing_is_left_behind(gallery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = tmp_path / "temporary"
    files.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(files))
    monkeypatch.setattr("autoenc.images.cache.IN_MEMORY_BYTES", 0)
    mapped = compare(gallery, queries=gallery, encoders=[MeanColor()])
    assert mapped.encoders["mean"].per_query["map"] == pytest.approx([5 / 6, 5 / 6, 5 / 12, 1 / 2, 1 / 3])
    with pytest.raises(EncoderError):
        compare(gallery, encoders=[Constant(value=math.inf)])
    assert list(files.iterdir()) == []


def test_real_photos_against_a_slow_reference(photos_dir: Path) -> None:
    comparison = compare(photos_dir / "test", encoders=["edges", "color"])
    pictures = load_pixels(comparison.gallery).images
    labels = np.array([path.parent.name for path in comparison.gallery])
    assert comparison.gallery_labels == labels.tolist()
    assert len(comparison.classes) == 10
    for name, scores in comparison.encoders.items():
        vectors = create_encoder(name).encode(pictures).astype(np.float64)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        precisions, averages = [], []
        for query, cosines in enumerate(vectors @ vectors.T):
            order = [at for at in np.argsort(-cosines, kind="stable") if at != query]
            right = labels[order] == labels[query]
            precisions.append(right[:5].mean())
            averages.append(np.mean([right[: rank + 1].mean() for rank in np.flatnonzero(right)]))
        # Cosines nearer than a millionth may change places: a rank or two among thousands, not a figure.
        np.testing.assert_allclose(scores.per_query["map"], averages, atol=2e-3)
        assert (scores.per_query["p@5"] == precisions).mean() > 0.99
    difference = next(d for d in comparison.differences if d.metric == "p@5")
    assert difference.mean > 0.2  # edges over color, on these photos
    assert difference.excludes_zero
