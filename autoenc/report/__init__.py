"""What people look at: contact sheets, plots, and one HTML page about a comparison.

The page is loaded on first use: it needs Matplotlib, and a contact sheet does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autoenc.report.page import write_report

__all__ = ["write_report"]


def __getattr__(name: str) -> Any:
    if name != "write_report":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from autoenc.report.page import write_report

    return write_report
