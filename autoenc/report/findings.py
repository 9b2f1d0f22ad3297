"""What a comparison shows, in words, counts and examples: the parts of a report that need a decision, not a layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from autoenc.comparison.records import Comparison, Difference
from autoenc.metrics.scores import LEVEL, RESAMPLES, parse_metric


@dataclass(frozen=True)
class Example:
    """A query on which encoders disagree.

    Attributes:
        query: index into `Comparison.queries`.
        encoders: the encoders to show for it.
        reason: why it was chosen, one sentence.
    """

    query: int
    encoders: tuple[str, ...]
    reason: str


def title_of(metric: str) -> str:
    """A metric's name as a heading: "p@5" -> "Precision at 5"."""
    if metric.startswith("selfrecall@"):
        return f"Self-recall at {metric.removeprefix('selfrecall@')}"
    kind, k = parse_metric(metric)
    names = {"p": "Precision", "hit": "Hit rate", "recall": "Recall", "knn": "kNN accuracy"}
    return "Mean average precision" if k is None else f"{names[kind]} at {k}"


def explanation_of(metric: str) -> str:
    """What a metric measures, for a reader who meets it for the first time."""
    if metric.startswith("selfrecall@"):
        number = int(metric.removeprefix("selfrecall@"))
        return (
            "An image is cropped, mirrored and recolored, and the gallery is searched with this altered copy. "
            f"The share of images whose original comes back {'first' if number == 1 else f'among the first {number}'}. "
            "It needs no labels, and says whether an encoder still recognizes the same picture, not whether it finds "
            "similar things."
        )
    kind, k = parse_metric(metric)
    return {
        "p": f"Of the {k} nearest images, the share that have the query's label. A label with fewer than {k} other "
        "images cannot reach 1.",
        "hit": f"The share of queries with at least one image of their label among the {k} nearest.",
        "recall": f"Of all images with the query's label, the share among the {k} nearest. With many images a label "
        "it is small even for a perfect encoder: 10 of 200 is .05.",
        "map": "All images are put in order of similarity, and the precision is taken at each place where one has the "
        "query's label; average precision (AP) is the mean of those, and mAP its mean over queries. 1 means that all "
        "images of the label come first. It looks at the whole order, not at the first few.",
        "knn": f"The share of queries whose label is the commonest among the {k} nearest: what a classifier that asks "
        "its neighbors would score.",
    }[kind]


def glossary(comparison: Comparison) -> list[tuple[str, str]]:
    """(term, explanation) of every metric of a comparison and of what else its figures need."""
    terms = [(f"{title_of(metric)} ({metric})", explanation_of(metric)) for metric in comparison.metrics]
    interval = (
        f"The queries are drawn again {RESAMPLES:,} times, with repetition, and the score is computed anew each time; "
        f"{LEVEL:.0%} of the results lie in the interval (bootstrap). It says how much the figure depends on which "
        "queries happened to be asked, not how the encoder would do on other kinds of images."
    )
    projection = (
        "That encoder's vectors, projected to the 32 directions in which the gallery varies most, so that vectors of "
        "equal size are compared."
    )
    return [*terms, ("95% interval", interval), ("NAME+pca32", projection)]


def chance(comparison: Comparison) -> float:
    """The precision of a random order: the share of the gallery, without the query, that has the query's label."""
    own = int(comparison.leave_one_out)
    counts = Counter(comparison.gallery_labels)
    found = [counts[comparison.query_labels[query]] - own for query in comparison.labeled]
    return float(np.mean(found)) / (len(comparison.gallery) - own)


def main_metric(comparison: Comparison) -> str:
    """The metric that decides the headline: mAP, with labels; self-recall at 1, without."""
    metrics = comparison.metrics
    return next((metric for metric in ("map", "selfrecall@1") if metric in metrics), metrics[0])


def reference_of(comparison: Comparison) -> str:
    """The encoder that the others are compared to."""
    return comparison.differences[0].a if comparison.differences else next(iter(comparison.encoders))


def differences_by(comparison: Comparison, metric: str) -> list[Difference]:
    """The differences in one metric, in the order of the encoders."""
    return [difference for difference in comparison.differences if difference.metric == metric]


def tally(comparison: Comparison, difference: Difference) -> tuple[int, int, int]:
    """(wins, ties, losses) of encoder a against b, query by query."""
    a, b = (comparison.encoders[name].scores(difference.metric) for name in (difference.a, difference.b))
    return int((a > b).sum()), int((a == b).sum()), int((a < b).sum())


def headline(comparison: Comparison) -> str:
    """What was found, in a sentence or two that claim no more than the intervals do."""
    metric, reference = main_metric(comparison), reference_of(comparison)
    if metric not in comparison.encoders[reference].figures:
        return "Nothing could be measured."
    labeled = not metric.startswith("selfrecall@")
    name = "mAP" if metric == "map" else title_of(metric).lower()
    differences = differences_by(comparison, metric)
    if not differences:
        mean, low, high = comparison.encoders[reference].figures[metric]
        return (
            f"{reference} reaches {name} {mean:.3f} (95% interval {low:.3f} to {high:.3f}); nothing to compare it to."
        )
    better = [difference.b for difference in differences if difference.ci_low > 0]
    worse = [difference.b for difference in differences if difference.ci_high < 0]
    even = [difference.b for difference in differences if not difference.excludes_zero]
    does = "retrieves" if labeled else "finds altered copies"
    than = ("better than", "worse than") if labeled else ("more often than", "less often than")
    total, parts = len(differences), []
    for names, comparative in ((better, than[0]), (worse, than[1])):
        if names:
            parts.append(f"{comparative} {_named(names, total)}")
    if parts:
        sentence = f"{reference} {does} {' and '.join(parts)}, by {name}"
        if even:
            sentence += f"; no difference is shown with {_named(even, total)}"
    else:
        sentence = f"No encoder is shown to differ from {reference}, by {name}"
    return f"{sentence}." if labeled else f"{sentence}. Without labels, this says nothing about similarity."


def evidence(comparison: Comparison) -> str:
    """The figures behind the headline: the reference, the best other encoder, and their difference."""
    metric, reference = main_metric(comparison), reference_of(comparison)
    differences = differences_by(comparison, metric)
    if not differences:
        return ""

    def figure(name: str) -> str:
        mean, low, high = comparison.encoders[name].figures[metric]
        return f"{name} {mean:.3f} (95% interval {low:.3f} to {high:.3f})"

    rival = max(differences, key=lambda difference: comparison.encoders[difference.b].figures[metric].mean)
    return (
        f"{title_of(metric)}: {figure(reference)}; best of the others, {figure(rival.b)}. Their paired difference is "
        f"{rival.mean:+.3f} ({rival.ci_low:+.3f} to {rival.ci_high:+.3f})."
    )


def _named(some: Sequence[str], total: int) -> str:
    """Up to three encoders by name, more by number."""
    if len(some) > 3:
        return f"all {total} others" if len(some) == total else f"{len(some)} of the {total} others"
    return some[0] if len(some) == 1 else f"{', '.join(some[:-1])} and {some[-1]}"


def disagreements(comparison: Comparison, count: int = 8) -> list[Example]:
    """The queries on which encoders disagree most.

    With labels: half of them where the reference's AP is furthest above that of the other encoder that is best on
    the whole, half where it is furthest below, so that neither is shown from its good side alone. Without: where the
    encoders' first results have least in common.
    """
    names = list(comparison.encoders)
    if len(names) < 2:
        return []
    if not len(comparison.labeled):
        shared = _shared(comparison)
        order = np.argsort(shared, kind="stable")[:count]
        width = comparison.encoders[names[0]].top.shape[1]
        return [
            Example(
                int(query),
                tuple(names),
                f"Two encoders share {shared[query]:.1f} of their first {width} results on average.",
            )
            for query in order
            if shared[query] < width
        ]
    metric, reference = main_metric(comparison), reference_of(comparison)
    others = [name for name in names if name != reference]
    rival = max(others, key=lambda name: comparison.encoders[name].figures[metric].mean)
    ours, theirs = (comparison.encoders[name].scores(metric) for name in (reference, rival))
    lead = ours - theirs
    ahead = [at for at in np.argsort(-lead, kind="stable") if lead[at] > 0]
    behind = [at for at in np.argsort(lead, kind="stable") if lead[at] < 0]
    half = min(len(ahead), max((count + 1) // 2, count - len(behind)))
    return [
        Example(
            int(comparison.labeled[at]),
            (reference, *sorted(others, key=lambda name: name != rival)),
            f"{reference} {'ahead' if lead[at] > 0 else 'behind'}: average precision {ours[at]:.2f}, "
            f"{rival} {theirs[at]:.2f}.",
        )
        for at in [*ahead[:half], *behind[: count - half]]
    ]


def _shared(comparison: Comparison) -> npt.NDArray[np.float64]:
    """(Q,) how many of their first results two encoders have in common, on average over the pairs of encoders."""
    tops = [scores.top for scores in comparison.encoders.values()]
    pairs = list(combinations(tops, 2))
    total = sum((first[:, :, None] == second[:, None, :]).sum(axis=(1, 2)) for first, second in pairs)
    return np.asarray(total, np.float64) / len(pairs)
