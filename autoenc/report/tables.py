"""A comparison as text for a terminal, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import os
from typing import Any

from autoenc.comparison.costs import COSTS
from autoenc.comparison.fusion import Fusion
from autoenc.comparison.records import Comparison, Difference, EncoderScores
from autoenc.metrics.registry import find_metric
from autoenc.outputs import marked_json, write_file
from autoenc.report.advice import STORE, advice, search_command
from autoenc.report.findings import fusion_told
from autoenc.text import counted, number, printable, short, table

_LABEL_FREE = "selfrecall@1"


def comparison_table(comparison: Comparison) -> str:
    """One row per encoder, each figure with half the width of its interval; then the paired differences.

    A fusion of encoders has a row of its own in both, and so has a hybrid.

    Returns:
        lines of plain text, without a newline at the end.
    """
    metrics = [metric for metric in comparison.metrics if find_metric(metric).needs_labels or metric == _LABEL_FREE]
    rows = []
    for name, scores in _rows(comparison).items():
        cells = [_with_half(*scores.figures[metric]) if metric in scores.figures else "-" for metric in metrics]
        model = number(scores.model_bytes / 1e6) if scores.model_bytes else "-"
        costs = [number(scores.ms_per_image), str(scores.bytes_per_image), model]
        rows.append([name, str(scores.dim), *cells, *costs])
    lines = [_summary(comparison), "", table(["encoder", "dim", *metrics, "ms/image", "bytes", "model MB"], rows)]
    if len(comparison.rated) > 1:
        lines.append("")
        for unit, cost in zip(("ms/image", "bytes"), COSTS, strict=True):
            names = printable(", ".join(comparison.pareto_front(cost)))
            lines.append(f"Pareto front of {comparison.main_metric} against {unit}: {names}")
    if comparison.differences:
        found = {(difference.b, difference.metric): difference for difference in comparison.differences}
        rows = []
        for b in dict.fromkeys(difference.b for difference in comparison.differences):
            rows.append([b, *(_difference(found[b, metric]) for metric in metrics)])
        for fusion in comparison.together:
            fused = {difference.metric: difference for difference in fusion.differences_from(comparison.reference)}
            rows.append([fusion.name, *(_difference(fused[metric]) if metric in fused else "-" for metric in metrics)])
        header = [f"{comparison.reference} minus", *metrics]
        lines += ["", table(header, rows), "", "* the 95% interval of the paired difference excludes zero"]
    for fusion in comparison.together:
        lines += ["", fusion_told(fusion)]
    if comparison.notes:
        lines += ["", *map(printable, comparison.notes)]
    return "\n".join(lines)


def comparison_document(comparison: Comparison, place: str = STORE) -> dict[str, Any]:
    """`Comparison.to_dict`, its `advice`, and the `command` to search by what it found; both may be empty.

    Args:
        comparison: what `compare` returned.
        place: what the command says after --store.
    """
    return {**comparison.to_dict(), "advice": advice(comparison), "command": search_command(comparison, place)}


def write_comparison_json(
    comparison: Comparison, file: str | os.PathLike[str], *, place: str = STORE, overwrite: bool = False
) -> None:
    """Write `comparison_document` as JSON, after the key "written_by".

    Raises:
        OutputError: as `write_report`.
    """
    document = marked_json(comparison_document(comparison, place), ensure_ascii=False)
    write_file(file, document, overwrite=overwrite, reading=comparison.folders)


def write_comparison_csv(comparison: Comparison, file: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write one row per encoder, fusion and hybrid: each figure, and its interval, "_ci_low" and "_ci_high".

    Raises:
        OutputError: as `write_report`.
    """
    rows = [comparison_row(comparison, name) for name in _rows(comparison)]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_file(file, text.getvalue().encode(), overwrite=overwrite, reading=comparison.folders)


def comparison_row(comparison: Comparison, encoder: str) -> dict[str, Any]:
    """The figures of one encoder, of the fusion or of the hybrid, as a flat record, as in the CSV file."""
    scores = _rows(comparison)[encoder]
    row: dict[str, Any] = {"encoder": encoder, "dim": scores.dim}
    for metric, (mean, low, high) in scores.figures.items():
        row |= {metric: mean, f"{metric}_ci_low": low, f"{metric}_ci_high": high}
    costs = {"ms_per_image": scores.ms_per_image, "bytes_per_image": scores.bytes_per_image}
    return row | costs | {"model_bytes": scores.model_bytes}


def _rows(comparison: Comparison) -> dict[str, EncoderScores | Fusion]:
    return {**comparison.encoders, **{found.name: found for found in comparison.together}}


def _summary(comparison: Comparison) -> str:
    how = ", each left out of its own results" if comparison.leave_one_out else ""
    queries = counted(len(comparison.queries), "query", "queries")
    parts = [f"{counted(len(comparison.gallery), 'image')}, {queries}{how}"]
    if len(comparison.labeled):
        labels = counted(len(comparison.classes), "label")
        parts.append(f"{len(comparison.labeled):,} of them scored by label ({labels})")
    if comparison.unlabeled:
        parts.append(f"{counted(comparison.unlabeled, 'image')} without a label")
    if comparison.left_out:
        parts.append(f"{counted(comparison.left_out, 'query', 'queries')} whose label no other image has")
    if comparison.ignored:
        parts.append(f"{counted(comparison.ignored, 'other file')} ignored")
    if comparison.skipped:
        parts.append(f"{counted(len(comparison.skipped), 'file')} skipped")
    return "; ".join(parts)


def _difference(difference: Difference) -> str:
    star = "*" if difference.excludes_zero else " "
    return f"{_with_half(difference.mean, difference.ci_low, difference.ci_high, sign=True)}{star}"


def _with_half(mean: float, low: float, high: float, *, sign: bool = False) -> str:
    return f"{short(mean, sign=sign)} ±{short((high - low) / 2, like=mean)}"
