"""One HTML page about a comparison: nothing to fetch, and for a reader who does not know the metrics."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from autoenc.comparison.records import Comparison
from autoenc.errors import OutputError
from autoenc.files import write_file
from autoenc.metrics.scores import Interval
from autoenc.report import plots
from autoenc.report.examples import examples_section
from autoenc.report.findings import (
    chance,
    differences_by,
    evidence,
    glossary,
    headline,
    main_metric,
    reference_of,
    tally,
    title_of,
)
from autoenc.report.markup import data_uri, escape, table
from autoenc.text import number, shown
from autoenc.version import __version__

_MOST_FILES = 500


def write_report(comparison: Comparison, folder: str | os.PathLike[str]) -> Path:
    """Write `folder`/report.html; the folder is made if it is not there.

    Raises:
        OutputError: the folder cannot be made or the page not written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot make the folder {shown(folder)}: {error.strerror or error}.") from error
    return write_file(folder / "report.html", render(comparison).encode())


def render(comparison: Comparison) -> str:
    """The page as text."""
    sections = (
        _head(comparison),
        _scores(comparison),
        _differences(comparison),
        _classes(comparison),
        _self_recall(comparison),
        _cost(comparison),
        examples_section(comparison),
        _skipped(comparison),
        _reading(comparison),
    )
    footer = f"<footer><p>Made by autoenc {escape(__version__)} in {comparison.seconds:,.1f} seconds.</p></footer>"
    content = f"<main>\n{''.join(sections)}</main>\n{footer}"
    template = Template(files("autoenc.report").joinpath("template.html").read_text("utf-8"))
    return template.substitute(title="Encoders compared - autoenc", content=content)


def _head(comparison: Comparison) -> str:
    labels = len({label for label in comparison.gallery_labels if label is not None})
    facts: list[tuple[str, str]] = [
        ("images searched among", f"{len(comparison.gallery):,}"),
        ("queries", f"{len(comparison.queries):,}"),
        ("of them scored by label", f"{len(comparison.labeled):,}"),
        ("labels", f"{labels:,}"),
        ("altered copies searched for", f"{len(comparison.altered):,}"),
        ("images without a label", f"{comparison.unlabeled:,}"),
        ("files that could not be read", f"{len(comparison.skipped):,}"),
        ("files that are no images", f"{comparison.ignored:,}"),
    ]
    if comparison.left_out:
        facts.append(("queries alone with their label", f"{comparison.left_out:,}"))
    grid = "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in facts)
    split = (
        "Each query is itself one of the images searched among, and is left out of its own results (leave one out)."
        if comparison.leave_one_out
        else "The queries are separate from the images searched among."
    )
    bundle = (
        f" The learned encoder is the bundle <code>{escape(comparison.bundle)}</code>." if comparison.bundle else ""
    )
    notes = "".join(f'<p class="note">{escape(note)}</p>\n' for note in comparison.notes)
    return (
        "<header>\n<h1>Which encoder finds what looks alike?</h1>\n"
        f'<p class="finding">{escape(headline(comparison))}</p>\n<p>{escape(evidence(comparison))}</p>\n</header>\n'
        f"{notes}<section>\n<h2>What was compared</h2>\n<p>{split} Every encoder turns an image into a list of "
        f"numbers, a vector; images are ranked by the cosine similarity of their vectors to the query's.{bundle}</p>\n"
        f'<dl class="facts">{grid}</dl>\n</section>\n'
    )


def _scores(comparison: Comparison) -> str:
    metrics = [metric for metric in _measured(comparison) if not metric.startswith("selfrecall@")]
    if not metrics:
        return ""
    text = (
        "A label says which images belong together; an encoder is good if images of one label are near each other. "
        f"In a random order, {number(chance(comparison))} of the images at any place would have the query's label. "
        "In every column 1 is perfect and 0 the worst; the small figures are the 95% interval. Underlined is the "
        "highest figure, which need not be shown to be better: only a paired difference can show that."
    )
    body = _table_of_figures(comparison, metrics, "Mean over queries, with 95% bootstrap intervals")
    picture = _plot(
        plots.metric_bars(comparison),
        "Bar charts of every metric by encoder with 95% intervals; the table above holds the same figures.",
        "Encoders by score, best first; the thin line is the 95% interval. The scale starts at 0.",
    )
    return _section("Scores", text, body, picture)


def _table_of_figures(comparison: Comparison, metrics: Sequence[str], caption: str) -> str:
    reference, encoders = reference_of(comparison), comparison.encoders
    best = {metric: max(scores.figures[metric].mean for scores in encoders.values()) for metric in metrics}
    rows = []
    for name, scores in encoders.items():
        cells = [
            _figure(scores.figures[metric], best=len(encoders) > 1 and scores.figures[metric].mean == best[metric])
            for metric in metrics
        ]
        rows.append((name, cells, name == reference))
    return table(caption, ["Encoder", *(title_of(metric) for metric in metrics)], rows)


def _figure(interval: Interval, best: bool = False) -> str:
    mean, low, high = (number(value, like=interval.mean) for value in interval)
    words = f"<b>{mean}</b>" if best else mean
    mark = ' class="best"' if best else ""
    return f"<td{mark}>{words}<small>{low} to {high}</small></td>"


def _differences(comparison: Comparison) -> str:
    metrics = [main_metric(comparison), *(metric for metric in ("p@5",) if metric in comparison.metrics)]
    tables = []
    for metric in dict.fromkeys(metrics):
        rows = []
        for item in differences_by(comparison, metric):
            wins, ties, losses = tally(comparison, item)
            verdict = (
                f"{item.a} better"
                if item.ci_low > 0
                else f"{item.b} better"
                if item.ci_high < 0
                else "no difference shown"
            )
            mean, low, high = (
                number(value, like=item.mean, sign=True) for value in (item.mean, item.ci_low, item.ci_high)
            )
            cells = [
                f"<td>{mean}</td>",
                f"<td>{low} to {high}</td>",
                f'<td class="words">{escape(verdict)}</td>',
                *(f"<td>{count:,}</td>" for count in (wins, ties, losses)),
            ]
            rows.append((item.b, cells, False))
        if rows:
            reference = reference_of(comparison)
            columns = [f"{reference} minus", "Difference", "95% interval", "Shown", "Wins", "Ties", "Losses"]
            tables.append(table(title_of(metric), columns, rows))
    forest = plots.difference_forest(comparison)
    if not tables or forest is None:
        return ""
    text = (
        "All encoders answer the same queries, so they are compared query by query. An interval that includes zero "
        "means that these queries do not show which of the two is better. Wins, ties and losses count the queries on "
        f"which {escape(reference_of(comparison))} scores higher, equal or lower. Each interval stands for itself: "
        "among 20 comparisons of equals, one interval is expected to exclude zero by chance."
    )
    picture = _plot(
        forest,
        "Differences to each encoder with 95% intervals and a line at zero; the tables hold the same figures.",
        "Mean difference in score and its 95% interval. A filled point: the interval excludes zero; a hollow one: it "
        "does not.",
    )
    return _section("Differences", text, *tables, picture)


def _classes(comparison: Comparison) -> str:
    heatmap = plots.per_class_heatmap(comparison)
    if heatmap is None:
        return ""
    names = list(comparison.encoders)
    values = {name: comparison.per_class(name) for name in names}
    rows = []
    for label, queries in comparison.classes.items():
        cells = [f"<td>{len(queries):,}</td>", *(f"<td>{number(values[name][label]['p@5'])}</td>" for name in names)]
        rows.append((label, cells, False))
    numbers = table("Precision at 5 by label", ["Label", "Queries", *names], rows)
    picture = _plot(
        heatmap,
        "Precision at 5 of every encoder for every label; the table below holds the same figures.",
        "Precision at 5 by label (darker is better). Without intervals: with few queries a label, read small "
        "differences as none." + (" The 40 labels with the most queries." if len(rows) > 40 else ""),
    )
    folded = f"<details><summary>The same as a table</summary>\n{numbers}</details>\n"
    return _section("Label by label", "", picture, folded)


def _self_recall(comparison: Comparison) -> str:
    metrics = [metric for metric in _measured(comparison) if metric.startswith("selfrecall@")]
    if not metrics:
        return ""
    text = (
        f"{len(comparison.altered):,} images were cropped, mirrored and recolored, and the gallery was searched with "
        "these copies. The figures say how often the original came back among the first: a check that needs no labels."
    )
    parts = [_table_of_figures(comparison, metrics, "Share of originals found, with 95% bootstrap intervals")]
    if len(metrics) == len(_measured(comparison)):
        alt = "Bar charts of self-recall by encoder with 95% intervals; the table above holds the same figures."
        parts.append(_plot(plots.metric_bars(comparison), alt, "Encoders by self-recall, best first."))
    return _section("Without labels: does an altered copy find its original?", text, *parts)


def _cost(comparison: Comparison) -> str:
    reference, rows = reference_of(comparison), []
    for name, scores in comparison.encoders.items():
        figures = (f"{scores.dim:,}", f"{scores.bytes_per_image:,}", number(scores.ms_per_image))
        rows.append((name, [f"<td>{text}</td>" for text in figures], name == reference))
    costs = table(
        "What a vector costs", ["Encoder", "Numbers a vector", "Bytes a vector", "Milliseconds an image"], rows
    )
    picture = ""
    if main_metric(comparison) in _measured(comparison):
        picture = _plot(
            plots.quality_against_cost(comparison),
            "Scatter plots of quality against encoding time and against vector size; both tables hold the figures.",
            "Upper left is best: high quality at little cost. Lines are 95% intervals of the score.",
        )
    text = "Time is that of encoding pixels already in memory, in batches, on the machine that ran the comparison."
    return _section("Quality against cost", text, costs, picture)


def _skipped(comparison: Comparison) -> str:
    if not comparison.skipped:
        return ""
    items = "".join(
        f"<li><code>{escape(shown(file.path))}</code>: {escape(file.reason)}</li>\n"
        for file in comparison.skipped[:_MOST_FILES]
    )
    more = len(comparison.skipped) - _MOST_FILES
    rest = f"<p>And {more:,} more; compare.json lists them all.</p>\n" if more > 0 else ""
    return _section("Files that could not be read", "", f'<ul class="files">{items}</ul>\n{rest}')


def _reading(comparison: Comparison) -> str:
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>\n" for name, text in glossary(comparison))
    return _section("How to read the figures", "", f'<dl class="terms">\n{items}</dl>\n')


def _measured(comparison: Comparison) -> list[str]:
    return list(comparison.encoders[reference_of(comparison)].figures)


def _section(title: str, text: str, *parts: str) -> str:
    intro = f"<p>{text}</p>\n" if text else ""
    return f"<section>\n<h2>{escape(title)}</h2>\n{intro}{''.join(parts)}</section>\n"


def _plot(svg: bytes, alt: str, caption: str) -> str:
    size = re.search(rb'<svg[^>]* width="([0-9.]+)pt"', svg)
    width = round(float(size[1]) * 4 / 3) if size else 1000  # CSS pixels of Matplotlib's points
    style = f"max-width:{width}px;min-width:{min(width, 640)}px"  # on a narrow screen it scrolls, and stays legible
    image = f'<img src="{data_uri(svg, "image/svg+xml")}" alt="{escape(alt)}" style="{style}">'
    return f'<figure class="plot"><div class="wide">{image}</div><figcaption>{escape(caption)}</figcaption></figure>\n'
