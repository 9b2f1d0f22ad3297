"""The networks of a bundle, encoder, decoder and classifier: each opened when it first runs, and run on all cores."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autoenc.errors import BundleCorruptError
from autoenc.models.graph import TensorSpec, open_graph, reason, run_graph
from autoenc.models.manifest import ANEW, CLASSIFIER, DECODER, ENCODER, classes_of, verified
from autoenc.parallel import ordered_chunks
from autoenc.text import shown

_PIECE = 64  # items that one core works on at a time, at most
_NUMBERS = 2**20  # that they have together, at most: what a network needs meanwhile is a hundred times as much


class Network:
    """A function from batches to batches that a graph computes. Threads may share it.

    Args:
        file: the graph's, for messages.
        read: returns the file's content once it is verified; called when the network first runs.
        input_: the input that the graph must have.
        output: the output that it must have.
        size: of the graph in bytes, where it is known before it is read.
    """

    def __init__(
        self, file: Path, read: Callable[[], bytes], input_: TensorSpec, output: TensorSpec, *, size: int = 0
    ) -> None:
        self.size = size
        self._file = file
        self._read = read
        self._input = input_
        self._output = output
        self._lock = threading.Lock()

    def run(self, batch: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The float32 output for a batch of the dtype and shape that the input has; N may be 0.

        Raises:
            BundleCorruptError: as `read` raises it; or the graph cannot be run, wants too much memory, or returns NaN,
                infinity or another shape.
        """
        size = max(1, min(_PIECE, _NUMBERS // math.prod(self._input.shape)))
        pieces = [batch[start : start + size] for start in range(0, len(batch), size)]
        if len(pieces) == 1:
            return self._run(batch)
        nothing = np.empty((0, *self._output.shape), np.float32)
        return np.concatenate([nothing, *ordered_chunks(self._run_each, pieces, 1)])

    def _run_each(self, pieces: Sequence[npt.NDArray[Any]]) -> list[npt.NDArray[np.float32]]:
        return [self._run(piece) for piece in pieces]

    def _run(self, piece: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        with self._lock:
            session = self._session
        try:
            return run_graph(session, piece, self._input, self._output)
        except MemoryError:
            raise
        except Exception as error:  # ONNX Runtime's own exception types are not public
            raise self._failed(error) from error

    @functools.cached_property
    def _session(self) -> Any:
        data = self._read()
        try:
            return open_graph(data, self._input, self._output)
        except MemoryError:
            raise
        except Exception as error:  # as above
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> BundleCorruptError:
        return BundleCorruptError(f"{shown(self._file)} cannot be run: {reason(error)}. {ANEW}")


def networks_of(folder: Path, info: dict[str, Any]) -> tuple[Network, Network | None, Network | None]:
    """The networks of a bundle, as its manifest describes them.

    Returns:
        The encoder, read now; the decoder and the classifier, if there are any, which few need: read when first run.

    Raises:
        BundleCorruptError: the encoder is missing or has changed.
    """
    size, dim = (info["architecture"][name] for name in ("input_size", "latent_dim"))
    images, latents = TensorSpec("images", "uint8", (size, size, 3)), TensorSpec("latents", "float32", (dim,))
    content = verified(folder, info, ENCODER)  # what was verified is what runs, though the folder may be replaced
    encoder = Network(folder / ENCODER, lambda: content, images, latents, size=len(content))

    def of_latents(name: str, output: TensorSpec) -> Network | None:
        if name not in info["checksums"]:
            return None
        return Network(folder / name, lambda: verified(folder, info, name), latents, output)

    decoder = of_latents(DECODER, TensorSpec("pixels", "float32", (size, size, 3)))
    classifier = of_latents(CLASSIFIER, TensorSpec("probabilities", "float32", (len(classes_of(info)),)))
    return encoder, decoder, classifier
