"""What a training may be set to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autoenc.errors import ArgumentError
from autoenc.training.settings import DEFAULT_OBJECTIVE, Settings


def settings(**given: Any) -> Settings:
    usual = {"epochs": 80, "batch_size": 64, "latent_dim": 32, "objective": DEFAULT_OBJECTIVE, "learning_rate": 2e-3}
    others = {"emphasis": "auto", "validation": 0.1, "patience": 20, "seed": 0, "max_images": None}
    return Settings(**{**usual, **others, **given})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", 0, "epochs= must be a whole number, 1 or more; got 0"),
        ("epochs", 2.5, "epochs= must be a whole number, 1 or more; got 2.5"),
        ("epochs", True, "epochs= must be a whole number, 1 or more; got True"),
        ("epochs", None, "epochs= must be a whole number, 1 or more; got None"),
        ("batch_size", -1, "batch_size= must be a whole number, 1 or more; got -1"),
        ("batch_size", np.int64(8), r"batch_size= must be a whole number, 1 or more; got np.int64\(8\)"),
        ("latent_dim", 0, "latent_dim= must be a whole number, 1 or more; got 0"),
        ("latent_dim", 65_537, "latent_dim= must be at most 65536; got 65537"),
        ("patience", 0, "patience= must be a whole number, 1 or more; got 0"),
        ("seed", -1, "seed= must be a whole number, 0 or more; got -1"),
        ("seed", 2**32, "seed= must be at most 4294967295; got 4294967296"),
        ("max_images", 1, "max_images= must be a whole number, 2 or more; got 1"),
        ("validation", 1.0, "validation= must be a share between 0 and 1, such as 0.1; got 1.0"),
        ("validation", 0, "validation= must be a share between 0 and 1, such as 0.1; got 0"),
        ("validation", "0.1", "validation= must be a share between 0 and 1, such as 0.1; got '0.1'"),
        ("learning_rate", float("nan"), "learning_rate= must be a number above 0, such as 0.002; got nan"),
        ("learning_rate", float("inf"), "learning_rate= must be a number above 0, such as 0.002; got inf"),
        ("learning_rate", 0.0, "learning_rate= must be a number above 0, such as 0.002; got 0.0"),
    ],
)
def test_values_out_of_range(name: str, value: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        settings(**{name: value})


def test_the_smallest_and_the_largest_values() -> None:
    least = {"epochs": 1, "batch_size": 1, "latent_dim": 1, "patience": 1, "seed": 0, "max_images": 2}
    assert {name: getattr(settings(**least), name) for name in least} == least
    assert settings(seed=2**32 - 1, learning_rate=1).learning_rate == 1


def test_the_last_batch_of_an_epoch_may_be_smaller() -> None:
    assert [settings(batch_size=16).steps_per_epoch(images) for images in (1, 16, 17, 48)] == [1, 1, 2, 3]


def test_patience_may_change_when_a_training_is_resumed() -> None:
    assert settings(patience=5).fixed() == settings(patience=50).fixed()
    for name, value in (("epochs", 81), ("seed", 1), ("max_images", 100), ("validation", 0.2)):
        assert settings(**{name: value}).fixed() != settings().fixed()
