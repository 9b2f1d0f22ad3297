"""encoder.onnx from anyone: it encodes, or ends in one sentence, never in a crash, a hang or a full memory."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_bundles import IMAGES, READY, encodes_or_is_refused, refusal, write
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autoenc import load_bundle
from autoenc.models.graph import check_graph

onnx = pytest.importorskip("onnx", reason="graphs are made with onnx: pip install 'autoenc[train]'")
helper, numpy_helper = onnx.helper, onnx.numpy_helper
FLOAT, UINT8, INT64, BOOL = (getattr(onnx.TensorProto, name) for name in ("FLOAT", "UINT8", "INT64", "BOOL"))


def encoder(
    nodes: Sequence[Any] = (),
    weights: Sequence[Any] = (),
    *,
    taken: tuple[str, int, list[Any]] = ("images", UINT8, ["N", 32, 32, 3]),
    made: tuple[str, int, list[Any]] = ("latents", FLOAT, ["N", 32]),
    functions: Sequence[Any] = (),
) -> bytes:
    """An encoder that takes 32 pixels as latents, after nodes that make `out` of them (`x`)."""
    own = [whole("flat", [-1, 3072]), whole("from", [0]), whole("to", [32]), whole("one", [1])]
    graph = helper.make_graph(
        [
            helper.make_node("Cast", [taken[0]], ["floats"], to=FLOAT),
            helper.make_node("Reshape", ["floats", "flat"], ["rows"]),
            helper.make_node("Slice", ["rows", "from", "to", "one"], ["x"]),
            *nodes,
            helper.make_node("Cast", ["out" if nodes else "x"], [made[0]], to=made[1]),
        ],
        "encoder",
        [helper.make_tensor_value_info(*taken)],
        [helper.make_tensor_value_info(*made)],
        [*weights, *own],
    )
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("other", 1)]
    return bytes(helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=8).SerializeToString())


def whole(name: str, values: object) -> Any:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def outside(**entries: str) -> Any:
    tensor = onnx.TensorProto(name="w", data_type=FLOAT, dims=[32], data_location=onnx.TensorProto.EXTERNAL)
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


ADDED = helper.make_node("Add", ["x", "w"], ["out"])


def test_the_pattern_of_these_encoders_is_sound(tmp_path: Path) -> None:
    latents = load_bundle(write(tmp_path / "m", encoder())).encode(IMAGES)
    np.testing.assert_array_equal(latents, IMAGES.reshape(3, -1)[:, :32])


@pytest.mark.parametrize(
    "ends",
    [
        {"taken": ("pictures", UINT8, ["N", 32, 32, 3])},
        {"taken": ("images", FLOAT, ["N", 32, 32, 3])},
        {"taken": ("images", UINT8, ["N", 3, 32, 32])},
        {"taken": ("images", UINT8, [1, 32, 32, 3])},
        {"taken": ("images", UINT8, ["N", "H", "W", 3])},
        {"made": ("codes", FLOAT, ["N", 32])},
        {"made": ("latents", onnx.TensorProto.DOUBLE, ["N", 32])},
        {"made": ("latents", FLOAT, ["N", 31])},
    ],
)
def test_other_inputs_or_outputs(tmp_path: Path, ends: dict[str, Any]) -> None:
    assert "as bundle.json says" in refusal(write(tmp_path / "m", encoder(**ends)))


@pytest.mark.parametrize("location", ["weights.bin", "/etc/passwd", "../weights.bin", "*/_ORT_MEM_ADDR_/*"])
@pytest.mark.parametrize("place", ["weights", "attribute", "sparse"])
def test_weights_outside_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.bin").write_bytes(bytes(128))
    tensor = outside(location=location, offset="0", length="128")
    if place == "weights":
        data = encoder([ADDED], [tensor])
    elif place == "attribute":
        data = encoder([helper.make_node("Constant", [], ["w"], value=tensor), ADDED])
    else:
        indices = whole("i", list(range(32)))
        sparse = onnx.SparseTensorProto(values=tensor, indices=indices, dims=[32])
        data = encoder([helper.make_node("Constant", [], ["w"], sparse_value=sparse), ADDED])
    assert "weights outside of the file" in refusal(write(tmp_path / "m", data))


def test_a_tag_that_only_protobuf_reads_as_that_of_outside_weights() -> None:
    tag = bytes([0xEA, 0x80, 0x80, 0x80, 0x10])  # 2**32 + 0x6a, of which protobuf keeps 32 bits
    for spelled in (b"\x6a", tag):
        tensor = spelled + b"\x00"
        inside = b"\x2a" + bytes([len(tensor)]) + tensor
        with pytest.raises(ValueError, match="outside"):
            check_graph(b"\x3a" + bytes([len(inside)]) + inside)


def loop() -> bytes:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["again"]), helper.make_node("Relu", ["v"], ["v2"])],
        "body",
        [helper.make_tensor_value_info(*end) for end in (("i", INT64, []), ("go", BOOL, []), ("v", FLOAT, None))],
        [helper.make_tensor_value_info(*end) for end in (("again", BOOL, []), ("v2", FLOAT, None))],
    )
    go = numpy_helper.from_array(np.array(True), "go")
    return encoder([helper.make_node("Loop", ["times", "go", "x"], ["out"], body=body)], [whole("times", 2**60), go])


def laughs() -> bytes:
    """Thirty functions, each of which calls the next one twice."""
    functions = []
    for at in range(30):
        call = {"op_type": f"F{at + 1}", "domain": "other"} if at < 29 else {"op_type": "Relu"}
        nodes = [helper.make_node(inputs=[a], outputs=[b], **call) for a, b in (("a", "t"), ("t", "b"))]
        opsets = [helper.make_opsetid("", 15), helper.make_opsetid("other", 1)]
        functions.append(helper.make_function("other", f"F{at}", ["a"], ["b"], nodes, opsets))
    return encoder([helper.make_node("F0", ["x"], ["out"], domain="other")], functions=functions)


@pytest.mark.parametrize("data", [loop(), laughs()], ids=["loop", "functions"])
def test_what_would_not_end(tmp_path: Path, data: bytes) -> None:
    start = time.perf_counter()
    assert "loops, branches or functions" in refusal(write(tmp_path / "m", data))
    assert time.perf_counter() - start < 2


def test_operators_of_others(tmp_path: Path) -> None:
    node = helper.make_node("Evil", ["x"], ["out"], domain="other")
    assert "not of the ONNX standard" in refusal(write(tmp_path / "m", encoder([node])))
    node = helper.make_node("Evil", ["x"], ["out"])
    assert "No Op registered for Evil" in refusal(write(tmp_path / "m", encoder([node])))


def test_more_parts_than_any_encoder_has(tmp_path: Path) -> None:
    data = encoder() + b"\x3a\x02\x5a\x00" * 100_000
    assert "more than 100,000 parts" in refusal(write(tmp_path / "m", data))


def summed(nodes: Sequence[Any], weights: Sequence[Any]) -> bytes:
    """An encoder that adds to its latents the sum of `big`."""
    total = [helper.make_node("ReduceSum", ["big"], ["w"], keepdims=0), ADDED]
    return encoder([*nodes, *total], weights)


@pytest.mark.parametrize("numbers", [2 * 10**9, 90 * 10**9])
def test_8_or_360_gb(tmp_path: Path, numbers: int) -> None:
    """Told in advance by a constant, only while encoding, or by dimensions that the weights' bytes do not fill."""
    filled = helper.make_node("ConstantOfShape", ["size"], ["big"])
    shape = helper.make_node("Shape", ["x"], ["shape"])
    product = helper.make_node("Mul", ["shape", "n"], ["size"])
    promised = onnx.TensorProto(name="big", data_type=FLOAT, dims=[numbers], raw_data=bytes(16))
    root = whole("n", [round(numbers**0.5 / 10)])
    for data, reason in (
        (summed([filled], [whole("size", [numbers])]), "takes more than 4 GB of memory"),
        (summed([shape, product, filled], [root]), "takes more than 4 GB of memory"),
        (summed([], [promised]), f"declares a size of {4 * numbers} bytes"),
    ):
        before = resident()
        assert reason in refusal(write(tmp_path / "m", data))
        assert resident() - before < 5e8


def resident() -> float:
    resource = pytest.importorskip("resource", reason="peak memory as POSIX tells it")
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


@pytest.mark.parametrize("operation", ["Log", "Neg"])
def test_latents_that_are_not_finite(tmp_path: Path, operation: str) -> None:
    infinite = numpy_helper.from_array(np.full(32, np.inf, np.float32), "w")
    node = helper.make_node(operation, ["added"], ["out"])
    added = helper.make_node("Add", ["x", "w"], ["added"])
    assert "3 x 32 finite numbers" in refusal(write(tmp_path / "m", encoder([added, node], [infinite])))


def test_more_rows_than_images(tmp_path: Path) -> None:
    node = helper.make_node("Concat", ["x", "x"], ["out"], axis=0)
    assert "3 x 32 finite numbers" in refusal(write(tmp_path / "m", encoder([node])))


@pytest.mark.parametrize("share", [0, 1e-6, 0.5, 0.999999])
def test_a_truncated_encoder(tmp_path: Path, share: float) -> None:
    whole = (READY / "encoder.onnx").read_bytes()
    refusal(write(tmp_path / "m", whole[: int(share * len(whole))]))


def test_one_that_is_no_graph(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for data in (
        b"not a graph",
        b"\0\0\0\0ORTM" + bytes(100),
        b"\xff" * 100,
        encoder().replace(b"Slice", b"Sl\xff\xfee"),
    ):
        assert "cannot be run" in refusal(write(tmp_path / "m", data))
    assert capfd.readouterr() == ("", "")


SMALL = encoder([ADDED], [onnx.numpy_helper.from_array(np.ones(32, np.float32), "w")])


@settings(deadline=None, max_examples=300)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 3), st.binary(max_size=4)), min_size=1, max_size=4
    )
)
@example(edits=[(0, 0, b"")])
def test_any_bytes_in_the_encoder(edits: list[tuple[int, int, bytes]]) -> None:
    data = SMALL
    for at, removed, added in edits:
        data = data[:at] + added + data[at + removed :]
    with tempfile.TemporaryDirectory() as folder:
        encodes_or_is_refused(write(Path(folder), data))
