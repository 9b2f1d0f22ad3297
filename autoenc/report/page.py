"""One HTML page about a comparison: self-contained, and written for a reader who does not know the metrics."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from string import Template

from autoenc.comparison.records import Comparison
from autoenc.errors import OutputError
from autoenc.figures import can_plot
from autoenc.outputs import MARK, check_folder, write_file
from autoenc.report.advice import STORE, advice, search_command, train_command
from autoenc.report.examples import examples_section
from autoenc.report.findings import evidence, glossary, headline
from autoenc.report.markup import escape, section
from autoenc.report.sections import (
    classes_section,
    cost_section,
    differences_section,
    scores_section,
    self_recall_section,
)
from autoenc.text import shown
from autoenc.version import __version__

NO_PLOTS = (
    "The report has no plots: they need Matplotlib, pip install 'autoenc[plots]'. The tables hold the same figures."
)
"""Said where a report is written without them."""

_MOST_FILES = 500


def write_report(
    comparison: Comparison,
    folder: str | os.PathLike[str],
    *,
    place: str = STORE,
    told: Callable[[str], str] = str,
    overwrite: bool = False,
) -> Path:
    """Write a comparison as one HTML page, with its plots and pictures inside.

    Without Matplotlib (`autoenc[plots]`) the page has everything but the plots, and says so.

    Args:
        comparison: what `compare` returned. The thumbnails are made from its pictures; where a file is gone, the page
            says so.
        folder: receives report.html; made if it does not exist. It must not lie in a folder of compared images.
        place: what the command to search with says after --store.
        told: puts the advice into the words of its reader; as it is, it names parameters of the library.
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
    page = render(comparison, place, told).encode()
    return write_file(folder / "report.html", page, overwrite=overwrite, reading=comparison.folders)


def render(comparison: Comparison, place: str = STORE, told: Callable[[str], str] = str) -> str:
    """The page as HTML text; arguments as for `write_report`."""
    sections = (
        _head(comparison, place, told),
        scores_section(comparison),
        differences_section(comparison),
        classes_section(comparison),
        self_recall_section(comparison),
        cost_section(comparison),
        examples_section(comparison),
        _skipped(comparison),
        _reading(comparison),
    )
    footer = f"<footer><p>autoenc {escape(__version__)}; compared in {comparison.seconds:,.1f} seconds.</p></footer>"
    content = f"<main>\n{''.join(sections)}</main>\n{footer}"
    template = Template(files("autoenc.report").joinpath("template.html").read_text("utf-8"))
    return template.substitute(generator=escape(MARK), title="Encoders compared - autoenc", content=content)


def _head(comparison: Comparison, place: str, told: Callable[[str], str]) -> str:
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
    sentences = filter(None, [told(advice(comparison)), *comparison.notes, "" if can_plot() else NO_PLOTS])
    notes = "".join(f'<p class="note">{escape(sentence)}</p>\n' for sentence in sentences)
    for command in filter(None, [train_command(comparison), search_command(comparison, place)]):
        notes += f'<pre class="command"><code>{escape(command)}</code></pre>\n'
    return (
        "<header>\n<h1>Which encoder finds what looks alike?</h1>\n"
        f'<p class="finding">{escape(headline(comparison))}</p>\n<p>{escape(evidence(comparison))}</p>\n</header>\n'
        f"{notes}<section>\n<h2>What was compared</h2>\n<p>Each encoder turns an image into a vector, a list of "
        "numbers. For each query, the images of the gallery are ranked by the cosine similarity of their vectors to "
        f'the query\'s. {split}{model}</p>\n<dl class="facts">{grid}</dl>\n</section>\n'
    )


def _skipped(comparison: Comparison) -> str:
    if not comparison.skipped:
        return ""
    items = "".join(
        f"<li><code>{escape(shown(file.path))}</code>: {escape(file.reason)}</li>\n"
        for file in comparison.skipped[:_MOST_FILES]
    )
    more = len(comparison.skipped) - _MOST_FILES
    rest = f"<p>And {more:,} more; the comparison as JSON lists all of them.</p>\n" if more > 0 else ""
    return section("Files that could not be read", "", f'<ul class="files">{items}</ul>\n{rest}')


def _reading(comparison: Comparison) -> str:
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>\n" for name, text in glossary(comparison))
    return section("How to read the figures", "", f'<dl class="terms">\n{items}</dl>\n')
