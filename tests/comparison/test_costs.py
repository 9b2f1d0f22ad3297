"""The Pareto front, against its definition."""

from __future__ import annotations

from pathlib import Path

from comparisons import comparison, fusion, pictures, scores
from hypothesis import given
from hypothesis import strategies as st

from autoenc.comparison.costs import pareto_front


def test_by_hand() -> None:
    costs = {"cheap": 1, "dear": 9, "same": 4, "middle": 4, "worse": 4, "slow": 5}
    quality = {"cheap": 0.2, "dear": 0.9, "same": 0.5, "middle": 0.5, "worse": 0.4, "slow": 0.5}
    assert pareto_front(costs, quality) == ["cheap", "same", "middle", "dear"]
    assert pareto_front({"only": 3}, {"only": 0}) == ["only"]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_no_other_is_as_good_and_cheaper_or_better_and_as_cheap(points: list[tuple[int, int]]) -> None:
    costs = {str(at): float(cost) for at, (cost, _) in enumerate(points)}
    quality = {str(at): float(good) for at, (_, good) in enumerate(points)}
    expected = {
        name
        for name in costs
        if not any(
            costs[other] <= costs[name] and quality[other] >= quality[name]
            and (costs[other], quality[other]) != (costs[name], quality[name])
            for other in costs
        )
    }  # fmt: skip
    found = pareto_front(costs, quality)
    assert set(found) == expected
    assert [costs[name] for name in found] == sorted(costs[name] for name in found)


def test_of_a_comparison_with_and_without_labels(tmp_path: Path) -> None:
    paths, labels = pictures(tmp_path, 4, ["a", "b"])
    known = [
        scores("learned", [0.5] * 4, dim=32, ms=0.4, recalled=[1.0, 0.0]),
        scores("edges", [0.25] * 4, dim=324, ms=0.1, recalled=[1.0, 1.0]),
        scores("color", [0.25] * 4, dim=126, ms=0.2, recalled=[0.0, 0.0]),
    ]
    found = comparison(paths, labels, known, fusion=fusion({"learned": 1.0, "color": 1.0}, [0.75] * 4))
    name = "learned + color (1 : 1)"
    assert found.pareto_front("ms_per_image") == ["edges", "learned", name]
    assert found.pareto_front("bytes_per_image") == ["learned", name]
    assert found.to_dict()["pareto_front"] == {
        "metric": "map", "ms_per_image": ["edges", "learned", name], "bytes_per_image": ["learned", name]
    }  # fmt: skip
    unlabeled = comparison(paths, [None] * 4, [
        scores(each.name, [], recalled=each.selfrecall[1].tolist(), dim=each.dim, ms=each.ms_per_image, count=4)
        for each in known
    ])  # fmt: skip
    assert unlabeled.pareto_front("ms_per_image") == ["edges"]
    assert unlabeled.to_dict()["pareto_front"]["metric"] == "selfrecall@1"
