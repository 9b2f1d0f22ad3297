"""How well behavior, looks and both together recommend what a user does next, on generated shops, as Markdown tables.

python scripts/bench_behavior.py [--items 1000] [--users 1500] [--shops 3] [--likeness 0.6]

Every shop has users and items with tastes, and items whose looks follow their taste in part. A user does something with
items in proportion to their popularity and to how well they suit; the last of these items is left out. A store is
searched by the average of the others, as `autoenc query --id A --id B …` does, for the ten nearest. Recall@10 is the
share of users whose last item is among them; NDCG@10 counts it more, the earlier it comes. Some items are cold: they
came last, and nobody has done anything with them yet; users whose last item is one of these are counted apart. ± is
half the 95% bootstrap interval over users; the last column is the paired difference to the best of popularity, looks
and behavior. Where an item has no behavior, its looks get three quarters of that weight
(`autoenc.store.blending.SHARED`); the rows with shares, ranked by NumPy, show what other shares would do.

The second table compares other vectors of the same interactions, by cosine alone, on the items that are not cold:
whole rows of users (what sparse vectors would hold), singular vectors, and, where `pip install implicit` has been run,
implicit factors by alternating least squares (Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback
datasets", ICDM 2008).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from autoenc import Query, Searcher, Store, add_behavior, measure_scales, open_store
from autoenc.catalog.factors import item_factors
from autoenc.metrics.bootstrap import Interval, bootstrap_intervals
from autoenc.metrics.scores import ndcg_at_k, recall_at_k
from autoenc.store import OWN, VectorSpec, point_id
from autoenc.tables.interactions import read_interactions
from autoenc.vectors import Vectors, unit_rows

K = 10
TASTES, GROUPS, LOOKS = 8, 20, 32
COLD = 0.15
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
WEIGHTS = ("looks", "behavior", "looks=1,behavior=0.25", "looks=1,behavior=0.5", "looks=1,behavior=1",
           "looks=1,behavior=2", "looks=1,behavior=4")  # fmt: skip
Floats = npt.NDArray[np.float64]


@dataclass
class Shop:
    """A generated shop.

    Attributes:
        looks: (I, 32) float32, a vector of each item.
        clicks: user -> (item, how often), of all but the last item, without cold ones.
        last: the last item of each user.
        cold: (I,) bool.
    """

    looks: Vectors
    clicks: list[list[tuple[int, int]]]
    last: list[int]
    cold: npt.NDArray[np.bool_]


def shop(seed: int, items: int, users: int, likeness: float) -> Shop:
    """Draw a shop; `likeness` is the cosine of an item's looks and its taste, 0 to 1."""
    rng = np.random.default_rng(seed)
    groups = rng.standard_normal((GROUPS, TASTES))

    def tastes(count: int) -> Floats:
        drawn = groups[rng.integers(GROUPS, size=count)] + 0.6 * rng.standard_normal((count, TASTES))
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    of_item, of_user = tastes(items), tastes(users)
    style = unit_rows(rng.standard_normal((items, LOOKS)).astype(np.float32))
    taste = unit_rows((of_item @ rng.standard_normal((TASTES, LOOKS))).astype(np.float32))
    looks = unit_rows(np.float32(likeness) * taste + np.float32((1 - likeness**2) ** 0.5) * style)
    popular = rng.standard_normal(items) * 0.8
    cold = np.zeros(items, bool)
    cold[rng.choice(items, round(COLD * items), replace=False)] = True
    found = Shop(looks, [], [], cold)
    for user in range(users):
        suits = of_item @ of_user[user]
        count = 4 + rng.poisson(9)
        # Adding Gumbel noise to log chances and taking the best draws without replacement.
        drawn = np.argsort(-(popular + 4 * suits + rng.gumbel(size=items)))[:count]
        rng.shuffle(drawn)
        often = 1 + rng.poisson(2 * np.maximum(suits[drawn], 0))
        kept = [(int(item), int(n)) for item, n in zip(drawn[:-1], often, strict=False) if not cold[item]]
        found.clicks.append(kept)
        found.last.append(int(drawn[-1]))
    return found


def stored(store: Store, generated: Shop, folder: Path) -> tuple[list[str], Path]:
    """Write a shop into a store; the ids of its items, and the file of its interactions."""
    ids = [point_id("shop", f"{item}.jpg") for item in range(len(generated.looks))]
    store.add_source("shop", "/shop")
    store.add_vector("looks", VectorSpec(LOOKS, "generated", 1))
    payloads = [{OWN: {"source": "shop", "path": f"{item}.jpg"}} for item in range(len(ids))]
    store.upsert(ids, {"looks": generated.looks}, payloads)
    file = folder / "clicks.csv"
    rows = [f"{user},{item},{n}" for user, clicks in enumerate(generated.clicks) for item, n in clicks]
    file.write_text("\n".join(["user,item,value", *rows]))
    add_behavior(store, file)
    measure_scales(store)
    return ids, file


def searched(store: Store, ids: Sequence[str], generated: Shop, using: str) -> npt.NDArray[np.bool_]:
    """(users, 10) bool: which of the results is the last item; by nothing for users who have clicked on nothing."""
    searcher = Searcher(store, using=using)
    relevant = np.zeros((len(generated.last), K), bool)
    for user, clicks in enumerate(generated.clicks):
        if clicks:
            found = searcher.find(Query(id=[ids[item] for item, _ in clicks], k=K))
            relevant[user, : len(found)] = [hit.id == ids[generated.last[user]] for hit in found]
    return relevant


def ranked(scores_of: Callable[[list[int]], Floats], generated: Shop) -> npt.NDArray[np.bool_]:
    """The same by scores of all items, given those that a user has clicked on."""
    relevant = np.zeros((len(generated.last), K), bool)
    for user, clicks in enumerate(generated.clicks):
        items = [item for item, _ in clicks]
        scores = scores_of(items)
        scores[items] = -np.inf
        relevant[user] = np.argsort(-scores, kind="stable")[:K] == generated.last[user]
    return relevant


def by_cosine(rows: Vectors) -> Callable[[list[int]], Floats]:
    return lambda items: (rows @ rows[items].sum(axis=0)).astype(np.float64)


def by_popularity(generated: Shop) -> Callable[[list[int]], Floats]:
    counts = np.bincount([item for clicks in generated.clicks for item, _ in clicks], minlength=len(generated.looks))
    return lambda items: counts.astype(np.float64)


def by_shares(store: Store, ids: Sequence[str], generated: Shop, share: float) -> Callable[[list[int]], Floats]:
    """Looks and behavior of weight 1, where looks get this share of the weight of behavior that an image lacks."""
    records = {record.id: record.vectors for record in store.retrieve(ids, vectors=["looks", "behavior"])}
    dim = store.info.vectors["behavior"].dim
    behavior = np.stack([records[id].get("behavior", np.zeros(dim, np.float32)) for id in ids])
    there = np.array(["behavior" in records[id] for id in ids])
    scales = store.info.scales

    def scores(items: list[int]) -> Floats:
        total = np.zeros(len(ids))
        for name, rows, held in (("looks", generated.looks, there | True), ("behavior", behavior, there)):
            query = unit_rows(rows[items].sum(axis=0)[None])[0]
            scale = scales[name]
            total += np.where(held, 1 + (rows @ query - scale.nearest) / scale.span, 0)
        return np.where(there, total, (1 + share) * total)

    return scores


def other_vectors(file: Path, count: int) -> dict[str, Vectors]:
    """Vectors of the same interactions by other means: name -> (I, D)."""
    read = read_interactions(file)
    item_of = np.array([int(item) for item in read.items])[read.item_of]
    shape = (count, len(read.users))
    found = {}
    for dim in (8, 16, 32, 64, 128):
        found[f"{dim} singular vectors"] = item_factors(read.user_of, item_of, read.values, shape, dim)[0]
    found["whole rows of users"] = item_factors(read.user_of, item_of, read.values, shape, min(shape))[0]
    try:
        from implicit.als import AlternatingLeastSquares
        from scipy.sparse import csr_matrix
    except ImportError:
        return found
    clicks = csr_matrix((np.log1p(read.values).astype(np.float32), (read.user_of, item_of)), shape=shape[::-1])
    for dim in (8, 16, 32):
        model = AlternatingLeastSquares(factors=dim, alpha=10, random_state=0, num_threads=1)
        model.fit(clicks, show_progress=False)
        found[f"{dim} factors by alternating least squares"] = unit_rows(np.asarray(model.item_factors))
    return found


def cell(scores: Floats) -> str:
    interval: Interval = bootstrap_intervals(scores[None])[0]
    return f"{interval.mean:.3f} ± {(interval.high - interval.low) / 2:.3f}"


def measured(relevant: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    return recall_at_k(relevant, K, 1), ndcg_at_k(relevant, K, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1000, metavar="N")
    parser.add_argument("--users", type=int, default=1500, metavar="N")
    parser.add_argument("--shops", type=int, default=3, metavar="N")
    parser.add_argument("--likeness", type=float, default=0.6, metavar="L", help="how far looks follow taste, 0 to 1")
    options = parser.parse_args()
    rows: dict[str, list[npt.NDArray[np.bool_]]] = {}
    others: dict[str, list[npt.NDArray[np.bool_]]] = {}
    cold: list[npt.NDArray[np.bool_]] = []
    for seed in range(options.shops):
        generated = shop(seed, options.items, options.users, options.likeness)
        cold.append(generated.cold[generated.last])
        with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "store", create=True) as store:
            ids, file = stored(store, generated, Path(folder))
            rows.setdefault("popularity", []).append(ranked(by_popularity(generated), generated))
            for using in WEIGHTS:
                rows.setdefault(f"`{using}`", []).append(searched(store, ids, generated, using))
            for share in SHARES:
                name = f"looks=1, behavior=1, {share:.0%} of the weight of what is missing"
                rows.setdefault(name, []).append(ranked(by_shares(store, ids, generated, share), generated))
            for name, vectors in other_vectors(file, options.items).items():
                others.setdefault(name, []).append(ranked(by_cosine(vectors), generated))
    last_cold = np.concatenate(cold)
    scores = {name: measured(np.concatenate(found)) for name, found in rows.items()}
    singles = [scores[name][0] for name in ("popularity", "`looks`", "`behavior`")]
    best = max(singles, key=lambda recall: float(recall.mean()))
    print(
        f"{options.shops} shops of {options.items:,} items and {options.users:,} users, likeness {options.likeness:g}; "
        f"the last item of {last_cold.sum():,} of {len(last_cold):,} users is cold.\n"
    )
    print("| | recall@10 | NDCG@10 | recall@10, warm | recall@10, cold | recall@10 above the best single one |")
    print("|---|---|---|---|---|---|")
    for name, (recall, ndcg) in scores.items():
        parts = [cell(each) for each in (recall, ndcg, recall[~last_cold], recall[last_cold])]
        print(f"| {name} | {' | '.join(parts)} | {'' if recall is best else cell(recall - best)} |")
    print("\n| vectors of interactions, warm items | recall@10 | NDCG@10 |\n|---|---|---|")
    for name, found in others.items():
        print(f"| {name} | {' | '.join(cell(each[~last_cold]) for each in measured(np.concatenate(found)))} |")


if __name__ == "__main__":
    main()
