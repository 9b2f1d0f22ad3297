"""The exceptions of autoenc.

Every error that a user can cause is an `AutoencError`. The command line prints its message and exits with code 1, or
with code 2 for an `ArgumentError` or an `UnknownFieldError`. Any other exception that reaches the user is a bug in
autoenc.

AutoencError
├── ImageError                 one picture cannot be used
│   ├── ImageDecodeError       not an image, truncated, empty, unreadable
│   └── ImageTooLargeError     over the pixel or byte limit
├── NoImagesError              a path without any usable image
├── LabelsError                labels that cannot be read or matched
├── TableError                 a table of metadata that cannot be read or matched
├── VectorFileError            a file of vectors that cannot be read, or is a pickle
├── EncoderError               an unknown encoder, or input that it cannot encode
├── BundleError                a saved model
│   ├── BundleNotFoundError
│   ├── BundleCorruptError     a file missing, changed since it was written, or unusable
│   └── BundleVersionError     written by another version of the format
├── TrainingError              training cannot start or continue
├── ExportError                an exported model is too far from the original, or cannot be made
├── StoreError                 a vector store
│   ├── StoreNotFoundError     no such store or collection
│   ├── StoreLockedError       open already, here or in another process
│   ├── StoreUnreachableError  no server answers, or it refuses the key
│   ├── StoreMismatchError     made with another encoder, bundle, dimension or format version
│   ├── UnknownFieldError      a filter on a field that is not filterable
│   ├── PointNotFoundError     no point with that id or path
│   └── VectorError            a vector of the wrong shape, or with NaN or infinity
├── BackupError                a file that is no whole backup of a store
├── OutputError                a result cannot be written to the requested place
├── ArgumentError              a value that is not allowed, such as k below 1
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
    """The image exceeds the pixel limit or the byte limit."""


class NoImagesError(AutoencError):
    """A path holds no usable image."""


class LabelsError(AutoencError):
    """Labels cannot be read or matched to images."""


class TableError(AutoencError):
    """A table of metadata cannot be read, or not be matched to images."""


class VectorFileError(AutoencError):
    """A file of vectors cannot be read, or is a pickle, which is never read."""


class EncoderError(AutoencError):
    """An unknown encoder, or input that an encoder cannot take."""


class BundleError(AutoencError):
    """A saved model cannot be used."""


class BundleNotFoundError(BundleError):
    """No bundle at that path."""


class BundleCorruptError(BundleError):
    """A file of the bundle is missing, has changed since it was written, or cannot be used."""


class BundleVersionError(BundleError):
    """The bundle was written by another version of the format."""


class TrainingError(AutoencError):
    """Training cannot start or continue."""


class ExportError(AutoencError):
    """An exported model is too far from the original, or cannot be made of it."""


class StoreError(AutoencError):
    """A vector store cannot do what was asked."""


class DiskFullError(StoreError):
    """There is not enough room on the disk that holds the store."""


class StoreNotFoundError(StoreError):
    """The store or the collection does not exist."""


class StoreLockedError(StoreError):
    """The store is open already, here or in another process."""


class StoreUnreachableError(StoreError):
    """No server answers at the URL, or it refuses the key."""


class StoreMismatchError(StoreError):
    """The store was made with another encoder, bundle, dimension or format version."""


class UnknownFieldError(StoreError):
    """A filter names a payload field that is not filterable."""


class PointNotFoundError(StoreError):
    """The store has no point with that id or path."""


class VectorError(StoreError):
    """A vector of the wrong shape, or with NaN or infinity in it."""


class BackupError(AutoencError):
    """A file is no backup of a store, or is damaged."""


class OutputError(AutoencError):
    """A result cannot be written to the requested place."""


class ArgumentError(AutoencError):
    """A value is not allowed."""


class MissingDependencyError(AutoencError):
    """An optional package is needed but not installed."""
