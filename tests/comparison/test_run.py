"""Comparison: worked out by hand on a few flat colors, then on real photos."""

from __future__ import annotations

import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autoenc.comparison.records import Comparison
from autoenc.comparison.run import DEFAULT_ENCODERS, compare
from autoenc.encoders import create_encoder
from autoenc.encoders.base import Encoder
from autoenc.encoders.projection import Projection
from autoenc.errors import ArgumentError, EncoderError, LabelsError, NoImagesError, OutputError
from autoenc.images.alterations import altered_copies
from autoenc.images.cache import load_pixels
from autoenc.metrics.bootstrap import bootstrap_intervals
from autoenc.metrics.registry import METRICS
from autoenc.text import short
from autoenc.vectors import Images, Vectors


class MeanColor(Encoder):
    """Red and green: an angle, for a picture of one color. Remembers how many pictures it was given."""

    def __init__(self, name: str = "mean", size: int = 32, origin: str | None = None) -> None:
        self.name, self.dim, self.input_size, self.fingerprint, self.origin = name, 2, size, "mean", origin
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
    assert encoder.seen == 5 + 4 + 5 + 1  # one more to warm up


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


def test_an_encoder_that_learned_from_labels_is_named(gallery: Path) -> None:
    class Taught(MeanColor):
        labeled = True

    said = "The training of mean used labels"
    assert [note.startswith(said) for note in compare(gallery, encoders=[Taught()]).notes].count(True) == 1
    assert not any(note.startswith(said) for note in compare(gallery, encoders=[MeanColor()]).notes)


def test_labels_are_the_names_of_folders_unless_said_otherwise(gallery: Path) -> None:
    asked, default = (compare(gallery, encoders=[MeanColor()], labels=labels) for labels in ("folders", None))
    assert asked.gallery_labels == default.gallery_labels == ["a", "a", "a", "b", "b"]


def test_labels_from_a_file(gallery: Path, tmp_path: Path) -> None:
    file = tmp_path / "styles.csv"
    file.write_text("id,kind\na/1.png,x\na/2.png,y\na/3.png,y\nb/1.png,x\nb/2.png,y, and more\n")
    comparison = compare(gallery, encoders=[MeanColor()], labels=file, label_column="kind")
    assert comparison.gallery_labels == ["x", "y", "y", "x", None]
    assert comparison.notes == [f"1 row of {file} left out: too many or too few fields."]
    assert comparison.encoders["mean"].per_query["map"] == pytest.approx([1 / 3, 1 / 2, 1 / 2, 1 / 3])
    with pytest.raises(LabelsError, match=r"no column 'label'.* are: id, kind. Name .* with label_column=\."):
        compare(gallery, encoders=[MeanColor()], labels=file)
    file.write_text("id,label\na/1.png,x\na/2.png,y\na/3.png,y\n")
    assert compare(gallery, encoders=[MeanColor()], labels=file).gallery_labels == ["x", "y", "y", None, None]
    file.write_text("id,kind\nother.png,x\n")
    with pytest.raises(LabelsError, match="No row"):
        compare(gallery, encoders=[MeanColor()], labels=file, label_column="kind")


@pytest.mark.parametrize(
    ("angles", "note"),
    [
        ({"1": 0, "2": 20, "3": 40}, None),
        ({"only/1": 0, "only/2": 20, "3": 40}, "Every labeled image is 'only': there is nothing to tell apart."),
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
        "dim", "ms_per_image", "bytes_per_image", "model_bytes",
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
    trained = MeanColor("mine", origin="models/mine")
    comparison = compare(gallery, encoders=[Constant("zero", 0.0), trained, Constant()])
    assert (comparison.reference, comparison.model) == ("mine", "models/mine")
    firsts = comparison.differences[:: len(METRICS) + 1]
    assert [(d.a, d.b) for d in firsts] == [("mine", "zero"), ("mine", "constant")]
    a, b = comparison.encoders["mine"], comparison.encoders["constant"]
    for difference in comparison.differences[len(METRICS) + 1 :]:
        (expected,) = bootstrap_intervals([a.scores(difference.metric) - b.scores(difference.metric)])
        assert (difference.mean, difference.ci_low, difference.ci_high) == expected
    assert comparison.differences[-1].metric == "selfrecall@1"
    untrained = compare(gallery, encoders=[MeanColor(), Constant()])
    assert ({d.a for d in untrained.differences}, untrained.reference, untrained.model) == ({"mean"}, "mean", None)


def test_to_dict_is_the_document_of_the_command_line(gallery: Path) -> None:
    comparison = compare(gallery, encoders=[MeanColor(), Constant()])
    values = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    encoder = values["encoders"]["mean"]
    assert encoder["dim"] == 2
    assert (encoder["bytes_per_image"], encoder["model_bytes"]) == (8, 0)
    assert encoder["ms_per_image"] > 0
    for metric in (*METRICS, "selfrecall@1", "selfrecall@5", "selfrecall@10"):
        (interval,) = bootstrap_intervals([comparison.encoders["mean"].scores(metric)])
        assert (encoder[metric], *encoder[f"{metric}_ci"]) == interval
    assert encoder["per_class"]["b"]["map"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert values["classes"] == {"a": 3, "b": 2}
    assert {key: values[key] for key in ("gallery", "queries", "labeled", "altered", "unlabeled")} == {
        "gallery": 5, "queries": 5, "labeled": 5, "altered": 5, "unlabeled": 0
    }  # fmt: skip
    assert (values["leave_one_out"], values["ignored"], values["skipped"], values["model"]) == (True, 0, [], None)
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
    fitted = Projection(create_encoder("texture"), 5).fit([load_pixels(sorted(photos[:40])).images])
    comparison = compare(tmp_path, encoders=["texture+pca4", fitted, Projection(create_encoder("edges"), 4)])
    assert {name: scores.dim for name, scores in comparison.encoders.items()} == {
        "texture+pca4": 4, "texture+pca5": 5, "edges+pca4": 4
    }  # fmt: skip
    with pytest.raises(EncoderError, match=r"'edges\+pca41' expected 41 images or more"):
        compare(tmp_path, encoders=["edges+pca41"])


def test_few_images_leave_default_projections_out(gallery: Path) -> None:
    comparison = compare(gallery, model="clothing-32", fusion=False)
    assert tuple(comparison.encoders) == DEFAULT_ENCODERS[:-2]
    assert (comparison.reference, comparison.model) == ("learned", "clothing-32")
    with pytest.raises(EncoderError, match=r"'pixels\+pca32' expected 32 images or more"):
        compare(gallery, model="clothing-32", encoders=list(DEFAULT_ENCODERS))  # asked for by name
    assert comparison.notes == [
        f"{name}+pca32 is left out: it needs 32 images or more, and there are 5." for name in ("pixels", "edges")
    ]


def test_a_second_run_encodes_only_what_has_changed(gallery: Path, tmp_path: Path) -> None:
    kept = tmp_path / "vectors"

    def run(**options: Any) -> tuple[Comparison, int]:
        encoder = MeanColor()
        return compare(gallery, encoders=[encoder, Projection(encoder, 1)], vectors=kept, **options), encoder.seen

    first, seen = run()
    assert (seen, first.notes) == (5 + 5 + 1, [])
    again, seen = run()
    assert seen == 0
    assert again.encoders["mean"].per_query["map"].tolist() == first.encoders["mean"].per_query["map"].tolist()
    assert again.encoders["mean+pca1"].top.tolist() == first.encoders["mean+pca1"].top.tolist()
    assert again.notes == [
        f"Vectors of an earlier run were taken from {kept}: 10 of mean.",
        "The milliseconds per image of mean are those that it measured.",
    ]
    draw(gallery, {"b/2": 60})
    changed, seen = run()
    assert seen == 2 + 1, "the picture, its altered copy, and one of them to warm up"
    assert (
        changed.encoders["mean"].top.tolist() == compare(gallery, encoders=[MeanColor()]).encoders["mean"].top.tolist()
    )


def test_vectors_are_not_kept_among_the_images(gallery: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="where images are read"):
        compare(gallery, encoders=[MeanColor()], vectors=gallery / "vectors")
    queries = draw(tmp_path / "queries", {"a/9": 10})
    with pytest.raises(OutputError, match="where images are read"):
        compare(gallery, queries=queries, encoders=[MeanColor()], vectors=queries)


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
        ({"encoders": [Constant(value=math.nan)]}, EncoderError, "'constant' returned a vector with NaN"),
        ({"max_queries": 0}, ArgumentError, "max_queries= must be 1 or more; got 0"),
        ({"seed": -1}, ArgumentError, "seed= must be 0 or more; got -1"),
        ({"labels": "folders", "label_column": "kind"}, ArgumentError, "name its file with labels="),
        ({"encoders": ["color"], "labels": "folder"}, LabelsError, "folder cannot be read.* Did you mean 'folders'"),
        ({"label_column": "kind"}, ArgumentError, "name its file with labels="),
        ({"labels": ["a"], "label_column": "kind"}, ArgumentError, "name its file with labels="),
        (
            {"encoders": ["color"], "labels": ["a"]},
            ArgumentError,
            "labels= as a list needs a list of pictures in the same order; got a folder",
        ),
        ({"query_labels": ["a"]}, ArgumentError, "query_labels= needs queries="),
        (
            {"queries": [np.zeros((8, 8, 3), np.uint8)], "query_labels": "x.csv"},
            ArgumentError,
            "takes a list of labels",
        ),
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
    with pytest.raises(NoImagesError, match=r"needs 2 images or more; 1 of 2"):
        compare(one, encoders=[MeanColor()])
    (one / "a" / "1.png").unlink()
    with pytest.raises(NoImagesError, match=r"needs 1 image or more; 0 of 1 could be read\. The first"):
        compare(gallery, queries=one, encoders=[MeanColor()])


PICTURES = [np.asarray(Image.new("RGB", (80, 64), color)) for color in ((250, 0, 0), (240, 80, 0), (0, 250, 0))]


def test_files_arrays_and_pil_images_give_the_figures_of_their_folder(gallery: Path) -> None:
    """The labels of files are their folders' names; those of pictures in memory are given."""
    files = sorted(gallery.rglob("*.png"))
    labels = [file.parent.name for file in files]
    whole = compare(gallery, encoders=[MeanColor()])
    opened = [Image.open(file) for file in files]
    forms = [
        compare(files, encoders=[MeanColor()]),
        compare([str(file) for file in files], encoders=[MeanColor()], labels=labels),
        compare(opened, encoders=[MeanColor()], labels=labels),
        compare([np.asarray(image) for image in opened], encoders=[MeanColor()], labels=np.array(labels)),
        compare(np.stack([np.asarray(image) for image in opened]), encoders=[MeanColor()], labels=tuple(labels)),
        compare([file.read_bytes() for file in files], encoders=[MeanColor()], labels=labels),
    ]
    for found in forms:
        assert found.gallery_labels == labels
        for metric in found.metrics:
            np.testing.assert_array_equal(
                found.encoders["mean"].scores(metric), whole.encoders["mean"].scores(metric), metric
            )
    assert forms[0].gallery == whole.gallery
    assert [path.name for path in forms[2].gallery] == ["0", "1", "2", "3", "4"]


def test_queries_in_memory_have_labels_of_their_own(gallery: Path) -> None:
    queries = [Image.new("RGB", (80, 64), (246, 43, 0)), Image.new("RGB", (80, 64), (13, 250, 0))]
    comparison = compare(gallery, queries=queries, query_labels=["a", None], encoders=[MeanColor()])
    assert comparison.query_labels == ["a", None]
    assert comparison.labeled.tolist() == [0]
    assert (comparison.unlabeled, comparison.leave_one_out) == (1, False)
    # At 10 degrees, a/1 and a/2 are nearest, then b/2; a/3 comes fourth.
    assert comparison.encoders["mean"].per_query["map"].tolist() == pytest.approx([(1 + 1 + 3 / 4) / 3])
    assert [path.name for path in comparison.queries] == ["0", "1"]


def test_labels_may_be_whole_numbers() -> None:
    comparison = compare(PICTURES, labels=np.array([7, 7, 8]), encoders=[MeanColor()])
    assert comparison.gallery_labels == ["7", "7", "8"]
    assert comparison.labeled.tolist() == [0, 1]


def test_a_picture_in_memory_does_not_find_its_own_pixels() -> None:
    again = [picture.copy() for picture in PICTURES]
    comparison = compare(PICTURES, queries=again, encoders=[MeanColor()])
    assert comparison.encoders["mean"].top.tolist() == [[1, 2], [0, 2], [1, 0]]
    other = compare(PICTURES, queries=[PICTURES[0] // 2], encoders=[MeanColor()])
    assert other.encoders["mean"].top.tolist() == [[0, 1, 2]]


def test_pictures_in_memory_that_cannot_be_read_take_their_labels_with_them() -> None:
    comparison = compare([PICTURES[0], b"broken", *PICTURES[1:]], labels=["a", "b", "a", "c"], encoders=[MeanColor()])
    assert comparison.gallery_labels == ["a", "a", "c"]
    assert [path.name for path in comparison.gallery] == ["0", "2", "3"]
    assert [file.path.name for file in comparison.skipped] == ["1"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "b"], "labels= needs one label or None for each picture; got 2 labels for 3 pictures"),
        (["a"], "got 1 label for 3 pictures"),
        ([0.5, "a", "b"], "labels= takes strings, whole numbers and None; got 0.5"),
        (3, "labels= expects a list with one label or None per picture; got 3"),
    ],
)
def test_labels_that_do_not_fit_the_pictures(labels: list[str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        compare(PICTURES, labels=labels, encoders=[MeanColor()])
    with pytest.raises(ArgumentError, match=f"query_{message}" if message.startswith("labels=") else message):
        compare(PICTURES, queries=PICTURES, query_labels=labels, encoders=[MeanColor()])


def test_a_table_cannot_label_pictures_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("id,kind\n0,a\n")
    with pytest.raises(ArgumentError, match=r"Give the labels of pictures in memory as a list, labels=\."):
        compare(PICTURES, labels=file, label_column="kind", encoders=[MeanColor()])


def test_records_are_shown_in_a_line(gallery: Path) -> None:
    comparison = compare(gallery, encoders=[MeanColor(), Constant()])
    means = {name: found.per_query["map"].mean() for name, found in comparison.encoders.items()}
    assert repr(comparison) == (
        f"<Comparison of 5 images, 5 queries, by map: mean {short(means['mean'])}, constant {short(means['constant'])}>"
    )
    assert repr(comparison.encoders["mean"]).startswith("<EncoderScores 'mean' 2-d: p@5 .320, p@10 .160, hit@5 1.000,")
    assert "\n" not in repr(comparison.encoders)


def test_a_metric_that_was_not_measured_is_answered_with_those_that_were(gallery: Path) -> None:
    scores = compare(gallery, encoders=[MeanColor()]).encoders["mean"]
    with pytest.raises(ArgumentError, match=r"'p@7' was not measured; there are: p@5, p@10, .*, selfrecall@10\."):
        scores.scores("p@7")


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


# ---- encoders together -------------------------------------------------------------------------------


class Half(Encoder):
    """One of the first two colors of a picture, between 0 and 90 degrees."""

    def __init__(self, name: str, channel: int) -> None:
        self.name, self.dim, self.input_size, self.fingerprint, self.channel = name, 2, 8, name, channel

    def _encode(self, images: Images) -> Vectors:
        angles = images[:, 0, 0, self.channel] / 255 * (math.pi / 2)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.fixture
def squares() -> tuple[list[Images], list[str]]:
    """80 pictures of four kinds, which red and green tell apart together, and neither alone."""
    generator = np.random.default_rng(0)
    kinds = generator.integers(0, 4, 80)
    colors = np.stack([40 + 170 * (kinds % 2), 40 + 170 * (kinds // 2), 0 * kinds], axis=1)
    colors[:, :2] += generator.integers(-30, 31, (80, 2))
    return [np.full((8, 8, 3), color, np.uint8) for color in colors], [f"kind {kind}" for kind in kinds]


def test_encoders_that_know_different_things_are_best_together(squares: tuple[list[Images], list[str]]) -> None:
    images, labels = squares
    comparison = compare(images, labels=labels, encoders=[Half("red", 0), Half("green", 1), "pixels+pca3"])
    fusion = comparison.fusion
    assert fusion is not None
    assert fusion.weights == {"red": 1.0, "green": 1.0}, "and no projections"
    assert comparison.encoders["red"].figures["map"].mean < 0.7
    assert fusion.figures["map"].mean > 0.97
    assert {difference.b for difference in fusion.differences} == set(comparison.encoders)
    assert comparison.to_dict()["fusion"] == fusion.to_dict()
    apart = compare(images[:40], labels=labels[:40], queries=images[40:], query_labels=labels[40:],
                    encoders=[Half("red", 0), Half("green", 1)]).fusion  # fmt: skip
    assert apart is not None
    assert (len(apart.half), apart.figures["map"].mean > 0.97) == (40, True)


def test_a_fusion_is_tried_where_labels_and_encoders_allow_it(squares: tuple[list[Images], list[str]]) -> None:
    images, labels = squares
    both = [Half("red", 0), Half("green", 1)]
    said = "No fusion of encoders was tried: its weights are found on one half of the labeled queries and scored on the"
    for comparison in (
        compare(images, labels=labels, encoders=both, fusion=False),
        compare(images, labels=labels, encoders=[both[0], "pixels+pca3"]),
        compare(images, encoders=both),
    ):
        assert comparison.fusion is None
        assert comparison.to_dict()["fusion"] is None
        assert said not in " ".join(comparison.notes)
    few = compare(images, labels=labels, encoders=both, max_queries=30)
    assert few.fusion is None
    assert [note.startswith(said) for note in few.notes] == [True]


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
