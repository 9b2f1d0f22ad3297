"""How much a field tells of the label, by hand and by chance."""

from __future__ import annotations

import numpy as np
import pytest

from autoenc.comparison.attributes import Numbers, Words
from autoenc.comparison.leaks import LEAK, follows, told

LABELS = np.random.default_rng(0).integers(0, 5, 300)


def words(codes: np.ndarray) -> Words:
    return Words([[str(code)] if code >= 0 else [] for code in codes], [])


def test_by_hand() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    # Of each image's others with its value: a: 1/2, 1/2, 0; b: 0, 1/2, 1/2. By chance 2/5.
    found = told(Words([["a"], ["a"], ["b"], ["a"], ["b"], ["b"]], []), labels)
    assert found == pytest.approx(((0.5 + 0.5 + 0 + 0 + 0.5 + 0.5) / 6 - 0.4) / 0.6)


def test_the_label_itself_a_finer_field_and_a_code_of_it_tell_all() -> None:
    finer = LABELS * 3 + np.random.default_rng(1).integers(0, 3, 300)
    for column in (words(LABELS), words(finer), Numbers([[7.5 * code] for code in LABELS], [])):
        assert told(column, LABELS) == 1
    assert told(Numbers([[place] for place in np.argsort(np.argsort(LABELS, kind="stable"))], []), LABELS) > LEAK, (
        "numbered label by label"
    )


def test_what_has_little_to_do_with_the_label_tells_little() -> None:
    generator = np.random.default_rng(2)
    for column in (words(generator.integers(0, 6, 300)), Numbers(generator.random((300, 1)).tolist(), [])):
        assert abs(told(column, LABELS)) < 0.15
    coarser = words(LABELS // 2)
    assert 0.2 < told(coarser, LABELS) < 0.6
    assert follows(coarser, LABELS)


def test_one_in_twenty_wrong_is_a_leak_and_four_in_ten_are_none() -> None:
    generator = np.random.default_rng(3)
    for wrong, leaks in ((0.05, True), (0.4, False)):
        mixed = np.where(generator.random(300) < wrong, generator.integers(0, 5, 300), LABELS)
        assert (told(words(mixed), LABELS) >= LEAK) == leaks
        assert not follows(words(mixed), LABELS)


def test_a_name_for_each_image_and_images_without_a_label_tell_nothing() -> None:
    assert told(words(np.arange(300)), LABELS) == 0
    assert told(words(LABELS), np.full(300, -1)) == 0
    assert told(words(np.full(300, -1)), LABELS) == 0
    assert not follows(words(LABELS), np.full(300, -1))
    assert told(words(LABELS), np.zeros(300, np.int64)) == 0, "there is one label"
