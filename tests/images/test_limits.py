"""Limits are told with the way to raise them."""

from __future__ import annotations

import pytest

from autoenc.errors import ArgumentError, ImageDecodeError, ImageTooLargeError
from autoenc.images import limits
from autoenc.images.limits import check_filled, check_memory, check_scans, check_size, max_pixels


def test_the_variable_raises_or_lowers_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert max_pixels() == 80_000_000
    monkeypatch.setenv(limits.VARIABLE, "")
    assert max_pixels() == 80_000_000
    monkeypatch.setenv(limits.VARIABLE, "99")
    with pytest.raises(ImageTooLargeError, match=r"10 x 10 pixels; the limit is 99 pixels\..*AUTOENC_MAX_PIXELS"):
        check_size(10, 10)
    monkeypatch.setenv(limits.VARIABLE, "100")
    check_size(10, 10)


@pytest.mark.parametrize("text", ["many", "0", "-5", "1e8", "²"])
def test_a_variable_that_is_no_number_is_a_clear_error(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.VARIABLE, text)
    with pytest.raises(ArgumentError, match="AUTOENC_MAX_PIXELS must be a whole number above 0; got"):
        max_pixels()


def test_each_limit_is_the_last_value_that_is_allowed() -> None:
    check_size(65_535, 1220)
    with pytest.raises(ImageTooLargeError, match="65536 x 1 pixels; the limit is 65,535 on each side"):
        check_size(65_536, 1)
    check_scans(100, 20_000_000)
    with pytest.raises(ImageTooLargeError, match="more than 100 scans"):
        check_scans(101, 1)
    with pytest.raises(ImageTooLargeError, match="100 scans of 20,000,001 pixels; the limit is 2,000,000,000"):
        check_scans(100, 20_000_001)
    check_memory(640_000_000)
    with pytest.raises(ImageTooLargeError, match="take 900 MB; the limit is 640 MB"):
        check_memory(900_000_000)
    check_filled(200, 10, 100, 10)  # half of it
    with pytest.raises(ImageDecodeError, match="its 100 bytes cannot hold 201 x 10 pixels"):
        check_filled(201, 10, 100, 10)
