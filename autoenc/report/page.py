"""One HTML page about a comparison: self-contained, and written for a reader who does not know the metrics."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TypeVar

from autoenc.comparison.costs import COSTS
from autoenc.comparison.fusion import Fusion, fusion_name
from autoenc.comparison.records import Comparison, Difference
from autoenc.errors import MissingDependencyError, OutputError
from autoenc.figures import can_plot
from autoenc.metrics.bootstrap import Interval
from autoenc.metrics.registry import find_metric
from autoenc.outputs import MARK, check_folder, write_file
from autoenc.report import pareto, plots
from autoenc.report.advice import STORE, advice, search_command
from autoenc.report.examples import examples_section
from autoenc.report.findings import (
    chance,
    differences_by,
    differences_to_all,
    evidence,
    fusion_told,
    glossary,
    headline,
    tally,
)
from autoenc.report.markup import data_uri, escape, table
from autoenc.text import counted, number, shown, some
from autoenc.version import __version__

NO_PLOTS = (
    "The report has no plots: they need Matplotlib, pip install 'autoenc[plots]'. The tables hold the same figures."
)
"""Said where a report is written without them."""

_MOST_FILES = 500
_Svg = TypeVar("_Svg", bound=bytes | None)


def write_report(
    comparison: Comparison, folder: str | os.PathLike[str], *, place: str = STORE, overwrite: bool = False
) -> Path:
    """Write a comparison as one HTML page, with its plots and pictures inside.

    Without Matplotlib (`autoenc[plots]`) the page has everything but the plots, and says so.

    Args:
        comparison: what `compare` returned. The thumbnails are made from its pictures; where a file is gone, the page
            says so.
        folder: receives report.html; made if it does not exist. It must not lie in a folder of compared images.
        place: what the command to search with says after --store.
        overwrite: replace a report.html that autoenc did not write.

    Returns:
        the path of the page.

    Raises:
        OutputError: the folder cannot be made, or lies among the images; a report.html that autoenc did not write is
            there, and `overwrite` is False; or the page cannot be written.

    Example:
        >>> comparison = autoenc.compare("photos", encoders=["color", "edges"])
        >>> write_report(comparison, "report")
        PosixPath('report/report.html')
    """
    folder = Path(folder)
    check_folder(folder, ["report.html"], overwrite=overwrite, reading=comparison.folders)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot make the folder {shown(folder)}: {error.strerror or error}.") from error
    page = render(comparison, place).encode()
    return write_file(folder / "report.html", page, overwrite=overwrite, reading=comparison.folders)


def render(comparison: Comparison, place: str = STORE) -> str:
    """The page as HTML text; `place` is what its command says after --store."""
    sections = (
        _head(comparison, place),
        _scores(comparison),
        _differences(comparison),
        _classes(comparison),
        _self_recall(comparison),
        _cost(comparison),
        examples_section(comparison),
        _skipped(comparison),
        _reading(comparison),
    )
    footer = f"<footer><p>autoenc {escape(__version__)}; compared in {comparison.seconds:,.1f} seconds.</p></footer>"
    content = f"<main>\n{''.join(sections)}</main>\n{footer}"
    template = Template(files("autoenc.report").joinpath("template.html").read_text("utf-8"))
    return template.substitute(generator=escape(MARK), title="Encoders compared - autoenc", content=content)


def _head(comparison: Comparison, place: str) -> str:
    labels = len({label for label in comparison.gallery_labels if label is not None})
    facts = [
        ("images in the gallery", len(comparison.gallery)),
        ("queries", len(comparison.queries)),
        ("scored by label", len(comparison.labeled)),
        ("labels", labels),
        ("altered copies", len(comparison.altered)),
    ]
    exceptions = [
        ("images without a label", comparison.unlabeled),
        ("queries whose label no other image has", comparison.left_out),
        ("files that could not be read", len(comparison.skipped)),
        ("files that are not images", comparison.ignored),
    ]
    shown_facts = [*facts, *((name, count) for name, count in exceptions if count)]
    grid = "".join(f"<div><dt>{escape(name)}</dt><dd>{count:,}</dd></div>" for name, count in shown_facts)
    split = (
        "Every query is itself an image of the gallery and is left out of its own results (leave-one-out)."
        if comparison.leave_one_out
        else "The queries were given separately from the gallery."
    )
    model = ""
    if comparison.model is not None:
        name = escape(comparison.reference)
        model = f" Encoder {name} uses the model <code>{escape(shown(comparison.model))}</code>."
    sentences = filter(None, [advice(comparison), *comparison.notes, "" if can_plot() else NO_PLOTS])
    notes = "".join(f'<p class="note">{escape(sentence)}</p>\n' for sentence in sentences)
    if command := search_command(comparison, place):
        notes += f'<pre class="command"><code>{escape(command)}</code></pre>\n'
    return (
        "<header>\n<h1>Which encoder finds what looks alike?</h1>\n"
        f'<p class="finding">{escape(headline(comparison))}</p>\n<p>{escape(evidence(comparison))}</p>\n</header>\n'
        f"{notes}<section>\n<h2>What was compared</h2>\n<p>Each encoder turns an image into a vector, a list of "
        "numbers. For each query, the images of the gallery are ranked by the cosine similarity of their vectors to "
        f'the query\'s. {split}{model}</p>\n<dl class="facts">{grid}</dl>\n</section>\n'
    )


def _scores(comparison: Comparison) -> str:
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
    picture = _plot(
        _drawn(plots.metric_bars, comparison),
        "Bar charts of every metric by encoder, with 95% intervals; the tables hold the same figures.",
        "Encoders by score, best first. The thin lines are 95% intervals; the scales start at 0."
        + (" Altered copies are searched for with one encoder at a time." if comparison.together else ""),
    )
    return _section("Scores", text, body, picture, *map(_fusion, comparison.together))


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


def _differences(comparison: Comparison) -> str:
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
    picture = _plot(
        forest,
        "Differences to each encoder, with 95% intervals and a line at zero; the tables hold the same figures.",
        "Mean difference in score, with its 95% interval. A filled point means that the interval excludes zero, a "
        "hollow one that it does not.",
    )
    return _section("Differences", text, *tables, picture)


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


def _classes(comparison: Comparison) -> str:
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
    picture = _plot(
        heatmap,
        "Precision at 5 of every encoder for every label; the table below holds the same figures.",
        "Precision at 5 by label; darker is better. These figures have no intervals: with few queries per label, do "
        "not read much into small differences."
        + (f" Only the {most} labels with the most queries are drawn." if len(rows) > most else ""),
    )
    folded = f"<details><summary>The same figures as a table</summary>\n{numbers}</details>\n"
    return _section("Label by label", "", picture, folded if picture else numbers)


def _self_recall(comparison: Comparison) -> str:
    metrics = [metric for metric in comparison.metrics if not find_metric(metric).needs_labels]
    text = (
        f"The gallery was searched with altered copies (cropped, mirrored and recolored) of "
        f"{counted(len(comparison.altered), 'image')}. The figures are the share of copies whose original came back "
        "among the first results: a check that needs no labels."
    )
    parts = [_table_of_figures(comparison, metrics, "Share of originals found, with 95% bootstrap intervals")]
    if len(metrics) == len(comparison.metrics):
        alt = "Bar charts of self-recall by encoder, with 95% intervals; the table above holds the same figures."
        parts.append(_plot(_drawn(plots.metric_bars, comparison), alt, "Encoders by self-recall, best first."))
    return _section("Without labels: does an altered copy find its original?", text, *parts)


def _cost(comparison: Comparison) -> str:
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
        _plot(
            _drawn(pareto.pareto_plot, comparison, cost),
            f"Scatter plot of quality against {word}, with the Pareto front; the table holds the same figures.",
            f"Quality against {word}: upper left is best. Filled points with bold names are on the Pareto front, the "
            "stepped line; upright lines are 95% intervals.",
            fits=True,
        )
        for word, cost in zip(("encoding time", "the size of a vector"), COSTS, strict=True)
    )
    return _section("Quality against cost", text, costs, f'<div class="pair">\n{pictures}</div>\n')


def _skipped(comparison: Comparison) -> str:
    if not comparison.skipped:
        return ""
    items = "".join(
        f"<li><code>{escape(shown(file.path))}</code>: {escape(file.reason)}</li>\n"
        for file in comparison.skipped[:_MOST_FILES]
    )
    more = len(comparison.skipped) - _MOST_FILES
    rest = f"<p>And {more:,} more; the comparison as JSON lists all of them.</p>\n" if more > 0 else ""
    return _section("Files that could not be read", "", f'<ul class="files">{items}</ul>\n{rest}')


def _reading(comparison: Comparison) -> str:
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>\n" for name, text in glossary(comparison))
    return _section("How to read the figures", "", f'<dl class="terms">\n{items}</dl>\n')


def _section(title: str, text: str, *parts: str) -> str:
    intro = f"<p>{text}</p>\n" if text else ""
    return f"<section>\n<h2>{escape(title)}</h2>\n{intro}{''.join(parts)}</section>\n"


def _drawn(draw: Callable[..., _Svg], *of: object) -> _Svg | bytes:
    """What `draw` returns of something; no bytes where Matplotlib is not installed."""
    try:
        return draw(*of)
    except MissingDependencyError:
        return b""


def _plot(svg: bytes, alt: str, caption: str, *, fits: bool = False) -> str:
    """A figure; one that `fits` is as wide as its place, others keep their size and scroll on a narrow screen."""
    if not svg:
        return ""
    size = re.search(rb'<svg[^>]* width="([0-9.]+)pt"', svg)
    width = round(float(size[1]) * 4 / 3) if size else 1000  # Matplotlib's points in CSS pixels
    style = "" if fits else f' style="max-width:{width}px;min-width:{min(width, 640)}px"'
    image = f'<img src="{data_uri(svg, "image/svg+xml")}" alt="{escape(alt)}"{style}>'
    region = f'<div class="wide" tabindex="0" role="region" aria-label="{escape(alt)}">{image}</div>'
    kind = "plot fits" if fits else "plot"
    return f'<figure class="{kind}">{region}<figcaption>{escape(caption)}</figcaption></figure>\n'
