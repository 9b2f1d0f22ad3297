"""What images are told apart by: found where it is known, by drawing images that one thing alone tells apart."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy", reason="comparing mixes is a part of training: pip install 'autoenc[train]'")

from hypothesis import given
from hypothesis import strategies as st
from kinds import gray, kinds_of_color, kinds_of_shape

from autoenc import find_images
from autoenc.errors import ArgumentError, TrainingError
from autoenc.images.cache import load_pixels
from autoenc.training import emphasis
from autoenc.training.descriptors import Describer, Mix, joined
from autoenc.training.emphasis import (
    EMPHASES,
    FEWEST,
    Emphasis,
    Score,
    compare_mixes,
    decide,
    describe_folds,
    parse_emphasis,
)

ENDS = (Mix(edges=1), Mix(edges=1, color=0.5, texture=0.7), Mix(color=1))
COUNT = FEWEST + 10


def chosen(images: Any, asked: Any = "auto") -> Emphasis:
    return decide(asked, Describer(images), images)


@pytest.fixture(scope="module")
def few() -> Any:
    return kinds_of_color(20)[0]


# ---- what is asked for ------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["auto", *EMPHASES])
def test_a_name_is_kept(asked: str) -> None:
    assert parse_emphasis(asked) == asked


@pytest.mark.parametrize("kind", [dict, MappingProxyType])
def test_weights_that_are_not_given_are_zero(kind: Any) -> None:
    assert parse_emphasis(kind({"color": 0.5, "edges": 1})) == {"edges": 1, "color": 0.5, "texture": 0}


@pytest.mark.parametrize("asked", ["form", "", "Auto", None, 1, [], {}, ["edges"], {"hue": 1}, {1: 2}])
def test_what_is_no_emphasis_is_told_what_is_one(asked: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^emphasis= must be auto, shape, color, texture, or weights.*; got "):
        parse_emphasis(asked)


@pytest.mark.parametrize("asked", [{"color": 0}, {"edges": -1}, {"edges": "1"}, {"edges": float("nan")}])
def test_weights_that_cannot_be(asked: Any) -> None:
    with pytest.raises(ArgumentError, match=r"weights? of "):
        parse_emphasis(asked)


@pytest.mark.parametrize(
    "weight", [1e-200, 1e-30, 1e30, 1e200, 10**400], ids=["1e-200", "1e-30", "1e30", "1e200", "1e400"]
)
def test_a_weight_of_any_size_can_be_used_or_is_refused(few: Any, weight: float) -> None:
    """Alone, where its size means nothing."""
    try:
        found = chosen(few, parse_emphasis({"color": weight}))
    except ArgumentError as error:
        said = str(error)
    else:
        said = "the weight of color, as it is"
        assert found.gain == pytest.approx(0.1)
        rows = Describer(few)(few)
        np.testing.assert_allclose(joined(rows, found.mix), rows["color"], atol=1e-5)
    assert "weight of color" in said


def test_each_name_weighs_most_what_it_says() -> None:
    for name, most in (("shape", "edges"), ("color", "color"), ("texture", "texture")):
        weights = EMPHASES[name].to_dict()
        assert max(weights, key=weights.__getitem__) == most
    assert not EMPHASES["shape"].color


# ---- where nothing is compared ----------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["shape", "color", "texture"])
def test_a_name_has_its_mix(few: Any, asked: str) -> None:
    assert chosen(few, asked) == Emphasis(asked, EMPHASES[asked])


def test_given_weights_are_used_as_they_are(few: Any) -> None:
    weights = {"edges": 0.2, "color": 3, "texture": 0}
    assert chosen(few, weights) == Emphasis(weights, Mix(0.2, 3, 0))


@pytest.mark.parametrize("asked", ["color", {"edges": 1, "color": 1, "texture": 0}])
def test_gray_images_are_given_no_color(few: Any, asked: Any) -> None:
    found = chosen(gray(few), asked)
    assert found.mix.color == 0
    assert found.mix.edges > 0
    assert found.reason == "the images are gray"


def test_gray_images_cannot_be_told_apart_by_color_alone(few: Any) -> None:
    with pytest.raises(TrainingError, match=r"The images are gray: .*another emphasis="):
        chosen(gray(few), {"edges": 0, "color": 1, "texture": 0})


@pytest.mark.parametrize("count", [1, 2, FEWEST - 1])
def test_of_few_images_nothing_is_compared(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emphasis, "compare_mixes", None)
    images = kinds_of_color(count)[0]
    describer = Describer(images[:3])
    describer.colorful = True
    found = decide("auto", describer, images)
    assert found.scores == ()
    noun = "image" if count == 1 else "images"
    assert found.reason == f"only {count} different {noun} to train on, and choosing needs 200"
    assert all(found.mix.to_dict().values())
    describer.colorful = False
    assert decide("auto", describer, images).mix.color == 0


# ---- what is found ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_color() -> Emphasis:
    return chosen(kinds_of_color(COUNT)[0])


@pytest.fixture(scope="module")
def by_shape() -> Emphasis:
    return chosen(kinds_of_shape(COUNT)[0])


@pytest.fixture(scope="module")
def without_color() -> Emphasis:
    return chosen(gray(kinds_of_shape(COUNT)[0]))


@pytest.mark.parametrize(("name", "wanted"), [("clothing", "edges"), ("groceries", "color")])
def test_what_tells_a_few_hundred_real_photos_apart(data_dir: Path, name: str, wanted: str) -> None:
    paths = find_images(data_dir / name / "train").paths
    mix = chosen(load_pixels(paths[:: len(paths) // 400], 32).images).mix.to_dict()
    assert max(mix, key=mix.__getitem__) == wanted


def test_where_only_color_tells_the_kinds_apart_color_weighs_more_than_edges(by_color: Emphasis) -> None:
    assert by_color.mix.color > 1.5 * by_color.mix.edges


def test_where_only_shape_tells_the_kinds_apart_edges_weigh_more_than_color(by_shape: Emphasis) -> None:
    assert by_shape.mix.edges > 1.5 * by_shape.mix.color


def test_gray_images_are_not_told_apart_by_color(without_color: Emphasis) -> None:
    assert without_color.mix.edges > 0
    assert without_color.scores
    assert not any(score.mix.color for score in without_color.scores)
    assert not without_color.mix.color


def test_what_is_chosen_is_worth_about_as_much_as_the_best(
    by_color: Emphasis, by_shape: Emphasis, without_color: Emphasis
) -> None:
    for found in (by_color, by_shape, without_color):
        worth = {score.mix: score.total for score in found.scores}
        assert worth[found.mix] >= 0.85 * max(worth.values()) > 0
        assert min(worth.values()) < max(worth.values())
        assert found.reason == ""


def test_one_call_is_like_another(by_shape: Emphasis) -> None:
    assert chosen(kinds_of_shape(COUNT)[0]) == by_shape


def test_each_comparison_is_told() -> None:
    images = kinds_of_color(60)[0]
    told: list[Any] = []
    compare_mixes(describe_folds(Describer(images), images), ENDS, lambda *said: told.append(said))
    assert told == [("choosing the emphasis", at, 3, str(mix)) for at, mix in enumerate(ENDS, start=1)]


def test_the_images_compared_are_an_even_sample_of_which_each_third_is_held_out_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(emphasis, "_COMPARED", 60)
    images = kinds_of_color(237)[0]

    def describe(pictures: Any) -> Any:
        return {"pictures": pictures.reshape(len(pictures), -1)}

    folds = describe_folds(describe, images)  # type: ignore[arg-type]
    known = {image.tobytes(): at for at, image in enumerate(images)}
    fitted, held_out, copies = (
        [[row.tobytes() for row in part["pictures"]] for part in parts] for parts in zip(*folds, strict=True)
    )
    drawn = [*np.linspace(0, 236, 60).astype(int)]
    for kept, third in zip(fitted, held_out, strict=True):
        assert len(third) == 20
        assert sorted(known[row] for row in kept + third) == drawn
    assert sorted(known[row] for third in held_out for row in third) == drawn
    altered = {row for copied in copies for row in copied}
    assert len(altered) == 60  # each in its own way
    assert not altered & known.keys()


def test_an_altered_copy_stands_where_its_original_does() -> None:
    images = kinds_of_color(60)[0]
    for _, held_out, copies in describe_folds(Describer(images), images):
        close = held_out["color"] @ copies["color"].T
        assert (close.argmax(axis=1) == np.arange(len(close))).mean() > 0.5


@pytest.mark.parametrize(
    "images",
    [
        np.full((40, 32, 32, 3), 90, np.uint8),
        np.arange(0, 240, 6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 32, 32, 3), np.uint8),
        np.random.default_rng(0).integers(0, 256, (40, 1, 1, 3), np.uint8).repeat(32, axis=1).repeat(32, axis=2),
        kinds_of_color(20)[0],
        kinds_of_color(3)[0],
    ],
    ids=["identical", "of one gray each", "of one color each", "twenty", "three"],
)
def test_images_with_little_to_compare_have_scores_all_the_same(images: Any) -> None:
    """Without NaN or a warning; with a reason, since there are too few."""
    scores = compare_mixes(describe_folds(Describer(images), images), ENDS)
    assert scores
    for score in scores:
        assert np.isfinite([score.joined, score.diffused, score.total]).all()
    found = chosen(images)
    assert found.reason
    assert "nan" not in json.dumps(found.to_dict()).lower()


def test_many_images_that_nothing_tells_apart_are_not_said_to_be_told_apart() -> None:
    """Two hundred grays, each of one level: no edges, one texture, no color."""
    images = np.arange(COUNT, dtype=np.uint8)[:, None, None, None] * np.ones((1, 32, 32, 3), np.uint8)
    found = chosen(images)
    assert not found.mix.color
    assert found.reason
    assert "told apart by" not in found.sentence


# ---- what is said and recorded ----------------------------------------------------------------------


def test_a_score_is_the_product_of_two_the_second_squared() -> None:
    assert Score(Mix(1), 0.5, 0.4).total == pytest.approx(0.08)
    assert Score(Mix(1), -0.5, 0.4).total == Score(Mix(1), 0.5, -0.4).total == Score(Mix(1), -0.5, -0.4).total == 0


def test_the_more_color_tells_the_less_copies_are_recolored() -> None:
    def gain(*weights: float) -> float:
        return Emphasis("auto", Mix(*weights)).gain

    assert gain(1, 0, 0) == gain(1, 0, 1) == pytest.approx(0.3)
    assert gain(0, 1, 0) == gain(1, 1, 0) == pytest.approx(0.1)  # from half of the squares on
    assert gain(1, 0.5, 0.7) == pytest.approx(0.3 - 0.2 * 2 * 0.25 / 1.74)
    gains = [gain(1, color, 0.7) for color in np.linspace(0, 2, 9)]
    assert gains == sorted(gains, reverse=True)


@given(st.tuples(*[st.just(0) | st.floats(1e-3, 1e3)] * 3).filter(any))
def test_the_gain_is_one_that_copies_can_have(weights: tuple[float, float, float]) -> None:
    assert 0.1 - 1e-9 <= Emphasis("auto", Mix(*weights)).gain <= 0.3 + 1e-9


def test_in_words() -> None:
    scores = (Score(Mix(edges=1, texture=0.7), 0.5, 0.4),)
    found = Emphasis("auto", Mix(edges=1, texture=0.7), scores)
    assert found.sentence == "These images are told apart by: edges 1, texture 0.7."
    assert Emphasis("shape", EMPHASES["shape"]).sentence == "The targets are made of: edges 1, texture 0.5."
    because = Emphasis("color", Mix(edges=1), reason="the images are gray")
    assert because.sentence == "The targets are made of: edges 1 (the images are gray)."


def test_as_json() -> None:
    mix = Mix(edges=1, texture=0.5)
    found = Emphasis("auto", mix, (Score(mix, 0.5, 0.5),), reason="why")
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == {
        "asked": "auto",
        "weights": {"edges": 1, "color": 0, "texture": 0.5},
        "gain": pytest.approx(0.3),
        "reason": "why",
        "scores": [
            {"weights": {"edges": 1, "color": 0, "texture": 0.5}, "joined": 0.5, "diffused": 0.5, "score": 0.125}
        ],
    }
