"""Encoders and decoders from anyone: they run, or end in one sentence, never in a crash, a hang or a full memory."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_bundles import FILES, IMAGES, LATENTS, READY, encodes_or_is_refused, refusal, write
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autoenc import load_bundle
from autoenc.models.graph import TensorSpec, check_graph

onnx = pytest.importorskip("onnx", reason="graphs are made with onnx: pip install 'autoenc[train]'")
helper, numpy_helper = onnx.helper, onnx.numpy_helper
FLOAT, UINT8, INT64, BOOL = (getattr(onnx.TensorProto, name) for name in ("FLOAT", "UINT8", "INT64", "BOOL"))
ENCODER, DECODER = FILES
ENDS = {
    ENCODER: (("images", UINT8, ["N", 32, 32, 3]), ("latents", FLOAT, ["N", 32])),
    DECODER: (("latents", FLOAT, ["N", 32]), ("pixels", FLOAT, ["N", 32, 32, 3])),
}
either = pytest.mark.parametrize("file", FILES)


def graph(
    file: str,
    nodes: Sequence[Any] = (),
    weights: Sequence[Any] = (),
    *,
    taken: tuple[str, int, list[Any]] | None = None,
    made: tuple[str, int, list[Any]] | None = None,
    functions: Sequence[Any] = (),
) -> bytes:
    """An encoder that takes 32 pixels as latents, or a decoder that repeats latents as pixels.

    Nodes may come between: they make `out`, (N, 32), of `x`, (N, 32).
    """
    taken, made = taken or ENDS[file][0], made or ENDS[file][1]
    end = "out" if nodes else "x"
    node = helper.make_node
    if file == ENCODER:
        own = [whole("flat", [-1, 3072]), whole("from", [0]), whole("to", [32]), whole("one", [1])]
        before = [node("Reshape", ["floats", "flat"], ["rows"]), node("Slice", ["rows", "from", "to", "one"], ["x"])]
        after = []
    else:
        own = [whole("often", [1, 96]), whole("square", [-1, *made[2][1:]])]
        before = [node("Identity", ["floats"], ["x"])]
        after = [node("Tile", [end, "often"], ["tiled"]), node("Reshape", ["tiled", "square"], ["square pixels"])]
        end = "square pixels"
    first, last = node("Cast", [taken[0]], ["floats"], to=FLOAT), node("Cast", [end], [made[0]], to=made[1])
    inner = helper.make_graph(
        [first, *before, *nodes, *after, last],
        "graph",
        [helper.make_tensor_value_info(*taken)],
        [helper.make_tensor_value_info(*made)],
        [*weights, *own],
    )
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("other", 1)]
    model = helper.make_model(inner, opset_imports=opsets, functions=functions, ir_version=8)
    return bytes(model.SerializeToString())


def whole(name: str, values: object) -> Any:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def outside(**entries: str) -> Any:
    tensor = onnx.TensorProto(name="w", data_type=FLOAT, dims=[32], data_location=onnx.TensorProto.EXTERNAL)
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


ADDED = helper.make_node("Add", ["x", "w"], ["out"])


def test_the_pattern_of_these_graphs_is_sound(tmp_path: Path) -> None:
    latents = load_bundle(write(tmp_path / "m", graph(ENCODER))).encode(IMAGES)
    np.testing.assert_array_equal(latents, IMAGES.reshape(3, -1)[:, :32])
    pixels = load_bundle(write(tmp_path / "m", graph(DECODER), DECODER)).decode(LATENTS)
    np.testing.assert_array_equal(pixels.reshape(3, 96, 32), np.rint(255 * LATENTS[:, None]).repeat(96, axis=1))


def test_an_end_reads_as_messages_say_it() -> None:
    assert str(TensorSpec("pixels", "float32", (32, 32, 3))) == "pixels float32 (N, 32, 32, 3)"


@pytest.mark.parametrize(
    ("file", "ends"),
    [
        (ENCODER, {"taken": ("pictures", UINT8, ["N", 32, 32, 3])}),
        (ENCODER, {"taken": ("images", FLOAT, ["N", 32, 32, 3])}),
        (ENCODER, {"taken": ("images", UINT8, ["N", 3, 32, 32])}),
        (ENCODER, {"taken": ("images", UINT8, [1, 32, 32, 3])}),
        (ENCODER, {"taken": ("images", UINT8, ["N", "H", "W", 3])}),
        (ENCODER, {"made": ("codes", FLOAT, ["N", 32])}),
        (ENCODER, {"made": ("latents", onnx.TensorProto.DOUBLE, ["N", 32])}),
        (ENCODER, {"made": ("latents", FLOAT, ["N", 31])}),
        (DECODER, {"taken": ("codes", FLOAT, ["N", 32])}),
        (DECODER, {"taken": ("latents", UINT8, ["N", 32])}),
        (DECODER, {"taken": ("latents", FLOAT, [3, 32])}),
        (DECODER, {"made": ("images", FLOAT, ["N", 32, 32, 3])}),
        (DECODER, {"made": ("pixels", UINT8, ["N", 32, 32, 3])}),
        (DECODER, {"made": ("pixels", FLOAT, ["N", 64, 64, 3])}),
    ],
)
def test_other_inputs_or_outputs(tmp_path: Path, file: str, ends: dict[str, Any]) -> None:
    said = {
        ENCODER: "expected images uint8 (N, 32, 32, 3) in and latents float32 (N, 32) out, as bundle.json says",
        DECODER: "expected latents float32 (N, 32) in and pixels float32 (N, 32, 32, 3) out, as bundle.json says",
    }
    assert said[file] in refusal(write(tmp_path / "m", graph(file, **ends), file), file)


@either
@pytest.mark.parametrize("location", ["weights.bin", "/etc/passwd", "../weights.bin", "*/_ORT_MEM_ADDR_/*"])
@pytest.mark.parametrize("place", ["weights", "attribute", "sparse"])
def test_weights_outside_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, place: str, file: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.bin").write_bytes(bytes(128))
    tensor = outside(location=location, offset="0", length="128")
    if place == "weights":
        data = graph(file, [ADDED], [tensor])
    elif place == "attribute":
        data = graph(file, [helper.make_node("Constant", [], ["w"], value=tensor), ADDED])
    else:
        indices = whole("i", list(range(32)))
        sparse = onnx.SparseTensorProto(values=tensor, indices=indices, dims=[32])
        data = graph(file, [helper.make_node("Constant", [], ["w"], sparse_value=sparse), ADDED])
    assert "weights outside of the file" in refusal(write(tmp_path / "m", data, file), file)


def test_a_tag_that_only_protobuf_reads_as_that_of_outside_weights() -> None:
    tag = bytes([0xEA, 0x80, 0x80, 0x80, 0x10])  # 2**32 + 0x6a, of which protobuf keeps 32 bits
    for spelled in (b"\x6a", tag):
        tensor = spelled + b"\x00"
        inside = b"\x2a" + bytes([len(tensor)]) + tensor
        with pytest.raises(ValueError, match="outside"):
            check_graph(b"\x3a" + bytes([len(inside)]) + inside)


def loop(file: str) -> bytes:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["again"]), helper.make_node("Relu", ["v"], ["v2"])],
        "body",
        [helper.make_tensor_value_info(*end) for end in (("i", INT64, []), ("go", BOOL, []), ("v", FLOAT, None))],
        [helper.make_tensor_value_info(*end) for end in (("again", BOOL, []), ("v2", FLOAT, None))],
    )
    go = numpy_helper.from_array(np.array(True), "go")
    node = helper.make_node("Loop", ["times", "go", "x"], ["out"], body=body)
    return graph(file, [node], [whole("times", 2**60), go])


def laughs(file: str) -> bytes:
    """Thirty functions, each of which calls the next one twice."""
    functions = []
    for at in range(30):
        call = {"op_type": f"F{at + 1}", "domain": "other"} if at < 29 else {"op_type": "Relu"}
        nodes = [helper.make_node(inputs=[a], outputs=[b], **call) for a, b in (("a", "t"), ("t", "b"))]
        opsets = [helper.make_opsetid("", 15), helper.make_opsetid("other", 1)]
        functions.append(helper.make_function("other", f"F{at}", ["a"], ["b"], nodes, opsets))
    return graph(file, [helper.make_node("F0", ["x"], ["out"], domain="other")], functions=functions)


@either
@pytest.mark.parametrize("endless", [loop, laughs])
def test_what_would_not_end(tmp_path: Path, endless: Callable[[str], bytes], file: str) -> None:
    folder = write(tmp_path / "m", endless(file), file)
    start = time.perf_counter()
    assert "loops, branches or functions" in refusal(folder, file)
    assert time.perf_counter() - start < 2


@either
def test_operators_of_others(tmp_path: Path, file: str) -> None:
    node = helper.make_node("Evil", ["x"], ["out"], domain="other")
    assert "not of the ONNX standard" in refusal(write(tmp_path / "m", graph(file, [node]), file), file)
    node = helper.make_node("Evil", ["x"], ["out"])
    assert "No Op registered for Evil" in refusal(write(tmp_path / "m", graph(file, [node]), file), file)


@either
def test_more_parts_than_any_network_has(tmp_path: Path, file: str) -> None:
    data = graph(file) + b"\x3a\x02\x5a\x00" * 100_000
    assert "more than 100,000 parts" in refusal(write(tmp_path / "m", data, file), file)


def summed(file: str, nodes: Sequence[Any], weights: Sequence[Any]) -> bytes:
    """A graph that adds the sum of `big`."""
    total = [helper.make_node("ReduceSum", ["big"], ["w"], keepdims=0), ADDED]
    return graph(file, [*nodes, *total], weights)


@either
@pytest.mark.parametrize("numbers", [2 * 10**9, 90 * 10**9])
def test_8_or_360_gb(tmp_path: Path, numbers: int, file: str) -> None:
    """Told in advance by a constant, only while it runs, or by dimensions that the weights' bytes do not fill."""
    filled = helper.make_node("ConstantOfShape", ["size"], ["big"])
    shape = helper.make_node("Shape", ["x"], ["shape"])
    product = helper.make_node("Mul", ["shape", "n"], ["size"])
    promised = onnx.TensorProto(name="big", data_type=FLOAT, dims=[numbers], raw_data=bytes(16))
    root = whole("n", [round(numbers**0.5 / 10)])
    for data, reason in (
        (summed(file, [filled], [whole("size", [numbers])]), "takes more than 4 GB of memory"),
        (summed(file, [shape, product, filled], [root]), "takes more than 4 GB of memory"),
        (summed(file, [], [promised]), f"declares a size of {4 * numbers} bytes"),
    ):
        before = resident()
        assert reason in refusal(write(tmp_path / "m", data, file), file)
        assert resident() - before < 5e8


def resident() -> float:
    resource = pytest.importorskip("resource", reason="peak memory as POSIX tells it")
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


RETURNED = {ENCODER: "3 x 32 finite numbers", DECODER: "3 x 32 x 32 x 3 finite numbers"}


@either
@pytest.mark.parametrize("operation", ["Log", "Neg"])
def test_numbers_that_are_not_finite(tmp_path: Path, operation: str, file: str) -> None:
    infinite = numpy_helper.from_array(np.full(32, np.inf, np.float32), "w")
    node = helper.make_node(operation, ["added"], ["out"])
    added = helper.make_node("Add", ["x", "w"], ["added"])
    data = graph(file, [added, node], [infinite])
    assert RETURNED[file] in refusal(write(tmp_path / "m", data, file), file)


@either
def test_more_rows_than_it_was_given(tmp_path: Path, file: str) -> None:
    node = helper.make_node("Concat", ["x", "x"], ["out"], axis=0)
    assert RETURNED[file] in refusal(write(tmp_path / "m", graph(file, [node]), file), file)


def test_pixels_outside_of_0_to_1_are_black_or_white(tmp_path: Path) -> None:
    pixels = load_bundle(write(tmp_path / "m", graph(DECODER), DECODER)).decode(np.tile([-1e30, 1e30], (1, 16)))
    assert np.unique(pixels[..., ::2], return_counts=True)[0].tolist() == [0, 255]


@pytest.mark.parametrize("share", [0, 1e-6, 0.5, 0.999999])
@either
def test_a_truncated_file(tmp_path: Path, share: float, file: str) -> None:
    data = graph(DECODER) if file == DECODER else (READY / ENCODER).read_bytes()
    refusal(write(tmp_path / "m", data[: int(share * len(data))], file), file)


@either
def test_one_that_is_no_graph(tmp_path: Path, capfd: pytest.CaptureFixture[str], file: str) -> None:
    for data in (
        b"not a graph",
        b"\0\0\0\0ORTM" + bytes(100),
        b"\xff" * 100,
        graph(file).replace(b"Reshape", b"Re\xff\xfeape"),
    ):
        assert f"{file} cannot be run" in refusal(write(tmp_path / "m", data, file), file)
    assert capfd.readouterr() == ("", "")


SMALL = {file: graph(file, [ADDED], [onnx.numpy_helper.from_array(np.ones(32, np.float32), "w")]) for file in FILES}
EDIT = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 3), st.binary(max_size=4))


@either
@settings(deadline=None, max_examples=300)
@given(edits=st.lists(EDIT, min_size=1, max_size=4))
@example(edits=[(0, 0, b"")])
def test_any_bytes_in_it(edits: list[tuple[float, int, bytes]], file: str) -> None:
    data = SMALL[file]
    for place, removed, added in edits:
        at = int(place * len(data))
        data = data[:at] + added + data[at + removed :]
    with tempfile.TemporaryDirectory() as folder:
        encodes_or_is_refused(write(Path(folder), data, file))
