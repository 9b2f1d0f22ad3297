"""An ONNX graph computes the same in TensorFlow, operator by operator."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx: pip install 'autoenc[train]'")
pytest.importorskip("tensorflow", reason="LiteRT and SavedModel need TensorFlow: pip install 'autoenc[train]'")


def graph(*nodes: object, **constants: np.ndarray) -> bytes:
    """A graph from `images`, (N, 4, 4, 3) uint8, to `latents`."""
    images = onnx.helper.make_tensor_value_info("images", onnx.TensorProto.UINT8, ["N", 4, 4, 3])
    latents = onnx.helper.make_tensor_value_info("latents", onnx.TensorProto.FLOAT, ["N", None])
    weights = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    made = onnx.helper.make_graph(list(nodes), "made", [images], [latents], weights)
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("value", [None, 7.0])
def test_pad(channels_first: bool, value: float | None) -> None:
    """Two rows above, one column at the right: of a feature map that TensorFlow holds with its channels last, too."""
    import onnxruntime

    from autoenc.export.tensorflow_graph import tensorflow_function

    node = onnx.helper.make_node
    counts = [0, 0, 2, 0, 0, 0, 0, 1] if channels_first else [0, 2, 0, 0, 0, 0, 1, 0]
    constants = {"counts": np.array(counts, np.int64)} | ({} if value is None else {"value": np.float32(value)})
    data = graph(
        node("Cast", ["images"], ["numbers"], to=onnx.TensorProto.FLOAT),
        node("Transpose", ["numbers"], ["turned"], perm=[0, 3, 1, 2] if channels_first else [0, 1, 2, 3]),
        node("Pad", ["turned", *constants], ["padded"]),
        node("Flatten", ["padded"], ["latents"]),
        **{name: np.asarray(each) for name, each in constants.items()},
    )
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    (expected,) = onnxruntime.InferenceSession(data).run(None, {"images": images})
    assert expected.shape == (2, 6 * 5 * 3)
    np.testing.assert_array_equal(tensorflow_function(data)(images), expected)


def test_a_padding_that_tensorflow_has_not() -> None:
    from autoenc.errors import ExportError
    from autoenc.export.tensorflow_graph import tensorflow_function

    node = onnx.helper.make_node
    data = graph(
        node("Cast", ["images"], ["numbers"], to=onnx.TensorProto.FLOAT),
        node("Pad", ["numbers", "counts"], ["padded"], mode="edge"),
        node("Flatten", ["padded"], ["latents"]),
        counts=np.array([0, 1, 0, 0, 0, 1, 0, 0], np.int64),
    )
    with pytest.raises(ExportError, match="only its ONNX form runs"):
        tensorflow_function(data)(np.zeros((1, 4, 4, 3), np.uint8))
