"""How vectors are searched: what is allowed, what holds in a store that grows, what engines are told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qdrant_stand_in import Qdrant

from autoenc.errors import ArgumentError, StoreMismatchError, VectorError
from autoenc.store import SearchSettings, Store, VectorSpec, open_store, point_id
from autoenc.store.blending import Match, Similarity
from autoenc.store.copying import copy_store
from autoenc.store.edge_ann import search_params
from autoenc.store.settings import QUANTIZATIONS, read_settings

IDS = [point_id("s", str(number)) for number in range(3)]
SHORT = SearchSettings(ef=32, quantization="int8", oversampling=2.0)


def fill(store: Store) -> Store:
    store.add_vectors({"paint": VectorSpec(2, "p", 1), "shape": VectorSpec(3, "s", 1)})
    rows = {"paint": np.array([[1, 0], [3, 4], [0, 2]], np.float32), "shape": np.eye(3, dtype=np.float32)}
    store.upsert(IDS, rows, [{}] * 3)
    return store


def test_a_graph_search_keeps_more_candidates_in_a_larger_store():
    assert SearchSettings().ef_at(100_000) == 128
    assert SearchSettings().ef_at(800_000) == 256
    assert SearchSettings(ef=40).ef_at(800_000) == 40
    grown = SearchSettings(ef=40, points=100_000)
    assert [grown.ef_at(points) for points in (10_000, 100_000, 100_001, 800_000)] == [40, 40, 41, 80]
    assert [grown.ef_at(points, narrowed=True) for points in (100_000, 800_000)] == [128, 256]
    assert SearchSettings(ef=300).ef_at(100_000, narrowed=True) == 300


@pytest.mark.parametrize(
    "values",
    [
        {"ef": 0},
        {"ef": 1.5},
        {"ef": True},
        {"ef": 100_001},
        {"exact": 1},
        {"quantization": "int4"},
        {"oversampling": 0.5},
        {"oversampling": float("nan")},
        {"oversampling": "2"},
        {"points": -1},
        {"fingerprint": None},
        {"exact": True, "ef": 64},
        {"exact": True, "quantization": "int8"},
    ],
)
def test_settings_that_are_refused(values):
    with pytest.raises(ArgumentError):
        SearchSettings(**values)


def test_settings_in_words():
    assert SearchSettings().told() == "HNSW"
    assert SearchSettings(exact=True).told() == "exact"
    assert SearchSettings(ef=64).told() == "HNSW ef=64"
    assert SearchSettings(quantization="binary", oversampling=2.5).told() == "HNSW, binary x2.5"


def test_settings_of_another_encoder_are_forgotten():
    entry = {"exact": False, "ef": 5, "quantization": None, "oversampling": 1, "points": 0, "fingerprint": "p"}
    assert read_settings({"paint": entry}, {"paint": "p"}) == {"paint": SearchSettings(ef=5, fingerprint="p")}
    assert read_settings({"paint": entry}, {"paint": "q"}) == read_settings({"paint": entry}, {}) == {}


# ---- every store ----------------------------------------------------------------------------------


def test_a_store_remembers_settings_and_finds_the_same(reopen):
    store = fill(reopen())
    before = store.search_batch(np.eye(2), using="paint")
    store.set_settings({"paint": SHORT})
    assert store.info.settings == {"paint": replace(SHORT, fingerprint="p")}
    store.optimize()
    assert store.search_batch(np.eye(2), using="paint") == before
    store = reopen()
    assert store.info.settings["paint"].quantization == "int8"
    assert store.search_batch(np.eye(2), using="paint") == before
    assert store.search_batch(np.eye(2), using="paint", settings=SearchSettings(exact=True)) == before
    assert [hit.id for hit in store.search([0, 1, 0], using="shape", k=1)] == [IDS[1]]
    store.set_settings({"paint": SearchSettings()})
    assert store.info.settings == {}


def test_new_encoders_fields_and_points_after_settings(reopen):
    store = fill(reopen())
    store.set_settings({"paint": SHORT})
    store.add_vector("tone", VectorSpec(2, "t", 1))
    store.add_field("year", "integer")
    store.update_vectors(IDS[:1], {"tone": np.ones((1, 2), np.float32)})
    store.upsert([point_id("s", "new")], {"paint": np.array([[-1, 0]], np.float32)}, [{"year": 2026}])
    store = reopen()
    assert len(store) == 4
    assert store.search([-1, 0], using="paint", k=1, where="year > 2000")[0].id == point_id("s", "new")
    assert [hit.id for hit in store.search([1, 1], using="tone")] == IDS[:1]
    store.set_settings({"tone": SearchSettings(quantization="binary")})
    assert set(store.info.settings) == {"paint", "tone"}
    store.drop_vector("tone")
    assert set(store.info.settings) == {"paint"}
    assert store.search([-1, 0], using="paint", k=1)[0].payload == {"year": 2026}


def test_settings_of_an_encoder_that_is_not_there(reopen):
    with pytest.raises(VectorError, match="holds no vector 'tone'"):
        fill(reopen()).set_settings({"tone": SHORT})


# ---- the engines ------------------------------------------------------------------------------------


def engine_config(root: Path) -> dict[str, dict[str, object]]:
    return json.loads((root / "images" / "shard" / "edge_config.json").read_text())["vectors"]


def test_each_kind_of_short_copies_in_a_folder(tmp_path):
    root = tmp_path / "store"
    names = {"int8": "scalar", "turbo4": "turbo", "product16": "product", "binary": "binary"}
    with open_store(root, create=True) as store:
        fill(store)
        for kind in QUANTIZATIONS:
            store.set_settings({"paint": SearchSettings(quantization=kind)})
            config = engine_config(root)
            assert list(config["paint"]["quantization_config"]) == [names[kind]]
            assert "quantization_config" not in config["shape"]
        store.set_settings({"shape": SHORT})
        assert set(engine_config(root)["paint"]["quantization_config"]) == {"binary"}  # as before
        store.set_settings({"paint": SearchSettings(ef=9)})
        assert "quantization_config" not in engine_config(root)["paint"]
    with open_store(root) as store:
        assert store.verify()


def test_a_folder_between_the_change_of_the_engine_and_the_record(tmp_path):
    """As after a kill: searches do not use short copies that the record knows nothing of."""
    root = tmp_path / "store"
    with open_store(root, create=True) as store:
        fill(store)
        store._engine.quantize({"paint": "binary"})
        store.optimize()
    with open_store(root) as store:
        assert store.info.settings == {}
        assert [hit.score for hit in store.search([1, 0], using="paint")] == pytest.approx([1, 0.6, 0], abs=1e-6)
        store.set_settings({"paint": SHORT})
        assert set(engine_config(root)["paint"]["quantization_config"]) == {"scalar"}


def test_a_folder_whose_engine_does_not_open_again_is_released(tmp_path, monkeypatch):
    root = tmp_path / "store"
    with open_store(root, create=True) as store, monkeypatch.context() as patch:
        fill(store)
        patch.setattr("autoenc.store.edge.quantized_config", lambda *_: "no configuration")
        with pytest.raises(Exception, match="EdgeConfig"):
            store.set_settings({"paint": SHORT})
    with open_store(root, wait=0) as store:
        assert (len(store), store.info.settings) == (3, {})


def test_a_copy_is_searched_as_its_original(tmp_path):
    with open_store(tmp_path / "one", create=True) as one:
        fill(one).set_settings({"paint": SHORT})
        copy_store(one, tmp_path / "other")
        with open_store(tmp_path / "other") as other:
            assert other.info.settings == one.info.settings
    assert set(engine_config(tmp_path / "other")["paint"]["quantization_config"]) == {"scalar"}


@pytest.mark.parametrize("vectors", [{"paint": VectorSpec(4, "q", 1)}, {}], ids=["replaced", "left out"])
def test_a_generation_does_not_take_over_the_settings_of_an_encoder_that_it_lacks(qdrant, vectors):
    with open_store(qdrant.url, create=True) as store:
        fill(store).set_settings({"paint": SHORT, "shape": SearchSettings(ef=9, quantization="binary")})
        with store.beside(2, create=True) as other:
            other.adopt(store, {"shape": store.info.vectors["shape"], **vectors})
            assert other.info.settings == {"shape": store.info.settings["shape"]}
            assert list(other._engine.read_record()["settings"]) == ["shape"]
        made = [json.loads(request.body) for request in qdrant.seen if request.line == "PATCH /collections/images%402"]
        assert [list(told["vectors"]) for told in made if "vectors" in told] == [["shape"]]


def test_a_damaged_record_of_settings(tmp_path):
    root = tmp_path / "store"
    with open_store(root, create=True) as store:
        fill(store).set_settings({"paint": SHORT})
    (root / "images" / "autoenc.manifest.json").unlink()
    path = root / "images" / "autoenc.json"
    record = json.loads(path.read_text())
    for damage in ({"ef": 0}, {"depth": 3}):
        record["settings"]["paint"] |= damage
        path.write_text(json.dumps(record))
        with pytest.raises(StoreMismatchError, match=r"damaged record of .*settings"):
            open_store(root)


def patches(qdrant: Qdrant) -> list[dict[str, Any]]:
    """Every change of the collection."""
    return [json.loads(request.body) for request in qdrant.seen if request.line.startswith("PATCH")]


def test_what_a_server_is_told(qdrant):
    with open_store(qdrant.url, create=True) as store:
        fill(store)
        store.set_settings({"paint": SHORT, "shape": SearchSettings(quantization="turbo4")})
        (change,) = [told["vectors"] for told in patches(qdrant) if "vectors" in told]
        assert {request.line for request in qdrant.seen if request.line.startswith("PATCH")} == {
            "PATCH /collections/images%401"  # the generation itself: by now, its name may lead to another one
        }
        assert change["paint"]["quantization_config"]["scalar"]["type"] == "int8"
        assert change["shape"]["quantization_config"]["turbo"]["bits"] == "bits4"
        store.search([1, 0], using="paint")
        store.search([1, 0], using="paint", where={}, k=1)
        params = json.loads(qdrant.seen[-1].body)["searches"][0]["params"]
        assert params["hnsw_ef"] == 32
        assert params["quantization"] == {"ignore": False, "rescore": True, "oversampling": 2.0}
        store.search_batch(np.eye(2), using="paint", settings=SearchSettings(exact=True))
        assert json.loads(qdrant.seen[-1].body)["searches"][0]["params"]["exact"] is True
        store.set_settings({"paint": SearchSettings()})
        assert patches(qdrant)[-2]["vectors"]["paint"]["quantization_config"] == "Disabled"
        store.search([1, 0], using="paint")
        params = json.loads(qdrant.seen[-1].body)["searches"][0]["params"]
        assert (params["hnsw_ef"], params["quantization"]["ignore"]) == (128, True)


def test_a_hybrid_search_finds_candidates_by_the_settings_and_scores_them_by_the_vectors(qdrant):
    with open_store(qdrant.url, create=True) as store:
        fill(store).set_settings({"paint": SHORT})
        store.add_field("brand", "keyword")
        store.search_hybrid([Similarity("paint", [1, 0]), Match({"brand": "Nike"}, 0.5)], k=2)
        nearest, suited = (
            search["prefetch"][0] if search.get("prefetch") else search for search in searches(qdrant, -2)
        )
        by_copies = {"ignore": False, "rescore": True, "oversampling": 2.0}
        assert nearest["params"]["hnsw_ef"] == 32
        assert suited["params"]["hnsw_ef"] == 128, "a graph with gaps needs more"
        assert nearest["params"]["quantization"] == suited["params"]["quantization"] == by_copies
        (scored,) = searches(qdrant, -1)
        assert [found["params"]["quantization"]["ignore"] for found in scored["prefetch"]] == [True]


def test_a_hybrid_search_in_a_folder_takes_the_settings_too(tmp_path, monkeypatch):
    with open_store(tmp_path / "store", create=True) as store:
        fill(store).set_settings({"paint": SHORT})
        asked = []

        def noted(settings: SearchSettings, *rest: Any) -> Any:
            asked.append(settings)
            return search_params(settings, *rest)

        monkeypatch.setattr("autoenc.store.edge_reading.search_params", noted)
        store.search_hybrid([Similarity("paint", [1, 0]), Similarity("shape", [1, 0, 0])], k=2)
        assert asked == [store.info.settings["paint"], SearchSettings()]


def searches(qdrant: Qdrant, request: int) -> Any:
    return json.loads(qdrant.seen[request].body)["searches"]
