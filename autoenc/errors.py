"""The exceptions of autoenc.

Everything a user can cause is an `AutoencError`; the command line prints it as one sentence and exits
with code 1. Anything else that escapes is a bug of ours.

AutoencError
├── ImageError                 one picture cannot be used
│   ├── ImageDecodeError       not an image, truncated, empty, unreadable
│   └── ImageTooLargeError     over the pixel or byte limit
├── NoImagesError              a path without any usable image
├── LabelsError                labels that cannot be read or matched
├── EncoderError               an unknown encoder, or input that it cannot encode
├── BundleError                a saved model
│   ├── BundleNotFoundError
│   ├── BundleCorruptError     a file missing or changed since it was written
│   └── BundleVersionError     written by another version of the format
├── TrainingError              training cannot start or go on
├── StoreError                 a vector store
│   ├── StoreNotFoundError     no store, or no such collection, at that location
│   ├── StoreLockedError       open in another process
│   ├── StoreUnreachableError  no server there, or it refuses the key
│   ├── StoreMismatchError     built by another encoder, bundle, dimension or format version
│   ├── UnknownFieldError      a filter on a field that is not there
│   ├── PointNotFoundError     no point of that id
│   └── VectorError            a vector of the wrong shape, or with NaN or infinity
├── OutputError                a result cannot be written where it was asked for
├── ArgumentError              a value outside of what is allowed (k below 1, say)
└── MissingDependencyError     an optional package is not installed
"""

from __future__ import annotations


class AutoencError(Exception):
    """Base of every error that a user of autoenc can cause."""


class ImageError(AutoencError):
    """One picture cannot be used."""


class ImageDecodeError(ImageError):
    """Not an image, truncated, empty or unreadable."""


class ImageTooLargeError(ImageError):
    """Over the pixel limit or the byte limit."""


class NoImagesError(AutoencError):
    """A path holds no usable image."""


class LabelsError(AutoencError):
    """Labels cannot be read or matched to images."""


class EncoderError(AutoencError):
    """An unknown encoder, or input that an encoder cannot take."""


class BundleError(AutoencError):
    """A saved model cannot be used."""


class BundleNotFoundError(BundleError):
    """No bundle at that path."""


class BundleCorruptError(BundleError):
    """A file of the bundle is missing or has changed since it was written."""


class BundleVersionError(BundleError):
    """The bundle was written in another version of the format."""


class TrainingError(AutoencError):
    """Training cannot start or go on."""


class StoreError(AutoencError):
    """A vector store cannot do what was asked."""


class StoreNotFoundError(StoreError):
    """No store, or no such collection, at that location."""


class StoreLockedError(StoreError):
    """The store is open in another process."""


class StoreUnreachableError(StoreError):
    """No server answers there, or it refuses the key."""


class StoreMismatchError(StoreError):
    """The store was built by another encoder, bundle, dimension or format version."""


class UnknownFieldError(StoreError):
    """A filter names a payload field that the store does not index."""


class PointNotFoundError(StoreError):
    """The store has no point of that id or path."""


class VectorError(StoreError):
    """A vector of the wrong shape, or with NaN or infinity in it."""


class OutputError(AutoencError):
    """A result cannot be written where it was asked for."""


class ArgumentError(AutoencError):
    """A value is outside of what is allowed."""


class MissingDependencyError(AutoencError):
    """An optional package is needed and not installed."""
