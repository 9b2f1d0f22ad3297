"""The REST API and the page, over HTTP: `autoenc serve`. Needs the extra `autoenc[serve]`."""

from __future__ import annotations

from autoenc.errors import MissingDependencyError


def need_packages() -> None:
    """Raise MissingDependencyError where what serving needs is not installed."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"Serving needs packages that are not installed ({error}): pip install 'autoenc[serve]'"
        ) from error
