"""The house: what is public, what imports what, what an import costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from draw_imports import RANKS, arrows, imported, modules, rank, room

import autoenc

USES_BASELINES = {"encoders", "training"}


def test_imports_point_one_way() -> None:
    assert {f"{a} -> {b}" for a, b in arrows() if rank(b) > rank(a)} == set()


def test_no_chain_of_imports_leads_back_to_its_room() -> None:
    uses: dict[str, set[str]] = {}
    for a, b in arrows():
        uses.setdefault(a, set()).add(b)
    for start in uses:
        reached, left = set(), [start]
        while left:
            left += (found := uses.get(left.pop(), set()) - reached)
            reached |= found
        assert start not in reached


def test_every_module_has_its_place() -> None:
    parts = {room(name) for name in modules() if name.startswith("autoenc.")} - {"__init__"}
    assert parts == set.union(*RANKS)


def test_the_descriptors_are_used_by_encoders_and_objectives_alone() -> None:
    for name, path in modules().items():
        if name.startswith("autoenc.") and "baselines" in {other.split(".")[0] for other in imported(path)}:
            assert room(name) in USES_BASELINES, name


def test_baselines_stand_alone() -> None:
    for name, path in modules().items():
        if name.startswith("baselines"):
            assert all(other.startswith("baselines") for other in imported(path)), name


def test_only_the_store_knows_qdrant() -> None:
    for name, path in modules().items():
        if not name.startswith("autoenc.store"):
            assert "import qdrant" not in path.read_text(), name
            assert "from qdrant" not in path.read_text(), name


def test_nothing_that_is_loaded_can_run_code() -> None:
    """Keras models are written, never loaded; arrays are loaded without pickled objects.

    Weights go into networks that Keras' own code has built, once their file has been looked at.
    """
    weights = "autoenc.encoders.building"
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                options = {option.arg: ast.unparse(option.value) for option in node.keywords}
                assert called.rpartition(".")[2] != "load_model", name
                assert called.rpartition(".")[2] != "load_weights" or name == weights, name
                assert called not in ("eval", "exec"), name
                assert called != "np.load" or options.get("allow_pickle") == "False", name
            if isinstance(node, ast.Import | ast.ImportFrom):
                loaded = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                assert not loaded & {"pickle", "shelve", "marshal", "joblib"}, name


def test_the_public_names() -> None:
    """Whoever adds one adds it here, to the README and to the changelog."""
    assert set(autoenc.__all__) == {
        "__version__",
        "Answer",
        "And",
        "AutoencError",
        "Boost",
        "backup_store",
        "BackupReport",
        "add_behavior",
        "BehaviorReport",
        "Bundle",
        "CheckReport",
        "audit_store",
        "AuditReport",
        "check_store",
        "classify",
        "Classification",
        "Classified",
        "compare",
        "Comparison",
        "Contains",
        "Copy",
        "copy_store",
        "CopyReport",
        "create_encoder",
        "describe_model",
        "DescribedModel",
        "Difference",
        "draw_catalog",
        "Duplicates",
        "EmbedReport",
        "embed_images",
        "ExportReport",
        "export_model",
        "Encoder",
        "ENCODER_NAMES",
        "PRETRAINED_NAMES",
        "EncoderScores",
        "find_duplicates",
        "find_images",
        "finetune",
        "FinetuningResult",
        "Fusion",
        "index_images",
        "index_vectors",
        "IndexReport",
        "list_collections",
        "load_bundle",
        "load_image",
        "LoadedImage",
        "Metadata",
        "Near",
        "Neighbor",
        "mark_not_duplicates",
        "measure_scales",
        "Neighborhood",
        "neighbors",
        "NeighborsReport",
        "novelty",
        "Novelty",
        "open_store",
        "Progress",
        "drop_old_generations",
        "reindex_store",
        "ReindexReport",
        "RollbackReport",
        "roll_back",
        "remember_comparison",
        "restore_store",
        "Removal",
        "remove_images",
        "search",
        "stored_fields",
        "Not",
        "Or",
        "Query",
        "Range",
        "Scale",
        "Searcher",
        "SearchSettings",
        "SkippedFile",
        "Store",
        "StoredFields",
        "TableReport",
        "tag_images",
        "TagReport",
        "train",
        "TrainingResult",
        "Words",
        "write_duplicates",
        "write_neighbors",
        "write_report",
    }
    assert dir(autoenc) == sorted(autoenc.__all__)


@pytest.mark.parametrize("name", autoenc.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(autoenc, name)
    if name not in ("__version__", "ENCODER_NAMES", "PRETRAINED_NAMES", "Progress"):
        assert value.__doc__
        assert not isinstance(value, type(sys)), f"{name} is hidden by a module"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = autoenc.nothing


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_importing_autoenc_loads_nothing_heavy() -> None:
    loaded = run("import sys; before = set(sys.modules); import autoenc; print(*(set(sys.modules) - before))").split()
    assert {name.split(".")[0] for name in loaded} <= {"autoenc"} | set(sys.stdlib_module_names)


def test_importing_autoenc_is_fast() -> None:
    seconds = min(
        float(run("import time; t = time.perf_counter(); import autoenc; print(time.perf_counter() - t)"))
        for _ in range(3)
    )
    assert seconds < 0.1


def test_the_parser_loads_nothing_heavy() -> None:
    loaded = run("import sys; from autoenc.cli import build_parser; build_parser(); print(*sys.modules)").split()
    assert not {"numpy", "cv2", "PIL", "onnxruntime", "qdrant_edge", "matplotlib", "tensorflow"} & set(loaded)


def test_a_query_by_a_plain_jpeg_loads_only_what_it_needs(tmp_path: Path, drawn: Path, bundle_dir: Path) -> None:
    autoenc.index_images(drawn, tmp_path / "store", model=bundle_dir, progress=False)
    query = ["query", str(drawn / "shoe" / "001.jpg"), "--store", str(tmp_path / "store")]
    loaded = run(f"import sys; from autoenc.cli import main; main({query}); print(*sys.modules)").split()
    assert "onnxruntime" in loaded
    assert not {"PIL.Image", "concurrent.futures", "tensorflow", "matplotlib"} & set(loaded)


def test_a_reconstruction_loads_nothing_that_training_needs(drawn: Path, bundle_dir: Path) -> None:
    picture = str(drawn / "shoe" / "001.jpg")
    code = f"import autoenc, sys; print(autoenc.load_bundle({str(bundle_dir)!r}).reconstruct({picture!r}).shape)"
    shape, loaded = run(f"{code}; print(*sys.modules)").splitlines()
    assert shape == "(1, 32, 32, 3)"
    assert "onnxruntime" in loaded.split()
    assert not {"tensorflow", "keras", "scipy", "onnx", "tf2onnx"} & set(loaded.split())


@pytest.mark.parametrize("code", ["from autoenc import *", "help(autoenc)", "assert hasattr(autoenc, 'train')"])
def test_looking_at_the_package_loads_nothing_that_training_needs(code: str) -> None:
    *_, loaded = run(f"import autoenc, sys; {code}; print(); print(*sys.modules)").splitlines()
    assert "autoenc.training.run" in loaded.split()
    assert not {"tensorflow", "keras", "scipy", "onnx", "tf2onnx"} & set(loaded.split())


def test_without_tensorflow_everything_but_training_works() -> None:
    """A meta path finder hides TensorFlow and what comes with it, as if they were not installed."""
    hidden = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "keras", "onnx", "tf2onnx", "scipy"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
from autoenc import *
import autoenc
try:
    train([b"one picture", b"another"], "model")
except autoenc.AutoencError as error:
    print(error)
"""
    assert "pip install 'autoenc[train]'" in run(hidden)
