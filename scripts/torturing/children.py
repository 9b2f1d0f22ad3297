"""What trials run in processes of their own: `python -m torturing.children FUNCTION ARGUMENTS`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

import autoenc
from autoenc.errors import StoreNotFoundError
from autoenc.store import VectorSpec, open_store, point_id

WIDE = "wide"


def snapshot(store: str, folder: str) -> None:
    """Write everything that a store holds into a folder."""
    try:
        opened = open_store(store)
    except StoreNotFoundError:
        print("absent")
        return
    with opened:
        names = list(opened.info.vectors)
        records = list(opened.scroll(vectors=names))
        record = {"vectors": {name: asdict(spec) for name, spec in opened.info.vectors.items()}}
        record |= {"sources": dict(opened.info.sources), "fields": dict(opened.info.fields)}
        ids = {record.id for record in records}
        if len(ids) != len(opened):
            raise SystemExit(f"{len(opened)} points are counted, {len(ids)} can be read")
    having = {name: [record.id for record in records if name in record.vectors] for name in names}
    document = {
        "points": {record.id: record.payload for record in records},
        "having": having,
        "record": record,
        "twice": len(records) - len(ids),
    }
    (Path(folder) / "points.json").write_text(json.dumps(document))
    for name in names:
        rows = [record.vectors[name] for record in records if name in record.vectors]
        np.save(Path(folder) / f"{name}.npy", np.array(rows, np.float32))


def index(photos: str, store: str, model: str, source: str, encoders: str) -> None:
    """Index photos, and print how many are done."""
    autoenc.index_images(
        photos,
        store,
        model=model,
        source=source,
        encoders=encoders.split(","),
        progress=lambda _stage, done, _total, _note: print(done, flush=True),
    )


def mark(store: str) -> None:
    """Set fields of the user's on every point."""
    with open_store(store) as opened:
        ids = sorted(record.id for record in opened)
        opened.set_payloads(ids, [{"price": number, "color": "red"} for number in range(len(ids))])
        opened.add_field("price", "integer")


def fill_old(store: str, points: str) -> None:
    """Make a store of format 1: autoenc's fields at the top level of the payload, and no manifest."""
    from autoenc.store.edge_folder import open_edge

    kinds = {"source": "keyword", "folder": "keyword", "width": "integer", "height": "integer", "price": "integer"}
    specs = {"paint": {"dim": 8, "fingerprint": "paint-1", "preprocessing": 1, "bundle": None}}
    engine = open_edge(Path(store), "images", create=True)
    engine.merge_record({"version": 0})
    engine.create_vector("paint", 8)
    for field, kind in kinds.items():
        engine.create_field(field, kind)
    payloads = [old_payload(number) for number in range(int(points))]
    ids = [point_id("shop", str(payload["path"])) for payload in payloads]
    vectors = np.random.default_rng(0).normal(size=(len(ids), 8)).astype(np.float32)
    engine.upsert(ids, {"paint": vectors / np.linalg.norm(vectors, axis=1, keepdims=True)}, payloads)
    engine.close()
    folder = Path(store) / "images"
    record = {"vectors": specs, "sources": {"shop": "/photos"}, "fields": kinds, "version": 1}
    (folder / "autoenc.json").write_text(json.dumps(record))
    (folder / "autoenc.manifest.json").unlink()


def old_payload(number: int) -> dict[str, object]:
    path = f"{number % 3}/{number}.jpg"
    own = {"source": "shop", "path": path, "folder": str(number % 3), "digest": "d", "size": number, "mtime_ns": 5}
    return {**own, "width": 40, "height": 50, "price": number}


def fill_wide(store: str, points: str, dim: str) -> None:
    """Make a store that is large enough for an approximate index, and does not have one."""
    rng = np.random.default_rng(0)
    with open_store(store, create=True) as opened:
        opened.add_vector(WIDE, VectorSpec(int(dim), "drawn", 1))
        for start in range(0, int(points), 500):
            numbers = range(start, min(start + 500, int(points)))
            ids = [point_id("drawn", str(number)) for number in numbers]
            rows = rng.normal(size=(len(ids), int(dim))).astype(np.float32)
            opened.upsert(ids, {WIDE: rows}, [{"price": number} for number in numbers])


def optimize(store: str) -> None:
    with open_store(store) as opened:
        opened.optimize()


def fingerprint(model: str) -> None:
    """Print which model a bundle holds."""
    print(autoenc.load_bundle(model).fingerprint)


if __name__ == "__main__":
    from torturing import together

    arguments = sys.argv[2:]
    getattr(together if hasattr(together, sys.argv[1]) else sys.modules[__name__], sys.argv[1])(*arguments)
