"""The sidecar of an exported model, FILE.json beside FILE: what the model takes, and what its output is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from autoenc.encoders.preprocessing import Preprocessing
from autoenc.errors import EncoderError
from autoenc.files import digest_of
from autoenc.text import shown

DTYPES = ("float32", "float16", "uint8", "int8")
"""What a model's input and output may hold."""

MOST_DIM = 65_535  # as in a store
MOST_SIZE = 4096

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_MOST_BYTES = 2**16
_LARGEST = 1e30  # of a number: far beyond what any model takes

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Sidecar:
    """How pictures become vectors with an exported model.

    A pixel of 0 to 255 is scaled to `range`; then `mean` is subtracted and the rest divided by `std`, which are on
    that scale and in the order of `channels`.

    Attributes:
        name: of the encoder, and of its vectors in a store.
        dim: length of a vector.
        size: height and width in pixels of the images that the model takes.
        channels: "RGB" or "BGR".
        layout: "NHWC" or "NCHW".
        dtype: of the input.
        range: what 0 and 255 become.
        mean, std: of the three channels.
        input, output: the names of these tensors in the model.
        output_dtype: of the output.
        checksum: of the model's file, so that a sidecar of another model is noticed (BLAKE2b, 16 bytes).
    """

    name: str
    dim: int
    size: int
    channels: Literal["RGB", "BGR"]
    layout: Literal["NHWC", "NCHW"]
    dtype: str
    range: tuple[float, float]
    mean: Triple
    std: Triple
    input: str
    output: str
    output_dtype: str
    checksum: str

    @property
    def preprocessing(self) -> Preprocessing:
        """The same as one step."""
        low, high = self.range
        unit = 255 / (high - low)
        mean = tuple((each - low) * unit for each in self.mean)
        std = tuple(each * unit for each in self.std)
        return Preprocessing(mean, std, self.channels == "BGR")  # type: ignore[arg-type]

    @property
    def fingerprint(self) -> str:
        """Another one wherever the same picture would get another vector; names do not count."""
        rest = {key: value for key, value in asdict(self).items() if key not in ("name", "checksum")}
        return f"exported-1 {self.checksum} {digest_of(json.dumps(rest, sort_keys=True).encode())}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def sidecar_path(model: Path) -> Path:
    """FILE.json for FILE."""
    return model.with_name(f"{model.name}.json")


def read_sidecar(model: Path) -> Sidecar:
    """What the sidecar of a model says.

    Raises:
        EncoderError: there is none, or it is not one.
    """
    path = sidecar_path(model)
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise EncoderError(f"The sidecar {shown(path)} cannot be read: it is not a regular file.")
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise EncoderError(
                f"Expected {shown(path)} to say what {shown(model.name)} takes and returns; there is none. Make it "
                f"with `autoenc describe-model {shown(model)}`."
            ) from error
        raise EncoderError(f"The sidecar {shown(path)} cannot be read: {error.strerror}.") from error
    try:
        if len(data) > _MOST_BYTES:
            raise ValueError("it is too large")
        return parsed(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise EncoderError(
            f"The sidecar {shown(path)} cannot be used: {error}. Make it anew with `autoenc describe-model "
            f"{shown(model)} --overwrite`."
        ) from error


def parsed(given: Any) -> Sidecar:
    """A sidecar from what its JSON holds.

    Raises:
        ValueError: with what is wrong.
    """
    if not isinstance(given, Mapping):
        raise ValueError("expected a JSON object")
    missing = [name for name in Sidecar.__dataclass_fields__ if name not in given]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    low, high = _numbers(given, "range", 2)
    if not low < high:
        raise ValueError(f"range goes from a number to a higher one; got {low:g}, {high:g}")
    std = _numbers(given, "std", 3)
    if min(std) <= 0:
        raise ValueError("std holds numbers above 0")
    return Sidecar(
        name=checked_name(given["name"]),
        dim=_whole(given, "dim", MOST_DIM),
        size=_whole(given, "size", MOST_SIZE),
        channels=_one_of(given, "channels", ("RGB", "BGR")),
        layout=_one_of(given, "layout", ("NHWC", "NCHW")),
        dtype=_one_of(given, "dtype", DTYPES),
        range=(low, high),
        mean=_numbers(given, "mean", 3),
        std=std,
        input=_text(given, "input"),
        output=_text(given, "output"),
        output_dtype=_one_of(given, "output_dtype", DTYPES),
        checksum=_text(given, "checksum"),
    )


def checked_name(name: Any) -> str:
    """A name that an encoder of an exported model may have.

    Raises:
        ValueError: it may not.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"its name holds up to 80 letters, digits, '_', '-' and '.', and begins with none of the last two; got "
            f"{name!r}"
        )
    return name


def _numbers(given: Mapping[str, Any], key: str, count: int) -> Any:
    values = given[key]
    if (
        not isinstance(values, list)
        or len(values) != count
        or not all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in values)
        or not all(abs(each) <= _LARGEST for each in values)  # not so of NaN
    ):
        raise ValueError(f"{key} holds {count} numbers; got {str(values)[:200]}")
    return tuple(float(each) for each in values)


def _whole(given: Mapping[str, Any], key: str, most: int) -> int:
    value = given[key]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{key} is a whole number from 1 to {most:,}; got {value!r}")
    return value


def _one_of(given: Mapping[str, Any], key: str, choices: tuple[str, ...]) -> Any:
    if given[key] not in choices:
        raise ValueError(f"{key} is {' or '.join(choices)}; got {given[key]!r}")
    return given[key]


def _text(given: Mapping[str, Any], key: str) -> str:
    if not isinstance(given[key], str) or not given[key]:
        raise ValueError(f"{key} is text; got {given[key]!r}")
    return str(given[key])
