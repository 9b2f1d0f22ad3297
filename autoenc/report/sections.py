"""The sections of the page that tell what was measured: scores, differences, labels, altered copies and cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from autoenc.comparison.costs import COSTS
from autoenc.comparison.fusion import Fusion, fusion_name
from autoenc.comparison.records import Comparison, Difference
from autoenc.errors import MissingDependencyError
from autoenc.metrics.bootstrap import Interval
from autoenc.metrics.registry import find_metric
from autoenc.report import pareto, plots
from autoenc.report.findings import chance, differences_by, differences_to_all, fusion_told, tally
from autoenc.report.markup import escape, plot, section, table
from autoenc.text import counted, number, some

_Svg = TypeVar("_Svg", bound=bytes | None)


def scores_section(comparison: Comparison) -> str:
    """The means of every metric that needs labels; empty where there are none."""
    metrics = [metric for metric in comparison.metrics if find_metric(metric).needs_labels]
    if not metrics:
        return ""
    text = (
        "Labels say which images belong together: a good encoder places images with the same label near each other. "
        "In every column, 1 is perfect and 0 the worst, but recall at k cannot reach 1 where a label has more than k "
        "images; a random ranking would reach a precision of "
        f"{number(chance(comparison))}. The small figures are 95% intervals. The highest score of a column is "
        "underlined; whether it is reliably higher than another is shown by the paired differences below."
    )
    body = _table_of_figures(comparison, metrics, "Mean over queries, with 95% bootstrap intervals")
    picture = plot(
        _drawn(plots.metric_bars, comparison),
        "Bar charts of every metric by encoder, with 95% intervals; the tables hold the same figures.",
        "Encoders by score, best first. The thin lines are 95% intervals; the scales start at 0."
        + (" Altered copies are searched for with one encoder at a time." if comparison.together else ""),
    )
    return section("Scores", text, body, picture, *map(_fusion, comparison.together))


def _fusion(fusion: Fusion) -> str:
    first, second = map(fusion_name, fusion.halves)
    found = f"{first} on both halves" if first == second else f"{first} on one half and {second} on the other"
    text = (
        f"{fusion_told(fusion)} Scaled, a cosine is 0 at the median of random pairs and 1 at the median of nearest "
        f"neighbors. The best weights are {found}; on all labeled queries, they are those in its name."
    )
    return f"<p>{escape(text)}</p>\n"


def _table_of_figures(comparison: Comparison, metrics: Sequence[str], caption: str) -> str:
    reference = comparison.reference
    rated = {name: scores.figures for name, scores in comparison.encoders.items()}
    rated |= {found.name: found.figures for found in comparison.together if set(metrics) <= set(found.figures)}
    best = {metric: max(figures[metric].mean for figures in rated.values()) for metric in metrics}
    rows = []
    for name, figures in rated.items():
        cells = [
            _figure(figures[metric], best=len(rated) > 1 and figures[metric].mean == best[metric]) for metric in metrics
        ]
        rows.append((name, cells, name == reference))
    return table(caption, ["Encoder", *(find_metric(metric).title for metric in metrics)], rows)


def _figure(interval: Interval, best: bool = False) -> str:
    mean, low, high = (number(value, like=interval.mean) for value in interval)
    words = f"<b>{mean}</b>" if best else mean
    mark = ' class="best"' if best else ""
    return f"<td{mark}>{words}<small>{low} to {high}</small></td>"


def differences_section(comparison: Comparison) -> str:
    """The paired differences to every other encoder; empty where there is one encoder."""
    forest = _drawn(plots.difference_forest, comparison)
    if forest is None:
        return ""
    text = (
        "All encoders answer the same queries, so they can be compared query by query. Where an interval includes "
        "zero, these queries do not show which of the two encoders is better. Wins, ties and losses count the queries "
        f"on which {escape(comparison.reference)} scores higher, equally or lower. Each interval stands on its own: of "
        "20 comparisons between equally good encoders, one is expected to exclude zero by chance."
    )
    tables = [
        _table_of_differences(comparison, metric)
        for metric in dict.fromkeys([comparison.main_metric, "p@5"])
        if differences_by(comparison, metric)
    ]
    picture = plot(
        forest,
        "Differences to each encoder, with 95% intervals and a line at zero; the tables hold the same figures.",
        "Mean difference in score, with its 95% interval. A filled point means that the interval excludes zero, a "
        "hollow one that it does not.",
    )
    return section("Differences", text, *tables, picture)


def _table_of_differences(comparison: Comparison, metric: str) -> str:
    rows = []
    for item in differences_to_all(comparison, metric):
        mean, low, high = (number(value, like=item.mean, sign=True) for value in (item.mean, item.ci_low, item.ci_high))
        cells = [
            f"<td>{mean}</td>",
            f"<td>{low} to {high}</td>",
            f'<td class="words">{escape(_verdict(item))}</td>',
            *(f"<td>{count:,}</td>" for count in tally(comparison, item)),
        ]
        rows.append((item.b, cells, False))
    columns = [f"{comparison.reference} minus", "Difference", "95% interval", "Verdict", "Wins", "Ties", "Losses"]
    return table(find_metric(metric).title, columns, rows)


def _verdict(difference: Difference) -> str:
    if not difference.excludes_zero:
        return "no difference shown"
    return f"{difference.a if difference.mean > 0 else difference.b} better"


def classes_section(comparison: Comparison) -> str:
    """Precision at 5 for each label; empty where there are none."""
    heatmap = _drawn(plots.per_class_heatmap, comparison)
    if heatmap is None:
        return ""
    names, most = list(comparison.encoders), plots.MOST_CLASSES
    values = {name: comparison.per_class(name) for name in names}
    rows = []
    for label, queries in comparison.classes.items():
        cells = [f"<td>{len(queries):,}</td>", *(f"<td>{number(values[name][label]['p@5'])}</td>" for name in names)]
        rows.append((label, cells, False))
    numbers = table("Precision at 5 by label", ["Label", "Queries", *names], rows)
    picture = plot(
        heatmap,
        "Precision at 5 of every encoder for every label; the table below holds the same figures.",
        "Precision at 5 by label; darker is better. These figures have no intervals: with few queries per label, do "
        "not read much into small differences."
        + (f" Only the {most} labels with the most queries are drawn." if len(rows) > most else ""),
    )
    folded = f"<details><summary>The same figures as a table</summary>\n{numbers}</details>\n"
    return section("Label by label", "", picture, folded if picture else numbers)


def self_recall_section(comparison: Comparison) -> str:
    """The shares of altered copies that find their originals; never empty, as this needs no labels."""
    metrics = [metric for metric in comparison.metrics if not find_metric(metric).needs_labels]
    text = (
        f"The gallery was searched with altered copies (cropped, mirrored and recolored) of "
        f"{counted(len(comparison.altered), 'image')}. The figures are the share of copies whose original came back "
        "among the first results: a check that needs no labels."
    )
    parts = [_table_of_figures(comparison, metrics, "Share of originals found, with 95% bootstrap intervals")]
    if len(metrics) == len(comparison.metrics):
        alt = "Bar charts of self-recall by encoder, with 95% intervals; the table above holds the same figures."
        parts.append(plot(_drawn(plots.metric_bars, comparison), alt, "Encoders by self-recall, best first."))
    return section("Without labels: does an altered copy find its original?", text, *parts)


def cost_section(comparison: Comparison) -> str:
    """What every encoder costs in time and size, and the Pareto fronts; never empty."""
    metric = find_metric(comparison.main_metric)
    fronts = {cost: comparison.pareto_front(cost) for cost in COSTS}
    best = max(scores.figures[metric.name].mean for scores in comparison.rated.values())
    rows = []
    for name, scores in comparison.rated.items():
        quality = scores.figures[metric.name]
        worth = " and ".join(word for word, cost in zip(("time", "size"), COSTS, strict=True) if name in fronts[cost])
        model = f"{scores.model_bytes:,}" if scores.model_bytes else "none"
        figures = (f"{scores.dim:,}", f"{scores.bytes_per_image:,}", number(scores.ms_per_image), model, worth or "no")
        cells = [_figure(quality, best=quality.mean == best), *(f"<td>{text}</td>" for text in figures)]
        rows.append((name, cells, name == comparison.reference))
    columns = ["Encoder", metric.title, "Numbers per vector", "Bytes per vector", "Milliseconds per image",
               "Bytes of the model", "On the Pareto front"]  # fmt: skip
    costs = table("What quality costs", columns, rows)
    told = " ".join(
        f"By {word}, the front is {escape(some(fronts[cost], len(fronts[cost])))}."
        for word, cost in zip(("time", "size"), COSTS, strict=True)
    )
    text = (
        "The time is that of the median batch of 256 images, pixels already in memory, on the machine that ran the "
        "comparison; loading a model is left out, and a projection takes the time of what it projects as well. On the "
        "Pareto front is what no other surpasses without a higher cost; whether two of them differ reliably is shown "
        f"by the paired differences above. {told}"
    )
    pictures = "".join(
        plot(
            _drawn(pareto.pareto_plot, comparison, cost),
            f"Scatter plot of quality against {word}, with the Pareto front; the table holds the same figures.",
            f"Quality against {word}: upper left is best. Filled points with bold names are on the Pareto front, the "
            "stepped line; upright lines are 95% intervals.",
            fits=True,
        )
        for word, cost in zip(("encoding time", "the size of a vector"), COSTS, strict=True)
    )
    return section("Quality against cost", text, costs, f'<div class="pair">\n{pictures}</div>\n')


def _drawn(draw: Callable[..., _Svg], *of: object) -> _Svg | bytes:
    """What `draw` returns of something; no bytes where Matplotlib is not installed."""
    try:
        return draw(*of)
    except MissingDependencyError:
        return b""
