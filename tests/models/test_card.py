"""The model card says what bundle.json says, in plain English, and nothing else."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autoenc import load_bundle
from autoenc.models.card import CARD, model_card

INFO: dict[str, Any] = {
    "format": 1,
    "preprocessing": 1,
    "created": "2026-11-22T04:58:26+00:00",
    "architecture": {"input_size": 32, "latent_dim": 32, "seed": 0},
    "data": {"images": 3068, "found": 3068, "fingerprint": "b56d", "skipped": 0},
    "objective": "reconstruction+structure+neighbors",
    "seed": 0,
    "training": {
        "validation": 0.1,
        "objectives": [
            {"name": "reconstruction", "weight": 1.0},
            {"name": "neighbors", "weight": 1.0, "neighbors": 20},
        ],
        "emphasis": {
            "asked": "auto",
            "weights": {"edges": 1.0, "color": 0.14, "texture": 0.23},
            "reason": "",
            "scores": [{"score": 0.1}] * 9,
        },
        "teacher": None,
        "epochs": 80,
        "best_epoch": 69,
        "loss": 0.898,
        "val_loss": 0.9596,
        "seconds": 358.8,
    },
    "versions": {"python": "3.11.7", "tensorflow": "2.21.0"},
    "latents": {"effective_rank": 22.28, "dead": 0, "dim": 32, "collapsed": False},
    "cluster_map": 0.6246,
}


@pytest.fixture
def info() -> dict[str, Any]:
    return copy.deepcopy(INFO)


def test_the_card_of_a_model(info: dict[str, Any]) -> None:
    card = model_card(info)
    for said in (
        "An encoder: 32x32 RGB pixels in, 32 numbers out.",
        "- 3,068 images.\n",
        "- A share of 0.1 of them was held out",
        "- Labels: none were used.",
        "- `neighbors`, weight 1: images whose descriptors are alike get vectors that are alike.",
        "- 80 epochs in 359 s, seed 0; that of epoch 69 is kept.",
        "- What “alike” means in training: edges 1, texture 0.23, color 0.14.",
        "found from the images themselves, the best of 9 mixes.",
        "- Loss: .898 on what was learned from, .960 on what was not.",
        "- Retrieval without labels: .625, where 0 is chance",
        "- The 32 numbers carry as much as 22.3 independent ones; 0 of them never change.",
        "- It says little of color and texture",
        "tensorflow 2.21.0",
    ):
        assert said in card, said
    assert "even sample" not in card
    assert "collapsed" not in card


def test_what_is_different_is_said(info: dict[str, Any]) -> None:
    info["data"] |= {"images": 900, "found": 5000, "skipped": 3}
    info["latents"]["collapsed"] = True
    info["training"]["teacher"] = {"name": "mobile`net\n# x", "weight": 0.5}
    info["training"]["labels"] = {"classes": ["hat", "a_b"], "unlabeled": 1}
    info["training"]["objectives"] += [{"name": "supervised", "weight": 1.0}]
    info["training"]["emphasis"] |= {"scores": [], "reason": "too few images"}
    card = model_card(info)
    assert "- 900 images; 3 files could not be used.\n- They are an even sample of the 5,000 that were found." in card
    assert "**Its vectors have collapsed**" in card
    assert "a teacher, the encoder `mobile'net\\n# x`, weight 0.5 (edges, color and texture together: 1)." in card
    assert "- Labels: 2 classes guided the training: hat and a\\_b; 1 image had none." in card
    assert "- `supervised`, weight 1: images of one class get vectors that are alike." in card
    assert "- Why these weights: too few images." in card
    info["training"]["emphasis"]["reason"] = ""
    assert "- These weights were asked for." in model_card(info)


def test_a_mix_that_is_the_mean_of_the_best_is_not_called_the_best(info: dict[str, Any]) -> None:
    emphasis = info["training"]["emphasis"]
    best = {"weights": {"edges": 1.0, "color": 0.0, "texture": 0.0}, "score": 0.0831}
    emphasis["scores"] = [best, {"weights": emphasis["weights"], "score": 0.0823}]
    said = "from the images themselves: the mean of the best of 2 mixes, whose scores (within 10%) are too"
    assert said in model_card(info)
    emphasis["scores"][1]["score"] = 0.0831
    assert "from the images themselves, the best of 2 mixes." in model_card(info)


def test_what_is_missing_is_left_out(info: dict[str, Any]) -> None:
    info["training"]["labels"] = {"classes": ["hat", "shoe"], "unlabeled": 1}
    info["training"]["teacher"] = {"name": "edges", "weight": 1.0}
    whole = set(model_card(info).splitlines())

    def without(part: Any) -> Iterator[None]:
        """Each entry of the part, and of its parts, is gone for a while."""
        for key in list(part):
            if part is not info or key != "architecture":
                kept = part.pop(key)
                yield
                part[key] = kept
                for inner in kept if isinstance(kept, list) else [kept]:
                    if isinstance(inner, dict):
                        yield from without(inner)

    count = 0
    for _ in without(info):
        count += 1
        new = set(model_card(info).splitlines()) - whole
        assert len(new) <= 2, "what refers to it is told in other words"
        assert "None" not in " ".join(new)
    assert count > 40


def test_a_fine_tuned_model_names_its_classes() -> None:
    card = model_card(
        {
            "architecture": {"input_size": 224, "latent_dim": 64, "base": "mobilenet"},
            "classes": ["shoe", "hat"],
            "data": {"images": 100, "held_out": 10},
            "objective": "classification",
            "training": {
                "epochs": 5,
                "best_epoch": 4,
                "loss": 0.1,
                "val_loss": 0.2,
                "val_accuracy": 0.9,
                "seconds": 5.2,
            },
        }
    )
    assert "- It is mobilenet, trained on other images before, and fine-tuned to tell the classes apart." in card
    assert "- 5 epochs in 5 s (the features of the frozen base, computed before, are not counted); that of" in card
    assert "- Labels: 2 classes were learned: shoe and hat." in card
    assert "- Accuracy on images held out: .900" in card
    assert "- 10 images of them were held out" in card
    assert "it knows no class beside those" in card
    assert "## Mix" not in card
    assert "squeezed" not in card


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<img src=x onerror=alert(1)>", r"\<img src=x onerror=alert(1)\>"),
        ("[x](y)", r"\[x\](y)"),
        ("https://evil.example/`x`", "`https://evil.example/'x'`"),
        ("WWW.evil.example", "`WWW.evil.example`"),
        ("a@evil.example", "`a@evil.example`"),
        ("a_b_c *d* `e`", r"a\_b\_c \*d\* \`e\`"),
        ("&lt;", r"\&lt;"),
        ("t-shirt\n# x", r"t-shirt\\n# x"),
    ],
)
def test_names_are_text_and_no_markup(info: dict[str, Any], name: str, shown: str) -> None:
    info["classes"] = [name, "shoe"]
    info["architecture"]["base"] = name
    info["training"]["emphasis"] |= {"scores": [], "reason": name}
    card = model_card(info)
    assert f"classes were learned: {shown} and shoe." in card
    assert f"- It is {shown}, trained" in card
    assert f"- Why these weights: {shown}." in card


def test_of_many_classes_the_first_are_named(info: dict[str, Any]) -> None:
    info["training"]["labels"] = {"classes": [f"c{number:02}" for number in range(25)], "unlabeled": 0}
    assert "25 classes guided the training: c00, c01, " in (card := model_card(info))
    assert "c18, c19 and 5 more.\n" in card


def test_every_bundle_that_is_trained_has_one(bundle_dir: Path) -> None:
    bundle = load_bundle(bundle_dir)
    card = (bundle_dir / CARD).read_bytes()
    without = {name: value for name, value in bundle.info.items() if name != "checksums"}
    assert card.decode() == model_card(without)
    assert bundle.info["checksums"][CARD] == hashlib.sha256(card).hexdigest()
