"""What a comparison shows, in words, counts and examples: the parts of a report that take decisions, not layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from autoenc.comparison.fusion import Fusion
from autoenc.comparison.records import Comparison, Difference
from autoenc.metrics.bootstrap import LEVEL, RESAMPLES
from autoenc.metrics.registry import find_metric


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


def glossary(comparison: Comparison) -> list[tuple[str, str]]:
    """(term, explanation) of every metric of a comparison, of the intervals and of the projections."""
    metrics = [find_metric(name) for name in comparison.metrics]
    interval = (
        f"The queries are resampled {RESAMPLES:,} times, with replacement, and the score is computed for each "
        f"resample; {LEVEL:.0%} of the results lie in the interval (bootstrap). It shows how much the score depends on "
        "the choice of queries, not how the encoder would do on other kinds of images."
    )
    projection = (
        "The encoder's vectors, projected to the K directions in which the gallery varies most (principal "
        "components), so that vectors of equal length can be compared."
    )
    terms = [(f"{metric.title} ({metric.name})", metric.explanation) for metric in metrics]
    return [*terms, ("95% interval", interval), ("NAME+pcaK", projection)]


def chance(comparison: Comparison) -> float:
    """The precision of a random ranking: the share of the gallery, without the query, with the query's label."""
    own = int(comparison.leave_one_out)
    counts = Counter(comparison.gallery_labels)
    found = [counts[comparison.query_labels[query]] - own for query in comparison.labeled]
    return float(np.mean(found)) / (len(comparison.gallery) - own)


def differences_to_all(comparison: Comparison, metric: str) -> list[Difference]:
    """`differences_by`, and then those of the reference to the fusion and to the hybrid."""
    fused = [item for found in comparison.together for item in found.differences_from(comparison.reference)]
    return [*differences_by(comparison, metric), *(item for item in fused if item.metric == metric)]


def differences_by(comparison: Comparison, metric: str) -> list[Difference]:
    """The differences in one metric, in the order of the encoders."""
    return [difference for difference in comparison.differences if difference.metric == metric]


def tally(comparison: Comparison, difference: Difference) -> tuple[int, int, int]:
    """(wins, ties, losses) of a against b, each an encoder, the fusion or the hybrid, query by query."""
    a, b = (_scores_of(comparison, name, difference.metric) for name in (difference.a, difference.b))
    return int((a > b).sum()), int((a == b).sum()), int((a < b).sum())


def _scores_of(comparison: Comparison, name: str, metric: str) -> npt.NDArray[np.float64]:
    for found in comparison.together:
        if name == found.name:
            return found.per_query[metric]
    return comparison.encoders[name].scores(metric)


def headline(comparison: Comparison) -> str:
    """What was found, in one or two sentences that claim no more than the intervals do."""
    metric, reference = find_metric(comparison.main_metric), comparison.reference
    labeled = metric.needs_labels
    name = "mAP" if labeled else metric.title.lower()
    differences = differences_by(comparison, metric.name)
    if not differences:
        mean, low, high = comparison.encoders[reference].figures[metric.name]
        figure = f"{name} of {mean:.3f} (95% interval {low:.3f} to {high:.3f})"
        return f"{reference} reaches {'an' if labeled else 'a'} {figure}; no other encoder was measured."
    better = [difference.b for difference in differences if difference.ci_low > 0]
    worse = [difference.b for difference in differences if difference.ci_high < 0]
    even = [difference.b for difference in differences if not difference.excludes_zero]
    does, more, less = (
        ("retrieves", "better", "worse") if labeled else ("finds altered copies", "more often", "less often")
    )
    total = len(differences)
    parts = [f"{than} than {_named(names, total)}" for than, names in ((more, better), (less, worse)) if names]
    if parts:
        sentence = f"{reference} {does} {' and '.join(parts)}, by {name}"
        sentence += f"; no difference from {_named(even, total)} is shown" if even else ""
    else:
        sentence = f"No encoder is shown to differ from {reference}, by {name}"
    return f"{sentence}." if labeled else f"{sentence}. Without labels, this says nothing about similarity."


def evidence(comparison: Comparison) -> str:
    """The figures behind the headline: the reference encoder, the best of the others, and their difference."""
    metric, reference = comparison.main_metric, comparison.reference
    differences = differences_by(comparison, metric)
    if not differences:
        return ""

    def figure(name: str) -> str:
        mean, low, high = comparison.encoders[name].figures[metric]
        return f"{name} {mean:.3f} (95% interval {low:.3f} to {high:.3f})"

    rival = max(differences, key=lambda difference: comparison.encoders[difference.b].figures[metric].mean)
    return (
        f"{find_metric(metric).title}: {figure(reference)}; best of the others, {figure(rival.b)}. Paired difference: "
        f"{rival.mean:+.3f} ({rival.ci_low:+.3f} to {rival.ci_high:+.3f})."
    )


def fusion_told(fusion: Fusion) -> str:
    """What the row of a fusion is, or that of a hybrid, in one sentence."""
    scored = "each half of the labeled queries is scored by the weights that are best on the other half."
    if not fusion.attributes:
        return f"{fusion.name} is a fusion, the weighted sum of the encoders' scaled cosines: {scored}"
    return (
        f"{fusion.name} is a hybrid, the weighted sum of scaled cosines, shared values and close numbers, as a search "
        f"by a stored image computes it: {scored}"
    )


def _named(some: Sequence[str], total: int) -> str:
    """Up to three encoders by name, more of them as a number."""
    if len(some) > 3:
        return f"all {total} others" if len(some) == total else f"{len(some)} of the {total} others"
    return some[0] if len(some) == 1 else f"{', '.join(some[:-1])} and {some[-1]}"


def disagreements(comparison: Comparison, count: int = 8) -> list[Example]:
    """The queries on which the encoders disagree most.

    With labels, the reference is set against the best of the other encoders: half of the queries are those where its
    average precision (AP) is furthest ahead, half those where it is furthest behind, so that both are shown at their
    best and at their worst. Without labels, they are the queries whose first results overlap least.

    Args:
        comparison: of two encoders or more; of one, there are none.
        count: how many queries at most.
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
                f"On average, two encoders share {shared[query]:.1f} of their first {width} results.",
            )
            for query in order
            if shared[query] < width
        ]
    metric, reference = comparison.main_metric, comparison.reference
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
            f"{reference} is {'ahead of' if lead[at] > 0 else 'behind'} {rival}: average precision {ours[at]:.2f}, "
            f"against {theirs[at]:.2f}.",
        )
        for at in [*ahead[:half], *behind[: count - half]]
    ]


def _shared(comparison: Comparison) -> npt.NDArray[np.float64]:
    """(Q,) float64: how many of their first results two encoders share, averaged over all pairs of encoders."""
    tops = [scores.top for scores in comparison.encoders.values()]
    pairs = list(combinations(tops, 2))
    total = sum((first[:, :, None] == second[:, None, :]).sum(axis=(1, 2)) for first, second in pairs)
    return np.asarray(total, np.float64) / len(pairs)
