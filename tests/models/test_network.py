"""A network of a bundle: read and opened once, when it first runs, by whichever thread comes first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hostile_bundles import READY

from autoenc.errors import BundleCorruptError
from autoenc.models.graph import TensorSpec
from autoenc.models.network import Network

FILE = READY / "encoder.onnx"
PICTURES = np.random.default_rng(0).integers(0, 256, (300, 32, 32, 3), np.uint8)


def network(read: Callable[[], bytes], made: int = 32) -> Network:
    return Network(FILE, read, TensorSpec("images", "uint8", (32, 32, 3)), TensorSpec("latents", "float32", (made,)))


def test_it_is_read_once_when_it_first_runs() -> None:
    reads: list[int] = []

    def read() -> bytes:
        reads.append(1)
        return FILE.read_bytes()

    encoder = network(read)
    assert encoder.run(PICTURES[:0]).shape == (0, 32)
    assert not reads
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(encoder.run, [PICTURES[:1]] * 8))
    assert len(reads) == 1
    np.testing.assert_array_equal(np.concatenate(found), found[0].repeat(8, axis=0))


def test_a_large_batch_comes_back_in_its_order() -> None:
    encoder = network(FILE.read_bytes)
    together = encoder.run(PICTURES)
    assert (together.shape, together.dtype) == ((300, 32), np.float32)
    for at in (0, 63, 64, 299):
        np.testing.assert_allclose(together[at], encoder.run(PICTURES[at : at + 1])[0], rtol=1e-4, atol=1e-5)


def test_what_reading_raises_is_raised_and_it_is_read_again_next_time() -> None:
    contents: list[bytes] = []

    def read() -> bytes:
        if not contents:
            raise BundleCorruptError("missing")
        return contents[0]

    encoder = network(read)
    with pytest.raises(BundleCorruptError, match=r"^missing$"):
        encoder.run(PICTURES)
    contents.append(FILE.read_bytes())
    assert encoder.run(PICTURES[:1]).shape == (1, 32)


def test_a_graph_of_another_kind_is_one_sentence_with_its_file() -> None:
    with pytest.raises(
        BundleCorruptError, match=r"encoder\.onnx cannot be run: expected images .* latents float32 \(N, 5\)"
    ):
        network(FILE.read_bytes, made=5).run(PICTURES[:1])


@pytest.mark.parametrize("step", ["open_graph", "run_graph"])
def test_memory_that_runs_out_is_not_the_bundles_fault(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(f"autoenc.models.network.{step}", full)
    with pytest.raises(MemoryError):
        network(FILE.read_bytes).run(PICTURES[:1])


@pytest.mark.parametrize(("size", "at_a_time"), [(32, 64), (224, 6), (1200, 1)])
def test_large_images_are_run_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch, size: int, at_a_time: int) -> None:
    """2**20 numbers at most, but 64 images at most and one at least: 224 * 224 * 3 are 150,528."""
    seen: list[int] = []

    def counted(session: object, batch: np.ndarray, *_: object) -> np.ndarray:
        seen.append(len(batch))
        return np.zeros((len(batch), 1), np.float32)

    monkeypatch.setattr("autoenc.models.network.open_graph", lambda *_: None)
    monkeypatch.setattr("autoenc.models.network.run_graph", counted)
    images = np.broadcast_to(np.uint8(0), (65, size, size, 3))
    input_ = TensorSpec("images", "uint8", (size, size, 3))
    assert len(Network(FILE, bytes, input_, TensorSpec("latents", "float32", (1,))).run(images)) == 65
    assert (max(seen), sum(seen)) == (at_a_time, 65)
