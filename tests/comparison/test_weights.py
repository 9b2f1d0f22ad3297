"""Weights of a fusion: found by average precision, on a grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoenc.comparison.attributes import Attribute
from autoenc.comparison.weights import GRID, MOST_FIELDS, SMALLER, STEP, Trial, find_hybrid, find_weights, shares
from autoenc.metrics.scores import average_precision
from autoenc.vectors import Vectors


def trial(
    cosines: dict[str, list[list[float]]],
    relevant: list[list[int]],
    own: list[int] | None = None,
    spans: dict[str, float] | None = None,
) -> Trial:
    return Trial(
        {name: np.asarray(values, np.float32) for name, values in cosines.items()},
        np.asarray(relevant, bool),
        np.asarray(own or [-1] * len(relevant)),
        spans or dict.fromkeys(cosines, 1.0),
    )


# ---- score ------------------------------------------------------------------------------------------


def test_the_score_is_the_sum_of_average_precisions() -> None:
    cosines = {"a": [[0.9, 0.8, 0.7], [0.1, 0.2, 0.3]], "b": [[0.0, 0.0, 0.5], [0.4, 0.0, 0.0]]}
    found = trial(cosines, [[0, 1, 1], [1, 0, 0]])
    assert found.score({"a": 1.0}) == pytest.approx((1 / 2 + 2 / 3) / 2 + 1 / 3)
    assert found.score({"b": 1.0}) == pytest.approx((1 + 2 / 3) / 2 + 1), "of equal scores, the relevant one comes last"
    # .45 .4 .6 and .25 .1 .15
    assert found.score({"a": 1.0, "b": 1.0}) == pytest.approx((1 + 2 / 3) / 2 + 1)


def test_a_cosine_counts_by_its_scale() -> None:
    cosines = {"wide": [[0.0, 0.5]], "narrow": [[0.9, 0.8]]}  # half a step against one
    found = trial(cosines, [[1, 0]], spans={"wide": 1.0, "narrow": 0.1})
    assert found.score({"wide": 1.0, "narrow": 1.0}) == 1
    assert found.score({"wide": 1.0, "narrow": 0.25}) == 1 / 2
    assert shares({"wide": 1.0, "narrow": 0.25}, found.spans) == pytest.approx({"wide": 1 / 3.5, "narrow": 2.5 / 3.5})


def test_a_query_does_not_find_itself() -> None:
    found = trial({"a": [[1.0, 0.5, 0.25], [0.5, 0.25, 0.125]]}, [[0, 0, 1], [0, 1, 0]], own=[0, -1])
    assert found.score({"a": 1.0}) == pytest.approx(1 / 2 + 1 / 2)


@given(data=st.data(), queries=st.integers(1, 5), images=st.integers(2, 8))
def test_it_agrees_with_a_slow_reference(data: st.DataObject, queries: int, images: int) -> None:
    levels = st.lists(st.integers(-8, 8), min_size=queries * images, max_size=queries * images)
    cosines = {name: np.reshape(data.draw(levels), (queries, images)).astype(np.float32) / 8 for name in "ab"}
    relevant = np.reshape(data.draw(st.lists(st.booleans(), min_size=queries * images, max_size=queries * images)),
                          (queries, images))  # fmt: skip
    relevant[:, 0] = True
    own = np.array(data.draw(st.lists(st.sampled_from([-1, *range(1, images)]), min_size=queries, max_size=queries)))
    relevant[own >= 0, own[own >= 0]] = False
    spans, weights = {"a": 0.5, "b": 0.25}, {"a": 0.5, "b": 1.0}
    total = 0.0
    for row in range(queries):
        others = [at for at in range(images) if at != own[row]]
        score = {at: 0.5 * cosines["a"][row, at] / 0.5 + cosines["b"][row, at] / 0.25 for at in others}
        order = sorted(others, key=lambda at: (-score[at], relevant[row, at]))
        total += float(average_precision(relevant[row][order]))
    assert Trial(cosines, relevant, own, spans).score(weights) == pytest.approx(total)


# ---- find -------------------------------------------------------------------------------------------


def vectors(seed: int, noise: dict[str, float]) -> Trial:
    """Encoders that see which images belong together, each through noise of its own."""
    generator = np.random.default_rng(seed)
    labels, asked = generator.integers(0, 5, 200), generator.integers(0, 5, 80)
    relevant = asked[:, None] == labels
    cosines: dict[str, Vectors] = {
        name: (0.2 * relevant + level * generator.standard_normal(relevant.shape)).astype(np.float32)
        for name, level in noise.items()
    }
    return Trial(cosines, relevant, np.full(80, -1), dict.fromkeys(noise, 1.0))


def test_encoders_that_know_equally_much_weigh_the_same_and_one_that_knows_nothing_is_left_out() -> None:
    blind = vectors(0, {"a": 0.2, "b": 0.2})
    blind.parts["blind"] = np.random.default_rng(9).standard_normal(blind.relevant.shape).astype(np.float32)
    blind.spans["blind"] = 1.0
    assert find_weights([blind]) == {"a": 1.0, "b": 1.0}


def test_three_encoders_are_used_where_each_adds_something_and_never_four() -> None:
    found = find_weights([vectors(1, dict.fromkeys("abcd", 0.2))])
    assert len(found) == 3
    assert max(found.values()) == 1


def test_the_best_of_all_pairs_is_found() -> None:
    some = [vectors(seed, {"b": 0.4, "a": 0.2, "c": 3.0}) for seed in (2, 3)]
    grid = [{"a": 1.0, "b": 1.0}, *({"a": x, "b": y} for s in SMALLER for x, y in ((1.0, s), (s, 1.0)))]
    best = max(grid, key=lambda weights: sum(each.score(weights) for each in some))
    assert best["a"] == 1
    assert best["b"] < 1, "the worse encoder weighs less"
    assert list(find_weights(some).items()) == [("a", 1.0), ("b", best["b"])]


def test_of_equals_the_first_is_taken_and_nothing_that_adds_nothing() -> None:
    cosines = {"a": [[0.1, 0.0, 0.2]], "b": [[0.5, 0.5, 0.5]], "c": [[0.5, 0.1, 0.1]]}
    assert find_weights([trial(cosines, [[1, 0, 0]])]) == {"a": 1.0, "c": 1.0}


# ---- with attributes ---------------------------------------------------------------------------------


def with_attributes(seed: int, **strengths: float) -> Trial:
    """Two encoders, and fields that are shared by so many more of what belongs together than of the rest."""
    found = vectors(seed, {"a": 0.2, "b": 0.3})
    generator = np.random.default_rng(seed + 50)
    for field, strength in strengths.items():
        chance = 0.3 + strength * found.relevant
        found.parts[Attribute(field)] = (generator.random(found.relevant.shape) < chance).astype(np.float32)
        found.spans[Attribute(field)] = 1.0
    return found


def test_a_field_that_tells_something_is_weighed_and_one_that_tells_nothing_is_not() -> None:
    both = [with_attributes(seed, brand=0.5, noise=0.0) for seed in (1, 2)]
    found = find_hybrid(both)
    assert list(found) == ["a", "b", Attribute("brand")]
    assert found["a"] == 1
    assert sum(each.score(found) for each in both) > sum(each.score(find_weights(both)) for each in both) + 1


def test_no_single_change_makes_the_hybrid_much_better() -> None:
    some = [with_attributes(3, brand=0.3, season=0.2)]
    found = find_hybrid(some)
    reached, least = some[0].score(found), STEP * len(some[0])
    for part in some[0].parts:
        for weight in (0.0, *GRID):
            other = {**found, part: weight}
            other = {name: value for name, value in other.items() if value}
            if any(isinstance(name, str) for name in other):
                assert some[0].score(other) < reached + least


def test_of_two_scales_of_a_field_one_is_weighed_and_of_many_fields_no_more_than_four() -> None:
    trial = with_attributes(4, **dict.fromkeys("pqrstu", 0.25))
    for scale in (1.0, 4.0):
        near = Attribute("price", scale)
        noise = np.random.default_rng(5).random(trial.relevant.shape)
        trial.parts[near] = (0.5 ** (noise * (2 - trial.relevant) / scale)).astype(np.float32)
        trial.spans[near] = 1.0
    fields = [part.field for part in find_hybrid([trial]) if isinstance(part, Attribute)]
    assert len(fields) == len(set(fields)) == MOST_FIELDS


def test_without_a_field_that_helps_the_best_of_encoders_and_their_fusion_is_left() -> None:
    alone = vectors(6, {"a": 0.2})
    assert find_hybrid([alone]) == {"a": 1.0}
    worse = vectors(7, {"a": 0.1, "b": 30.0})
    assert find_hybrid([worse]) == {"a": 1.0}
