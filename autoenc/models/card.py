"""The model card of a bundle: what it was made from, what it does and what it does not, from bundle.json alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autoenc.text import counted, printable, short, some

CARD = "MODEL_CARD.md"

_MARKUP = re.compile(r"[\\`*_~\[\]<>&|]")

# Of these GitHub makes links without any markup, and a backslash does not keep it from that.
_LINK = re.compile(r"://|www\.|@", re.IGNORECASE)

_MOST_CLASSES = 20  # that are named

_TERMS = {
    "reconstruction": "the image is rebuilt from its vector",
    "structure": "the vector tells the handcrafted descriptors of the image",
    "neighbors": "images whose descriptors are alike get vectors that are alike",
    "supervised": "images of one class get vectors that are alike",
}


def model_card(info: Mapping[str, Any]) -> str:
    """A model card in Markdown: data, objective, mix, scores, limits, versions.

    Args:
        info: what `bundle.json` says, the architecture at least; what is missing beside it is left out.

    Source: Mitchell et al., "Model cards for model reporting", FAT* 2019. Departs from it: what a program can know; who
    made the model and whom it may harm has to be added by hand.

    Example:
        >>> card = model_card(autoenc.load_bundle("clothing-32-2").info)
        >>> [line for line in card.splitlines() if line.startswith("## ")]
        ['## Data', '## Objective', '## Mix', '## Scores', '## Limits', '## Versions']
    """
    size, dim = (info["architecture"][name] for name in ("input_size", "latent_dim"))
    made = f" Made on {_plain(info['created'])}." if info.get("created") else ""
    parts = {
        "Data": _data(info),
        "Objective": _objective(info),
        "Mix": _mix(info),
        "Scores": _scores(info),
        "Limits": _limits(info),
        "Versions": _versions(info),
    }
    lines = [
        "# Model card",
        f"An encoder: {size}x{size} RGB pixels in, {dim} numbers out. Images that look alike get vectors that point "
        f"the same way.{made} This card was generated from `bundle.json`.",
    ]
    for title, sentences in parts.items():
        found = list(sentences)
        if found:
            lines += [f"## {title}", "\n".join(found)]
    return "\n\n".join(lines) + "\n"


def _data(info: Mapping[str, Any]) -> Iterator[str]:
    data = _part(info, "data")
    if "images" in data:
        skipped = f"; {counted(data['skipped'], 'file')} could not be used" if data.get("skipped") else ""
        yield f"- {counted(data['images'], 'image')}{skipped}."
    found = data.get("found")
    if isinstance(found, int) and found > data.get("images", found) + data.get("skipped", 0):
        yield f"- They are an even sample of the {found:,} that were found."
    share = _part(info, "training").get("validation")
    if share is not None:
        yield f"- A share of {share:g} of them was held out, to choose the epoch; it was not learned from."
    elif "held_out" in data:
        yield f"- {counted(data['held_out'], 'image')} of them were held out, to choose the epoch."
    if "fingerprint" in data:
        yield f"- Fingerprint of the images: `{_text(data['fingerprint'])}`."
    yield f"- Labels: {_labels(info)}."


def _labels(info: Mapping[str, Any]) -> str:
    classes = info.get("classes")
    if classes:
        return f"{counted(len(classes), 'class', 'classes')} were learned: {_named(classes)}"
    labels = _part(_part(info, "training"), "labels")
    if not labels:
        return "none were used"
    unlabeled = labels.get("unlabeled")
    without = f"; {counted(unlabeled, 'image')} had none" if isinstance(unlabeled, int) and unlabeled else ""
    classes = labels.get("classes")
    if not classes:
        return f"they guided the training{without}"
    return f"{counted(len(classes), 'class', 'classes')} guided the training: {_named(classes)}{without}"


def _named(classes: Sequence[str]) -> str:
    return some([_plain(name) for name in classes], _MOST_CLASSES)


def _objective(info: Mapping[str, Any]) -> Iterator[str]:
    training = _part(info, "training")
    base = _part(info, "architecture").get("base")
    if base:
        yield f"- It is {_plain(base)}, trained on other images before, and fine-tuned to tell the classes apart."
    terms = training.get("objectives")
    if isinstance(terms, list):
        for term in terms:
            if "name" in term:
                name = _text(term["name"])
                weight = f", weight {term['weight']:g}" if "weight" in term else ""
                told = f": {_TERMS[name]}" if name in _TERMS else ""
                yield f"- `{name}`{weight}{told}."
    elif info.get("objective"):
        yield f"- `{_text(info['objective'])}`."
    teacher = training.get("teacher")
    if isinstance(teacher, Mapping):
        weight = f", weight {teacher['weight']:g} (edges, color and texture together: 1)" if "weight" in teacher else ""
        yield f"- It learned from a teacher, the encoder `{_text(teacher.get('name', 'unknown'))}`{weight}."
    if "epochs" in training:
        best = f"; that of epoch {training['best_epoch']} is kept" if "best_epoch" in training else ""
        without = " (the features of the frozen base, computed before, are not counted)" if base else ""
        took = f" in {training['seconds']:.0f} s{without}" if "seconds" in training else ""
        seed = f", seed {info['seed']}" if "seed" in info else ""
        yield f"- {counted(training['epochs'], 'epoch')}{took}{seed}{best}."


def _mix(info: Mapping[str, Any]) -> Iterator[str]:
    emphasis = _part(_part(info, "training"), "emphasis")
    weights = sorted(_part(emphasis, "weights").items(), key=lambda item: -item[1])
    if not weights:
        return
    listed = ", ".join(f"{name} {weight:g}" for name, weight in weights)
    yield f"- What “alike” means in training: {listed}. A weight of 0 is not seen at all."
    if emphasis.get("scores"):
        yield f"- These weights were found from the images themselves{_chosen(emphasis)}."
    elif emphasis.get("reason"):
        yield f"- Why these weights: {_plain(emphasis['reason'])}."
    else:
        yield "- These weights were asked for."


def _chosen(emphasis: Mapping[str, Any]) -> str:
    """How the weights were chosen from the mixes that were scored: `autoenc.training.emphasis.decide`."""
    scores = emphasis["scores"]
    chosen = next((each.get("score") for each in scores if each.get("weights") == emphasis["weights"]), None)
    if chosen is None or chosen >= max(each.get("score", chosen) for each in scores):
        return f", the best of {len(scores)} mixes"
    return f": the mean of the best of {len(scores)} mixes, whose scores (within 10%) are too close to tell apart"


def _scores(info: Mapping[str, Any]) -> Iterator[str]:
    training, latents = _part(info, "training"), _part(info, "latents")
    if {"loss", "val_loss"} <= training.keys():
        seen, unseen = short(training["loss"]), short(training["val_loss"])
        yield f"- Loss: {seen} on what was learned from, {unseen} on what was not."
    if "val_accuracy" in training:
        yield f"- Accuracy on images held out: {short(training['val_accuracy'])}; they also chose the epoch."
    if isinstance(info.get("cluster_map"), float):
        yield (
            f"- Retrieval without labels: {short(info['cluster_map'])}, where 0 is chance and 1 is perfect. Altered "
            f"copies of held-out images have to find the cluster of their original."
        )
    if {"dim", "effective_rank", "dead"} <= latents.keys():
        yield (
            f"- The {latents['dim']} numbers carry as much as {latents['effective_rank']:.1f} independent ones; "
            f"{latents['dead']} of them never change."
        )
    yield "- There is no retrieval score by labels: `autoenc compare IMAGES --model FOLDER` measures it on yours."


def _limits(info: Mapping[str, Any]) -> Iterator[str]:
    size = info["architecture"]["input_size"]
    yield "- Other kinds of images than those it learned from: measure it before you rely on it."
    if size <= 64:
        yield f"- Images are squeezed to {size}x{size} pixels: fine detail, text and logos are gone."
    weights = _part(_part(_part(info, "training"), "emphasis"), "weights")
    weak = [name for name, weight in weights.items() if weight < max(weights.values()) / 2]
    if weak:
        yield f"- It says little of {' and '.join(sorted(weak))}: where that counts, search with that encoder too."
    if _part(info, "latents").get("collapsed"):
        yield "- **Its vectors have collapsed**: they cannot tell most images apart. Do not use it."
    if info.get("classes"):
        yield "- Its probabilities are not calibrated, and it knows no class beside those it learned."
    yield "- Who made it, for what and under which license is not in `bundle.json`: add it here before you pass it on."


def _versions(info: Mapping[str, Any]) -> Iterator[str]:
    versions = _part(info, "versions")
    if versions:
        yield "- " + ", ".join(f"{_plain(name)} {_plain(version)}" for name, version in versions.items()) + "."
    if "format" in info:
        yield f"- Bundle format {info['format']}, preprocessing {info.get('preprocessing', 'unknown')}."


def _part(info: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = info.get(name)
    return found if isinstance(found, Mapping) else {}


def _plain(value: object) -> str:
    """Text for Markdown that is shown as it is, whatever a name holds: no markup, no link, no HTML."""
    text = printable(str(value))
    return f"`{_text(text)}`" if _LINK.search(text) else _MARKUP.sub(r"\\\g<0>", text)


def _text(value: object) -> str:
    """Text for code in Markdown, whatever a name holds."""
    return printable(str(value)).replace("`", "'")
