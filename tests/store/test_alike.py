"""Which payloads are one."""

from __future__ import annotations

import pytest

from autoenc.store.alike import alike


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": [0.1, {"b": 2}]}, {"a": [0.1 + 1e-17, {"b": 2}]}, True),
        ({"a": 121.42857142857143}, {"a": 121.42857142857144}, True),
        ({"a": 121.42857142}, {"a": 121.42857143}, False),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": None}, {}, False),
    ],
    ids=repr,
)
def test_payloads_are_compared_but_for_the_last_digit(one: dict[str, object], other: object, same: bool) -> None:
    assert alike(one, other) is same
