"""The packages that only training needs: loaded when it starts, and kept from writing to the terminal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from autoenc.errors import MissingDependencyError
from autoenc.quiet import tensorflow_silenced

_PACKAGES = ("keras", "tensorflow", "onnx", "tf2onnx", "scipy")


@contextmanager
def loading_libraries() -> Iterator[None]:
    """Wrap the imports of modules that need the packages of autoenc[train].

    Raises:
        MissingDependencyError: one of the packages is not installed.

    Example:
        >>> with loading_libraries():
        ...     import scipy.sparse
    """
    try:
        with tensorflow_silenced():
            yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _PACKAGES:
            raise
        raise MissingDependencyError(
            f"Training needs {error.name}, which is not installed: pip install 'autoenc[train]'. "
            f"Indexing, searching and comparing do not need it."
        ) from error


@contextmanager
def tensorflow_warnings_off() -> Iterator[None]:
    """Drop what TensorFlow logs from Python, but for errors: advice on tracing that training has no use for.

    Example:
        >>> with tensorflow_warnings_off():
        ...     logging.getLogger("tensorflow").warning("5 out of the last 8 calls triggered retracing")
    """
    logger = logging.getLogger("tensorflow")
    logger.addFilter(_is_error)
    try:
        yield
    finally:
        logger.removeFilter(_is_error)


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR
