"""Exported models as encoders: a sidecar says what they take, and what it says is what is done."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import means_model

from autoenc import compare, create_encoder, describe_model, index_images, load_bundle, load_image, open_store, search
from autoenc.encoders import create_encoders
from autoenc.encoders.exported import input_of
from autoenc.encoders.runtimes import OnnxRuntime, Tensor
from autoenc.encoders.sidecar import parsed, read_sidecar
from autoenc.encoders.weight_files import content_digest
from autoenc.errors import ArgumentError, EncoderError, ImageError, OutputError, StoreMismatchError
from autoenc.vectors import Images

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def pictures(count: int = 5, size: int = 8) -> Images:
    return np.random.default_rng(3).integers(0, 256, (count, size, size, 3), np.uint8)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("batch", [None, 1, 2])
@pytest.mark.parametrize("as_map", [False, True])
def test_a_vector_is_what_the_sidecar_makes_of_the_pixels(
    tmp_path: Path, layout: str, batch: int | None, as_map: bool
) -> None:
    file = means_model(tmp_path / "m.onnx", layout=layout, batch=batch, as_map=as_map)
    made = describe_model(file, mean=MEAN, std=STD)
    assert made.known == {
        "layout": "read", "size": "read", "range": "assumed", "output": "read", "channels": "assumed"
    }  # fmt: skip
    images = pictures()
    means = images.reshape(5, -1, 3).mean(axis=1) / 255
    found = create_encoder(made.encoder).encode(images)
    np.testing.assert_allclose(found, (means - MEAN) / STD, rtol=1e-4, atol=1e-4)


def test_range_and_the_order_of_the_channels(tmp_path: Path) -> None:
    made = describe_model(means_model(tmp_path / "m.onnx"), range=(-1, 1), channels="BGR")
    color = np.full((1, 8, 8, 3), (255, 0, 51), np.uint8)
    np.testing.assert_allclose(create_encoder(made.encoder).encode(color), [[-0.6, -1.0, 1.0]], atol=1e-6)
    whole = describe_model(tmp_path / "m.onnx", mean=(255, 0, 1), std=(1, 2, 50))  # more than 1: pixels of 0 to 255
    np.testing.assert_allclose(create_encoder(whole.encoder).encode(color), [[0, 0, 1]], atol=1e-5)


def test_whole_numbers_are_taken_as_they_are(tmp_path: Path) -> None:
    made = describe_model(means_model(tmp_path / "m.onnx", dtype="uint8"))
    assert made.sidecar.range == (0, 255)
    images = pictures(3)
    np.testing.assert_allclose(
        create_encoder(made.encoder).encode(images), images.reshape(3, -1, 3).mean(axis=1), rtol=1e-5
    )


def test_a_quantized_input_gets_the_whole_number_that_stands_for_the_value(tmp_path: Path) -> None:
    sidecar = parsed(_valid(range=[-1, 1], dtype="int8", layout="NHWC"))
    taken = Tensor("images", "int8", (None, 8, 8, 3), scale=1 / 64, zero=-3)
    color = np.full((1, 8, 8, 3), (0, 255, 51), np.uint8)  # -1, 1 and -0.6
    assert input_of(sidecar, taken, color)[0, 0, 0].tolist() == [-64 - 3, 64 - 3, round(-0.6 * 64) - 3]
    wide = Tensor("images", "int8", (None, 8, 8, 3), scale=1 / 200, zero=0)
    assert input_of(sidecar, wide, color)[0, 0, 0].tolist() == [-128, 127, -120]  # as far as there are numbers


def test_half_precision(tmp_path: Path) -> None:
    made = describe_model(means_model(tmp_path / "m.onnx", dtype="float16"), range=(0, 1))
    images = pictures(2)
    means = images.reshape(2, -1, 3).mean(axis=1) / 255
    np.testing.assert_allclose(create_encoder(made.encoder).encode(images), means, atol=2e-3)


def test_what_has_to_be_said_is_asked_for(tmp_path: Path) -> None:
    open_size = means_model(tmp_path / "open.onnx", size=None)
    with pytest.raises(ArgumentError, match=r"pictures of any size; say with size="):
        describe_model(open_size, range=(0, 1))
    assert describe_model(open_size, range=(0, 1), size=16).sidecar.size == 16
    fixed = means_model(tmp_path / "fixed.onnx")
    with pytest.raises(ArgumentError, match=r"takes float32, and nothing in it says of which range"):
        describe_model(fixed)
    with pytest.raises(ArgumentError, match="size= cannot be 16"):
        describe_model(fixed, range=(0, 1), size=16)
    with pytest.raises(ArgumentError, match="mean= and std= go together"):
        describe_model(fixed, mean=MEAN)
    several = means_model(tmp_path / "several.onnx", outputs=("one", "two"))
    with pytest.raises(ArgumentError, match=r"several outputs; name one with output=: one float32 \(\?, 3\) and two"):
        describe_model(several, range=(0, 1))
    assert describe_model(several, range=(0, 1), output="two").sidecar.output == "two"
    with pytest.raises(ArgumentError, match="has no output 'three'"):
        describe_model(several, range=(0, 1), output="three")
    with pytest.raises(ArgumentError, match="'edges' is an encoder of autoenc's own"):
        describe_model(fixed, range=(0, 1), name="edges")
    with pytest.raises(ArgumentError, match=r"range goes from a number to a higher one; got 1, 0"):
        describe_model(fixed, range=(1, 0))
    with pytest.raises(ArgumentError, match=r"range= is 2 numbers; got 5"):
        describe_model(fixed, range=5)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"mean= is 3 numbers; got 0\.5"):
        describe_model(fixed, mean=0.5, std=STD)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"std= is 3 numbers; got \(1, 'x', 1\)"):
        describe_model(fixed, mean=MEAN, std=(1, "x", 1))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"its name holds up to 80 letters"):
        describe_model(fixed, range=(0, 1), name="a,b")


def test_what_is_no_model_of_pictures(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="three channels"):
        describe_model(means_model(tmp_path / "four.onnx", channels=4, layout="NCHW"), range=(0, 1))
    (tmp_path / "no.onnx").write_bytes(b"no model")
    with pytest.raises(EncoderError, match=r"Expected an ONNX model that can be run; .*no\.onnx cannot"):
        describe_model(tmp_path / "no.onnx")
    with pytest.raises(EncoderError, match=r"none\.onnx cannot be read: No such file"):
        describe_model(tmp_path / "none.onnx")
    strange = means_model(tmp_path / "strange.onnx", domain="org.example")
    with pytest.raises(EncoderError, match="operators that are not of the ONNX standard"):
        describe_model(strange, range=(0, 1))
    with pytest.raises(ImageError, match=r"no\.jpg"):
        describe_model(means_model(tmp_path / "m.onnx"), range=(0, 1), pictures=[tmp_path / "no.jpg"])
    assert not (tmp_path / "m.onnx.json").exists()


def test_a_model_in_a_folder_that_cannot_be_written_to_is_to_be_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\x08\x07")
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(OutputError, match=r"may not be written to\. Copy 'net\.onnx' to a folder of yours"):
        describe_model(tmp_path / "net.onnx")


def test_what_looks_wrong_is_said(tmp_path: Path) -> None:
    file = means_model(tmp_path / "m.onnx")
    assert describe_model(file, range=(0, 1)).notes == []
    (note,) = describe_model(file, range=(0, 1), pictures=[np.zeros((8, 8, 3), np.uint8)]).notes
    assert "a vector of zeros" in note
    (note,) = describe_model(file, range=(0, 1), pictures=[np.full((8, 8, 3), n, np.uint8) for n in (9, 99)]).notes
    assert "Different pictures get the same vector" in note


def _valid(**changes: Any) -> dict[str, Any]:
    return {
        "name": "m", "dim": 3, "size": 8, "channels": "RGB", "layout": "NCHW", "dtype": "float32", "range": [0, 1],
        "mean": [0, 0, 0], "std": [1, 1, 1], "input": "images", "output": "features", "output_dtype": "float32",
        "checksum": "0" * 32, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": 0}, "size is a whole number from 1 to 4,096; got 0"),
        ({"dim": 2.5}, "dim is a whole number"),
        ({"channels": "GBR"}, "channels is RGB or BGR; got 'GBR'"),
        ({"range": [1, 1]}, "range goes from a number to a higher one"),
        ({"mean": [0, 0]}, r"mean holds 3 numbers; got \[0, 0\]"),
        ({"std": [1, 0, 1]}, "std holds numbers above 0"),
        ({"mean": [0, 0, float("nan")]}, "mean holds 3 numbers"),
        ({"mean": [10**400, 0, 0]}, "mean holds 3 numbers"),  # more than a float can hold
        ({"range": [-1e308, 1e308]}, "range holds 2 numbers"),  # whose difference is infinite
        ({"name": "a+pca2"}, "its name holds up to 80 letters"),
        ({"output": 7}, "output is text; got 7"),
        ({"checksum": None}, "checksum is text"),
    ],
)
def test_a_sidecar_that_is_none(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    (tmp_path / "m.onnx.json").write_text(json.dumps(_valid(**changes)))
    with pytest.raises(EncoderError, match=rf"m\.onnx\.json cannot be used: .*{said}"):
        read_sidecar(tmp_path / "m.onnx")


def test_a_model_without_a_sidecar_or_with_that_of_another(tmp_path: Path) -> None:
    file = means_model(tmp_path / "m.onnx")
    with pytest.raises(EncoderError, match=r"Make it with `autoenc describe-model .*m\.onnx`"):
        create_encoder(f"onnx:{file}")
    made = describe_model(file, range=(0, 1))
    (tmp_path / "m.onnx.json").write_text("[]")
    with pytest.raises(EncoderError, match="expected a JSON object"):
        create_encoder(made.encoder)
    with pytest.raises(OutputError, match="autoenc did not write"):
        describe_model(file, range=(0, 1))
    describe_model(file, range=(0, 1), overwrite=True)
    encoder = create_encoder(made.encoder)
    means_model(file, layout="NHWC")
    with pytest.raises(EncoderError, match="has changed since its encoder was made"):
        encoder.encode(pictures(1))
    with pytest.raises(EncoderError, match="describes another model"):
        create_encoder(made.encoder)
    with pytest.raises(EncoderError, match=r"gone\.onnx is no file"):
        create_encoder("onnx:gone.onnx")
    text = (tmp_path / "m.onnx.json").read_text()
    fresh = json.loads(text) | {"checksum": describe_model(file, range=(0, 1)).sidecar.checksum, "layout": "NCHW"}
    (tmp_path / "m.onnx.json").write_text(json.dumps(fresh))
    with pytest.raises(EncoderError, match=r"does not fit .*it says images float32 \(3, 8, 8\), and the model takes"):
        create_encoder(made.encoder).encode(pictures(1))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = describe_model(means_model(tmp_path / "m.onnx"), range=(0, 1))
    made.file.unlink()
    os.mkfifo(made.file)
    os.mkfifo(tmp_path / "pipe.onnx")
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(EncoderError, match=r"pipe\.onnx is none that is stored"):
        describe_model(tmp_path / "pipe.onnx", range=(0, 1))
    with pytest.raises(EncoderError, match=r"m\.onnx\.json cannot be read: it is not a regular file"):
        create_encoder(made.encoder)


def test_a_model_that_takes_nothing(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="making a model needs onnx: pip install 'autoenc[train]'")
    from onnx import TensorProto, helper

    returned = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [3])]
    node = helper.make_node("Constant", [], ["features"], value_floats=[1.0, 2.0, 3.0])
    graph = helper.make_graph([node], "constant", [], returned)
    file = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), file)
    (tmp_path / "m.onnx.json").write_text(json.dumps(_valid(checksum=content_digest(file))))
    with pytest.raises(EncoderError, match=r"does not fit .*m\.onnx: the model takes nothing\."):
        create_encoder(f"onnx:{file}").encode(pictures(1))


def test_the_fingerprint_is_of_the_content_and_of_what_is_done_to_pixels(tmp_path: Path) -> None:
    first = create_encoder(describe_model(means_model(tmp_path / "a.onnx"), range=(0, 1), name="one").encoder)
    shutil.copy(tmp_path / "a.onnx", tmp_path / "b.onnx")
    same = create_encoder(describe_model(tmp_path / "b.onnx", range=(0, 1), name="two").encoder)
    assert first.fingerprint == same.fingerprint
    other = create_encoder(describe_model(tmp_path / "b.onnx", range=(-1, 1)).encoder)
    assert other.fingerprint != first.fingerprint


def test_an_exported_model_takes_part_in_everything(tmp_path: Path, picture_folder: Path, bundle_dir: Path) -> None:
    file = tmp_path / "latents.onnx"
    shutil.copy(bundle_dir / "encoder.onnx", file)
    made = describe_model(file)
    assert made.sidecar.size == 32
    picture = picture_folder / "green" / "1.png"
    pixels = load_image(picture).pixels[None]
    np.testing.assert_allclose(
        create_encoder(made.encoder).encode(pixels), load_bundle(bundle_dir).encode(picture), rtol=1e-5
    )
    comparison = compare(picture_folder, encoders=[made.encoder, f"{made.encoder}+pca4", "color"])
    assert list(comparison.encoders) == ["latents", "latents+pca4", "color"]
    index_images(picture_folder, tmp_path / "s", encoders=[made.encoder, "color"], progress=False)
    with open_store(tmp_path / "s") as store:
        assert store.info.vectors["latents"].origin == made.encoder
        assert search(store, picture, using="latents", k=1)[0].path == picture
    assert index_images(picture_folder, tmp_path / "s", progress=False).unchanged == 12
    moved = tmp_path / "moved.onnx"
    file.rename(moved)
    (tmp_path / "latents.onnx.json").rename(tmp_path / "moved.onnx.json")
    with open_store(tmp_path / "s") as store:
        with pytest.raises(EncoderError, match=r"latents\.onnx is no file"):
            search(store, picture, using="latents")
        for place in (f"onnx:{moved}", str(moved)):
            assert search(store, picture, using="latents", weights={"latents": place}, k=1)[0].path == picture
        describe_model(moved, name="latents", range=(0, 510))
        with pytest.raises(StoreMismatchError):
            search(store, picture, using="latents", weights={"latents": f"onnx:{moved}"})
        describe_model(moved, name="else")
        with pytest.raises(EncoderError, match="calls it 'else'"):
            search(store, picture, using="latents", weights={"latents": f"onnx:{moved}"})


def test_a_name_that_is_an_encoders_own_is_refused(tmp_path: Path) -> None:
    made = describe_model(means_model(tmp_path / "m.onnx"), range=(0, 1))
    text = json.loads(made.file.read_text()) | {"name": "color"}
    made.file.write_text(json.dumps(text))
    with pytest.raises(EncoderError, match="calls it 'color', as one of autoenc's own encoders"):
        create_encoders([made.encoder, "color"])


def test_threads_share_an_encoder(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    encoder = create_encoder(describe_model(means_model(tmp_path / "m.onnx"), range=(0, 1)).encoder)
    images = pictures(40)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(encoder.encode, [images[at : at + 10] for at in range(0, 40, 10)]))
    np.testing.assert_allclose(np.concatenate(parts), encoder.encode(images), rtol=1e-6)


def test_the_operators_of_onnx_runtime_are_allowed_and_other_ones_are_not(tmp_path: Path) -> None:
    OnnxRuntime(means_model(tmp_path / "own.onnx", domain="com.microsoft").read_bytes())
    with pytest.raises(ValueError, match="not of the ONNX standard"):
        OnnxRuntime(means_model(tmp_path / "other.onnx", domain="ai.other").read_bytes())


@pytest.fixture(scope="module")
def litert(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real LiteRT models."""
    pytest.importorskip("tensorflow", reason="LiteRT models need TensorFlow or ai-edge-litert")
    folder = tmp_path_factory.mktemp("litert")
    for name in ("mobilenet_v1_1.0_224_quant_embedding_extractor.tflite", "mobilenet_v2_1.0_224_quant.tflite"):
        shutil.copyfile(data_dir / "models" / name, folder / name)
    return folder


def test_a_quantized_litert_model_sees_what_the_network_that_it_was_made_of_sees(
    litert: Path, data_dir: Path, photos: list[Path]
) -> None:
    made = describe_model(litert / "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite", name="v1")
    assert (made.sidecar.dim, made.sidecar.size, made.sidecar.range, made.notes) == (1024, 224, (-1, 0.9921875), [])
    weights = {"mobilenet": str(data_dir / "models" / "mobilenet_1_0_224_notop.weights.h5")}
    images = np.stack([load_image(path, 224).pixels for path in photos[::60]])
    a, b = (each.encode(images) for each in create_encoders([made.encoder, "mobilenet"], weights=weights).values())
    cosines = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert cosines.min() > 0.98
    assert cosines.mean() > 0.995
    assert 0.5 < np.linalg.norm(a) / np.linalg.norm(b) < 2  # on the scale that the numbers stand for


def test_a_litert_classifier_is_told_from_features(litert: Path) -> None:
    made = describe_model(litert / "mobilenet_v2_1.0_224_quant.tflite")
    assert made.sidecar.name == "mobilenet_v2_1.0_224_quant-litert"
    (note,) = made.notes
    assert "the probabilities of 1,001 classes" in note
