"""What to do about a comparison in which another encoder, or several together, beat the trained one."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from autoenc.comparison.fusion import Fusion
from autoenc.comparison.records import Comparison, Difference
from autoenc.encoders import ENCODERS, PRETRAINED_NAMES, base_name
from autoenc.encoders.applications import IMAGENET
from autoenc.encoders.exported import is_exported
from autoenc.metrics.registry import find_metric
from autoenc.models.ready import READY_MODELS
from autoenc.report.findings import differences_by
from autoenc.text import number

STORE = "STORE"
"""Stands for the place of a store in a command."""

Options = list[tuple[str, str]]
"""Names and values, in the order in which they are given."""

EMPHASIS_OF = {"edges": "shape", "color": "color", "texture": "texture"}
"""Descriptor -> the emphasis of a training whose targets it dominates."""


def advice(comparison: Comparison) -> str:
    """What to do where, by labels, something is better: another encoder, a fusion of several, or a hybrid.

    Of an encoder it says so against the trained one, of a fusion against all encoders, of a hybrid with attributes
    against these and the fusion; and only where the 95% interval of the paired difference excludes zero, and where a
    fusion or a hybrid gains .01 in mAP. What it advises is a training with another emphasis, and a search by what is
    better; in the words of the library (`using=color`, `using=learned=1,color=0.5`).

    Args:
        comparison: what `compare` returned.

    Returns:
        the sentences; empty if nothing is shown to retrieve better, or without labels. Of a single encoder they speak
        only if the comparison has a trained one.

    Example:
        >>> comparison = autoenc.compare("photos", encoders=["color", "edges"])
        >>> advice(comparison)  # nothing was trained
        ''
    """
    together = _of_hybrid(comparison) or _of_fusion(comparison)
    return " ".join(filter(None, [_of_single(comparison), together]))


def search_command(comparison: Comparison, place: str = STORE) -> str:
    """The command that searches with what was found best: a hybrid, or else a fusion, if it is worthwhile; or empty.

    Args:
        comparison: what `compare` returned.
        place: what the command says after --store: words of a shell.

    Example:
        >>> search_command(autoenc.compare("photos", encoders=["color"]))
        ''
    """
    found = next((each for each in reversed(comparison.together) if each.worthwhile), None)
    if found is None:
        return ""
    options = " ".join(f"--{name} {shlex.quote(text)}" for name, text in found.options.items())
    return f"autoenc query {'--id IMAGE' if found.attributes else 'IMAGE'} --store {place} {options}"


def train_command(comparison: Comparison) -> str:
    """The command that trains the model that `advice` advises; or empty.

    Args:
        comparison: what `compare` returned.

    Example:
        >>> train_command(autoenc.compare("photos", encoders=["color"]))
        ''
    """
    better = [found.b for found in _better(comparison)]
    options = _training(better, comparison) if better else None
    if options is None:
        return ""
    return " ".join(["autoenc train IMAGES --model DIR", *(f"--{name} {shlex.quote(text)}" for name, text in options)])


def _of_fusion(comparison: Comparison) -> str:
    fusion = comparison.fusion
    if fusion is None or not fusion.worthwhile:
        return ""
    return (
        f"The fusion {fusion.name} retrieves better than any encoder alone: {_ahead(fusion)}. Index with "
        f"{_told(_made_with('encoders', fusion.encoders, comparison))} and search with using={fusion.using}."
    )


def _of_hybrid(comparison: Comparison) -> str:
    hybrid = comparison.hybrid
    if hybrid is None or not hybrid.worthwhile:
        return ""
    options = ", ".join(f"{name}={text}" for name, text in hybrid.options.items())
    return (
        f"The hybrid {hybrid.name} retrieves better than looks alone: {_ahead(hybrid)}. Index with "
        f"{_told(_made_with('encoders', hybrid.encoders, comparison))} and with the table of these fields, and "
        f"search by stored images with {options}. For a picture that is not stored, give the values: "
        "boost=FIELD:VALUE=WEIGHT."
    )


def _ahead(fusion: Fusion) -> str:
    closest = fusion.closest
    lead, low, high = (number(value, like=closest.mean) for value in (closest.mean, closest.ci_low, closest.ci_high))
    return f"its mAP is higher than that of {closest.b}, the best of them, by {lead} (95% interval {low} to {high})"


def _of_single(comparison: Comparison) -> str:
    better = _better(comparison)
    return f"{_lead(better[0])} {_remedy([found.b for found in better], comparison)}" if better else ""


def _better(comparison: Comparison) -> list[Difference]:
    """The differences of the trained encoder to those that retrieve better, the best first."""
    metric, reference = find_metric(comparison.main_metric), comparison.reference
    trained = ENCODERS.get(base_name(reference))
    if trained is None or not trained.trained or not metric.needs_labels:
        return []
    others = [found for found in differences_by(comparison, metric.name) if base_name(found.b) != base_name(reference)]
    return sorted((found for found in others if found.ci_high < 0), key=lambda found: found.mean)


def _lead(best: Difference) -> str:
    lead, low, high = (number(-value, like=best.mean) for value in (best.mean, best.ci_high, best.ci_low))
    return f"{best.b} retrieves better than {best.a}: its mAP is higher by {lead} (95% interval {low} to {high})."


def _remedy(better: Sequence[str], comparison: Comparison) -> str:
    """What to train, and what to search with.

    Args:
        better: the encoders that retrieve better, the best first.
        comparison: of these and of the trained encoder, its reference.
    """
    stored = next((name for name in better if name == base_name(name)), None)  # a store holds no projections
    made = _told(_made_with("encoders", [stored], comparison)) if stored else ""
    search = f"index with {made} and search with using={stored}" if stored else ""
    options = _training(better, comparison)
    if options is None:
        wanted, has = _wanted(better), comparison.encoders[comparison.reference].emphasis
        same = has is not None and wanted == has.asked
        said = f"The emphasis of the model is {wanted}" if same else f"The model weighs {base_name(better[0])} most"
        return f"{said} already{f': {search}' if search else ''}."
    how = f"with {_told(options)}" if options else "(by default, its emphasis is chosen from them)"
    return f"Train a model on these images {how}{f', or {search}' if search else ''}."


def _training(better: Sequence[str], comparison: Comparison) -> Options | None:
    """The options of a training that may help; none if the model has the emphasis already.

    Arguments are those of `_remedy`.
    """
    model, best = comparison.encoders[comparison.reference], base_name(better[0])
    if best in PRETRAINED_NAMES or is_exported(comparison.encoders[better[0]].origin):
        return _made_with("teacher", better[:1], comparison)
    if model.emphasis is None or model.origin in READY_MODELS:  # those were trained on other images
        return []
    wanted = _wanted(better)
    if wanted == model.emphasis.asked or (wanted != "auto" and best == model.emphasis.heaviest):
        return None
    return [("emphasis", wanted)]


def _made_with(option: str, names: Iterable[str], comparison: Comparison) -> Options:
    """The option that names encoders as they were given, an exported model by its file, and those of their weights."""
    given, weights = [], []
    for name in names:
        base, origin = base_name(name), comparison.encoders[name].origin
        given.append(str(origin) if is_exported(origin) else base)
        if base in PRETRAINED_NAMES and origin not in (None, IMAGENET):
            weights.append(("weights", f"{base}={origin}"))
    return [(option, ",".join(given)), *weights]


def _told(options: Options) -> str:
    return " ".join(f"{name}={shlex.quote(text)}" for name, text in options)


def _wanted(better: Sequence[str]) -> str:
    """The emphasis on what the best encoder describes; "auto" if it or the others describe several things."""
    kinds = {EMPHASIS_OF[base_name(name)] for name in better if base_name(name) in EMPHASIS_OF}
    return kinds.pop() if len(kinds) == 1 and base_name(better[0]) in EMPHASIS_OF else "auto"
