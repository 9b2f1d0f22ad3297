"""What a comparison advises: only what its intervals show, and what there is to do about it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from comparisons import comparison, fusion, scores

from autoenc.cli.common import as_flags
from autoenc.comparison.attributes import Attribute
from autoenc.comparison.fusion import fusion_name
from autoenc.comparison.records import Comparison, Difference
from autoenc.encoders import TrainedEmphasis
from autoenc.report.advice import advice, search_command, train_command
from autoenc.report.findings import fusion_told, tally
from autoenc.report.markup import escape
from autoenc.report.page import render
from autoenc.report.tables import comparison_document, comparison_row

AHEAD, MORE, EVEN, BEHIND = (-0.25, -0.375, -0.125), (-0.5, -0.625, -0.25), (-0.25, -0.5, 0.125), (0.5, 0.25, 0.75)
UNKNOWN = None
SHAPE, COLOR = TrainedEmphasis("shape", "edges"), TrainedEmphasis("color", "color")
CHOSE_COLOR = TrainedEmphasis("auto", "color")


def found(
    differences: dict[str, tuple[float, float, float]],
    emphasis: TrainedEmphasis | None = UNKNOWN,
    reference: str = "learned",
    origin: str | None = "model",
) -> Comparison:
    """A comparison of a trained encoder with others, by label."""
    trained = replace(scores(reference, [0.5] * 4, origin=origin), emphasis=emphasis)
    encoders = [trained, *(scores(name, [0.5] * 4) for name in differences)]
    return comparison([Path(f"{number}.png") for number in range(4)], ["a", "b", "a", "b"], encoders, differences)


def test_the_best_encoder_is_named_with_its_lead_and_the_interval() -> None:
    first, _, second = advice(found({"texture": AHEAD, "color": MORE, "edges": EVEN})).partition(". ")
    assert first == "color retrieves better than learned: its mAP is higher by 0.500 (95% interval 0.250 to 0.625)"
    assert second.startswith("Train ")


@pytest.mark.parametrize("differences", [{}, {"color": EVEN}, {"color": BEHIND}, {"color": (-0.25, -0.5, 0.0)}])
def test_nothing_is_said_where_no_interval_excludes_zero(differences: dict[str, tuple[float, float, float]]) -> None:
    assert advice(found(differences)) == ""


def test_a_model_that_comes_with_the_package_was_trained_on_other_images() -> None:
    said = advice(found({"color": MORE}, TrainedEmphasis("auto", "color"), origin="clothing-32-2"))
    assert "Train a model on these images (by default, its emphasis is chosen from them)" in said


def test_nothing_is_said_of_encoders_that_were_not_trained() -> None:
    assert advice(found({"color": MORE}, reference="edges", origin=None)) == ""


def test_nothing_is_said_without_labels() -> None:
    encoders = [scores("learned", [], origin="m", count=4), scores("color", [], count=4)]
    paths = [Path(f"{number}.png") for number in range(4)]
    assert advice(comparison(paths, [None] * 4, encoders, {"color": MORE})) == ""


def test_a_projection_of_the_model_itself_is_no_other_encoder() -> None:
    assert advice(found({"learned+pca8": MORE})) == ""


@pytest.mark.parametrize(
    ("names", "emphasis", "remedy"),
    [
        (["color"], SHAPE, "Train a model on these images with emphasis=color, or index with encoders=color and search "
         "with using=color."),
        (["edges"], CHOSE_COLOR, "Train a model on these images with emphasis=shape, or index with encoders=edges and "
         "search with using=edges."),
        (["color"], COLOR, "The emphasis of the model is color already: index with encoders=color and search with "
         "using=color."),
        (["color"], CHOSE_COLOR, "The model weighs color most already: index with encoders=color and search "
         "with using=color."),
        (["color"], UNKNOWN, "Train a model on these images (by default, its emphasis is chosen from them), or index "
         "with encoders=color and search with using=color."),
        (["handcrafted"], SHAPE, "Train a model on these images with emphasis=auto, or index with encoders=handcrafted "
         "and search with using=handcrafted."),
        (["handcrafted", "color"], CHOSE_COLOR, "The emphasis of the model is auto already: index with "
         "encoders=handcrafted and search with using=handcrafted."),
        (["color", "handcrafted"], SHAPE, "Train a model on these images with emphasis=color, or index with "
         "encoders=color and search with using=color."),
        (["color", "texture"], COLOR, "Train a model on these images with emphasis=auto, or index with encoders=color "
         "and search with using=color."),
        (["mobilenet"], SHAPE, "Train a model on these images with teacher=mobilenet, or index with encoders=mobilenet "
         "and search with using=mobilenet."),
        (["mobilenet+pca32"], SHAPE, "Train a model on these images with teacher=mobilenet."),
        (["pixels"], SHAPE, "Train a model on these images with emphasis=auto, or index with encoders=pixels and "
         "search with using=pixels."),
    ],
)  # fmt: skip
def test_what_to_do_depends_on_what_wins_and_on_what_the_model_has(
    names: list[str], emphasis: TrainedEmphasis | None, remedy: str
) -> None:
    differences = dict(zip(names, (MORE, AHEAD), strict=False))
    assert advice(found(differences, emphasis)).endswith(f"). {remedy}")


@pytest.mark.parametrize(
    ("names", "remedy"),
    [
        (["edges+pca32"], "Train a model on these images with emphasis=shape."),
        (["edges+pca32", "edges"], "Train a model on these images with emphasis=shape, or index with encoders=edges "
         "and search with using=edges."),
    ],
)  # fmt: skip
def test_a_store_holds_no_projections(names: list[str], remedy: str) -> None:
    said = advice(found(dict(zip(names, (MORE, AHEAD), strict=False)), COLOR))
    assert said.startswith("edges+pca32 retrieves better")
    assert said.endswith(f"). {remedy}")
    assert advice(found({"edges+pca32": MORE}, SHAPE)).endswith(". The emphasis of the model is shape already.")


def test_the_command_trains_what_is_advised_and_can_be_pasted() -> None:
    both = found({"mobilenet": MORE})
    weighed = replace(both.encoders["mobilenet"], origin="/my weights/m.h5")
    command = train_command(replace(both, encoders={**both.encoders, "mobilenet": weighed}))
    assert shlex.split(command) == [
        "autoenc", "train", "IMAGES", "--model", "DIR", "--teacher", "mobilenet", "--weights",
        "mobilenet=/my weights/m.h5",
    ]  # fmt: skip
    assert train_command(found({"color": MORE}, SHAPE)) == "autoenc train IMAGES --model DIR --emphasis color"
    assert train_command(found({"color": MORE}, UNKNOWN)) == "autoenc train IMAGES --model DIR"
    assert train_command(found({"color": MORE}, COLOR)) == ""
    assert train_command(found({"color": EVEN})) == ""


def test_it_stands_in_the_page_and_in_the_json() -> None:
    better, even = found({"color": MORE}), found({"color": EVEN})
    assert f'<p class="note">{advice(better)}</p>' in render(better)
    assert f'<p class="note">{as_flags(advice(better))}</p>' in render(better, told=as_flags)
    assert f'<pre class="command"><code>{train_command(better)}</code></pre>' in render(better)
    assert 'class="note"' not in render(even)
    assert comparison_document(better) == {**better.to_dict(), "advice": advice(better), "command": ""}
    assert comparison_document(even)["advice"] == ""


def test_on_the_command_line_it_names_options() -> None:
    assert as_flags(advice(found({"color": MORE}))).endswith(
        "or index with --encoders color and search with --using color."
    )


# ---- several together --------------------------------------------------------------------------------

TOGETHER = {"learned": 1.0, "color": 0.5}


def fused(differences: dict[str, tuple[float, float, float]], **how: Any) -> Comparison:
    """A comparison in which a fusion differs so from the encoders, which do not differ from one another."""
    return replace(found({"color": EVEN}, **how), fusion=fusion(TOGETHER, [0.5] * 4, differences))


def test_a_fusion_that_beats_every_encoder_is_named_with_its_weights() -> None:
    told = (
        "The fusion learned + color (1 : 0.5) retrieves better than any encoder alone: its mAP is higher than that of "
        "learned, the best of them, by 0.125 (95% interval 0.062 to 0.250). Index with encoders=learned,color and "
        "search with using=learned=1,color=0.5."
    )
    differences = {"color": (0.5, 0.25, 0.75), "learned": (0.125, 0.0625, 0.25)}
    assert advice(fused(differences)) == told
    untrained = fused(differences, reference="edges", origin=None)
    untrained = replace(untrained, encoders={**untrained.encoders, "learned": scores("learned", [0.5] * 4)})
    assert (advice(untrained), untrained.reference) == (told, "edges"), "even if none of them was trained"
    assert as_flags(told).endswith("Index with --encoders learned,color and search with --using learned=1,color=0.5.")


def test_encoders_of_a_fusion_are_named_as_index_takes_them() -> None:
    """An exported model by its file, pretrained weights by theirs; a search names the vectors of the store."""
    together = fusion({"m-litert": 1.0, "mobilenet": 0.5, "edges": 0.5}, [0.5] * 4, {"edges": (0.5, 0.25, 0.75)})
    encoders = [
        scores("m-litert", [0.5] * 4, origin="litert:my models/m.tflite"),
        scores("mobilenet", [0.5] * 4, origin="/weights/m.h5"),
        scores("edges", [0.5] * 4),
    ]
    told = advice(replace(comparison([Path(f"{at}.png") for at in range(4)], list("abab"), encoders), fusion=together))
    assert as_flags(told).endswith(
        "Index with --encoders 'litert:my models/m.tflite,mobilenet,edges' --weights mobilenet=/weights/m.h5 and "
        "search with --using m-litert=1,mobilenet=0.5,edges=0.5."
    )


def test_a_better_exported_model_is_named_by_its_file() -> None:
    both = found({"m-onnx": MORE})
    better = replace(both.encoders["m-onnx"], origin="onnx:m.onnx")
    told = advice(replace(both, encoders={**both.encoders, "m-onnx": better}))
    assert told.endswith(
        "Train a model on these images with teacher=onnx:m.onnx, or index with encoders=onnx:m.onnx and search with "
        "using=m-onnx."
    )


def test_nothing_is_said_of_a_fusion_that_is_not_shown_to_beat_every_encoder() -> None:
    for close in ((0.125, 0.0, 0.25), (-0.125, -0.25, -0.0625)):
        assert advice(fused({"color": (0.5, 0.25, 0.75), "learned": close})) == ""


def test_a_fusion_comes_after_the_better_encoder() -> None:
    both = replace(
        fused({"learned": (0.5, 0.25, 0.75), "color": (0.25, 0.125, 0.5)}),
        differences=found({"color": MORE}).differences,
    )
    assert advice(both) == f"{advice(replace(both, fusion=None))} {advice(replace(both, differences=[]))}"
    assert advice(both).startswith("color retrieves better than learned")


# ---- with attributes ---------------------------------------------------------------------------------


def boosted(differences: dict[str, tuple[float, float, float]]) -> Comparison:
    """A fusion that beats the encoders, and a hybrid that differs so from the encoders and the fusion."""
    found = fused({"color": (0.5, 0.25, 0.75), "learned": (0.125, 0.0625, 0.25)})
    weights = {"learned": 1.0, Attribute("base color"): 0.5, Attribute("price", 10.0): 0.25}
    hybrid = fusion({"learned": 1.0}, [0.75] * 4)
    named = [Difference(fusion_name(weights), name, "map", *lead) for name, lead in differences.items()]
    return replace(found, hybrid=replace(hybrid, weights=weights, differences=named))


AHEAD_OF_ALL = {"learned": (0.5, 0.25, 0.75), "learned + color (1 : 0.5)": (0.25, 0.125, 0.5)}


def test_a_hybrid_that_beats_the_fusion_takes_its_place_in_the_advice() -> None:
    told = advice(boosted(AHEAD_OF_ALL))
    assert told == (
        "The hybrid learned + boost base color + near price~10 (1 : 0.5 : 0.25) retrieves better than looks alone: its "
        "mAP is higher than that of learned + color (1 : 0.5), the best of them, by 0.250 (95% interval 0.125 to "
        "0.500). Index with encoders=learned and with the table of these fields, and search by stored images with "
        'using=learned=1, boost="base color"=0.5, near=price~10=0.25. For a picture that is not stored, give the '
        "values: boost=FIELD:VALUE=WEIGHT."
    )
    assert 'with --using learned=1, --boost "base color"=0.5, --near price~10=0.25.' in as_flags(told)
    assert advice(boosted({**AHEAD_OF_ALL, "learned": (0.1, -0.1, 0.3)})).startswith("The fusion learned + color")


def test_the_command_searches_by_the_best_and_can_be_pasted() -> None:
    command = search_command(boosted(AHEAD_OF_ALL), "'my store' --collection images")
    assert shlex.split(command) == [
        "autoenc", "query", "--id", "IMAGE", "--store", "my store", "--collection", "images", "--using", "learned=1",
        "--boost", '"base color"=0.5', "--near", "price~10=0.25",
    ]  # fmt: skip
    even = boosted({"learned": (0.005, 0.001, 0.009)})
    assert search_command(even) == "autoenc query IMAGE --store STORE --using learned=1,color=0.5"
    assert search_command(replace(even, fusion=None)) == ""


def test_the_command_stands_in_the_page_and_in_the_json() -> None:
    found = boosted(AHEAD_OF_ALL)
    command = search_command(found, "there")
    assert f'<pre class="command"><code>{escape(command)}</code></pre>' in render(found, "there")
    assert comparison_document(found, "there")["command"] == command
    assert 'class="command"' not in render(replace(found, hybrid=None, fusion=None))


def test_a_hybrid_has_a_row_of_its_own() -> None:
    found = boosted(AHEAD_OF_ALL)
    assert found.hybrid is not None
    assert fusion_told(found.hybrid).startswith(f"{found.hybrid.name} is a hybrid, the weighted sum of scaled cosines")
    assert comparison_row(found, found.hybrid.name)["map"] == 0.75
    assert tally(found, found.hybrid.differences_from("learned")[0]) == (0, 0, 4)
