"""The models that come with the package."""

from __future__ import annotations

import inspect
import json
import logging
from pathlib import Path

import numpy as np
import pytest

from autoenc import compare, draw_catalog, index_images, load_bundle, open_store, search
from autoenc.cli import main
from autoenc.errors import BundleNotFoundError, OutputError
from autoenc.models.ready import READY_MODELS, ready_folder


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalog")
    draw_catalog(folder / "photos", per_class=4)
    return folder / "photos"


@pytest.mark.parametrize("name", READY_MODELS)
def test_is_small_whole_and_described(name: str) -> None:
    folder = ready_folder(name)
    assert folder is not None
    networks = {"encoder.onnx"} if name == "clothing-32" else {"encoder.onnx", "decoder.onnx"}
    assert {file.name for file in folder.iterdir()} == {*networks, "bundle.json", "README.md"}
    assert sum(file.stat().st_size for file in folder.iterdir()) < 3e6
    assert set(json.loads((folder / "bundle.json").read_text())["checksums"]) == networks
    card = (folder / "README.md").read_text()
    for part in ("## Data", "## Objective", "## Scores", "## Limits", "CC0"):
        assert part in card


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("clothing-32", "aa25623a19b82da41e16800c0c5187bbe73ab81ce7b870cb1600bab649616984"),
        ("clothing-32-2", "830f182d47e1e4eba90e9ce1cf2005eb00d39d52f9615e249d00f00bc0caf44d"),
    ],
)
def test_keeps_the_identity_that_stores_know_it_by(name: str, fingerprint: str) -> None:
    assert load_bundle(name).fingerprint == fingerprint


@pytest.mark.parametrize("name", READY_MODELS)
def test_was_trained_with_the_defaults(name: str) -> None:
    pytest.importorskip("keras", reason="objectives need TensorFlow: pip install 'autoenc[train]'")
    from autoenc import train
    from autoenc.training.objectives import DEFAULT_OBJECTIVE, create_objectives
    from autoenc.training.settings import EPOCHS
    from autoenc.training.step import OPTIMIZER

    text = json.dumps(load_bundle(name).info)
    assert ("neighbours" in text) == (name == "clothing-32")  # as it was spelled then: bundles of that time still load
    info = json.loads(text.replace("neighbours", "neighbors"))
    assert info["objective"] == DEFAULT_OBJECTIVE
    assert info["training"]["objectives"] == [term.to_dict() for term in create_objectives(DEFAULT_OBJECTIVE)]
    assert info["architecture"] == {"input_size": 32, "latent_dim": 32, "seed": 0}
    assert info["training"]["optimizer"] == OPTIMIZER
    defaults = {name: parameter.default for name, parameter in inspect.signature(train).parameters.items()}
    for name in ("batch_size", "latent_dim", "learning_rate", "validation", "patience", "seed"):
        assert info["training"][name] == defaults[name]
    assert info["training"]["epochs"] <= EPOCHS


def test_encodes_and_opens_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "autoenc"):
        bundle = load_bundle("clothing-32")
    assert not caplog.records  # advice is given at indexing, once
    assert bundle.location == "clothing-32"
    latents = bundle.encode(np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8))
    assert latents.shape == (3, 32)
    assert latents.dtype == np.float32
    assert np.isfinite(latents).all()


@pytest.mark.parametrize("name", [name for name in READY_MODELS if name != "clothing-32"])
def test_its_decoder_shows_what_is_left_of_an_image(name: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    bundle = load_bundle(name)
    assert bundle.decodes
    assert bundle.reconstruct(images).shape == images.shape
    assert bundle.weights is not None


def test_only_the_bare_name_means_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in ("./clothing-32", Path("clothing-32"), "Clothing-32"):
        with pytest.raises(BundleNotFoundError, match="comes with the package: clothing-32"):
            load_bundle(path)


def test_is_never_trained_over() -> None:
    pytest.importorskip("keras", reason="training needs TensorFlow: pip install 'autoenc[train]'")
    from autoenc import train

    with pytest.raises(OutputError, match=r"Choose another model=, or '\./clothing-32'"):
        train(np.zeros((4, 32, 32, 3), np.uint8), "clothing-32", epochs=1)


def test_a_store_remembers_it_by_name(catalog: Path, tmp_path: Path) -> None:
    index_images(catalog, tmp_path / "store", model="clothing-32", encoders=["learned"])
    with open_store(tmp_path / "store") as store:
        assert store.info.vectors["learned"].origin == "clothing-32"
        picture = next(catalog.rglob("*.jpg"))
        assert search(store, picture, k=1)[0].path == picture


def test_a_comparison_says_that_it_took_part(catalog: Path) -> None:
    comparison = compare(catalog, model="clothing-32", encoders=["learned", "edges"], fusion=False)
    assert comparison.model == "clothing-32"
    assert comparison.notes == []  # the advice is given at indexing


def test_the_advice_is_given_once_at_indexing(catalog: Path, tmp_path: Path) -> None:
    report = index_images(catalog, tmp_path / "store", model="clothing-32", encoders=["learned", "color"])
    assert [note.split(" and ")[0] for note in report.notes] == ["clothing-32 came with autoenc"]


def test_on_the_command_line(catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(tmp_path / "store")
    assert main(["index", str(catalog), "--store", store, "--model", "clothing-32", "--encoders", "learned"]) == 0
    assert main(["query", str(next(catalog.rglob("*.jpg"))), "--store", store]) == 0
    assert main(["train", str(catalog), "--model", "clothing-32"]) == 1
    assert "is the name of a model that comes with autoenc" in capsys.readouterr().err


def test_on_photos_it_has_not_seen_it_beats_every_handcrafted_encoder(photos_dir: Path) -> None:
    """Trained on `train`; here the photos of `test` are searched for one another."""
    rivals = ["color", "texture", "edges", "handcrafted", "edges+pca32"]
    comparison = compare(photos_dir / "test", model="clothing-32", encoders=["learned", *rivals])
    for metric in ("p@5", "map"):
        (best, *_) = sorted(comparison.encoders.values(), key=lambda scores: -scores.figures[metric].mean)
        assert best.name == "learned"
